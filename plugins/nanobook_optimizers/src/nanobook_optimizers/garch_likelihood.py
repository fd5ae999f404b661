"""The normal likelihood of a GARCH(1,1) with its exact derivatives, and where it is largest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.linalg import eigh, lstsq, null_space

from nanobook_core.errors import OptimizationError
from nanobook_optimizers.series import recursion

#: Of the backcast: what stands for the squared return and the variance before the first period.
_DECAY, _BACKCAST_PERIODS = 0.94, 75

#: Alpha and alpha + beta where the search starts. The likelihood of a few hundred periods often has
#: several maxima: in 560 windows of real returns these found the largest that 30 starts find.
_STARTS = ((0.05, 0.7), (0.02, 0.999), (0.1, 0.1), (0.2, 0.5))
#: Further ones where alpha is 0 at the largest of these, of which others may then be out of sight.
_STARTS_FROM_NO_ALPHA = ((0.01, 0.5), (0.5, 0.5))

#: `_NORMALS @ parameters >= _BOUNDS`, for returns whose mean square is 1, and what each is called.
_NORMALS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, -1.0]])
_BOUNDS = np.array([1e-8, 0.0, 0.0, -1.0])
_BOUND_NAMES = ("omega", "alpha", "beta", "persistence")
_ALPHA = _BOUND_NAMES.index("alpha")

_MAX_STEPS = 200

#: What another step may still add to the log-likelihood where the search ends.
_GAIN = 1e-10

#: A search that comes this close to a known maximum is on its way to it.
_NEAR = 1e-3

#: Parts by which slopes and curvatures differ from 0 for no other reason than rounding.
_ROUNDING = 1e-9


@frozen(eq=False)
class Derivatives:
    """Of the negative log-likelihood at some parameters."""

    scores: NDArray[np.float64]
    """Gradient of each period's part, shape `(n_periods, n_parameters)`."""
    hessian: NDArray[np.float64]


@frozen(eq=False)
class Maximum:
    """Where the likelihood is largest nearby."""

    parameters: NDArray[np.float64]
    value: float
    """Of the negative log-likelihood."""
    held: list[int]
    """Places of the bounds on which it lies."""


