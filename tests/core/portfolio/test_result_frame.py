"""Tables of a result as frames of each kind."""

import sys
from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.result import BacktestResult
from nanobook_core.portfolio.simulation import CUTS, STOPS, TRADES, Simulation

DATES = np.arange("2024-01-29", "2024-02-03", dtype="datetime64[D]")
PRICES = pd.DataFrame(
    {"A": [100.0, 102.0, 99.0, 101.0, 104.0], "B": [50.0, np.nan, 51.0, 52.0, 40.0]},
    index=pd.DatetimeIndex(DATES),
)
WEIGHTS = pd.DataFrame({"A": [0.5, 0.2], "B": [0.5, 0.8]}, index=PRICES.index[[0, 2]])

COLUMNS = {
    "periods": ["equity", "return", "cash", "drawdown", "turnover"],
    "trades": ["symbol", "quantity", "price", "cost", "reason"],
    "skipped": ["symbol", "quantity", "reason"],
    "stop_events": ["symbol", "trigger_price", "exit_price", "reason"],
    "holdings": ["symbol", "quantity", "weight"],
    "contributions": ["A", "B"],
    "drawdowns": [
        *("depth", "peak", "trough", "recovery", "length"),
        *("peak_date", "trough_date", "recovery_date"),
    ],
    "monthly_returns": ["return"],
}


@pytest.fixture
def result():
    return nanobook.simulate(
        WEIGHTS,
        PRICES,
        cash=10_000,
        costs=nanobook.Bps(10),
        stops=nanobook.Stops(trailing=0.1),
        price_unit="0.01",
    )


def without_trades(weights=((0.0,), (0.0,)), symbols=("A",), prices=((100,), (50,))):
    return nanobook.simulate(
        np.array(weights), np.array(prices), symbols=symbols, cash=1000, costs=nanobook.Bps(0)
    )


def rich(equity, dates=None):
    """Be as rich as that without doing anything."""
    n_periods = len(equity)
    run = Simulation(
        symbols=("A",),
        equity=np.array([1, *equity], object),
        cash=np.array(equity, object),
        returns=np.zeros(n_periods),
        quantities=np.zeros((n_periods, 1), np.int64),
        prices=np.ones((n_periods, 1), np.int64),
        marks=np.ones((n_periods, 1), np.int64),
        stops=np.zeros(0, STOPS),
        trades=np.zeros(0, TRADES),
        cuts=np.zeros(0, CUTS),
        flows={},
        ruined_at=None,
    )
    return BacktestResult(run, metrics=None, dates=dates)


def test_periods_become_a_frame_of_each_kind(result):
    frame = result.to_pandas()
    assert frame.index.tolist() == PRICES.index.tolist()
    assert frame["equity"].tolist() == result["equity_curve"][1:]
    assert frame["return"].tolist() == result["returns"]
    assert frame["cash"].tolist() == result.cash
    assert frame["turnover"].tolist() == result.turnover.gross.tolist()
    assert frame["drawdown"].max() == result["metrics"].max_drawdown
    other = result.to_polars()
    assert isinstance(other, pl.DataFrame)
    assert other["date"][0] == datetime(2024, 1, 29)  # noqa: DTZ001 - dates have no zone
    assert isinstance(result.to_arrow("trades"), pa.Table)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("periods", 5),
        ("trades", 5),
        ("skipped", 3),
        ("stop_events", 1),
        ("holdings", 9),
        ("contributions", 5),
        ("drawdowns", 3),
        ("monthly_returns", 2),
    ],
)
def test_every_table_becomes_a_frame(result, table, rows):
    frame = result.to_pandas(table)
    assert list(frame.columns) == COLUMNS[table]
    assert len(frame) == rows
    assert result.to_polars(table).columns[-len(COLUMNS[table]) :] == COLUMNS[table]
    assert len(result.to_polars(table)) == result.to_arrow(table).num_rows == rows


def test_rows_are_those_of_the_attributes(result):
    assert result.to_polars("trades").rows() == [
        (DATES[period].astype("datetime64[us]").item(), *rest)
        for period, *rest in result.trades.tolist()
    ]
    assert result.to_polars("stop_events").rows() == [
        (datetime(2024, 2, 2), "B", 4680, 4000, "trailing")  # noqa: DTZ001
    ]
    assert result.to_polars("holdings").rows()[-1][1:] == (
        "A",
        int(result.quantities[4, 0]),
        float(result.weights[4, 0]),
    )
    assert result.to_polars("contributions").drop("date").rows() == [
        tuple(row) for row in result.contributions.tolist()
    ]
    assert result.to_polars("monthly_returns").rows() == list(result.monthly_returns.items())


