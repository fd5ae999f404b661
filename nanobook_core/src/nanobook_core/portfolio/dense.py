"""The kernel `simulate` in Python, and what its answer leaves to be found out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.contracts import Run
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.portfolio.float_loop import simulate_floats
from nanobook_core.portfolio.loop import simulate_tables
from nanobook_core.portfolio.mark import carried
from nanobook_core.portfolio.money import SAFE, quotient, whole
from nanobook_core.portfolio.simulation import CUT_REASONS, CUTS, STOPS, TRADES, Simulation
from nanobook_core.portfolio.stop import Stops
from nanobook_core.types import INT64_MAX

_CELLS = 2**20


def simulate(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    symbols: Sequence[str],
    /,
    *,
    initial_cash: int,
    cost_bps: int,
    minimum_fee: int,
    fixed: float,
    trailing: float,
    atr_multiple: float,
    atr_period: int,
    scale_to_cash: bool,
) -> Run:
    """All periods of a simulation with costs in basis points; see `contracts.Simulate`."""
    initial_cash = whole(initial_cash, "initial_cash")
    # Commission and slippage together may be more than either of them can be alone.
    half = cost_bps // 2
    cost_model = CostModel(cost_bps - half, half, minimum_fee)
    stops = Stops(fixed=fixed, trailing=trailing, atr_multiple=atr_multiple, atr_period=atr_period)
    found = simulate_floats(
        weights,
        prices,
        tuple(symbols),
        initial_cash=initial_cash,
        cost_bps=cost_bps,
        minimum_fee=minimum_fee,
        stops=stops,
        scale_to_cash=scale_to_cash,
    )
    if found is not None:
        return found
    run = simulate_tables(
        weights,
        prices,
        symbols=tuple(symbols),
        initial_cash=initial_cash,
        cost_model=cost_model,
        stops=stops,
        scale_to_cash=scale_to_cash,
    )
    return Run(
        equity=run.equity,
        cash=run.cash,
        quantities=run.quantities,
        stop_period=run.stops["period"].copy(),
        stop_column=run.stops["column"].copy(),
        stop_level=run.stops["level"].copy(),
        stop_quantity=run.stops["quantity"].copy(),
        stop_reason=run.stops["reason"].astype(np.int64) - 1,
        ruined_at=run.ruined_at,
    )


def simulation(
    run: Run,
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    symbols: tuple[str, ...],
    cost_model: CostModel,
) -> Simulation:
    """The record of a kernel's run; its trades and cuts are found when they are asked for."""
    marks = carried(prices, {}, symbols)
    stops = np.zeros(len(run.stop_period), STOPS)
    stops["period"], stops["column"] = run.stop_period, run.stop_column
    stops["level"], stops["reason"] = run.stop_level, run.stop_reason + 1
    stops["quantity"] = run.stop_quantity
    stops["exit_price"] = prices[run.stop_period, run.stop_column]

    return Simulation(
        symbols=symbols,
        equity=run.equity,
        cash=run.cash,
        returns=_returns(run.equity),
        quantities=run.quantities,
        prices=prices,
        marks=marks,
        stops=stops,
        flows={},
        ruined_at=run.ruined_at,
        derive=partial(_records, run, weights, prices, marks, cost_model),
    )


def _records(
    run: Run,
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    marks: NDArray[np.int64],
    cost_model: CostModel,
) -> tuple[NDArray[Any], NDArray[Any]]:
    lots = _rebalanced(run)
    return _trades(run, lots, prices, cost_model), _cuts(run, lots, weights, prices, marks)


def _returns(equity: NDArray[Any]) -> NDArray[np.float64]:
    if equity.dtype != object and np.abs(equity.astype(np.float64)).max() >= SAFE:
        equity = equity.astype(object)
    earned = (equity[1:] - equity[:-1]).astype(np.float64)
    before = equity[:-1].astype(np.float64)
    returns = np.zeros(len(earned))
    np.divide(earned, before, out=returns, where=before > 0.0)
    return returns


