"""RiskMetrics' volatility: by hand, by pandas, and by laws."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.testing import ForecasterSuite

RETURNS = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=50)


class TestRiskMetrics(ForecasterSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def forecaster(cls):
        return nanobook.registry().load("forecaster", "ewma_forecast")


def test_the_series_is_what_one_computes_by_hand():
    found = nanobook.ewma_volatility([0.02, -0.01, 0.03], 0.5)
    # The roots of 4, of (4 + 1) / 2 and of (2.5 + 9) / 2, times 0.01.
    assert found.tolist() == pytest.approx([0.02, 0.015811388300841896, 0.02397915761656359])
    assert nanobook.ewma_forecast([0.02, -0.01, 0.03], lam=0.5) == found[-1]


@given(returns=RETURNS, lam=st.floats(0.5, 0.99))
def test_it_is_the_exponentially_weighted_mean_of_pandas(returns, lam):
    weighted = pd.Series(returns) ** 2
    expected = np.sqrt(weighted.ewm(alpha=1.0 - lam, adjust=False).mean())
    found = nanobook.ewma_volatility(returns, lam)
    assert found == pytest.approx(expected.to_numpy(), rel=1e-9, abs=1e-150)


@given(returns=RETURNS, later=RETURNS)
def test_what_comes_later_changes_nothing_before_it(returns, later):
    whole = nanobook.ewma_volatility(returns + later)
    assert whole[: len(returns)].tolist() == nanobook.ewma_volatility(returns).tolist()


@given(size=st.floats(1e-6, 1.0), n=st.integers(1, 20))
def test_returns_of_one_size_have_that_volatility(size, n):
    found = nanobook.ewma_volatility([size, -size] * n)
    assert found == pytest.approx(np.full(2 * n, size), rel=1e-12)


def test_no_returns_give_an_empty_series_and_zeros_give_zeros():
    assert nanobook.ewma_volatility([]).shape == (0,)
    assert nanobook.ewma_volatility([0.0, 0.0]).tolist() == [0.0, 0.0]
    assert nanobook.ewma_forecast([0.0]) == 0.0


def test_without_decay_only_the_last_return_counts():
    assert nanobook.ewma_volatility([0.5, -0.25, 0.125], lam=0).tolist() == [0.5, 0.25, 0.125]
    assert math.isclose(nanobook.ewma_forecast([1.0, 0.0], lam=0.94), math.sqrt(0.94))


def test_the_forecast_of_returns_whose_squares_vanish_is_in_their_unit():
    returns = np.array([0.01, -0.02, 0.015])
    expected = nanobook.ewma_forecast(returns) * 1e-200
    assert nanobook.ewma_forecast(returns * 1e-200) == pytest.approx(expected, rel=1e-12, abs=0.0)
