"""What all forecasters do with a series of returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.lapack import dtbtrs

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.metrics import as_series

_MEANS = {"zero": False, "constant": True, "mean": True}


def returns_of(values: ArrayLike, least: int) -> NDArray[np.float64]:
    """Returns as a vector of finite float64, at least so many of them, whose squares are finite.

    Raises:
        TypeError: not a sequence of numbers.
        ValidationError: too few, or one that is NaN or infinite.
        OverflowError: one whose square a float cannot hold.

    """
    series = as_series(values, "returns")
    if len(series) < least:
        raise ValidationError(f"returns: at least {least} are needed, got {len(series)}")
    largest = np.abs(series).max(initial=0.0)
    # With room for the sum of all.
    if len(series) and largest > (np.finfo(np.float64).max / (4 * len(series))) ** 0.5:
        row = int(np.abs(series).argmax())
        raise OverflowError(
            f"returns[{row}] is {series[row]}, whose square a float cannot hold; use a larger unit"
        )
    return series


def has_mean(mean: object) -> bool:
    """Whether the mean is taken off: not for `zero`, but for `constant` or `mean`, in any case.

    Raises:
        TypeError: no string.
        ValidationError: another one.

    """
    if not isinstance(mean, str):
        raise TypeError(f"mean is a string, got {shown(mean)}")
    if mean.lower() not in _MEANS:
        raise ValidationError(f"mean is 'zero', 'constant' or 'mean', got {mean!r:.80}")
    return _MEANS[mean.lower()]


def recursion(
    decay: float, source: NDArray[np.float64], *, backwards: bool = False
) -> NDArray[np.float64]:
    """`x[t] = source[t] + decay * x[t-1]`, or `x[t+1]` if it runs backwards, in each column."""
    bands = np.empty((2, len(source)), order="F")
    bands[0], bands[1] = 1.0, -decay
    solution, _ = dtbtrs(bands, source, uplo="L", trans="T" if backwards else "N", diag="U")
    return np.asarray(solution.reshape(source.shape))
