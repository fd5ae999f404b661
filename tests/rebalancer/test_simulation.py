"""A backtest with the rebalancer's plans holds what plans on a paper broker would lead to."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_rebalancer.errors import InputError, PlanError

SYMBOLS = ("A", "B", "C")
CENT = Decimal("0.01")
NO_CUTS = nanobook.Constraints(scale_to_cash=False)
FREE = nanobook.Bps(0)


def simulated(weights, cents, *, config=None, cash=100_000, **options):
    settings = {"costs": FREE, "constraints": NO_CUTS, "price_unit": CENT} | options
    return nanobook.simulate(
        np.array(weights, float),
        np.array(cents) / 100,
        symbols=SYMBOLS[: len(cents[0])],
        cash=cash,
        execution="rebalancer",
        rebalancer_config=config,
        **settings,
    )


def planned(weights, cents, config, cash=100_000):
    """Positions and equity, period by period, of a paper account that trades each plan."""
    now = dict.fromkeys(SYMBOLS, (Decimal(1), Decimal(1)))
    broker = nanobook.PaperBroker(cash, quotes=now.get, margin=1000)
    with broker:
        for period, row in enumerate(weights):
            prices = [Decimal(price) / 100 for price in cents[period]]
            now.update({s: (p, p) for s, p in zip(SYMBOLS, prices, strict=True)})
            document = {
                "timestamp": "2026-01-01T00:00:00Z",
                "metadata": {"id": f"period {period}"},
                "targets": [
                    {"symbol": symbol, "weight": weight}
                    for symbol, weight in zip(SYMBOLS, row, strict=True)
                    if weight
                ],
                "allow_flatten": True,
            }
            if broker.account().equity <= 0:  # the simulation ends trading there
                break
            try:
                plan = nanobook.plan(document, broker=broker, config=config)
            except PlanError:
                plan = None
            if plan is not None and plan.risk.ok:
                for order in plan.orders:
                    broker.submit_order(order)
            held = {position.symbol: int(position.quantity) for position in broker.positions()}
            yield [held.get(symbol, 0) for symbol in SYMBOLS], broker.account().equity


weight = st.one_of(st.just(0.0), st.floats(-0.3, 0.3), st.sampled_from((0.1, 0.2, 0.25, 0.3)))
rows = st.lists(st.lists(weight, min_size=3, max_size=3), min_size=1, max_size=6)
CONFIG = {
    "risk": {"max_position_pct": 0.28, "min_trade_usd": 500, "max_short_pct": 0.4},
    "execution": {"max_orders_per_run": 2},
}


@settings(max_examples=60)
@given(rows, st.data(), st.sampled_from((None, {"risk": {"max_position_pct": 1.0}}, CONFIG)))
def test_plan_and_simulation_are_equal_period_by_period(weights, data, config):
    cents = [data.draw(st.lists(st.integers(500, 50_000), min_size=3, max_size=3)) for _ in weights]
    result = simulated(weights, cents, config=config)
    replay = list(planned(weights, cents, config))
    assert result.quantities[: len(replay)].tolist() == [held for held, _ in replay]
    equity = [Decimal(int(each)) * CENT for each in result["equity_curve"][1 : len(replay) + 1]]
    assert equity == [worth for _, worth in replay]


def skipped(result):
    return [tuple(row) for row in result.skipped.tolist()]


def test_a_plan_that_the_gate_refuses_trades_nothing():
    result = simulated([[0.5], [0.2], [0.5]], [[10_000]] * 3)
    assert result.quantities.tolist() == [[0], [200], [200]]
    assert skipped(result) == [(0, "A", 500, "risk"), (2, "A", 300, "risk")]


def test_a_trade_below_the_least_is_not_made_but_a_close_is():
    weights = [[0.004], [0.002], [0.0021], [0.0]]
    config = {"risk": {"min_trade_usd": 200}}
    result = simulated(weights, [[10_000]] * 4, config=config)
    assert result.quantities.tolist() == [[4], [2], [2], [0]]
    result = simulated(weights, [[10_000]] * 4, config={"risk": {"min_trade_usd": 300}})
    assert result.quantities.tolist() == [[4], [4], [4], [0]]
    assert skipped(result) == [(1, "A", -2, "min_order_value"), (2, "A", -1, "min_order_value")]


def test_more_orders_than_allowed_are_none():
    config = {"execution": {"max_orders_per_run": 1}}
    result = simulated([[0.1, 0.1], [0.1, 0.0]], [[10_000, 10_000]] * 2, config=config)
    assert result.quantities.tolist() == [[0, 0], [100, 0]]
    assert skipped(result) == [(0, "A", 100, "refused"), (0, "B", 100, "refused")]


def test_without_a_price_of_what_is_held_or_wanted_nothing_is_traded():
    prices = np.array([[100.0, 50.0], [100.0, np.nan], [100.0, 50.0]])
    result = nanobook.simulate(
        np.array([[0.1, 0.1], [0.2, 0.1], [0.2, 0.1]]),
        prices,
        symbols=("A", "B"),
        cash=100_000,
        costs=FREE,
        price_unit=CENT,
        execution="rebalancer",
    )
    assert result.quantities.tolist() == [[100, 200], [100, 200], [200, 200]]
    assert skipped(result) == [(1, "A", 100, "no_price")]


def test_costs_fills_and_lots_are_those_of_the_simulation():
    options = {"costs": nanobook.Bps(100), "fills": nanobook.NextBar(), "quantity_step": "0.1"}
    result = simulated([[0.2], [0.2]], [[9_999], [10_000]], **options)
    assert result.quantities.tolist() == [[0], [2000]]
    assert result["equity_curve"][-1] == 100_000 * 1000 - 200 * 1000


def test_weights_are_the_decimals_that_are_written():
    direct = {"cash": 1_000, "config": {"risk": {"max_position_pct": 1.0}}}
    assert simulated([[0.29]], [[1_000]], **direct).quantities.tolist() == [[29]]
    by_floats = nanobook.simulate(
        np.array([[0.29]]),
        np.array([[10.0]]),
        symbols=("A",),
        cash=1_000,
        costs=FREE,
        price_unit=CENT,
    )
    assert by_floats.quantities.tolist() == [[28]]


def test_a_result_is_kept_with_its_reasons(tmp_path):
    result = simulated([[0.5], [0.2]], [[10_000]] * 2)
    result.save(tmp_path / "run.json")
    assert skipped(nanobook.BacktestResult.load(tmp_path / "run.json")) == skipped(result)


def test_risk_is_judged_at_the_dates_of_the_prices():
    pandas = pytest.importorskip("pandas")
    days = pandas.date_range("2024-01-01", periods=3, tz="UTC")
    frame = pandas.DataFrame({"A": [100.0, 101.0, 102.0]}, index=days)
    result = nanobook.simulate(
        frame * 0 + 0.2, frame, cash=100_000, costs=FREE, price_unit=CENT, execution="rebalancer"
    )
    assert result.quantities.tolist() == [[200], [199], [197]]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[0.1], [1.1]], r"period 1: targets\[0\]\.weight: must be from -1 to 1, got 1\.1"),
        ([[-1.5]], r"period 0: targets\[0\]\.weight: must be from -1 to 1, got -1\.5"),
    ],
)
def test_weights_that_a_target_cannot_have_are_refused(weights, message):
    with pytest.raises(ValidationError, match=message):
        simulated(weights, [[10_000]] * len(weights))


def test_weights_that_sum_to_more_than_1_are_refused():
    with pytest.raises(ValidationError, match=r"period 0: targets: positive weights sum to 1\.2"):
        simulated([[0.6, 0.6]], [[10_000, 10_000]])


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"execution": "broker"}, ValidationError, "execution is 'direct' or 'rebalancer'"),
        ({"execution": None}, ValidationError, "execution is 'direct' or 'rebalancer'"),
        ({"execution": "direct", "rebalancer_config": {}}, ValidationError, "rebalancer_config is"),
        ({"constraints": nanobook.Constraints(no_trade_band=0.1)}, ValidationError, "limits from"),
        ({"rebalancer_config": {"risk": 1}}, InputError, "config: risk: a table, got 1"),
        ({"rebalancer_config": 5}, TypeError, "config is a path"),
        ({"rebalancer_config": {"risk": {"checks": {"leverage": {}}}}}, ValueError, "leverage"),
    ],
)
def test_what_does_not_go_together_is_refused(options, kind, message):
    arguments = {
        "symbols": ("A",),
        "cash": 100_000,
        "costs": FREE,
        "price_unit": CENT,
        "execution": "rebalancer",
    } | options
    with pytest.raises(kind, match=message):
        nanobook.simulate(np.array([[0.1]]), np.array([[100.0]]), **arguments)
