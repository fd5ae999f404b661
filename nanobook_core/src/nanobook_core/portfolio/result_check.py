"""Whether the tables of a run, as a file has them, can be those of one."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.loop import change
from nanobook_core.portfolio.mark import carried
from nanobook_core.portfolio.money import products
from nanobook_core.portfolio.simulation import TRADE_REASONS, Simulation

_REBALANCE, _DELISTED = TRADE_REASONS.index("rebalance"), TRADE_REASONS.index("delisted")
_OF_SYMBOLS = ("dividends", "borrow_fees", "in_lieu")


def check_run(run: Simulation) -> None:
    """Refuse a run in which one number contradicts another.

    Quantities follow from trades and splits, marks from prices and splits, cash from trades and
    flows, equity from cash, quantities and marks, and returns from equity and deposits. What was
    skipped, levels of stops and fills at other prices than those of the period follow from nothing
    that is there.

    Raises:
        ValidationError: says what, and in which period.

    """
    for name, table in (("trades", run.trades), ("cuts", run.cuts), ("stops", run.stops)):
        _refuse(np.diff(table["period"], prepend=0) < 0, f"{name} are not in order of periods: row")
    is_delisted = run.trades["reason"] == _DELISTED
    _refuse(run.trades["cost"] < 0, "trades.cost is below 0 in row")
    _refuse(run.trades["price"] < np.where(is_delisted, 0, 1), "trades.price is too low in row")
    _refuse(run.trades["quantity"] == 0, "trades.quantity is 0 in row")
    _refuse(
        (run.stops["reason"] == _REBALANCE) | (run.stops["reason"] == _DELISTED),
        "stops.reason is not that of a stop in row",
    )
    _refuse(
        (run.stops["level"] < 1) | (run.stops["exit_price"] < 0) | (run.stops["quantity"] == 0),
        "stops has a level, an exit_price or a quantity that is too low in row",
    )
    is_off = run.marks != carried(run.prices, run.splits, run.symbols)
    _refuse(is_off.any(axis=1), "marks are not the latest prices in period")
    _check_quantities(run)
    _check_money(run)
    _check_ruin(run, is_delisted)


def _refuse(is_wrong: Any, what: str) -> None:
    if np.any(is_wrong):
        raise ValidationError(f"{what} {int(np.argmax(is_wrong))}")


def _check_quantities(run: Simulation) -> None:
    expected = np.zeros_like(run.quantities)
    expected[1:] = run.quantities[:-1]
    for period, ratios in run.splits.items():
        for column, ratio in ratios.items():
            shares = math.trunc(int(expected[period, column]) * ratio)
            expected[period, column] = shares
    # What wraps here wraps back: the sum is a quantity of 64 bits.
    place = run.trades["period"], run.trades["column"]
    np.add.at(expected, place, run.trades["quantity"])
    is_off = run.quantities != expected
    _refuse(is_off.any(axis=1), "quantities do not follow from the trades in period")


def _check_money(run: Simulation) -> None:
    n_periods = len(run.returns)
    received = [sum(amounts) for amounts in zip(*run.flows.values(), strict=True)]
    received = received or [0] * n_periods
    paid = products(run.trades["quantity"], run.trades["price"]).tolist()
    for period, value, cost in zip(
        run.trades["period"].tolist(), paid, run.trades["cost"].tolist(), strict=True
    ):
        received[period] -= value + cost
    cash = [int(run.equity[0]), *run.cash.tolist()]
    values = products(run.quantities.ravel(), run.marks.ravel()).reshape(run.marks.shape)
    held = values.sum(axis=1).tolist() if values.size else [0] * n_periods
    equity = run.equity.tolist()
    deposits = run.flows.get("deposits", (0,) * n_periods)
    of_symbols = [run.flows[name] for name in _OF_SYMBOLS if name in run.flows]
    for period, (before, after) in enumerate(pairwise(equity)):
        if cash[period + 1] != cash[period] + received[period]:
            raise ValidationError(f"cash does not follow from trades and flows in period {period}")
        if after != cash[period + 1] + held[period]:
            raise ValidationError(f"equity is not cash and holdings in period {period}")
        if run.returns[period] != change(before + deposits[period], after):
            raise ValidationError(f"returns are not those of equity in period {period}")
        flows = sum(run.symbol_flows.get(period, {}).values())
        if flows != sum(amounts[period] for amounts in of_symbols):
            raise ValidationError(f"symbol_flows are not those of flows in period {period}")


def _check_ruin(run: Simulation, is_delisted: Any) -> None:
    gone = np.flatnonzero(run.equity[1:] <= 0)
    if gone.size and (run.ruined_at is None or run.ruined_at > gone[0]):
        raise ValidationError(f"ruined_at is {run.ruined_at}; equity is gone in period {gone[0]}")
    if run.ruined_at is not None:
        is_late = (run.trades["period"] > run.ruined_at) & ~is_delisted
        _refuse(is_late, "ruined_at is before the trade in row")
