"""Weights by their part of the risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from nanobook_core.errors import OptimizationError, ValidationError, shown
from nanobook_core.portfolio.table import Labelled, by_label
from nanobook_optimizers.certificate import GAP
from nanobook_optimizers.covariance import Estimator, factor
from nanobook_optimizers.returns import Floats, Returns, Weights, number, read_returns, unit_of

_STEPS = 200
_FLAT = 1e-14
_NEAR = 1e-6
_LEAST_BUDGET = 1e-12
#: Below this part of the largest a budget may be too small for rounding.
_SMALL_BUDGET = 1e-6


def optimize_risk_parity(
    returns: Any,
    symbols: Sequence[str] | None = None,
    *,
    budgets: Sequence[float] | Mapping[str, float] | Labelled | None = None,
    covariance: Estimator = "sample",
    decay: float = 0.94,
) -> Weights:
    """Weights whose parts of the variance, `w_i * (C @ w)_i / (w @ C @ w)`, are the budgets.

    `budgets` are positive, one for each asset in order or by symbol, and count in proportion to
    their sum; equal ones by default. Long only. There is one such portfolio: that in the direction
    of the x of least `x @ C @ x / 2 - budgets @ log(x)` (Spinu 2013, An algorithm for computing
    risk parity weights; Griveau-Billion, Richard and Roncalli 2013), by damped Newton steps. Other
    constraints are not offered, since with them parts of the risk are no longer those asked for.

    An asset without variance has no risk to share: ValidationError, unless no asset has any; then
    the weights are the budgets. OptimizationError if a portfolio of positive weights has no
    variance, which fewer periods than assets may make; then give `covariance="ledoit_wolf"`.
    Runtime complexity: O(T N^2 + N^3), some ten Cholesky factors.
    """
    read = read_returns(returns, symbols)
    shares = _budgets(read, budgets)
    data = factor(read.values / unit_of(read.values), covariance, decay)
    deviation = np.sqrt(np.sum(data**2, axis=0))
    if not deviation.any():
        return read.answer(shares)
    if not deviation.all():
        column = int(np.argmin(deviation))
        raise ValidationError(
            f"returns: {read.labels[column]} has no variance, so no weight gives it a part of the "
            "risk; leave it out"
        )
    correlated = data / deviation
    parts = _of_correlation(correlated.T @ correlated, shares)
    weights = parts / deviation
    return read.answer(weights / weights.sum())


def _budgets(read: Returns, budgets: Any) -> Floats:
    n_assets = len(read.labels)
    budgets = by_label(budgets, "budgets")
    if budgets is None:
        return np.full(n_assets, 1.0 / n_assets)
    if isinstance(budgets, Mapping):
        if read.symbols is None or set(budgets) != set(read.symbols):
            raise ValidationError("budgets: by symbol, one for each symbol of the returns")
        budgets = [budgets[symbol] for symbol in read.symbols]
    elif isinstance(budgets, str) or not isinstance(budgets, Sequence | np.ndarray):
        raise TypeError(f"budgets: one for each asset, or by symbol; got {shown(budgets)}")
    if len(budgets) != n_assets:
        raise ValidationError(f"budgets: {len(budgets)} for {n_assets} assets")
    found = np.array(
        [number(b, f"budget of {label}") for label, b in zip(read.labels, budgets, strict=True)]
    )
    if found.min() <= 0.0:
        column = int(np.argmin(found))
        raise ValidationError(f"budget of {read.labels[column]}: above 0, got {found[column]}")
    found /= found.max()
    if found.min() < _LEAST_BUDGET:
        column = int(np.argmin(found))
        raise ValidationError(
            f"budget of {read.labels[column]}: at least {_LEAST_BUDGET:g} of the largest, got "
            f"{found[column]:.1e} of it"
        )
    return np.asarray(found / found.sum())


def _of_correlation(correlation: Floats, budgets: Floats) -> Floats:
    """Least `x @ correlation @ x / 2 - budgets @ log(x)`."""

    def value(x: Floats) -> float:
        return float(x @ (correlation @ x) / 2.0 - budgets @ np.log(x))

    x = np.sqrt(budgets)
    x /= np.sqrt(max(float(x @ (correlation @ x)), _FLAT))
    best, missed = x, np.inf
    for _ in range(_STEPS):
        slope = correlation @ x - budgets / x
        misses = float(np.abs(x * slope / budgets).max())
        if misses < missed:
            best, missed = x, misses
        elif missed < GAP:
            break  # as near as rounding lets it come
        curvature = correlation + np.diag(budgets / x**2)
        try:
            step = -cho_solve(cho_factor(curvature, overwrite_a=True), slope)
        except LinAlgError:
            break
        falls, length = float(slope @ step), 1.0
        if (step < 0.0).any():
            length = min(1.0, 0.9 / float((-step / x).max()))
        # So near to the minimum that steps are good ones, and values too near for comparison.
        while -falls > _NEAR and value(x + length * step) > value(x) + 0.1 * length * falls:
            length /= 2.0
        x = x + length * step
    if missed > GAP:
        reason = (
            "a portfolio of positive weights has no variance, or almost none, as with fewer "
            'periods than assets; give more periods, or covariance="ledoit_wolf"'
        )
        if budgets.min() < _SMALL_BUDGET * budgets.max():
            reason = f"the least of them is only {budgets.min() / budgets.max():.1e} of the largest"
        raise OptimizationError(
            f"parts of the risk miss the budgets by {missed:.1e} of them: {reason}", "not optimal"
        )
    return best
