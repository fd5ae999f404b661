"""Speed and direction of prices."""

from __future__ import annotations

from nanobook_core.errors import ValidationError
from nanobook_indicators.column import checked_period, run, run_all
from nanobook_indicators.series import Series


def rsi(close: Series, period: int = 14) -> Series:
    """Relative strength index, 0 to 100.

    `100 * gain / (gain + loss)` of Wilder's averages of rises and falls, `a = (a * (period - 1) +
    x) / period`, begun with the mean of the first `period` changes. 0 where nothing has moved. The
    first `period` are NaN; `period` is 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib RSI.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    return run("RSI", {"close": close}, checked_period(period))


def macd(
    close: Series, fast_period: int = 12, slow_period: int = 26, signal_period: int = 9
) -> tuple[Series, Series, Series]:
    """Moving average convergence and divergence: line, signal, histogram; in the values' unit.

    The line is the fast exponential average less the slow one, both begun at period `slow_period -
    1` with simple means; the signal an exponential average of the line; the histogram the line less
    the signal. The first `slow_period + signal_period - 2` are NaN in all three; `signal_period` is
    1 to 100000, the others 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Appel (2005), Technical Analysis: Power Tools for Active Investors; TA-Lib MACD.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, or a fast period
            that is not below the slow one.

    Runtime complexity: O(n).

    """
    fast, slow = (
        checked_period(fast_period, "fast_period"),
        checked_period(slow_period, "slow_period"),
    )
    if fast >= slow:
        raise ValidationError(f"fast_period must be below slow_period, got {fast} and {slow}")
    line, signal, histogram = run_all(
        "MACD",
        {"close": close},
        fast,
        slow,
        checked_period(signal_period, "signal_period", 1),
        n_outputs=3,
    )
    return line, signal, histogram


def cci(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Commodity channel index, a pure number that is mostly within 100 of 0.

    `(t - mean) / (0.015 * deviation)` of the typical price `t = (high + low + close) / 3`, with the
    mean and the mean absolute deviation of the latest `period`; 0 where nothing deviates. The first
    `period - 1` are NaN; `period` is 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Lambert (1980), Commodity Channel Index; TA-Lib CCI.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n * period).

    """
    return run("CCI", {"high": high, "low": low, "close": close}, checked_period(period))


def mom(close: Series, period: int = 10) -> Series:
    """Momentum: the value less the one `period` before, in their unit.

    The first `period` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN is where one of the two
    values is missing.

    Source: TA-Lib MOM.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    return run("MOM", {"close": close}, checked_period(period, least=1), bridges_gaps=True)


def roc(close: Series, period: int = 10) -> Series:
    """Rate of change over `period` in percent: `100 * (x / before - 1)`.

    0 where the value before is 0. The first `period` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN is where one of the two
    values is missing.

    Source: TA-Lib ROC.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    return run("ROC", {"close": close}, checked_period(period, least=1), bridges_gaps=True)


def rocp(close: Series, period: int = 10) -> Series:
    """Rate of change over `period` as a fraction: `(x - before) / before`.

    0 where the value before is 0. The first `period` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN is where one of the two
    values is missing.

    Source: TA-Lib ROCP.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    return run("ROCP", {"close": close}, checked_period(period, least=1), bridges_gaps=True)


def rocr(close: Series, period: int = 10) -> Series:
    """Ratio of the value to the one `period` before: `x / before`.

    0 where the value before is 0. The first `period` are NaN; `period` is 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN is where one of the two
    values is missing.

    Source: TA-Lib ROCR.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    return run("ROCR", {"close": close}, checked_period(period, least=1), bridges_gaps=True)


def ultosc(  # noqa: PLR0917 - the original's parameters, in its order
    high: Series, low: Series, close: Series, period1: int = 7, period2: int = 14, period3: int = 28
) -> Series:
    """Ultimate oscillator, 0 to 100.

    `100 * (4 * a + 2 * b + c) / 7`, where `a`, `b` and `c`, of the shortest to the longest of the
    periods, are the sum of `close - min(low, close before)` over that of true ranges. The first
    `max(period1, period2, period3)` are NaN; periods are 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Williams (1985), The Ultimate Oscillator; TA-Lib ULTOSC.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run(
        "ULTOSC",
        {"high": high, "low": low, "close": close},
        checked_period(period1, "period1", 1),
        checked_period(period2, "period2", 1),
        checked_period(period3, "period3", 1),
    )


def willr(high: Series, low: Series, close: Series, period: int = 14) -> Series:
    """Williams' %R, -100 to 0.

    `-100 * (highest - close) / (highest - lowest)` of the latest `period` highs and lows, 0 where
    they are one. The first `period - 1` are NaN; `period` is 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Williams (1973), How I Made One Million Dollars; TA-Lib WILLR.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run("WILLR", {"high": high, "low": low, "close": close}, checked_period(period))
