"""`read_table`: the same table from every form it can come in, and what is no table."""
# ruff: noqa: PD011 - the values of our own tables, which are no frames

import builtins
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobook_core import errors
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.table import read_table

BAD = Path(__file__).parents[2] / "data" / "portfolio" / "bad_tables.json"
FORMS = {
    "mapping": dict,
    "pandas": pd.DataFrame,
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "pyarrow": pa.table,
}
DAYS = [dt.date(2024, 1, 2), dt.date(2024, 1, 3)]


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def frame(request):
    return FORMS[request.param]


def days(table):
    return np.datetime_as_string(table.dates).tolist()


def nested(values):
    """Values with None for NaN, which is not equal to itself."""
    return [[None if cell != cell else cell for cell in row] for row in values.tolist()]  # noqa: PLR0124


def test_symbols_that_can_be_read_only_once_are_refused():
    with pytest.raises(
        TypeError, match="prices: symbols are a sequence of strings, got <generator"
    ):
        read_table(np.ones((1, 2)), "prices", symbols=(name for name in "AB"))
    columns = pd.DataFrame({"A": [1], "B": [2]}).columns
    assert read_table(np.ones((1, 2)), "prices", symbols=columns).symbols == ("A", "B")


# Ints


@pytest.mark.parametrize(
    "columns",
    [
        {"A": [2**53 + 1, 3], "B": [1.5, None]},
        {"A": [2**53 + 1, None, 3], "B": [1.5, None, 2.5]},
        {"A": [2**53 + 1, 0.5], "B": [1, None]},
        {"A": np.array([2**53 + 1, 0.5], object), "B": [1, None]},
    ],
    ids=["columns", "nulls", "one column", "one column of objects"],
)
def test_ints_that_floats_cannot_tell_apart_stay_exact_beside_floats(columns):
    prices = read_table(columns, "prices").values
    assert prices[0].tolist() == [2**53 + 1, columns["B"][0]]
    assert prices[1, 1] is None
    assert {type(cell) for cell in prices.flat if cell is not None} == {Decimal}
    weights = read_table(columns, "weights").values
    assert weights[0].tolist() == [2.0**53, columns["B"][0]]


def test_ints_beyond_64_bits_are_refused_whatever_numpy_makes_of_them():
    with pytest.raises(
        OverflowError, match=r"'A': 9223372036854775808 \(int\) does not fit into 64"
    ):
        read_table({"A": [2**63, -1]}, "prices")


def test_ints_that_floats_can_tell_apart_are_floats_beside_floats(form):
    table = read_table(form({"A": [2**53, 3], "B": [1.5, 2.5]}), "prices").values
    assert (table.dtype, table.tolist()) == (np.float64, [[2.0**53, 1.5], [3.0, 2.5]])


# Wide


def test_each_column_but_that_of_dates_is_a_symbol(form):
    table = read_table(form({"date": DAYS, "B": [1.5, 2.5], "long name": [3.5, 4.5]}), "prices")
    assert table.symbols == ("B", "long name")
    assert table.dates.dtype == "datetime64[D]"
    assert days(table) == ["2024-01-02", "2024-01-03"]
    assert table.values.dtype == np.float64
    assert table.values.tolist() == [[1.5, 3.5], [2.5, 4.5]]
    assert not table.is_long


def test_the_column_of_dates_may_have_any_name_and_place(form):
    table = read_table(form({"B": [1.5, 2.5], "when": DAYS}), "prices")
    assert (table.symbols, days(table)) == (("B",), ["2024-01-02", "2024-01-03"])


def test_a_table_without_dates_has_none(form):
    table = read_table(form({"A": [1.5], "B": [2.5]}), "prices")
    assert table.dates is None
    assert table.values.tolist() == [[1.5, 2.5]]


@pytest.mark.parametrize("name", ["date", "Time", "timestamp", "DATETIME"])
def test_text_in_a_column_of_that_name_is_read_as_dates(form, name):
    table = read_table(form({"A": [1.5, 2.5], name: ["2024-01-02", "2024-01-03"]}), "prices")
    assert (table.symbols, days(table)) == (("A",), ["2024-01-02", "2024-01-03"])


