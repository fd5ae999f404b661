"""Where the close is in the latest range."""

from __future__ import annotations

from nanobook_indicators.column import checked_period, run_all
from nanobook_indicators.series import Series

#: TA-Lib's number for a simple moving average.
_SIMPLE = 0


def stochf(
    high: Series, low: Series, close: Series, fastk_period: int = 5, fastd_period: int = 3
) -> tuple[Series, Series]:
    """Fast stochastic: %K and %D, 0 to 100.

    %K is `100 * (close - lowest) / (highest - lowest)` of the latest `fastk_period` lows and highs,
    0 where they are one; %D its simple average over `fastd_period`. The first `fastk_period +
    fastd_period - 2` are NaN in both; periods are 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Lane (1984), Lane's Stochastics; TA-Lib STOCHF.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    k, d = run_all(
        "STOCHF",
        {"high": high, "low": low, "close": close},
        checked_period(fastk_period, "fastk_period", 1),
        checked_period(fastd_period, "fastd_period", 1),
        n_outputs=2,
    )
    return k, d


def stoch(  # noqa: PLR0917 - the original's parameters, in its order
    high: Series,
    low: Series,
    close: Series,
    fastk_period: int = 5,
    slowk_period: int = 3,
    slowd_period: int = 3,
) -> tuple[Series, Series]:
    """Slow stochastic: %K and %D, 0 to 100.

    %K is the simple average over `slowk_period` of the fast %K (see `stochf`), %D that of %K over
    `slowd_period`. The first `fastk_period + slowk_period + slowd_period - 3` are NaN in both;
    periods are 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Lane (1984), Lane's Stochastics; TA-Lib STOCH with simple averages.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100, a period out of range, inputs of other
            lengths, columns or index, or a high below its low.

    Runtime complexity: O(n).

    """
    k, d = run_all(
        "STOCH",
        {"high": high, "low": low, "close": close},
        checked_period(fastk_period, "fastk_period", 1),
        checked_period(slowk_period, "slowk_period", 1),
        _SIMPLE,
        checked_period(slowd_period, "slowd_period", 1),
        _SIMPLE,
        n_outputs=2,
    )
    return k, d


def stochrsi(
    close: Series, timeperiod: int = 14, fastk_period: int = 5, fastd_period: int = 3
) -> tuple[Series, Series]:
    """Stochastic RSI: the fast stochastic's %K and %D of `rsi`, 0 to 100.

    Of `rsi(close, timeperiod)` as high, low and close. The first `timeperiod + fastk_period +
    fastd_period - 2` are NaN in both; `timeperiod` is 2 to 100000, the others 1 to 100000.

    An empty series gives an empty one, one that is too short all NaN. NaN at the start is as if the
    series began after it; from a later NaN on the result is NaN.

    Source: Chande and Kroll (1994), The New Technical Trader; TA-Lib STOCHRSI.

    Raises:
        TypeError: no list, array, series or frame of numbers; a period that is no int.
        ValidationError: a value infinite or beyond 1e100 or a period out of range.

    Runtime complexity: O(n).

    """
    k, d = run_all(
        "STOCHRSI",
        {"close": close},
        checked_period(timeperiod, "timeperiod"),
        checked_period(fastk_period, "fastk_period", 1),
        checked_period(fastd_period, "fastd_period", 1),
        n_outputs=2,
    )
    return k, d
