"""What a result offers beside the seed's seven keys, and its files."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.drawdown import drawdowns
from nanobook_core.portfolio.rolling import rolling
from nanobook_core.testing.simulate import tables

DATES = np.arange("2024-01-29", "2024-02-03", dtype="datetime64[D]")
PRICES = pd.DataFrame(
    {"A": [100.0, 102.0, 99.0, 101.0, 104.0], "B": [50.0, np.nan, 51.0, 52.0, 40.0]},
    index=pd.DatetimeIndex(DATES),
)
WEIGHTS = pd.DataFrame({"A": [0.5, 0.2], "B": [0.5, 0.8]}, index=PRICES.index[[0, 2]])


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


def test_trades_and_what_was_skipped_have_names_and_reasons(result):
    assert result.trades.tolist() == [
        (0, "A", 49, 10000, 490, "rebalance"),
        (0, "B", 99, 5000, 495, "rebalance"),
        (2, "A", -28, 9900, 277, "rebalance"),
        (2, "B", 56, 5100, 285, "rebalance"),
        (4, "B", -155, 4000, 620, "trailing"),
    ]
    assert result.skipped.tolist() == [
        (0, "A", 1, "cash"),
        (0, "B", 1, "cash"),
        (2, "B", 2, "cash"),
    ]
    assert result.cash[0] == 1_000_000 - 490_000 - 495_000 - 490 - 495


def test_turnover_is_traded_value_over_the_equity_before(result):
    turnover = result.turnover
    assert turnover.gross[0] == (490_000 + 495_000) / 1_000_000
    assert turnover.net[0] == 0.0
    before = result["equity_curve"][2]
    assert turnover.gross[2] == (28 * 9900 + 56 * 5100) / before
    assert turnover.net[2] == 28 * 9900 / before
    assert turnover.gross[1] == turnover.gross[3] == 0.0
    assert turnover.gross_annual == pytest.approx(turnover.gross.sum() / 5 * 252, rel=1e-15)


def test_months_are_compounded(result):
    growth = np.cumprod(1 + np.array(result["returns"]))
    assert result.monthly_returns == {
        "2024-01": pytest.approx(growth[2] - 1, rel=1e-12),
        "2024-02": pytest.approx(growth[4] / growth[2] - 1, rel=1e-12),
    }


def test_months_without_dates_are_refused():
    result = nanobook.simulate(
        np.array([[1.0]]), np.array([[100]]), symbols=["A"], cash=1000, costs=nanobook.Bps(0)
    )
    with pytest.raises(ValidationError, match="need dates"):
        _ = result.monthly_returns


def test_contributions_sum_to_the_return(result):
    assert result.contributions.shape == (5, 2)
    assert result.contributions.sum(axis=1) == pytest.approx(result["returns"], abs=1e-15)


@given(tables(), st.sampled_from([0, 15]), st.booleans())
def test_contributions_sum_to_the_return_in_any_market(market, bps, scaled):
    weights, prices, symbols = market
    try:
        result = nanobook.simulate(
            weights,
            prices,
            symbols=symbols,
            cash=10**6,
            costs=nanobook.Bps(bps),
            constraints=nanobook.Constraints(scale_to_cash=scaled),
        )
    except OverflowError:  # a quantity beyond 64 bits
        reject()
    returns, equity = np.array(result["returns"]), np.array(result["equity_curve"][:-1], float)
    sums = result.contributions.sum(axis=1)
    scale = np.abs(result.contributions).sum(axis=1) + 1
    assert (np.abs(sums - returns) <= 1e-12 * scale)[equity > 0].all()


def test_drawdowns_are_sorted_by_depth():
    found = drawdowns([0.1, -0.5, 1.5, -0.1, 0.0, 0.05])
    assert [(d.peak, d.trough, d.recovery) for d in found] == [(1, 2, 3), (3, 4, None)]
    assert found[0].depth == 0.5
    assert found[1].depth == pytest.approx(0.1)
    assert drawdowns([]) == ()
    assert drawdowns([0.1, 0.0, 0.2]) == ()


@given(st.lists(st.floats(-0.9, 1.0), max_size=30))
def test_the_deepest_drawdown_is_that_of_the_metrics(returns):
    metrics = nanobook.compute_metrics(returns)
    deepest = max((d.depth for d in drawdowns(returns)), default=0.0)
    assert deepest == (metrics.max_drawdown if metrics else 0.0)


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=20), st.integers(2, 8))
def test_rolling_is_the_metrics_of_each_window(returns, window):
    found = rolling(returns, window, 252.0, 0.001)
    for period in range(len(returns)):
        values = [getattr(found, name)[period] for name in ("total_return", "volatility", "sharpe")]
        if period < window - 1:
            assert np.isnan(values).all()
        else:
            own = nanobook.compute_metrics(returns[period - window + 1 : period + 1], 252.0, 0.001)
            assert values == [own.total_return, own.volatility, own.sharpe]
            assert found.max_drawdown[period] == own.max_drawdown


@pytest.mark.parametrize(("window", "error"), [(1, ValidationError), (0, ValidationError)])
def test_a_window_of_less_than_two_is_refused(result, window, error):
    with pytest.raises(error, match="at least 2"):
        result.rolling(window)


def test_periods_become_a_frame_of_each_kind(result):
    frame = result.to_pandas()
    assert list(frame.columns) == ["equity", "return", "cash", "drawdown", "turnover"]
    assert frame.index.tolist() == PRICES.index.tolist()
    assert frame["equity"].tolist() == result["equity_curve"][1:]
    other = result.to_polars()
    assert isinstance(other, pl.DataFrame)
    assert other["date"][0] == datetime(2024, 1, 29)  # noqa: DTZ001 - dates have no zone
    assert isinstance(result.to_arrow("trades"), pa.Table)


@pytest.mark.parametrize(
    ("table", "columns", "rows"),
    [
        ("trades", ["symbol", "quantity", "price", "cost", "reason"], 5),
        ("skipped", ["symbol", "quantity", "reason"], 3),
        ("stop_events", ["symbol", "trigger_price", "exit_price", "reason"], 1),
        ("holdings", ["symbol", "quantity", "weight"], 9),
        ("contributions", ["A", "B"], 5),
        ("drawdowns", ["depth", "peak", "trough", "recovery"], 3),
        ("monthly_returns", ["return"], 2),
    ],
)
def test_every_table_becomes_a_frame(result, table, columns, rows):
    frame = result.to_pandas(table)
    assert list(frame.columns) == columns
    assert len(frame) == rows
    assert len(result.to_polars(table)) == rows


def test_an_unknown_table_is_refused(result):
    with pytest.raises(ValidationError, match="table is one of periods, trades"):
        result.to_pandas("profits")


def test_a_result_is_shown_as_html(result):
    assert result._repr_html_().startswith("<table><tr><th></th><td>BacktestResult(periods=5")
    assert "<th>max drawdown</th>" in result._repr_html_()


@pytest.mark.parametrize("suffix", [".json", ".arrow", ".feather"])
def test_a_saved_result_is_loaded_as_it_was(result, tmp_path, suffix):
    path = tmp_path / f"r{suffix}"
    result.save(path)
    loaded = nanobook.BacktestResult.load(str(path))
    assert loaded == result
    assert dict(loaded) == dict(result) or str(dict(loaded)) == str(dict(result))  # NaN
    assert loaded.trades.tolist() == result.trades.tolist()
    assert loaded.skipped.tolist() == result.skipped.tolist()
    assert loaded.dates.tolist() == result.dates.tolist()
    assert (loaded.price_unit, loaded.money_unit) == (result.price_unit, result.money_unit)
    assert loaded.monthly_returns == result.monthly_returns
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".json", ".arrow"])
def test_carry_and_money_beyond_64_bits_are_saved(tmp_path, suffix):
    result = nanobook.simulate(
        np.array([[1.0], [np.nan], [np.nan]]),
        np.array([[2**40], [2**61], [2**60]]),
        symbols=["A"],
        cash=2**50,
        costs=nanobook.Bps(0),
        carry=nanobook.Carry(
            splits=np.array([[1.0], [1.0], [1.5]]), cash_rate=0.1, deposits={1: 7}
        ),
    )
    assert max(result["equity_curve"]) > 2**63
    path = tmp_path / f"r{suffix}"
    result.save(path)
    loaded = nanobook.BacktestResult.load(path)
    assert loaded == result
    assert loaded.flows == result.flows
    assert loaded.contributions.tolist() == result.contributions.tolist()


def test_a_file_that_is_no_result_is_refused(result, tmp_path):
    path = tmp_path / "r.json"
    result.save(path)
    document = json.loads(path.read_text())
    for change, message in (
        ({"schema": "other/1"}, "its schema is 'other/1'"),
        ({"cash": [1, 2]}, "cash has 2 of 5 periods"),
        ({"equity": [1, 2, 3, 4, 5.5]}, "equity has a value that is no whole number"),
        ({"quantities": [[1]] * 5}, "quantities is not a table of 5 periods and 2 symbols"),
        ({"dates": ["2024-01-29"]}, "it has 1 dates for 5 periods"),
        ({"ruined_at": 9}, "ruined_at is 9"),
        ({"symbols": [1, 2]}, "not strings"),
        ({"trades": {"period": [1]}}, "it has no 'column'"),
    ):
        path.write_text(json.dumps(document | change))
        with pytest.raises(ValidationError, match=r"r\.json is not a saved result: .*" + message):
            nanobook.BacktestResult.load(path)
    for text in ("", "{", "[]", '{"schema": NaN}', '{"schema": 1, "schema": 2}'):
        path.write_text(text)
        with pytest.raises(ValidationError, match="is not a saved result"):
            nanobook.BacktestResult.load(path)
    with pytest.raises(FileNotFoundError):
        nanobook.BacktestResult.load(tmp_path / "none.json")
    with pytest.raises(ValidationError, match=r"saved as \.json"):
        result.save(tmp_path / "r.pickle")


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.9])
def test_a_cut_arrow_file_is_refused(result, tmp_path, kept):
    path = tmp_path / "r.arrow"
    result.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(ValidationError, match=r"r\.arrow is not a saved result"):
        nanobook.BacktestResult.load(path)
