"""Portfolio libraries, each called as its documentation does, at its own settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from portfolios.case import ALPHA, Case, Floats, NotOfferedError

HEURISTIC = {"cvar": "inverse_cvar_weights", "cdar": "inverse_cdar_weights"}


def ours(case: Case) -> Callable[[], Any]:
    """The facade's functions."""
    import nanobook

    if case.problem != "constrained":
        return partial(getattr(nanobook, f"optimize_{case.problem}"), case.returns)
    limits = case.limits
    return partial(
        nanobook.optimize_min_variance,
        case.returns,
        bounds=(limits.lower, limits.upper),
        groups=limits.groups,
        group_limits=dict.fromkeys(limits.groups, (limits.group_lower, limits.group_upper)),
        current=limits.current,
        max_turnover=limits.turnover,
    )


def wheel(case: Case) -> Callable[[], Floats]:
    """The original; its functions for CVaR and CDaR are heuristics."""
    library: Any = import_module("nanobook")
    name = HEURISTIC.get(case.problem, f"optimize_{case.problem}")
    if case.problem == "constrained" or not hasattr(library, name):
        raise NotOfferedError("takes no constraints" if case.problem == "constrained" else "none")
    return lambda: by_name(getattr(library, name)(case.returns, case.names), case)


def pyportfolioopt(case: Case) -> Callable[[], Floats]:
    """Its frontiers."""
    pd: Any = import_module("pandas")
    library: Any = import_module("pypfopt")
    frame = pd.DataFrame(case.returns, columns=case.names)

    def variance(**options: Any) -> Any:
        return library.EfficientFrontier(frame.mean(), frame.cov(), **options)

    def constrained() -> Any:
        cp: Any = import_module("cvxpy")
        limits = case.limits
        frontier = variance(weight_bounds=(limits.lower, limits.upper))
        frontier.add_sector_constraints(
            dict(zip(case.names, limits.groups, strict=True)),
            dict.fromkeys(limits.groups, limits.group_lower),
            dict.fromkeys(limits.groups, limits.group_upper),
        )
        frontier.add_constraint(lambda w: cp.norm1(w - limits.current) <= limits.turnover)
        return frontier.min_volatility()

    runs: dict[str, Callable[[], Any]] = {
        "min_variance": lambda: variance().min_volatility(),
        "max_sharpe": lambda: variance().max_sharpe(risk_free_rate=0.0),
        "cvar": lambda: library.EfficientCVaR(frame.mean(), frame, beta=ALPHA).min_cvar(),
        "cdar": lambda: library.EfficientCDaR(frame.mean(), frame, beta=ALPHA).min_cdar(),
        "hrp": lambda: library.HRPOpt(frame).optimize(),
        "constrained": constrained,
    }
    if case.problem not in runs:
        raise NotOfferedError("none")
    return lambda: by_name(runs[case.problem](), case)


def skfolio(case: Case) -> Callable[[], Floats]:
    """Its estimators."""
    library: Any = import_module("skfolio.optimization")
    measure: Any = import_module("skfolio").RiskMeasure
    limits = case.limits

    def traded(w: Any) -> Any:
        cp: Any = import_module("cvxpy")
        return cp.norm1(w - limits.current) <= limits.turnover

    limited = {
        "min_weights": limits.lower,
        "max_weights": limits.upper,
        "groups": [limits.groups],
        "linear_constraints": [
            f"{name} {sign} {limit}"
            for name in dict.fromkeys(limits.groups)
            for sign, limit in ((">=", limits.group_lower), ("<=", limits.group_upper))
        ],
        "add_constraints": traded,
    }
    ratio = library.ObjectiveFunction.MAXIMIZE_RATIO
    mean_risk, deviation = library.MeanRisk, measure.STANDARD_DEVIATION
    made = {
        "min_variance": partial(mean_risk, risk_measure=measure.VARIANCE),
        "max_sharpe": partial(mean_risk, objective_function=ratio, risk_measure=deviation),
        "risk_parity": partial(library.RiskBudgeting, risk_measure=measure.VARIANCE),
        "cvar": partial(mean_risk, risk_measure=measure.CVAR, cvar_beta=ALPHA),
        "cdar": partial(mean_risk, risk_measure=measure.CDAR, cdar_beta=ALPHA),
        "hrp": library.HierarchicalRiskParity,
        "constrained": partial(mean_risk, risk_measure=measure.VARIANCE, **limited),
    }[case.problem]
    return lambda: np.asarray(made().fit(case.returns).weights_)


def riskfolio(case: Case) -> Callable[[], Floats]:
    """Its portfolios, with Clarabel."""
    pd: Any = import_module("pandas")
    library: Any = import_module("riskfolio")
    if case.problem == "constrained":
        raise NotOfferedError("limits the turnover of each asset, not their sum")
    frame = pd.DataFrame(case.returns, columns=case.names)

    def portfolio() -> Any:
        made = library.Portfolio(returns=frame, alpha=1.0 - ALPHA)
        made.assets_stats(method_mu="hist", method_cov="hist")
        made.solvers = ["CLARABEL"]
        return made

    def hrp() -> Any:
        return library.HCPortfolio(returns=frame).optimization(
            model="HRP", codependence="pearson", rm="MV", linkage="single"
        )

    def least(risk: str) -> Callable[[], Any]:
        return lambda: portfolio().optimization(model="Classic", rm=risk, obj="MinRisk", hist=True)

    found = {
        "min_variance": least("MV"),
        "max_sharpe": lambda: portfolio().optimization(
            model="Classic", rm="MV", obj="Sharpe", rf=0.0, hist=True
        ),
        "risk_parity": lambda: portfolio().rp_optimization(model="Classic", rm="MV", hist=True),
        "cvar": least("CVaR"),
        "cdar": least("CDaR"),
        "hrp": hrp,
    }[case.problem]

    def run() -> Floats:
        weights = found()
        if weights is None:
            raise ArithmeticError("finds no weights")
        return np.asarray(weights["weights"][case.names])

    return run


def by_name(weights: Any, case: Case) -> Floats:
    """Weights in the order of the columns."""
    return np.array([weights[name] for name in case.names])
