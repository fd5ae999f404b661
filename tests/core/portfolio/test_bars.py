"""Stops within bars, each rule in an example that was computed by hand, and bars that are none."""

import builtins
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nanobook_core import errors
from nanobook_core.contracts import Fills
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import (
    Bars,
    Carry,
    Constraints,
    CostModel,
    NextBar,
    NextOpen,
    SameBar,
    Stops,
    simulate,
)

BAD = Path(__file__).parents[2] / "data" / "portfolio" / "bad_tables.json"
HOLD = float("nan")
ENTRY = (100, 100, 100, 100)
TENTH = Stops(fixed=0.1)
TRAILING = Stops(trailing=0.1)
UNLIMITED = Constraints(scale_to_cash=False)


def run(weights, bars, stops, fills=SameBar(), **options):  # noqa: B008 - frozen
    """Simulate one symbol with cash of 1000; a bar is open, high, low and close."""
    opens, highs, lows, closes = np.array(bars).T[:, :, None]
    return simulate(
        np.array(weights)[:, None],
        np.ascontiguousarray(closes),
        symbols=["A"],
        cash=1000,
        costs=options.pop("costs", CostModel()),
        stops=stops,
        fills=fills,
        bars=Bars(opens, highs, lows),
        **options,
    )


def held(result):
    return result.quantities[:, 0].tolist()


def trades(result):
    """Period, quantity, price, cost and reason."""
    names = ("period", "quantity", "price", "cost", "reason")
    return list(zip(*(result.trades[name].tolist() for name in names), strict=True))


def stopped(result):
    """Period, level, exit price and reason."""
    names = ("period_index", "trigger_price", "exit_price", "reason")
    return [tuple(event[name] for name in names) for event in result["stop_events"]]


# At which price


def test_a_long_position_is_closed_at_the_level_that_the_low_touches():
    result = run([1.0, HOLD], [ENTRY, (98, 99, 90, 95)], TENTH)
    assert held(result) == [10, 0]
    assert trades(result) == [(0, 10, 100, 0, "rebalance"), (1, -10, 90, 0, "fixed")]
    assert stopped(result) == [(1, 90, 90, "fixed")]
    assert result["equity_curve"] == [1000, 1000, 900]


def test_a_low_above_the_level_stops_nothing():
    assert held(run([1.0, HOLD], [ENTRY, (98, 99, 91, 95)], TENTH)) == [10, 10]


def test_a_gap_through_the_level_fills_at_the_open():
    result = run([1.0, HOLD], [ENTRY, (85, 96, 80, 95)], TENTH)
    assert trades(result)[1:] == [(1, -10, 85, 0, "fixed")]
    assert stopped(result) == [(1, 90, 85, "fixed")]
    assert result["equity_curve"] == [1000, 1000, 850]


def test_a_short_position_is_closed_at_the_level_that_the_high_touches():
    result = run([-0.5, HOLD], [ENTRY, (102, 110, 101, 104)], TENTH)
    assert held(result) == [-5, 0]
    assert stopped(result) == [(1, 110, 110, "fixed")]
    assert result["equity_curve"] == [1000, 1000, 950]
    assert held(run([-0.5, HOLD], [ENTRY, (102, 109, 101, 104)], TENTH)) == [-5, -5]


def test_a_gap_of_a_short_position_fills_at_the_open():
    result = run([-0.5, HOLD], [ENTRY, (120, 125, 101, 104)], TENTH)
    assert stopped(result) == [(1, 110, 120, "fixed")]
    assert result["equity_curve"] == [1000, 1000, 900]


def test_costs_are_charged_at_the_price_of_the_fill():
    result = run([0.5, HOLD], [ENTRY, (85, 96, 80, 95)], TENTH, costs=CostModel(100))
    assert trades(result) == [(0, 5, 100, 5, "rebalance"), (1, -5, 85, 4, "fixed")]
    assert result["equity_curve"] == [1000, 995, 916]


