"""The simulation in floats: the loop's, to the last unit, or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.portfolio import markets as drawn
from tests.core.portfolio.markets import NAMES, markets

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, Stops
from nanobook_core.portfolio.float_loop import simulate_floats
from nanobook_core.portfolio.loop import simulate_tables

EDGE = 2**52

stops = st.builds(
    Stops,
    fixed=st.sampled_from([0.0, 0.0, 0.05, 0.5, 0.9]),
    trailing=st.sampled_from([0.0, 0.0, 0.05, 0.1, 0.3]),
)
terms = st.fixed_dictionaries(
    {
        "initial_cash": drawn.cash | st.sampled_from([EDGE // 15, EDGE - 1]),
        "cost_bps": st.sampled_from([0, 0, 15, 1000, 10_000, 2**32]),
        "minimum_fee": st.sampled_from([0, 0, 1, 7, 500, -5, 2**50]),
        "stops": stops,
        "scale_to_cash": st.booleans(),
    }
)


def in_floats(weights, prices, **given_terms):
    return simulate_floats(weights, prices, NAMES[: prices.shape[1]], **given_terms)


def in_the_loop(weights, prices, *, cost_bps, minimum_fee, names=NAMES, **others):
    half = cost_bps // 2
    model = CostModel(cost_bps - half, half, minimum_fee)
    symbols = names[: prices.shape[1]]
    return simulate_tables(weights, prices, symbols=symbols, cost_model=model, **others)


def assert_equal(found, expected):
    """All of a run, with its types."""
    for name in ("equity", "cash", "quantities"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert (ours.dtype, ours.tolist()) == (theirs.dtype, theirs.tolist())
    columns = ("period", "column", "level", "quantity", "reason")
    ours = [getattr(found, f"stop_{name}").tolist() for name in columns]
    theirs = [expected.stops[name].tolist() for name in columns]
    theirs[-1] = [reason - 1 for reason in theirs[-1]]
    assert ours == theirs
    assert found.ruined_at == expected.ruined_at


def compared(*strategies, max_examples):
    """How many of the drawn runs were simulated in floats; each of them is the loop's."""
    done = 0

    @given(*strategies)
    @settings(max_examples=max_examples)
    def compare(market, chosen):
        nonlocal done
        names = tuple(f"S{column}" for column in range(market[1].shape[1]))
        found = simulate_floats(*market, names, **chosen)
        if found is not None:
            done += 1
            assert_equal(found, in_the_loop(*market, names=names, **chosen))

    compare()
    return done


def test_it_is_the_loop_where_all_is_exact():
    drawn_markets = markets(min_symbols=1, min_periods=1) | markets()
    assert compared(drawn_markets, terms, max_examples=500) >= 100


def test_it_is_the_loop_or_nothing_where_numbers_are_large():
    def large(prices):
        return markets(prices, drawn.big_targets, min_symbols=1, min_periods=1, max_periods=6)

    near = large(st.sampled_from([0, 1, 1, 3, 2**20 + 1, 2**40 + 1]))
    assert compared(large(drawn.big) | near, terms, max_examples=300) >= 20


@st.composite
def wide(draw):
    """Weights and prices of 25 symbols in 40 periods, with gaps and held rows."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = 40, 25
    middle = int(random.choice([3, 100, 10_000]))
    prices = np.rint(middle * np.exp(random.normal(0, 0.05, shape).cumsum(axis=0)))
    prices = prices.clip(1).astype(np.int64)
    prices[1:][random.random((39, 25)) < 0.1] = 0
    weights = random.normal(0.02, 0.05, shape)
    weights[random.random(shape) < 0.3] = 0.0
    weights[random.random(40) < 0.3] = np.nan
    return weights, prices


def test_it_is_the_loop_for_many_symbols():
    assert compared(wide(), terms, max_examples=60) >= 10


ORDINARY = {
    "initial_cash": 1000,
    "cost_bps": 0,
    "minimum_fee": 0,
    "stops": Stops(),
    "scale_to_cash": False,
}


@pytest.mark.parametrize(
    ("price", "weight", "change", "can"),
    [
        (10, 1.0, {}, True),
        (EDGE - 1, 0.0, {}, True),
        (EDGE, 0.0, {}, False),
        (1, 0.0, {"initial_cash": EDGE - 1}, True),
        (1, 0.0, {"initial_cash": EDGE}, False),
        (1, 0.0, {"initial_cash": -EDGE}, False),
        (1, 0.5, {"initial_cash": EDGE * 2 // 3 - 1}, True),
        (1, 0.5, {"initial_cash": EDGE * 2 // 3 + 1}, False),
        (1, 0.5, {"initial_cash": EDGE // 15 * 2 // 3, "cost_bps": 15}, True),
        (1, 0.5, {"initial_cash": EDGE // 15 * 2 // 3 + 15, "cost_bps": 15}, False),
        (1, 1e300, {}, False),
        (1, 0.5, {"minimum_fee": EDGE - 1}, True),
        (1, 0.5, {"minimum_fee": EDGE}, False),
        (1, 0.5, {"minimum_fee": -EDGE}, True),
        (1, 0.5, {"stops": Stops(atr_multiple=1.0)}, False),
        (1, 2.0, {"initial_cash": 2**19, "scale_to_cash": True}, False),
        (1, 1.999999, {"initial_cash": 2**19, "scale_to_cash": True}, True),
        (1, 0.5, {"initial_cash": 2**30, "scale_to_cash": True}, True),
    ],
)
def test_what_could_be_rounded_is_left_to_the_loop(price, weight, change, can):
    chosen = ORDINARY | change
    tables = np.array([[weight]]), np.array([[price]])
    found = in_floats(*tables, **chosen)
    assert (found is not None) == can
    if found is not None:
        assert_equal(found, in_the_loop(*tables, **chosen))


def test_weights_beyond_a_float_together_are_left_to_the_loop():
    tables = np.array([[1e308, 1e308]]), np.array([[10, 10]])
    assert in_floats(*tables, **ORDINARY) is None


def test_no_periods_are_left_to_the_loop():
    assert in_floats(np.zeros((0, 1)), np.zeros((0, 1), np.int64), **ORDINARY) is None


def test_tables_are_checked():
    with pytest.raises(ValidationError, match="period 0, symbol 'D': price -1 is negative"):
        in_floats(np.zeros((1, 1)), np.array([[-1]]), **ORDINARY)
