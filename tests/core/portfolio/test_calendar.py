"""`align` and `on_calendar`: each value where its date and symbol say."""
# ruff: noqa: PD011 - the values of our own tables, which are no frames

import builtins
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobook_core import errors
from nanobook_core.portfolio.calendar import align, on_calendar
from nanobook_core.portfolio.table import Table, read_table

BAD = Path(__file__).parents[2] / "data" / "portfolio" / "bad_tables.json"
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
START = np.datetime64("2024-01-01")
PRICES = {"date": START + np.arange(4), "A": [1.5, 2.5, 3.5, 4.5], "B": [10.5, 20.5, 30.5, 40.5]}


def aligned(weights, prices, **options):
    return align(read_table(weights, "weights", **options), read_table(prices, "prices", **options))


def nested(values):
    """Values with None for NaN, which is not equal to itself."""
    return [[None if cell != cell else cell for cell in row] for row in values.tolist()]  # noqa: PLR0124


def table(values, symbols, dates=None):
    return Table(symbols=tuple(symbols), dates=dates, values=np.array(values))


# Weights on the calendar of prices


def test_arrays_with_the_same_symbols_are_not_copied():
    weights, prices = np.full((3, 2), 0.5), np.full((3, 2), 7)
    run = aligned(weights, prices, symbols=["A", "B"])
    assert run.weights is weights
    assert run.prices is prices
    assert (run.symbols, run.dates) == (("A", "B"), None)


def test_an_array_by_columns_is_laid_out_by_rows():
    weights = np.asfortranarray([[0.1, 0.2], [0.3, 0.4]])
    run = aligned(weights, np.ones((2, 2), np.int64), symbols=["A", "B"])
    assert run.weights.flags.c_contiguous
    assert run.weights.tolist() == [[0.1, 0.2], [0.3, 0.4]]


def test_rows_of_arrays_that_are_partly_nan_are_left_to_the_simulation():
    weights = np.array([[0.5, np.nan]])
    assert aligned(weights, np.ones((1, 2)), symbols=["A", "B"]).weights is weights


def test_ints_are_weights():
    run = aligned(np.array([[1, 0]]), np.ones((1, 2)), symbols=["A", "B"])
    assert run.weights.dtype == np.float64
    assert run.weights.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("name", FRAMES)
def test_a_date_without_weights_is_a_row_that_holds(name):
    weights = {"date": START + np.array([1, 3]), "A": [0.25, 0.5], "B": [0.75, 0.5]}
    run = aligned(FRAMES[name](weights), FRAMES[name](PRICES))
    assert run.dates.tolist() == (START + np.arange(4)).tolist()
    assert nested(run.weights) == [[None, None], [0.25, 0.75], [None, None], [0.5, 0.5]]
    assert run.prices.tolist() == [[1.5, 10.5], [2.5, 20.5], [3.5, 30.5], [4.5, 40.5]]


def test_weights_on_each_date_are_taken_as_they_are():
    weights = {"date": START + np.arange(4), "A": [0.1, 0.2, 0.3, 0.4], "B": [0.5] * 4}
    assert aligned(weights, PRICES).weights.tolist() == [
        [0.1, 0.5],
        [0.2, 0.5],
        [0.3, 0.5],
        [0.4, 0.5],
    ]


def test_no_weights_at_all_hold_throughout():
    weights = table(np.zeros((0, 2)), "AB", np.array([], "datetime64[D]"))
    assert nested(align(weights, read_table(PRICES, "prices")).weights) == [[None, None]] * 4


def test_days_of_weights_are_midnights_of_prices():
    prices = {"date": ["2024-01-01T00:00", "2024-01-01T16:00"], "A": [1.5, 2.5]}
    run = aligned({"date": ["2024-01-01"], "A": [1.0]}, prices)
    assert nested(run.weights) == [[1.0], [None]]
    times = {"date": ["2024-01-01T00:00:00.0"], "A": [1.0], "B": [0.0]}
    assert nested(aligned(times, PRICES).weights)[:2] == [[1.0, 0.0], [None, None]]


@pytest.mark.parametrize("name", FRAMES)
def test_a_symbol_left_out_of_a_long_table_is_sold_on_a_date_that_is_there(name):
    weights = FRAMES[name](
        {
            "date": START + np.array([0, 0, 2]),
            "symbol": ["A", "B", "B"],
            "weight": [0.5, 0.5, 1.0],
        }
    )
    run = aligned(weights, FRAMES[name](PRICES))
    assert nested(run.weights) == [[0.5, 0.5], [None, None], [0.0, 1.0], [None, None]]


