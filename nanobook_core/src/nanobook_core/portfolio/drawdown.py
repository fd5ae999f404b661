"""Losses from a running peak."""

from __future__ import annotations

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from nanobook_core.portfolio.metrics import as_series


@frozen(kw_only=True)
class Drawdown:
    """One fall below a peak, until the peak is reached again.

    Moments count from the start: 0 is before the first period, 1 the end of the first, and so on.
    """

    depth: float
    """Largest loss, as a positive fraction of the peak."""
    peak: int
    trough: int
    """The first moment of the largest loss."""
    recovery: int | None
    """The first moment at or above the peak again; None if there was none."""


def underwater(returns: ArrayLike) -> NDArray[np.float64]:
    """Loss from the running peak at the end of each period, as a fraction of it; 0 at a peak.

    Compounded from 1.0, which is a peak; shape `(n_periods,)`, like the returns.

    Raises:
        TypeError: `returns` is not a sequence of numbers.
        ValidationError: a return is NaN or infinite.

    """
    with np.errstate(over="ignore", invalid="ignore"):  # growth beyond a float is infinite
        growth = np.multiply.accumulate(1.0 + as_series(returns, "returns"))
        peak = np.maximum.accumulate(np.maximum(growth, 1.0))
        loss: NDArray[np.float64] = np.nan_to_num((peak - growth) / peak, nan=0.0)
    return loss


def drawdowns(returns: ArrayLike) -> tuple[Drawdown, ...]:
    """All drawdowns of a series of returns, the deepest first, of equal ones the earlier.

    Raises:
        TypeError: `returns` is not a sequence of numbers.
        ValidationError: a return is NaN or infinite.

    """
    loss = np.concatenate([[0.0], underwater(returns)])
    is_under = np.concatenate([loss > 0.0, [False]])
    starts = np.flatnonzero(is_under[1:] & ~is_under[:-1])
    ends = np.flatnonzero(is_under[:-1] & ~is_under[1:])
    found = [
        Drawdown(
            depth=float(loss[trough]),
            peak=peak,
            trough=trough,
            recovery=end + 1 if end + 1 < len(loss) else None,
        )
        for peak, end in zip(starts.tolist(), ends.tolist(), strict=True)
        for trough in [peak + 1 + int(loss[peak + 1 : end + 1].argmax())]
    ]
    return tuple(sorted(found, key=lambda drawdown: -drawdown.depth))
