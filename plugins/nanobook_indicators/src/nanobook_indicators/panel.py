"""Panels as the original has them: one flat series, row by row.

Every indicator takes a whole panel as it is, an array of shape `(n_periods, n_names)`, a frame or a
list of rows; these are for code that has it flat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import whole
from nanobook_indicators.momentum import macd, rsi
from nanobook_indicators.overlap import bbands, ema, sma
from nanobook_indicators.series import Series, read
from nanobook_indicators.volatility import atr


def sma_panel(close: Series, n_names: int, period: int) -> Series:
    """`sma` of each name of a flat panel: `close[t * n_names + i]` is name i in period t.

    Flat too, in the form of `close`. Units, warm-up, NaN and errors are those of `sma`.

    Raises:
        ValidationError: the length is no multiple of `n_names`, or that is below 1.

    """
    (average,) = _flat(sma, {"close": close}, n_names, period)
    return average


def ema_panel(close: Series, n_names: int, period: int) -> Series:
    """`ema` of each name of a flat panel; else as `sma_panel`."""
    (average,) = _flat(ema, {"close": close}, n_names, period)
    return average


def rsi_panel(close: Series, n_names: int, period: int = 14) -> Series:
    """`rsi` of each name of a flat panel; else as `sma_panel`."""
    (index,) = _flat(rsi, {"close": close}, n_names, period)
    return index


def atr_panel(high: Series, low: Series, close: Series, n_names: int, period: int = 14) -> Series:
    """`atr` of each name of flat panels; else as `sma_panel`."""
    (average,) = _flat(atr, {"high": high, "low": low, "close": close}, n_names, period)
    return average


def bbands_panel(
    close: Series,
    n_names: int,
    period: int = 20,
    num_std_up: float = 2.0,
    num_std_dn: float = 2.0,
) -> tuple[Series, Series, Series]:
    """`bbands` of each name of a flat panel; else as `sma_panel`."""
    upper, middle, lower = _flat(bbands, {"close": close}, n_names, period, num_std_up, num_std_dn)
    return upper, middle, lower


def macd_panel(
    close: Series,
    n_names: int,
    fast_period: int = 12,
    slow_period: int = 26,
    signal_period: int = 9,
) -> tuple[Series, Series, Series]:
    """`macd` of each name of a flat panel; else as `sma_panel`."""
    line, signal, histogram = _flat(
        macd, {"close": close}, n_names, fast_period, slow_period, signal_period
    )
    return line, signal, histogram


#: The original's other way of working out the same.
sma_panel_by_column = sma_panel
ema_panel_by_column = ema_panel


def _flat(
    indicator: Callable[..., Any], inputs: Mapping[str, Series], n_names: object, *options: float
) -> list[Series]:
    count = whole(n_names, "n_names")
    arrays, give_back = read(inputs)
    first = next(iter(inputs))
    if arrays[0].ndim != 1:
        raise ValidationError(
            f"{first}: a flat panel, got shape {arrays[0].shape}; {indicator.__name__} takes it "
            "as it is"
        )
    if count < 1 or len(arrays[0]) % count:
        raise ValidationError(
            f"n_names must be at least 1 and divide the length of {first}, {len(arrays[0])}; "
            f"got {count}"
        )
    found = indicator(*(array.reshape(-1, count) for array in arrays), *options)
    tables = found if isinstance(found, tuple) else (found,)
    return [give_back(np.ravel(table)) for table in tables]