def test_a_date_of_a_long_table_whose_weights_are_all_null_holds():
    weights = {
        "date": [START, START, START + 1, START + 1],
        "symbol": ["A", "B", "A", "B"],
        "weight": [0.5, 0.5, None, None],
    }
    assert nested(aligned(weights, PRICES).weights)[:2] == [[0.5, 0.5], [None, None]]


def test_symbols_are_those_of_prices_and_then_what_weights_have_beside():
    weights = {"date": [START], "C": [0.25], "B": [0.75]}
    run = aligned(weights, PRICES)
    assert run.symbols == ("A", "B", "C")
    assert nested(run.weights)[0] == [0.0, 0.75, 0.25]
    assert nested(run.prices)[0] == [1.5, 10.5, None]


def test_a_symbol_of_prices_that_has_no_weights_is_sold_where_others_have_some():
    run = aligned([[("B", 1.0)], None, []], [{"A": 1, "B": 2}] * 3)
    assert nested(run.weights) == [[0.0, 1.0], [None, None], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("price", "absent"),
    [(1.5, None), (3, 0), (Decimal("1.5"), None)],
    ids=["float", "int", "Decimal"],
)
def test_a_symbol_without_prices_has_a_column_of_none(price, absent):
    run = aligned({"A": [0.5], "B": [0.5]}, {"A": [price]})
    assert run.symbols == ("A", "B")
    assert nested(run.prices) == [[price, absent]]


def test_the_order_of_columns_may_differ():
    assert aligned({"B": [0.75], "A": [0.25]}, {"A": [1.5], "B": [2.5]}).weights.tolist() == [
        [0.25, 0.75]
    ]


def test_rows_belong_together_in_turn_where_weights_have_no_dates():
    run = aligned({"A": [0.5, 1.0]}, {"date": [START, START + 1], "A": [1.5, 2.5]})
    assert run.weights.tolist() == [[0.5], [1.0]]
    assert run.dates.tolist() == [START.item(), (START + 1).item()]


def test_aligning_changes_nothing_in_the_tables():
    weights, prices = np.full((1, 1), 0.5), np.full((1, 2), 7)
    run = align(table(weights, "B"), table(prices, "AB"))
    run.weights[:] = 9
    assert (weights.tolist(), prices.tolist()) == ([[0.5]], [[7, 7]])


def test_decimals_are_no_weights():
    with pytest.raises(TypeError, match="weights are floats or ints, got Decimals"):
        aligned({"A": [Decimal("0.5")]}, {"A": [1.5]})


@pytest.mark.parametrize(
    "row", json.loads(BAD.read_text())["align"], ids=lambda row: row["says"][:60]
)
def test_tables_that_do_not_fit_are_refused_with_the_reason(row):
    error = getattr(errors, row["error"], None) or getattr(builtins, row["error"])
    with pytest.raises(error) as caught:
        aligned(row["weights"], row["prices"])
    assert row["says"] in str(caught.value)


weights_by_day = st.dictionaries(
    st.integers(0, 5), st.dictionaries(st.sampled_from("ABCD"), st.floats(-1, 1), min_size=1)
)


@settings(max_examples=100)
@given(
    given_weights=weights_by_day,
    own=st.lists(st.sampled_from("ABCD"), unique=True),
    columns=st.permutations("ABCD"),
    name=st.sampled_from(sorted(FRAMES)),
)
def test_each_weight_is_where_its_date_and_symbol_say(given_weights, own, columns, name):
    prices = {"date": START + np.arange(6)} | {symbol: np.ones(6) for symbol in own}
    rows = sorted(given_weights)
    weights = {"date": START + np.array(rows, int)} | {
        symbol: np.array([given_weights[day].get(symbol, 0.0) for day in rows])
        for symbol in columns
    }
    run = aligned(FRAMES[name](weights), FRAMES[name](prices))
    assert run.symbols == (*own, *(symbol for symbol in columns if symbol not in own))
    assert nested(run.weights) == [
        [given_weights[day].get(symbol, 0.0) for symbol in run.symbols]
        if day in given_weights
        else [None] * len(run.symbols)
        for day in range(6)
    ]


