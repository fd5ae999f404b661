"""What is asked of every way: a problem on returns. For children too, so with numpy alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHA = 0.95
N_GROUPS = 5


class NotOfferedError(Exception):
    """A way cannot do a problem; says why."""


class Limits(NamedTuple):
    """What weights have to fulfil besides a sum of 1."""

    lower: float
    upper: float
    groups: list[str]
    group_lower: float
    group_upper: float
    current: Floats
    turnover: float


class Case(NamedTuple):
    """A problem on returns of periods by assets."""

    problem: str
    returns: Floats

    @property
    def names(self) -> list[str]:
        """Symbols of the assets."""
        return [f"S{column:04d}" for column in range(self.returns.shape[1])]

    @property
    def limits(self) -> Limits:
        """Of the problem `constrained`."""
        n_assets = self.returns.shape[1]
        return Limits(
            lower=0.2 / n_assets,
            upper=4.0 / n_assets,
            groups=[f"G{column % N_GROUPS}" for column in range(n_assets)],
            group_lower=0.15,
            group_upper=0.25,
            current=np.full(n_assets, 1.0 / n_assets),
            turnover=0.8,
        )

    def membership(self) -> Floats:
        """A row for each group, 1 where an asset is in it."""
        groups = self.limits.groups
        return np.array([[float(g == other) for other in groups] for g in dict.fromkeys(groups)])

    def scaled(self) -> tuple[Floats, float]:
        """Sample covariances in a unit in which their mean variance is 1, and the unit."""
        covariance: Any = np.cov(self.returns.T)
        unit = float(covariance.trace()) / len(covariance)
        return covariance / unit, unit
