"""One judge for all: objective, violation, and the best that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from attrs import frozen

from portfolios.case import ALPHA, Case, Floats

#: Weights that miss the constraints by more are better than the best for that alone.
FEASIBLE = 1e-12
#: Nearer to a limit than this, a weight may be at it.
NEAR = (1e-5, 1e-7, 1e-9)


@frozen
class Problem:
    """What is minimised, and how it is known how well."""

    title: str
    objective: Callable[[Floats, Case], float]
    least: float | None = None
    """The least there can be, where that is known; else the best of all ways counts."""
    has_optimum: bool = True

    def best(self, found: Iterable[Floats], case: Case) -> float:
        """Least objective of all weights that are allowed, and of what they become polished."""
        if self.least is not None:
            return self.least
        weights = [repaired(each, case) for each in found]
        weights += [other for each in weights for other in polished(each, case)]
        return min(self.objective(w, case) for w in weights if violation(w, case) <= FEASIBLE)

    def gap(self, weights: Floats, best: float, case: Case) -> float:
        """By how much the objective is above the best, as a part of it."""
        return (self.objective(weights, case) - best) / (abs(best) or 1.0)


def variance(weights: Floats, case: Case) -> float:
    """Of the sample, in a unit of the mean of that of assets."""
    covariance, _ = case.scaled()
    return float(weights @ covariance @ weights)


def negative_sharpe(weights: Floats, case: Case) -> float:
    """With a risk-free return of 0."""
    reward = case.returns.mean(axis=0) @ weights
    return -float(reward / np.sqrt(variance(weights, case) * case.scaled()[1]))


def uneven_risk(weights: Floats, case: Case) -> float:
    """By how much a part of the risk misses what all should have, at most and as a part of it."""
    covariance, _ = case.scaled()
    parts = weights * (covariance @ weights)
    return float(np.abs(len(weights) * parts / parts.sum() - 1.0).max())


def cvar(weights: Floats, case: Case) -> float:
    """Mean of the worst losses, the last of them counted in part."""
    return worst(-case.returns @ weights)


def cdar(weights: Floats, case: Case) -> float:
    """The same of drawdowns of uncompounded returns, from 0."""
    level = np.r_[0.0, np.cumsum(case.returns @ weights)]
    return worst((np.maximum.accumulate(level) - level)[1:])


def worst(losses: Floats) -> float:
    """Mean of the worst `1 - ALPHA` of them."""
    count = (1.0 - ALPHA) * len(losses)
    shares = np.clip(count - np.arange(len(losses)), 0.0, 1.0)
    return float(shares @ -np.sort(-losses) / count)


def violation(weights: Floats, case: Case) -> float:
    """By how much the constraints are missed, at most."""
    missed = [abs(float(weights.sum()) - 1.0), -float(weights.min())]
    if case.problem == "constrained":
        limits = case.limits
        totals = case.membership() @ weights
        missed += [
            limits.lower - float(weights.min()),
            float(weights.max()) - limits.upper,
            limits.group_lower - float(totals.min()),
            float(totals.max()) - limits.group_upper,
            float(np.abs(weights - limits.current).sum()) - limits.turnover,
        ]
    return max(0.0, *missed)


def repaired(weights: Floats, case: Case) -> Floats:
    """Without what makes them no weights; other constraints are left as they are."""
    if case.problem == "constrained":
        return weights
    positive = np.maximum(weights, 0.0)
    return np.asarray(positive / positive.sum())


def polished(weights: Floats, case: Case) -> Iterable[Floats]:
    """The optima of quadratic problems should the limits bind that weights are near to.

    They are exact where these are those of the optimum, and else not allowed, or worse. The
    optimum of a linear program is at a corner, where the simplex method puts it already.
    """
    if case.problem not in ("min_variance", "max_sharpe", "constrained"):
        return
    covariance, _ = case.scaled()
    for near in NEAR:
        fixed, value, rows, right = binding(weights, case, near)
        free = ~fixed
        n_free, n_rows = int(free.sum()), len(rows)
        matrix = np.block(
            [
                [covariance[np.ix_(free, free)], rows[:, free].T],
                [rows[:, free], np.zeros((n_rows, n_rows))],
            ]
        )
        aim = np.r_[
            -covariance[np.ix_(free, fixed)] @ value[fixed], right - rows[:, fixed] @ value[fixed]
        ]
        found = np.where(fixed, value, 0.0)
        found[free] = np.linalg.lstsq(matrix, aim, rcond=None)[0][:n_free]
        yield found / found.sum() if case.problem == "max_sharpe" else found


def binding(weights: Floats, case: Case, near: float) -> tuple[Any, Floats, Floats, Floats]:
    """Which weights are at a limit and at which; rows, and what these times the weights are."""
    n_assets = len(weights)
    if case.problem != "constrained":
        mean = case.returns.mean(axis=0)
        row = mean / np.abs(mean).max() if case.problem == "max_sharpe" else np.ones(n_assets)
        return weights <= near, np.zeros(n_assets), row[None], np.ones(1)
    limits, member = case.limits, case.membership()
    ends = [np.full(n_assets, limits.lower), np.full(n_assets, limits.upper)]
    trades = weights - limits.current
    rows, right = [np.ones(n_assets)], [1.0]
    for limit in (limits.group_lower, limits.group_upper):
        for row in member[np.abs(member @ weights - limit) <= near]:
            rows.append(row)
            right.append(limit)
    if np.abs(trades).sum() >= limits.turnover - near:
        ends.append(limits.current)
        signs = np.where(np.abs(trades) <= near, 0.0, np.sign(trades))
        rows.append(signs)
        right.append(limits.turnover + float(signs @ limits.current))
    value, fixed = np.zeros(n_assets), np.zeros(n_assets, bool)
    for end in ends:
        at = np.abs(weights - end) <= near
        fixed |= at
        value[at] = end[at]
    return fixed, value, np.array(rows), np.array(right)


PROBLEMS = {
    "min_variance": Problem("least variance", variance),
    "max_sharpe": Problem("largest Sharpe ratio", negative_sharpe),
    "risk_parity": Problem("risk parity", uneven_risk, least=0.0),
    "cvar": Problem("least CVaR of 95 %", cvar),
    "cdar": Problem("least CDaR of 95 %", cdar),
    "hrp": Problem("hierarchical risk parity", variance, has_optimum=False),
    "constrained": Problem("least variance with bounds, groups and turnover", variance),
}
