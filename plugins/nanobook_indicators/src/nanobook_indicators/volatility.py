"""Ranges of prices."""

from __future__ import annotations

from nanobook_indicators.column import checked_period, run
from nanobook_indicators.series import Series


def trange(high: Series, low: Series, close: Series) -> Series:
    """True range: the highest of high and close before, less the lowest of low and close before.

    In the unit of the prices. The first is NaN: nothing was before.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib TRANGE.

    Raises:
        TypeError: no list, array, series or frame of numbers.
        ValidationError: a value infinite or beyond 1e100, inputs of other lengths, columns or
            index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run("TRANGE", {"high": high, "low": low, "close": close})


def atr(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Average true range by Wilder, in the unit of the prices.

    `a = (a * (period - 1) + trange) / period`, begun with the mean of the first `period` true
    ranges. The first `period` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib ATR.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run("ATR", {"high": high, "low": low, "close": close}, checked_period(period, least=1))


def natr(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Average true range in percent of the close: `100 * atr / close`.

    0 where the close is 0. With `period` 1 it is the true range itself, as in TA-Lib. The first
    `period` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Forman (2006), Cross-Market Evaluations with Normalized Average True Range; TA-Lib NATR.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run("NATR", {"high": high, "low": low, "close": close}, checked_period(period, least=1))


#: The name of the newest original.
wilder_atr = atr
