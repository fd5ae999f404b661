"""Constraints of the optimizers: kept, used to the full, and explained where they conflict."""

import pickle

import numpy as np
import pandas as pd
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog, minimize

import nanobook
from nanobook_core.testing.law import law
from nanobook_optimizers.certificate import certify
from nanobook_optimizers.constraint import polytope
from nanobook_optimizers.program import Program, solve
from nanobook_optimizers.quadratic_program import solve_quadratic
from nanobook_optimizers.returns import read_returns

SYMBOLS = ["A", "B", "C"]
RETURNS = np.random.default_rng(0).normal(0.0005, 0.01, (60, 3)) * [1, 2, 0.5]
MEAN = RETURNS.mean(axis=0)


def worst(losses, alpha=0.95):
    """The CVaR of losses by its definition as a minimum over thresholds."""
    return min(z + np.maximum(losses - z, 0).sum() / ((1 - alpha) * len(losses)) for z in losses)


def drawdowns(returns):
    level = np.r_[0.0, np.cumsum(returns)]
    return (np.maximum.accumulate(level) - level)[1:]


few = settings(law, max_examples=50)

#: What each minimises, of weights and returns.
OBJECTIVES = {
    nanobook.optimize_min_variance: lambda w, r: w @ np.atleast_2d(np.cov(r.T)) @ w,
    nanobook.optimize_max_sharpe: lambda w, r: (
        -r.mean(axis=0) @ w / np.sqrt(w @ np.atleast_2d(np.cov(r.T)) @ w)
    ),
    nanobook.optimize_mean_variance: lambda w, r: (
        w @ np.atleast_2d(np.cov(r.T)) @ w / 2 - r.mean(axis=0) @ w
    ),
    nanobook.optimize_cvar: lambda w, r: worst(-r @ w),
    nanobook.optimize_cdar: lambda w, r: worst(drawdowns(r @ w)),
}
SMOOTH = list(OBJECTIVES)[:3]
each = pytest.mark.parametrize("optimize", OBJECTIVES, ids=lambda function: function.__name__)


@each
def test_bounds_are_kept_in_each_of_their_forms(optimize):
    one = optimize(RETURNS, SYMBOLS, bounds=(0.1, 0.5))
    assert min(one.values()) >= 0.1
    assert max(one.values()) <= 0.5
    assert abs(sum(one.values()) - 1.0) < 1e-12
    assert optimize(RETURNS, SYMBOLS, bounds=[(0.1, 0.5)] * 3) == one
    some = optimize(RETURNS, SYMBOLS, bounds={"A": (0.3, 0.3)})
    assert some["A"] == pytest.approx(0.3, abs=1e-12)


@each
def test_groups_stay_within_their_limits(optimize):
    free = optimize(RETURNS, SYMBOLS)
    limits = {"metals": (0.55, 0.6)}
    for groups in (["metals", "metals", "other"], {"A": "metals", "B": "metals"}):
        weights = optimize(RETURNS, SYMBOLS, groups=groups, group_limits=limits)
        assert 0.55 - 1e-12 <= weights["A"] + weights["B"] <= 0.6 + 1e-12
        assert weights != free


@each
def test_turnover_from_current_weights_is_all_that_is_traded(optimize):
    current = {"A": 0.5, "B": 0.5}
    weights = optimize(RETURNS, SYMBOLS, current=current, max_turnover=0.2)
    traded = abs(weights["A"] - 0.5) + abs(weights["B"] - 0.5) + abs(weights["C"])
    assert traded <= 0.2 + 1e-12
    none = optimize(RETURNS, SYMBOLS, current=current, max_turnover=0.0)
    assert none == pytest.approx({"A": 0.5, "B": 0.5, "C": 0.0}, abs=1e-12)
    much = optimize(RETURNS, SYMBOLS, current=current, max_turnover=2.0)
    assert much == pytest.approx(optimize(RETURNS, SYMBOLS), abs=1e-7)


def test_turnover_from_cash_counts_what_is_bought():
    weights = nanobook.optimize_min_variance(RETURNS, current=[0, 0, 0], max_turnover=1.0)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    with pytest.raises(nanobook.OptimizationError, match=r"max_turnover 0\.9"):
        nanobook.optimize_min_variance(RETURNS, current=[0, 0, 0], max_turnover=0.9)


@each
def test_a_target_return_is_reached(optimize):
    target = 0.9 * MEAN.max() + 0.1 * MEAN.min()
    weights = optimize(RETURNS, target_return=target)
    assert MEAN @ weights >= target * (1 - 1e-12)


def test_the_least_variance_of_a_target_return_that_binds_has_just_that():
    target = 0.5 * MEAN.max()
    weights = nanobook.optimize_min_variance(RETURNS, target_return=target)
    assert MEAN @ weights == pytest.approx(target, rel=1e-12)


