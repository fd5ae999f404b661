"""The suite accepts a sound forecaster and catches what each unsound one does wrong."""

import numpy as np
import pytest

from nanobook_core.testing import ForecasterSuite
from nanobook_core.testing.forecast import _returns


def sound(series):
    values = np.asarray(series)
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise TypeError
    if not np.isfinite(values).all():
        raise ValueError(str(int(np.flatnonzero(~np.isfinite(values))[0])))
    return float(np.sqrt(np.mean(values.astype(float) ** 2)))


def answers_with_an_array(series):
    return np.array([sound(series)])


def answers_with_nan(series):
    return sound(series) * float("nan")


def is_negative(series):
    return -sound(series)


def changes_its_input(series):
    found = sound(series)
    if isinstance(series, np.ndarray):
        series[0] = 0.0
    return found


def takes_arrays_alone(series):
    return sound(series) if isinstance(series, np.ndarray) else sound(None)


def is_a_variance(series):
    return sound(series) ** 2


def passes_over_nan(series):
    return sound(np.nan_to_num(np.asarray(series)))


def names_no_position(series):
    try:
        return sound(series)
    except ValueError:
        raise ValueError("not finite") from None


def makes_numbers_of_text(series):
    return sound(np.asarray(series, float))


class Remembers:
    last = 0.0

    def __call__(self, series):
        self.last = 0.5 * self.last + sound(series)
        return self.last


class ForecastsAReturn(ForecasterSuite):
    is_volatility = False


LAWS = [name for name in vars(ForecasterSuite) if name.startswith("test_")]
NO_SERIES = [None, "0.01", [[0.01, 0.02]], [0.01, "0.02"], [0.01, None]]


def breaks(forecaster, law, suite=ForecasterSuite):
    test = getattr(suite(), law)
    arguments = [(_returns(),)]
    if law == "test_it_fulfils_the_contract":
        arguments = [()]
    elif law == "test_what_is_no_series_is_a_type_error":
        arguments = [(bad,) for bad in NO_SERIES]
    try:
        for more in arguments:
            test(forecaster, *more)
    except BaseException:  # noqa: BLE001 - a forecaster that raises breaks the law as well
        return True
    return False


def test_a_sound_forecaster_breaks_no_law():
    assert [law for law in LAWS if breaks(sound, law)] == []


@pytest.mark.parametrize(
    ("forecaster", "law"),
    [
        (object(), "test_it_fulfils_the_contract"),
        (answers_with_an_array, "test_a_forecast_is_one_finite_float"),
        (answers_with_nan, "test_a_forecast_is_one_finite_float"),
        (is_negative, "test_a_forecast_is_one_finite_float"),
        (Remembers(), "test_the_same_series_gets_the_same_forecast"),
        (changes_its_input, "test_the_series_is_not_changed"),
        (takes_arrays_alone, "test_a_list_is_as_good_as_an_array"),
        (is_a_variance, "test_a_volatility_is_in_the_unit_of_the_series"),
        (passes_over_nan, "test_a_value_that_is_not_finite_is_refused_by_its_position"),
        (names_no_position, "test_a_value_that_is_not_finite_is_refused_by_its_position"),
        (makes_numbers_of_text, "test_what_is_no_series_is_a_type_error"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", "object"),
)
def test_an_unsound_forecaster_is_caught_by_the_law_it_breaks(forecaster, law):
    assert breaks(forecaster, law)


@pytest.mark.parametrize(
    ("forecaster", "law"),
    [
        (is_negative, "test_a_forecast_is_one_finite_float"),
        (is_a_variance, "test_a_volatility_is_in_the_unit_of_the_series"),
    ],
)
def test_what_is_no_volatility_may_be_negative_and_in_another_unit(forecaster, law):
    assert breaks(forecaster, law)
    assert not breaks(forecaster, law, ForecastsAReturn)
