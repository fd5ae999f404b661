"""Linear programs by HiGHS, and why one has no solution."""

from __future__ import annotations

import numpy as np
from attrs import evolve, frozen
from scipy import sparse
from scipy.optimize import linprog

from nanobook_core.errors import OptimizationError
from nanobook_optimizers.returns import Floats

#: The least that HiGHS takes.
_TOLERANCE = 1e-10
#: A price below this part of the largest is a rounding.
_NO_PRICE = 1e-9
#: Of more assets than these a message names the first alone.
_LISTED = 4
_STATUS = {1: "iteration limit", 2: "infeasible", 3: "unbounded", 4: "numerical difficulties"}


@frozen(eq=False, kw_only=True)
class Program:
    """Minimise `cost @ x + x @ hessian @ x / 2` where rows and columns are within their limits."""

    rows: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    row_names: tuple[str, ...] = ()
    lower: Floats
    upper: Floats
    cost: Floats
    hessian: Floats | None = None
    """Symmetric, of the first columns; None for a linear program."""

    def with_cost(self, cost: Floats, hessian: Floats | None = None) -> Program:
        """The same with these costs of the first columns, the others free of any."""
        rest = np.zeros(len(self.lower) - len(cost))
        return evolve(self, cost=np.r_[cost, rest], hessian=hessian)

    def in_units(self, units: Floats, size: float) -> tuple[Program, Floats]:
        """The same of `x / units` with the objective over `size`, and what rows are divided by.

        That is the largest coefficient of each.
        """
        rows = sparse.csr_array(self.rows * units)
        largest = abs(rows).max(axis=1).toarray().ravel()
        largest[largest == 0.0] = 1.0
        hessian = self.hessian
        if hessian is not None:
            risky = units[: len(hessian)]
            hessian = hessian * risky * (risky[:, None] / size)
        program = evolve(
            self,
            rows=sparse.csr_array(rows / largest[:, None]),
            row_lower=self.row_lower / largest,
            row_upper=self.row_upper / largest,
            lower=self.lower / units,
            upper=self.upper / units,
            cost=self.cost * units / size,
            hessian=hessian,
        )
        return program, largest


@frozen(eq=False)
class Solution:
    """Where a linear program has its minimum."""

    values: Floats
    prices: Floats
    """Of each row: by how much the minimum rises where the limits of the row rise by 1."""
    bound_prices: Floats
    """The same of each column; positive at its lower bound, negative at its upper."""


def solve_in_units(program: Program, units: Floats, size: float) -> Solution:
    """`solve`, in units in which its absolute tolerances are small."""
    scaled, largest = program.in_units(units, size)
    found = solve(scaled)
    return Solution(
        found.values * units, found.prices * size / largest, found.bound_prices * size / units
    )


def solve(program: Program) -> Solution:
    """Minimise a linear program; OptimizationError with HiGHS' status where there is no minimum."""
    rows, is_equal = program.rows, program.row_lower == program.row_upper
    above = np.flatnonzero(np.isfinite(program.row_lower) & ~is_equal)
    below = np.flatnonzero(np.isfinite(program.row_upper) & ~is_equal)
    equal = np.flatnonzero(is_equal)
    found = linprog(
        program.cost,
        A_ub=sparse.vstack([-rows[above], rows[below]]),
        b_ub=np.r_[-program.row_lower[above], program.row_upper[below]],
        A_eq=rows[equal],
        b_eq=program.row_lower[equal],
        bounds=np.column_stack([program.lower, program.upper]),
        method="highs",
        options={
            "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
        },
    )
    if found.status:
        status = _STATUS.get(found.status, str(found.status))
        raise OptimizationError(f"HiGHS finds no minimum: {status}", status)
    prices = np.zeros(rows.shape[0])
    prices[equal] = found.eqlin.marginals
    np.add.at(prices, above, -found.ineqlin.marginals[: len(above)])
    np.add.at(prices, below, found.ineqlin.marginals[len(above) :])
    return Solution(found.x, prices, found.lower.marginals + found.upper.marginals)


def conflict(program: Program, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Name constraints of the program that cannot all hold; empty if all of them can.

    `labels` are the names of the first columns, whose bounds have names. The rows are made elastic:
    those that have a price where they miss as little as they can are those in conflict (Farkas).
    """
    n_rows, n_columns = program.rows.shape
    identity = sparse.eye_array(n_rows)
    missed = solve(
        Program(
            rows=sparse.csr_array(sparse.hstack([program.rows, identity, -identity])),
            row_lower=program.row_lower,
            row_upper=program.row_upper,
            lower=np.r_[program.lower, np.zeros(2 * n_rows)],
            upper=np.r_[program.upper, np.full(2 * n_rows, np.inf)],
            cost=np.r_[np.zeros(n_columns), np.ones(2 * n_rows)],
        )
    )
    if missed.values[n_columns:].sum() <= _TOLERANCE:
        return ()
    priced = np.flatnonzero(np.abs(missed.prices) > _NO_PRICE)
    names = dict.fromkeys(program.row_names[row] for row in priced)
    prices = missed.bound_prices[: len(labels)]
    for end, limits, chosen in (
        ("at least", program.lower, np.flatnonzero(prices > _NO_PRICE)),
        ("at most", program.upper, np.flatnonzero(prices < -_NO_PRICE)),
    ):
        if len(chosen) > _LISTED:
            total, first = float(limits[chosen].sum()), labels[chosen[0]]
            names[f"{len(chosen)} assets, {first} the first, {end} {total:g} in all"] = None
        else:
            names |= dict.fromkeys(f"{labels[c]} {end} {limits[c]:g}" for c in chosen)
    return tuple(names)
