"""Weights of least variance, and those of most excess return a unit of risk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from attrs import evolve
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import nnls

from nanobook_core.errors import OptimizationError
from nanobook_optimizers.certificate import certify
from nanobook_optimizers.constraint import Polytope
from nanobook_optimizers.covariance import Risk
from nanobook_optimizers.program import Program, solve
from nanobook_optimizers.quadratic_program import solve_quadratic
from nanobook_optimizers.returns import Floats

#: Reduced costs below this part of a variance are none.
_TIE = 1e-9
_ROUNDING = 1e-13
_WELL_CONDITIONED = 1e-6
#: The same where the covariance itself is divided by, which loses twice as many digits.
_SQUARED = 1e-2
_EXCHANGES = 30
#: A weight below this part of the largest is a rounding.
_SPECK = 1e-12
#: So is a risk below this part of the largest.
_NO_RISK = 1e-100
#: What the length of y costs where without a cost it has no end.
_LENGTH_PRICE = 1e-6
#: A portfolio's risk below this part of the largest asset's is a rounding of its weights.
_RISKLESS = 1e-14
_ATTEMPTS = 4
#: How much larger a solution is guessed to be at each attempt while there is none.
_LARGER = 1e3


def least_variance(polytope: Polytope, risk: Risk) -> Floats:
    """Minimise `|root @ weights| ** 2`, its columns being of order 1.

    On the simplex by non-negative least squares: the y of least `|root @ y|**2 + (sum(y) - 1)**2`
    has the direction of the answer (exactly, whatever its length). Else by PIQP.
    """
    root = risk.root

    def proved(weights: Floats) -> Floats:
        slope, variance = _risk(root, weights)
        return certify(
            polytope,
            weights,
            value=2.0 * variance,
            slope=2.0 * slope,
            size=variance,
            rounding=_rounding(root, weights),
        )

    if not polytope.is_simplex:
        program = polytope.program.with_cost(np.zeros(root.shape[1]), risk.covariance)
        return _first(polytope, program, lambda values: proved(polytope.inside(values)))
    weights = _ray(risk, np.ones(root.shape[1]))
    slope, variance = _risk(root, weights)
    return proved(_most_even(weights, slope - variance, root, np.ones(root.shape[1])))


def most_utility(polytope: Polytope, risk: Risk, mean: Floats) -> Floats:
    """Maximise `mean @ weights - |root @ weights| ** 2 / 2`."""
    root = risk.root

    def proved(weights: Floats) -> Floats:
        slope, variance = _risk(root, weights)
        utility = float(mean @ weights)
        return certify(
            polytope,
            weights,
            value=variance - utility,
            slope=slope - mean,
            size=variance + abs(utility),
            rounding=_rounding(root, weights) + _ROUNDING * float(np.abs(mean).max()),
        )

    if not root.any():
        program = polytope.program.with_cost(-mean)
        found = polytope.explained(solve, program)
        return proved(polytope.inside(found.values))
    if polytope.is_simplex and _is_invertible(root, _WELL_CONDITIONED):
        # The square completed: |root @ w - c|**2, and c = c * sum(w) goes into the matrix.
        centre = solve_triangular(root, mean, trans="T")
        return proved(_non_negative(root - centre[:, None], np.ones(len(mean))))
    program = polytope.program.with_cost(-mean, risk.covariance)
    return _first(polytope, program, lambda values: proved(polytope.inside(values)))


def most_sharpe(polytope: Polytope, risk: Risk, excess: Floats) -> Floats:
    """Maximise `excess @ weights / |root @ weights|`; `least_variance` if no excess is positive.

    Where weights without variance have one, the ratio is infinite and those of the largest win. The
    tangency portfolio: of all y in the cone over the polytope with `excess @ y = 1`, the one of
    least variance has the direction of the answer; of several, that of the least square sum.
    """
    if polytope.least(-excess) >= -_SPECK:
        return least_variance(polytope, risk)
    if (riskless := _riskless(polytope, risk, excess)) is not None:
        return riskless
    root = risk.root

    def proved(weights: Floats) -> Floats:
        (slope, variance), reward = _risk(root, weights), float(excess @ weights)
        if not reward > _ROUNDING * float(np.abs(weights) @ np.abs(excess)):
            raise OptimizationError(
                "not optimal: the weights found have no excess return", "not optimal"
            )
        # The gradient of the logarithm of (excess @ w) ** -1 * (w @ covariance @ w) ** 0.5, times
        # the variance; the ratio is quasi-concave, so the test holds as for a convex one.
        return certify(
            polytope,
            weights,
            value=0.0,
            slope=slope - variance / reward * excess,
            size=variance,
            rounding=_rounding(root, weights),
        )

    if polytope.is_simplex:
        weights = _ray(risk, excess)
        (slope, variance), reward = _risk(root, weights), float(excess @ weights)
        return proved(_most_even(weights, slope - variance / reward * excess, root, excess))

    def of_sum_1(values: Floats) -> Floats:
        if not values[-1] > 0.0:
            raise OptimizationError("not optimal: the weights found have no sum", "not optimal")
        return proved(polytope.inside(values[:-1] / values[-1]))

    program = _cone(polytope.program, excess, risk.covariance)
    try:
        return _first(polytope, program, of_sum_1)
    except OptimizationError as error:
        if error.status == "infeasible":
            raise
        # y may grow without end where that changes no risk; the least such y is as good.
        program = evolve(program, cost=np.r_[program.cost[:-1], _LENGTH_PRICE])
        return _first(polytope, program, of_sum_1)


def _first(polytope: Polytope, program: Program, proved: Callable[[Floats], Floats]) -> Floats:
    """What is proved of the first solution of which it can be, in the program's units or others."""
    found: Floats | None = None
    near: Floats | None = None
    failures = []
    for attempt in range(_ATTEMPTS):
        try:
            found = polytope.explained(partial(solve_quadratic, near=near), program)
            return proved(found)
        except OptimizationError as error:
            if error.status == "infeasible":
                raise
            failures.append(error)
        near = np.full(len(program.lower), _LARGER**attempt) if found is None else found
    raise failures[0]


