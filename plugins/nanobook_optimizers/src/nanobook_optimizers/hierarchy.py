"""Hierarchical risk parity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from nanobook_core.errors import ValidationError
from nanobook_optimizers.covariance import Estimator, factor
from nanobook_optimizers.returns import Floats, Weights, read_returns, unit_of

#: Least deviation of half of the assets, as a part of the least of its assets'.
_LEAST = 1e-150


def optimize_hrp(
    returns: Any,
    symbols: Sequence[str] | None = None,
    *,
    covariance: Estimator = "sample",
    decay: float = 0.94,
) -> Weights:
    """Weights of hierarchical risk parity (López de Prado 2016, Building Diversified Portfolios).

    Assets are put in the order of the leaves of a tree: single linkage on distances
    `sqrt((1 - correlation) / 2)`, taken as they are, as PyPortfolioOpt does, and not, as the
    paper's listing does, on Euclidean distances of their columns. The list is halved by position
    again and again; capital of each half is in proportion to one over its variance, within it
    weights being in proportion to one over variances. skfolio and Riskfolio-Lib halve along the
    tree instead, which gives other weights.

    A rule and not an optimum: it takes no constraints, and the order of columns may change it. An
    asset without variance has no correlations: ValidationError, unless no asset has any; then all
    are alike. Runtime complexity: O(T N^2).
    """
    read = read_returns(returns, symbols)
    data = factor(read.values / unit_of(read.values), covariance, decay)
    deviation = np.sqrt(np.sum(data**2, axis=0))
    n_assets = len(deviation)
    if n_assets == 1 or not deviation.any():
        return read.answer(np.full(n_assets, 1.0 / n_assets))
    if not deviation.all():
        column = int(np.argmin(deviation))
        raise ValidationError(
            f"returns: {read.labels[column]} has no variance, so it has no correlations; leave it "
            "out"
        )
    data /= deviation
    correlation = np.clip(data.T @ data, -1.0, 1.0)
    distance = np.sqrt((1.0 - correlation) / 2.0)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "single")
    return read.answer(_halved(correlation, deviation, leaves_list(tree)))


def _halved(correlation: Floats, deviation: Floats, order: Any) -> Floats:
    weights = np.ones(len(deviation))
    halves = [order]
    while halves:
        part = halves.pop()
        if len(part) == 1:
            continue
        middle = len(part) // 2
        first, second = part[:middle], part[middle:]
        low, high = (
            _deviation(correlation[np.ix_(half, half)], deviation[half]) for half in (first, second)
        )
        # Variances are in proportion to squares, which could overflow unless of the larger.
        ratio = min(low, high) / max(low, high)
        of_riskier = ratio**2 / (1.0 + ratio**2)
        weights[first] *= of_riskier if low > high else 1.0 - of_riskier
        weights[second] *= 1.0 - of_riskier if low > high else of_riskier
        halves += [first, second]
    return np.asarray(weights / weights.sum())


def _deviation(correlation: Floats, deviation: Floats) -> float:
    """That of weights in proportion to one over variances."""
    least = float(deviation.min())
    inverse = (least / deviation) ** 2
    risks = (least / deviation) / inverse.sum()
    return least * max(float(np.sqrt(max(risks @ correlation @ risks, 0.0))), _LEAST)
