"""Clarabel called directly, on conic programs written down by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from portfolios.case import ALPHA, Case, Floats, NotOfferedError

#: A sparse matrix A, a right side b, and the cone that b - A @ x is in.
Block = tuple[Any, Floats, str]


def clarabel(case: Case) -> Callable[[], Floats]:
    """The program of the problem, at Clarabel's own tolerances."""
    programs = Programs(case)
    if not hasattr(programs, case.problem):
        raise NotOfferedError("not a program: it has no objective")
    run: Callable[[], Floats] = getattr(programs, case.problem)
    return run


class Programs:
    """One method for each problem."""

    def __init__(self, case: Case) -> None:
        self.sparse: Any = import_module("scipy.sparse")
        self.library: Any = import_module("clarabel")
        self.case = case
        self.n_periods, self.n_assets = case.returns.shape
        self.each = self.sparse.identity(self.n_assets)

    def min_variance(self) -> Floats:
        """On the simplex."""
        return self._solved(np.zeros(self.n_assets), self._simplex(self.n_assets))

    def max_sharpe(self) -> Floats:
        """The least variance of y whose mean is 1, which has the direction of the answer."""
        mean = self.case.returns.mean(axis=0)
        reward = self.sparse.csc_matrix(mean / np.abs(mean).max())
        blocks = [(reward, np.ones(1), "zero"), self._simplex(self.n_assets)[1]]
        found = self._solved(np.zeros(self.n_assets), blocks)
        return np.asarray(found / found.sum())

    def risk_parity(self) -> Floats:
        """Columns x, and t of exp(t) <= x: rows of a cone are t, 1, x."""
        n_assets = self.n_assets
        row, column = 3 * np.arange(n_assets), np.arange(n_assets)
        entries = -np.ones(2 * n_assets), (np.r_[row, row + 2], np.r_[n_assets + column, column])
        matrix = self.sparse.csc_matrix(entries, (3 * n_assets, 2 * n_assets))
        linear = np.r_[np.zeros(n_assets), np.full(n_assets, -1.0 / n_assets)]
        blocks = [(matrix, np.tile([0.0, 1.0, 0.0], n_assets), "exponential")]
        x = self._solved(linear, blocks)[:n_assets]
        return np.asarray(x / x.sum())

    def cvar(self) -> Floats:
        """Columns w, z, and by how much each loss is beyond z."""
        level, each = np.ones((self.n_periods, 1)), self.sparse.identity(self.n_periods)
        no_weights = self.sparse.csc_matrix((self.n_periods, self.n_assets))
        return self._least_tail(
            [[-self._values(), -level, -each], [no_weights, 0.0 * level, -each]], n_more=0
        )

    def cdar(self) -> Floats:
        """The same of drawdowns, which come last: each at least that before less the return."""
        level, each = np.ones((self.n_periods, 1)), self.sparse.identity(self.n_periods)
        fall = each - self.sparse.eye(self.n_periods, k=-1)
        no_weights = self.sparse.csc_matrix((self.n_periods, self.n_assets))
        rows = [
            [no_weights, -level, -each, each],
            [-self._values(), 0.0 * level, 0.0 * each, -fall],
            [no_weights, 0.0 * level, -each, 0.0 * each],
            [no_weights, 0.0 * level, 0.0 * each, -each],
        ]
        return self._least_tail(rows, n_more=self.n_periods)

    def constrained(self) -> Floats:
        """Columns w, and purchases of at least w - current: trades are twice these less the net."""
        limits, each, n_assets = self.case.limits, self.each, self.n_assets
        groups = self.sparse.csc_matrix(self.case.membership())
        none, n_groups = 0.0 * groups, groups.shape[0]
        stack, zeros = self.sparse.hstack, np.zeros(n_assets)
        bought = (limits.turnover + 1.0 - limits.current.sum()) / 2.0
        total = self.sparse.csc_matrix(np.r_[zeros, np.ones(n_assets)])
        inequalities = [
            (stack([-each, 0.0 * each]), np.full(n_assets, -limits.lower)),
            (stack([each, 0.0 * each]), np.full(n_assets, limits.upper)),
            (stack([-groups, none]), np.full(n_groups, -limits.group_lower)),
            (stack([groups, none]), np.full(n_groups, limits.group_upper)),
            (stack([each, -each]), limits.current),
            (stack([0.0 * each, -each]), zeros),
            (total, np.array([bought])),
        ]
        blocks = [self._simplex(2 * n_assets)[0]]
        blocks += [(matrix, right, "positive") for matrix, right in inequalities]
        return self._solved(np.zeros(2 * n_assets), blocks)[:n_assets]

    def _values(self) -> Any:
        return self.sparse.csc_matrix(100.0 * self.case.returns)

    def _simplex(self, n_columns: int) -> list[Block]:
        rest = self.sparse.csc_matrix((self.n_assets, n_columns - self.n_assets))
        each = self.sparse.hstack([self.each, rest], format="csc")
        total = self.sparse.csc_matrix(each.sum(axis=0))
        return [(total, np.ones(1), "zero"), (-each, np.zeros(self.n_assets), "positive")]

    def _least_tail(self, rows: list[list[Any]], n_more: int) -> Floats:
        share = 1.0 / ((1.0 - ALPHA) * self.n_periods)
        beyond = np.full(self.n_periods, share)
        cost = np.r_[np.zeros(self.n_assets), 1.0, beyond, np.zeros(n_more)]
        blocks = self._simplex(len(cost))
        for row in rows:
            blocks.append((self.sparse.hstack(row), np.zeros(self.n_periods), "positive"))
        return self._solved(cost, blocks, is_quadratic=False)[: self.n_assets]

    def _solved(
        self, linear: Floats, blocks: Sequence[Block], *, is_quadratic: bool = True
    ) -> Floats:
        settings, n_columns = self.library.DefaultSettings(), len(linear)
        settings.verbose = False
        hessian = self.sparse.csc_matrix((n_columns, n_columns))
        if is_quadratic:
            n_rest = n_columns - self.n_assets
            rest = self.sparse.csc_matrix((n_rest, n_rest))
            both = [self.case.scaled()[0], rest] if n_rest else [self.case.scaled()[0]]
            hessian = self.sparse.triu(self.sparse.block_diag(both), format="csc")
        found = self.library.DefaultSolver(
            hessian,
            linear,
            self.sparse.vstack([matrix for matrix, _, _ in blocks], format="csc"),
            np.concatenate([right for _, right, _ in blocks]),
            [cone for _, right, kind in blocks for cone in self._cones(kind, len(right))],
            settings,
        ).solve()
        if str(found.status) not in ("Solved", "AlmostSolved"):
            raise ArithmeticError(str(found.status))
        return np.array(found.x)

    def _cones(self, kind: str, n_rows: int) -> list[Any]:
        if kind == "exponential":
            return [self.library.ExponentialConeT()] * (n_rows // 3)
        one = self.library.ZeroConeT if kind == "zero" else self.library.NonnegativeConeT
        return [one(n_rows)]
