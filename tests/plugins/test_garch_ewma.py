"""The seed's forecast to the last digit, its aliases, and what all forecasters refuse."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core import errors
from nanobook_core.testing import ForecasterSuite

DATA = Path(__file__).parents[1] / "data" / "volatility"
FIVE = [0.01, -0.02, 0.015, -0.005, 0.007]


class TestFixedParameters(ForecasterSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def forecaster(cls):
        return nanobook.registry().load("forecaster", "garch_ewma_forecast")


class TestFixedParametersOfManyLags(ForecasterSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def forecaster(cls):
        return partial(nanobook.garch_forecast, p=8, q=5, mean="constant", method="ewma")


@pytest.mark.parametrize("row", json.loads((DATA / "garch_ewma.json").read_text()))
def test_the_forecast_is_the_originals_to_the_last_digit(row):
    found = nanobook.garch_ewma_forecast(row["returns"], **row["options"])
    assert (type(found), found) == (float, row["forecast"])
    assert nanobook.garch_forecast(row["returns"], **row["options"], method="ewma") == found


@pytest.mark.parametrize("row", json.loads((DATA / "bad_input.json").read_text()), ids=str)
def test_bad_input_is_refused_in_words(row):
    returns = row["returns"]
    if isinstance(returns, list):  # JSON has neither
        returns = [float(v) if v in ("nan", "inf", "-inf") else v for v in returns]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of the very type below
        getattr(nanobook, row["call"])(returns, **row.get("options", {}))
    assert type(caught.value).__name__ == row["error"]
    assert str(caught.value) == row["says"]
    assert issubclass(errors.ValidationError, ValueError)


@pytest.mark.parametrize("make", [tuple, np.array, np.float32, pd.Series, pl.Series])
def test_any_vector_of_numbers_will_do(make):
    returns = [0.5, -0.25, 0.125, 0.75]
    found = nanobook.garch_ewma_forecast(make(returns))
    assert found == nanobook.garch_ewma_forecast(returns)


def test_ints_are_numbers_too():
    assert nanobook.garch_ewma_forecast([1, 2, 3]) == 1.552546295606028


@given(
    returns=st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=30),
    p=st.integers(0, 10),
    q=st.integers(0, 10),
)
def test_the_sign_of_returns_does_not_matter(returns, p, q):
    found = nanobook.garch_ewma_forecast(returns, p, q)
    assert found >= 1e-6
    assert nanobook.garch_ewma_forecast([-r for r in returns], p, q) == found


def test_a_larger_last_return_gives_a_larger_forecast():
    calm, wild = (nanobook.garch_ewma_forecast([*FIVE, last]) for last in (0.001, 0.05))
    assert wild > calm > 0.0


def test_the_deprecated_names_warn_as_the_original():
    code = (
        "import warnings, nanobook\n"
        "r = [0.01, -0.02, 0.015, -0.005, 0.007]\n"
        "for forecast in (nanobook.garch_forecast, nanobook.py_garch_forecast):\n"
        "    with warnings.catch_warnings(record=True) as caught:\n"
        "        warnings.simplefilter('always')\n"
        "        print(forecast(r), forecast(r, 2, 3), forecast(r, mean='constant'))\n"
        "    for warning in caught:\n"
        "        print(warning.category.__name__, warning.message, warning.filename)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    values = "0.0130863198585393 0.010830909629514758 0.013003140326551891"
    once = "nanobook.garch_forecast is deprecated; use garch_ewma_forecast"
    each = "nanobook.py_garch_forecast is deprecated; use py_garch_ewma_forecast"
    assert printed.splitlines() == [
        values,
        f"DeprecationWarning {once} <string>",
        values,
        *[f"DeprecationWarning {each} <string>"] * 3,
    ]


def test_the_twin_of_the_seed_is_the_same_function():
    assert nanobook.py_garch_ewma_forecast is nanobook.garch_ewma_forecast
    assert nanobook.capabilities("forecaster") == [
        "garch_ewma_forecast",
        "ewma_forecast",
        "garch_forecast",
    ]


def test_a_method_that_is_named_does_not_warn():
    assert nanobook.garch_forecast(FIVE, method="ewma") == 0.0130863198585393
