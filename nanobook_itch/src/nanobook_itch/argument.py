"""What a user asks of a feed, checked."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.errors import ValidationError, shown
from nanobook_itch.books import BOOK_TABLES, EVENT_TABLES
from nanobook_itch.time_of_day import END_OF_TIME, TimeOfDay, duration, nanoseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SYMBOL_LENGTH = 8
_DAY = 24 * 3600 * 10**9

#: Times of a grid; each has a row of each symbol.
_GRID_LENGTH = 10**6

_MOST_LEVELS = 1000


def whole(value: Any, name: str, least: int = -(2**63), most: int = 2**63 - 1) -> int:
    """Return a whole number.

    Raises:
        TypeError: it is none.
        ValidationError: it is out of bounds.

    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number, got {shown(value)}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name} is a whole number, got {shown(value)}")
    if not least <= number <= most:
        raise ValidationError(f"{name} is {least} to {most}, got {shown(value)}")
    return number


def _texts(values: str | Iterable[str], name: str) -> list[str]:
    try:
        texts = [values] if isinstance(values, str) else list(values)
    except TypeError:
        raise TypeError(f"{name} are a list of str, got {shown(values)}") from None
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} are str, got {shown(text)}")
    if not texts:
        raise ValidationError(f"no {name} are given: name one or more")
    return texts


def symbol_filter(symbols: str | Iterable[str] | None) -> frozenset[bytes] | None:
    """Return symbols as the feed has them; one alone may be given as it is, None means all.

    Raises:
        TypeError: one is not a str.
        ValidationError: one has not 1 to 8 characters of ASCII, or there are none.

    """
    if symbols is None:
        return None
    texts = _texts(symbols, "symbols")
    for text in texts:
        if not (1 <= len(text) <= _SYMBOL_LENGTH and all("!" <= letter <= "~" for letter in text)):
            raise ValidationError(
                f"a symbol is 1 to 8 characters of ASCII without spaces, got {shown(text)}"
            )
    return frozenset(text.encode() for text in texts)


def type_filter(types: str | Iterable[str] | None) -> frozenset[str] | None:
    """Return types of messages, `"AFE"` or a list; None means all.

    Raises:
        TypeError: one is not a str.
        ValidationError: ITCH 5.0 does not have it, or there are none.

    """
    if types is None:
        return None
    texts = [kind for text in _texts(types, "types") for kind in text]
    for kind in texts:
        if kind not in MESSAGES:
            raise ValidationError(f"types are of {''.join(MESSAGES)}, got {shown(kind)}")
    if not texts:
        raise ValidationError("no types are given; None means all of them")
    return frozenset(texts)


def table_filter(tables: str | Iterable[str]) -> frozenset[str]:
    """Return names of tables; one alone may be given as it is.

    Raises:
        TypeError: one is not a str.
        ValidationError: there is no such table, or none is given.

    """
    texts = _texts(tables, "tables")
    for name in texts:
        if name not in BOOK_TABLES + EVENT_TABLES:
            known = ", ".join(BOOK_TABLES + EVENT_TABLES)
            raise ValidationError(f"tables are of {known}; got {shown(name)}")
    return frozenset(texts)


def window(start: TimeOfDay | None, end: TimeOfDay | None) -> tuple[int, int]:
    """Return nanoseconds from which, and before which.

    Raises:
        TypeError, ValidationError: as of `nanoseconds`, and where the end is before the start.

    """
    first = 0 if start is None else nanoseconds(start, "start")
    last = END_OF_TIME if end is None else nanoseconds(end, "end")
    if last < first:
        raise ValidationError(f"end {shown(end)} is before start {shown(start)}")
    return first, last


def level_count(depth: int) -> int:
    """Return how many levels of a book are wanted, 1 to 1000."""
    return whole(depth, "depth", 1, _MOST_LEVELS)


def time_grid(
    every: TimeOfDay | None, grid: Any, start: int, end: int
) -> tuple[NDArray[np.int64] | None, bool]:
    """Return ascending times, and whether each is wanted even after the end of the feed.

    Raises:
        TypeError, ValidationError: both are given, times do not ascend, or there are too many.

    """
    if every is not None and grid is not None:
        raise ValidationError("every and grid are two ways to say the same: give one of them")
    if grid is not None:
        if isinstance(grid, str) or not isinstance(grid, Iterable):
            raise TypeError(f"grid is ascending times, got {shown(grid)}")
        times = [nanoseconds(time, "grid") for time in grid]
        if not times:
            raise ValidationError("grid has no times")
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValidationError("the times of a grid must ascend")
        if len(times) > _GRID_LENGTH:
            raise ValidationError(f"a grid has at most 1,000,000 times, got {len(times):,}")
        return np.array(times, np.int64), True
    if every is None:
        return None, False
    step = duration(every, "every")
    first, last = -(-start // step) * step, min(end, _DAY + 1)
    if (last - first) // step > _GRID_LENGTH:
        raise ValidationError(
            f"every {shown(every)} is more than 1,000,000 times from start to end; a whole number "
            'is nanoseconds, a text as "00:01" hours and minutes'
        )
    return np.arange(first, last, step, dtype=np.int64), False
