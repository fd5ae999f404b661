"""A program without a watchdog: when the connection goes, it tries until there is another."""

import sys

try:
    from ib_async import IB, LimitOrder, Stock
except ImportError:
    from ib_insync import IB, LimitOrder, Stock

ib = IB()


def connect():
    while True:
        try:
            ib.connect("127.0.0.1", int(sys.argv[1]), clientId=25)
        except OSError:  # nobody there
            ib.sleep(0.05)
        else:
            return


connect()
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)
for limit in (184, 170):
    trade = ib.placeOrder(aapl, LimitOrder("BUY", 10, limit, orderRef=f"at {limit}"))
    while trade.orderStatus.status != "Submitted":
        ib.sleep(0.01)
print("resting", [trade.order.orderRef for trade in ib.openTrades()])
print("cut", flush=True)
while ib.isConnected():
    try:
        ib.sleep(0.01)
    except ConnectionError:
        print("the connection went")
connect()
print("open", [trade.order.orderRef for trade in ib.reqAllOpenOrders()])
for fill in ib.reqExecutions():
    print("filled", fill.execution.orderRef, fill.execution.price)
print("holds", [f"{each.position:g} {each.contract.symbol}" for each in ib.positions()])
ib.disconnect()
