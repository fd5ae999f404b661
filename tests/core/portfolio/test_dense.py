"""The core's kernel `simulate`: as a naive simulator says, with the records of the loop."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.portfolio import markets as drawn
from tests.core.portfolio.markets import NAMES, markets
from tests.core.portfolio.naive import naive

import nanobook
from nanobook_core.portfolio import CostModel, Stops, dense
from nanobook_core.portfolio.loop import simulate_tables
from nanobook_core.portfolio.simulation import CUT_REASONS, TRADE_REASONS
from nanobook_core.portfolio.stop import REASONS

options = st.builds(
    lambda cash, cost_bps, minimum_fee, scale_to_cash, stops: {
        "initial_cash": cash,
        "cost_bps": cost_bps,
        "minimum_fee": minimum_fee,
        "scale_to_cash": scale_to_cash,
        **stops,
    },
    drawn.cash,
    st.sampled_from([0, 0, 15, 1000, 10_000]),
    st.sampled_from([0, 0, 1, 7, 500, -5]),
    st.booleans(),
    drawn.stop_settings,
)
big_options = st.builds(lambda given, cash: given | {"initial_cash": cash}, options, drawn.big_cash)
OFF = {
    "cost_bps": 0,
    "minimum_fee": 0,
    "fixed": 0.0,
    "trailing": 0.0,
    "atr_multiple": 0.0,
    "atr_period": 14,
    "scale_to_cash": False,
}
big_markets = markets(drawn.big, drawn.big_targets, max_periods=6)
mixed = st.tuples(markets(), options) | st.tuples(big_markets, big_options)


def names_of(market):
    return NAMES[: market[1].shape[1]]


def kernel(market, given):
    return dense.simulate(*market, names_of(market), **given)


def records(simulation):
    """Trades and cuts in the form of the naive simulator."""
    trades = [(*row[:-1], TRADE_REASONS[row[-1]]) for row in simulation.trades.tolist()]
    cuts = [(*row[:-1], CUT_REASONS[row[-1]]) for row in simulation.cuts.tolist()]
    return trades, cuts


def assert_it_is_as_the_naive(market, given):
    weights, prices = market
    expected = naive(weights.tolist(), prices.tolist(), **given)
    run = kernel(market, given)
    assert run.equity.tolist() == expected.equity
    assert run.cash.tolist() == expected.cash
    assert run.quantities.tolist() == expected.quantities
    assert run.ruined_at == expected.ruined_at
    stops = zip(
        run.stop_period.tolist(),
        run.stop_column.tolist(),
        run.stop_level.tolist(),
        run.stop_quantity.tolist(),
        [REASONS[reason] for reason in run.stop_reason],
        strict=True,
    )
    assert list(stops) == expected.stops
    derived = dense.simulation(run, *market, names_of(market), costs_of(given))
    assert records(derived) == (expected.trades, expected.cuts)
    return expected


def costs_of(given):
    return CostModel(given["cost_bps"], 0, given["minimum_fee"])


def test_it_equals_the_naive_simulator_to_the_last_unit():
    seen = Counter()

    @settings(max_examples=300)
    @given(markets(min_symbols=1, min_periods=4, max_periods=25) | markets(), options)
    def compare(market, given):
        expected = assert_it_is_as_the_naive(market, given)
        seen.update({reason for *_, reason in expected.stops + expected.cuts})
        seen["ruin"] += expected.ruined_at is not None
        seen["hold"] += bool(np.isnan(market[0]).any())
        seen["gap"] += bool((market[1] == 0).any())
        seen["short"] += any(min(row, default=0) < 0 for row in expected.quantities)

    compare()
    rare = {what: seen[what] for what in SEEN if seen[what] < 5}
    assert not rare


SEEN = ("fixed", "trailing", "atr", "no_price", "cash", "ruin", "hold", "gap", "short")


@given(big_markets, big_options)
@example((np.array([[1.0, 1.0]]), np.array([[1, 1]])), {**OFF, "initial_cash": 2**62})
@example((np.array([[0.5], [2.0]]), np.array([[1], [1]])), {**OFF, "initial_cash": 2**63 - 1})
@example((np.array([[0.9], [-0.9]]), np.array([[1], [1]])), {**OFF, "initial_cash": 2**63 - 1})
@example(
    (np.array([[-1.0]]), np.array([[3 * 2**61]])),
    {**OFF, "initial_cash": 2**63 - 1, "fixed": 0.5},
)
def test_it_equals_the_naive_simulator_where_products_leave_64_bits(market, given):
    try:
        naive(market[0].tolist(), market[1].tolist(), **given)
    except OverflowError:
        with pytest.raises(OverflowError, match=r"period \d, symbol '[ABCD]': "):
            kernel(market, given)
    else:
        assert_it_is_as_the_naive(market, given)


@settings(max_examples=300)
@given(mixed, st.sampled_from([dense._CELLS, 8, 1]))
# Equity of more than 2^63-1 before trades, and less after costs: both arrays are int64.
@example(
    (
        (np.array([[0.07, 0.01], [1.6, 0.3]]), np.array([[1, 1], [3, 0]])),
        {**OFF, "initial_cash": 2**63 - 1, "cost_bps": 1000},
    ),
    dense._CELLS,
)
def test_derived_trades_and_cuts_are_those_that_the_loop_records(drawn_run, cells):
    market, given = drawn_run
    try:
        run = kernel(market, given)
    except OverflowError:
        return
    derived = dense.simulation(run, *market, names_of(market), costs_of(given))
    recorded = simulate_tables(
        *market,
        symbols=names_of(market),
        initial_cash=given["initial_cash"],
        cost_model=costs_of(given),
        stops=Stops(**{name: given[name] for name in STOPS}),
        scale_to_cash=given["scale_to_cash"],
    )
    assert derived == recorded
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "_CELLS", cells)  # so that cuts are found in several blocks
        assert derived.cuts.tolist() == recorded.cuts.tolist()
    assert derived.trades.tolist() == recorded.trades.tolist()
    assert derived.trades.dtype == recorded.trades.dtype
    assert derived.cuts.dtype == recorded.cuts.dtype


STOPS = ("fixed", "trailing", "atr_multiple", "atr_period")


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0)])
def test_nothing_to_simulate_gives_the_cash(shape):
    run = kernel((np.zeros(shape), np.ones(shape, np.int64)), {**OFF, "initial_cash": 7})
    assert run.equity.tolist() == [7] * (shape[0] + 1)
    assert run.quantities.shape == shape
    assert run.ruined_at is None


def test_commission_and_slippage_may_each_be_at_their_most():
    most = 2**32 - 1
    result = nanobook.simulate(
        np.array([[0.5]]),
        np.array([[10]]),
        symbols=["A"],
        cash=1000,
        costs=nanobook.CostModel(most, most),
        constraints=nanobook.Constraints(scale_to_cash=False),
    )
    assert result.trades["cost"].tolist() == [500 * 2 * most // 10_000]
