"""A GARCH recursion with parameters that are given, not fitted: the seed's forecast."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from itertools import accumulate, repeat
from operator import mul

from numpy.typing import ArrayLike

from nanobook_core.portfolio.money import whole
from nanobook_optimizers.returns import refuse_prices
from nanobook_optimizers.series import has_mean, returns_of

_ALPHA, _ALPHA_DECAY = 0.08, 0.80
_BETA, _BETA_DECAY = 0.90, 0.85
_LEAST_OMEGA = 1e-6
_MOST_LAGS = 8
_LEAST_VARIANCE = 1e-12


def garch_ewma_forecast(returns: ArrayLike, p: int = 1, q: int = 1, mean: str = "zero") -> float:
    """Volatility of the next period by a GARCH recursion with fixed parameters.

    A standard deviation, in the unit of the returns, of one period: times `sqrt(252)` it is that of
    a year of daily returns. With `e = returns - mean` and `v` their sample variance,

    `h[t] = 0.02 v + sum_i alpha_i e[t-i]^2 + sum_j beta_j h[t-j]`, `h[0] = v`,

    where the `alpha_i` fall by a fifth from lag to lag and sum to 0.08, the `beta_j` fall by 0.15
    and sum to 0.90. Nothing is fitted: the sums are close to what daily returns of shares give
    (Bollerslev 1986, Generalized autoregressive conditional heteroskedasticity). The formula is the
    seed's to the last digit, in which the last period's return counts twice: once in `h` of the
    period after it, and once more on top of that. `garch_fit` estimates the parameters.

    Fewer than two returns have no variance and give 0.0. A variance is never below 1e-12, so that
    returns that are all zero give 1e-6.

    Args:
        returns: of each period, oldest first.
        p: lags of squared returns; 0 counts as 1, more than 8 as 8, more than there are returns as
            all of them.
        q: lags of the variance; in the same way.
        mean: `"zero"`, or `"constant"` (also `"mean"`) to take the average off first.

    Raises:
        TypeError: `returns` is not a sequence of numbers, p or q not an int, mean not a string.
        ValidationError: a return is NaN or infinite, all are above 1, as prices are, or mean is
            another word.
        OverflowError: p or q is negative, or a return's square is beyond a float.

    Runtime complexity: O(n_periods * (p + q)).

    """
    arch_lags, garch_lags = _lags(p, "p"), _lags(q, "q")
    is_centred = has_mean(mean)
    series = returns_of(returns, 0)
    refuse_prices(series)
    shocks = series.tolist()
    n = len(shocks)
    if n < 2:  # noqa: PLR2004 - a deviation needs two
        return 0.0
    if is_centred:
        average = _sum(shocks) / n
        shocks = [shock - average for shock in shocks]
    centre = _sum(shocks) / n
    start = max(_sum((s - centre) * (s - centre) for s in shocks) / (n - 1), _LEAST_VARIANCE)
    alphas = _weights(_ALPHA, _ALPHA_DECAY, min(arch_lags, n))
    betas = _weights(_BETA, _BETA_DECAY, min(garch_lags, n))
    omega = max(1.0 - _sum(alphas) - _sum(betas), _LEAST_OMEGA) * start

    # Latest first.
    recent_shocks: deque[float] = deque(maxlen=len(alphas))
    recent_variances = deque([start], maxlen=len(betas))
    for shock in shocks:
        recent_shocks.appendleft(shock)
        recent_variances.appendleft(_next(omega, alphas, recent_shocks, betas, recent_variances))
    return math.sqrt(_next(omega, alphas, recent_shocks, betas, recent_variances))


def _lags(value: object, name: str) -> int:
    lags = whole(value, name)
    if lags < 0:
        raise OverflowError(f"{name} counts lags and is not negative, got {lags}")
    return min(max(lags, 1), _MOST_LAGS)


def _weights(total: float, decay: float, n_lags: int) -> list[float]:
    # By repeated products, as the seed's: decay**lag has another last digit.
    powers = list(accumulate(repeat(decay, n_lags - 1), mul, initial=1.0))
    return [total * (power / _sum(powers)) for power in powers]


def _sum(values: Iterable[float]) -> float:
    # Not sum(), which compensates from Python 3.12 on.
    total = 0.0
    for value in values:
        total += value
    return total


def _next(
    omega: float,
    alphas: list[float],
    shocks: Iterable[float],
    betas: list[float],
    variances: Iterable[float],
) -> float:
    # In the seed's order of operations, to the last digit: (alpha * e) * e, and each sum by itself.
    arch = _sum(alpha * e * e for alpha, e in zip(alphas, shocks, strict=False))
    garch = _sum(beta * h for beta, h in zip(betas, variances, strict=False))
    return max(omega + arch + garch, _LEAST_VARIANCE)
