"""Bars: the prices between two closes, and what they have to be."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.calendar import Aligned
from nanobook_core.portfolio.date_column import named


@frozen(kw_only=True)
class Bar:
    """One period of all symbols; arrays of shape `(n_symbols,)`, 0 where there is no price."""

    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]

    def true_range(self, last: NDArray[np.int64]) -> NDArray[np.int64]:
        """How far prices have moved, from the last one before the bar on."""
        ranges: NDArray[np.int64] = np.maximum(self.high, last) - np.minimum(self.low, last)
        return ranges


@frozen(kw_only=True)
class BarTable:
    """Bars of a run, in price units; tables of shape `(n_periods, n_symbols)`, 0 where absent."""

    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]

    def at(self, period: int) -> Bar:
        """Return the bars of one period."""
        return Bar(open=self.open[period], high=self.high[period], low=self.low[period])


def check_bars(
    table: BarTable, closes: NDArray[np.int64], run: Aligned, price_unit: Decimal | None
) -> None:
    """Refuse bars that cannot be.

    Raises, naming period, symbol and values:
        ValidationError: a bar without one of its prices, a low above open or close, or a high below
            one of them.

    """
    prices = {"open": table.open, "high": table.high, "low": table.low, "close": closes}
    is_there = np.stack([price > 0 for price in prices.values()])
    for is_wrong, what in (
        (
            is_there.any(axis=0) & ~is_there.all(axis=0),
            "a bar has all four prices or none. Give what is missing, or leave out the rest.",
        ),
        (table.low > np.minimum(table.open, closes), "the low is above the open or the close"),
        (table.high < np.maximum(table.open, closes), "the high is below the open or the close"),
    ):
        if is_wrong.any():
            period, column = np.argwhere(is_wrong)[0].tolist()
            values = ", ".join(
                f"{name} {_shown(int(price[period, column]), price_unit)}"
                for name, price in prices.items()
            )
            raise ValidationError(
                f"{named(period, run.dates)}, symbol {run.symbols[column]!r}: {values}: {what}"
            )


def _shown(price: int, price_unit: Decimal | None) -> str:
    """Return a price as it was given, but for its rounding to units."""
    if price == 0:
        return "absent"
    return str(price if price_unit is None else price * price_unit)
