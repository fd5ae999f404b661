"""Tables on the periods and symbols of one run."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.table import Table


@frozen(kw_only=True)
class Aligned:
    """Weights and prices with the same rows and columns."""

    symbols: tuple[str, ...]
    """Those of the prices, then what weights have beside."""
    dates: NDArray[np.datetime64] | None
    weights: NDArray[np.float64]
    """A row all NaN trades nothing."""
    prices: NDArray[Any]
    """As they were given."""


def align(weights: Table, prices: Table) -> Aligned:
    """Put weights on the periods of the prices; a date without weights is a row that holds.

    In a long table of weights, a symbol that is not there on a date that is, has weight 0.

    Raises:
        TypeError: weights that are not floats or ints.
        ValidationError: a date of weights that is not one of prices, different numbers of rows
            where one of them has no dates.

    """
    if weights.values.dtype == object:
        raise TypeError("weights are floats, got a column of other numbers")
    targets = weights.values.astype(np.float64, copy=False)
    if weights.is_long:
        targets = np.where(np.isnan(targets), 0.0, targets)
    symbols = tuple(dict.fromkeys(prices.symbols + weights.symbols))
    rows = _rows(weights, prices.dates, len(prices.values), "weights")
    if rows is not None or weights.symbols != symbols:
        table = np.full((len(prices.values), len(symbols)), np.nan)
        where = np.arange(len(targets)) if rows is None else rows
        is_hold = np.isnan(targets).all(axis=1) & (not weights.is_long)
        table[where[~is_hold]] = 0.0
        table[np.ix_(where, _columns(weights.symbols, symbols))] = targets
        targets = table
    return Aligned(
        symbols=symbols,
        dates=prices.dates,
        weights=np.ascontiguousarray(targets),
        prices=_widened(prices.values, prices.symbols, symbols),
    )


def on_calendar(
    table: Table,
    symbols: tuple[str, ...],
    dates: NDArray[np.datetime64] | None,
    n_periods: int,
    noun: str,
) -> NDArray[Any]:
    """Values of any other table on a run's periods and symbols; the rest is absent.

    Raises:
        ValidationError: a date or symbol that the run does not have, or another number of rows
            where one of them has no dates.

    """
    if unknown := [symbol for symbol in table.symbols if symbol not in set(symbols)]:
        raise ValidationError(f"{noun}: {unknown[0]!r} is not among the symbols of the prices")
    rows = _rows(table, dates, n_periods, noun)
    if rows is None and table.symbols == symbols:
        return table.values
    values = _absent(table.values.dtype, (n_periods, len(symbols)))
    where = np.arange(n_periods) if rows is None else rows
    values[np.ix_(where, _columns(table.symbols, symbols))] = table.values
    return values


def _rows(
    table: Table, dates: NDArray[np.datetime64] | None, n_periods: int, noun: str
) -> NDArray[np.intp] | None:
    """Periods of the table's rows; None if they are all of them in turn."""
    if table.dates is None or dates is None:
        if len(table.values) != n_periods:
            raise ValidationError(
                f"{noun} and prices have one row a period each, unless both have dates; "
                f"got {len(table.values)} and {n_periods} rows"
            )
        return None
    rows = np.searchsorted(dates, table.dates)
    is_there = dates[np.minimum(rows, len(dates) - 1)] == table.dates if len(dates) else rows < 0
    if not is_there.all():
        first = int(np.flatnonzero(~is_there)[0])
        after = str(dates[rows[first]]) if rows[first] < len(dates) else "none"
        raise ValidationError(
            f"{noun}: {table.dates[first]} is not a date of the prices; the next one is {after}"
        )
    return None if len(rows) == n_periods else rows


def _columns(some: tuple[str, ...], symbols: tuple[str, ...]) -> NDArray[np.intp]:
    place = {symbol: column for column, symbol in enumerate(symbols)}
    return np.array([place[symbol] for symbol in some], np.intp)


def _widened(values: NDArray[Any], own: tuple[str, ...], symbols: tuple[str, ...]) -> NDArray[Any]:
    if own == symbols:
        return values
    table = _absent(values.dtype, (len(values), len(symbols)))
    table[:, : len(own)] = values
    return table


def _absent(dtype: np.dtype[Any], shape: tuple[int, int]) -> NDArray[Any]:
    if dtype.kind == "O":
        return np.full(shape, None, object)
    return np.zeros(shape, dtype) if dtype.kind in "iu" else np.full(shape, np.nan)
