"""Exponentially weighted volatility, as in RiskMetrics."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import real
from nanobook_optimizers.returns import unit_of
from nanobook_optimizers.series import recursion, returns_of


def ewma_volatility(returns: ArrayLike, lam: float = 0.94) -> NDArray[np.float64]:
    """Exponentially weighted volatility at the end of each period, shape `(n_periods,)`.

    `variance[t] = lam * variance[t-1] + (1 - lam) * returns[t]**2`, and `variance[0] =
    returns[0]**2` (J. P. Morgan and Reuters 1996, RiskMetrics - Technical document, 4th edition,
    equation 5.3, with 0.94 for daily and 0.97 for monthly returns). A standard deviation of one
    period, in the unit of the returns; the mean is taken to be 0. Element `t` knows the returns up
    to and including `t`, so it is the forecast for `t + 1` and for every period after that. There
    is no warm-up, but the first few rest on few returns. No returns give an empty array, returns
    that are all zero give zeros.

    Args:
        returns: of each period, oldest first.
        lam: what is kept of the variance from one period to the next, from 0 up to but not 1.

    Raises:
        TypeError: `returns` is not a sequence of numbers, or lam not a number.
        ValidationError: a return is NaN or infinite, or lam is out of its range.
        OverflowError: a return's square is beyond a float.

    Runtime complexity: O(n_periods).

    """
    decay = _decay(lam)
    squares = returns_of(returns, 0) ** 2
    source = (1.0 - decay) * squares
    source[:1] = squares[:1]
    return np.sqrt(recursion(decay, source)) if len(source) else source


def ewma_forecast(returns: ArrayLike, lam: float = 0.94) -> float:
    """Volatility of the next period, and of each after it: the last of `ewma_volatility`.

    Also of returns so small that a float cannot hold their squares.

    Raises:
        TypeError: as `ewma_volatility`.
        ValidationError: as `ewma_volatility`, or no returns.
        OverflowError: as `ewma_volatility`.

    """
    series = returns_of(returns, 1)
    unit = unit_of(series)
    return unit * float(ewma_volatility(series / unit, lam)[-1])


def _decay(lam: object) -> float:
    decay = real(lam, "lam")
    if not (math.isfinite(decay) and 0.0 <= decay < 1.0):
        raise ValidationError(f"lam must be at least 0 and below 1, got {decay}")
    return decay
