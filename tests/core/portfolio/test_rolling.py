"""Performance of the latest periods."""

import numpy as np
import pandas as pd
import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.rolling import _CELLS, rolling

_NAMES = ("total_return", "volatility", "sharpe", "sortino", "max_drawdown")


def table(found):
    return np.stack([getattr(found, name) for name in _NAMES])


def of_each_window(returns, window, *options):
    """Return what the metrics of each window say, by another way."""
    rows = [[np.nan] * len(_NAMES)] * min(window - 1, len(returns))
    for end in range(window, len(returns) + 1):
        own = nanobook.compute_metrics(returns[end - window : end], *options)
        rows.append([getattr(own, name) for name in _NAMES])
    return np.array(rows).T


@given(
    st.lists(
        st.floats(-0.5, 0.5) | st.sampled_from([0.01, -1.5, 1e100, -1e100]),
        min_size=1,
        max_size=20,
    ),
    st.integers(2, 8),
)
def test_rolling_is_the_metrics_of_each_window(returns, window):
    found = rolling(returns, window, 252.0, 0.001)
    assert set(asdict(found)) == set(_NAMES)
    assert np.array_equal(
        table(found), of_each_window(returns, window, 252.0, 0.001), equal_nan=True
    )


def test_values_by_hand():
    found = rolling([0.5, -0.5, 1.0], 2, 1.0)
    assert found.total_return[1:].tolist() == [-0.25, 0.0]
    assert found.volatility[1:] == pytest.approx([0.5**0.5, (2 * 0.75**2) ** 0.5], rel=1e-15)
    assert found.sharpe[1:] == pytest.approx([0.0, 0.25 / (2 * 0.75**2) ** 0.5], rel=1e-15)
    assert found.sortino[1:] == pytest.approx([0.0, 0.25 / (0.25 / 2) ** 0.5], rel=1e-15)
    assert found.max_drawdown[1:].tolist() == [0.5, 0.5]
    assert np.isnan(table(found)[:, 0]).all()


def test_the_latest_values_are_shown():
    assert repr(rolling([0.5, -0.5, 1.0], 2, 1.0)) == (
        "Rolling(periods=3, latest: total_return=0, volatility=1.061, sharpe=0.2357, "
        "sortino=0.7071, max_drawdown=0.5)"
    )
    assert repr(rolling([], 2)) == "Rolling(periods=0)"


def test_a_frame_of_them_has_a_column_each():
    found = rolling([0.5, -0.5, 1.0], 2, 1.0)
    frame = pd.DataFrame(
        asdict(found), np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "M8[D]")
    )
    assert frame["total_return"].tolist()[1:] == [-0.25, 0.0]
    assert list(frame) == list(_NAMES)


def test_a_shock_leaves_no_rounding_behind_when_it_is_past():
    calm = [0.01, -0.02, 0.03, 0.01, -0.01, 0.02]
    after = table(rolling([1e12, *calm], 3))
    assert after[:, 3:].tolist() == table(rolling(calm, 3))[:, 2:].tolist()


def test_windows_beyond_one_block_are_as_those_within():
    window = 4096
    returns = np.sin(np.arange(2 * _CELLS // window + window + 7.0)) / 50
    found = table(rolling(returns, window))
    for end in (window, _CELLS // window + window, len(returns)):
        own = nanobook.compute_metrics(returns[end - window : end])
        assert found[:, end - 1].tolist() == [getattr(own, name) for name in _NAMES]
    assert np.isnan(found[:, : window - 1]).all()
    assert not np.isnan(found[:, window - 1 :]).any()


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, 0.2]])
def test_a_window_that_is_never_full_is_all_nan(returns):
    found = table(rolling(returns, 3))
    assert found.shape == (5, len(returns))
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"window": 1}, ValidationError, "at least 2 periods, got 1"),
        ({"window": -3}, ValidationError, "at least 2 periods, got -3"),
        ({"window": 2.0}, TypeError, "window is an int"),
        ({"window": True}, TypeError, "window is an int"),
        ({"window": "2"}, TypeError, "window is an int"),
        ({"window": 2**70}, OverflowError, "window must fit into 64 bits"),
        ({"periods_per_year": 0.0}, ValidationError, "periods_per_year must be finite and > 0"),
        ({"periods_per_year": "252"}, TypeError, "periods_per_year is a number"),
        ({"risk_free": float("inf")}, ValidationError, "risk_free must be finite"),
        ({"returns": [0.1, float("inf")]}, ValidationError, r"returns\[1\] is inf"),
        ({"returns": "ab"}, TypeError, "sequence of numbers"),
    ],
)
def test_what_has_no_rolling_measures_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        rolling(**({"returns": [0.1, 0.2, 0.3], "window": 2} | arguments))


def test_a_result_takes_its_own_options():
    result = nanobook.simulate(
        np.array([[1.0]] * 4),
        np.array([[100], [110], [99], [120]]),
        symbols=["A"],
        cash=1000,
        costs=nanobook.Bps(0),
        periods_per_year=12.0,
        risk_free=0.01,
    )
    expected = table(rolling(result["returns"], np.int64(2), 12.0, 0.01))
    assert np.array_equal(table(result.rolling(2)), expected, equal_nan=True)