def test_text_in_a_first_column_is_read_as_dates(form):
    table = read_table(form({"day": ["2024-01-02", "2024-01-03"], "A": [1.5, 2.5]}), "prices")
    assert (table.symbols, days(table)) == (("A",), ["2024-01-02", "2024-01-03"])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02", "2024-01-02"),
        ("2024-01-02T00:00", "2024-01-02"),
        ("2024-01-02 09:30", "2024-01-02T09:30:00.000000000"),
        ("2024-01-02T09:30:15.25", "2024-01-02T09:30:15.250000000"),
        ("2024-01-02T09:30:15.123456789", "2024-01-02T09:30:15.123456789"),
        ("2024-01-02T09:30Z", "2024-01-02T09:30:00.000000000"),
        ("2024-01-02 09:30:00-05:00", "2024-01-02T14:30:00.000000000"),
        ("2024-01-02T00:15+0530", "2024-01-01T18:45:00.000000000"),
        ("2024-01-02 05:30:00+05:30", "2024-01-02"),
    ],
)
def test_text_is_a_day_or_a_time_in_utc(form, text, moment):
    assert days(read_table(form({"date": [text], "A": [1.5]}), "prices")) == [moment]


def test_days_and_times_in_one_column_are_nanoseconds(form):
    table = read_table(form({"date": ["2024-01-02", "2024-01-02T16:00"], "A": [1.5, 2]}), "prices")
    assert table.dates.dtype == "datetime64[ns]"
    assert days(table) == ["2024-01-02T00:00:00.000000000", "2024-01-02T16:00:00.000000000"]


def test_times_with_a_zone_become_those_of_utc(form):
    york = ZoneInfo("America/New_York")
    times = [dt.datetime(2024, month, 2, 16, tzinfo=york) for month in (1, 7)]
    table = read_table(form({"date": times, "A": [1.5, 2.5]}), "prices")
    assert days(table) == ["2024-01-02T21:00:00.000000000", "2024-07-02T20:00:00.000000000"]


def test_times_without_a_zone_stay_as_they_are(form):
    table = read_table(form({"date": [dt.datetime(2024, 1, 2, 16)], "A": [1.5]}), "prices")  # noqa: DTZ001
    assert days(table) == ["2024-01-02T16:00:00.000000000"]


@pytest.mark.parametrize("last", [None, DAYS[1]])
def test_a_day_that_is_null_is_refused(last):
    dates = [DAYS[0], last]
    for table in (
        {"date": dates, "A": [1.5, 2.5]},
        pl.DataFrame({"date": dates, "A": [1.5, 2.5]}),
        pa.table({"date": dates, "A": [1.5, 2.5]}),
        pd.DataFrame({"date": dates, "A": [1.5, 2.5]}),
        pd.DataFrame({"date": pd.to_datetime(dates), "A": [1.5, 2.5]}),
        pd.DataFrame({"date": pd.Series(dates, dtype="date32[pyarrow]"), "A": [1.5, 2.5]}),
    ):
        if last is None:
            with pytest.raises(errors.ValidationError, match="prices: row 1 has no date"):
                read_table(table, "prices")
        else:
            assert days(read_table(table, "prices")) == ["2024-01-02", "2024-01-03"]


def test_days_beyond_nanoseconds_are_days(form):
    table = read_table(form({"date": ["9999-12-31"], "A": [1.5]}), "prices")
    assert days(table) == ["9999-12-31"]


def test_nulls_and_nan_are_alike(form):
    table = read_table(form({"A": [1.5, None], "B": [float("nan"), 2.5]}), "prices")
    assert nested(table.values) == [[1.5, None], [None, 2.5]]


def test_ints_stay_ints_with_nulls_among_them(form):
    values = [2**53 + 1, None]
    a = pd.array(values, "Int64") if form is pd.DataFrame else values
    table = read_table(form({"A": a, "B": [3, 4], "C": [None, None]}), "prices")
    assert table.values.dtype == np.int64
    assert table.values.tolist() == [[9007199254740993, 3, 0], [0, 4, 0]]


def test_ints_with_nulls_among_weights_are_floats_so_that_0_is_not_absent(form):
    table = read_table(form({"A": [1, None], "B": [0, None]}), "weights")
    assert table.values.dtype == np.float64
    assert nested(table.values) == [[1.0, 0.0], [None, None]]


