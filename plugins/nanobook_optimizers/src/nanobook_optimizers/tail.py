"""Portfolios of least tail risk, by linear programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from nanobook_core.errors import OptimizationError
from nanobook_optimizers.certificate import certify
from nanobook_optimizers.constraint import (
    Bounds,
    Current,
    GroupLimits,
    Groups,
    Polytope,
    polytope,
)
from nanobook_optimizers.inverse import checked_alpha
from nanobook_optimizers.program import Program, Solution, solve_in_units
from nanobook_optimizers.returns import Floats, Weights, read_returns, unit_of

#: What rounding leaves of values of order 1.
_ROUNDING = 1e-13
_ATTEMPTS = 4
#: How much larger units are at the next attempt if there is no solution in these.
_LESS_FINE = 30.0


def optimize_cvar(
    returns: Any,
    symbols: Sequence[str] | None = None,
    alpha: float = 0.95,
    *,
    bounds: Bounds | None = None,
    groups: Groups | None = None,
    group_limits: GroupLimits | None = None,
    max_turnover: float | None = None,
    current: Current | None = None,
    target_return: float | None = None,
) -> Weights:
    """Weights of least CVaR: minimise the mean of the worst `1 - alpha` of losses `-returns @ w`.

    By the linear program of Rockafellar and Uryasev 2000, Optimization of conditional
    value-at-risk: `min z + sum(max(loss_t - z, 0)) / ((1 - alpha) * n_periods)`, so that where
    `(1 - alpha) * n_periods` is not whole a part of a loss counts. `alpha` is between 0 and 1.
    Where several weights have the least CVaR, one of them is given.

    Returns, symbols, constraints and errors as for all optimizers: docs/optimizers.md. Runtime
    complexity: that of the simplex method on `n_periods` rows of `n_assets`.
    """
    alpha = checked_alpha(alpha)
    read = read_returns(returns, symbols)
    allowed = polytope(
        read,
        bounds=bounds,
        groups=groups,
        group_limits=group_limits,
        max_turnover=max_turnover,
        current=current,
        target_return=target_return,
    )
    values = read.values / unit_of(read.values)
    n_periods = len(values)
    # Columns behind the weights: z, and by how much each loss is beyond it.
    beyond = sparse.hstack([np.ones((n_periods, 1)), sparse.eye_array(n_periods)])
    cost = np.r_[1.0, np.full(n_periods, 1.0 / ((1.0 - alpha) * n_periods))]

    def proved(found: Solution) -> Floats:
        weights = allowed.inside(found.values)
        shares = _shares(found.prices[-n_periods:], cost[1])
        value = _worst(-values @ weights, alpha)
        return certify(
            allowed,
            weights,
            value=value,
            slope=-shares @ values,
            size=abs(value),
            rounding=_ROUNDING,
        )

    return read.answer(
        _first(allowed, _extended(allowed.program, values, beyond, cost), values, proved)
    )


def optimize_cdar(
    returns: Any,
    symbols: Sequence[str] | None = None,
    alpha: float = 0.95,
    *,
    bounds: Bounds | None = None,
    groups: Groups | None = None,
    group_limits: GroupLimits | None = None,
    max_turnover: float | None = None,
    current: Current | None = None,
    target_return: float | None = None,
) -> Weights:
    """Weights of least CDaR: minimise the mean of the worst `1 - alpha` of drawdowns.

    By the linear program of Chekhlov, Uryasev and Zabarankin 2005, Drawdown measure in portfolio
    optimization. Drawdowns are those of uncompounded returns: by how much the sum of `returns @ w`
    up to a period is below its largest so far, that of 0 before the first period included. `alpha`
    and ties as in `optimize_cvar`, as all else is.

    Runtime complexity: that of the simplex method on `2 * n_periods` rows, `n_periods` of them of
    `n_assets`.
    """
    alpha = checked_alpha(alpha)
    read = read_returns(returns, symbols)
    allowed = polytope(
        read,
        bounds=bounds,
        groups=groups,
        group_limits=group_limits,
        max_turnover=max_turnover,
        current=current,
        target_return=target_return,
    )
    values = read.values / unit_of(read.values)
    n_periods = len(values)
    # Columns behind the weights: z, by how much each drawdown is beyond it, and the drawdowns,
    # of which each is at least that of the period before less the return: no sums of returns.
    identity = sparse.eye_array(n_periods)
    fall = identity - sparse.eye_array(n_periods, k=-1)
    ones = np.ones((n_periods, 1))
    beyond = sparse.block_array(
        [[ones, identity, -identity], [np.zeros((n_periods, 1)), None, fall]]
    )
    cost = np.r_[1.0, np.full(n_periods, 1.0 / ((1.0 - alpha) * n_periods)), np.zeros(n_periods)]
    rows = sparse.vstack([sparse.csr_array(values.shape), values])

    def proved(found: Solution) -> Floats:
        weights = allowed.inside(found.values)
        shares = _shares(found.prices[-2 * n_periods : -n_periods], cost[1])
        # How much a fall of each period counts: no more than all the drawdowns behind it.
        falls = np.maximum(found.prices[-n_periods:], 0.0)
        following = 0.0
        for period in range(n_periods - 1, -1, -1):
            following = falls[period] = min(falls[period], shares[period] + following)
        level = np.r_[0.0, np.cumsum(values @ weights)]
        drawdowns = (np.maximum.accumulate(level) - level)[1:]
        value = _worst(drawdowns, alpha)
        return certify(
            allowed,
            weights,
            value=value,
            slope=-falls @ values,
            size=value,
            rounding=_ROUNDING,
        )

    return read.answer(
        _first(allowed, _extended(allowed.program, rows, beyond, cost), values, proved)
    )


def _first(
    allowed: Polytope, program: Program, values: Floats, proved: Callable[[Solution], Floats]
) -> Floats:
    """What is proved of the first solution of which it can be.

    HiGHS' tolerances are absolute: where it cannot, once more in units of the return of what was
    found, of weights that move the portfolio by as much.
    """
    n_assets = values.shape[1]
    norms = np.abs(values).max(axis=0)
    units, size, scale = np.ones(len(program.lower)), 1.0, 1.0
    failures = []
    for _ in range(_ATTEMPTS):
        try:
            found = allowed.explained(partial(solve_in_units, units=units, size=scale), program)
            size = max(float(np.abs(values @ found.values[:n_assets]).max()), _ROUNDING)
            return proved(found)
        except OptimizationError as error:
            if error.status == "infeasible":
                raise
            failures.append(error)
        units[:n_assets] = size / np.maximum(norms, _ROUNDING)
        units[len(allowed.program.lower) :] = size
        scale, size = size, size * _LESS_FINE
    raise failures[0]


def _extended(program: Program, rows: Any, beyond: Any, cost: Floats) -> Program:
    """The program with columns `beyond` the weights, of this cost, and rows that are at least 0."""
    n_rows, n_columns = program.rows.shape
    n_more, n_beyond = beyond.shape
    gap = sparse.csr_array((n_more, n_columns - rows.shape[1]))
    stacked = sparse.csr_array(
        sparse.vstack(
            [
                sparse.hstack([program.rows, sparse.csr_array((n_rows, n_beyond))]),
                sparse.hstack([rows, gap, beyond]),
            ]
        )
    )
    return Program(
        rows=stacked,
        row_lower=np.r_[program.row_lower, np.zeros(n_more)],
        row_upper=np.r_[program.row_upper, np.full(n_more, np.inf)],
        lower=np.r_[program.lower, -np.inf, np.zeros(n_beyond - 1)],
        upper=np.r_[program.upper, np.full(n_beyond, np.inf)],
        cost=np.r_[np.zeros(n_columns), cost],
    )


def _shares(prices: Floats, most: float) -> Floats:
    """Parts of the tail, of sum 1 and at most `most`, from prices that are so but for rounding."""
    shares = np.clip(prices, 0.0, most)
    lacking = 1.0 - float(shares.sum())
    room = most - shares if lacking > 0.0 else shares
    total = float(room.sum())
    return shares + lacking * room / total if total > 0.0 else shares


def _worst(losses: Floats, alpha: float) -> float:
    """Mean of the worst `1 - alpha` of the losses, the last of them counted in part."""
    count = (1.0 - alpha) * len(losses)
    shares = np.clip(count - np.arange(len(losses)), 0.0, 1.0) / count
    return float(shares @ -np.sort(-losses))