def test_short_positions_are_there_where_bounds_let_them():
    weights = nanobook.optimize_max_sharpe(RETURNS, bounds=(-0.3, 1.0))
    assert weights[0] == pytest.approx(-0.191293777464, abs=1e-12)
    weights = nanobook.optimize_max_sharpe(RETURNS, bounds=(-0.1, 1.0))
    assert weights[0] == -0.1
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_without_binding_bounds_shorts_give_the_closed_forms():
    inverse = np.linalg.inv(np.cov(RETURNS.T))
    free = (-10.0, 10.0)
    least = inverse.sum(axis=1) / inverse.sum()
    assert nanobook.optimize_min_variance(RETURNS, bounds=free) == pytest.approx(least, abs=1e-10)
    tangent = inverse @ MEAN / (inverse @ MEAN).sum()
    assert nanobook.optimize_max_sharpe(RETURNS, bounds=free) == pytest.approx(tangent, abs=1e-10)


@pytest.mark.parametrize(
    ("options", "conflict"),
    [
        (
            {"bounds": (0.1, 0.2)},
            ("the weights sum to 1", "'A' at most 0.2", "'B' at most 0.2", "'C' at most 0.2"),
        ),
        (
            {"bounds": (0.4, 1.0)},
            ("the weights sum to 1", "'A' at least 0.4", "'B' at least 0.4", "'C' at least 0.4"),
        ),
        (
            {"bounds": (0, 0.3), "groups": ["x", "x", "y"], "group_limits": {"x": (0.1, 0.6)}},
            ("the weights sum to 1", "group 'x' from 0.1 to 0.6", "'C' at most 0.3"),
        ),
        (
            {"bounds": {"A": (0, 0.1)}, "current": [0.5, 0.3, 0.2], "max_turnover": 0.1},
            ("max_turnover 0.1 from the current weights, which sum to 1", "'A' at most 0.1"),
        ),
        (
            {"bounds": {"B": (0, 0.5)}, "target_return": 0.002},
            ("target_return of at least 0.002 a period", "'B' at most 0.5"),
        ),
    ],
)
@each
def test_a_conflict_names_the_constraints_in_it(optimize, options, conflict):
    with pytest.raises(nanobook.OptimizationError, match="no weights fulfil all of: ") as caught:
        optimize(RETURNS, SYMBOLS, **options)
    assert caught.value.status == "infeasible"
    assert set(conflict) <= set(caught.value.constraints)
    assert all(name in str(caught.value) for name in conflict)
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert str(copy) == str(caught.value)
    assert copy.constraints == caught.value.constraints


def test_a_conflict_says_what_mean_could_be_reached():
    returns = [[0.01, 0.03], [0.01, 0.01]]
    with pytest.raises(nanobook.OptimizationError) as caught:
        nanobook.optimize_cvar(returns, bounds=(0.0, 0.75), target_return=0.02)
    assert str(caught.value).endswith(
        ". The highest mean that the other constraints allow is 0.0175 a period"
    )
    with pytest.raises(nanobook.OptimizationError) as caught:
        nanobook.optimize_cvar(returns, bounds=(0.0, 0.4), target_return=0.02)
    assert "highest mean" not in str(caught.value)


def test_series_of_pandas_are_read_by_label():
    options = {
        "bounds": (0.0, 0.6),
        "groups": {"C": "bonds", "A": "shares"},
        "group_limits": {"bonds": (0.1, 0.5)},
        "current": {"B": 0.4, "A": 0.6},
        "max_turnover": 0.3,
    }
    series = {
        name: pd.Series(value) if name in ("groups", "current") else value
        for name, value in options.items()
    }
    weights = nanobook.optimize_min_variance(RETURNS, SYMBOLS, **options)
    assert nanobook.optimize_min_variance(RETURNS, SYMBOLS, **series) == weights
    budgets = {"C": 1.0, "A": 2.0, "B": 3.0}
    assert nanobook.optimize_risk_parity(
        RETURNS, SYMBOLS, budgets=pd.Series(budgets)
    ) == nanobook.optimize_risk_parity(RETURNS, SYMBOLS, budgets=budgets)
    twice = pd.Series([0.5, 0.5], ["A", "A"])
    with pytest.raises(nanobook.ValidationError, match="current: a label is there twice"):
        nanobook.optimize_min_variance(RETURNS, SYMBOLS, current=twice, max_turnover=0.1)