def test_ints_with_nulls_beside_floats_are_floats(form):
    table = read_table(form({"A": [1, None], "B": [0.5, 1.5]}), "prices")
    assert nested(table.values) == [[1.0, 0.5], [None, 1.5]]


def test_a_column_without_any_value_is_absent(form):
    table = read_table(form({"A": [None, None], "B": [0.5, 1.5]}), "prices")
    assert nested(table.values) == [[None, 0.5], [None, 1.5]]


def test_decimals_stay_exact(form):
    table = read_table(form({"A": [Decimal("1.10"), None]}), "prices")
    assert table.values.tolist() == [[Decimal("1.1")], [None]]


def test_numbers_beside_decimals_count_as_they_are_written(form):
    table = read_table(
        form({"A": [Decimal("1.10"), None], "B": [0.1, float("nan")], "C": [7, 8]}), "prices"
    )
    assert table.values.tolist() == [
        [Decimal("1.1"), Decimal("0.1"), Decimal(7)],
        [None, None, Decimal(8)],
    ]


def test_a_table_without_columns_has_no_periods(form):
    table = read_table(form({}), "prices")
    assert (table.symbols, table.dates, table.values.shape) == ((), None, (0, 0))


def test_dates_alone_are_periods_without_symbols(form):
    table = read_table(form({"date": DAYS}), "weights")
    assert (table.symbols, table.values.shape) == ((), (2, 0))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "uint64"])
def test_any_ints_become_64_bits(form, dtype):
    table = read_table(form({"A": np.array([1, 100], dtype)}), "prices")
    assert table.values.dtype == np.int64
    assert table.values.tolist() == [[1], [100]]


def test_floats_of_32_bits_become_64(form):
    table = read_table(form({"A": np.array([1.5, np.nan], "float32")}), "prices")
    assert table.values.dtype == np.float64
    assert nested(table.values) == [[1.5], [None]]


# Long


def test_a_row_a_value_becomes_a_row_a_date(form):
    table = read_table(
        form({"date": [DAYS[0], DAYS[0], DAYS[1]], "symbol": ["B", "A", "B"], "x": [1.5, 2.5, 3]}),
        "prices",
    )
    assert table.symbols == ("B", "A")
    assert days(table) == ["2024-01-02", "2024-01-03"]
    assert nested(table.values) == [[1.5, 2.5], [3.0, None]]
    assert table.is_long


