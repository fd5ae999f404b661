"""Convex quadratic programs, by PIQP and then to the last digit."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from scipy import sparse
from scipy.linalg import lu_factor, lu_solve

from nanobook_core.errors import OptimizationError
from nanobook_optimizers.program import Program
from nanobook_optimizers.returns import Floats

_TOLERANCE = 1e-11
#: Makes a singular system of equations regular; refinement takes it out again.
_REGULAR = 1e-9
_REFINEMENTS = 8
_CHANGES = 30
_FEASIBLE = 1e-13
_SPARSE = 0.5
#: A risk below this part of the largest is none.
_NO_RISK = 1e-12


def solve_quadratic(program: Program, near: Floats | None = None) -> Floats:
    """Minimise; OptimizationError with PIQP's status where that finds no minimum.

    An interior point is near the optimum and tells which limits bind there. The equations of the
    optimum with these limits are solved exactly, limits that turn out wrong are exchanged, and the
    interior point is kept should that not end. PIQP's tolerances are absolute: where columns differ
    much in their risk, give what it found as `near`, for units in which the risk of each column is
    1, and the variance of `near`.
    """
    if near is None or program.hessian is None:
        return _solve(program)
    norms = np.zeros(len(program.lower))
    norms[: len(program.hessian)] = np.sqrt(np.diag(program.hessian))
    is_risky = norms > _NO_RISK * norms.max()
    units = np.full(len(norms), float(np.abs(near).max()) or 1.0)
    risky = near[: len(program.hessian)]
    variance = max(float(risky @ program.hessian @ risky), (_NO_RISK * norms.max()) ** 2)
    units[is_risky] = np.sqrt(variance) / norms[is_risky]
    return units * _solve(program.in_units(units, variance)[0])


def _solve(program: Program) -> Floats:
    import piqp

    n_columns = len(program.lower)
    hessian = np.zeros((n_columns, n_columns))
    n_risky = 0 if program.hessian is None else len(program.hessian)
    hessian[:n_risky, :n_risky] = program.hessian
    is_equal = program.row_lower == program.row_upper
    equal, limited = program.rows[is_equal], program.rows[~is_equal]
    is_sparse = n_risky**2 < _SPARSE * n_columns**2
    form = sparse.csc_matrix if is_sparse else _dense
    # Where it breaks down, which it tells or has values that are no numbers, regularised.
    for shift in (0.0, _REGULAR):
        solver: Any = piqp.SparseSolver() if is_sparse else piqp.DenseSolver()
        settings = solver.settings
        settings.eps_abs = settings.eps_rel = _TOLERANCE
        settings.eps_duality_gap_abs = settings.eps_duality_gap_rel = _TOLERANCE
        solver.setup(
            form(hessian + shift * np.eye(n_columns)),
            program.cost,
            form(equal),
            program.row_lower[is_equal],
            form(limited),
            program.row_lower[~is_equal],
            program.row_upper[~is_equal],
            program.lower,
            program.upper,
        )
        status, result = solver.solve(), solver.result
        is_found = status in (piqp.PIQP_SOLVED, piqp.PIQP_MAX_ITER_REACHED)
        found = np.r_[result.x, result.y, result.z_l, result.z_u, result.z_bl, result.z_bu]
        if is_found and np.isfinite(found).all():
            break
    else:
        words = status.name.removeprefix("PIQP_").replace("_", " ").lower()
        words = "not finite" if is_found else words
        raise OptimizationError(f"PIQP finds no minimum: {words}", words)
    point = np.array(result.x)
    prices = np.zeros(len(is_equal))
    prices[is_equal] = -result.y
    prices[~is_equal] = result.z_l - result.z_u
    system = _System(hessian, program, program.rows.toarray())
    return system.refined(point, prices, result.z_bl - result.z_bu)


def _dense(matrix: Any) -> Floats:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix)


@frozen(eq=False)
class _System:
    """The equations of an optimum whose binding limits are known."""

    hessian: Floats
    program: Program
    rows: Floats

    def refined(self, point: Floats, prices: Floats, bound_prices: Floats) -> Floats:
        """The optimum near a point, given its prices; the point itself where there is none."""
        program = self.program
        column = _side(point, program.lower, program.upper, bound_prices)
        row = _side(self.rows @ point, program.row_lower, program.row_upper, prices)
        best = point
        for _ in range(_CHANGES):
            best, prices = self._solved(best, prices, column, row)
            bound_prices = self.hessian @ best + program.cost - self.rows.T @ prices
            column_next = _next(column, best, program.lower, program.upper, bound_prices)
            row_next = _next(row, self.rows @ best, program.row_lower, program.row_upper, prices)
            if np.array_equal(column, column_next) and np.array_equal(row, row_next):
                return best
            column, row = column_next, row_next
        return point

    def _solved(
        self, point: Floats, prices: Floats, column: Floats, row: Floats
    ) -> tuple[Floats, Floats]:
        """The optimum on these sides and its prices: of several, those near the ones given."""
        program = self.program
        found = np.where(column < 0, program.lower, np.where(column > 0, program.upper, point))
        free, active = column == 0, row != 0
        binding = self.rows[active][:, free]
        aim = np.where(row < 0, program.row_lower, program.row_upper)[active]
        n_free, n_active = int(free.sum()), len(aim)
        matrix = np.block(
            [
                [self.hessian[np.ix_(free, free)], -binding.T],
                [-binding, np.zeros((n_active, n_active))],
            ]
        )
        shift = np.r_[np.full(n_free, _REGULAR), np.full(n_active, -_REGULAR)]
        factors = lu_factor(matrix + np.diag(shift), overwrite_a=True, check_finite=False)
        prices = prices[active]
        for _ in range(_REFINEMENTS):
            slope = (self.hessian @ found + program.cost)[free] - binding.T @ prices
            miss = self.rows[active] @ found - aim
            step = lu_solve(factors, np.r_[-slope, miss], check_finite=False)
            found[free] += step[:n_free]
            prices = prices + step[n_free:]
        every = np.zeros(len(row))
        every[active] = prices
        return found, every


def _side(at: Floats, lower: Floats, upper: Floats, price: Floats) -> Floats:
    """-1 where the lower limit binds, 1 where the upper does, 0 where none does."""
    side = np.where(price > at - lower, -1, np.where(-price > upper - at, 1, 0))
    return np.where(lower == upper, -1, side)


def _next(side: Floats, at: Floats, lower: Floats, upper: Floats, price: Floats) -> Floats:
    """Sides with limits that are passed taken on, and those of a price of the wrong sign let go."""
    kept = np.where(side * price > _FEASIBLE, 0, side)
    kept = np.where(at < lower - _FEASIBLE, -1, np.where(at > upper + _FEASIBLE, 1, kept))
    return np.where(lower == upper, -1, kept)
