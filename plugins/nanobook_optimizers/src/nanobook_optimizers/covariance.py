"""Covariances of returns, and matrices whose square they are."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from attrs import frozen
from scipy.linalg import LinAlgError, cholesky

from nanobook_core.errors import ValidationError, shown
from nanobook_optimizers.returns import Floats, number

Estimator: TypeAlias = Literal["sample", "ledoit_wolf", "ewma"]

#: That of daily returns in RiskMetrics.
DECAY = 0.94
_ESTIMATORS = ("sample", "ledoit_wolf", "ewma")
_LISTED = f"one of {', '.join(_ESTIMATORS)}"
#: Smallest ratio of pivots at which a Cholesky factor is as good as the data it came from.
_WELL_CONDITIONED = 1e-5


def factor(values: Floats, estimator: Estimator, decay: float = DECAY) -> Floats:
    """Return a matrix F of shape `(n_rows, n_assets)` such that F.T @ F is the covariance.

    `sample`: about the means, divided by `n_periods - 1`.

    `ledoit_wolf`: `(1 - d) S + d m I`, S about the means and divided by `n_periods`, m the mean of
    its diagonal, d by Ledoit and Wolf 2004, A well-conditioned estimator for large-dimensional
    covariance matrices, J. Multivariate Analysis 88.

    `ewma`: about zero, period t weighted `decay ** (n_periods - 1 - t)`, the weights of sum 1:
    RiskMetrics Technical Document 1996, 4th edition, section 5.2.

    Raises:
        TypeError: no string as estimator, or no number as decay.
        ValidationError: no such estimator, a decay that is not between 0 and 1, or one other than
            the default without `ewma`.

    """
    if not isinstance(estimator, str):
        raise TypeError(
            f"covariance: the name of an estimator, {_LISTED}, and no matrix; got "
            f"{shown(estimator)}"
        )
    decay = number(decay, "decay")
    if not 0.0 < decay < 1.0:
        raise ValidationError(f"decay: between 0 and 1, got {decay}")
    if estimator not in _ESTIMATORS:
        raise ValidationError(f"covariance: {_LISTED}; got {shown(estimator)}")
    if estimator != "ewma" and decay != DECAY:
        raise ValidationError(
            f"decay: of covariance='ewma' alone, which is {estimator!r}; leave decay out, or give "
            "covariance='ewma'"
        )
    if estimator == "ewma":
        weights = decay ** np.arange(len(values) - 1.0, -1.0, -1.0)
        return np.asarray(values * np.sqrt(weights / weights.sum())[:, None])
    centred = values - values.mean(axis=0)
    centred[:, (values == values[0]).all(axis=0)] = 0.0  # its mean may be off by a rounding
    if estimator == "sample":
        centred /= np.sqrt(len(values) - 1.0)
        return np.asarray(centred)
    intensity, variance = _shrinkage(centred)
    spread = np.sqrt(intensity * variance) * np.eye(values.shape[1])
    return np.vstack([centred * np.sqrt((1.0 - intensity) / len(values)), spread])


def _shrinkage(centred: Floats) -> tuple[float, float]:
    """How far S is shrunk, from 0 to 1, and the mean variance that it is shrunk to."""
    n_periods, n_assets = centred.shape
    covariance = centred.T @ centred / n_periods
    variance = float(np.trace(covariance)) / n_assets
    squares = centred**2
    error = float(np.sum(squares.T @ squares)) / n_periods - float(np.sum(covariance**2))
    distance = float(np.sum(covariance**2)) - n_assets * variance**2
    if distance <= 0.0:  # a multiple of the identity already
        return 0.0, variance
    return min(max(error / n_periods / distance, 0.0), 1.0), variance


@frozen(eq=False)
class Risk:
    """A covariance, and a matrix whose square it is."""

    root: Floats
    covariance: Floats

    def times(self, factor: float) -> Risk:
        """Return the risk of a portfolio that is so many times as large."""
        return Risk(self.root * factor, self.covariance * factor**2)


def risk_of(data: Floats) -> Risk:
    """Return the square of a matrix, and one of as few rows as that takes without loss."""
    n_rows, n_assets = data.shape
    covariance = data.T @ data
    if n_rows <= n_assets:
        return Risk(data, covariance)
    try:
        upper = np.asarray(cholesky(covariance, check_finite=False))
    except LinAlgError:
        return Risk(_triangle(data), covariance)
    pivots = np.diag(upper) / np.linalg.norm(upper, axis=0)
    is_exact = pivots.min() > _WELL_CONDITIONED
    return Risk(upper if is_exact else _triangle(data), covariance)


def _triangle(data: Floats) -> Floats:
    return np.asarray(np.linalg.qr(data, mode="r"), np.float64)
