"""Tables of weights and prices: what is refused, and what holdings are valued at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import INT64_MAX

_BASIS_POINT = Fraction(1, 10_000)


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
    prices: NDArray[np.int64],
    splits: Mapping[int, Mapping[int, Fraction]],
    symbols: Sequence[str],
) -> NDArray[np.int64]:
    """Prices with the last one carried into gaps; 0 before the first.

    A split on the way divides what is carried on, rounded to a whole unit, halves to even.

    Raises, naming period, symbol, price and ratio:
        ValidationError: a price that this rounding moves by more than a basis point.
        OverflowError: one beyond 2^63-1.

    """
    if (prices > 0).all():
        return prices
    source = np.where(prices > 0, np.arange(len(prices))[:, None], 0)
    marks: NDArray[Any] = np.take_along_axis(prices, np.maximum.accumulate(source, axis=0), axis=0)
    for period in sorted(splits):
        for column, ratio in splits[period].items():
            if marks[period, column] and not prices[period, column]:
                gap = (prices[period:, column] > 0).argmax() or len(prices) - period
                last = int(marks[period, column])
                split = in_new_shares(last, ratio, period, symbols[column])
                if abs(split - last / ratio) > _BASIS_POINT * last / ratio:
                    raise ValidationError(
                        f"period {period}, symbol {symbols[column]!r}: it has no price, and the "
                        f"last one, {last}, over its split of {ratio} would be rounded to {split}. "
                        "Give the price of that period, or a finer price_unit"
                    )
                marks[period : period + gap, column] = split
    return marks


def in_new_shares(price: int, ratio: Fraction, period: int, symbol: str) -> int:
    """Price over the ratio of a split, rounded to whole units, halves to even, and at least 1.

    Raises:
        OverflowError: it is beyond 2^63-1.

    """
    new = max(round(price / ratio), 1)
    if new > INT64_MAX:
        raise OverflowError(
            f"period {period}, symbol {symbol!r}: {price} over a split of {ratio} is a price "
            "beyond 2^63-1. Use a coarser price_unit"
        )
    return new