def test_of_two_levels_the_one_that_is_touched_first_counts():
    both = Stops(fixed=0.1, trailing=0.1)
    rising = (105, 110, 104, 108)
    result = run([1.0, HOLD, HOLD], [ENTRY, rising, (105, 106, 80, 85)], both)
    assert stopped(result) == [(2, 99, 99, "trailing")]
    falling = (95, 96, 90, 92)
    result = run([-1.0, HOLD, HOLD], [ENTRY, falling, (95, 120, 94, 118)], both)
    assert stopped(result) == [(2, 99, 99, "trailing")]


@pytest.mark.parametrize(("weight", "level", "reason"), [(1, 90, "trailing"), (-1, 110, "fixed")])
def test_of_equal_levels_the_reason_is_that_of_the_close(weight, level, reason):
    both = Stops(fixed=0.1, trailing=0.1)
    result = run([weight, HOLD], [ENTRY, (100, 130, 70, 100)], both)
    assert stopped(result) == [(1, level, level, reason)]


# What levels know


def test_a_trailing_level_knows_the_highs_of_earlier_bars_and_not_that_of_its_own():
    bars = [(100, 200, 50, 100), (100, 120, 91, 110), (111, 130, 109, 118), (120, 125, 117, 118)]
    result = run([1.0, HOLD, HOLD, HOLD], bars, TRAILING)
    # Levels before the bars: 90 of the entry's close, 108, 117.
    assert held(result) == [10, 10, 10, 0]
    assert stopped(result) == [(3, 117, 117, "trailing")]


def test_a_trailing_level_of_a_short_position_knows_the_lows_of_earlier_bars():
    bars = [(100, 200, 50, 100), (100, 109, 80, 86), (86, 87, 70, 75), (72, 77, 71, 73)]
    result = run([-1.0, HOLD, HOLD, HOLD], bars, TRAILING)
    assert held(result) == [-10, -10, -10, 0]
    assert stopped(result) == [(3, 77, 77, "trailing")]


def test_what_a_high_has_drawn_is_tested_at_the_close_and_filled_at_it():
    result = run([1.0, HOLD], [ENTRY, (100, 120, 91, 107)], TRAILING)
    assert stopped(result) == [(1, 108, 107, "trailing")]


def test_a_position_that_is_turned_at_the_close_starts_from_the_close():
    # Short from 105, with a level of 116; from the low of 91 it would have been 100.
    bars = [ENTRY, (100, 105, 91, 105), (105, 115, 104, 110)]
    assert held(run([0.5, -0.5, HOLD], bars, TRAILING)) == [5, -4, -4]


def test_an_atr_level_knows_the_true_ranges_of_earlier_bars():
    bars = [
        (100, 150, 50, 100),
        (102, 106, 98, 104),
        (110, 114, 107, 108),
        (106, 110, 105, 109),
    ]
    # 106 - 98, and 114 - 104 from the close before: 9 on average, from the best of 114.
    result = run([1.0, HOLD, HOLD, HOLD], bars, Stops(atr_multiple=1.0, atr_period=2))
    assert held(result) == [10, 10, 10, 0]
    assert stopped(result) == [(3, 105, 105, "atr")]


def test_a_range_of_no_bar_is_no_level():
    bars = [ENTRY, ENTRY, (100, 100, 99, 100)]
    assert held(run([1.0, HOLD, HOLD], bars, Stops(atr_multiple=5.0))) == [10, 10, 10]


def test_a_split_divides_levels_and_bars_are_as_they_were_traded():
    split = Carry(splits=np.array([[HOLD], [HOLD], [2.0], [HOLD]]))
    bars = [ENTRY, (100, 110, 100, 105), (52, 54, 50, 53), (53, 54, 49, 50)]
    result = run([1.0, HOLD, HOLD, HOLD], bars, TRAILING, carry=split)
    # From 110, which is 55 now: 49.5, a half away from zero.
    assert held(result) == [10, 10, 0, 0]
    assert stopped(result) == [(2, 50, 50, "trailing")]


