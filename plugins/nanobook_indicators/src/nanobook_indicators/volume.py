"""Volume, by the direction of prices."""

from __future__ import annotations

from nanobook_indicators.column import checked_period, run
from nanobook_indicators.series import Series


def ad(high: Series, low: Series, close: Series, volume: Series) -> Series:
    """Chaikin's accumulation and distribution line, in units of the volume.

    Sum of `((close - low) - (high - close)) / (high - low) * volume` from the start on; a bar
    without a range adds 0. There is no warm-up.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Chaikin; TA-Lib AD.

    Raises:
        TypeError: no list, array, series or frame of numbers.
        ValidationError: a value infinite or beyond 1e100, inputs of other lengths, columns or
            index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run("AD", {"high": high, "low": low, "close": close, "volume": volume})


def adosc(  # noqa: PLR0917 - the original's parameters, in its order
    high: Series,
    low: Series,
    close: Series,
    volume: Series,
    fast_period: int = 3,
    slow_period: int = 10,
) -> Series:
    """Chaikin's oscillator: a fast average of `ad` less a slow one, in units of the volume.

    The averages are exponential, `2 / (period + 1)`, and begin with the first value of `ad`. The
    first `max(fast_period, slow_period) - 1` are NaN; periods are 2 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Chaikin; TA-Lib ADOSC.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    return run(
        "ADOSC",
        {"high": high, "low": low, "close": close, "volume": volume},
        checked_period(fast_period, "fast_period"),
        checked_period(slow_period, "slow_period"),
    )


def obv(close: Series, volume: Series) -> Series:
    """On-balance volume: volume of rising closes less that of falling ones, in its unit.

    Begun with the first volume; there is no warm-up.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Granville (1963), New Key to Stock Market Profits; TA-Lib OBV.

    Raises:
        TypeError: no list, array, series or frame of numbers.
        ValidationError: a value infinite or beyond 1e100 or inputs of other lengths, columns or
            index.

    Runtime complexity: O(n).

    """
    return run("OBV", {"close": close, "volume": volume})
