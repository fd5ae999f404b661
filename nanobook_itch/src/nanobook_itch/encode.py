"""Messages and tables of ITCH 5.0 back to the bytes that they came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, SupportsIndex, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nanobook_core.contracts.itch import ItchDecoded
from nanobook_core.contracts.itch_message import MESSAGES, ItchField
from nanobook_core.errors import ValidationError, shown
from nanobook_itch.layout import (
    AMOUNTS,
    LARGEST,
    SIDED,
    SIDES,
    TABLES,
    WIRE,
    padded,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table

Value: TypeAlias = SupportsIndex | str | bytes


def encode_message(kind: str, /, **fields: Value) -> bytes:
    """Return one message, with the two bytes of its length before it.

    Every field of `MESSAGES[kind]` is given by its name, but `tracking`, which is 0 unless it is
    given. Units are those of the tables. Text is padded with spaces; a string is ASCII, bytes are
    anything.

    Raises:
        ValidationError: there is no such type or field, a field is missing, a text is longer than
            its field or not ASCII, or a side is neither B nor S.
        TypeError: a number is not a whole one (a bool is none), a text is neither string nor bytes.
        OverflowError: a number is negative or too large for its field, or an amount is 2^63 or
            more, which no table holds.

    """
    message = MESSAGES.get(kind)
    if message is None:
        raise ValidationError(f"a type is one of {' '.join(MESSAGES)}, got {shown(kind)}")
    given: dict[str, Value] = {"tracking": 0, **fields}
    names = [field.name for field in message.fields]
    missing = [name for name in names if name not in given]
    unknown = [name for name in given if name not in names]
    if missing or unknown:
        raise ValidationError(
            f"{kind} has the fields {', '.join(names)}; "
            f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        )
    body = [_field(kind, field, given[field.name]) for field in message.fields]
    return b"".join([message.length.to_bytes(2), kind.encode(), *body])


def encode(messages: ItchDecoded | Mapping[str, Table]) -> bytes:
    """Return the messages of tables by family, each with its length, in the order of `sequence`.

    So what `itch_decode` made of bytes without a problem, with no filter, becomes those bytes
    again, where their text was padded with spaces; the mark of a file's end is not among them.
    Columns that a type does not have (the symbol of an execution, say) are not looked at. O(n log
    n); empty where there are no messages.

    Raises:
        ValidationError: a family or type is not one of ITCH 5.0, a column is missing or of another
            kind, a side is neither B nor S, or two messages have the same `sequence`.
        OverflowError: a number is negative or too large for its field.

    """
    tables = messages.families if isinstance(messages, ItchDecoded) else messages
    parts = [part for family, table in tables.items() for part in _parts(family, table)]
    if not parts:
        return b""
    sequence = np.concatenate([rows for rows, _ in parts])
    sizes = np.concatenate([np.full(len(wire), wire.dtype.itemsize) for _, wire in parts])
    order = np.argsort(sequence, kind="stable")
    again = np.flatnonzero(np.diff(sequence[order]) == 0)
    if len(again):
        raise ValidationError(
            f"sequence {sequence[order][again[0]]} is that of two messages; each has its own, "
            "by which they are put in order"
        )
    ends = np.cumsum(sizes[order])
    begin = np.empty_like(ends)
    begin[order] = ends - sizes[order]
    letters = np.empty(ends[-1], np.uint8)
    done = 0
    for _, wire in parts:
        size = wire.dtype.itemsize
        windows = as_strided(letters, (len(letters) - size + 1, size), (1, 1))
        windows[begin[done : done + len(wire)]] = wire.view(np.uint8).reshape(-1, size)
        done += len(wire)
    return letters.tobytes()


def _field(kind: str, field: ItchField, value: Value) -> bytes:
    what = f"{field.name} of {kind}"
    if not field.is_text:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(f"{what} is a whole number, got {shown(value)}")
        number = int(value.__index__())
        most = _most(kind, field)
        if not 0 <= number <= most:
            raise OverflowError(f"{what} is 0 to {most}, got {shown(number)}")
        return number.to_bytes(field.length)
    if not isinstance(value, str | bytes):
        raise TypeError(f"{what} is a string or bytes, got {shown(value)}")
    if isinstance(value, str) and not value.isascii():
        raise ValidationError(f"{what} is ASCII, got {shown(value)}")
    text = value.encode() if isinstance(value, str) else value
    if len(text) > field.length:
        raise ValidationError(f"{what} has at most {field.length} bytes, got {shown(value)}")
    if field.name == "side" and kind in SIDED and text not in SIDES:
        raise ValidationError(f"{what} is B or S, got {shown(value)}")
    return text.ljust(field.length)


def _most(kind: str, field: ItchField) -> int:
    return LARGEST if field.name in AMOUNTS[kind] else int(256**field.length - 1)


def _parts(family: str, table: Table) -> list[tuple[NDArray[np.int64], Table]]:
    """Return the sequence and the messages on the wire of each type of a table."""
    if family not in TABLES:
        raise ValidationError(f"a family is one of {', '.join(TABLES)}, got {shown(family)}")
    for name, (dtype, *_) in (TABLES[family].fields or {}).items():
        found = table.dtype[name] if name in (table.dtype.names or ()) else None
        if found is None or (found != dtype and not np.can_cast(found, dtype, "safe")):
            raise ValidationError(f"column {name} of {family} is {dtype.str}, got {found}")
    kinds = [kind for kind, message in MESSAGES.items() if message.family == family]
    chosen = [table["type"] == kind.encode() for kind in kinds]
    other = np.flatnonzero(~np.logical_or.reduce(chosen))
    if len(other):
        found = table["type"][other[0]].item()
        raise ValidationError(f"a type of {family} is one of {' '.join(kinds)}, got {found!r}")
    return [
        (rows["sequence"].astype(np.int64), _wire(kind, rows))
        for kind, here in zip(kinds, chosen, strict=True)
        if len(rows := table[here])
    ]


def _wire(kind: str, rows: Table) -> Table:
    wire = np.zeros(len(rows), WIRE[kind])
    wire["size"], wire["type"] = MESSAGES[kind].length, kind.encode()
    for field in MESSAGES[kind].fields:
        column = rows[field.name]
        if field.is_text:
            if (
                field.name == "side"
                and kind in SIDED
                and (odd := rows[~np.isin(column, SIDES)]).size
            ):
                raise ValidationError(_told(kind, field, odd[0], "B or S"))
            wire[field.name] = padded(column.astype(f"S{field.length}"))
            continue
        most = _most(kind, field)
        if (odd := rows[(column < 0) | (column > most)]).size:
            raise OverflowError(_told(kind, field, odd[0], f"0 to {most}"))
        if field.name == "timestamp":
            time = column.astype(np.int64)
            wire["timestamp_high"], wire["timestamp_low"] = time >> 32, time & 0xFFFF_FFFF
        else:
            wire[field.name] = column
    return wire


def _told(kind: str, field: ItchField, row: np.void, allowed: str) -> str:
    found = f"{row[field.name].item()!r} at sequence {row['sequence']}"
    return f"{field.name} of {kind} is {allowed}, got {found}"
