"""What is TA-Lib's here."""

from __future__ import annotations

from typing import Any

#: Name, category and input of each, in the original's order.
_INDICATORS = (
    ("sma", "overlap", "close"),
    ("ema", "overlap", "close"),
    ("rsi", "momentum", "close"),
    ("macd", "momentum", "close"),
    ("bbands", "overlap", "close"),
    ("atr", "volatility", "ohlc"),
    ("stoch", "momentum", "ohlc"),
    ("stochf", "momentum", "ohlc"),
    ("stochrsi", "momentum", "close"),
    ("adx", "momentum", "ohlc"),
    ("plus_di", "momentum", "ohlc"),
    ("minus_di", "momentum", "ohlc"),
    ("dx", "momentum", "ohlc"),
    ("cci", "momentum", "ohlc"),
    ("willr", "momentum", "ohlc"),
    ("ultosc", "momentum", "ohlc"),
    ("mom", "momentum", "close"),
    ("roc", "momentum", "close"),
    ("rocp", "momentum", "close"),
    ("rocr", "momentum", "close"),
    ("obv", "volume", "close_volume"),
    ("ad", "volume", "ohlcv"),
    ("adosc", "volume", "ohlcv"),
    ("natr", "volatility", "ohlc"),
    ("trange", "volatility", "ohlc"),
)


def list_supported_indicators() -> list[dict[str, Any]]:
    """Every indicator that has TA-Lib's values: name, category, input type and TA-Lib's name.

    `input_type` is `close`, `close_volume`, `ohlc` (high, low, close) or `ohlcv` (and volume): the
    arguments before the options, in that order. `has_parity` is True of all: values and warm-up are
    TA-Lib's.
    """
    return [
        {
            "name": name,
            "category": category,
            "input_type": input_type,
            "talib": name.upper(),
            "has_parity": True,
        }
        for name, category, input_type in _INDICATORS
    ]