def _rebalanced(run: Run) -> NDArray[np.int64]:
    """What was traded for the weights, shape `(n_periods, n_symbols)`."""
    after = run.quantities.copy()
    after[run.stop_period, run.stop_column] = -run.stop_quantity
    after[1:] -= run.quantities[:-1]
    return after


def _trades(
    run: Run, lots: NDArray[np.int64], prices: NDArray[np.int64], cost_model: CostModel
) -> NDArray[Any]:
    period, column = np.nonzero(lots)
    trades = np.zeros(len(period) + len(run.stop_period), TRADES)
    trades["period"] = np.concatenate([period, run.stop_period])
    trades["column"] = np.concatenate([column, run.stop_column])
    trades["quantity"] = np.concatenate([lots[period, column], run.stop_quantity])
    trades["price"] = prices[trades["period"], trades["column"]]
    trades["reason"][len(period) :] = run.stop_reason + 1
    trades = trades[np.argsort(trades["period"], kind="stable")]
    trades["cost"] = cost_model.costs(trades["quantity"], trades["price"])
    return trades


def _cuts(
    run: Run,
    lots: NDArray[np.int64],
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    marks: NDArray[np.int64],
) -> NDArray[Any]:
    """What the weights asked for and was not traded, a block of periods at a time."""
    n_periods, n_symbols = prices.shape
    step = max(_CELLS // max(n_symbols, 1), 1)
    blocks = [
        _cuts_of(run, lots, weights, prices, marks, slice(start, min(start + step, n_periods)))
        for start in range(0, n_periods, step)
    ]
    return np.concatenate(blocks) if blocks else np.zeros(0, CUTS)


def _cuts_of(  # noqa: PLR0917 - all that a cut depends on
    run: Run,
    lots: NDArray[np.int64],
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    marks: NDArray[np.int64],
    span: slice,
) -> NDArray[Any]:
    before = np.zeros((span.stop - span.start, prices.shape[1]), np.int64)
    before[1 if span.start == 0 else 0 :] = run.quantities[max(span.start - 1, 0) : span.stop - 1]
    cash = np.concatenate([run.equity[:1], run.cash])[span]
    values: NDArray[Any] = before * marks[span]
    size = np.abs(before.astype(np.float64)) * marks[span]
    # Equity before the trades is in no table, so what is in them may fit where it does not.
    total = size.sum(axis=1) + np.abs(cash.astype(np.float64))
    if total.max(initial=0.0) >= SAFE:
        values = before.astype(object) * marks[span].astype(object)
    equity = cash + values.sum(axis=1)
    targets = equity.astype(np.float64)[:, None] * weights[span]
    is_asked = ~np.isnan(weights[span]) & (equity > 0)[:, None]
    if run.ruined_at is not None:
        is_asked &= np.arange(span.start, span.stop)[:, None] <= run.ruined_at
    targets = np.where(is_asked, targets, 0.0)
    whole: NDArray[Any]
    if np.abs(targets).max(initial=0.0) < SAFE and values.dtype != object:
        whole = targets.astype(np.int64)
    else:
        whole = np.array([int(target) for target in targets.flat], object).reshape(targets.shape)
        values = values.astype(object)
    wanted = quotient(whole - values, np.maximum(marks[span], 1))
    lost = np.where(is_asked, wanted - lots[span], 0)
    period, column = np.nonzero(lost)
    cuts = np.zeros(len(period), CUTS)
    cuts["period"], cuts["column"] = period + span.start, column
    cuts["quantity"] = np.clip(lost[period, column], -INT64_MAX, INT64_MAX).astype(np.int64)
    cash_cut, no_price = CUT_REASONS.index("cash"), CUT_REASONS.index("no_price")
    cuts["reason"] = np.where(prices[span][period, column] > 0, cash_cut, no_price)
    # Within a period as they are found: what has no price first.
    return cuts[np.lexsort((column, cuts["reason"], cuts["period"]))]
