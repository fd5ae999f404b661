"""Target weights to fills at Interactive Brokers, or at the simulated gateway."""

import sys

import nanobook

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 4002

broker = nanobook.IbkrBroker("127.0.0.1", PORT, client_id=2, state="ibkr.sqlite")
with broker:
    plan = nanobook.plan({"AAPL": 0.20, "MSFT": -0.10}, broker=broker, id="2026-02-08")
    print(plan)
    plan.risk.raise_if_failed()
    print(plan.execute())
