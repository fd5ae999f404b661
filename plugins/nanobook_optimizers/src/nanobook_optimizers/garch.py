"""GARCH(1,1) by maximum likelihood."""

from __future__ import annotations

import math

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import whole
from nanobook_optimizers.garch_likelihood import Likelihood
from nanobook_optimizers.returns import refuse_prices
from nanobook_optimizers.series import has_mean, returns_of

_LEAST_PERIODS = 10
_PARAMETERS = ("omega", "alpha", "beta", "mu")

#: Squares that differ by less are one value and its rounding.
_ROUNDING = 1e-12

#: With room for omega, of which there may be 1e-8 of the mean square.
_SMALLEST = 1e-145


@frozen(kw_only=True, eq=False)
class GarchFit:
    """A GARCH(1,1) that was fitted: what `garch_fit` gives.

    Variances, omega among them, are in the unit of the returns, squared; volatilities and mu in the
    unit of the returns, of one period.
    """

    omega: float
    """Constant of the variance; positive."""
    alpha: float
    """Weight of the last squared residual; at least 0."""
    beta: float
    """Weight of the last variance; at least 0, and `alpha + beta` at most 1."""
    mu: float
    """Mean of the returns; 0.0 with `mean="zero"`."""
    log_likelihood: float
    conditional_volatility: NDArray[np.float64] = field(repr=False)
    """Of each period, given the returns before it; shape `(n_periods,)`. Read-only."""
    standard_errors: dict[str, float] | None
    """By parameter, from the inverse Hessian: right if the normal distribution is."""
    robust_standard_errors: dict[str, float] | None
    """By parameter, also right if it is not (Bollerslev and Wooldridge 1992, Quasi-maximum
    likelihood estimation and inference in dynamic models with time-varying covariances)."""
    held: tuple[str, ...]
    """Bounds on which the maximum lies: omega, alpha, beta at their least, persistence at 1.

    Usually none. With any, both kinds of standard errors are None, because their theory needs a
    maximum between the bounds.
    """
    _next_variance: float = field(repr=False)

    @property
    def status(self) -> str:
        """`"converged"`, or `"converged_on_bound"` where `held` names some."""
        return "converged_on_bound" if self.held else "converged"

    @property
    def persistence(self) -> float:
        """`alpha + beta`: the part of a shock to the variance that is left a period later."""
        return 1.0 if "persistence" in self.held else self.alpha + self.beta

    @property
    def unconditional_volatility(self) -> float:
        """`sqrt(omega / (1 - persistence))`, to which forecasts tend; infinite where that is 1."""
        left = 1.0 - self.persistence
        return math.sqrt(self.omega / left) if left > 0.0 else math.inf

    def forecast(self, horizon: int = 1) -> NDArray[np.float64]:
        """Variance of each of the next periods, shape `(horizon,)`.

        The first is `omega + alpha * residual**2 + beta * variance` of the last period, each after
        it `omega + (alpha + beta)` times the one before. The variance of the sum of the returns of
        these periods is the sum.

        Raises:
            TypeError: the horizon is not an int.
            ValidationError: it is below 1.

        """
        periods = whole(horizon, "horizon")
        if periods < 1:
            raise ValidationError(f"horizon must be at least 1 period, got {periods}")
        left = self.persistence ** np.arange(periods)
        since = np.concatenate(([0.0], np.cumsum(left)[:-1]))
        return self._next_variance * left + self.omega * since


