"""Reconnects as programs write them who have no watchdog: in a loop, until the gateway is there."""

import sys

try:
    from ib_async import IB, LimitOrder, Stock
except ImportError:
    from ib_insync import IB, LimitOrder, Stock

PORT = int(sys.argv[1])
ib = IB()
aapl = Stock("AAPL", "SMART", "USD")
for number in range(5):
    ib.connect("127.0.0.1", PORT, clientId=17)
    ib.qualifyContracts(aapl)
    ib.placeOrder(aapl, LimitOrder("BUY", 1 + number, 150, orderRef=f"round {number}"))
    while any(trade.orderStatus.status != "Submitted" for trade in ib.openTrades()):
        ib.sleep(0.01)
    print(number, "open", [trade.order.orderRef for trade in ib.openTrades()])
    ib.disconnect()
    while ib.isConnected():
        ib.sleep(0.01)

ib.connect("127.0.0.1", PORT, clientId=17)
orders = sorted((t.order.orderId, t.order.orderRef) for t in ib.openTrades())
print("numbers rise:", [number for number, _ in orders] == sorted({number for number, _ in orders}))
for trade in ib.openTrades():
    ib.cancelOrder(trade.order)
while ib.openTrades():
    ib.sleep(0.01)
print("open", len(ib.reqAllOpenOrders()))
ib.disconnect()
