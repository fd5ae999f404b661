"""`scheduled`: carry from each form of table and mapping, exact and on the periods of a run."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.carry import Carry, Schedule
from nanobook_core.portfolio.carry_table import Axes, scheduled
from nanobook_core.portfolio.unit import money

DAYS = [dt.date(2024, 1, day) for day in (2, 3, 5, 8)]
HALF = Fraction(1, 2)
FORMS = {
    "mapping": dict,
    "pandas": pd.DataFrame,
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "pyarrow": pa.table,
}


def made(dates=DAYS, unit=Fraction(1), **carry):
    """Return the schedule of a run of A and B over four days, or four periods without dates."""
    return scheduled(
        Carry(**carry),
        Axes(
            symbols=("A", "B"),
            dates=None if dates is None else np.array(dates, "datetime64[D]"),
            n_periods=4,
            symbols_given=["A", "B"],
        ),
        unit=unit,
        amount=lambda value, name: money(value, unit, name),
        periods_per_year=100.0,
    )


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


def test_without_anything_there_is_nothing():
    assert made() == Schedule()
    assert made(deposits={}, delistings={}) == Schedule()
    assert made().flows() == ()


# Tables


@pytest.mark.parametrize("name", ["dividends", "splits"])
def test_a_wide_table_says_something_where_it_has_a_number(form, name):
    table = form({"date": DAYS, "B": [None, 0.5, None, 1.5], "A": [nan, 2.0, nan, nan]})
    found = getattr(made(**{name: table}), name)
    assert found == {1: {0: 2, 1: HALF}, 3: {1: Fraction(3, 2)}}


@pytest.mark.parametrize("name", ["dividends", "splits"])
def test_a_long_table_has_the_days_that_it_needs(form, name):
    table = form(
        {"date": [DAYS[1], DAYS[1], DAYS[3]], "symbol": ["B", "A", "B"], "x": [0.5, 2, 1.5]}
    )
    found = getattr(made(**{name: table}), name)
    assert found == {1: {0: 2, 1: HALF}, 3: {1: Fraction(3, 2)}}


def test_a_wide_table_may_have_some_of_the_days_and_symbols(form):
    assert made(dividends=form({"date": [DAYS[2]], "B": [0.25]})).dividends == {
        2: {1: Fraction(1, 4)}
    }


def test_an_index_of_dates_says_when():
    table = pd.DataFrame({"A": [2.0]}, pd.DatetimeIndex([DAYS[3]]))
    assert made(splits=table).splits == {3: {0: 2}}


def test_arrays_and_lists_have_a_row_a_period():
    rows = [[nan, nan], [2.0, nan], [nan, nan], [nan, 0.5]]
    assert made(splits=np.array(rows)).splits == {1: {0: 2}, 3: {1: HALF}}
    assert made(splits=np.array([[0, 0], [2, 1], [0, 0], [0, 3]])).splits == {1: {0: 2}, 3: {1: 3}}
    lists = [[], [("A", 2)], [], {"B": 3}]
    assert made(dividends=lists).dividends == {1: {0: 2}, 3: {1: 3}}
    assert made(None, dividends=lists).dividends == {1: {0: 2}, 3: {1: 3}}


def test_a_split_of_0_or_1_is_none_and_a_dividend_of_1_is_one():
    table = {"A": [0, 1, 0, 0], "B": [0.0, 1.0, nan, 1.0]}
    assert made(splits=table).splits == {}
    assert made(dividends=table).dividends == {1: {0: 1, 1: 1}, 3: {1: 1}}


def test_a_ratio_is_the_fraction_of_small_numbers_that_it_was_rounded_from():
    table = {"A": [1.3333333, 0.1, 1.05, 10_000], "B": [0.0001, 0.6666667, 1.0512345, 2.5]}
    assert made(splits=table).splits == {
        0: {0: Fraction(4, 3), 1: Fraction(1, 10_000)},
        1: {0: Fraction(1, 10), 1: Fraction(2, 3)},
        2: {0: Fraction(21, 20), 1: Fraction(9069, 8627)},
        3: {0: Fraction(10_000), 1: Fraction(5, 2)},
    }


@given(st.fractions(Fraction(1, 10_000), 10_000, max_denominator=10_000), st.booleans())
def test_any_ratio_of_numbers_up_to_ten_thousand_comes_back_from_a_float(ratio, is_decimal):
    value = Decimal(ratio.numerator) / ratio.denominator if is_decimal else float(ratio)
    splits = made(splits={"A": [None, value, None, None]}).splits
    assert splits == ({} if ratio == 1 else {1: {0: ratio}})


def test_dividends_are_in_units_of_prices_and_as_they_are_written():
    table = {"A": [0.1, None, None, 0.005], "B": [None, Decimal("0.333"), None, None]}
    found = made(unit=Fraction(1, 100), dividends=table).dividends
    assert found == {0: {0: 10}, 1: {1: Fraction(333, 10)}, 3: {0: HALF}}


@pytest.mark.parametrize(
    ("name", "table", "error", "message"),
    [
        (
            "splits",
            {"A": [0, -2, 0, 0]},
            ValidationError,
            "-2 is negative; give new shares for one",
        ),
        ("splits", {"A": [nan, -0.5, nan, nan]}, ValidationError, "-0.5 is negative; give new sha"),
        ("splits", {"A": [nan, inf, nan, nan]}, ValidationError, "inf is not finite; leave it out"),
        (
            "splits",
            {"A": [nan, 1e-5, nan, nan]},
            ValidationError,
            "1e-05 is no ratio of new shares",
        ),
        (
            "splits",
            {"A": [nan, 6e-5, nan, nan]},
            ValidationError,
            "6e-05 is no ratio of new shares",
        ),
        ("splits", {"A": [0, 10_001, 0, 0]}, ValidationError, "10001 is no ratio of new shares"),
        ("splits", {"A": [nan, 1e300, nan, nan]}, ValidationError, "1e+300 is no ratio of new"),
        ("dividends", {"A": [0, -1, 0, 0]}, ValidationError, "-1 is negative; give what a holder"),
        ("dividends", {"A": [nan, -inf, nan, nan]}, ValidationError, "-inf is not finite; leave"),
        ("dividends", {"A": [nan, 1e19, nan, nan]}, OverflowError, "1e+19 is more than 2^63-1 uni"),
        (
            "dividends",
            {"A": [None, Decimal("1e999999999"), None, None]},
            OverflowError,
            "1E+999999999 is more than 2^63-1 units of prices",
        ),
    ],
)
def test_a_cell_that_means_nothing_is_named(name, table, error, message):
    with pytest.raises(error) as caught:
        made(**{name: table})
    where = f"{name}, period 1 (2024-01-03), symbol 'A': "
    assert str(caught.value).startswith(where + message)
    with pytest.raises(error) as caught:
        made(None, **{name: table})
    assert str(caught.value).startswith(f"{name}, period 1, symbol 'A': " + message)


@pytest.mark.parametrize("name", ["dividends", "splits"])
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"date": [dt.date(2024, 1, 4)], "A": [2.0]},
            "2024-01-04 is not a date of the prices; the next one is 2024-01-05",
        ),
        (
            {"date": [dt.date(2024, 1, 9)], "A": [2.0]},
            "2024-01-09 is not a date of the prices; the last one is 2024-01-08",
        ),
        ({"date": [DAYS[1], DAYS[0]], "A": [2.0, 2.0]}, "dates must rise, and 2024-01-02 comes"),
        ({"date": [DAYS[0]], "C": [2.0]}, "'C' is not among the symbols of the prices"),
        ({"A": [2.0, 2.0]}, "{name} and prices have one row a period each, unless both have dates"),
        (
            {"date": [DAYS[0]] * 2, "symbol": ["A", "A"], "value": [2.0, 2.0]},
            "'A' is there twice on 2024-01-02",
        ),
    ],
)
def test_a_table_that_does_not_fit_the_run_is_refused(form, name, table, message):
    with pytest.raises(ValidationError, match=rf"^{name}") as caught:
        made(**{name: form(table)})
    assert message.format(name=name) in str(caught.value)


# Rates


def test_rates_are_those_of_a_period_as_they_are_written():
    found = made(cash_rate=0.03, debit_rate=0.1, borrow_rate=-0.005)
    assert found.cash_rate == Fraction(3, 10_000)
    assert found.debit_rate == Fraction(1, 1000)
    assert found.borrow_rate == Fraction(-1, 20_000)
    assert made(cash_rate=0.03).debit_rate == Fraction(3, 10_000)
    assert made(cash_rate=0.03, debit_rate=0).debit_rate == 0


# Deposits


@pytest.mark.parametrize(
    "key",
    [
        *(1, np.int64(1)),
        *("2024-01-03", "2024-01-03T00:00", "2024-01-02 19:00-05:00"),
        *(DAYS[1], np.datetime64("2024-01-03"), pd.Timestamp("2024-01-03")),
        dt.datetime(2024, 1, 3),  # noqa: DTZ001 - without a zone
        dt.datetime(2024, 1, 3, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(2024, 1, 3, tzinfo=dt.timezone(dt.timedelta(hours=9))),
        "2024-01-03 00:00:00-05:00",
    ],
    ids=repr,
)
def test_a_deposit_is_at_a_period_or_on_its_date(key):
    assert made(deposits={key: 7}).deposits == {1: 7}


def test_deposits_of_one_period_are_added_up():
    assert made(deposits={"2024-01-03": 7, 1: -3, DAYS[1]: 1, 2: 5}).deposits == {1: 5, 2: 5}


def test_deposits_are_in_units_of_money():
    found = made(unit=Fraction(1, 100), deposits={0: 0.1, 1: Decimal("-2.50"), 2: 3})
    assert found.deposits == {0: 10, 1: -250, 2: 300}


NO_DATE = "is no date and no number of a period; a date is one, or ISO text like 2024-01-31"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (4, "there is no period 4; the prices have 4, from 0 on"),
        (-1, "there is no period -1; the prices have 4, from 0 on"),
        ("2024-01-04", "2024-01-04 is not a date of the prices; the next one is 2024-01-05"),
        ("2024-01-09", "2024-01-09 is not a date of the prices; the last one is 2024-01-08"),
        ("2024-01-03T16:00", "2024-01-03T16:00 is not a date of the prices; the next one is"),
        (dt.datetime(2024, 1, 3, 16), "2024-01-03T16:00:00.000000 is not a date"),  # noqa: DTZ001
        ("today", f"'today' (str) {NO_DATE}"),
        ("20240103", f"'20240103' (str) {NO_DATE}"),
        ("2024-01", f"'2024-01' (str) {NO_DATE}"),
        (None, f"None (NoneType) {NO_DATE}"),
        (True, f"True (bool) {NO_DATE}"),
        (1.0, f"1.0 (float) {NO_DATE}"),
        (pd.NaT, f"NaT (NaTType) {NO_DATE}"),
    ],
    ids=repr,
)
def test_a_key_that_is_no_period_of_the_run_is_refused(key, message):
    with pytest.raises(ValidationError) as caught:
        made(deposits={key: 7})
    assert str(caught.value).startswith(f"deposits: {message}")
    with pytest.raises(ValidationError) as caught:
        made(delistings={"A": (key, 7)})
    assert str(caught.value).startswith(f"delistings['A']: {message}")


@pytest.mark.parametrize("key", ["2024-01-03", DAYS[1], True, None, 1.0], ids=repr)
def test_without_dates_a_period_is_a_number(key):
    assert made(None, deposits={1: 7}).deposits == {1: 7}
    with pytest.raises(ValidationError, match="the prices have no dates, so a period is given by"):
        made(None, deposits={key: 7})


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("7", TypeError, "deposits[1] is an int, a Decimal or a float, got '7' (str)"),
        (None, TypeError, "deposits[1] is an int, a Decimal or a float, got None (NoneType)"),
        (nan, ValidationError, "deposits[1] must be finite, got nan"),
        (
            0.5,
            ValidationError,
            "deposits[1]: 0.5 is not a multiple of 1, in which money is counted",
        ),
        (2**63, OverflowError, "deposits[1]: 9223372036854775808 (int) is more than 2^63-1 units"),
        (
            Decimal("1e999999999"),
            OverflowError,
            "deposits[1]: Decimal('1E+999999999') (Decimal) is",
        ),
    ],
    ids=repr,
)
def test_a_deposit_that_is_no_money_is_refused(value, error, message):
    with pytest.raises(error) as caught:
        made(deposits={1: value})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("value", [5, "all", [(1, 7)], np.ones((4, 2))], ids=repr)
def test_what_is_no_mapping_is_refused_at_once(value):
    with pytest.raises(
        TypeError, match=r"^deposits is a mapping from a date, or the number of a per"
    ):
        Carry(deposits=value)
    with pytest.raises(
        TypeError, match=r"^delistings is a mapping from a symbol to its last period"
    ):
        Carry(delistings=value)


# Delistings


def test_a_delisting_is_the_last_period_and_what_a_lot_is_worth_in_it():
    ends = {"B": ("2024-01-05", 0.25), "A": [3, 0]}
    found = made(unit=Fraction(1, 100), delistings=ends)
    assert found.delistings == {2: {1: 25}, 3: {0: 0}}
    assert found.flows() == ()


@pytest.mark.parametrize(
    ("symbol", "ending", "error", "message"),
    [
        (
            "C",
            (1, 7),
            ValidationError,
            "delistings['C']: 'C' (str) is not among the symbols of the",
        ),
        (0, (1, 7), ValidationError, "delistings[0]: 0 (int) is not among the symbols of the"),
        (
            "A",
            7,
            TypeError,
            "delistings['A'] is a pair of the last period and what a share was worth",
        ),
        (
            "A",
            (1, 7, 8),
            TypeError,
            "delistings['A'] is a pair of the last period and what a share",
        ),
        ("A", "17", TypeError, "delistings['A'] is a pair of the last period and what a share was"),
        (
            "A",
            (1, -7),
            ValidationError,
            "delistings['A'][1]: a share is worth 0 or more, got -7 (int)",
        ),
        (
            "A",
            (1, 0.5),
            ValidationError,
            "delistings['A'][1]: 0.5 is not a multiple of 1, in which",
        ),
        ("A", (1, nan), ValidationError, "delistings['A'][1] must be finite, got nan"),
        ("A", (1, "7"), TypeError, "delistings['A'][1] is an int, a Decimal or a float, got '7'"),
        ("A", (1, True), TypeError, "delistings['A'][1] is an int, a Decimal or a float, got True"),
        (
            "A",
            (1, 2**63),
            OverflowError,
            "delistings['A'][1]: 9223372036854775808 (int) is more than",
        ),
    ],
)
def test_a_delisting_that_means_nothing_is_refused(symbol, ending, error, message):
    with pytest.raises(error) as caught:
        made(delistings={symbol: ending})
    assert str(caught.value).startswith(message)