def test_a_period_without_a_price_tests_nothing():
    bars = [ENTRY, (0, 0, 0, 0), (95, 96, 90, 95)]
    result = run([1.0, HOLD, HOLD], bars, TENTH)
    assert held(result) == [10, 10, 0]


def test_ranges_whose_sum_is_beyond_64_bits_are_averaged():
    # Twice their mean is below the best price by more than all of it.
    bars = [(9, 9, 9, 9), *[(9, 2**62, 2, 9)] * 5]
    assert stopped(run([1.0, *[HOLD] * 5], bars, Stops(atr_multiple=2.0))) == []


# When orders are filled


def test_a_row_of_the_period_buys_back_at_the_close():
    bars = [ENTRY, (98, 99, 90, 95), (95, 96, 86, 96)]
    result = run([1.0, 1.0, HOLD], bars, TENTH)
    assert trades(result) == [
        (0, 10, 100, 0, "rebalance"),
        (1, -10, 90, 0, "fixed"),
        (1, 9, 95, 0, "rebalance"),
        (2, -9, 86, 0, "fixed"),
    ]
    # Entry is 95 now, less a tenth 85.5.
    assert stopped(result) == [(1, 90, 90, "fixed"), (2, 86, 86, "fixed")]


def test_what_next_open_buys_may_be_stopped_in_the_same_bar():
    result = run([1.0, HOLD], [(50, 50, 50, 50), (40, 45, 36, 44)], TENTH, NextOpen())
    assert trades(result) == [(1, 20, 40, 0, "rebalance"), (1, -20, 36, 0, "fixed")]
    assert stopped(result) == [(1, 36, 36, "fixed")]
    assert result["equity_curve"] == [1000, 1000, 920]


def test_what_next_open_buys_takes_in_the_bar_from_its_open_on():
    bars = [ENTRY, (100, 120, 95, 115), (112, 113, 108, 110)]
    result = run([1.0, HOLD, HOLD], bars, TRAILING, NextOpen())
    assert stopped(result) == [(2, 108, 108, "trailing")]
    # A range of 25 from the open of 100, not of 30 from the close before.
    bars = [(90, 90, 90, 90), (100, 120, 95, 115), (112, 113, 95, 110)]
    result = run([1.0, HOLD, HOLD], bars, Stops(atr_multiple=1.0), NextOpen())
    assert stopped(result) == [(2, 95, 95, "atr")]


def test_what_next_bar_buys_at_the_close_does_not_take_in_its_bar():
    bars = [ENTRY, (100, 120, 95, 100), (100, 101, 91, 95), (95, 96, 90, 91)]
    result = run([1.0, HOLD, HOLD, HOLD], bars, TRAILING, NextBar())
    # Best is 101: 90.9, in the last bar.
    assert held(result) == [0, 10, 10, 0]
    assert stopped(result) == [(3, 91, 91, "trailing")]


@pytest.mark.parametrize(("weight", "lots"), [(0.0, -10), (0.5, -5), (2.0, 10)])
def test_a_stop_within_the_bar_cancels_the_order_that_waits_for_its_close(weight, lots):
    bars = [ENTRY, ENTRY, ENTRY, (95, 96, 90, 95)]
    result = run([1.0, HOLD, weight, HOLD], bars, TENTH, NextBar())
    assert held(result) == [0, 10, 10, 0]
    assert trades(result)[1:] == [(3, -10, 90, 0, "fixed")]
    assert result.skipped.tolist() == [(3, "A", lots, "stopped")]


def test_a_stop_that_waits_for_the_close_is_not_sold_twice():
    bars = [ENTRY, ENTRY, (100, 120, 95, 106), (107, 110, 100, 109)]
    result = run([1.0, HOLD, HOLD, HOLD], bars, TRAILING, NextBar())
    assert held(result) == [0, 10, 10, 0]
    assert stopped(result) == [(3, 108, 107, "trailing")]


