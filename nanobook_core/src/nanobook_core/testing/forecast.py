"""Laws of a forecaster."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nanobook_core.contracts import Forecaster
from nanobook_core.testing.law import law

_PERIODS = 600

#: A window of the series that is long enough for any model: where it starts and how long it is.
_windows = st.tuples(st.integers(0, 100), st.integers(400, _PERIODS - 100))


def _returns() -> NDArray[np.float64]:
    """Daily returns in fractions whose volatility rises and falls, 600 of them, always the same."""
    noise = np.random.default_rng(1).standard_normal(_PERIODS)
    returns, variance = np.empty(_PERIODS), 1e-4
    for period in range(_PERIODS):
        returns[period] = 3e-4 + math.sqrt(variance) * noise[period]
        variance = 4e-6 + 0.1 * returns[period] ** 2 + 0.86 * variance
    return returns


class ForecasterSuite:
    """What a forecaster must do."""

    #: It forecasts a volatility: never negative, in the unit of the series.
    is_volatility = True
    #: How far a volatility may be, as a part of it, from that of the same series in another unit.
    unit_tolerance = 1e-6

    @pytest.fixture(scope="class")
    @classmethod
    def forecaster(cls) -> Any:
        """Return the forecaster under test; `functools.partial` sets its options."""
        raise NotImplementedError("override the fixture `forecaster`")

    @pytest.fixture(scope="class")
    @classmethod
    def series(cls) -> NDArray[np.float64]:
        """Return a series of 600 values that it can forecast; daily returns by default."""
        return _returns()

    def test_it_fulfils_the_contract(self, forecaster: Any) -> None:
        """It can be called."""
        assert isinstance(forecaster, Forecaster)

    @law
    @given(window=_windows)
    def test_a_forecast_is_one_finite_float(
        self, forecaster: Any, series: NDArray[np.float64], window: tuple[int, int]
    ) -> None:
        """Neither an array nor NaN; and not negative if it is a volatility."""
        forecast = forecaster(_cut(series, window))
        assert isinstance(forecast, float)
        assert math.isfinite(forecast)
        if self.is_volatility:
            assert forecast >= 0.0

    @law
    @given(window=_windows)
    def test_the_same_series_gets_the_same_forecast(
        self, forecaster: Any, series: NDArray[np.float64], window: tuple[int, int]
    ) -> None:
        """It has no memory and draws nothing at random."""
        cut = _cut(series, window)
        first = forecaster(cut)
        forecaster(cut[::-1].copy())
        assert forecaster(cut) == first

    @law
    @given(window=_windows)
    def test_the_series_is_not_changed(
        self, forecaster: Any, series: NDArray[np.float64], window: tuple[int, int]
    ) -> None:
        """The caller uses it again."""
        cut = _cut(series, window)
        before = cut.copy()
        forecaster(cut)
        assert (cut == before).all()

    @law
    @given(window=_windows, as_type=st.sampled_from([list, tuple]))
    def test_a_list_is_as_good_as_an_array(
        self,
        forecaster: Any,
        series: NDArray[np.float64],
        window: tuple[int, int],
        as_type: Callable[[Any], Any],
    ) -> None:
        """And so is a tuple."""
        cut = _cut(series, window)
        assert forecaster(as_type(cut.tolist())) == forecaster(cut)

    @law
    @given(window=_windows, factor=st.sampled_from([2.0**-4, 2.0**7, 100.0]))
    def test_a_volatility_is_in_the_unit_of_the_series(
        self,
        forecaster: Any,
        series: NDArray[np.float64],
        window: tuple[int, int],
        factor: float,
    ) -> None:
        """Percent instead of fractions give a forecast in percent."""
        if self.is_volatility:
            cut = _cut(series, window)
            expected = forecaster(cut) * factor
            assert math.isclose(forecaster(cut * factor), expected, rel_tol=self.unit_tolerance)

    @law
    @given(
        window=_windows,
        place=st.integers(0, 399),
        value=st.sampled_from([math.nan, math.inf, -math.inf]),
    )
    def test_a_value_that_is_not_finite_is_refused_by_its_position(
        self,
        forecaster: Any,
        series: NDArray[np.float64],
        window: tuple[int, int],
        place: int,
        value: float,
    ) -> None:
        """Never a forecast from what is no number."""
        cut = _cut(series, window)
        cut[place] = value
        with pytest.raises(ValueError, match=rf"\b{place}\b"):
            forecaster(cut)

    @pytest.mark.parametrize(
        "series_", [None, "0.01", [[0.01, 0.02]], [0.01, "0.02"], [0.01, None]]
    )
    def test_what_is_no_series_is_a_type_error(self, forecaster: Any, series_: object) -> None:
        """Also where only one of its values is no number."""
        with pytest.raises(TypeError):
            forecaster(series_)


def _cut(series: NDArray[np.float64], window: tuple[int, int]) -> NDArray[np.float64]:
    start, length = window
    return series[start : start + length].copy()
