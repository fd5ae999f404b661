"""The record of a simulation: what was held, traded, cut and paid, period by period."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import cmp_using, field, frozen
from numpy.typing import NDArray

#: Why something was traded: the target weights, a stop, or the end of a listing.
TRADE_REASONS = ("rebalance", "fixed", "trailing", "atr", "delisted")

#: Why something that the target weights asked for was not traded. Or that it was a stop, or a rest
#: of one: the weights did not ask for it, and it is tested again.
CUT_REASONS = (
    "no_price",
    "delisted",
    "leverage",
    "band",
    "min_order_value",
    "max_order_value",
    "max_trades",
    "max_turnover",
    "cash",
    "unfilled",
    "stopped",
    "ruined",
    "last_period",
    "stop_unfilled",
    "risk",
    "refused",
)

#: One row a fill, by period; `column` is that of the symbol, `reason` an index of TRADE_REASONS,
#: `price` in money units a lot, `cost` in money units, `quantity` signed.
TRADES = np.dtype(
    [
        ("period", np.int64),
        ("column", np.int64),
        ("quantity", np.int64),
        ("price", np.int64),
        ("cost", np.int64),
        ("reason", np.uint8),
    ]
)

#: One row for each reason and order, by period; `quantity` is what was not traded, signed as it was
#: wanted, `reason` an index of CUT_REASONS.
CUTS = np.dtype(
    [("period", np.int64), ("column", np.int64), ("quantity", np.int64), ("reason", np.uint8)]
)

#: One row a stop that has closed its position; `reason` as in TRADES. A fill model may do that in
#: parts, over periods: `quantity` is what was traded for them all, signed, in lots of the last,
#: `exit_price` their mean price by lots, truncated.
STOPS = np.dtype(
    [
        ("period", np.int64),
        ("column", np.int64),
        ("level", np.int64),
        ("exit_price", np.int64),
        ("reason", np.uint8),
        ("quantity", np.int64),
    ]
)

#: Money that moved without a trade, in the account's favour where positive.
FLOWS = ("deposits", "dividends", "interest", "borrow_fees", "in_lieu")


def _same(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return np.array_equal(first, second)


_table: Any = field(eq=cmp_using(eq=_same))


@frozen(kw_only=True)
class Simulation:
    """What a simulation gave. Money is int64 where all of it fits, else Python ints (object)."""

    symbols: tuple[str, ...]
    """Names of the columns of all tables."""
    equity: NDArray[Any] = _table
    """At the start and at the end of each period, shape `(n_periods + 1,)`."""
    cash: NDArray[Any] = _table
    """At the end of each period, shape `(n_periods,)`."""
    returns: NDArray[np.float64] = _table
    """Change of equity over equity before and deposits; 0.0 where that is not positive."""
    quantities: NDArray[np.int64] = _table
    """Held at the end of each period, signed, in lots; shape `(n_periods, n_symbols)`."""
    prices: NDArray[np.int64] = _table
    """As they were given, 0 where there was none; same shape."""
    marks: NDArray[np.int64] = _table
    """What holdings were valued at at the end of each period; same shape, 0 before any price."""
    stops: NDArray[Any] = _table
    """Of dtype STOPS."""
    flows: dict[str, tuple[int, ...]]
    """Of FLOWS those that there were, an amount a period."""
    ruined_at: int | None
    """First period in which equity was 0 or less; from there on nothing was traded."""
    splits: dict[int, dict[int, Any]] = field(factory=dict)
    """New shares for one old share, a Fraction, by period and column."""
    symbol_flows: dict[int, dict[int, int]] = field(factory=dict)
    """Dividends, borrow fees and cash in lieu together, by period and column, where not 0."""
    _trades: NDArray[Any] | None = field(default=None, alias="trades", eq=False, repr=False)
    _cuts: NDArray[Any] | None = field(default=None, alias="cuts", eq=False, repr=False)
    _derive: Callable[[], tuple[NDArray[Any], NDArray[Any]]] | None = field(
        default=None, alias="derive", eq=False, repr=False
    )
    """Finds trades and cuts where they were not recorded on the way."""

    @property
    def trades(self) -> NDArray[Any]:
        """All fills, of dtype TRADES."""
        return self._records()[0]

    @property
    def cuts(self) -> NDArray[Any]:
        """Of dtype CUTS. What weights asked for is what was traded for them and what was cut.

        Where orders are filled in the next period, those that a stop replaces and those of the last
        period are cut in the period that decided them, and those that cannot be filled in the one
        that would have. Rows of `stop_unfilled` are not of weights.
        """
        return self._records()[1]

    def _records(self) -> tuple[NDArray[Any], NDArray[Any]]:
        if self._trades is None or self._cuts is None:
            if self._derive is None:
                raise ValueError("a simulation is given its trades and cuts, or how to find them")
            trades, cuts = self._derive()
            object.__setattr__(self, "_trades", trades)
            object.__setattr__(self, "_cuts", cuts)
            return trades, cuts
        return self._trades, self._cuts