def garch_fit(returns: ArrayLike, mean: str = "zero") -> GarchFit:
    """GARCH(1,1) fitted by maximum likelihood with normal innovations.

    `returns[t] = mu + e[t]`, and `e[t]` is normal with the variance `h[t] = omega + alpha e[t-1]^2
    + beta h[t-1]` (Bollerslev 1986, Generalized autoregressive conditional heteroskedasticity).
    Before the first period `e^2` and `h` are the backcast: the average of the first 75 squared
    returns with weights 0.94^t, of which the average of all is taken off first where a mean is
    fitted. That is the convention of the package arch, and the log-likelihood is arch's. Its bounds
    on the parameters hold too: omega is at least 1e-8 of the mean square, alpha and beta are at
    least 0 and sum to at most 1. Its bounds on single variances, which it needs on the way, do not.

    Returns in percent give the fit of returns in fractions, with omega 10,000 times as large. The
    same returns give the same fit; nothing is drawn at random. It is the largest of the maxima that
    Newton's method finds from four starts, and from two more where alpha is 0 there; arch takes one
    start. It is given only if another step would raise the log-likelihood by less than 1e-10.

    Args:
        returns: of each period, oldest first; at least 10, though a few hundred are wanted for
            parameters that mean something.
        mean: `"zero"`, or `"constant"` (also `"mean"`) to fit mu.

    Raises:
        TypeError: `returns` is not a sequence of numbers, or mean not a string.
        ValidationError: a return is NaN or infinite, there are fewer than 10, mean is another word,
            all returns are above 1, as prices are, all are of one size, so that there is nothing to
            fit, or none is above 1e-145.
        OverflowError: a return's square is beyond a float.
        OptimizationError: no maximum was found.

    Runtime complexity: O(n_periods) a step, of which there are some ten.

    """
    is_centred = has_mean(mean)
    series = returns_of(returns, _LEAST_PERIODS)
    refuse_prices(series)
    centre = float(series.mean()) if is_centred else 0.0
    shocks = series - centre
    scale = _scale(shocks, centre)
    shocks /= scale
    likelihood = Likelihood.of(shocks)
    parameters, held = likelihood.maximise(4 if is_centred else 3)
    units = np.array([scale**2, 1.0, 1.0, scale][: len(parameters)])
    omega, alpha, beta = (parameters * units)[:3].tolist()
    classic, robust = (None, None) if held else _errors(likelihood, parameters, units)
    variances = likelihood.variances(parameters)
    last = float(likelihood.residuals(parameters)[-1]) ** 2
    volatility = np.sqrt(variances) * scale
    volatility.flags.writeable = False
    return GarchFit(
        omega=omega,
        alpha=alpha,
        beta=beta,
        mu=centre + scale * float(parameters[3]) if is_centred else 0.0,
        log_likelihood=-likelihood.value(parameters) - len(series) * math.log(scale),
        conditional_volatility=volatility,
        standard_errors=classic,
        robust_standard_errors=robust,
        held=held,
        next_variance=omega + (alpha * last + beta * float(variances[-1])) * scale**2,
    )


def _scale(shocks: NDArray[np.float64], centre: float) -> float:
    """Root mean square, where sizes differ by more than rounding."""
    sizes = np.abs(shocks)
    largest, least = float(sizes.max()), float(sizes.min())
    if largest - least <= _ROUNDING * max(largest, abs(centre)):
        noun = "returns less their mean" if centre else "returns"
        size = largest if largest > _ROUNDING * abs(centre) else 0.0
        raise ValidationError(
            f"{noun}: all {len(shocks)} are of one size, {size}; a fit needs volatility that "
            "changes"
        )
    if largest < _SMALLEST:
        raise ValidationError(
            f"returns: none is larger than {largest}, whose square a float cannot hold; use a "
            "smaller unit"
        )
    return largest * math.sqrt(float(np.mean((sizes / largest) ** 2)))


def _errors(
    likelihood: Likelihood, parameters: NDArray[np.float64], units: NDArray[np.float64]
) -> tuple[dict[str, float], dict[str, float]]:
    found = likelihood.derivatives(parameters)
    inverse = np.linalg.inv(found.hessian)
    robust = inverse @ (found.scores.T @ found.scores) @ inverse
    names = _PARAMETERS[: len(parameters)]
    classic_errors, robust_errors = (
        dict(zip(names, (np.sqrt(np.diag(covariance)) * units).tolist(), strict=True))
        for covariance in (inverse, robust)
    )
    return classic_errors, robust_errors
