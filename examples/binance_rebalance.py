"""Target weights to fills at Binance's testnet, or at the simulated exchange."""

import sys

import nanobook

URL = sys.argv[1] if len(sys.argv) > 1 else None

with nanobook.BinanceBroker(base_url=URL, state="binance.sqlite") as broker:
    plan = nanobook.plan({"BTC": 0.20, "ETH": 0.15}, broker=broker, id="2026-02-08")
    print(plan)
    plan.risk.raise_if_failed()
    print(plan.execute())
