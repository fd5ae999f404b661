"""Weights that are equal, or in inverse proportion to a risk of each asset on its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nanobook_core.errors import ValidationError
from nanobook_optimizers.covariance import Estimator, factor
from nanobook_optimizers.returns import Floats, Weights, number, read_returns, unit_of

#: Least risk of an asset, as a part of the largest of all.
_FLOOR = 1e-8


def equal_weight(returns: Any, symbols: Sequence[str] | None = None) -> Weights:
    """One over the number of assets for each; returns are checked as by every optimizer."""
    read = read_returns(returns, symbols)
    return read.answer(np.full(len(read.labels), 1.0 / len(read.labels)))


def inverse_volatility(
    returns: Any,
    symbols: Sequence[str] | None = None,
    *,
    covariance: Estimator = "sample",
    decay: float = 0.94,
) -> Weights:
    """Weights in proportion to one over the standard deviation, the root of C's diagonal.

    An asset without variance counts as one of 1e-8 of the largest; all alike if none has any.
    """
    read = read_returns(returns, symbols)
    data = factor(read.values / unit_of(read.values), covariance, decay)
    return read.answer(_inverse(np.sqrt(np.sum(data**2, axis=0))))


def inverse_cvar_weights(
    returns: Any, symbols: Sequence[str] | None = None, alpha: float = 0.95
) -> Weights:
    """Weights in proportion to one over the CVaR of each asset on its own; a heuristic.

    The CVaR is the mean of the `ceil((1 - alpha) * n_periods)` largest losses, a gain counting as
    a loss of 0; `alpha` is between 0 and 1. The product is that of floats, as in the original: of
    20 periods 0.95 counts 2, since `1 - 0.95` is a little above 0.05. An asset without losses
    counts as one of 1e-8 of the largest CVaR, all alike if none has any. The portfolio of least
    CVaR is `optimize_cvar`.
    """
    alpha = checked_alpha(alpha)
    read = read_returns(returns, symbols)
    return read.answer(_inverse(_tail(-read.values / unit_of(read.values), alpha)))


def inverse_cdar_weights(
    returns: Any, symbols: Sequence[str] | None = None, alpha: float = 0.95
) -> Weights:
    """Weights in proportion to one over the CDaR of each asset on its own; a heuristic.

    The CDaR is the mean of the `ceil((1 - alpha) * n_periods)` largest drawdowns of compounded
    returns from their peak, capital of 1 before the first period included; as these compound,
    weights change a little with the scale of returns. The count and floors are as in
    `inverse_cvar_weights`. The portfolio of least CDaR is `optimize_cdar`.

    Raises:
        ValidationError: as all optimizers, or a return of -1 or less, which leaves nothing to
            compound.

    """
    alpha = checked_alpha(alpha)
    read = read_returns(returns, symbols)
    if (ruined := np.argwhere(read.values <= -1.0)).size:
        period, column = ruined[0]
        raise ValidationError(
            f"returns: period {period}, {read.labels[column]}: {read.values[period, column]} "
            "leaves nothing to compound; returns are above -1, 0.01 being 1 %"
        )
    growth = 1.0 + read.values
    with np.errstate(over="ignore"):
        # Drawdown of today from that of yesterday: no product that could overflow.
        depth, depths = np.ones(growth.shape[1]), []
        for factor_of_period in growth:
            depth = np.minimum(depth * factor_of_period, 1.0)
            depths.append(1.0 - depth)
    return read.answer(_inverse(_tail(np.array(depths), alpha)))


def checked_alpha(alpha: Any) -> float:
    """Return a confidence level as a float; ValidationError if it is not between 0 and 1."""
    level = number(alpha, "alpha")
    if not 0.0 < level < 1.0:
        meant = f"; {level / 100.0:g}?" if 1.0 < level < 100.0 else ""  # noqa: PLR2004 - percent
        raise ValidationError(f"alpha: between 0 and 1, got {level}{meant}")
    return level


def _tail(losses: Floats, alpha: float) -> Floats:
    count = min(max(math.ceil((1.0 - alpha) * len(losses)), 1), len(losses))
    worst = -np.sort(-np.maximum(losses, 0.0), axis=0)[:count]
    return np.asarray(worst.mean(axis=0))


def _inverse(risks: Floats) -> Floats:
    largest = float(risks.max())
    if largest == 0.0:
        return np.full(len(risks), 1.0 / len(risks))
    weights = largest / np.maximum(risks, _FLOOR * largest)
    return np.asarray(weights / weights.sum())
