import math

import numpy as np
import pytest

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, Stops
from nanobook_core.portfolio.loop import simulate_tables
from nanobook_core.portfolio.simulation import TRADE_REASONS
from nanobook_core.portfolio.stop import StopTracker

ATR = {"atr_multiple": 1.0, "atr_period": 3}


def events_of(prices, weights=1.0, cash=1_000_000, **stops):
    """Stop events of one symbol, as (period, level, exit price, reason)."""
    table = np.array(prices, np.int64).reshape(-1, 1)
    targets = np.broadcast_to(np.array(weights, float).reshape(-1, 1), table.shape)
    run = simulate_tables(
        targets,
        table,
        symbols=("A",),
        initial_cash=cash,
        cost_model=CostModel.zero(),
        stops=Stops(**stops),
    )
    return [
        (period, level, exit_price, TRADE_REASONS[reason])
        for period, _, level, exit_price, reason, _ in run.stops.tolist()
    ]


def test_a_fixed_stop_counts_from_the_entry_and_again_from_the_next():
    assert events_of([100, 95, 89, 92, 80], fixed=0.1) == [
        (2, 90, 89, "fixed"),
        (4, 83, 80, "fixed"),
    ]


def test_a_trailing_stop_counts_from_the_best_price():
    assert events_of([100, 120, 113, 110, 120, 80], trailing=0.05) == [
        (2, 114, 113, "trailing"),
        (5, 114, 80, "trailing"),
    ]


def test_a_short_position_stops_above():
    assert events_of([100, 90, 95, 104], -1.0, fixed=0.1) == []
    assert events_of([100, 90, 95, 110], -1.0, fixed=0.1) == [(3, 110, 110, "fixed")]
    # 90 * 1.05 = 94.5, rounded away from zero; the next period opens it again.
    assert events_of([100, 90, 95, 110], -1.0, trailing=0.05) == [(2, 95, 95, "trailing")]


def test_the_level_nearest_to_the_price_counts():
    assert events_of([100, 91], fixed=0.2, trailing=0.05) == [(1, 95, 91, "trailing")]
    assert events_of([100, 91], fixed=0.05, trailing=0.2) == [(1, 95, 91, "fixed")]
    assert events_of([100, 109], -1.0, fixed=0.2, trailing=0.05) == [(1, 105, 109, "trailing")]


def test_of_equal_levels_a_long_position_takes_the_last_and_a_short_one_the_first():
    both = {"fixed": 0.1, "trailing": 0.1}
    assert events_of([100, 90], **both) == [(1, 90, 90, "trailing")]
    assert events_of([100, 110], -1.0, **both) == [(1, 110, 110, "fixed")]


def test_a_level_is_at_least_one():
    assert events_of([2, 1], trailing=0.9) == [(1, 1, 1, "trailing")]


def test_a_level_that_rounds_to_the_price_closes_at_once():
    # 5 * 0.95 = 4.75 rounds to 5: as in the original, a coarse price unit stops too early.
    assert events_of([5], trailing=0.05) == [(0, 5, 5, "trailing")]


def test_an_atr_stop_does_not_fire_on_the_entry_bar_nor_before_a_change():
    assert events_of([100], **ATR) == []
    assert events_of([100, 100, 100], **ATR) == []
    assert events_of([100, 100, 90, 90], **ATR) == [(2, 95, 90, "atr")]  # mean of 0 and 10


def test_an_atr_level_is_the_best_price_less_the_mean_of_the_latest_changes():
    # Changes 10, 2, 3, 4: the last three average 3, and 110 - 2 * 3 = 104.
    path = [100, 110, 108, 105, 101]
    assert events_of(path, atr_multiple=2.0, atr_period=3) == [(4, 104, 101, "atr")]
    # Of all four, 4.75: 110 - 9.5 = 100.5, rounded away from zero.
    assert events_of(path, atr_multiple=2.0, atr_period=14) == [(4, 101, 101, "atr")]
    # Of the last one, 4, but the second bar's 2 is breached before: 110 - 4 = 106 < 108 is not.
    assert events_of(path, atr_multiple=2.0, atr_period=1) == [(4, 102, 101, "atr")]


def test_an_atr_stop_of_a_short_position_is_above_the_lowest_price():
    # Changes 10, 5, 10: mean 25 / 3, and 90 + 25 / 3 = 98.33.
    assert events_of([100, 90, 95, 105], -1.0, **ATR) == [(3, 98, 105, "atr")]


def test_changes_of_an_earlier_position_are_forgotten():
    # Stopped in period 1; the position of period 2 has seen one change, of 1.
    path = [1000, 500, 500, 501, 499]
    assert events_of(path, atr_multiple=1.0, atr_period=3)[1:] == [(4, 500, 499, "atr")]


def test_a_side_flip_starts_again():
    weights = [1.0, -1.0, -1.0]
    assert events_of([100, 80, 89], weights, trailing=0.05, fixed=0.05) == [(2, 84, 89, "fixed")]


def test_a_bar_without_a_price_leaves_the_stop_as_it_is():
    assert events_of([100, 120, 0, 0, 113], trailing=0.05) == [(4, 114, 113, "trailing")]
    # One change of 20 before the gap, one of 8 after it.
    assert events_of([100, 120, 0, 112, 105], atr_multiple=1.0) == [(4, 108, 105, "atr")]


