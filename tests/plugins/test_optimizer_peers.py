"""The optimizers against solvers and libraries of others."""

import numpy as np
import pytest
from scipy import sparse

import nanobook

SEEDS = range(8)


def panel(seed, n_assets=25, n_periods=120):
    chance = np.random.default_rng(seed)
    market = chance.normal(0.0004, 0.009, (n_periods, 1))
    own = chance.normal(0.0003, 1.0, (n_periods, n_assets)) * chance.uniform(0.005, 0.03, n_assets)
    return market * chance.normal(1.0, 0.3, n_assets) + own


def clarabel_least_variance(returns, rows, tops):
    """Least variance of long-only weights of sum 1 with rows @ w <= tops."""
    clarabel = pytest.importorskip("clarabel", reason="clarabel is not installed")
    n_assets = returns.shape[1]
    covariance = np.cov(returns.T)
    unit = covariance.trace() / n_assets
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    matrix = np.vstack([np.ones(n_assets), -np.eye(n_assets), *rows])
    found = clarabel.DefaultSolver(
        sparse.triu(sparse.csc_matrix(covariance / unit)).tocsc(),
        np.zeros(n_assets),
        sparse.csc_matrix(matrix),
        np.r_[1.0, np.zeros(n_assets), tops],
        [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(n_assets + len(tops))],
        settings,
    ).solve()
    assert str(found.status) == "Solved"
    return np.array(found.x)


@pytest.mark.parametrize("seed", SEEDS)
def test_clarabel_finds_no_less_variance(seed):
    returns = panel(seed)
    variance = np.cov(returns.T)
    groups = (np.arange(25) % 4).astype(str).tolist()
    members = [np.array([group == name for group in groups], float) for name in "0123"]
    for rows, tops, options in (
        ([], [], {}),
        ([np.eye(25)], [0.08] * 25, {"bounds": (0, 0.08)}),
        (
            members,
            [0.3] * 4,
            {"groups": groups, "group_limits": dict.fromkeys("0123", (0.0, 0.3))},
        ),
    ):
        ours = nanobook.optimize_min_variance(returns, **options)
        theirs = clarabel_least_variance(returns, rows, tops)
        assert ours @ variance @ ours <= theirs @ variance @ theirs * (1 + 1e-9)
        assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n_periods", [20, 120])
def test_ledoit_wolf_is_that_of_scikit_learn(seed, n_periods):
    covariance = pytest.importorskip("sklearn.covariance", reason="scikit-learn is not installed")
    from nanobook_optimizers.covariance import factor

    returns = panel(seed, n_periods=n_periods)
    data = factor(returns, "ledoit_wolf")
    expected, _ = covariance.ledoit_wolf(returns)
    assert np.abs(data.T @ data - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("seed", SEEDS)
def test_hierarchical_risk_parity_is_that_of_pyportfolioopt(seed):
    pypfopt = pytest.importorskip("pypfopt", reason="PyPortfolioOpt is not installed")
    import pandas as pd

    returns = panel(seed)
    frame = pd.DataFrame(returns, columns=[f"S{column}" for column in range(25)])
    expected = pypfopt.HRPOpt(frame).optimize()
    assert nanobook.optimize_hrp(frame) == pytest.approx(dict(expected), rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alpha", [0.9, 0.95, 0.99])
def test_cvxpy_finds_no_less_tail_risk(seed, alpha):
    cvxpy = pytest.importorskip("cvxpy", reason="cvxpy is not installed")
    pytest.importorskip("clarabel", reason="clarabel is not installed")
    returns = 100.0 * panel(seed, n_assets=8, n_periods=70)
    w = cvxpy.Variable(8, nonneg=True)
    level = cvxpy.Variable(71)
    for losses, constraints, optimize in (
        (-returns @ w, [], nanobook.optimize_cvar),
        (
            level[1:] - cvxpy.cumsum(returns @ w),
            [level[0] == 0, level[1:] >= level[:-1], level[1:] >= cvxpy.cumsum(returns @ w)],
            nanobook.optimize_cdar,
        ),
    ):
        threshold = cvxpy.Variable()
        tail = threshold + cvxpy.sum(cvxpy.pos(losses - threshold)) / ((1 - alpha) * 70)
        program = cvxpy.Problem(cvxpy.Minimize(tail), [cvxpy.sum(w) == 1, *constraints])
        least = program.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10)
        ours = optimize(returns, alpha=alpha)
        path = -returns @ ours
        if optimize is nanobook.optimize_cdar:
            level_of_ours = np.r_[0.0, np.cumsum(returns @ ours)]
            path = (np.maximum.accumulate(level_of_ours) - level_of_ours)[1:]
        found = min(z + np.maximum(path - z, 0).sum() / ((1 - alpha) * 70) for z in path)
        assert found == pytest.approx(least, rel=1e-7)
