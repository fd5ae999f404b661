"""Tables that people have: frames, arrays, mappings of columns, lists of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.plugin.registry import default_registry
from nanobook_core.portfolio.column import (
    INDEX,
    check_index,
    numbers,
    read_columns,
    stacked,
    to_int64,
)
from nanobook_core.portfolio.date_column import (
    check_rising,
    check_sorted,
    date_column,
    read_dates,
)
from nanobook_core.portfolio.schedule import amounts_to_dense

_SYMBOL = ("symbol", "ticker")
#: Nouns of tables in which 0 is a value as any other, and not one that is absent.
_ZERO_COUNTS = ("weights", "returns")


class Labelled(Protocol):
    """Values by label, as a series of pandas has them."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the values by label."""

    def __len__(self) -> int:
        """Return how many there are."""


@frozen(kw_only=True)
class Table:
    """Values by period and symbol."""

    symbols: tuple[str, ...]
    """In order of first appearance, one a column."""
    dates: NDArray[np.datetime64] | None
    """Rising, one a row; None where the rows have none."""
    utc: NDArray[np.datetime64] | None = None
    """The same in UTC, where the dates came with a time zone."""
    values: NDArray[Any]
    """Of shape `(n_periods, n_symbols)`: float64, int64, or Decimals (object).

    What is absent is NaN or None, and 0 where the table is int64. In weights, what was left out of
    a row that is there is 0.
    """
    is_long: bool = False
    """Whether it came with a row a value: symbol, date and value."""


def read_table(
    data: Any,
    noun: str,
    *,
    symbols: Sequence[str] | None = None,
    is_whole: bool = True,
) -> Table:
    """Read a frame, wide or long, a mapping of columns, an array with `symbols`, or lists of pairs.

    `noun` names the table in messages; "weights" and "returns" are read as such, all else as
    prices. These are ints in lists of pairs, unless `is_whole` is False.

    A frame is long if it has a column `symbol` or `ticker`, with one of dates and one of values
    beside it. Else each column but that of dates is a symbol. Dates are the index of pandas, if it
    is one of dates, or the only column of dates; strings in the index, in a first column, or in one
    called `date`, `time`, `timestamp` or `datetime` are read as ISO dates. Times with a zone become
    those of UTC, or, where all are midnights of their zone, its dates. An array of float64 or int64
    is not copied.

    Nulls and NaN are alike. A column of ints stays one with nulls in it, except in weights.

    Raises:
        TypeError: something else, or values that are no numbers.
        ValidationError: an array without symbols or of another shape, dates that are missing, are
            numbers or do not rise, an index of numbers that does not count rows, a symbol that is
            empty or there twice, columns that fit neither form.
        OverflowError: an int beyond 64 bits.

    """
    if isinstance(data, np.ndarray):
        return _from_array(data, noun, symbols)
    if isinstance(data, list | tuple):
        return _from_lists(data, noun, is_whole=is_whole)
    columns = read_columns(data, noun)
    labels = [name for name in columns if name.lower() in _SYMBOL]
    dates = date_column(columns, labels, noun)
    if dates is None:
        check_index(data, noun)
    if labels:
        return _from_long(columns, labels[0], dates, noun)
    return _from_wide(columns, dates, noun)


def by_label(values: Any, noun: str) -> Any:
    """A series of pandas, and what else has `to_dict`, as a dict by label; all else as it is.

    Raises:
        ValidationError: a label is there twice.

    """
    if isinstance(values, Mapping) or not callable(getattr(values, "to_dict", None)):
        return values
    found = values.to_dict()
    if len(found) != len(values):
        raise ValidationError(f"{noun}: a label is there twice, got {shown(values)}")
    return found


def _from_array(data: NDArray[Any], noun: str, symbols: Sequence[str] | None) -> Table:
    if symbols is None:
        raise ValidationError(f"{noun}: an array needs symbols=, the names of its columns")
    names = _names(symbols, noun)
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError(f"{noun}: an array without a mask; fill it, floats with NaN")
    if data.dtype.kind not in "iuf":
        raise TypeError(f"{noun}: an array of floats or ints, got dtype {data.dtype}")
    if data.ndim != 2 or data.shape[1] != len(names):  # noqa: PLR2004 - rows and columns
        raise ValidationError(
            f"{noun}: shape (n_periods, {len(names)}), one column a symbol; got {data.shape}"
        )
    is_float = data.dtype.kind == "f"
    values = data.astype(np.float64, copy=False) if is_float else to_int64(data, noun)
    return Table(symbols=names, dates=None, values=values)


