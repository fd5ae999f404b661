"""Offers 100 shares of AAPL and waits until somebody takes them."""

import sys

try:
    import ib_insync as ibi
except ImportError:
    import ib_async as ibi

ib = ibi.IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=21)
contract = ibi.Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(contract)
trade = ib.placeOrder(contract, ibi.LimitOrder("SELL", 100, 185.00, orderRef="seller"))
while trade.orderStatus.status != "Submitted":
    ib.sleep(0.01)
print(f"{ibi.__name__}: offered 100 AAPL at 185.00", flush=True)
while not trade.isDone() or not trade.fills[-1].commissionReport.execId:
    ib.sleep(0.01)
for fill in trade.fills:
    done, cost = fill.execution, fill.commissionReport.commission
    print(f"{ibi.__name__}: {done.side} {done.shares:g} at {done.price:.2f}, commission {cost:.2f}")
ib.disconnect()
