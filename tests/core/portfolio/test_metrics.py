import datetime as dt
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import compute_metrics, monthly_returns

CHECKED = [0.01, -0.005, 0.02, -0.03, 0.015]

returns = st.lists(st.floats(-0.9, 2.0), min_size=1, max_size=60)


def test_the_originals_digits():
    metrics = compute_metrics(CHECKED, 252, 0.0001)
    assert metrics.total_return == 0.00921199295000008
    assert metrics.cagr == 0.587497687794462
    assert metrics.volatility == 0.320452804637438
    assert metrics.sharpe == 1.4941357762236376
    assert metrics.max_drawdown == 0.03
    assert metrics.calmar == 19.5832562598154
    assert metrics.cvar_95 == -0.03
    assert metrics.win_rate == 0.6
    assert metrics.profit_factor == 1.2857142857142858
    assert metrics.payoff_ratio == 0.8571428571428572
    assert metrics.kelly == 0.1333333333333333
    assert (metrics.num_periods, metrics.winning_periods, metrics.losing_periods) == (5, 3, 2)


def test_downside_deviation_is_over_all_periods():
    # The original, which divides by n - 1, has 1.975928616947624.
    sortino = compute_metrics(CHECKED, 252, 0.0001).sortino
    assert sortino == pytest.approx(1.975928616947624 * math.sqrt(5 / 4), rel=1e-15)
    assert compute_metrics([-0.01] * 5).sortino == pytest.approx(-math.sqrt(252), rel=1e-15)


def test_no_returns_have_no_metrics():
    assert compute_metrics([]) is None
    assert compute_metrics(np.array([])) is None


def test_one_gain():
    metrics = compute_metrics([0.01])
    assert metrics.total_return == 0.010000000000000009
    assert metrics.cagr == 11.274002099240244
    assert (metrics.volatility, metrics.sharpe, metrics.sortino) == (0.0, 0.0, 0.0)
    assert (metrics.max_drawdown, metrics.calmar, metrics.cvar_95) == (0.0, 0.0, 0.01)
    assert (metrics.profit_factor, metrics.payoff_ratio) == (math.inf, math.inf)
    assert metrics.kelly == 0.0


def test_nothing_happening_is_all_zero():
    metrics = compute_metrics([0.0] * 5)
    assert metrics.num_periods == 5
    assert metrics == type(metrics)(
        total_return=0.0,
        cagr=0.0,
        volatility=0.0,
        sharpe=0.0,
        sortino=0.0,
        max_drawdown=0.0,
        calmar=0.0,
        num_periods=5,
        winning_periods=0,
        losing_periods=0,
        cvar_95=0.0,
        win_rate=0.0,
        profit_factor=0.0,
        payoff_ratio=0.0,
        kelly=0.0,
    )


def test_losses_only():
    metrics = compute_metrics([-0.01] * 5)
    assert metrics.total_return == -0.04900995010000009
    assert metrics.cagr == -0.9205545483094464
    assert metrics.max_drawdown == 0.04900995010000009
    assert metrics.calmar == -18.78301337649076
    assert (metrics.sharpe, metrics.cvar_95) == (0.0, -0.01)
    assert (metrics.profit_factor, metrics.payoff_ratio, metrics.kelly) == (0.0, 0.0, 0.0)


def test_losing_more_than_everything():
    metrics = compute_metrics([0.5, -1.5, 0.2])
    assert (metrics.total_return, metrics.cagr) == (-1.9, -1.0)
    assert metrics.max_drawdown == 1.5999999999999999
    assert metrics.sharpe == -3.9247944482887323
    assert metrics.kelly == -0.7619047619047622


def test_sums_beyond_a_float_are_infinite():
    # 1e308 twice is more than a float can hold.
    metrics = compute_metrics([1e308, 1e308])
    assert (metrics.profit_factor, metrics.payoff_ratio, metrics.cvar_95) == (
        math.inf,
        math.inf,
        1e308,
    )
    metrics = compute_metrics([1e308, 1e308, -1.0])
    assert (metrics.profit_factor, metrics.payoff_ratio) == (math.inf, math.inf)
    metrics = compute_metrics([-1e308] * 21)
    assert (metrics.cvar_95, metrics.profit_factor, metrics.kelly) == (-math.inf, 0.0, 0.0)


