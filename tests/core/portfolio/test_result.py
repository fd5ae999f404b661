"""What a result offers beside the seed's seven keys."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.result import BacktestResult
from nanobook_core.portfolio.simulation import CUTS, STOPS, TRADES, Simulation
from nanobook_core.testing.simulate import markets

#: Weights, prices and symbols, at prices of every magnitude.
TABLES = st.sampled_from([2, 10, 100, 10_000, 2**53 + 1, 2**61]).flatmap(markets)

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


def test_metrics_are_an_attribute_too(result):
    assert result.metrics is result["metrics"]
    assert nanobook.simulate([], [], cash=1, costs=nanobook.Bps(0)).metrics is None


ARRAYS = ("quantities", "weights", "contributions", "trades", "skipped", "dates")


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_cannot_be_changed(result, name):
    array = getattr(result, name)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = array[1]
    if array.dtype.names:
        with pytest.raises(ValueError, match="read-only"):
            array["quantity"][0] = 7


def test_arrays_of_turnover_and_rolling_measures_cannot_be_changed(result):
    for array in (result.turnover.gross, result.turnover.net, result.rolling(2).sharpe):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


def test_tables_that_were_given_stay_writable():
    dates = np.array(["2024-01-01", "2024-01-02"], "M8[D]")
    weights, prices = np.array([[0.5], [0.5]]), np.array([[100], [110]])
    for tables in (
        {"weights": weights, "prices": prices, "symbols": ["A"]},
        {
            "weights": {"date": dates, "A": weights[:, 0]},
            "prices": {"date": dates, "A": prices[:, 0]},
        },
    ):
        result = nanobook.simulate(**tables, cash=1000, costs=nanobook.Bps(0))
        _ = result.dates, result.quantities, result.weights, result.trades, result["holdings"]
        for table in (weights, prices, dates):
            assert table.flags.writeable


def test_a_frame_of_a_result_can_be_changed(result):
    for table in ("periods", "contributions", "trades", "holdings"):
        frame = result.to_pandas(table)
        frame.iloc[0] = frame.iloc[1]
        assert frame.iloc[0].tolist() == frame.iloc[1].tolist()


def test_what_is_long_is_shown_in_a_line(result):
    assert repr(result.turnover) == (
        f"Turnover(gross_annual={result.turnover.gross_annual!r}, "
        f"net_annual={result.turnover.net_annual!r})"
    )


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


@given(TABLES, st.sampled_from([0, 15]), st.booleans())
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


def test_a_result_is_shown_as_html(result):
    assert result._repr_html_().startswith("<table><tr><th></th><td>BacktestResult(periods=5")
    assert "<th>max drawdown</th>" in result._repr_html_()


def test_html_escapes_what_is_written_into_it():
    class Marked(BacktestResult):
        def __repr__(self):
            return "<b>&"

    html = Marked(simulation(), metrics=None)._repr_html_()
    assert html == "<table><tr><th></th><td>&lt;b&gt;&amp;</td></tr></table>"


def simulation(**changes):
    """Hold 2 of A for two periods; its price goes from 100 to 110."""
    table = {
        "symbols": ("A",),
        "equity": np.array([1000, 1000, 1020]),
        "cash": np.array([800, 800]),
        "returns": np.array([0.0, 0.02]),
        "quantities": np.array([[2], [2]]),
        "prices": np.array([[100], [110]]),
        "marks": np.array([[100], [110]]),
        "stops": np.zeros(0, STOPS),
        "trades": np.array([(0, 0, 2, 100, 0, 0)], TRADES),
        "cuts": np.zeros(0, CUTS),
        "flows": {},
        "ruined_at": None,
    }
    return Simulation(**(table | changes))


def test_dates_are_shown():
    daily = BacktestResult(simulation(), metrics=None, dates=DATES[:2])
    assert repr(daily) == (
        "BacktestResult(periods=2, dates=2024-01-29..2024-01-30, symbols=1, final_equity=1020, "
        "stop_events=0)"
    )
    minutes = np.array(["2024-01-29T09:30", "2024-01-29T09:31"], "datetime64[ns]")
    intraday = BacktestResult(simulation(), metrics=None, dates=minutes)
    assert "dates=2024-01-29T09:30:00..2024-01-29T09:31:00" in repr(intraday)


@pytest.mark.parametrize(
    "terms",
    [
        {"dates": DATES[:2]},
        {"dates": DATES[1:3]},
        {"periods_per_year": 12.0},
        {"risk_free": 0.001},
        {"price_unit": Decimal("0.01")},
        {"money_unit": Decimal("0.01")},
    ],
)
def test_results_that_differ_in_anything_are_not_equal(terms):
    same, other = ({"dates": DATES[2:4]} | change for change in ({}, terms))
    result = BacktestResult(simulation(), metrics=None, **same)
    assert result == BacktestResult(simulation(), metrics=None, **same)
    assert result != BacktestResult(simulation(), metrics=None, **other)
    assert result != BacktestResult(simulation(cash=np.array([800, 801])), metrics=None, **same)
    assert result != BacktestResult(simulation(), metrics=None)


def test_trades_and_cuts_are_only_found_when_asked_for():
    asked = []

    def derive():
        asked.append(1)
        return np.array([(0, 0, 2, 100, 0, 0)], TRADES), np.zeros(0, CUTS)

    result = BacktestResult(simulation(trades=None, cuts=None, derive=derive), metrics=None)
    dict(result), repr(result), result.weights, result.drawdowns, result.rolling(2)
    assert result == result  # noqa: PLR0124 - compares, and must not look
    assert asked == []
    assert result.trades.tolist() == [(0, "A", 2, 100, 0, "rebalance")]
    assert result.skipped.tolist() == []
    assert asked == [1]


def test_lists_are_made_once():
    result = BacktestResult(simulation(), metrics=None)
    for key in result:
        assert result[key] is result[key]
    assert result["holdings"] == [[("A", 0.2)], [("A", 220 / 1020)]]
    assert result["symbol_returns"][1] == [("A", 0.1)]
    assert result.weights is result.weights


def test_values_beyond_64_bits_are_exact_before_they_are_weights():
    result = nanobook.simulate(
        np.array([[1.0], [np.nan]]),
        np.array([[3], [2**62]]),
        symbols=["A"],
        cash=2**50 + 1,
        costs=nanobook.Bps(0),
    )
    lots, cash = divmod(2**50 + 1, 3)
    assert result.weights.tolist() == [
        [3 * lots / (2**50 + 1)],
        [float(lots * 2**62) / float(lots * 2**62 + cash)],
    ]
    assert result["holdings"][1] == [("A", 1.0)]


def test_a_split_is_no_return_of_the_symbol():
    ratios = np.array([[2.0, 1.0], [2.0, 1.0], [1.0, 0.1], [1.0, 3.0]])
    result = nanobook.simulate(
        np.array([[0.5, 0.5], *[[np.nan] * 2] * 3]),
        np.array([[100, 10], [55, 0], [50, 90], [50, 33]]),
        symbols=["A", "B"],
        cash=10_000,
        costs=nanobook.Bps(0),
        carry=nanobook.Carry(splits=ratios),
    )
    missing, *returns = (dict(row) for row in result["symbol_returns"])
    assert np.isnan(list(missing.values())).all()
    assert returns[0] == {"A": 0.1}  # two shares at 55 for one at 100
    assert returns[1]["A"] == -5 / 55
    assert np.isnan(returns[1]["B"])  # no price the period before
    assert returns[2] == {"A": 0.0, "B": 0.1}


def test_a_dividend_beyond_64_bits_is_contributed():
    result = nanobook.simulate(
        np.array([[1.0], [np.nan]]),
        np.array([[1], [1]]),
        symbols=["A"],
        cash=2**50,
        costs=nanobook.Bps(0),
        carry=nanobook.Carry(dividends=np.array([[0], [2**20]])),
    )
    assert result.contributions.tolist() == [[0.0], [2.0**20]]


_carry = st.fixed_dictionaries(
    {
        "cash_rate": st.sampled_from([0.0, 0.5, 10.0]),
        "borrow_rate": st.sampled_from([0.0, 5.0]),
        "deposits": st.sampled_from([None, {0: 1000}, {0: -7, 1: 5_000_000}]),
    }
)


@given(TABLES, _carry, st.data())
def test_contributions_and_interest_are_the_return_whatever_is_paid(market, carry, data):
    weights, prices, symbols = market

    def table(values):
        cells = data.draw(st.lists(values, min_size=prices.size, max_size=prices.size))
        return np.array(cells, float).reshape(prices.shape)

    dividends = table(st.sampled_from([0, 0, 1, 3]))
    splits = table(st.sampled_from([1.0, 1.0, 2.0, 0.5, 1.5]))
    # A price that is carried over one of these is whole.
    splits = np.where(prices > 0, splits, np.minimum(splits, 1.0))
    try:
        result = nanobook.simulate(
            weights,
            prices,
            symbols=symbols,
            cash=10**6,
            costs=nanobook.Bps(15),
            carry=nanobook.Carry(
                dividends=dividends,
                splits=splits,
                **{name: value for name, value in carry.items() if len(prices) > 1},
            ),
        )
    except OverflowError:  # a quantity beyond 64 bits
        reject()
    n_periods = len(prices)
    flows = {
        name: np.array(result.flows.get(name, [0] * n_periods), float)
        for name in ("deposits", "interest")
    }
    base = np.array(result["equity_curve"][:-1], float) + flows["deposits"]
    earning = base > 0
    earned = result.contributions[earning].sum(axis=1) + flows["interest"][earning] / base[earning]
    scale = np.abs(result.contributions[earning]).sum(axis=1) + 1
    assert (np.abs(earned - np.array(result["returns"])[earning]) <= 1e-12 * scale).all()
    assert (result.contributions[~earning] == 0.0).all()