@frozen(eq=False)
class Likelihood:
    """Negative log-likelihood of residuals `shocks - parameters[3]`, where that is there.

    `variance[t] = omega + alpha * residual[t-1]**2 + beta * variance[t-1]`, and `backcast` for both
    before the first period.
    """

    shocks: NDArray[np.float64]
    backcast: float

    @classmethod
    def of(cls, shocks: NDArray[np.float64]) -> Likelihood:
        """Backcast by the exponentially weighted mean of the first squares."""
        first = shocks[:_BACKCAST_PERIODS]
        weights = _DECAY ** np.arange(len(first))
        return cls(shocks, float(weights @ first**2 / weights.sum()))

    def residuals(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shocks less their mean."""
        return self.shocks - parameters[3] if len(parameters) > 3 else self.shocks  # noqa: PLR2004

    def variances(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Conditional variance of each period."""
        omega, alpha, beta = parameters[:3]
        source = omega + alpha * _lagged(self.residuals(parameters) ** 2, self.backcast)
        source[0] += beta * self.backcast
        return recursion(beta, source)

    def value(self, parameters: NDArray[np.float64]) -> float:
        """Negative log-likelihood."""
        variance = self.variances(parameters)
        squares = self.residuals(parameters) ** 2
        terms = math.log(2.0 * math.pi) + np.log(variance) + squares / variance
        return 0.5 * float(terms.sum())

    def derivatives(self, parameters: NDArray[np.float64]) -> Derivatives:
        """Scores and Hessian, exact.

        Derivatives of the variance obey its own recursion with other sources (Fiorentini, Calzolari
        and Panattoni 1996, Analytic derivatives and the computation of GARCH estimates). The second
        ones are wanted only in a weighted sum, so the weights are run backwards instead.
        """
        alpha, beta = parameters[1:3]
        has_mean = len(parameters) > 3  # noqa: PLR2004
        residual, variance = self.residuals(parameters), self.variances(parameters)
        square = residual**2
        sources = [
            np.ones_like(square),
            _lagged(square, self.backcast),
            _lagged(variance, self.backcast),
        ]
        if has_mean:
            sources.append(-2.0 * alpha * _lagged(residual, 0.0))
        slopes = recursion(beta, np.column_stack(sources))
        weight = 0.5 * (1.0 - square / variance) / variance
        scores = slopes * weight[:, None]

        curvature = (square / variance - 0.5) / variance**2
        hessian = slopes.T @ (slopes * curvature[:, None])
        backwards = recursion(beta, weight, backwards=True)
        through_beta = backwards[1:] @ slopes[:-1]
        hessian[2] += through_beta
        hessian[:, 2] += through_beta
        if has_mean:
            scores[:, 3] -= residual / variance
            direct = (residual / variance**2) @ slopes
            direct[1] -= 2.0 * float(backwards[1:] @ residual[:-1])
            hessian[3] += direct
            hessian[:, 3] += direct
            hessian[3, 3] += float((1.0 / variance).sum() + 2.0 * alpha * backwards[1:].sum())
        return Derivatives(scores, hessian)

    def maximise(self, n_parameters: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Parameters of the largest likelihood, and the names of the bounds that hold them.

        Raises:
            OptimizationError: no maximum was found.

        """
        maxima: list[Maximum] = []
        self._climb(_STARTS, n_parameters, maxima)
        if maxima and _ALPHA in min(maxima, key=lambda found: found.value).held:
            self._climb(_STARTS_FROM_NO_ALPHA, n_parameters, maxima)
        if not maxima:
            raise OptimizationError(
                f"Newton's method found no maximum of the likelihood in {_MAX_STEPS} steps from "
                f"any of {len(_STARTS)} starts. Give more periods, or use ewma_forecast",
                status="not converged",
            )
        best = min(maxima, key=lambda found: found.value)
        return best.parameters, tuple(_BOUND_NAMES[place] for place in sorted(best.held))

    def _climb(
        self, starts: Sequence[tuple[float, float]], n_parameters: int, maxima: list[Maximum]
    ) -> None:
        """Append what new maxima are reached from these starts."""
        for alpha, persistence in starts:
            start = np.array([1.0 - persistence, alpha, persistence - alpha, 0.0][:n_parameters])
            if (found := self._climbed(start, maxima)) is not None:
                maxima.append(found)

    def _climbed(self, at: NDArray[np.float64], known: Sequence[Maximum]) -> Maximum | None:
        """A maximum that is not known yet, if one is reached.

        Newton's method within the bounds that are held: one that blocks a step is taken up, and one
        beyond which the likelihood rises is let go (Nocedal and Wright 2006, Numerical
        optimization, 16.5). Curvature of the wrong sign is turned round, so that each step climbs.
        """
        normals = np.zeros((len(_BOUNDS), len(at)))
        normals[:, :3] = _NORMALS
        value, held = self.value(at), list[int]()
        for _ in range(_MAX_STEPS):
            if any(np.abs(at - maximum.parameters).max() < _NEAR for maximum in known):
                break
            found = self.derivatives(at)
            gradient = found.scores.sum(axis=0)
            step, is_convex = _newton(found.hessian, gradient, normals[held])
            if -0.5 * float(gradient @ step) > _GAIN:
                moved = self._moved(at, value, step, float(gradient @ step), normals)
                if moved is None:
                    break
                at, value, blocking = moved
                held += blocking
            elif (rising := _rising(normals[held], gradient)) is not None:
                del held[rising]
            elif is_convex:
                least = [place for place in held if place < len(_BOUNDS) - 1]
                at[least] = _BOUNDS[least]
                return Maximum(at, self.value(at), held)
            else:
                break
        return None

    def _moved(
        self,
        at: NDArray[np.float64],
        before: float,
        step: NDArray[np.float64],
        slope: float,
        normals: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], float, list[int]] | None:
        """Where a step leads that is cut at the first bound and while it does not climb.

        With the value there and the bound that cut it; None if no part of the step climbs.
        """
        slack, rate = normals[:, :3] @ at[:3] - _BOUNDS, normals @ step
        nearing = np.flatnonzero(rate < -_ROUNDING * np.abs(step).max())
        longest, blocking = 1.0, list[int]()
        for place in nearing.tolist():
            if (length := max(slack[place], 0.0) / -rate[place]) < longest:
                longest, blocking = length, [place]
        if longest <= 0.0:
            return at, before, blocking
        rounding = 1e-13 * max(abs(before), 1.0)
        length = longest
        while length > _ROUNDING * longest:
            moved = at + length * step
            moved[:3] = np.maximum(moved[:3], _BOUNDS[:3])
            value = self.value(moved)
            if value <= before + 1e-4 * length * slope + rounding:
                return moved, value, blocking if length == longest else []
            length *= 0.5
        return None


def _newton(
    hessian: NDArray[np.float64], gradient: NDArray[np.float64], held: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Newton's step within the bounds that are held, and whether the curvature is a maximum's.

    Which may be flat on a bound, where one parameter may not matter: beta where alpha is 0.
    """
    free = null_space(held) if len(held) else np.eye(len(gradient))
    roots, axes = eigh(free.T @ hessian @ free)
    axes = free @ axes
    size = np.abs(roots)
    least = 1e-14 * float(size.max(initial=0.0)) + np.finfo(float).tiny
    step = -axes @ ((axes.T @ gradient) / np.maximum(size, least))
    return step, bool((roots > (-_ROUNDING * size.max(initial=0.0) if len(held) else least)).all())


def _rising(held: NDArray[np.float64], gradient: NDArray[np.float64]) -> int | None:
    """Which of the bounds that are held the likelihood rises beyond most."""
    if not len(held):
        return None
    multipliers = lstsq(held.T, gradient)[0]
    place = int(np.argmin(multipliers))
    return place if multipliers[place] < -_ROUNDING * np.abs(gradient).max() else None


def _lagged(values: NDArray[np.float64], first: float) -> NDArray[np.float64]:
    return np.concatenate(([first], values[:-1]))