def test_growth_beyond_a_float_is_infinite():
    assert compute_metrics([99.0]).cagr == math.inf
    metrics = compute_metrics([1e200, 1e200, -0.5])
    assert (metrics.total_return, metrics.cagr, metrics.max_drawdown) == (math.inf, math.inf, 0.0)


def test_equal_returns_have_no_sharpe_ratio():
    # Their mean is 0.09999999999999999, so the original gives 1e17.
    metrics = compute_metrics([0.1] * 10)
    assert metrics.volatility == 2.3221980631040627e-16
    assert metrics.sharpe == 0.0


@pytest.mark.parametrize(
    ("n", "worst"), [(1, 1), (20, 1), (21, 2), (40, 2), (41, 3), (60, 3), (61, 4), (100, 5)]
)
def test_cvar_is_the_mean_of_the_worst_twentieth(n, worst):
    series = [i / 64 for i in range(n)]
    mean = sum(range(worst)) / 64 / worst
    assert compute_metrics(series[::-1]).cvar_95 == mean


@given(returns)
def test_metrics_keep_their_bounds(series):
    metrics = compute_metrics(series, 12.0)
    assert metrics.num_periods == len(series)
    assert metrics.winning_periods + metrics.losing_periods <= metrics.num_periods
    assert 0.0 <= metrics.max_drawdown <= 1.0
    assert min(series) <= metrics.cvar_95 <= max(series)
    assert metrics.cvar_95 <= np.mean(series) + 1e-12
    assert metrics.volatility >= 0.0
    assert metrics.total_return == pytest.approx(math.prod(1 + r for r in series) - 1)


@given(returns)
def test_the_kind_of_sequence_does_not_matter(series):
    metrics = compute_metrics(series)
    assert compute_metrics(tuple(series)) == compute_metrics(np.array(series)) == metrics
    assert compute_metrics(np.repeat(series, 2)[::2]) == metrics


def test_they_are_a_record_that_shows_as_in_the_original():
    metrics = compute_metrics([-0.0014996, 0.024902503794690518])
    assert metrics.sharpe == 9.949848906317822
    shown = "Metrics(total_return=2.34%, sharpe=9.95, max_drawdown=0.15%, win_rate=50.0%)"
    assert repr(metrics) == shown
    assert pickle.loads(pickle.dumps(metrics)) == metrics  # noqa: S301 - our own bytes
    assert type(metrics.cvar_95) is float
    with pytest.raises(AttributeError):
        metrics.sharpe = 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_return_that_is_not_finite_is_refused_by_its_index(value):
    with pytest.raises(ValidationError, match=r"returns\[2\] is (nan|-?inf)"):
        compute_metrics([0.1, 0.2, value, math.nan])


@pytest.mark.parametrize(
    "series", [0.1, ["0.1"], [True], [None], [[0.1]], {"a": 0.1}, (r for r in [0.1]), "0.1"]
)
def test_returns_that_are_no_sequence_of_numbers_are_refused(series):
    with pytest.raises(TypeError, match="returns is a sequence of numbers"):
        compute_metrics(series)


@pytest.mark.parametrize("series", [[], CHECKED])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"periods_per_year": 0}, ValidationError, "periods_per_year must be finite and > 0"),
        ({"periods_per_year": -252.0}, ValidationError, "got -252.0"),
        ({"periods_per_year": math.nan}, ValidationError, "got nan"),
        ({"periods_per_year": math.inf}, ValidationError, "got inf"),
        ({"periods_per_year": "252"}, TypeError, "periods_per_year is a number"),
        ({"periods_per_year": None}, TypeError, "periods_per_year is a number"),
        ({"risk_free": math.nan}, ValidationError, "risk_free must be finite"),
        ({"risk_free": -math.inf}, ValidationError, "risk_free must be finite"),
        ({"risk_free": True}, TypeError, "risk_free is a number"),
    ],
)
def test_wrong_options_are_refused(series, options, error, message):
    with pytest.raises(error, match=message):
        compute_metrics(series, **options)


