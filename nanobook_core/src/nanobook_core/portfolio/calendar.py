"""Tables on the periods and symbols of one run."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.date_column import unknown
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

    Tables with the same symbols, and a row of weights for each of prices, are not copied. A row of
    weights that has no dates and is partly NaN or infinite is left for the simulation to refuse.

    Raises:
        TypeError: weights that are not floats or ints.
        ValidationError: a date of weights that is not one of prices, different numbers of rows
            where one of them has no dates, a row with a date that is partly NaN, or infinite.

    """
    if weights.values.dtype == object:
        raise TypeError("weights are floats or ints, got Decimals; make floats of them")
    targets = weights.values.astype(np.float64, copy=False)
    if weights.dates is not None:
        _check_rows(targets, weights.symbols, weights.dates)
    symbols = tuple(dict.fromkeys(prices.symbols + weights.symbols))
    rows = _rows(weights, prices.dates, len(prices.values), "weights", _of_zones(weights, prices))
    if rows is not None or weights.symbols != symbols:
        table = np.full((len(prices.values), len(symbols)), np.nan)
        where = np.arange(len(targets)) if rows is None else rows
        table[where[~np.isnan(targets).all(axis=1)]] = 0.0
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
    known = frozenset(symbols)
    for symbol in table.symbols:
        if symbol not in known:
            raise ValidationError(f"{noun}: {symbol!r} is not among the symbols of the prices")
    rows = _rows(table, dates, n_periods, noun)
    if rows is None and table.symbols == symbols:
        return table.values
    values = _absent(table.values.dtype, (n_periods, len(symbols)))
    where = np.arange(n_periods) if rows is None else rows
    values[np.ix_(where, _columns(table.symbols, symbols))] = table.values
    return values


def _rows(
    table: Table,
    dates: NDArray[np.datetime64] | None,
    n_periods: int,
    noun: str,
    hint: str = "",
) -> NDArray[np.intp] | None:
    """Periods of the table's rows; None if they are all of them in turn."""
    if table.dates is not None and dates is None:
        raise ValidationError(
            f"{noun} have dates and the prices have none: give the prices theirs, "
            f"or leave out those of the {noun}"
        )
    if table.dates is None or dates is None:
        if len(table.values) != n_periods:
            raise ValidationError(
                f"{noun} and prices have one row a period each, unless both have dates; "
                f"got {len(table.values)} and {n_periods} rows"
            )
        return None
    # Midnights of a zone are its dates among days, and moments among moments.
    when = table.dates if table.utc is None or dates.dtype == "M8[D]" else table.utc
    rows = np.searchsorted(dates, when)
    is_there = dates[np.minimum(rows, len(dates) - 1)] == when if len(dates) else rows < 0
    if not is_there.all():
        raise ValidationError(f"{noun}: {unknown(when[~is_there][0], dates)}{hint}")
    return None if len(rows) == n_periods else rows


def _of_zones(weights: Table, prices: Table) -> str:
    if (weights.utc is None) == (prices.utc is None):
        return ""
    has, lacks = ("prices", "weights") if weights.utc is None else ("weights", "prices")
    return (
        f". Dates of {has} have a time zone, in which midnights are dates and other times become "
        f"UTC; those of {lacks} have none: give both the same"
    )


def _check_rows(
    weights: NDArray[np.float64], symbols: tuple[str, ...], dates: NDArray[np.datetime64]
) -> None:
    is_finite = np.isfinite(weights)
    if is_finite.all():
        return
    is_hold = np.isnan(weights).all(axis=1, keepdims=True)
    is_wrong = ~(is_finite | is_hold)
    if is_wrong.any():
        row, column = np.argwhere(is_wrong)[0].tolist()
        raise ValidationError(
            f"weights: {dates[row]}, symbol {symbols[column]!r}: weight {weights[row, column]} is "
            "not finite. Give 0 to sell; only a row all NaN has a meaning: hold."
        )


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