def test_a_weight_that_is_left_out_is_0_and_one_that_is_null_stays_absent(form):
    columns = {
        "Ticker": ["A", "B", "A", "B", "A"],
        "date": ["2024-01-02", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
        "w": [0.5, 0.5, 1.0, None, 1.0],
    }
    table = read_table(form(columns), "weights")
    assert table.symbols == ("A", "B")
    assert nested(table.values) == [[0.5, 0.5], [1.0, 0.0], [0.0, None], [1.0, 0.0]]


def test_ints_of_a_long_table_are_0_where_absent(form):
    columns = {"date": DAYS, "symbol": ["A", "B"], "close": [2**53 + 1, 7]}
    table = read_table(form(columns), "prices")
    assert table.values.dtype == np.int64
    assert table.values.tolist() == [[9007199254740993, 0], [0, 7]]


def test_decimals_of_a_long_table_are_none_where_absent(form):
    columns = {"date": DAYS, "symbol": ["A", "B"], "close": [Decimal("1.5"), Decimal("2.5")]}
    table = read_table(form(columns), "prices")
    assert table.values.tolist() == [[Decimal("1.5"), None], [None, Decimal("2.5")]]


def test_a_long_table_without_rows_has_no_periods():
    empty = pl.DataFrame(schema={"date": pl.Date, "symbol": pl.String, "close": pl.Float64})
    table = read_table(empty, "prices")
    assert (table.symbols, table.values.shape) == ((), (0, 0))


def test_symbols_may_be_categories():
    labels = ["A", "B"]
    for frame in (
        pd.DataFrame({"date": DAYS, "symbol": pd.Categorical(labels), "x": [1.5, 2.5]}),
        pl.DataFrame({"date": DAYS, "symbol": pl.Series(labels, dtype=pl.Categorical), "x": 1.5}),
        pa.table({"date": DAYS, "symbol": pa.array(labels).dictionary_encode(), "x": [1.5, 2.5]}),
    ):
        assert read_table(frame, "prices").symbols == ("A", "B")


@settings(max_examples=60)
@given(
    data=st.dictionaries(
        st.tuples(st.integers(0, 6), st.sampled_from("ABCD")), st.floats(0.5, 9), min_size=1
    ),
    name=st.sampled_from(sorted(FORMS)),
    noun=st.sampled_from(["weights", "prices"]),
)
def test_long_and_wide_tables_of_the_same_values_are_the_same(data, name, noun):
    start = np.datetime64("2024-01-01")
    cells = sorted(data)
    symbols = list(dict.fromkeys(symbol for _, symbol in cells))
    rows = sorted({day for day, _ in cells})
    long = FORMS[name](
        {
            "date": start + np.array([day for day, _ in cells]),
            "symbol": [symbol for _, symbol in cells],
            "value": [data[cell] for cell in cells],
        }
    )
    absent = 0.0 if noun == "weights" else None
    wide = FORMS[name](
        {"date": start + np.array(rows)}
        | {symbol: [data.get((day, symbol), absent) for day in rows] for symbol in symbols}
    )
    one, other = read_table(long, noun), read_table(wide, noun)
    assert one.symbols == other.symbols == tuple(symbols)
    assert days(one) == days(other)
    np.testing.assert_array_equal(one.values, other.values)


# Zones


def zoned(times, zone):
    """The same times of a zone in every form."""
    index = pd.DatetimeIndex(times, tz=zone, name="date")
    columns = pd.DataFrame({"A": np.arange(1.0, len(times) + 1)}, index)
    rows = columns.reset_index()
    return [
        columns,
        rows,
        rows.convert_dtypes(dtype_backend="pyarrow"),
        pl.from_pandas(rows),
        pa.Table.from_pandas(rows, preserve_index=False),
        rows.assign(symbol="A"),
        {"date": list(index.to_pydatetime()), "A": columns["A"].to_list()},
        {"date": [str(time) for time in index], "A": columns["A"].to_list()},
    ]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Berlin", "America/New_York", "UTC"])
def test_midnights_of_a_zone_are_its_dates(zone):
    for given_table in zoned(["2024-03-29", "2024-04-01"], zone):
        table = read_table(given_table, "prices")
        assert days(table) == ["2024-03-29", "2024-04-01"]
        assert table.dates.dtype == "M8[D]"
        assert table.values.tolist() == [[1.0], [2.0]]


def test_midnights_beside_other_times_of_a_zone_are_times_of_utc():
    for given_table in zoned(["2024-03-29", "2024-04-01 09:00"], "Asia/Tokyo"):
        assert days(read_table(given_table, "prices")) == [
            "2024-03-28T15:00:00.000000000",
            "2024-04-01T00:00:00.000000000",
        ]


def test_one_moment_is_a_midnight_in_one_zone_and_none_in_another():
    tokyo = dt.datetime(2024, 1, 3, tzinfo=ZoneInfo("Asia/Tokyo"))
    times = [tokyo, tokyo.astimezone(dt.UTC)]
    columns = {"date": times, "symbol": ["A", "B"], "close": [1.5, 2.5]}
    assert days(read_table(columns, "prices")) == ["2024-01-02T15:00:00.000000000"]


# The index and the types of pandas


@pytest.mark.parametrize(
    "index",
    [
        pd.DatetimeIndex(["2024-01-02", "2024-01-03"]),
        pd.DatetimeIndex(["2024-01-02", "2024-01-03"], name="date"),
        pd.DatetimeIndex(["2024-01-02", "2024-01-03"], tz="UTC"),
        pd.Index(DAYS),
        pd.Index(["2024-01-02", "2024-01-03"]),
        pd.CategoricalIndex(["2024-01-02", "2024-01-03"]),
    ],
)
def test_an_index_of_dates_is_the_dates(index):
    table = read_table(pd.DataFrame({"A": [1.5, 2.5]}, index=index), "prices")
    assert (table.symbols, days(table)) == (("A",), ["2024-01-02", "2024-01-03"])


def test_an_index_with_a_zone_becomes_utc():
    index = pd.DatetimeIndex(["2024-01-02 16:00"], tz="America/New_York")
    table = read_table(pd.DataFrame({"A": [1.5]}, index=index), "prices")
    assert days(table) == ["2024-01-02T21:00:00.000000000"]


def test_an_index_of_dates_serves_a_long_table():
    frame = pd.DataFrame(
        {"symbol": ["A", "B"], "x": [1.5, 2.5]}, index=pd.DatetimeIndex(["2024-01-02"] * 2)
    )
    assert read_table(frame, "prices").values.tolist() == [[1.5, 2.5]]


@pytest.mark.parametrize(
    "index", [pd.RangeIndex(2), pd.Index([0.0, 1.0]), pd.Index([0, 1], dtype="Int64")]
)
def test_an_index_that_counts_rows_says_nothing(index):
    assert read_table(pd.DataFrame({"A": [1.5, 2.5]}, index=index), "prices").dates is None


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (pd.Index([20240102, 20240103]), "and is 20240102 in row 0"),
        (pd.RangeIndex(5, 7), "and is 5 in row 0"),
        (pd.Index([0, 2]), "and is 2 in row 1"),
        (pd.Index([1, 0]), "and is 1 in row 0"),
        (pd.Index([0.0, 1.5]), "and is 1.5 in row 1"),
        (pd.Index([0, None], dtype="Int64"), "and is <NA> in row 1"),
    ],
)
def test_another_index_of_numbers_is_refused_unless_a_column_has_the_dates(index, says):
    frame = pd.DataFrame({"A": [1.5, 2.5]}, index=index)
    with pytest.raises(errors.ValidationError) as caught:
        read_table(frame, "prices")
    assert str(caught.value) == (
        f"prices: an index of numbers counts rows from 0, {says}. Make dates of it, with "
        "pd.to_datetime(index.astype(str)), or drop it: reset_index(drop=True)"
    )
    assert days(read_table(frame.assign(date=DAYS), "prices")) == ["2024-01-02", "2024-01-03"]