@pytest.mark.parametrize(
    "dates",
    [
        ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-29", "2024-04-01"],
        [dt.date(2024, *day) for day in [(1, 30), (1, 31), (2, 1), (2, 29), (4, 1)]],
        np.array(
            ["2024-01-30T23", "2024-01-31", "2024-02-01", "2024-02-29", "2024-04-01"],
            "datetime64[ns]",
        ),
    ],
    ids=["strings", "dates", "datetime64"],
)
def test_a_month_is_from_the_last_equity_before_it_to_its_last(dates):
    months = monthly_returns([1000, 1100, 1200, 900, 1800, 900], dates)
    assert list(months.items()) == [
        ("2024-01", 1200 / 1000 - 1),
        ("2024-02", 1800 / 1200 - 1),
        ("2024-04", 900 / 1800 - 1),
    ]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.data())
def test_months_compound_to_the_whole(days, data):
    dates = np.datetime64("2023-11-15") + np.sort(days)
    curve = data.draw(
        st.lists(st.integers(1, 10**9), min_size=len(days) + 1, max_size=len(days) + 1)
    )
    months = monthly_returns(curve, dates)
    assert list(months) == sorted({str(date)[:7] for date in dates})
    assert math.prod(1 + r for r in months.values()) == pytest.approx(curve[-1] / curve[0])


def test_a_month_that_starts_without_equity_returns_nothing():
    dates = ["2024-01-31", "2024-02-01", "2024-03-01"]
    assert monthly_returns([100, 0, 50, -50], dates) == {
        "2024-01": -1.0,
        "2024-02": 0.0,
        "2024-03": -2.0,
    }


def test_without_periods_there_are_no_months():
    assert monthly_returns([1000], []) == {}


@pytest.mark.parametrize(
    ("curve", "dates", "error", "message"),
    [
        ([1, 2], [], ValidationError, r"Got 2 values and dates of shape \(0,\)"),
        ([], [], ValidationError, "Got 0 values"),
        ([1, 2], ["2024-01-01", "2024-01-02"], ValidationError, "one value more than dates"),
        ([1, 2], ["2024-01-01", "2024-01-02"], ValidationError, "a date a period, none for the st"),
        ([1, 2, 3], ["2024-02-01", "2024-01-31"], ValidationError, "none may be before"),
        ([1, 2], ["NaT"], ValidationError, "dates must be given"),
        ([1, 2], ["yesterday"], ValidationError, "what numpy reads as datetime64"),
        ([1, 2], [["2024-01-01"]], ValidationError, r"shape \(1, 1\)"),
        ([1, math.nan], ["2024-01-01"], ValidationError, r"equity_curve\[1\] is nan"),
        (["1", "2"], ["2024-01-01"], TypeError, "equity_curve is a sequence of numbers"),
    ],
)
def test_wrong_curves_and_dates_are_refused(curve, dates, error, message):
    with pytest.raises(error, match=message):
        monthly_returns(curve, dates)


@pytest.mark.parametrize("dates", [[20240101], [0], [1.5], [True]])
def test_numbers_are_no_dates(dates):
    with pytest.raises(ValidationError, match="dates are dates or ISO strings, not numbers"):
        monthly_returns([1, 2], dates)


def test_equity_beyond_64_bits_has_returns_too():
    assert monthly_returns([10**20, 2 * 10**20], ["2024-01-01"]) == {"2024-01": 1.0}


def test_a_frame_is_no_series():
    with pytest.raises(TypeError) as caught:
        compute_metrics(np.zeros((3, 2)))
    assert str(caught.value).endswith(
        "got dtype float64 and shape (3, 2). One series at a time: frame['AAPL'], array[:, 0]"
    )