def test_a_conflict_of_many_bounds_is_told_in_one_line():
    returns = np.random.default_rng(1).normal(0, 0.01, (60, 50))
    with pytest.raises(nanobook.OptimizationError) as caught:
        nanobook.optimize_min_variance(returns, bounds=(0.0, 0.015))
    assert caught.value.constraints == (
        "the weights sum to 1",
        "50 assets, column 0 the first, at most 0.75 in all",
    )


@st.composite
def problems(draw):
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_assets = draw(st.integers(1, 9))
    n_periods = draw(st.integers(2, 40))
    returns = chance.normal(0.0003, 0.01, (n_periods, n_assets))
    returns *= chance.uniform(0.2, 3.0, n_assets)
    if draw(st.booleans()) and n_assets > 1:
        returns[:, 1] = returns[:, 0]
    if draw(st.booleans()):
        returns = returns.round(2)
    options = {}
    if draw(st.booleans()):
        low = draw(st.sampled_from([0.0, -0.2, 0.05]))
        options["bounds"] = (low, draw(st.sampled_from([0.15, 0.4, 1.0])))
    if draw(st.booleans()):
        options["groups"] = chance.integers(0, 3, n_assets).astype(str).tolist()
        options["group_limits"] = {
            name: draw(st.sampled_from([(0.0, 0.5), (0.2, 0.8)])) for name in {*options["groups"]}
        }
    if draw(st.booleans()):
        options["current"] = chance.dirichlet(np.ones(n_assets))
        options["max_turnover"] = draw(st.sampled_from([0.0, 0.1, 0.7]))
    mean = returns.mean(axis=0)
    # Means that are roundings of 0 have no order that a target could be among.
    if np.abs(mean).max() > 1e-10 and draw(st.booleans()):
        options["target_return"] = float(mean.mean() + 0.3 * (mean.max() - mean.mean()))
    return returns, options


def limits(returns, options):
    """Of problems, in the form that scipy takes: bounds, and rows @ w <= tops."""
    n_assets = returns.shape[1]
    rows, tops = [], []
    for name, (low, high) in options.get("group_limits", {}).items():
        member = np.array([group == name for group in options["groups"]], float)
        rows += [member, -member]
        tops += [high, -low]
    if "target_return" in options:
        rows.append(-returns.mean(axis=0))
        tops.append(-options["target_return"])
    return [options.get("bounds", (0.0, 1.0))] * n_assets, rows, tops


def violation(weights, returns, options):
    bounds, rows, tops = limits(returns, options)
    found = [abs(weights.sum() - 1)]
    found += [max(low - w, w - high) for w, (low, high) in zip(weights, bounds, strict=True)]
    found += [row @ weights - top for row, top in zip(rows, tops, strict=True)]
    if "current" in options:
        found.append(np.abs(weights - options["current"]).sum() - options["max_turnover"])
    return max(found)


def is_feasible(returns, options):
    bounds, rows, tops = limits(returns, options)
    n_assets = returns.shape[1]
    rows = [np.r_[row, np.zeros(n_assets)] for row in rows]
    identity = np.eye(n_assets)
    if "current" in options:
        for sign in (1, -1):
            rows += list(np.hstack([sign * identity, -identity]))
            tops += list(sign * options["current"])
        rows.append(np.r_[np.zeros(n_assets), np.ones(n_assets)])
        tops.append(options["max_turnover"])
    found = linprog(
        np.zeros(2 * n_assets),
        A_ub=np.array(rows) if rows else None,
        b_ub=tops or None,
        A_eq=np.r_[np.ones(n_assets), np.zeros(n_assets)][None],
        b_eq=[1.0],
        bounds=bounds + [(0, None)] * n_assets,
    )
    return found.status == 0


@few
@given(problem=problems())
@each
def test_weights_fulfil_the_constraints_or_there_are_none_that_do(optimize, problem):
    returns, options = problem
    if is_feasible(returns, options):
        assert violation(optimize(returns, **options), returns, options) <= 1e-12
    else:
        with pytest.raises(nanobook.OptimizationError, match="no weights fulfil all of"):
            optimize(returns, **options)


@few
@given(problem=problems(), seed=st.integers(0, 2**32 - 1))
@each
def test_no_weights_nearby_are_better(optimize, problem, seed):
    returns, options = problem
    assume(is_feasible(returns, options))
    weights = optimize(returns, **options)
    objective = OBJECTIVES[optimize]
    chance = np.random.default_rng(seed)
    variance = np.atleast_2d(np.cov(returns.T))
    assume(weights @ variance @ weights > 1e-9 * np.trace(variance))
    if optimize is nanobook.optimize_max_sharpe:
        assume(returns.mean(axis=0) @ weights > 0)
    best = objective(weights, returns)
    options = {key: value for key, value in options.items() if key != "target_return"}
    # Any mixture with other weights that fulfil the constraints does so too.
    for _ in range(2):
        cost = chance.normal(size=returns.shape[1])
        other = nanobook.optimize_mean_variance(returns + cost * 0.01, **options)
        for step in (1e-3, 0.1, 1.0):
            mixed = weights + step * (other - weights)
            has_variance = mixed @ variance @ mixed > 1e-12 * np.trace(variance)
            has_value = has_variance or optimize is not nanobook.optimize_max_sharpe
            if has_value and violation(mixed, *problem) <= 1e-12:
                size = abs(best) + returns.std() ** (2 if optimize is SMOOTH[0] else 1)
                assert objective(mixed, returns) >= best - 1e-9 * size


