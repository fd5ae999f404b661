"""What each symbol has added to the returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.portfolio.simulation import Simulation
from nanobook_core.portfolio.turnover import base_equity


def contributions(run: Simulation) -> NDArray[np.float64]:
    """Profit of each symbol in each period over the equity that the period began with.

    Shape `(n_periods, n_symbols)`: value at the end, less that at the end of the period before,
    less what was paid for its trades, costs included, and with its dividends and fees. Their sum,
    with interest on cash over the same equity, is the period's return; 0 where that is.

    Runtime complexity: O(n_periods * n_symbols + n_trades).
    """
    profit = np.zeros(run.quantities.shape, _exact(run))
    values = run.quantities.astype(profit.dtype) * run.marks.astype(profit.dtype)
    profit += values
    profit[1:] -= values[:-1]
    trades = run.trades
    paid = trades["quantity"].astype(profit.dtype) * trades["price"].astype(profit.dtype)
    np.subtract.at(profit, (trades["period"], trades["column"]), paid + trades["cost"])
    for period, flows in run.symbol_flows.items():
        for column, amount in flows.items():
            profit[period, column] += amount
    base = base_equity(run)[:, None]
    shares = np.zeros(profit.shape)
    np.divide(profit.astype(np.float64), base, out=shares, where=base > 0.0)
    return shares


def _exact(run: Simulation) -> Any:
    """int64 where nothing can wrap, else Python ints."""
    held = np.abs(run.quantities.astype(np.float64)) * run.marks
    traded = np.abs(run.trades["quantity"].astype(np.float64)) * run.trades["price"]
    flows = (abs(amount) for row in run.symbol_flows.values() for amount in row.values())
    largest = max(
        held.max(initial=0.0),
        traded.max(initial=0.0),
        run.trades["cost"].max(initial=0),
        *flows,
    )
    return np.int64 if largest < 2.0**58 else object
