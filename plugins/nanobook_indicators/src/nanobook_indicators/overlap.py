"""Averages and bands on the scale of the prices."""

from __future__ import annotations

from nanobook_indicators.column import checked_period, checked_width, run, run_all
from nanobook_indicators.series import Series


def sma(close: Series, period: int) -> Series:
    """Simple moving average: the mean of the latest `period` values, in their unit.

    The first `period - 1` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: TA-Lib SMA.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    return run("SMA", {"close": close}, checked_period(period, least=1))


def ema(close: Series, period: int) -> Series:
    """Exponential moving average, in the unit of the values.

    `e = e + 2 / (period + 1) * (x - e)`, begun with the mean of the first `period` values, at the
    last of them. The first `period - 1` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: TA-Lib EMA.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    return run("EMA", {"close": close}, checked_period(period, least=1))


def bbands(
    close: Series, period: int = 20, num_std_up: float = 2.0, num_std_dn: float = 2.0
) -> tuple[Series, Series, Series]:
    """Bollinger bands: upper, middle and lower, in the unit of the values.

    The middle is the mean of the latest `period` values, and the others are `num_std_up` and
    `num_std_dn` of their population deviations (ddof 0) above and below it. The first `period - 1`
    are NaN; `period` is 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Bollinger (2001), Bollinger on Bollinger Bands; TA-Lib BBANDS.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int, a width that
            is no number.
        ValidationError: a value infinite or beyond 1e100, a period out of range, or a width that is
            negative or not finite.

    Runtime complexity: O(n).

    """
    upper, middle, lower = run_all(
        "BBANDS",
        {"close": close},
        checked_period(period),
        checked_width(num_std_up, "num_std_up"),
        checked_width(num_std_dn, "num_std_dn"),
        n_outputs=3,
    )
    return upper, middle, lower


#: The name of the newest original.
bollinger = bbands