def test_a_stop_that_the_bar_does_not_touch_is_filled_at_the_close_as_it_was_ordered():
    bars = [ENTRY, ENTRY, (100, 120, 95, 106), (110, 115, 109, 111)]
    result = run([1.0, HOLD, HOLD, HOLD], bars, TRAILING, NextBar())
    assert stopped(result) == [(3, 108, 111, "trailing")]


def test_of_two_stops_that_wait_the_bar_cancels_its_own():
    closes = np.array([[100, 100], [100, 100], [106, 106], [109, 111]])
    bars = Bars(
        np.array([[100, 100], [100, 100], [100, 100], [107, 110]]),
        np.array([[100, 100], [100, 100], [120, 120], [110, 115]]),
        np.array([[100, 100], [100, 100], [95, 95], [100, 109]]),
    )
    result = simulate(
        np.array([[0.5, 0.5], *[[HOLD, HOLD]] * 3]),
        closes,
        symbols=["A", "B"],
        cash=1000,
        costs=CostModel(),
        stops=TRAILING,
        fills=NextBar(),
        bars=bars,
    )
    assert result.quantities.tolist() == [[0, 0], [5, 5], [5, 5], [0, 0]]
    assert [(event["symbol"], event["exit_price"]) for event in result["stop_events"]] == [
        ("A", 107),
        ("B", 111),
    ]