@pytest.mark.parametrize("index", [pd.DatetimeIndex([]), pd.Index([], dtype=object)])
def test_an_empty_index_is_one_of_dates(index):
    table = read_table(pd.DataFrame({"A": []}, index=index), "weights")
    assert (table.dates.dtype, len(table.dates), table.values.shape) == ("M8[D]", 0, (0, 1))


@pytest.mark.parametrize(
    ("index", "kind"),
    [
        (
            pd.MultiIndex.from_product([["2024-01-02"], ["A", "B"]]),
            r"MultiIndex\. Make columns of it: reset_index\(\)",
        ),
        (
            pd.period_range("2024-01", periods=2, freq="M"),
            r"PeriodIndex\. Make dates of it: to_timestamp\(\)",
        ),
        (pd.to_timedelta([1, 2], "D"), r"TimedeltaIndex\. Make columns of it: reset_index\(\)"),
    ],
)
def test_an_index_that_is_neither_is_refused(index, kind):
    with pytest.raises(errors.ValidationError, match=f"got a {kind}"):
        read_table(pd.DataFrame({"close": [1.5, 2.5]}, index=index), "prices")


def test_an_index_of_symbols_is_refused():
    frame = pd.DataFrame({"date": DAYS, "close": [1.5, 2.5]}, index=["A", "B"])
    with pytest.raises((errors.ValidationError, TypeError), match="index"):
        read_table(frame, "prices")


def test_an_index_and_a_column_of_dates_are_one_too_many():
    frame = pd.DataFrame({"date": pd.to_datetime(DAYS), "A": 1.5}, index=pd.to_datetime(DAYS))
    with pytest.raises(
        errors.ValidationError, match=r"one column of dates, got '\(index\)', 'date'"
    ):
        read_table(frame, "prices")


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_each_backend_of_pandas_gives_the_same(backend):
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(DAYS),
            "A": pd.array([2**53 + 1, None], "Int64"),
            "B": [3, 4],
        }
    ).convert_dtypes(dtype_backend=backend)
    table = read_table(frame, "prices")
    assert days(table) == ["2024-01-02", "2024-01-03"]
    assert table.values.tolist() == [[9007199254740993, 3], [0, 4]]
    floats = pd.DataFrame({"A": [0.5, None]}).convert_dtypes(dtype_backend=backend)
    assert nested(read_table(floats, "prices").values) == [[0.5], [None]]


