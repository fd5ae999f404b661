"""Tables of weights and prices: what is refused, and what holdings are valued at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown


def check_tables(
    weights: NDArray[np.float64], prices: NDArray[np.int64], symbols: Sequence[str]
) -> NDArray[np.bool_]:
    """Which rows of weights hold, all NaN; shape `(n_periods,)`.

    Raises:
        TypeError: a table of another dtype.
        ValidationError: tables of another shape, symbols that repeat, a weight or price that means
            nothing.

    """
    for name, table, dtype in (("weights", weights, np.float64), ("prices", prices, np.int64)):
        if not isinstance(table, np.ndarray) or table.dtype != dtype:
            given = table.dtype if isinstance(table, np.ndarray) else type(table).__name__
            raise TypeError(f"{name} is an array of {np.dtype(dtype)}, got one of {given}")
    if len(set(symbols)) != len(symbols):
        raise ValidationError(f"symbols must differ from one another, got {shown(symbols)}")
    if not weights.shape == prices.shape == (len(prices), len(symbols)):
        raise ValidationError(
            f"weights and prices have shape (n_periods, {len(symbols)}), one column a symbol; "
            f"got {weights.shape} and {prices.shape}"
        )
    holds: NDArray[np.bool_] = np.logical_and.reduce(np.isnan(weights), axis=1)
    _check_cells(weights, prices, symbols, holds)
    return holds


def _check_cells(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    symbols: Sequence[str],
    holds: NDArray[np.bool_],
) -> None:
    targets = np.where(holds[:, None], 0.0, weights)
    is_known = np.logical_or.accumulate(prices > 0, axis=0)
    for is_wrong, table, fault in (
        (prices < 0, prices, "price {} is negative. Give 0 where there is none."),
        (
            ~np.isfinite(targets),
            weights,
            "weight {} is not finite. Only a row all NaN has a meaning: hold.",
        ),
        (
            (targets != 0.0) & ~is_known,
            weights,
            "weight {} for a symbol that has had no price yet. Give a price, or weight 0.",
        ),
    ):
        if is_wrong.any():
            period, column = np.argwhere(is_wrong)[0].tolist()
            what = fault.format(table[period, column])
            raise ValidationError(f"period {period}, symbol {symbols[column]!r}: {what}")


def carried(
    prices: NDArray[np.int64], splits: Mapping[int, Mapping[int, Fraction]]
) -> NDArray[np.int64]:
    """Prices with the last one carried into gaps; 0 before the first.

    A split on the way divides what is carried on, rounded to a whole unit, halves to even, and at
    least 1.
    """
    if (prices > 0).all():
        return prices
    source = np.where(prices > 0, np.arange(len(prices))[:, None], 0)
    marks: NDArray[Any] = np.take_along_axis(prices, np.maximum.accumulate(source, axis=0), axis=0)
    for period in sorted(splits):
        for column, ratio in splits[period].items():
            if marks[period, column] and not prices[period, column]:
                gap = (prices[period:, column] > 0).argmax() or len(prices) - period
                split = max(round(Fraction(int(marks[period, column])) / ratio), 1)
                marks[period : period + gap, column] = split
    return marks
