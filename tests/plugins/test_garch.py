"""GARCH(1,1) by maximum likelihood: against arch's results, by laws, and where it has no answer."""

import json
import math
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

import nanobook
from nanobook.demo import load_closes
from nanobook_core.testing import ForecasterSuite
from nanobook_optimizers.garch import garch_fit
from nanobook_optimizers.garch_likelihood import Likelihood

TABLE = json.loads((Path(__file__).parents[1] / "data" / "volatility" / "arch.json").read_text())
NAMES = {"omega": "omega", "alpha": "alpha[1]", "beta": "beta[1]", "mu": "mu"}


class TestFitted(ForecasterSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def forecaster(cls):
        return partial(nanobook.garch_forecast, method="mle")


def returns_of(symbol, start, stop):
    _, symbols, closes = load_closes()
    closes = closes[:, symbols.index(symbol)]
    return (closes[1:] / closes[:-1] - 1.0)[start:stop]


def simulated(n, omega, alpha, beta, seed=0):
    noise = np.random.default_rng(seed).standard_normal(n)
    returns, variance = np.empty(n), omega / (1.0 - alpha - beta)
    for t in range(n):
        returns[t] = math.sqrt(variance) * noise[t]
        variance = omega + alpha * returns[t] ** 2 + beta * variance
    return returns


FIT = garch_fit(returns_of("AAPL", 2000, 4000), "constant")


@pytest.mark.parametrize(
    "row", TABLE, ids=lambda row: "-".join(str(row[k]) for k in ("symbol", "start", "stop", "mean"))
)
def test_the_fit_is_archs(row):
    returns = 100.0 * returns_of(row["symbol"], row["start"], row["stop"])
    fit = garch_fit(returns, row["mean"])
    assert fit.log_likelihood == pytest.approx(row["log_likelihood"], abs=1e-6)
    for name, theirs in row["parameters"].items():
        ours = getattr(fit, name.removesuffix("[1]"))
        assert ours == pytest.approx(theirs, rel=2e-3, abs=1e-6), name
    assert fit.conditional_volatility[-1] == pytest.approx(row["last_volatility"], rel=1e-4)
    assert fit.forecast(5).tolist() == pytest.approx(row["forecast"], rel=1e-4)
    if fit.status == "converged":
        for kind in ("standard_errors", "robust_standard_errors"):
            theirs = row[kind]  # by differences
            for name, error in getattr(fit, kind).items():
                assert error == pytest.approx(theirs[NAMES[name]], rel=0.01), (kind, name)


def test_the_table_has_twenty_series_and_some_on_a_bound():
    assert len({row["symbol"] for row in TABLE}) == 20
    assert len(TABLE) == 80
    on_bound = [
        row
        for row in TABLE
        if row["parameters"]["alpha[1]"] + row["parameters"]["beta[1]"] > 1 - 1e-6
    ]
    assert 3 <= len(on_bound) <= 20


@pytest.mark.parametrize("parameters", [[0.1, 0.12, 0.8], [0.3, 0.2, 0.5, 0.07], [1.0, 0.0, 0.0]])
def test_the_derivatives_are_those_of_the_likelihood(parameters):
    shocks = simulated(300, 0.05, 0.1, 0.85)
    likelihood = Likelihood.of(shocks / shocks.std())
    at = np.array(parameters)
    found = likelihood.derivatives(at)
    gradient = found.scores.sum(axis=0)
    assert approx_fprime(at, likelihood.value, 1e-7) == pytest.approx(gradient, rel=1e-4, abs=1e-3)
    slopes = approx_fprime(at, lambda x: likelihood.derivatives(x).scores.sum(axis=0), 1e-7)
    assert slopes == pytest.approx(found.hessian, rel=1e-4, abs=1e-2)
    assert found.hessian == pytest.approx(found.hessian.T, rel=1e-12)


@given(
    factor=st.sampled_from([1e-6, 0.01, 100.0, 1e6]),
    start=st.integers(0, 4000),
    mean=st.sampled_from(["zero", "constant"]),
)
@settings(max_examples=30)
def test_the_unit_of_the_returns_does_not_matter(factor, start, mean):
    returns = returns_of("KO", start, start + 500)
    one, other = garch_fit(returns, mean), garch_fit(returns * factor, mean)
    assert other.alpha == pytest.approx(one.alpha, rel=1e-6, abs=1e-9)
    assert other.beta == pytest.approx(one.beta, rel=1e-6, abs=1e-9)
    assert other.omega == pytest.approx(one.omega * factor**2, rel=1e-5)
    assert other.mu == pytest.approx(one.mu * factor, rel=1e-6, abs=1e-9 * factor)
    assert other.log_likelihood == pytest.approx(
        one.log_likelihood - 500 * math.log(factor), abs=1e-8
    )
    assert other.held == one.held


@given(
    start=st.integers(0, 5000),
    shift=st.tuples(*[st.floats(-1.0, 1.0)] * 4),
    mean=st.sampled_from(["zero", "constant"]),
)
@settings(max_examples=50)
def test_no_parameters_nearby_are_likelier(start, shift, mean):
    returns = 100.0 * returns_of("XOM", start, start + 400)
    fit = garch_fit(returns, mean)
    likelihood = Likelihood.of(returns - (returns.mean() if mean == "constant" else 0.0))
    centre = returns.mean() if mean == "constant" else 0.0
    best = np.array([fit.omega, fit.alpha, fit.beta, fit.mu - centre])
    assert -likelihood.value(best) == pytest.approx(fit.log_likelihood, abs=1e-8)
    near = best + 0.02 * np.array(shift) * (1.0 if mean == "constant" else [1, 1, 1, 0])
    near[:3] = np.maximum(near[:3], 0.0)
    if near[0] > 1e-3 and near[1] + near[2] <= 1.0:
        assert likelihood.value(near) >= likelihood.value(best) - 1e-9


def test_the_parameters_that_made_the_returns_are_found():
    fit = garch_fit(simulated(20_000, 2e-6, 0.09, 0.89))
    assert fit.status == "converged"
    for name, true in (("omega", 2e-6), ("alpha", 0.09), ("beta", 0.89)):
        assert abs(getattr(fit, name) - true) < 3.0 * fit.standard_errors[name]
        # The innovations are normal, so both kinds of standard errors estimate the same.
        assert fit.robust_standard_errors[name] == pytest.approx(fit.standard_errors[name], rel=0.1)
    assert fit.unconditional_volatility == pytest.approx(0.01, rel=0.1)


def test_forecasts_go_from_the_last_variance_to_the_unconditional_one():
    path = FIT.forecast(2000)
    residual = returns_of("AAPL", 2000, 4000)[-1] - FIT.mu
    first = FIT.omega + FIT.alpha * residual**2 + FIT.beta * FIT.conditional_volatility[-1] ** 2
    assert path[0] == pytest.approx(first, rel=1e-12)
    assert path[1:] == pytest.approx(FIT.omega + FIT.persistence * path[:-1], rel=1e-12)
    assert path[-1] == pytest.approx(FIT.unconditional_volatility**2, rel=1e-3)
    assert (np.diff(path[:100]) > 0.0).all()  # from below
    assert FIT.forecast().tolist() == path[:1].tolist()


def test_the_one_period_forecast_is_the_root_of_the_first():
    returns = returns_of("AAPL", 2000, 4000)
    found = nanobook.garch_forecast(returns, mean="constant", method="mle")
    assert found == math.sqrt(FIT.forecast(1)[0])


def test_on_the_bound_of_persistence_forecasts_grow_and_there_are_no_standard_errors():
    fit = garch_fit(returns_of("JPM", 0, 1000))
    assert fit.held == ("persistence",)
    assert fit.status == "converged_on_bound"
    assert fit.persistence == 1.0
    assert fit.unconditional_volatility == math.inf
    assert fit.standard_errors is fit.robust_standard_errors is None
    steps = np.diff(fit.forecast(10))
    assert steps == pytest.approx(np.full(9, fit.omega), rel=1e-6)


def test_on_a_bound_the_parameter_is_the_bound():
    fit = garch_fit(returns_of("JPM", 3000, 3500))
    assert (fit.held, fit.alpha) == (("alpha",), 0.0)
    fit = garch_fit(returns_of("PEP", 3000, 3500))
    assert (fit.held, fit.beta) == (("beta",), 0.0)


@given(
    returns=st.lists(
        st.sampled_from([0.0, 0.01, -0.02, 1.0]) | st.floats(-1.0, 1.0), min_size=10, max_size=40
    ),
    mean=st.sampled_from(["zero", "constant"]),
)
def test_short_and_odd_returns_are_fitted_or_refused(returns, mean):
    try:
        fit = garch_fit(returns, mean)
    except nanobook.ValidationError:
        assert len({abs(value) for value in returns}) <= 2
        return
    assert math.isfinite(fit.log_likelihood)
    assert fit.omega > 0.0
    assert fit.alpha >= 0.0
    assert fit.beta >= 0.0
    assert fit.persistence <= 1.0
    assert (fit.conditional_volatility > 0.0).all()
    assert np.isfinite(fit.forecast(3)).all()


def test_a_search_that_does_not_end_is_an_error(monkeypatch):
    monkeypatch.setattr("nanobook_optimizers.garch_likelihood._MAX_STEPS", 1)
    with pytest.raises(nanobook.OptimizationError, match="found no maximum") as caught:
        garch_fit(returns_of("AAPL", 0, 500))
    assert caught.value.status == "not converged"


@pytest.mark.parametrize(
    ("horizon", "error"), [(0, ValueError), (-1, ValueError), (1.0, TypeError)]
)
def test_a_wrong_horizon_is_refused(horizon, error):
    with pytest.raises(error, match="horizon"):
        FIT.forecast(horizon)


def test_a_fit_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FIT.alpha = 0.5
    with pytest.raises(ValueError, match="read-only"):
        FIT.conditional_volatility[0] = 1.0


def test_the_callers_returns_are_not_changed():
    returns = returns_of("AAPL", 0, 500).copy()
    before = returns.copy()
    garch_fit(returns, "constant")
    assert (returns == before).all()


def test_returns_of_any_size_are_fitted_or_refused_in_words():
    returns = returns_of("AAPL", 0, 500)
    assert garch_fit(returns * 1e-140).alpha == pytest.approx(garch_fit(returns).alpha, rel=1e-6)
    assert garch_fit(returns * 1e140).alpha == pytest.approx(garch_fit(returns).alpha, rel=1e-6)
    with pytest.raises(nanobook.ValidationError, match="use a smaller unit"):
        garch_fit(returns * 1e-150)
    with pytest.raises(OverflowError, match="use a larger unit"):
        garch_fit(returns * 1e155)


def test_a_small_alpha_is_found_where_there_is_a_maximum_without_alpha_too():
    closes = load_closes()[2][:, 10]
    returns = (closes[1:] / closes[:-1] - 1.0)[5469:5619]
    fit = nanobook.garch_fit(returns)
    assert fit.log_likelihood == pytest.approx(392.70782379, abs=1e-7)
    assert fit.alpha == pytest.approx(0.00908, abs=1e-5)
