"""Two months of momentum weights, planned, checked, traded on paper and accounted for."""

from decimal import Decimal

import numpy as np

import nanobook
from nanobook.demo import load_closes

MONTH, YEAR = 21, 252  # trading days
CENT = Decimal("0.01")
dates, symbols, closes = load_closes()
market: dict[str, tuple[Decimal, Decimal]] = {}  # what the broker reads its quotes from


def momentum(day):
    """The five names that rose most over the year before the last month, equally."""
    rise = closes[day - MONTH] / closes[day - YEAR]
    return {symbols[i]: 0.19 for i in np.argsort(-rise)[:5]}


def open_market(day):
    """Quote every name at its close, two cents wide."""
    for symbol, close in zip(symbols, closes[day], strict=True):
        mid = Decimal(f"{close:.2f}")
        market[symbol] = (mid - CENT, mid + CENT)


def rebalance(broker, day):
    """Trade the weights of a day, unless the risk gate refuses them or they are traded already."""
    open_market(day)
    plan = nanobook.plan(momentum(day), broker=broker, id=f"momentum-{dates[day]}")
    print(plan)
    plan.risk.raise_if_failed()
    result = plan.execute()
    print(f"\n{result}\n")
    return result


if __name__ == "__main__":
    broker = nanobook.PaperBroker(100_000, quotes=market, state="momentum.sqlite", costs=5)
    for day in (len(dates) - 1 - MONTH, len(dates) - 1):
        rebalance(broker, day)
    rebalance(broker, day)  # what is done is not done again
    with broker:
        print(f"equity {broker.account().equity:,.2f}, {len(broker.fills())} fills")
