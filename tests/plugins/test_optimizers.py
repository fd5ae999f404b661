"""The optimizers of nanobook-optimizers: contract, reference values, degenerate returns."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

import nanobook
from nanobook_core.testing import OptimizerSuite, PluginSuite
from nanobook_core.testing.law import law
from nanobook_optimizers.covariance import Risk, risk_of
from nanobook_optimizers.quadratic import _non_negative, _ray

NAMES = (
    "min_variance",
    "max_sharpe",
    "mean_variance",
    "risk_parity",
    "hrp",
    "cvar",
    "cdar",
    "inverse_cvar_weights",
    "inverse_cdar_weights",
    "inverse_volatility",
    "equal_weight",
)
FUNCTIONS = {
    name: getattr(nanobook, name if name.startswith(("inverse", "equal")) else f"optimize_{name}")
    for name in NAMES
}
#: The original's reference returns.
RETURNS = np.random.default_rng(0).normal(0.0005, 0.01, (60, 3)) * [1, 2, 0.5]
SYMBOLS = ["A", "B", "C"]
BAD = json.loads((Path(__file__).parents[1] / "data/optimizers/bad_input.json").read_text())


class TestPlugin(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "nanobook-optimizers"


class Suite(OptimizerSuite):
    name = ""

    @pytest.fixture(scope="class")
    @classmethod
    def optimizer(cls):
        return nanobook.registry().load("optimizer", cls.name)


class TestMinVariance(Suite):
    name = "min_variance"


class TestMaxSharpe(Suite):
    name = "max_sharpe"


class TestMeanVariance(Suite):
    name = "mean_variance"
    scale_free = False  # risk aversion has a unit


class TestRiskParity(Suite):
    name = "risk_parity"


class TestHrp(Suite):
    name = "hrp"
    permutation_equivariant = False  # the list is halved by position


class TestCvar(Suite):
    name = "cvar"


class TestCdar(Suite):
    name = "cdar"


class TestInverseCvar(Suite):
    name = "inverse_cvar_weights"


class TestInverseCdar(Suite):
    name = "inverse_cdar_weights"
    scale_free = False  # drawdowns of compounded returns


class TestInverseVolatility(Suite):
    name = "inverse_volatility"


class TestEqualWeight(Suite):
    name = "equal_weight"


def test_they_are_listed_and_public():
    assert nanobook.capabilities("optimizer") == [
        "optimize_min_variance",
        "optimize_max_sharpe",
        "optimize_risk_parity",
        "inverse_cvar_weights",
        "inverse_cdar_weights",
        "equal_weight",
        "inverse_volatility",
        "optimize_cdar",
        "optimize_cvar",
        "optimize_hrp",
        "optimize_mean_variance",
    ]
    for name in nanobook.capabilities("optimizer"):
        assert callable(getattr(nanobook, name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # True optima: the original's least variance, [.334, .330, .336], is 2.6 times that.
        ("min_variance", [0.100549825542, 0.067075995198, 0.832374179260]),
        ("max_sharpe", [0.0, 0.147319929781, 0.852680070219]),
        ("risk_parity", [0.241070672064, 0.172938280139, 0.585991047797]),
        ("inverse_cvar_weights", [0.207153783209, 0.176994908293, 0.615851308498]),
        ("inverse_cdar_weights", [0.099067797922, 0.294697356768, 0.606234845310]),
        ("cvar", [0.195690632547, 0.188556588002, 0.615752779450]),
        ("cdar", [0.100492200727, 0.351492364659, 0.548015434613]),
        ("hrp", [0.141677939492, 0.069814602564, 0.788507457944]),
        ("inverse_volatility", [0.248250782066, 0.166093467346, 0.585655750589]),
        ("equal_weight", [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_weights_of_the_original_s_reference_returns(name, expected):
    assert FUNCTIONS[name](RETURNS).tolist() == pytest.approx(expected, abs=1e-12)
    assert list(FUNCTIONS[name](RETURNS, SYMBOLS)) == SYMBOLS


def test_the_seed_s_optimizer_example(capsys):
    namespace = {}
    exec(  # noqa: S102 - verbatim
        """
