"""Offers of nanobook-indicators."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl

#: By module: name and summary of each function.
_FUNCTIONS = {
    "overlap": {
        "sma": "simple moving average",
        "ema": "exponential moving average",
        "bbands": "Bollinger bands: upper, middle, lower",
        "bollinger": "Bollinger bands, under their newer name",
    },
    "momentum": {
        "rsi": "relative strength index",
        "macd": "moving average convergence and divergence: line, signal, histogram",
        "cci": "commodity channel index",
        "mom": "momentum: change over a number of periods",
        "roc": "rate of change in percent",
        "rocp": "rate of change as a fraction",
        "rocr": "ratio to the value some periods before",
        "ultosc": "ultimate oscillator",
        "willr": "Williams' %R",
    },
    "directional": {
        "plus_di": "plus directional indicator",
        "minus_di": "minus directional indicator",
        "dx": "directional movement index",
        "adx": "average directional movement index",
    },
    "stochastic": {
        "stoch": "slow stochastic: %K and %D",
        "stochf": "fast stochastic: %K and %D",
        "stochrsi": "stochastic RSI: %K and %D",
    },
    "volatility": {
        "trange": "true range",
        "atr": "average true range",
        "wilder_atr": "average true range, under its newer name",
        "natr": "average true range in percent of the close",
    },
    "volume": {
        "ad": "accumulation and distribution line",
        "adosc": "Chaikin's oscillator",
        "obv": "on-balance volume",
    },
    "rolling": {
        "rolling_sharpe": "Sharpe ratio of the latest periods",
        "rolling_volatility": "volatility of the latest periods",
        "rolling_max_drawdown": "maximum drawdown within the latest periods",
    },
    "panel": {
        "sma_panel": "simple moving averages of a flat panel",
        "sma_panel_by_column": "simple moving averages of a flat panel",
        "ema_panel": "exponential moving averages of a flat panel",
        "ema_panel_by_column": "exponential moving averages of a flat panel",
        "rsi_panel": "relative strength indices of a flat panel",
        "atr_panel": "average true ranges of flat panels",
        "bbands_panel": "Bollinger bands of a flat panel",
        "macd_panel": "convergence and divergence of a flat panel",
    },
    "statistic": {
        "spearman": "rank correlation and its p-value",
        "quintile_spread": "return of the highest scores less that of the lowest",
    },
    "split": {"time_series_split": "splits of periods to train and to test on, in order"},
    "supported": {"list_supported_indicators": "which indicators there are"},
}


@hookimpl
def nanobook_features() -> list[Capability]:
    """Offer the indicators and statistics, each a function on `nanobook` too."""
    return [
        Capability(
            kind=Kind.FEATURE,
            name=name,
            feature=name,
            export=name,
            target=f"nanobook_indicators.{module}:{name}",
            summary=summary,
        )
        for module, functions in _FUNCTIONS.items()
        for name, summary in functions.items()
    ]
