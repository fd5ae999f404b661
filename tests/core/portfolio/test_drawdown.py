"""Falls below a peak."""

import numpy as np
import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.drawdown import (
    Drawdown,
    drawdown_series,
    drawdowns,
    underwater,
)

_RETURNS = st.lists(st.floats(-0.9, 1.0), max_size=30)


def test_drawdowns_are_sorted_by_depth():
    found = drawdowns([0.1, -0.5, 1.5, -0.1, 0.0, 0.05])
    assert [(d.peak, d.trough, d.recovery, d.length) for d in found] == [
        (1, 2, 3, 2),
        (3, 4, None, 3),
    ]
    assert found[0].depth == 0.5
    assert found[1].depth == pytest.approx(0.1)


def test_of_equal_drawdowns_the_earlier_is_first():
    assert [d.peak for d in drawdowns([-0.5, 1.0, -0.5, 1.0, -0.75])] == [4, 0, 2]


@pytest.mark.parametrize("returns", [[], [0.1, 0.0, 0.2], [0.0]])
def test_what_never_falls_has_no_drawdown(returns):
    assert drawdowns(returns) == ()


def test_a_fall_in_the_first_period_is_from_the_start():
    assert drawdowns([-0.25]) == (Drawdown(depth=0.25, peak=0, trough=1, recovery=None, length=1),)


def test_dates_are_those_of_the_moments_and_the_start_has_none():
    days = np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]")
    found = drawdowns([-0.5, 1.0, 0.25, -0.5], days)
    assert [asdict(d) for d in found] == [
        {
            "depth": 0.5,
            "peak": 0,
            "trough": 1,
            "recovery": 2,
            "length": 2,
            "peak_date": None,
            "trough_date": np.datetime64("2024-01-01"),
            "recovery_date": np.datetime64("2024-01-02"),
        },
        {
            "depth": 0.5,
            "peak": 3,
            "trough": 4,
            "recovery": None,
            "length": 1,
            "peak_date": np.datetime64("2024-01-03"),
            "trough_date": np.datetime64("2024-01-04"),
            "recovery_date": None,
        },
    ]


def test_a_date_for_each_return_is_asked_for():
    days = np.arange("2024-01-01", "2024-01-04", dtype="datetime64[D]")
    with pytest.raises(ValidationError, match="got 3 dates for 2 returns"):
        drawdowns([0.1, -0.1], days)


def test_a_return_that_is_no_number_is_refused():
    with pytest.raises(ValidationError, match=r"returns\[1\] is nan"):
        drawdowns([0.1, float("nan")])
    with pytest.raises(TypeError, match="sequence of numbers"):
        drawdowns(["a"])


@given(_RETURNS)
def test_the_deepest_drawdown_is_that_of_the_metrics(returns):
    metrics = nanobook.compute_metrics(returns)
    deepest = max((d.depth for d in drawdowns(returns)), default=0.0)
    assert deepest == (metrics.max_drawdown if metrics else 0.0)


@given(_RETURNS)
def test_each_moment_below_a_peak_is_in_exactly_one_drawdown(returns):
    loss = [0.0, *underwater(returns).tolist()]
    n_covering = [0] * len(loss)
    for found in drawdowns(returns):
        end = found.peak + found.length + (found.recovery is None)
        inside = range(found.peak + 1, end)
        assert loss[found.peak] == 0.0
        assert found.depth == max(loss[moment] for moment in inside) == loss[found.trough]
        assert found.recovery is None or loss[found.recovery] == 0.0
        for moment in inside:
            n_covering[moment] += 1
    assert n_covering == [int(lost > 0.0) for lost in loss]


def test_growth_beyond_a_float_is_no_drawdown():
    assert drawdowns([1e200, 1e200, 1.0]) == ()


def test_drawdowns_of_an_equity_curve_are_dicts_in_order():
    assert drawdown_series([100, 110, 110, 99, 104.5, 110, 60.5, 88]) == [
        {
            "drawdown_pct": 0.1,
            "underwater_periods": 2,
            "underwater_days": 2,
            "peak_index": 2,
            "peak_date": 2,
            "trough_index": 3,
            "trough_date": 3,
            "recovery_index": 5,
            "recovery_date": 5,
        },
        {
            "drawdown_pct": 0.45,
            "underwater_periods": 2,
            "underwater_days": 2,
            "peak_index": 5,
            "peak_date": 5,
            "trough_index": 6,
            "trough_date": 6,
            "recovery_index": None,
            "recovery_date": None,
        },
    ]


@pytest.mark.parametrize("equity", [[], [5.0], [1.0, 2.0, 2.0, 3.0]])
def test_an_equity_curve_that_never_falls_has_no_drawdown(equity):
    assert drawdown_series(equity) == []