# Other tables on a run


DATES = START + np.arange(3)


@pytest.mark.parametrize(
    ("values", "absent"),
    [([[1.5]], None), ([[3]], 0), ([[Decimal("1.5")]], None)],
    ids=["float", "int", "Decimal"],
)
def test_what_a_table_does_not_have_is_absent(values, absent):
    given_table = table(values, "B", DATES[1:2])
    found = on_calendar(given_table, ("A", "B"), DATES, 3, "volumes")
    assert nested(found) == [[absent, absent], [absent, values[0][0]], [absent, absent]]


def test_a_table_that_fits_is_not_copied():
    for dates in (None, DATES):
        given_table = table(np.ones((3, 2)), "AB", dates)
        assert on_calendar(given_table, ("A", "B"), DATES, 3, "volumes") is given_table.values


def test_a_table_with_its_columns_in_another_order_is_put_in_that_of_the_run():
    given_table = table([[1, 2], [3, 4], [5, 6]], "BA")
    found = on_calendar(given_table, ("A", "B"), DATES, 3, "volumes")
    assert found.tolist() == [[2, 1], [4, 3], [6, 5]]


@pytest.mark.parametrize(
    ("given_table", "message"),
    [
        (table([[1]], "C", DATES[:1]), "volumes: 'C' is not among the symbols of the prices"),
        (
            table([[1]], "A", DATES[:1] - 1),
            "volumes: 2023-12-31 is not a date of the prices; the next one is 2024-01-01",
        ),
        (
            table([[1], [2]], "A", DATES[2:] + np.arange(2)),
            "volumes: 2024-01-04 is not a date of the prices; the last one is 2024-01-03",
        ),
        (table([[1]], "A"), "volumes and prices have one row a period each"),
    ],
)
def test_a_table_that_does_not_fit_a_run_is_refused(given_table, message):
    with pytest.raises(errors.ValidationError) as caught:
        on_calendar(given_table, ("A", "B"), DATES, 3, "volumes")
    assert message in str(caught.value)


def test_a_run_of_no_periods_has_no_dates_to_offer():
    empty = np.array([], "datetime64[D]")
    with pytest.raises(errors.ValidationError, match="2024-01-01 is not a date of the prices"):
        on_calendar(table([[1]], "A", DATES[:1]), ("A",), empty, 0, "volumes")


# Zones


def priced(times, zone):
    index = pd.DatetimeIndex(times, tz=zone)
    return pd.DataFrame({"A": np.arange(1.0, len(index) + 1)}, index)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Berlin", "America/New_York"])
def test_midnights_of_a_zone_fit_days_without_one(zone):
    zoned, plain = (priced(["2024-01-31", "2024-02-01"], tz) for tz in (zone, None))
    for weights, prices in ((zoned[:1], plain), (plain[:1], zoned)):
        run = aligned(weights, prices)
        assert run.dates.tolist() == [dt.date(2024, 1, 31), dt.date(2024, 2, 1)]
        assert nested(run.weights) == [[1.0], [None]]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_midnights_of_a_zone_are_moments_among_moments(zone):
    hours = priced(pd.date_range("2024-01-01", periods=48, freq="h"), zone)
    run = aligned(hours[24:25], hours)
    assert np.flatnonzero(~np.isnan(run.weights[:, 0])).tolist() == [24]


@pytest.mark.parametrize("zones", [(None, "America/New_York"), ("America/New_York", None)])
def test_a_date_that_is_not_there_may_be_one_of_another_zone(zones):
    weights, prices = (
        priced(time, zone)
        for time, zone in zip((["2024-01-02"], ["2024-01-02 16:00"]), zones, strict=True)
    )
    has, lacks = ("prices", "weights") if zones[0] is None else ("weights", "prices")
    with pytest.raises(errors.ValidationError) as caught:
        aligned(weights, prices)
    assert str(caught.value).endswith(
        f". Dates of {has} have a time zone, in which midnights are dates and other times become "
        f"UTC; those of {lacks} have none: give both the same"
    )


def test_an_empty_frame_with_an_index_of_dates_trades_nothing():
    prices = priced(["2024-01-02", "2024-01-03"], None)
    assert np.isnan(aligned(prices[:0], prices).weights).tolist() == [[True], [True]]
