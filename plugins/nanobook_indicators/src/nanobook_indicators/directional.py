"""Wilder's directional movement."""

from __future__ import annotations

from nanobook_indicators.column import checked_period, run
from nanobook_indicators.series import Series


def plus_di(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Plus directional indicator, 0 to 100: how much of the true range was a rise of the high.

    `100 * plus / range` of Wilder's sums over `period`, `s = s - s / period + x`, where `plus` is
    the rise of the high, if it is more than the fall of the low. 0 without any range. With
    `period` 1 it is the fraction `plus / range` of each bar, as in TA-Lib. The first `period` are
    NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib PLUS_DI.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run(
        "PLUS_DI", {"high": high, "low": low, "close": close}, checked_period(period, least=1)
    )


def minus_di(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Minus directional indicator, 0 to 100: how much of the true range was a fall of the low.

    `100 * minus / range` of Wilder's sums over `period`, `s = s - s / period + x`, where `minus` is
    the fall of the low, if it is more than the rise of the high. 0 without any range. With
    `period` 1 it is the fraction `minus / range` of each bar, as in TA-Lib. The first `period` are
    NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib MINUS_DI.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run(
        "MINUS_DI", {"high": high, "low": low, "close": close}, checked_period(period, least=1)
    )


def dx(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Directional movement index, 0 to 100: how one-sided the directional indicators are.

    `100 * abs(plus_di - minus_di) / (plus_di + minus_di)`; the value before where both are 0, at
    first 0. The first `period` are NaN; `period` is 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib DX.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run("DX", {"high": high, "low": low, "close": close}, checked_period(period))


def adx(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Average directional movement index, 0 to 100: the strength of a trend.

    Wilder's average of `dx`, `a = (a * (period - 1) + dx) / period`, begun with the mean of the
    first `period`. The first `2 * period - 1` are NaN; `period` is 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib ADX.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run("ADX", {"high": high, "low": low, "close": close}, checked_period(period))
