"""Risk of the latest periods, again at the end of each."""

from __future__ import annotations

import math

import numpy as np

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import real, whole
from nanobook_indicators.series import Floats, Series, read

#: Deviation of this fraction of the mean, or less, is the rounding of equal returns.
_ROUNDING = 1e-12


def rolling_volatility(returns: Series, window: int, periods_per_year: float = 252) -> Series:
    """Sample deviation (ddof 1) of the latest `window` returns, annualised.

    Times `sqrt(periods_per_year)`; 0 where it is no more than rounding, at most 1e-12 of the mean.
    The first `window - 1` are NaN, and so are windows with a NaN in them. Every window is summed by
    itself, from its first return to its last: nothing is carried from one to the next, so no
    rounding is. An empty series gives an empty one, one that is shorter than the window all NaN.

    Raises:
        TypeError: no list, array, series or frame of numbers; a window that is no int, a number of
            periods that is none.
        ValidationError: a return infinite or beyond 1e100, a window below 2, or `periods_per_year`
            not above 0.

    Runtime complexity: O(n * window).

    """
    size, year = _size(window, 2), _year(periods_per_year)
    (values,), give_back = read({"returns": returns})
    mean, deviation = _moments(values, size)
    deviation[deviation <= _ROUNDING * np.abs(mean)] = 0.0
    result: Series = give_back(_from(deviation * year, values))
    return result


def rolling_sharpe(returns: Series, window: int, periods_per_year: float = 252) -> Series:
    """Mean over sample deviation (ddof 1) of the latest `window` returns, annualised.

    Times `sqrt(periods_per_year)`; there is no risk-free return. 0 where the deviation is no more
    than rounding: at most 1e-12 of the mean. Warm-up, NaN and sums are as in `rolling_volatility`.

    Source: Sharpe (1994), The Sharpe Ratio.

    Raises:
        TypeError: no list, array, series or frame of numbers; a window that is no int, a number of
            periods that is none.
        ValidationError: a return infinite or beyond 1e100, a window below 2, or `periods_per_year`
            not above 0.

    Runtime complexity: O(n * window).

    """
    size, year = _size(window, 2), _year(periods_per_year)
    (values,), give_back = read({"returns": returns})
    mean, deviation = _moments(values, size)
    is_risky = ~(deviation <= _ROUNDING * np.abs(mean))  # true of NaN, which is to stay
    ratio = np.zeros(mean.shape)
    np.divide(mean * year, deviation, out=ratio, where=is_risky)
    result: Series = give_back(_from(ratio, values))
    return result


def rolling_max_drawdown(equity: Series, window: int) -> Series:
    """Largest loss from a running peak within the latest `window` values, as a fraction of it.

    Positive, 0 without a loss. The peak is one within the window. The first `window - 1` are NaN,
    and so are windows with a NaN in them. An empty series gives an empty one, one that is shorter
    than the window all NaN.

    Raises:
        TypeError: no list, array, series or frame of numbers; a window that is no int.
        ValidationError: an equity that is infinite, beyond 1e100 or not above 0, or a window below
            1.

    Runtime complexity: O(n * window).

    """
    size = _size(window, 1)
    (values,), give_back = read({"equity": equity})
    if (values <= 0.0).any():
        place = tuple(np.argwhere(values <= 0.0)[0].tolist())
        raise ValidationError(
            f"equity[{', '.join(map(str, place))}] is {values[place]}; a drawdown is a fraction of "
            "a peak, so equity must be above 0"
        )
    parts = _parts(values, size)
    peak, loss = parts[0], np.zeros(parts[0].shape)
    for part in parts:
        peak = np.maximum(peak, part)
        loss = np.maximum(loss, (peak - part) / peak)
    result: Series = give_back(_from(loss, values))
    return result


def _parts(values: Floats, size: int) -> list[Floats]:
    """Views of the first values of all windows, of the second ones, and so on."""
    n_windows = max(len(values) - size + 1, 0)
    return [values[start : start + n_windows] for start in range(size)]


def _moments(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Mean and sample deviation of each window."""
    parts = _parts(values, size)
    mean = sum(parts[1:], parts[0]) / size
    square = np.zeros(mean.shape)
    for part in parts:
        square += np.square(part - mean)
    return mean, np.sqrt(square / (size - 1))


def _from(found: Floats, values: Floats) -> Floats:
    """What was found of full windows, after the warm-up."""
    result = np.full(values.shape, np.nan)
    if len(found):
        result[len(values) - len(found) :] = found
    return result


def _size(window: object, least: int) -> int:
    size = whole(window, "window")
    if size < least:
        raise ValidationError(f"window must be at least {least} periods, got {size}")
    return size


def _year(periods_per_year: object) -> float:
    periods = real(periods_per_year, "periods_per_year")
    if not 0.0 < periods < math.inf:
        raise ValidationError(f"periods_per_year must be finite and > 0, got {periods}")
    return math.sqrt(periods)