def test_drawdowns_have_dates_where_prices_had(result):
    frame = result.to_pandas("drawdowns")
    assert frame["trough_date"].tolist() == [
        pd.Timestamp(found.trough_date) for found in result.drawdowns
    ]
    assert frame["recovery_date"].isna().tolist() == [
        found.recovery is None for found in result.drawdowns
    ]
    undated = without_trades(((1.0,), (1.0,))).to_polars("drawdowns")
    assert undated.rows() == [(0.5, 1, 2, None, 1)]


def test_a_recovery_that_is_absent_leaves_the_others_whole(result):
    recovery = result.to_pandas("drawdowns")["recovery"]
    assert recovery.dtype == pd.Int64Dtype()
    assert recovery.fillna(-1).tolist() == [found.recovery or -1 for found in result.drawdowns]
    assert recovery.isna().any()
    assert recovery.notna().any()
    assert without_trades().to_pandas("drawdowns")["recovery"].dtype == pd.Int64Dtype()


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_a_frame_of_what_is_not_installed_says_what_to_install(result, name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    to_frame = getattr(result, f"to_{name.removeprefix('py')}")
    with pytest.raises(ImportError) as caught:
        to_frame()
    assert str(caught.value) == f"{name} is not installed: python3 -m pip install {name}"


def test_without_dates_periods_are_numbered():
    frame = without_trades().to_pandas()
    assert (frame.index.name, frame.index.tolist()) == ("period", [0, 1])
    assert without_trades().to_arrow().column_names[0] == "period"
    with pytest.raises(ValidationError, match="need dates"):
        without_trades().to_pandas("monthly_returns")


@pytest.mark.parametrize(
    ("table", "kinds"),
    [
        ("trades", [pl.Int64, pl.String, pl.Int64, pl.Int64, pl.Int64, pl.String]),
        ("skipped", [pl.Int64, pl.String, pl.Int64, pl.String]),
        ("stop_events", [pl.Int64, pl.String, pl.Int64, pl.Int64, pl.String]),
        ("holdings", [pl.Int64, pl.String, pl.Int64, pl.Float64]),
        ("drawdowns", [pl.Float64, pl.Int64, pl.Int64, pl.Int64, pl.Int64]),
    ],
)
def test_a_table_without_rows_has_the_types_of_one_with_rows(table, kinds):
    empty = without_trades().to_polars(table)
    assert len(empty) == 0
    assert empty.dtypes == kinds
    assert without_trades().to_pandas(table).empty
    assert "null" not in map(str, without_trades().to_arrow(table).schema.types)


@pytest.mark.parametrize("table", COLUMNS)
def test_no_period_at_all_makes_an_empty_frame(table):
    nothing = rich([], np.array([], "datetime64[D]"))
    assert len(nothing.to_pandas(table)) == len(nothing.to_polars(table)) == 0


def test_money_beyond_64_bits_becomes_decimals():
    result = rich([2**70, -(2**70)])
    amounts = [Decimal(2**70), Decimal(-(2**70))]
    assert result.to_pandas()["equity"].tolist() == amounts
    assert result.to_polars()["equity"].to_list() == amounts
    assert result.to_arrow()["cash"].to_pylist() == amounts


@pytest.mark.parametrize(
    ("amount", "method", "digits"), [(10**38, "to_polars", 38), (-(10**76), "to_arrow", 76)]
)
def test_money_beyond_what_a_library_has_numbers_for_is_refused(amount, method, digits):
    largest = getattr(rich([amount // 10, 0]), method)()
    assert [Decimal(value) for value in largest["equity"].to_numpy()] == [amount // 10, 0]
    message = f"'equity' has an amount of {digits + 1} digits, and .* takes {digits}; to_pandas"
    with pytest.raises(OverflowError, match=message):
        getattr(rich([0, amount]), method)()
    assert rich([0, amount]).to_pandas()["equity"].tolist() == [Decimal(0), Decimal(amount)]


@pytest.mark.parametrize("date", ["1500-01-01", "2500-01-01"])
def test_dates_beyond_those_of_nanoseconds_are_kept(date):
    result = rich([5], np.array([date], "datetime64[D]"))
    assert str(result.to_pandas().index[0]) == f"{date} 00:00:00"
    assert result.to_polars()["date"][0].isoformat() == f"{date}T00:00:00"


def test_a_symbol_that_is_named_as_the_index_is_refused_in_a_wide_table():
    named = without_trades(((0.0, 0.0),) * 2, ("period", "date"), ((1, 2), (3, 4)))
    with pytest.raises(ValidationError, match="first column is named 'period', and so is a symbol"):
        named.to_pandas("contributions")
    assert named.to_pandas("periods")["equity"].tolist() == [1000, 1000]


@pytest.mark.parametrize("table", ["profits", None, 3, ["periods"]])
def test_an_unknown_table_is_refused(result, table):
    with pytest.raises(ValidationError, match="table is one of periods, trades"):
        result.to_pandas(table)