def test_nulls_of_any_kind_in_objects_of_pandas_are_absent():
    values = pd.Series([1.5, None, float("nan"), pd.NA, pd.NaT], dtype=object)
    table = read_table(pd.DataFrame({"A": values}), "prices")
    assert nested(table.values) == [[1.5], [None], [None], [None], [None]]


@pytest.mark.parametrize("names", [[0, 1], [("A", "close"), ("B", "close")], ["A", None]])
def test_names_that_are_no_strings_are_refused(names):
    frame = pd.DataFrame([[1.5, 2.5]])
    frame.columns = names
    with pytest.raises(TypeError, match="prices: names of columns are strings, got"):
        read_table(frame, "prices")
    with pytest.raises(TypeError, match="prices: names of columns are strings, got"):
        read_table({name: [1.5] for name in names}, "prices")


def test_names_that_are_no_strings_come_with_what_to_do():
    days = pd.DataFrame([[1.5, 2.5]], columns=pd.date_range("2024-01-01", periods=2))
    with pytest.raises(TypeError, match=r"Dates are rows and symbols columns: transpose"):
        read_table(days, "prices")
    with pytest.raises(TypeError, match=r"got 0 \(int\)\. Name the columns by their symbols"):
        read_table(pd.DataFrame([[1.5, 2.5]]), "prices")


def test_weights_by_symbol_are_said_to_be_one_row():
    with pytest.raises(ValidationError) as caught:
        read_table({"A": 0.5, "B": 0.5}, "weights")
    assert str(caught.value) == (
        "weights: column 'A' is not a sequence of single values, got 0.5 (float). Weights by "
        "symbol are one row: [weights], or [weights, None, …]"
    )


def test_a_column_twice_is_refused():
    arrays = [pa.array([1.5]), pa.array([2.5])]
    for frame in (
        pd.DataFrame([[1.5, 2.5]], columns=["A", "A"]),
        pa.Table.from_arrays(arrays, names=["A", "A"]),
    ):
        with pytest.raises(errors.ValidationError, match="prices: column 'A' is there twice"):
            read_table(frame, "prices")


def test_a_lazy_frame_is_told_to_be_collected():
    with pytest.raises(TypeError, match="a lazy one collected"):
        read_table(pl.LazyFrame({"A": [1.5]}), "prices")


def test_a_series_is_told_to_be_a_frame():
    pairs = pd.MultiIndex.from_product([DAYS, ["A"]], names=["date", "symbol"])
    with pytest.raises(TypeError, match=r"Make a frame of a series: reset_index\(name=…\)$"):
        read_table(pd.Series([1.5, 2.5], pairs), "prices")
    table = read_table(pd.Series([1.5, 2.5], pairs).reset_index(name="price"), "prices")
    assert (table.symbols, table.values.tolist()) == (("A",), [[1.5], [2.5]])
    for series in (pd.Series([1.5]), pl.Series([1.5])):
        with pytest.raises(TypeError, match=r"a series: to_frame\(…\) with its symbol$"):
            read_table(series, "prices")


def test_a_column_of_several_levels_is_told_to_take_one():
    frame = pd.DataFrame([[1.5]], columns=pd.MultiIndex.from_tuples([("Close", "AAPL")]))
    with pytest.raises(TypeError, match=r"'AAPL'\) \(tuple\)\. Of several levels take one, like"):
        read_table(frame, "prices")
    assert read_table(frame["Close"], "prices").symbols == ("AAPL",)


def test_a_series_is_no_table():
    for series in (pd.Series([1.5]), pl.Series([1.5]), pa.array([1.5])):
        with pytest.raises(TypeError, match="prices: a frame of pandas, polars or pyarrow"):
            read_table(series, "prices")


def test_reading_changes_nothing_in_a_frame(frame):
    given_frame = frame({"date": DAYS, "A": [1.5, None]})
    before = str(given_frame)
    table = read_table(given_frame, "prices")
    table.values[:] = 7.0
    assert str(given_frame) == before


