"""Monthly momentum on 20 US large caps against equal weight, with costs and a trailing stop."""

import numpy as np

import nanobook
from nanobook.demo import load_closes

PRICE_UNIT = 0.001  # dollars; the closes have three decimals, so prices in it are exact
MONTH, YEAR = 21, 252  # trading days
dates, symbols, closes = load_closes()
prices = np.rint(closes / PRICE_UNIT).astype(np.int64).tolist()
months = dates.astype("datetime64[M]")


def momentum(day):
    """The five names that rose most over the year before the last month; 1 % stays for costs."""
    rise = closes[day - MONTH] / closes[day - YEAR]
    return [(symbols[i], 0.99 / 5) for i in np.argsort(-rise)[:5]]


def backtest(weights_on, stop_cfg=None):
    """Trade at the first close of each month, for 15 bps of what is traded; None means hold."""
    days = range(YEAR, len(dates))  # the first year is history only
    weights = [weights_on(day) if months[day] != months[day - 1] else None for day in days]
    bars = [list(zip(symbols, prices[day], strict=True)) for day in days]
    cash = round(1_000_000 / PRICE_UNIT)
    return nanobook.backtest_weights(weights, bars, cash, cost_bps=15, stop_cfg=stop_cfg)


results = {
    "momentum": backtest(momentum, {"trailing_stop_pct": 0.25}),
    "equal weight": backtest(lambda _: [(symbol, 0.99 / len(symbols)) for symbol in symbols]),
}

if __name__ == "__main__":
    for name, result in results.items():
        print(name, result["metrics"], sep=": ")
    curves = {name: result["equity_curve"] for name, result in results.items()}
    print(nanobook.plot_equity(curves, dates[YEAR - 1 :], "momentum.png"))
