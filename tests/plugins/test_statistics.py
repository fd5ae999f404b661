"""Rank correlation, quantile spreads, splits and rolling risk."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import nanobook
from nanobook_core.portfolio.rolling import rolling
from nanobook_core.testing import IndicatorSuite

_values = st.integers(-5, 5).map(float) | st.floats(-1e6, 1e6)
_pairs = st.lists(st.tuples(_values, _values), max_size=40)
_returns = st.lists(st.floats(-0.5, 0.5), max_size=40)


class TestRollingSharpe(IndicatorSuite):
    warm_up = 4

    @pytest.fixture(scope="class")
    @classmethod
    def indicator(cls):
        return lambda returns: nanobook.rolling_sharpe(returns, 5)


class TestRollingVolatility(IndicatorSuite):
    warm_up = 1

    @pytest.fixture(scope="class")
    @classmethod
    def indicator(cls):
        return lambda returns: nanobook.rolling_volatility(returns, 2, 12)


class TestRollingMaxDrawdown(IndicatorSuite):
    warm_up = 6

    @pytest.fixture(scope="class")
    @classmethod
    def indicator(cls):
        return lambda equity: nanobook.rolling_max_drawdown(equity, 7)


@given(returns=_returns, window=st.integers(2, 12), periods=st.sampled_from([1, 12, 252.0]))
def test_rolling_risk_is_that_of_the_results_of_a_simulation_to_the_bit(returns, window, periods):
    expected = rolling(returns, window, periods)
    for function, known in (
        (nanobook.rolling_sharpe, expected.sharpe),
        (nanobook.rolling_volatility, expected.volatility),
    ):
        found = function(np.array(returns), window, periods)
        assert found.tobytes() == known.tobytes()


@given(
    equity=st.lists(st.integers(1, 30).map(float), max_size=25),
    window=st.integers(1, 8),
)
def test_a_rolling_drawdown_is_the_largest_fall_between_two_values_of_its_window(equity, window):
    found = nanobook.rolling_max_drawdown(equity, window)
    for end in range(len(equity)):
        inside = equity[max(end - window + 1, 0) : end + 1]
        falls = [(high - low) / high for high, low in itertools.combinations(inside, 2)]
        if end < window - 1:
            assert math.isnan(found[end])
        else:
            assert found[end] == max([0.0, *falls])


def test_a_missing_return_is_missing_in_its_own_windows_only():
    returns = np.array([0.1, 0.2, np.nan, 0.1, 0.3, 0.2])
    for function in (nanobook.rolling_sharpe, nanobook.rolling_volatility):
        assert np.isfinite(function(returns, 2)).tolist() == [False, True, False, False, True, True]


def test_equal_returns_have_no_volatility_and_no_sharpe_ratio():
    # Their rounding as a deviation would make it 1e17.
    assert nanobook.rolling_sharpe([0.1] * 10, 10)[9] == 0.0
    assert nanobook.rolling_sharpe([0.0] * 3, 2)[1:] == [0.0, 0.0]
    assert nanobook.rolling_volatility([1e9 + 0.25, 1e9, 1e9 + 0.25], 2, 1)[1:] == [
        0.1767766952966369,
        0.1767766952966369,
    ]


def test_rolling_risk_keeps_the_form_of_a_frame():
    frame = pd.DataFrame({"A": [0.1, 0.3], "B": [0.2, 0.2]}, index=["x", "y"])
    found = nanobook.rolling_volatility(frame, 2, 1)
    assert found.index.tolist() == ["x", "y"]
    assert found.loc["y"].tolist() == [pytest.approx(0.1414213562373095), 0.0]


@given(pairs=_pairs)
def test_rank_correlation_is_scipys(pairs):
    x, y = ([pair[place] for pair in pairs] for place in (0, 1))
    found = nanobook.spearman(x, y)
    assert [type(value) for value in found] == [float, float]
    if len(pairs) < 3 or len({*x}) == 1 or len({*y}) == 1:
        np.testing.assert_array_equal(found, (math.nan, math.nan))
    else:
        expected = stats.spearmanr(x, y)
        np.testing.assert_array_equal(found, (expected.statistic, expected.pvalue))
        # Its own definition, once more by other means.
        ranks = [stats.rankdata(values) for values in (x, y)]
        assert found[0] == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-12)


@given(pairs=_pairs, power=st.integers(-3, 3))
def test_rank_correlation_depends_on_the_order_alone_and_is_symmetric(pairs, power):
    x, y = (np.array([pair[place] for pair in pairs]) for place in (0, 1))
    found = nanobook.spearman(x, y)
    np.testing.assert_array_equal(nanobook.spearman(x * 2.0**power, y), found)
    np.testing.assert_allclose(nanobook.spearman(y, x), found, atol=1e-12)
    np.testing.assert_allclose(nanobook.spearman(-x, y)[0], -found[0], atol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], (1.0, 0.0)),
        ([1, 2, 3], [3, 2, 1], (-1.0, 0.0)),
        ([1, 2, 3], [3, 1, 2], (-0.5, 2 / 3)),
        ([1, 2, math.nan, 4], [1, 2, 3, 4], (math.nan, math.nan)),
        ([1, 2, 3, 4], [1, math.nan, 3, 4], (math.nan, math.nan)),
        ([1, 2], [1, 2], (math.nan, math.nan)),
        ([5, 5, 5], [1, 2, 3], (math.nan, math.nan)),
        ([], [], (math.nan, math.nan)),
    ],
)
def test_rank_correlations_by_hand(x, y, expected):
    np.testing.assert_allclose(nanobook.py_spearman(x, y), expected, rtol=1e-14)
    np.testing.assert_allclose(
        nanobook.py_spearman(pd.Series(x, dtype=float), pd.Series(y, dtype=float)),
        expected,
        rtol=1e-14,
    )


@pytest.mark.parametrize(
    ("scores", "returns", "n_quantiles", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3, 0.4),
        ([6, 5, 4, 3, 2, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3, -0.4),
        ([1, 1, 1, 1, 5, 6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3, 0.4),  # equal ones as they come
        ([1, 2, 3, 4, 5, 6, 7], [1, 0, 0, 0, 0, 0, 3], 5, 2.0),  # 7 // 5 at each end
        ([0, 1] * 50, list(range(100)), 5, 61.0),
        ([1, 2], [0.5, 1.0], 1, 0.0),
        ([1, 2, 3], [0.1, 0.2, 0.3], 5, math.nan),
        ([], [], 5, math.nan),
        ([1, math.nan, 3], [0.1, 0.2, 0.3], 3, math.nan),
        ([1, 2, 3], [0.1, math.nan, 0.3], 3, math.nan),
    ],
)
def test_quantile_spreads_by_hand(scores, returns, n_quantiles, expected):
    found = nanobook.py_quintile_spread(scores, returns, n_quantiles)
    assert type(found) is float
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


@given(
    pairs=st.lists(st.tuples(_values, _values), min_size=5, max_size=40, unique_by=lambda p: p[0])
)
def test_a_spread_turns_with_the_scores_and_does_not_see_the_order_of_names(pairs):
    scores, returns = (np.array([pair[place] for pair in pairs]) for place in (0, 1))
    spread = nanobook.quintile_spread(scores, returns)
    slack = 1e-9 * (1.0 + np.abs(returns).max())
    assert nanobook.quintile_spread(-scores, returns) == pytest.approx(-spread, abs=slack)
    assert nanobook.quintile_spread(scores[::-1], returns[::-1]) == spread
    assert nanobook.quintile_spread(scores, returns * 2.0) == spread * 2.0


def test_splits_by_hand():
    assert nanobook.py_time_series_split(10, 3) == [
        ([0, 1, 2, 3], [4, 5]),
        ([0, 1, 2, 3, 4, 5], [6, 7]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9]),
    ]
    assert nanobook.time_series_split(3, 2) == [([0], [1]), ([0, 1], [2])]


@given(n=st.integers(3, 200), n_splits=st.integers(2, 20))
def test_a_split_never_tests_a_period_twice_nor_trains_on_what_follows(n, n_splits):
    if n <= n_splits:
        with pytest.raises(nanobook.ValidationError, match=f"need at least {n_splits + 1} samples"):
            nanobook.time_series_split(n, n_splits)
        return
    splits = nanobook.time_series_split(n, n_splits)
    assert len(splits) == n_splits
    tested = [period for _, test in splits for period in test]
    assert tested == list(range(n - len(tested), n))
    for train, test in splits:
        assert train == list(range(test[0]))
        assert len(test) == n // (n_splits + 1)


@given(n=st.integers(3, 200), n_splits=st.integers(2, 20))
def test_splits_are_those_of_scikit_learn(n, n_splits):
    selection = pytest.importorskip(
        "sklearn.model_selection", reason="scikit-learn is not installed"
    )
    if n <= n_splits:
        return
    expected = selection.TimeSeriesSplit(n_splits).split(np.zeros(n))
    assert nanobook.time_series_split(n, n_splits) == [
        (train.tolist(), test.tolist()) for train, test in expected
    ]


def test_talib_and_scipy_are_loaded_when_they_are_used_and_not_before():
    code = (
        "import sys, nanobook\n"
        "nanobook.time_series_split(9), nanobook.rolling_sharpe([0.1, 0.2], 2)\n"
        "print([name in sys.modules for name in ('talib', 'scipy', 'pandas')])\n"
        "nanobook.rsi([1.0], 2), nanobook.spearman([1, 2, 3], [1, 2, 3])\n"
        "print([name in sys.modules for name in ('talib', 'scipy')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[False, False, False]\n[True, True]\n"


def test_equal_returns_have_no_volatility():
    assert list(nanobook.rolling_volatility([0.1] * 4, 3)[2:]) == [0.0, 0.0]
