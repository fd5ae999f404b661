"""Schedules of (symbol, value) pairs, as tables."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import inf, isfinite
from typing import Any, Literal

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import INT64_MAX, check_symbol

__all__ = ["schedule_to_dense"]


def schedule_to_dense(
    schedule: Sequence[Any], values: Literal["weight", "price"], /
) -> tuple[tuple[str, ...], NDArray[np.float64] | NDArray[np.int64]]:
    """Symbols in order of first appearance, and a new table of shape `(n_periods, n_symbols)`.

    `schedule` is a list or tuple with one row a period. A row is a list or tuple of `(symbol,
    value)` pairs, themselves tuples or lists, or a mapping from symbol to value. An empty row gives
    a row of zeros; an empty schedule a table of shape `(0, 0)`. The table is C-contiguous.

    With `values="weight"` a value is an int, a float or a real numpy scalar; the table is float64,
    0.0 where a symbol is absent, and NaN all along a row that is `None`, which means "hold". With
    `values="price"` a value is an int or a numpy integer from 1 to 2^63-1; the table is int64, and
    0 where a symbol is absent.

    Raises, for the first fault in reading order, naming period (from 0), symbol and value:
        TypeError: a schedule, row, pair, symbol or value of another type, bools included, a pair
            that does not have two elements, or `None` among prices.
        ValidationError: a weight that is not finite, a price below 1, a symbol twice in one row, a
            symbol that is not of at most 8 ASCII bytes, or `values` that is neither of the two.
        OverflowError: a price above 2^63-1.

    Runtime complexity: O(n_pairs + n_periods * n_symbols).
    """
    if not isinstance(values, str) or values not in _CELLS:
        raise ValidationError(f"values is 'weight' or 'price', got {shown(values)}")
    if not isinstance(schedule, list | tuple):
        raise TypeError(f"a schedule is a list or tuple of rows, got {shown(schedule)}")
    return _dense(schedule, _CELLS[values])


def amounts_to_dense(schedule: Sequence[Any]) -> tuple[tuple[str, ...], NDArray[Any]]:
    """Symbols and prices, as `schedule_to_dense`, as they are given: ints, floats and Decimals.

    The table is of objects, None where a symbol is absent. A price is finite and above 0.
    """
    return _dense(schedule, _AMOUNT)


def _dense(schedule: Sequence[Any], cell: _Cell) -> tuple[tuple[str, ...], NDArray[Any]]:
    columns: dict[str, int] = {}
    rows = [_read(row, period, cell, columns) for period, row in enumerate(schedule)]
    table: NDArray[Any] = np.full((len(rows), len(columns)), cell.absent, cell.dtype)
    for line, row in zip(table, rows, strict=True):
        if row is None:
            line[:] = np.nan
        else:
            where, what = row
            line[where] = what
    return tuple(columns), table


@frozen(kw_only=True)
class _Cell:
    """What a value of a schedule may be."""

    noun: str
    dtype: type[np.float64 | np.int64 | np.object_]
    absent: float | None = 0
    exact: type[float]
    """A value of this very type between `low` and `high` is taken as it is; any other is read."""
    low: float
    high: float
    read: Callable[[object, int, str], Any]


def _read(
    row: object, period: int, cell: _Cell, columns: dict[str, int]
) -> tuple[NDArray[np.intp], NDArray[Any]] | None:
    """Columns and values of one row, None for a row to hold; new symbols are added to `columns`."""
    if row is None and cell.dtype is np.float64:
        return None
    if isinstance(row, Mapping):
        row = row.items()
    elif not isinstance(row, list | tuple):
        hold = ", or None to hold" if cell.dtype is np.float64 else ""
        raise TypeError(
            f"period {period}: a row is a list or tuple of (symbol, {cell.noun}) pairs, or a "
            f"mapping{hold}; got {shown(row)}"
        )
    exact, low, high = cell.exact, cell.low, cell.high
    cells: dict[int, Any] = {}
    for pair in row:
        is_pair = type(pair) is tuple or isinstance(pair, tuple | list)
        if not is_pair or len(pair) != 2:  # noqa: PLR2004 - what makes it a pair
            raise TypeError(
                f"period {period}: a pair is a tuple or list (symbol, {cell.noun}), "
                f"got {shown(pair)}{_ARRAY if isinstance(pair, int | float | np.number) else ''}"
            )
        symbol, value = pair
        column = columns.get(symbol) if type(symbol) is str else None
        if column is None:
            symbol = _checked(symbol, period)
            column = columns.setdefault(symbol, len(columns))
        if type(value) is not exact or not low <= value <= high:
            value = cell.read(value, period, symbol)
        if column in cells:
            raise ValidationError(
                f"period {period}: {symbol!r} is there twice, with {shown(cells[column])} and "
                f"{shown(value)}. Give every symbol once."
            )
        cells[column] = value
    return (
        np.fromiter(cells, np.intp, len(cells)),
        np.fromiter(cells.values(), cell.dtype, len(cells)),
    )


def _checked(symbol: object, period: int) -> str:
    """The symbol as a plain `str`."""
    try:
        return check_symbol(symbol)
    except TypeError as error:
        raise TypeError(f"period {period}: {error}") from None
    except ValueError as error:
        raise ValidationError(f"period {period}: {error}") from None


def _weight(value: object, period: int, symbol: str) -> float:
    # numpy counts time spans among its integers.
    if isinstance(value, bool | np.timedelta64) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise TypeError(
            f"period {period}, symbol {symbol!r}: a weight is an int, a float or a real numpy "
            f"scalar, got {shown(value)}"
        )
    try:
        weight = float(value)
    except OverflowError:
        weight = inf
    if not isfinite(weight):
        raise ValidationError(
            f"period {period}, symbol {symbol!r}: weight {shown(value)} is not a finite float. "
            "Leave the symbol out to hold none of it, or give None as the row to trade nothing."
        )
    return weight


def _price(value: object, period: int, symbol: str) -> int:
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | np.integer):
        raise TypeError(
            f"period {period}, symbol {symbol!r}: a price is an int or a numpy integer, in whole "
            f"units of money, got {shown(value)}. Scale and round it first, or give "
            "`simulate` a price_unit."
        )
    price = operator.index(value)
    if price < 1:
        raise ValidationError(
            f"period {period}, symbol {symbol!r}: price {shown(value)} is below 1. "
            "Leave the symbol out where it has no price."
        )
    if price > INT64_MAX:
        raise OverflowError(
            f"period {period}, symbol {symbol!r}: price {shown(value)} is above {INT64_MAX}, "
            "the highest. Use a coarser unit of money."
        )
    return price


def _amount(value: object, period: int, symbol: str) -> Any:
    if isinstance(value, bool | np.timedelta64) or not isinstance(
        value, int | float | Decimal | np.integer | np.floating
    ):
        raise TypeError(
            f"period {period}, symbol {symbol!r}: a price is an int, a float, a Decimal or a real "
            f"numpy scalar, got {shown(value)}"
        )
    is_number = not value.is_nan() if isinstance(value, Decimal) else True
    if not (is_number and 0 < value < inf):
        raise ValidationError(
            f"period {period}, symbol {symbol!r}: price {shown(value)} is not a finite number "
            "above 0. Leave the symbol out where it has no price."
        )
    return value


_ARRAY = ". `simulate` takes rows of numbers as an array, np.asarray(…), with symbols="
_CELLS = {
    "weight": _Cell(
        noun="weight",
        dtype=np.float64,
        exact=float,
        low=-sys.float_info.max,
        high=sys.float_info.max,
        read=_weight,
    ),
    "price": _Cell(noun="price", dtype=np.int64, exact=int, low=1, high=INT64_MAX, read=_price),
}
_AMOUNT = _Cell(
    noun="price",
    dtype=np.object_,
    absent=None,
    exact=float,
    low=sys.float_info.min,
    high=sys.float_info.max,
    read=_amount,
)
