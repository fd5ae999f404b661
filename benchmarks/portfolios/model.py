"""The programs as models of cvxpy's, built in each run and solved by Clarabel."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from portfolios.case import ALPHA, Case, Floats, NotOfferedError


def cvxpy(case: Case) -> Callable[[], Floats]:
    """The model of the problem, at the tolerances that cvxpy gives Clarabel."""
    models = Models(case)
    if not hasattr(models, case.problem):
        raise NotOfferedError("not a program: it has no objective")
    run: Callable[[], Floats] = getattr(models, case.problem)
    return run


class Models:
    """One method for each problem."""

    def __init__(self, case: Case) -> None:
        self.cp: Any = import_module("cvxpy")
        self.case = case
        self.n_periods, self.n_assets = case.returns.shape

    def min_variance(self) -> Floats:
        """On the simplex."""
        w = self.cp.Variable(self.n_assets)
        return self._solved(self._variance(w), w, self.cp.sum(w) == 1)

    def max_sharpe(self) -> Floats:
        """The least variance of y whose mean is 1, which has the direction of the answer."""
        y, mean = self.cp.Variable(self.n_assets), self.case.returns.mean(axis=0)
        found = self._solved(self._variance(y), y, mean / np.abs(mean).max() @ y == 1)
        return np.asarray(found / found.sum())

    def risk_parity(self) -> Floats:
        """With a logarithmic barrier."""
        x, cp = self.cp.Variable(self.n_assets), self.cp
        found = self._solved(self._variance(x) / 2 - cp.sum(cp.log(x)) / self.n_assets, x)
        return np.asarray(found / found.sum())

    def cvar(self) -> Floats:
        """Of Rockafellar and Uryasev."""
        w = self.cp.Variable(self.n_assets)
        return self._solved(self._worst(-100 * self.case.returns @ w), w, self.cp.sum(w) == 1)

    def cdar(self) -> Floats:
        """Of drawdowns that are at least those before less the return."""
        cp = self.cp
        w, drawdown = cp.Variable(self.n_assets), cp.Variable(self.n_periods + 1)
        fall = drawdown[1:] >= drawdown[:-1] - 100 * self.case.returns @ w
        limits = (cp.sum(w) == 1, drawdown[0] == 0, drawdown >= 0, fall)
        return self._solved(self._worst(drawdown[1:]), w, *limits)

    def constrained(self) -> Floats:
        """With a norm for the turnover."""
        w, cp, limits = self.cp.Variable(self.n_assets), self.cp, self.case.limits
        totals = self.case.membership() @ w
        return self._solved(
            self._variance(w),
            w,
            cp.sum(w) == 1,
            w >= limits.lower,
            w <= limits.upper,
            totals >= limits.group_lower,
            totals <= limits.group_upper,
            cp.norm1(w - limits.current) <= limits.turnover,
        )

    def _variance(self, w: Any) -> Any:
        return self.cp.quad_form(w, self.cp.psd_wrap(self.case.scaled()[0]))

    def _worst(self, losses: Any) -> Any:
        level, cp = self.cp.Variable(), self.cp
        return level + cp.sum(cp.pos(losses - level)) / ((1 - ALPHA) * self.n_periods)

    def _solved(self, least: Any, w: Any, *constraints: Any) -> Floats:
        program = self.cp.Problem(self.cp.Minimize(least), [w >= 0, *constraints])
        program.solve(solver="CLARABEL")
        return np.asarray(w.value)