def test_whatever_is_said_of_a_symbol_without_a_price_moves_no_stop():
    tracker = StopTracker(Stops(fixed=0.1), 2, 5, 1000)
    priced, unpriced = np.array([True, True]), np.array([False, False])
    lots = np.array([10, 0])
    assert tracker.update(lots, np.array([100, 100]), priced).columns.tolist() == []
    # Neither is the first closed nor does the second start at 1000.
    assert tracker.update(lots + 5, np.array([1, 1000]), unpriced).columns.tolist() == []
    breach = tracker.update(lots + 5, np.array([90, 91]), priced)
    assert (breach.columns.tolist(), breach.levels.tolist()) == ([0], [90])
    assert breach.reasons == ("fixed",)


def test_a_period_longer_than_the_test_takes_no_memory():
    assert events_of([100, 120, 80], atr_multiple=1.0, atr_period=2**62) == [(2, 90, 80, "atr")]


def test_levels_do_not_wrap_at_the_largest_prices():
    low, top = 2**62, 2**63 - 1
    # 2^63 * 0.6, to the nearest float.
    level = 5534023222112865280
    assert events_of([low, top, low], cash=low, trailing=0.4) == [(2, level, low, "trailing")]
    # Levels of 1.5 * 2^63 and beyond any float are out of reach.
    assert events_of([low * 3 // 2, top, top], -1.0, cash=top, fixed=0.5) == []
    assert events_of([low, low + 1, top], -1.0, cash=top, atr_multiple=1e300) == []
    assert events_of([low, top, 2], cash=low, atr_multiple=1e308) == []


def test_changes_do_not_wrap_at_the_largest_prices():
    low, top = 2**62, 2**63 - 1
    # Five changes of 2^62 - 1, of which int64 could hold two; 2^63 - 1.1 * 2^62 as floats.
    path = [low, top, low, top, low, 1]
    level = 4150517416584648704
    assert events_of(path, cash=low, atr_multiple=1.1) == [(5, level, 1, "atr")]


def test_no_stop_is_on_by_default():
    assert not Stops().is_active
    assert not Stops(fixed=0.0, trailing=0).is_active
    assert Stops(fixed=0.1).is_active
    assert Stops(trailing=0.1).is_active
    assert Stops(atr_multiple=0.1).is_active
    assert events_of([100, 1]) == []


def test_a_config_spells_the_settings_as_the_seed_does():
    config = {
        "fixed_stop_pct": 0.1,
        "trailing_stop_pct": np.float64(0.2),
        "atr_multiple": 3,
        "atr_period": np.int64(7),
    }
    stops = Stops(fixed=0.1, trailing=0.2, atr_multiple=3.0, atr_period=7)
    assert Stops.from_config(config) == stops
    assert Stops.from_config({}) == Stops() == Stops(atr_period=14)
    assert Stops.from_config({"fixed_stop_pct": 0.0}) == Stops()


PCT = "must be finite and in \\(0, 1\\)"


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"fixed_stop_pct": 1.0}, ValidationError, f"fixed_stop_pct {PCT}"),
        ({"fixed_stop_pct": -0.1}, ValidationError, f"fixed_stop_pct {PCT}"),
        ({"fixed_stop_pct": math.nan}, ValidationError, f"fixed_stop_pct {PCT}"),
        ({"trailing_stop_pct": math.inf}, ValidationError, f"trailing_stop_pct {PCT}"),
        ({"trailing_stop_pct": 5}, ValidationError, f"trailing_stop_pct {PCT}.*got 5.0"),
        ({"atr_multiple": 0.0}, ValidationError, "atr_multiple must be finite and > 0"),
        ({"atr_multiple": -1.0}, ValidationError, "atr_multiple must be finite and > 0"),
        ({"atr_multiple": math.nan}, ValidationError, "atr_multiple must be finite and > 0"),
        ({"atr_multiple": math.inf}, ValidationError, "atr_multiple must be finite and > 0"),
        ({"atr_period": 0}, ValidationError, "atr_period must be >= 1"),
        ({"atr_period": -1}, OverflowError, "atr_period must be >= 1"),
        ({"atr_period": 14.0}, TypeError, "atr_period is an int"),
        ({"atr_period": True}, TypeError, "atr_period is an int"),
        ({"atr_period": None}, TypeError, "atr_period is an int"),
        ({"fixed_stop_pct": None}, TypeError, "fixed_stop_pct is a number"),
        ({"trailing_stop_pct": "0.1"}, TypeError, "trailing_stop_pct is a number"),
        ({"atr_multiple": None}, TypeError, "atr_multiple is a number"),
        (
            {"trailing_pct": 0.1},
            ValidationError,
            "no key 'trailing_pct'; allowed are fixed_stop_pct, trailing_stop_pct, atr_multiple, a",
        ),
        ({5: 0.1}, ValidationError, "no key 5"),
        ([("fixed_stop_pct", 0.1)], TypeError, "stop_cfg is a dict or None"),
        (0.05, TypeError, "stop_cfg is a dict or None"),
    ],
)
def test_a_wrong_config_is_refused(config, error, message):
    with pytest.raises(error, match=message):
        Stops.from_config(config)
