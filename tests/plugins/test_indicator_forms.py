"""What indicators take and give back, what they refuse, and the original's numbers."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import nanobook

README = Path(__file__).parents[2] / "plugins" / "nanobook_indicators" / "README.md"
DATA = Path(__file__).parents[1] / "data" / "indicators"
ORIGINAL = json.loads((DATA / "original.json").read_text())
CLOSE = [[10.0, 20.0], [11.0, 19.0], [13.0, 21.0], [12.0, 22.0]]
#: Simple averages of two.
AVERAGE = [[10.5, 19.5], [12.0, 20.0], [12.5, 21.5]]
DAYS = pd.date_range("2024-01-02", periods=4, name="day")
ERRORS = {
    "ValidationError": nanobook.ValidationError,
    "TypeError": TypeError,
    "OverflowError": OverflowError,
}


def numbers(values):
    """A series of the data file, in which there is null for NaN."""
    return np.array([np.nan if value is None else value for value in values])


@pytest.mark.parametrize(
    "row",
    ORIGINAL["rows"],
    ids=[f"{row['version']}-{row['name']}{row['options']}" for row in ORIGINAL["rows"]],
)
def test_numbers_are_those_of_the_original(row):
    function = getattr(nanobook, f"py_{row['name']}")
    found = function(*(ORIGINAL["series"][name] for name in row["inputs"]), *row["options"])
    expected = row["outputs"]
    if row["name"] == "drawdown_series":
        assert found == expected
    elif row["name"] in ("spearman", "quintile_spread"):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    elif isinstance(found, tuple):
        assert len(found) == len(expected)
        for values, known in zip(found, expected, strict=True):
            assert isinstance(values, list)
            np.testing.assert_allclose(values, numbers(known), rtol=1e-11, atol=1e-11)
    else:
        assert isinstance(found, list)
        np.testing.assert_allclose(found, numbers(expected), rtol=1e-11, atol=1e-11)


def test_what_the_behaviour_of_the_original_names_by_number():
    nan = float("nan")
    np.testing.assert_array_equal(nanobook.py_rsi([5.0] * 5, 3), [nan, nan, nan, 0.0, 0.0])
    np.testing.assert_array_equal(nanobook.py_rsi([1.0, 2, 3, 4, 5], 3), [nan] * 3 + [100.0] * 2)
    np.testing.assert_array_equal(nanobook.py_rsi([1.0, 2, 3], 3), [nan] * 3)
    assert nanobook.py_rsi([]) == []
    # True ranges are 2, 3 and 2, from the second bar on.
    high, low, close = [5.0, 7, 8, 7], [4.0, 5, 5, 5], [5.0, 6, 6, 6]
    np.testing.assert_array_equal(nanobook.py_atr(high, low, close, 2), [nan, nan, 2.5, 2.25])
    np.testing.assert_allclose(
        nanobook.py_rolling_volatility([0.1, 0.3, 0.3], 2, 100), [nan, 2**0.5, 0.0], rtol=1e-12
    )


def test_a_list_gives_a_list_of_floats_and_rows_give_rows():
    found = nanobook.sma([row[0] for row in CLOSE], 2)
    assert repr(found) == "[nan, 10.5, 12.0, 12.5]"
    assert all(type(value) is float for value in found)
    assert repr(nanobook.sma(tuple(CLOSE), 2)[1:]) == repr(AVERAGE)
    assert repr(nanobook.sma([[], []], 2)) == "[[], []]"
    upper, middle, lower = nanobook.bbands([row[0] for row in CLOSE], 2)
    assert [type(band) for band in (upper, middle, lower)] == [list] * 3


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float32, np.float16, ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_any_numbers_gives_one_of_float64(dtype, order):
    found = nanobook.sma(np.array(CLOSE, dtype, order=order), 2)
    assert found.dtype == np.float64
    assert np.isnan(found[0]).all()
    assert found[1:].tolist() == AVERAGE


def test_views_are_read_as_they_are():
    table = np.array(CLOSE)
    assert nanobook.sma(table[::-1], 2)[1:].tolist() == AVERAGE[::-1]
    assert nanobook.sma(table[:, ::-1], 2)[1:].tolist() == [row[::-1] for row in AVERAGE]
    assert nanobook.sma(table[:, 1], 2)[1:].tolist() == [row[1] for row in AVERAGE]
    table.flags.writeable = False
    assert nanobook.sma(table, 2)[1:].tolist() == AVERAGE


def test_a_frame_of_pandas_keeps_its_index_and_columns():
    frame = pd.DataFrame(CLOSE, index=DAYS, columns=["A", "B"])
    frame["B"] = frame["B"].astype(int)
    found = nanobook.sma(frame, 2)
    expected = pd.DataFrame([[np.nan] * 2, *AVERAGE], index=DAYS, columns=["A", "B"])
    pd.testing.assert_frame_equal(found, expected)
    backwards = nanobook.sma(frame.iloc[::-1], 2)
    assert backwards.index.tolist() == DAYS[::-1].tolist()
    assert backwards["A"].tolist()[1:] == [12.5, 12.0, 10.5]
    assert frame["B"].dtype == int


@pytest.mark.parametrize("name", ["A", None, "values"])
def test_a_series_of_pandas_keeps_its_index_and_name(name):
    series = pd.Series([row[0] for row in CLOSE], index=DAYS[::-1], name=name)
    found = nanobook.sma(series, 2)
    expected = pd.Series([np.nan, 10.5, 12.0, 12.5], index=DAYS[::-1], name=name)
    pd.testing.assert_series_equal(found, expected, check_freq=False)


def test_a_frame_of_polars_keeps_its_columns_of_dates():
    days = pl.Series("day", DAYS.date.tolist())
    frame = pl.DataFrame({"day": days, "A": [10, 11, 13, 12], "B": [None, 19.0, 21.0, 22.0]})
    found = nanobook.sma(frame, 2)
    assert found.columns == ["day", "A", "B"]
    assert found["day"].equals(days)
    assert found["A"].to_list()[1:] == [10.5, 12.0, 12.5]
    assert found["B"].to_list()[2:] == [20.0, 21.5]  # begins late
    assert np.isnan(found["B"].to_list()[:2]).all()


def test_a_series_of_polars_and_a_table_of_pyarrow_are_given_back_as_such():
    series = nanobook.sma(pl.Series("A", [10, 11, 13, 12]), 2)
    assert (series.name, series.to_list()[1:]) == ("A", [10.5, 12.0, 12.5])
    table = nanobook.sma(pa.table({"A": [10, 11, 13, 12]}), 2)
    assert isinstance(table, pa.Table)
    assert table.column("A").to_pylist()[1:] == [10.5, 12.0, 12.5]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float64[pyarrow]"])
def test_nulls_at_the_start_of_a_column_are_a_late_listing(dtype):
    found = nanobook.sma(pd.DataFrame({"A": pd.Series([None, 1, 2, 3], dtype=dtype)}), 2)
    assert np.asarray(found["A"], float)[2:].tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    "columns",
    [
        pd.RangeIndex(2),
        pd.MultiIndex.from_tuples([("Close", "A"), ("Close", "B")]),
        pd.Index(["A", 1], dtype=object),
    ],
)
def test_names_of_columns_of_pandas_are_of_any_kind(columns):
    frame = pd.DataFrame(CLOSE, DAYS, columns)
    found = nanobook.sma(frame, 2)
    expected = pd.DataFrame([[np.nan] * 2, *AVERAGE], DAYS, columns)
    pd.testing.assert_frame_equal(found, expected)
    assert frame.columns is columns or frame.columns.equals(columns)
    frame.iloc[1, 1] = np.inf
    with pytest.raises(nanobook.ValidationError) as caught:
        nanobook.sma(frame, 2)
    assert f"close, column {columns[1]!r}, row 1 is inf" in str(caught.value)


def test_a_name_without_any_value_stays_without():
    for empty in (
        pl.DataFrame({"A": [None, None], "B": [1, 2]}),
        pd.DataFrame({"A": [None, None], "B": [1, 2]}),
    ):
        found = nanobook.sma(empty, 1)
        assert np.isnan(found["A"].to_numpy()).all()
        assert found["B"].to_numpy().tolist() == [1.0, 2.0]
    assert nanobook.sma(pd.DataFrame(), 2).shape == (0, 0)
    assert nanobook.sma(pl.DataFrame(schema={"A": pl.Float64}), 2).shape == (0, 1)


def test_missing_dates_are_equal_to_missing_dates():
    close = pd.Series([1.0, 2.0], pd.DatetimeIndex(["2024-01-02", pd.NaT]))
    assert nanobook.obv(close, close).tolist() == [1.0, 3.0]


def test_several_frames_give_frames():
    frames = [pd.DataFrame(CLOSE, DAYS, ["A", "B"]) + move for move in (1.0, -1.0, 0.0)]
    k, d = nanobook.stochf(*frames, 1, 1)
    pd.testing.assert_frame_equal(k, pd.DataFrame(50.0, DAYS, ["A", "B"]))
    pd.testing.assert_frame_equal(d, k)
    volume = np.ones((4, 2))
    assert isinstance(nanobook.ad(*frames, volume), pd.DataFrame)


def test_frames_that_do_not_fit_together_are_refused():
    frame = pd.DataFrame(CLOSE, DAYS, ["A", "B"])
    with pytest.raises(nanobook.ValidationError, match="high and low must have the same columns"):
        nanobook.trange(frame, frame[["B", "A"]], frame)
    later = frame.set_axis(DAYS + pd.Timedelta(days=1))
    with pytest.raises(nanobook.ValidationError, match="close must have the same index; in row 0"):
        nanobook.trange(frame, frame, later)
    with pytest.raises(nanobook.ValidationError, match=r"high has \(4, 2\), close \(3, 2\)"):
        nanobook.trange(frame, frame, frame.iloc[1:])
    series = frame["A"]
    with pytest.raises(nanobook.ValidationError, match="close and volume must have the same index"):
        nanobook.obv(series, series.iloc[::-1])
    dated = pl.DataFrame({"day": DAYS.date.tolist(), "A": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(nanobook.ValidationError, match="must have the same index; in row 0"):
        nanobook.obv(dated, dated.with_columns(day=pl.col("day").reverse()))


def test_frames_with_anything_but_numbers_are_refused():
    with pytest.raises(TypeError, match="close, column 'name' is not numeric, its type is String"):
        nanobook.rsi(pl.DataFrame({"A": [1.0], "name": ["x"]}))
    with pytest.raises(TypeError, match="close is not numeric, its type is Boolean"):
        nanobook.rsi(pd.Series([True]))
    with pytest.raises(TypeError, match="a series or frame of pandas, polars or pyarrow"):
        nanobook.rsi(pl.LazyFrame({"A": [1.0]}))
    with pytest.raises(nanobook.ValidationError, match="close, column 'B', row 1 is inf"):
        nanobook.rsi(pd.DataFrame({"A": [1.0, 2.0], "B": [1.0, np.inf]}))
    with pytest.raises(nanobook.ValidationError, match="close: a column is there twice"):
        nanobook.rsi(pd.DataFrame(CLOSE, columns=["A", "A"]))
    with pytest.raises(TypeError, match="close: an array without a mask"):
        nanobook.rsi(np.ma.masked_invalid([1.0, np.nan]))
    with pytest.raises(TypeError, match="got dtype complex128"):
        nanobook.rsi(np.array([1j]))


BAD = json.loads((DATA / "bad_input.json").read_text())


@pytest.mark.parametrize("row", BAD, ids=[f"{row['function']}-{row['says'][:30]}" for row in BAD])
def test_bad_input_is_refused_saying_what_and_where(row):
    with pytest.raises(ERRORS[row["error"]]) as caught:
        getattr(nanobook, row["function"])(*row["arguments"])
    assert type(caught.value) is ERRORS[row["error"]]
    assert row["says"] in str(caught.value)


FLAT = [1.0, 10.0, 2.0, 11.0, 3.0, 12.0, 4.0, 13.0]
PANEL = np.array(FLAT).reshape(-1, 2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sma", (2,)),
        ("ema", (2,)),
        ("rsi", (2,)),
        ("bbands", (2, 1.0, 2.0)),
        ("macd", (2, 3, 1)),
    ],
)
def test_a_flat_panel_gives_a_flat_one(name, options):
    found = getattr(nanobook, f"py_{name}_panel")(FLAT, 2, *options)
    expected = getattr(nanobook, name)(PANEL, *options)
    for flat, table in zip(
        found if isinstance(found, tuple) else (found,),
        expected if isinstance(expected, tuple) else (expected,),
        strict=True,
    ):
        assert isinstance(flat, list)
        np.testing.assert_array_equal(flat, table.ravel())


def test_flat_panels_are_numbered_by_period_and_then_by_name():
    assert nanobook.sma_panel(FLAT, 2, 3)[4:] == [2.0, 11.0, 3.0, 12.0]
    assert nanobook.py_sma_panel_by_column(FLAT, 2, 3)[4:] == [2.0, 11.0, 3.0, 12.0]
    assert nanobook.py_ema_panel_by_column(FLAT, 2, 1) == FLAT
    assert nanobook.sma_panel([], 2, 3) == []
    assert nanobook.sma_panel(np.array(FLAT), 2, 1).tolist() == FLAT
    high, low = (np.array(FLAT) + move for move in (1.0, -1.0))
    np.testing.assert_array_equal(
        nanobook.py_atr_panel(high, low, np.array(FLAT), 2, 2),
        nanobook.atr(PANEL + 1.0, PANEL - 1.0, PANEL, 2).ravel(),
    )


def test_the_example_in_the_readme_prints_what_it_says(capsys):
    text = README.read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    exec(code, {})  # noqa: S102 - our own README
    assert capsys.readouterr().out == re.search(r"```text\n(.*?)```", text, re.DOTALL).group(1)