def _riskless(polytope: Polytope, risk: Risk, excess: Floats) -> Floats | None:
    """Of all weights without variance those of the largest excess; None if that is not positive."""
    root = risk.root
    if _is_invertible(root, _SPECK):
        return None
    program = polytope.program.with_cost(-excess)
    n_rows, n_more = len(root), program.rows.shape[1] - len(excess)
    level = sparse.hstack([sparse.csr_array(root), sparse.csr_array((n_rows, n_more))])
    program = evolve(
        program,
        rows=sparse.csr_array(sparse.vstack([program.rows, level])),
        row_lower=np.r_[program.row_lower, np.zeros(n_rows)],
        row_upper=np.r_[program.row_upper, np.zeros(n_rows)],
    )
    try:
        found = solve(program)
    except OptimizationError as error:
        if error.status == "infeasible":
            return None
        raise
    weights = polytope.inside(found.values)
    slope = -excess - root.T @ found.prices[-n_rows:]
    if polytope.is_simplex:
        weights = _of_sum_one(weights, np.ones(len(weights)))
        level = np.vstack([root, excess])
        weights = _most_even(weights, slope - slope.min(), level, np.ones(len(weights)))
    size, reward = float(np.abs(excess).max()), float(excess @ weights)
    most = float(np.linalg.norm(root, axis=0).max())
    is_riskless = float(np.linalg.norm(root @ weights)) <= _SPECK * most
    if not is_riskless or reward <= _ROUNDING * size:
        return None
    # The bound is that of the program's dual, of which the prices of variance are a part.
    return certify(
        polytope, weights, value=-reward, slope=slope, size=size, rounding=_rounding(root, weights)
    )


def _is_invertible(root: Floats, least: float) -> bool:
    """Whether it is a triangle whose pivots differ by no more than that."""
    if root.shape[0] != root.shape[1] or np.tril(root, -1).any():
        return False
    pivots = np.abs(np.diag(root))
    return bool(pivots.min() > least * pivots.max())


def _risk(root: Floats, weights: Floats) -> tuple[Floats, float]:
    """Half the gradient of the variance, and the variance."""
    spread = root @ weights
    return root.T @ spread, float(spread @ spread)


def _rounding(root: Floats, weights: Floats) -> float:
    """What rounding of `root @ weights` leaves in half the gradient of the variance."""
    most = float(np.linalg.norm(root, axis=0).max())
    spread = float(np.linalg.norm(np.abs(root) @ np.abs(weights)))
    is_riskless = float(np.linalg.norm(root @ weights)) <= _RISKLESS * most
    return _ROUNDING * most * spread + (_RISKLESS * most**2 if is_riskless else 0.0)


def _ray(risk: Risk, row: Floats) -> Floats:
    """Weights in the direction of the y of least `|root @ y|**2 + (row @ y - 1)**2`, y >= 0.

    Where squares lose nothing, by block principal pivoting (Júdice and Pires 1994), which takes a
    few Cholesky factors: all assets whose weight or reduced cost has the wrong sign change sides.
    Else, and where that goes round in circles, by least squares.
    """
    if not _is_invertible(risk.root, _SQUARED):
        return _non_negative(risk.root, row)
    free = np.ones(len(row), np.bool_)
    for _ in range(_EXCHANGES):
        columns = np.flatnonzero(free)
        found = np.zeros(len(row))
        if len(columns):
            factors = cho_factor(risk.covariance[np.ix_(columns, columns)], check_finite=False)
            found[columns] = cho_solve(factors, row[columns], check_finite=False)
        cost = risk.covariance @ found - row
        is_wrong = np.where(free, found < 0.0, cost < -_SPECK)
        if not is_wrong.any():
            return _of_sum_one(found, np.ones(len(row)))
        free ^= is_wrong
    return _non_negative(risk.root, row)


