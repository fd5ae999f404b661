"""Weights from a factor in pandas, checked for look-ahead, traded with costs and a stop."""

import pandas as pd

import nanobook
from nanobook.demo import load_closes

NAMES, HALF_YEAR = 10, 126  # trading days
dates, symbols, closes = load_closes()
prices = pd.DataFrame(closes, pd.DatetimeIndex(dates, name="date"), list(symbols))


def calm(prices):
    """The calmest names of the last half year, by inverse volatility, monthly."""
    volatility = prices.pct_change().rolling(HALF_YEAR).std()
    weights = (1 / volatility).where(volatility.rank(axis=1) <= NAMES, 0.0)
    weights = weights.div(weights.sum(axis=1), axis=0)
    month = prices.index.to_series().dt.to_period("M")
    return weights[month != month.shift()].reindex(prices.index)  # a row all NaN holds


nanobook.check_lookahead(calm, prices, n_cuts=3).raise_if_leaking()
result = nanobook.simulate(
    calm(prices),
    prices,
    cash=1_000_000,
    costs=nanobook.Bps(commission_bps=5, slippage_bps=10),
    stops=nanobook.Stops(trailing=0.25),
    fills=nanobook.NextBar(),
    constraints=nanobook.Constraints(no_trade_band=0.005),
    price_unit="0.001",
)

if __name__ == "__main__":
    print(result)
    print(result["metrics"])
    print(f"turnover {result.turnover.gross_annual:.2f} a year, {len(result.trades)} trades")
    print(result.to_pandas("drawdowns").head(3)[["depth", "peak_date", "recovery_date"]])
    print(result.to_pandas("skipped")["reason"].value_counts().to_string())
    result.save("calm.json")
    print(nanobook.plot_equity({"calm": result["equity_curve"][1:]}, dates, "calm.png"))