import nanobook
import numpy as np

# Daily returns matrix (T × N)
returns = np.random.randn(252, 5) * 0.01

weights = nanobook.optimize_max_sharpe(returns, risk_free_rate=0.0)
print(dict(zip(["A","B","C","D","E"], weights)))
""",  # noqa: RUF001 - verbatim
        namespace,
    )
    assert namespace["weights"].shape == (5,)
    assert abs(namespace["weights"].sum() - 1.0) < 1e-12
    assert capsys.readouterr().out.startswith("{'A': ")


def test_py_twins_take_what_the_original_takes_by_position():
    rows = RETURNS.tolist()
    by_name = nanobook.optimize_max_sharpe(RETURNS, SYMBOLS, risk_free_rate=0.0005)
    assert nanobook.py_optimize_max_sharpe(rows, SYMBOLS, 0.0005) == by_name
    assert nanobook.optimize_max_sharpe(RETURNS, SYMBOLS, risk_free=0.0005) == by_name
    assert nanobook.py_optimize_min_variance(rows, SYMBOLS) == nanobook.optimize_min_variance(
        RETURNS, SYMBOLS
    )
    for name in ("inverse_cvar_weights", "inverse_cdar_weights", "optimize_cvar", "optimize_cdar"):
        found = getattr(nanobook, f"py_{name}")(rows, SYMBOLS, 0.9)
        assert found == getattr(nanobook, name)(RETURNS, SYMBOLS, alpha=0.9)
        assert found != getattr(nanobook, name)(RETURNS, SYMBOLS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(RETURNS, columns=SYMBOLS),
        pd.DataFrame(RETURNS, columns=SYMBOLS, index=pd.date_range("2024-01-01", periods=60)),
        pl.DataFrame(RETURNS, schema=SYMBOLS),
        pa.table(dict(zip(SYMBOLS, RETURNS.T, strict=True))),
        dict(zip(SYMBOLS, RETURNS.T, strict=True)),
    ],
    ids=["pandas", "pandas with dates", "polars", "pyarrow", "mapping"],
)
def test_a_frame_gives_weights_by_the_names_of_its_columns(name, frame):
    assert FUNCTIONS[name](frame) == FUNCTIONS[name](RETURNS, SYMBOLS)


def test_symbols_of_a_frame_may_be_said_again():
    frame = pd.DataFrame(RETURNS, columns=SYMBOLS)
    weights = nanobook.optimize_min_variance(frame)
    assert nanobook.optimize_min_variance(frame, SYMBOLS) == weights
    assert nanobook.optimize_min_variance(frame, frame.columns.to_numpy()) == weights
    with pytest.raises(nanobook.ValidationError, match="a frame has names of its own"):
        nanobook.optimize_min_variance(frame, ["B", "A", "C"])


def test_tails_of_floats_count_as_the_original_s():
    returns = np.zeros((20, 2))
    returns[0], returns[1] = [-0.4, -0.2], [0.0, -0.2]
    # Two periods of 20: 1 - 0.95 is above 0.05.
    assert nanobook.inverse_cvar_weights(returns) == pytest.approx([0.5, 0.5])


def test_a_long_frame_is_read_too():
    dates = np.repeat(pd.date_range("2024-01-01", periods=60), 3)
    frame = pd.DataFrame({"date": dates, "symbol": SYMBOLS * 60, "return": RETURNS.ravel()})
    expected = nanobook.optimize_min_variance(RETURNS, SYMBOLS)
    assert nanobook.optimize_min_variance(frame) == expected


def test_nulls_of_whole_numbers_are_not_read_as_0():
    frame = pl.DataFrame({"A": [1, None, 2], "B": [1, 2, 3]})
    with pytest.raises(ValueError, match="period 1, 'A': nan is not finite"):
        nanobook.equal_weight(frame)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20])
def test_a_power_of_two_as_a_scale_changes_no_bit(name, scale):
    if name not in ("mean_variance", "inverse_cdar_weights"):
        optimize = FUNCTIONS[name]
        assert optimize(RETURNS * scale).tolist() == optimize(RETURNS).tolist()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1e-6, 1e6, 1e-150])
def test_weights_do_not_depend_on_the_scale(name, scale):
    if name not in ("mean_variance", "inverse_cdar_weights"):
        weights = FUNCTIONS[name](RETURNS * scale)
        assert np.abs(weights - FUNCTIONS[name](RETURNS)).max() < 1e-9


@pytest.mark.parametrize("name", sorted({*NAMES} - {"cvar", "cdar", "mean_variance"}))
def test_returns_that_are_all_0_give_equal_weights(name):
    weights = FUNCTIONS[name](np.zeros((5, 4)))
    assert weights.tolist() == pytest.approx([0.25] * 4, abs=1e-15)


def test_an_asset_without_variance_has_all_of_the_least_variance():
    returns = np.column_stack([RETURNS, np.full(60, 0.0001)])
    assert nanobook.optimize_min_variance(returns).tolist() == [0, 0, 0, 1]
    assert nanobook.optimize_max_sharpe(returns).tolist() == [0, 0, 0, 1]
    two = np.column_stack([returns, np.full(60, 0.0003)])
    assert nanobook.optimize_min_variance(two).tolist() == pytest.approx([0, 0, 0, 0.5, 0.5])
    assert nanobook.inverse_volatility(returns)[3] > 1 - 1e-6


@pytest.mark.parametrize("name", ["risk_parity", "hrp"])
def test_an_asset_without_variance_among_others_is_refused_where_it_has_no_place(name):
    returns = np.column_stack([RETURNS, np.full(60, 0.1)])
    with pytest.raises(ValueError, match="'D' has no variance"):
        FUNCTIONS[name](returns, [*SYMBOLS, "D"])


@pytest.mark.parametrize("name", ["min_variance", "max_sharpe", "risk_parity"])
def test_equal_assets_get_equal_weights(name):
    weights = FUNCTIONS[name](RETURNS[:, [2, 0, 1, 2]])
    assert weights[0] == pytest.approx(weights[3], abs=1e-12)
    alone = FUNCTIONS["min_variance"](RETURNS)
    if name == "min_variance":
        assert weights[0] + weights[3] == pytest.approx(alone[2], abs=1e-12)


def test_of_assets_of_one_sharpe_ratio_each_gets_a_share():
    weights = nanobook.optimize_max_sharpe(np.column_stack([RETURNS[:, 1], 2.0 * RETURNS[:, 1]]))
    assert weights.tolist() == pytest.approx([1 / 3, 2 / 3], abs=1e-9)


def test_a_hedge_without_a_mean_has_no_part_in_the_largest_sharpe_ratio():
    pair = np.array([[0.021, -0.021], [0.008, -0.008], [0.001, -0.001]])
    assert nanobook.optimize_max_sharpe(pair).tolist() == [1, 0]
    falling = np.array([0.002893899133061563, -0.01598901094210911, -0.009153691117427417])
    pair = np.column_stack([falling, -falling])
    for options in (
        {},
        {"bounds": (-1, 1)},
        {"bounds": [(-0.8, 0.9), (-0.7, 1.0)], "target_return": 0.0},
    ):
        portfolio = pair @ nanobook.optimize_max_sharpe(pair, **options)
        ratio = portfolio.mean() / portfolio.std(ddof=1)
        assert ratio == pytest.approx(0.7757116089204513, rel=1e-9)


@pytest.mark.parametrize("rate", [0.0003, 0.0001, 0.04 / 252])
def test_cash_at_the_risk_free_rate_has_no_part_in_the_largest_sharpe_ratio(rate):
    returns = np.random.default_rng(0).normal(0.0005, 0.01, (252, 3))
    alone = nanobook.optimize_max_sharpe(returns, risk_free=rate)
    weights = nanobook.optimize_max_sharpe(np.c_[np.full(252, rate), returns], risk_free=rate)
    assert weights.tolist() == pytest.approx([0, *alone], abs=1e-12)


def test_a_mean_is_a_rounding_by_the_size_of_its_own_column():
    tiny = np.array([0.3e-17, 0.1e-17, -0.2e-17, 0.2e-17])
    returns = np.column_stack([tiny, [0.01, -0.01, 0.02, -0.02]])
    assert nanobook.optimize_max_sharpe(returns).tolist() == pytest.approx([1, 0], abs=1e-12)


def test_an_asset_of_little_variance_among_others():
    chance = np.random.default_rng(1)
    returns = chance.normal(0.0005, 0.01, (60, 6))
    returns[:, 0] = chance.normal(0.0001, 1e-7, 60)
    for name in ("min_variance", "max_sharpe"):
        assert FUNCTIONS[name](returns)[0] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("name", ["cvar", "cdar"])
@pytest.mark.parametrize("seed", range(8))
def test_tail_risk_of_an_asset_of_little_risk_among_others(name, seed):
    returns = np.random.default_rng(seed).normal(0.0004, 0.01, (100, 7))
    returns[:, 0] *= 1e-7
    assert FUNCTIONS[name](returns)[0] == pytest.approx(1.0, abs=1e-5)


def test_cash_that_pays_with_shorts_of_others():
    stocks = np.random.default_rng(1).normal(0.0005, 0.01, (60, 4))
    weights = nanobook.optimize_max_sharpe(
        np.hstack([np.full((60, 1), 0.0001), stocks]), bounds=(-1, 2)
    )
    assert weights.tolist() == pytest.approx([1, 0, 0, 0, 0], abs=1e-12)


#: Panels on which solvers are tried: what is added to noise, and what is done to it.
_PANELS = ("noise", "hedge", "twin", "cash", "rounded", "short", "scaled")


def panel(kind, seed, n_assets, least=-8):
    chance = np.random.default_rng(seed)
    n_periods = max(2, n_assets // 2) if kind == "short" else 40
    returns = chance.normal(0.0004, 0.01, (n_periods, 1)) * chance.uniform(0.5, 1.5, n_assets)
    returns = returns + chance.normal(0.0002, 0.01, (n_periods, n_assets))
    if kind == "hedge":
        returns[:, 0] = -returns[:, 1]
    if kind == "twin":
        returns[:, 0] = returns[:, 1]
    if kind == "cash":
        returns[:, 0] = chance.choice([-0.0001, 0.0, 0.0001])
    if kind == "scaled":
        returns *= 10.0 ** chance.integers(least, 1, n_assets)
    return np.round(returns, 3) if kind == "rounded" else returns


@law
@given(
    kind=st.sampled_from(_PANELS),
    seed=st.integers(0, 2**32 - 1),
    n_assets=st.integers(2, 12),
    is_bounded=st.booleans(),
)
def test_no_asset_alone_beats_the_largest_sharpe_ratio(kind, seed, n_assets, is_bounded):
    returns = panel(kind, seed, n_assets, -4 if is_bounded else -8)
    bounds = (0.0, 1.0) if not is_bounded else (-0.5, 1.0)
    weights = nanobook.optimize_max_sharpe(returns, bounds=bounds)
    mean = np.where(np.ptp(returns, axis=0) == 0.0, returns[0], returns.mean(axis=0))
    if mean.max() <= 1e-15:
        return
    centred = returns - mean
    deviation = np.linalg.norm(centred, axis=0)
    assert mean @ weights > 0.0
    # What rounding may leave of the risk of weights that have none.
    risk = np.linalg.norm(centred @ weights) - 1e-12 * deviation.max()
    for reward, alone in zip(mean, deviation, strict=True):
        assert reward * risk <= mean @ weights * alone * (1.0 + 1e-7) + 1e-18


@law
@given(
    name=st.sampled_from(["min_variance", "max_sharpe", "mean_variance", "cvar", "cdar"]),
    kind=st.sampled_from(_PANELS),
    seed=st.integers(0, 2**32 - 1),
    n_assets=st.integers(2, 12),
    options=st.sampled_from([{}, {"bounds": (-0.5, 1.0)}, {"target_return": 0.0}]),
)
def test_every_panel_has_weights(name, kind, seed, n_assets, options):
    returns = panel(kind, seed, n_assets, -4 if options or name.startswith("c") else -8)
    if options.get("target_return") is not None and returns.mean(axis=0).max() <= 0.0:
        return
    weights = FUNCTIONS[name](returns, **options)
    assert abs(weights.sum() - 1.0) < 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_fewer_periods_than_assets_give_weights(name):
    returns = np.random.default_rng(3).normal(0.001, 0.01, (8, 12))
    weights = FUNCTIONS[name](returns)
    assert abs(weights.sum() - 1.0) < 1e-12
    assert weights.min() >= 0.0


def test_without_a_mean_above_the_risk_free_return_the_sharpe_ratio_gives_way_to_variance():
    least = nanobook.optimize_min_variance(RETURNS)
    assert nanobook.optimize_max_sharpe(RETURNS, risk_free=0.01).tolist() == least.tolist()


def test_a_mean_that_is_0_but_for_rounding_is_no_excess():
    returns = np.array([[0.1, -0.02], [0.2, 0.01], [-0.3, -0.03], [0.0, 0.02]])
    assert returns.mean(axis=0)[0] > 0.0
    for options in ({}, {"target_return": -0.01}):
        weights = nanobook.optimize_max_sharpe(returns, **options)
        assert weights == pytest.approx(nanobook.optimize_min_variance(returns), abs=1e-9)


def test_the_sharpe_ratio_is_infinite_where_weights_without_variance_beat_the_risk_free_return():
    own = np.random.default_rng(0).normal(0, 0.01, 50)
    returns = np.column_stack([np.full(50, 0.0001), np.full(50, 0.0003), own])
    assert nanobook.optimize_max_sharpe(returns, risk_free=0.00025).tolist() == [0.0, 1.0, 0.0]
    hedged = np.column_stack([own + 0.002, 0.001 - own, own])
    assert nanobook.optimize_max_sharpe(hedged).tolist() == pytest.approx([0.5, 0.5, 0], abs=1e-12)
    alike = np.column_stack([returns, np.full(50, 0.0003)])
    assert nanobook.optimize_max_sharpe(alike).tolist() == pytest.approx([0, 0.5, 0, 0.5])
    bounded = nanobook.optimize_max_sharpe(returns, bounds=(0.0, 0.7))
    assert bounded.tolist() == pytest.approx([0.3, 0.7, 0.0], abs=1e-12)


def test_a_risk_free_asset_at_or_below_the_risk_free_return_does_not_make_the_ratio_infinite():
    own = np.random.default_rng(0).normal(0.001, 0.01, 50)
    returns = np.column_stack([np.full(50, 0.0003), own])
    for risk_free in (0.0003, 0.0004):
        weights = nanobook.optimize_max_sharpe(returns, risk_free=risk_free)
        assert weights @ returns.mean(axis=0) > risk_free


def test_of_tied_sharpe_ratios_none_without_risk_and_excess_is_taken():
    returns = np.array([[-0.01, -0.01, 0, 0, 0], [-0.06, 0, 0, 0.01, -0.02]])
    assert nanobook.optimize_max_sharpe(returns).tolist() == [0, 0, 0, 1, 0]


def test_of_fewer_periods_than_assets_the_sharpe_ratio_takes_the_largest_mean_without_variance():
    returns = np.random.default_rng(5).normal(0.001, 0.01, (10, 30))
    weights = nanobook.optimize_max_sharpe(returns, risk_free=0.002)
    portfolio = returns @ weights
    assert np.ptp(portfolio) < 1e-15
    centred = returns - returns.mean(axis=0)
    found = linprog(
        -returns.mean(axis=0),
        A_eq=np.vstack([centred * 100, np.ones(30)]),
        b_eq=np.r_[np.zeros(10), 1],
        bounds=(0, 1),
    )
    assert portfolio.mean() == pytest.approx(-found.fun, rel=1e-9)
    assert portfolio.mean() > 0.002


def test_risk_parity_by_budgets():
    budgets = {"C": 6.0, "A": 1.0, "B": 3.0}
    weights = nanobook.optimize_risk_parity(RETURNS, SYMBOLS, budgets=budgets)
    w = np.array(list(weights.values()))
    risk = w * (np.cov(RETURNS.T) @ w)
    assert (risk / risk.sum()).tolist() == pytest.approx([0.1, 0.3, 0.6], abs=1e-12)


def test_budgets_of_any_size_count_in_proportion():
    equal = nanobook.optimize_risk_parity(RETURNS)
    for size in (1e308, 1e-10):
        weights = nanobook.optimize_risk_parity(RETURNS, budgets=[size] * 3)
        assert weights.tolist() == pytest.approx(equal, rel=1e-12)
    with pytest.raises(nanobook.ValidationError, match=r"budget of column 1: at least 1e-12 of"):
        nanobook.optimize_risk_parity(RETURNS, budgets=[1.0, 1e-300, 1.0])


@pytest.mark.parametrize("size", [1e157, 1e-157])
def test_hierarchical_risk_parity_of_an_asset_of_another_size(size):
    returns = RETURNS * [1.0, size, 1.0]
    weights = nanobook.optimize_hrp(returns)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights[1] == pytest.approx(1.0 if size < 1.0 else 0.0, abs=1e-12)
    assert weights.min() >= 0.0


def test_without_a_price_of_risk_the_largest_mean_has_all():
    best = np.eye(3)[RETURNS.mean(axis=0).argmax()].tolist()
    assert nanobook.optimize_mean_variance(RETURNS * 1e-160).tolist() == best
    assert nanobook.optimize_mean_variance(RETURNS, risk_aversion=1e-300).tolist() == best


def test_risk_parity_goes_on_where_its_objective_no_longer_tells_steps_apart():
    for seed in (251, 2680, 3711):
        chance = np.random.default_rng(seed)
        returns = chance.normal(0, 0.01, (20, 6)) + chance.normal(0, 0.01, (20, 1))
        w = nanobook.optimize_risk_parity(returns)
        risk = w * (np.cov(returns.T) @ w)
        assert (6 * risk / risk.sum()).tolist() == pytest.approx([1.0] * 6, abs=1e-13)


def test_risk_parity_where_a_portfolio_has_no_risk_says_so():
    returns = np.column_stack([RETURNS[:, 0], -RETURNS[:, 0]])
    with pytest.raises(nanobook.OptimizationError, match=r"has no variance.*ledoit_wolf") as caught:
        nanobook.optimize_risk_parity(returns)
    assert caught.value.status == "not optimal"


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad["says"])
def test_bad_input_is_refused_in_words(bad):
    given = {key: value for key, value in bad.items() if key not in ("error", "says", "of")}
    given["returns"] = [
        [float(value) if value in ("nan", "inf", "-inf") else value for value in row]
        if isinstance(row, list)
        else row
        for row in given.get("returns", [[0.01, 0.02], [0.02, -0.01], [-0.03, 0.01]])
    ]
    error = {"TypeError": TypeError, "ValidationError": nanobook.ValidationError}[bad["error"]]
    with pytest.raises(error) as caught:
        FUNCTIONS[bad.get("of", "min_variance")](given.pop("returns"), **given)
    assert bad["says"] in str(caught.value)


@law
@given(
    seed=st.integers(0, 2**32 - 1),
    n_assets=st.integers(2, 12),
    n_periods=st.integers(4, 60),
    estimator=st.sampled_from(["sample", "ledoit_wolf", "ewma"]),
)
def test_parts_of_the_risk_are_equal_in_risk_parity(seed, n_assets, n_periods, estimator):
    chance = np.random.default_rng(seed)
    returns = chance.normal(0, 0.01, (n_periods + n_assets, n_assets))
    returns *= chance.uniform(0.1, 10.0, n_assets)
    options = {"decay": 0.99} if estimator == "ewma" else {}
    w = nanobook.optimize_risk_parity(returns, covariance=estimator, **options)
    parts = w * (covariance(returns, estimator) @ w)
    assert np.abs(n_assets * parts / parts.sum() - 1.0).max() < 1e-11


def covariance(returns, estimator):
    """Textbook forms of the estimators."""
    if estimator == "sample":
        return np.atleast_2d(np.cov(returns.T))
    if estimator == "ewma":
        weights = 0.99 ** np.arange(len(returns))[::-1]
        return (returns.T * weights) @ returns / weights.sum()
    n_periods, n_assets = returns.shape
    x = returns - returns.mean(axis=0)
    s = x.T @ x / n_periods
    m = np.trace(s) / n_assets
    d2 = np.sum((s - m * np.eye(n_assets)) ** 2)
    b2 = sum(np.sum((np.outer(row, row) - s) ** 2) for row in x) / n_periods**2
    shrunk = min(b2, d2) / d2
    return shrunk * m * np.eye(n_assets) + (1 - shrunk) * s


@law
@given(seed=st.integers(0, 2**32 - 1), n_assets=st.integers(1, 30))
def test_pivoting_finds_what_least_squares_find(seed, n_assets):
    chance = np.random.default_rng(seed)
    data = chance.normal(0, 1, (3 * n_assets + 2, n_assets)) + chance.normal(0, 1, n_assets)
    risk = risk_of(data * chance.uniform(0.5, 2.0, n_assets))
    row = chance.normal(1.0, 1.0, n_assets)
    row[0] = 1.0
    assert np.abs(_ray(risk, row) - _non_negative(risk.root, row)).max() < 1e-9


def test_where_pivoting_goes_round_in_circles_least_squares_find_the_weights():
    covariance = np.array(
        [
            [9.35, -1.323, -2.806, -1.201, -1.398, -0.792],
            [-1.323, 6.563, 0.02, 2.99, 4.566, 0.874],
            [-2.806, 0.02, 8.241, 5.14, -7.297, -2.335],
            [-1.201, 2.99, 5.14, 5.699, -2.857, -0.73],
            [-1.398, 4.566, -7.297, -2.857, 15.421, 12.391],
            [-0.792, 0.874, -2.335, -0.73, 12.391, 19.969],
        ]
    )
    row = np.array([1.0, 0.847, 1.508, 0.994, -1.269, -0.081])
    w = _ray(Risk(np.linalg.cholesky(covariance).T, covariance), row)
    y = w * (row @ w) / (w @ covariance @ w)
    cost = covariance @ y - row
    assert cost.min() > -1e-12
    assert np.abs(cost * y).max() < 1e-12
    assert w.min() >= 0.0


@pytest.mark.parametrize("seed", range(5))
def test_each_of_many_uncorrelated_assets_gets_one_over_its_variance(seed):
    # Cosines of whole numbers of waves: no mean, no covariances, all of one variance.
    waves = np.cos(2 * np.pi * np.outer(np.arange(200), np.arange(1, 91)) / 200)
    scales = np.random.default_rng(seed).uniform(0.5, 2.0, 90)
    weights = nanobook.optimize_min_variance(0.01 * waves * scales)
    expected = 1 / scales**2
    assert weights == pytest.approx(expected / expected.sum(), rel=1e-11)


def test_the_largest_ratio_of_many_uncorrelated_assets_is_in_proportion_to_mean_over_variance():
    waves = np.cos(2 * np.pi * np.outer(np.arange(200), np.arange(1, 91)) / 200)
    means = np.arange(-9, 81) / 1000
    expected = np.maximum(means, 0) / np.maximum(means, 0).sum()
    assert nanobook.optimize_max_sharpe(waves + means) == pytest.approx(expected, abs=1e-12)