def _non_negative(root: Floats, row: Floats) -> Floats:
    """The same by least squares, in units that give each asset a risk of 1: nnls has one tolerance.

    Those of no risk to speak of are given that of the riskiest.
    """
    norms = _norms(root)
    row = row / norms
    aim = np.zeros(len(root) + 1)
    aim[-1] = 1.0
    found = _least_squares(np.vstack([root / norms, row / np.abs(row).max()]), aim)
    return _of_sum_one(found, norms)


def _least_squares(matrix: Floats, aim: Floats) -> Floats:
    try:
        found, _ = nnls(matrix, aim, maxiter=100 + 30 * matrix.shape[1])
    except RuntimeError as error:
        raise OptimizationError(f"least squares find no minimum: {error}", "iterations") from None
    return np.asarray(found)


def _norms(root: Floats) -> Floats:
    norms = np.linalg.norm(root, axis=0)
    norms[norms <= _NO_RISK * norms.max()] = float(norms.max()) or 1.0
    return np.asarray(norms)


def _of_sum_one(risks: Floats, norms: Floats) -> Floats:
    """Weights from their multiples by these risks, without those that are roundings."""
    largest = float(risks.max())
    if not 0.0 < largest < np.inf:
        raise OptimizationError("not optimal: least squares find no weights", "not optimal")
    weights = np.where(risks < _SPECK * largest, 0.0, risks / largest) / norms
    return np.asarray(weights / weights.sum())


def _most_even(weights: Floats, reduced_cost: Floats, root: Floats, row: Floats) -> Floats:
    """Of all y with the `root @ y` and `row @ y` of the weights, that of the least square sum.

    Only assets of no reduced cost can have a share, and where these are those that have one, the
    weights are the only ones. Else this is a least distance problem (Lawson and Hanson 1974,
    chapter 23).
    """
    variance = float(np.sum((root @ weights) ** 2))
    free = (weights > 0.0) | (reduced_cost <= _TIE * variance + _rounding(root, weights))
    if np.array_equal(free, weights > 0.0):
        return weights
    level = np.vstack([root, row])[:, free]
    _, sizes, basis = np.linalg.svd(level)
    kernel = basis[int((sizes > _ROUNDING * sizes[0] * len(level)).sum()) :].T
    if not kernel.shape[1]:
        return weights
    start = weights[free]
    nearest = start - kernel @ (kernel.T @ start)
    aim = np.zeros(kernel.shape[1] + 1)
    aim[-1] = 1.0
    matrix = np.vstack([kernel.T, -nearest])
    found = _least_squares(matrix, aim)
    left = matrix @ found - aim
    if not left[-1] < 0.0:
        return weights
    even = np.zeros(len(weights))
    even[free] = nearest - kernel @ (left[:-1] / left[-1])
    norms = _norms(root)
    return _of_sum_one(even * norms, norms)


def _cone(program: Program, excess: Floats, hessian: Floats) -> Program:
    """The same constraints on y and a last column k, `y / k` being what they are about."""
    rows = program.rows
    n_columns = rows.shape[1]
    identity = sparse.csr_array(sparse.eye_array(n_columns))
    is_equal = program.row_lower == program.row_upper
    sides = (
        (rows, program.row_lower, np.isfinite(program.row_lower)),
        (-rows, -program.row_upper, np.isfinite(program.row_upper) & ~is_equal),
        (identity, program.lower, program.lower != 0.0),
        (-identity, -program.upper, np.isfinite(program.upper)),
    )
    limits = [sparse.hstack([matrix[on], -limit[on, None]]) for matrix, limit, on in sides]
    reward = np.zeros((1, n_columns + 1))
    reward[0, : len(excess)] = excess
    stacked = sparse.csr_array(sparse.vstack([*limits, reward]))
    stacked.sort_indices()
    most = np.full(stacked.shape[0], np.inf)
    most[: sides[0][2].sum()] = np.where(is_equal[sides[0][2]], 0.0, np.inf)
    most[-1] = 1.0
    return Program(
        rows=stacked,
        row_lower=np.r_[np.zeros(len(most) - 1), 1.0],
        row_upper=most,
        lower=np.r_[np.where(program.lower >= 0.0, 0.0, -np.inf), 0.0],
        upper=np.full(n_columns + 1, np.inf),
        cost=np.zeros(n_columns + 1),
        hessian=hessian,
    )