def _from_lists(data: Sequence[Any], noun: str, *, is_whole: bool) -> Table:
    if noun != "weights" and not is_whole:
        names, cells = amounts_to_dense(data)
        columns = [numbers(column, noun, name) for name, column in zip(names, cells.T, strict=True)]
        table = stacked(columns, len(cells), zero_is_absent=True)
        return Table(symbols=names, dates=None, values=table)
    kernel = default_registry().load("kernel", "schedule_to_dense")
    symbols, values = kernel(data, "weight" if noun == "weights" else "price")
    return Table(symbols=symbols, dates=None, values=values)


def _from_wide(columns: Mapping[str, NDArray[Any]], dates: str | None, noun: str) -> Table:
    others = [name for name in columns if name != dates]
    values = [numbers(columns[name], noun, name) for name in others]
    n_rows = len(next(iter(columns.values()), ()))
    when = utc = None
    if dates is not None:
        when, utc = read_dates(columns[dates], noun, dates)
        check_rising(when, noun)
    return Table(
        symbols=_names(others, noun),
        dates=when,
        utc=utc,
        values=stacked(values, n_rows, zero_is_absent=noun not in _ZERO_COUNTS),
    )


def _from_long(
    columns: Mapping[str, NDArray[Any]], label: str, dates: str | None, noun: str
) -> Table:
    others = [name for name in columns if name not in (label, dates)]
    if dates is None or len(others) != 1:
        hint = ""
        if dates is not None and others:
            wanted = [name for name in (dates, label, others[0]) if name != INDEX]
            hint = f". Take one of the values at a time: frame[{wanted}]"
        raise ValidationError(
            f"{noun}: beside {label!r} a long table has a column of dates and one of values; "
            f"got {', '.join(map(repr, columns))}{hint}"
        )
    values = [numbers(columns[others[0]], noun, others[0])]
    given = stacked(values, len(columns[label]), zero_is_absent=noun not in _ZERO_COUNTS)[:, 0]
    if noun == "returns":
        given = given.astype(np.float64)  # for NaN where there is none
    return _pivoted(columns[label].tolist(), *read_dates(columns[dates], noun, dates), given, noun)


def _pivoted(
    labels: list[Any],
    dates: NDArray[np.datetime64],
    utc: NDArray[np.datetime64] | None,
    values: NDArray[Any],
    noun: str,
) -> Table:
    symbols = _names(list(dict.fromkeys(labels)), noun)
    check_sorted(dates, noun)
    days, start, row = np.unique(dates, return_index=True, return_inverse=True)
    place = {symbol: column for column, symbol in enumerate(symbols)}
    column = np.array([place[label] for label in labels], np.intp)
    once, first = np.unique(row * len(symbols) + column, return_index=True)
    if len(once) != len(labels):
        twice = np.setdiff1d(np.arange(len(labels)), first)[0]
        raise ValidationError(f"{noun}: {labels[twice]!r} is there twice on {dates[twice]}")
    absent: dict[str, Any] = {"O": None, "i": 0, "f": 0.0 if noun == "weights" else np.nan}
    table = np.full((len(days), len(symbols)), absent[values.dtype.kind], values.dtype)
    table[row, column] = values
    return Table(
        symbols=symbols,
        dates=days,
        utc=None if utc is None else utc[start],
        values=table,
        is_long=True,
    )


def _names(symbols: Iterable[Any], noun: str) -> tuple[str, ...]:
    if isinstance(symbols, str | Iterator) or not isinstance(symbols, Iterable):
        raise TypeError(f"{noun}: symbols are a sequence of strings, got {shown(symbols)}")
    given = list(symbols)
    for symbol in given:
        if not isinstance(symbol, str):
            raise TypeError(f"{noun}: a symbol is a string, got {shown(symbol)}")
        if not symbol:
            raise ValidationError(f"{noun}: a symbol is empty")
    names = tuple(map(str, given))
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValidationError(f"{noun}: symbol {twice!r} is there twice")
    return names
