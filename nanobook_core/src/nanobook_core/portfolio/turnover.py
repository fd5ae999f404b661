"""How much of a portfolio is traded."""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.portfolio.read_only import read_only
from nanobook_core.portfolio.simulation import Simulation


@frozen(kw_only=True)
class Turnover:
    """Value traded as a fraction of equity before it; 0 where that equity is not positive.

    Attributes:
        gross: bought and sold together, shape `(n_periods,)`.
        net: the smaller of bought and sold, same shape: what was replaced.
        gross_annual: mean over the periods times periods a year; 0 without periods.
        net_annual: the same of `net`.

    """

    gross: NDArray[np.float64] = field(repr=False, converter=read_only)
    net: NDArray[np.float64] = field(repr=False, converter=read_only)
    gross_annual: float
    net_annual: float


def turnover(run: Simulation, periods_per_year: float) -> Turnover:
    """Turnover of a simulation, stops included; equity is that of the period before, and deposits.

    The settlement of a delisting is a sale.

    Runtime complexity: O(n_trades + n_periods).
    """
    n_periods = len(run.returns)
    trades = run.trades
    value = trades["quantity"].astype(np.float64) * trades["price"].astype(np.float64)
    period = trades["period"]
    bought = np.bincount(period, np.maximum(value, 0.0), n_periods)
    sold = np.bincount(period, np.maximum(-value, 0.0), n_periods)
    base = base_equity(run)
    gross, net = (
        np.divide(amount, base, out=np.zeros(n_periods), where=base > 0.0)
        for amount in (bought + sold, np.minimum(bought, sold))
    )
    return Turnover(
        gross=gross,
        net=net,
        gross_annual=_mean(gross) * periods_per_year,
        net_annual=_mean(net) * periods_per_year,
    )


def base_equity(run: Simulation) -> NDArray[np.float64]:
    """What a period's return is earned on: equity before it, and its deposits."""
    base = run.equity[:-1].astype(np.float64)
    deposits = run.flows.get("deposits")
    return base if deposits is None else base + np.array(deposits, np.float64)


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.add.accumulate(values)[-1]) / len(values) if len(values) else 0.0