class HalfBelow:
    """Fills half of each order, rounded up, a unit below its price."""

    def fill(self, request):
        half = np.sign(request.quantity) * ((np.abs(request.quantity) + 1) // 2)
        return Fills(order=np.arange(len(half)), quantity=half, price=request.price - 1)


def test_what_a_fill_model_leaves_of_a_stop_is_held_and_tested_again():
    bars = [ENTRY, (95, 96, 89, 95), (95, 96, 91, 95), (85, 96, 80, 95), (95, 95, 88, 89)]
    result = run([0.8, HOLD, HOLD, HOLD, HOLD], bars, TENTH, SameBar(HalfBelow()))
    assert held(result) == [4, 2, 2, 1, 0]
    assert trades(result) == [
        (0, 4, 99, 0, "rebalance"),
        (1, -2, 89, 0, "fixed"),
        (3, -1, 84, 0, "fixed"),
        (4, -1, 89, 0, "fixed"),
    ]
    # 2 at 89, 1 at 84 and 1 at 89: 87.75.
    assert stopped(result) == [(4, 90, 87, "fixed")]


def test_equity_that_a_stop_leaves_is_what_decides_of_the_ruin():
    # 30 lots on credit: sold at 90 they leave 700, at the close they would have been worth 0.
    bars = [ENTRY, (95, 95, 60, 66)]
    result = run([3.0, HOLD], bars, TENTH, constraints=UNLIMITED)
    assert result["equity_curve"] == [1000, 1000, 700]
    assert result.ruined_at is None


# Tables


DATES = np.arange("2024-01-01", "2024-01-04", dtype="datetime64[D]")
COLUMNS = {
    "open": {"A": [10.0, 9.8, 9.6], "B": [20.0, 19.5, 16.0]},
    "high": {"A": [10.0, 9.9, 9.7], "B": [20.0, 19.75, 17.0]},
    "low": {"A": [10.0, 9.5, 9.25], "B": [20.0, 19.25, 15.5]},
    "close": {"A": [10.0, 9.75, 9.5], "B": [20.0, 19.5, 16.5]},
}


def wide(form):
    return {name: form({"date": DATES, **table}) for name, table in COLUMNS.items()}


def long(form):
    return {
        name: form(
            {
                "date": np.repeat(DATES, 2),
                "symbol": ["A", "B"] * 3,
                "value": [value for row in zip(*table.values(), strict=True) for value in row],
            }
        )
        for name, table in COLUMNS.items()
    }


FORMS = {
    "mapping": wide(dict),
    "pandas": wide(pd.DataFrame),
    "polars": wide(pl.DataFrame),
    "pyarrow": wide(pa.table),
    "long": long(pl.DataFrame),
    "lists": {
        name: [
            list(zip("AB", row, strict=True))
            for row in zip(*[[round(v * 100) for v in t] for t in table.values()], strict=True)
        ]
        for name, table in COLUMNS.items()
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_bars_are_tables_in_any_form_that_prices_have(form):
    tables, is_list = FORMS[form], form == "lists"
    weights = {"date": DATES[:1], "A": [0.5], "B": [0.5]}
    result = simulate(
        [{"A": 0.5, "B": 0.5}, None, None] if is_list else weights,
        tables["close"],
        cash=100_000 if is_list else 1000,
        costs=CostModel(),
        stops=TENTH,
        bars=Bars(tables["open"], tables["high"], tables["low"]),
        price_unit=None if is_list else Decimal("0.01"),
    )
    # 50 and 25 lots; B opens at 16, below its level of 18.
    assert result.quantities.tolist() == [[50, 25], [50, 25], [50, 0]]
    assert result["stop_events"][0]["exit_price"] == 1600
    assert result["final_cash"] == 40_000


def test_next_open_takes_the_opens_of_bars():
    def final(fills, **options):
        return simulate(
            {"date": DATES, "A": [0.5, HOLD, 0.0], "B": [0.5, HOLD, 0.0]},
            wide(dict)["close"],
            cash=1000,
            costs=CostModel(),
            fills=fills,
            price_unit=Decimal("0.01"),
            **options,
        )

    opens, highs, lows = (wide(dict)[name] for name in ("open", "high", "low"))
    with_bars = final(NextOpen(), bars=Bars(opens, highs, lows))
    assert with_bars["final_cash"] == 100_000 - 50 * 980 - 25 * 1950
    assert with_bars["equity_curve"] == final(NextOpen(opens))["equity_curve"]


def test_opens_are_given_once():
    table = np.array([[100]])
    given = (np.array([[1.0]]), table)
    options = {"symbols": ["A"], "cash": 1000, "costs": CostModel()}
    with pytest.raises(ValidationError, match=r"opens are given twice.*give them once"):
        simulate(*given, **options, fills=NextOpen(table), bars=Bars(table, table, table))
    with pytest.raises(ValidationError, match=r"NextOpen\(\) fills at opens: give them"):
        simulate(*given, **options, fills=NextOpen())


def test_bars_that_are_none_are_refused():
    with pytest.raises(TypeError, match=r"bars is Bars\(\) or None, got \(1, 2, 3\)"):
        run_with_bars([[100]], (1, 2, 3))


def run_with_bars(prices, bars, price_unit=None):
    prices = np.array(prices)
    return simulate(
        np.zeros(prices.shape),
        {
            "date": np.datetime64("2024-01-01") + np.arange(len(prices)),
            **dict(zip("AB", prices.T, strict=False)),
        },
        symbols=list("AB"[: prices.shape[1]]),
        cash=1000,
        costs=CostModel(),
        bars=bars,
        price_unit=price_unit,
    )


@pytest.mark.parametrize(
    "row", json.loads(BAD.read_text())["bars"], ids=lambda row: row["says"][:60]
)
def test_a_bad_bar_is_refused_with_the_reason(row):
    error = getattr(errors, row["error"], None) or getattr(builtins, row["error"])
    tables = (np.array(row[name]) for name in ("opens", "highs", "lows"))
    with pytest.raises(error) as caught:
        run_with_bars(row["prices"], Bars(*tables), row["price_unit"])
    assert type(caught.value) is error
    assert row["says"] in str(caught.value)
