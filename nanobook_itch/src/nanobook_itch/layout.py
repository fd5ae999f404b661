"""The messages and tables of ITCH 5.0 as numpy has them, made from the contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nanobook_core.contracts.itch_message import MESSAGES, ItchMessage
from nanobook_core.contracts.itch_table import FAMILIES, INDEX
from nanobook_core.errors import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table: TypeAlias = NDArray[np.void]

LARGEST = 2**63 - 1
"""Of an amount."""


def table_dtype(columns: Iterable[tuple[Any, ...]]) -> np.dtype[np.void]:
    """Return the type of a table with these columns, as the kernels lay them out in memory."""
    return np.dtype(list(columns), align=True)


def table_of(rows: Sequence[tuple[Any, ...]], dtype: np.dtype[np.void]) -> Table:
    """Return a table of rows; the bytes between its columns are 0."""
    table = np.zeros(len(rows), dtype)
    table[:] = list(rows)  # a tuple would be taken for one row
    return table


#: The tables of `FAMILIES`.
TABLES: Mapping[str, np.dtype[np.void]] = {
    name: table_dtype(columns) for name, columns in FAMILIES.items()
}

INDEX_TABLE = table_dtype(INDEX)


def _wire(message: ItchMessage) -> np.dtype[np.void]:
    names, formats, offsets = ["size", "type"], [">u2", "S1"], [0, 2]
    for field in message.fields:
        at = 2 + field.offset
        if field.name == "timestamp":  # six bytes, for which numpy has no number
            names += ["timestamp_high", "timestamp_low"]
            formats += [">u2", ">u4"]
            offsets += [at, at + 2]
        else:
            names.append(field.name)
            formats.append(f"S{field.length}" if field.is_text else f">u{field.length}")
            offsets.append(at)
    return np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": 2 + message.length}
    )


#: Of each type, its bytes with the length before them. The time is 2^32 `timestamp_high` +
#: `timestamp_low`.
WIRE: Mapping[str, np.dtype[np.void]] = {kind: _wire(each) for kind, each in MESSAGES.items()}

#: Of each type, the fields of eight bytes that may not be 2^63 or more, for they are signed in
#: memory.
AMOUNTS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(
        field.name
        for field in message.fields
        if field.length == 8  # noqa: PLR2004 - bytes
        and not field.is_text
        and TABLES[message.family][field.name].kind == "i"
    )
    for kind, message in MESSAGES.items()
}

#: Types that have a side, and the codes that it may have.
SIDED = frozenset("AFP")
SIDES = (b"B", b"S")


def bytes_of(data: Any) -> memoryview:
    """Return the bytes of a buffer without copying them.

    Raises:
        TypeError: it has no contiguous bytes.

    """
    try:
        return np.frombuffer(data, np.uint8).data
    except (BufferError, ValueError) as error:
        raise TypeError(f"data must have contiguous bytes, not {shown(data)}: {error}") from None


def wanted_symbols(symbols: Iterable[bytes]) -> frozenset[bytes]:
    """Return those that a message can have, without the spaces and zeros on their right."""
    names = {symbol.rstrip(b" \0") for symbol in symbols}
    return frozenset(name for name in names if len(name) <= 8)  # noqa: PLR2004 - bytes


def trimmed(text: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """Return text without the spaces on its right; bytes of 0 there stay, and the spaces before."""
    width = text.dtype.itemsize
    letters = np.ascontiguousarray(text).view(np.uint8).reshape(-1, width).copy()
    blank = np.ones(len(letters), bool)
    for place in reversed(range(width)):
        blank &= letters[:, place] == ord(" ")
        letters[blank, place] = 0
    return letters.view(text.dtype)[:, 0]


def padded(text: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """Return text with spaces on its right up to its width."""
    width = text.dtype.itemsize
    letters = np.ascontiguousarray(text).view(np.uint8).reshape(-1, width).copy()
    missing = np.ones(len(letters), bool)
    for place in reversed(range(width)):
        missing &= letters[:, place] == 0
        letters[missing, place] = ord(" ")
    return letters.view(text.dtype)[:, 0]
