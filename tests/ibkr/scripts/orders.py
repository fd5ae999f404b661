"""Orders: filled, resting, changed, cancelled, refused; and what is told of them afterwards."""

import sys

try:
    from ib_async import IB, LimitOrder, MarketOrder, Stock, StopOrder
except ImportError:
    from ib_insync import IB, LimitOrder, MarketOrder, Stock, StopOrder

PORT = int(sys.argv[1])
ib = IB()
ib.connect("127.0.0.1", PORT, clientId=14)
ib.errorEvent += lambda req_id, code, text, contract: (
    None if req_id < 0 else print("  message", code, text)
)
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)


def until(claim):
    while not claim():
        ib.sleep(0.01)


def show(what, trade):
    status = trade.orderStatus
    print(what, status.status, f"{status.filled:g}/{trade.order.totalQuantity:g}", end="")
    print(f" at {status.avgFillPrice:.2f}" if status.filled else "")


bought = ib.placeOrder(aapl, LimitOrder("BUY", 100, 185.05, orderRef="first"))
until(lambda: bought.isDone() and bought.fills[-1].commissionReport.execId)
show("limit through the ask", bought)
print("  commission", bought.fills[0].commissionReport.commission)

resting = ib.placeOrder(aapl, LimitOrder("BUY", 10, 180))
until(lambda: resting.orderStatus.status == "Submitted")
show("limit below the bid", resting)
resting.order.lmtPrice = 185.01
ib.placeOrder(aapl, resting.order)
until(resting.isDone)
show("changed to the ask", resting)

patient = ib.placeOrder(aapl, LimitOrder("BUY", 10, 170, tif="GTC"))
until(lambda: patient.orderStatus.status == "Submitted")
print("open", [(trade.order.tif, trade.order.lmtPrice) for trade in ib.openTrades()])
ib.cancelOrder(patient.order)
until(patient.isDone)
show("cancelled", patient)

quick = ib.placeOrder(aapl, LimitOrder("BUY", 700, 185.01, tif="IOC"))
until(quick.isDone)
show("immediate or cancel", quick)
whole = ib.placeOrder(aapl, LimitOrder("BUY", 7_000, 185.01, tif="FOK"))
until(whole.isDone)
show("fill or kill", whole)

protective = ib.placeOrder(aapl, StopOrder("SELL", 50, 180))
until(lambda: protective.orderStatus.status == "PreSubmitted" and protective.orderStatus.permId)
show("stop", protective)
ib.cancelOrder(protective.order)
until(protective.isDone)

sold = ib.placeOrder(aapl, MarketOrder("SELL", 60))
until(lambda: sold.isDone() and sold.fills[-1].commissionReport.execId)
show("market", sold)
print("  realized", f"{sold.fills[0].commissionReport.realizedPNL:.2f}")

off_tick = ib.placeOrder(aapl, LimitOrder("BUY", 1, 180.001))
far_too_much = ib.placeOrder(aapl, LimitOrder("BUY", 1_000_000, 185))
ib.sleep(0.3)

print("executions", [(e.side, f"{e.shares:g}", e.price, e.orderRef) for e in ib.executions()])
print("fills", len(ib.fills()))
ib.disconnect()

ib.connect("127.0.0.1", PORT, clientId=14)
again = ib.reqExecutions()
print("after a reconnect", [(f.execution.side, f"{f.execution.shares:g}") for f in again])
done = ib.reqCompletedOrders(apiOnly=False)
print("completed", sorted((t.orderStatus.status, f"{t.order.filledQuantity:g}") for t in done))
ib.disconnect()