# Arrays


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_an_array_of_64_bits_is_not_copied(dtype):
    array = np.ones((3, 2), dtype)
    table = read_table(array, "prices", symbols=["A", "B"])
    assert table.values is array
    assert (table.symbols, table.dates) == (("A", "B"), None)


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [("float32", "float64"), ("float16", "float64"), ("uint8", "int64"), ("uint64", "int64")],
)
def test_another_array_becomes_one_of_64_bits(dtype, wide):
    table = read_table(np.ones((3, 2), dtype), "prices", symbols=("A", "B"))
    assert table.values.dtype == wide
    assert table.values.tolist() == [[1, 1]] * 3


def test_symbols_of_an_array_may_be_anything_that_lists_strings():
    array = np.ones((1, 2))
    for symbols in (np.array(["A", "B"]), pd.Index(["A", "B"]), pl.Series(["A", "B"])):
        table = read_table(array, "prices", symbols=symbols)
        assert table.symbols == ("A", "B")
        assert all(type(symbol) is str for symbol in table.symbols)


def test_an_array_with_a_mask_is_refused():
    masked = np.ma.array([[1.5, 2.5]], mask=[[True, False]])
    with pytest.raises(TypeError, match="prices: an array without a mask; fill it"):
        read_table(masked, "prices", symbols=["A", "B"])


def test_a_mask_on_a_column_of_a_mapping_is_kept():
    columns = {
        "A": np.ma.array([1.5, 2.5], mask=[True, False]),
        "B": np.ma.array([1, 2], mask=[False, True]),
    }
    assert nested(read_table(columns, "prices").values) == [[None, 1.0], [2.5, None]]


@pytest.mark.parametrize("dtype", ["complex128", "datetime64[D]", "timedelta64[D]", "S3"])
def test_an_array_of_something_else_is_refused(dtype):
    with pytest.raises(TypeError, match="prices: an array of floats or ints, got dtype"):
        read_table(np.zeros((1, 1), dtype), "prices", symbols=["A"])
    if dtype != "datetime64[D]":
        with pytest.raises(TypeError, match="prices: column 'A' is not numeric"):
            read_table({"A": np.zeros(1, dtype)}, "prices")


# Lists of pairs


def test_lists_of_prices_that_are_not_whole_are_as_in_columns():
    rows = [[("A", 1.5), ("B", 2)], {"A": Decimal("1.6")}, []]
    table = read_table(rows, "prices", is_whole=False)
    columns = {"A": [1.5, Decimal("1.6"), None], "B": [2, None, None]}
    assert table.symbols == ("A", "B")
    assert table.values.tolist() == read_table(columns, "prices").values.tolist()
    floats = read_table([[("A", 1.5)], [], [("A", np.float32(2.5))]], "prices", is_whole=False)
    assert (floats.values.dtype, nested(floats.values)) == (np.float64, [[1.5], [None], [2.5]])
    whole = read_table([[("A", 2**53 + 1)], []], "prices", is_whole=False)
    assert (whole.values.dtype, whole.values.tolist()) == (np.int64, [[2**53 + 1], [0]])
    assert read_table([[], []], "prices", is_whole=False).values.shape == (2, 0)


def test_lists_of_prices_are_0_where_absent():
    table = read_table([[("B", 3)], {"A": 2**53 + 1}], "prices")
    assert (table.symbols, table.dates) == (("B", "A"), None)
    assert table.values.tolist() == [[3, 0], [0, 9007199254740993]]


def test_lists_of_weights_are_0_where_absent_and_nan_where_they_hold():
    table = read_table(([("B", 0.5)], None, [], [("A", 1)]), "weights")
    assert nested(table.values) == [[0.5, 0.0], [None, None], [0.0, 0.0], [0.0, 1.0]]


# What is refused


def cases():
    for row in json.loads(BAD.read_text())["read_table"]:
        for name in row.get("in", FORMS if "columns" in row else [""]):
            yield pytest.param(row, name, id=f"{name}-{row['says'][-60:]}")


@pytest.mark.parametrize(("row", "name"), list(cases()))
def test_a_bad_table_is_refused_with_the_reason(row, name):
    if "columns" in row:
        data = FORMS[name](row["columns"])
    elif "array" in row:
        data = np.array(row["array"])
    else:
        data = row["rows"] if "rows" in row else row["other"]
    error = getattr(errors, row["error"], None) or getattr(builtins, row["error"])
    with pytest.raises(error) as caught:
        read_table(data, "prices", symbols=row.get("symbols"))
    assert type(caught.value) is error
    assert row["says"] in str(caught.value)