@few
@given(problem=problems())
@pytest.mark.parametrize("optimize", SMOOTH, ids=lambda function: function.__name__)
def test_slsqp_finds_nothing_better(optimize, problem):
    returns, options = problem
    options = {
        key: value for key, value in options.items() if key not in ("current", "max_turnover")
    }
    # Else SLSQP may pass by weights without variance, where there is no Sharpe ratio.
    assume(returns.shape[0] > returns.shape[1] + 1)
    assume(is_feasible(returns, options))
    weights = optimize(returns, **options)
    variance = np.atleast_2d(np.cov(returns.T))
    assume(weights @ variance @ weights > 1e-6 * np.trace(variance))
    if optimize is nanobook.optimize_max_sharpe:
        assume(returns.mean(axis=0) @ weights > 1e-5)
    bounds, rows, tops = limits(returns, options)
    unit = returns.std()
    objective = OBJECTIVES[optimize]
    size = abs(objective(weights, returns))
    found = minimize(
        lambda w: objective(w, returns) / size,
        np.full(len(weights), 1 / len(weights)),
        method="SLSQP",
        bounds=bounds,
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1},
            *[
                {"type": "ineq", "fun": lambda w, r=row, t=top: (t - r @ w) / max(abs(t), unit)}
                for row, top in zip(rows, tops, strict=True)
            ],
        ],
        options={"ftol": 1e-14, "maxiter": 500},
    )
    if violation(found.x, returns, options) <= 1e-11:
        assert found.fun * size >= objective(weights, returns) - 1e-7 * size


def test_weights_that_are_not_optimal_or_not_allowed_are_not_given():
    allowed = polytope(
        read_returns(RETURNS, SYMBOLS),
        bounds={"A": (0.0, 0.5)},
        groups=["x", "x", "y"],
        group_limits={"x": (0.0, 0.8)},
        max_turnover=0.5,
        current=[0.5, 0.3, 0.2],
        target_return=None,
    )
    slope = np.array([1.0, 2.0, 3.0])
    best = np.array([0.5, 0.3, 0.2])
    for weights, says in (
        ([0.5, 0.25, 0.25], "may miss the optimum by 5.0e-02 of 1.0e+00"),
        ([0.5, 0.3, 0.2 + 1e-11], "miss the constraints by 1.0e-11"),
        ([0.5 + 1e-11, 0.3, 0.2 - 1e-11], "miss the constraints by 1.0e-11"),
    ):
        w = np.array(weights)
        with pytest.raises(nanobook.OptimizationError, match="not optimal") as caught:
            certify(allowed, w, value=slope @ w, slope=slope, size=1.0, rounding=0.0)
        assert says in str(caught.value)
        assert "'A' at most 0.5" in caught.value.constraints
    assert "group 'x' from 0 to 0.8" in caught.value.constraints
    assert certify(allowed, best, value=slope @ best, slope=slope, size=1.0, rounding=0.0) is best


def test_a_solver_that_ends_without_a_minimum_is_told_apart_from_a_conflict():
    program = Program(
        rows=sparse.csr_array(np.ones((1, 2))),
        row_lower=np.array([0.0]),
        row_upper=np.array([0.0]),
        lower=np.full(2, -np.inf),
        upper=np.full(2, np.inf),
        cost=np.array([1.0, 0.0]),
    )
    with pytest.raises(nanobook.OptimizationError) as caught:
        solve(program)
    assert caught.value.status == "unbounded"
    with pytest.raises(nanobook.OptimizationError) as caught:
        solve_quadratic(evolve(program, hessian=np.zeros((2, 2))))
    assert caught.value.status == "dual infeasible"


def test_weights_that_are_not_finite_are_no_optimum():
    allowed = polytope(
        read_returns(RETURNS),
        bounds=None,
        groups=None,
        group_limits=None,
        max_turnover=None,
        current=None,
        target_return=None,
    )
    with pytest.raises(nanobook.OptimizationError, match="not finite"):
        certify(
            allowed,
            np.full(3, np.nan),
            value=np.nan,
            slope=np.zeros(3),
            size=1.0,
            rounding=0.0,
        )
