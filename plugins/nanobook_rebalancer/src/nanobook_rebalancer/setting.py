"""Values that people write in files, read into records or refused by their names."""

from __future__ import annotations

import datetime as dt
import difflib
import sys
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from nanobook_core.errors import ValidationError, shown
from nanobook_rebalancer.errors import InputError

#: Largest number that is read, a float's.
_LARGEST = Decimal(repr(sys.float_info.max))

Record = TypeVar("Record")
Reader = Callable[[Any], Any]


def by(read: Reader) -> dict[str, Reader]:
    """Return the metadata of a field whose value in a file is checked and converted by `read`."""
    return {"read": read}


def read_record(kind: type[Record], value: object, what: str) -> Record:
    """Return a table as a record; fields of it that are not there have their defaults.

    Raises:
        InputError: a key that is not known (with the nearest that is), one that is missing, or a
            value that its `read` refuses; its path begins with `what`.

    """
    try:
        record: Record = table(kind)(value)
    except (BaseValidationError, ValidationError) as error:
        path, message = min(_leaves(error, ""), key=lambda leaf: leaf[0])[1:]
        raise InputError(f"{what}: {path}" if path else what, message) from None
    return record


def table(kind: type) -> Reader:
    """Read a table into a record of that kind, no key of which is unknown."""

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError(f"a table, got {given(value)}")
        return _structure(kind)(value, kind)

    return read


def rows(kind: type) -> Reader:
    """Read a list of tables into records of that kind."""
    read_row = table(kind)

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValidationError(f"a list, got {given(value)}")
        found = []
        for index, row in enumerate(value):
            try:
                found.append(read_row(row))
            except (BaseValidationError, ValidationError) as error:
                error.add_note(IterableValidationNote("", index, kind))
                raise
        return tuple(found)

    return read


@cache
def _structure(kind: type) -> Callable[[Any, Any], Any]:
    fields = {field.name: _override(field) for field in attrs.fields(kind)}
    structure: Callable[[Any, Any], Any] = make_dict_structure_fn(
        kind,
        cattrs.Converter(),
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        **fields,
    )
    return structure


def _override(field: attrs.Attribute[Any]) -> Any:
    read = field.metadata.get("read")
    if read is None:
        return override(omit=True)
    return override(struct_hook=lambda value, _: read(value))


def _leaves(error: BaseException, path: str) -> Iterator[tuple[int, str, str]]:
    """Rank, path and message of each thing that is wrong."""
    for note in reversed(getattr(error, "__notes__", ())):  # the innermost comes first
        if isinstance(note, AttributeValidationNote):
            path = f"{path}.{note.name}" if path else note.name
        elif isinstance(note, IterableValidationNote):
            path = f"{path}[{note.index}]"
    match error:
        case BaseValidationError():
            for inner in error.exceptions:
                yield from _leaves(inner, path)
        case ForbiddenExtraKeysError():
            # First, because a key that is missing is most often one that is misspelt.
            known = [field.name for field in attrs.fields(error.cl) if "read" in field.metadata]
            for key in sorted(error.extra_fields, key=str):
                name = str(key) if key and str(key).isprintable() else f"{key!a}"
                yield 0, f"{path}.{name:.80}" if path else f"{name:.80}", unknown(key, known)
        case KeyError():
            yield 1, path, "missing, and there is no default"
        case _:
            yield 2, path, str(error)


def unknown(key: object, known: Collection[str]) -> str:
    """Say that a key is not known, and which one may have been meant."""
    near = difflib.get_close_matches(str(key)[:80], known, 1)
    meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown key; {meant}"


def given(value: object) -> str:
    """Show what was given, abridged; an exact number as it was written."""
    return f"{value!s:.40}" if isinstance(value, Decimal) else shown(value)


def integer(words: str, low: int, high: int) -> Reader:
    """Read a whole number within limits."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(f"{words}, a whole number; got {given(value)}")
        if not low <= value <= high:
            raise ValidationError(f"{words}, got {given(value)}")
        return value

    return read


def number(
    words: str, *, low: int | None = None, above: int | None = None, high: int | None = None
) -> Reader:
    """Read a number, exactly as it is written, within limits: from `low` or above it, to `high`."""

    def read(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValidationError(f"{words}, a number; got {given(value)}")
        found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not (
            found.is_finite()
            and found.copy_abs() <= _LARGEST
            and (low is None or found >= low)
            and (above is None or found > above)
            and (high is None or found <= high)
        ):
            raise ValidationError(f"{words}, got {given(value)}")
        return found

    return read


def text(words: str, *, is_any: bool = False) -> Reader:
    """Read a string: any, or one that can be printed and is not blank."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(f"{words}, a string; got {given(value)}")
        if not is_any and not (value.strip() and value.isprintable()):
            raise ValidationError(f"{words}, got {given(value)}")
        return value

    return read


def flag(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValidationError(f"true or false, got {given(value)}")
    return value


def day(value: Any) -> dt.date:
    """Read a date, as TOML writes it: `2026-03-01`."""
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ValidationError(f"a date like 2026-03-01, got {given(value)}")
    return value


def choice(*allowed: str) -> Reader:
    """Read one of some words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValidationError(f"{' or '.join(map(repr, allowed))}, got {given(value)}")
        return value

    return read
