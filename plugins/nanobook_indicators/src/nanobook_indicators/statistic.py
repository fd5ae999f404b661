"""Whether scores say anything about returns."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import whole
from nanobook_indicators.series import Floats, read


def spearman(x: Any, y: Any) -> tuple[float, float]:
    """Rank correlation, -1 to 1, and its two-sided p-value.

    Pearson's of the ranks, equal values having the mean of theirs. The p-value is that of Student's
    t with n - 2 degrees of freedom, 0.0 where the correlation is 1 or -1. Both are NaN where there
    is none: for fewer than 3 values, values that are all equal, or a NaN among them (drop the pair
    first; that the others correlate says nothing about the missing one).

    Source: Spearman (1904), The Proof and Measurement of Association between Two Things;
    scipy.stats.spearmanr.

    Raises:
        TypeError: no list, array or series of numbers.
        ValidationError: a value infinite or beyond 1e100, lengths or indices that differ, or a
            panel.

    Runtime complexity: O(n log n).

    """
    one, two = _vectors({"x": x, "y": y})
    if len(one) < 3 or np.isnan(one).any() or np.isnan(two).any():  # noqa: PLR2004 - n - 2 > 0
        return math.nan, math.nan
    from scipy.stats import ConstantInputWarning, spearmanr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)  # the NaN says so
        found = spearmanr(one, two)
    return float(found.statistic), float(found.pvalue)


def quintile_spread(scores: Any, returns: Any, n_quantiles: int = 5) -> float:
    """Mean return of the highest scores less that of the lowest.

    Of `n // n_quantiles` each, in the unit of the returns; equal scores stay in the order they come
    in. NaN with fewer scores than quantiles, or where a score or return is NaN.

    Source: the long-short portfolio of Fama and French (1992), The Cross-Section of Expected Stock
    Returns.

    Raises:
        TypeError: no list, array or series of numbers, or a number of quantiles that is no int.
        ValidationError: a value infinite or beyond 1e100, lengths or indices that differ, a panel,
            or fewer than 1 quantile.

    Runtime complexity: O(n log n).

    """
    count = whole(n_quantiles, "n_quantiles")
    if count < 1:
        raise ValidationError(f"n_quantiles must be at least 1, got {count}")
    score, gain = _vectors({"scores": scores, "returns": returns})
    size = len(score) // count
    if size == 0 or np.isnan(score).any() or np.isnan(gain).any():
        return math.nan
    ranked = gain[np.argsort(score, kind="stable")]
    return _mean(ranked[len(ranked) - size :]) - _mean(ranked[:size])


def _mean(values: Floats) -> float:
    # Not np.mean, which adds in an order that depends on the platform.
    return float(np.add.accumulate(values)[-1]) / len(values)


def _vectors(inputs: Mapping[str, Any]) -> list[Floats]:
    values, _ = read(inputs)
    if values[0].ndim != 1:
        raise ValidationError(
            f"{' and '.join(inputs)} are series, one value a name; got shape {values[0].shape}"
        )
    return values
