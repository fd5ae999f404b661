"""Portfolios of means and covariances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nanobook_core.errors import ValidationError
from nanobook_optimizers.constraint import Bounds, Current, GroupLimits, Groups, polytope
from nanobook_optimizers.covariance import Estimator, Risk, factor, risk_of
from nanobook_optimizers.quadratic import least_variance, most_sharpe, most_utility
from nanobook_optimizers.returns import Floats, Weights, mean_of, number, read_returns, unit_of

#: What rounding leaves of a mean of values of order 1 that cancel.
_ROUNDING = 1e-15


def optimize_min_variance(
    returns: Any,
    symbols: Sequence[str] | None = None,
    *,
    covariance: Estimator = "sample",
    decay: float = 0.94,
    bounds: Bounds | None = None,
    groups: Groups | None = None,
    group_limits: GroupLimits | None = None,
    max_turnover: float | None = None,
    current: Current | None = None,
    target_return: float | None = None,
) -> Weights:
    """Weights of least variance: minimise `w @ C @ w` (Markowitz 1952, Portfolio Selection).

    See docs/optimizers.md for `returns`, `symbols`, the constraints and what is raised, which is
    the same for all optimizers. Where several weights have the least variance (equal assets, assets
    without variance, fewer periods than assets), those of the least sum of squares are given if
    there are no constraints, else any of them. Runtime complexity: O(T N^2 + N S^2), S the number
    of assets that get a share.
    """
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
    risk, _ = _risk(read.values, covariance, decay)
    return read.answer(least_variance(allowed, risk))


def optimize_max_sharpe(
    returns: Any,
    symbols: Sequence[str] | None = None,
    risk_free: float = 0.0,
    *,
    risk_free_rate: float | None = None,
    covariance: Estimator = "sample",
    decay: float = 0.94,
    bounds: Bounds | None = None,
    groups: Groups | None = None,
    group_limits: GroupLimits | None = None,
    max_turnover: float | None = None,
    current: Current | None = None,
    target_return: float | None = None,
) -> Weights:
    """Weights of the largest Sharpe ratio: maximise `(m @ w - risk_free) / sqrt(w @ C @ w)`.

    m are the sample means. `risk_free`, or `risk_free_rate`, which is the same, is the return of a
    period, not of a year. The tangency portfolio of Sharpe 1966, Mutual Fund Performance, among the
    weights allowed. Where none of them has a mean above `risk_free`, no ratio is positive, the
    largest would reward risk, and the weights are those of least variance. Where weights without
    variance, to rounding, have a mean above `risk_free` (a constant column, a perfect hedge, fewer
    periods than assets), their ratio is infinite, and of them those of the largest mean are given.
    Of several with the largest ratio, that of the least sum of squares for its risk and its mean
    above `risk_free` is given if there are no constraints, else any of them.
    """
    if risk_free_rate is not None:
        if risk_free != 0.0:
            raise ValidationError("risk_free and risk_free_rate are the same; give one of them")
        risk_free = risk_free_rate
    risk_free = number(risk_free, "risk_free")
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
    risk, _ = _risk(read.values, covariance, decay)
    excess = mean_of(read.values) - risk_free
    rounding = _ROUNDING * (np.abs(read.values).max(axis=0) + abs(risk_free))
    excess[np.abs(excess) <= rounding] = 0.0
    return read.answer(most_sharpe(allowed, risk, excess / unit_of(excess)))


def optimize_mean_variance(
    returns: Any,
    symbols: Sequence[str] | None = None,
    *,
    risk_aversion: float = 1.0,
    covariance: Estimator = "sample",
    decay: float = 0.94,
    bounds: Bounds | None = None,
    groups: Groups | None = None,
    group_limits: GroupLimits | None = None,
    max_turnover: float | None = None,
    current: Current | None = None,
    target_return: float | None = None,
) -> Weights:
    """Weights of the largest utility: maximise `m @ w - risk_aversion / 2 * w @ C @ w`.

    m are the sample means of a period (Markowitz 1959, Portfolio Selection). `risk_aversion` is
    positive; it has a unit, one over that of returns, so weights stay the same where returns are
    multiplied by a number only if it is divided by it. For the least variance with a mean that is
    at least so much, see `target_return` of `optimize_min_variance`.
    """
    aversion = number(risk_aversion, "risk_aversion")
    if aversion <= 0.0:
        raise ValidationError(f"risk_aversion: above 0, got {aversion}")
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
    risk, unit = _risk(read.values, covariance, decay)
    # All of it divided by the larger of what a unit of returns and one of variance are worth.
    mean, price = mean_of(read.values) / unit, aversion * unit
    size = max(price, unit_of(mean))
    if price < _ROUNDING * size:
        price = 0.0
    return read.answer(most_utility(allowed, risk.times(np.sqrt(price / size)), mean / size))


def _risk(values: Floats, covariance: Estimator, decay: float) -> tuple[Risk, float]:
    """Risk with variances of order 1, and the unit of returns it is in."""
    first = unit_of(values)
    data = factor(values / first, covariance, decay)
    second = unit_of(np.sqrt(np.vdot(data, data) / data.shape[1]))
    return risk_of(data / second), first * second
