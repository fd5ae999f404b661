"""Orders changed by what the venue told of them after a restart, and a change that is refused."""

import sys

try:
    from ib_async import IB, LimitOrder, Order, Stock, StopLimitOrder, StopOrder
except ImportError:
    from ib_insync import IB, LimitOrder, Order, Stock, StopLimitOrder, StopOrder

PORT = int(sys.argv[1])
ib = IB()
ib.connect("127.0.0.1", PORT, clientId=24)
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)


def until(claim):
    while not claim():
        ib.sleep(0.01)


ORDERS = [
    LimitOrder("BUY", 10, 170),
    LimitOrder("BUY", 10, 171, tif="GTC"),
    LimitOrder("BUY", 10, 172, tif="GTD", goodTillDate="20991231 23:59:59 UTC"),
    StopOrder("BUY", 10, 200),
    StopLimitOrder("BUY", 10, 202, 201),
    Order(action="BUY", totalQuantity=10, orderType="TRAIL", auxPrice=5),
    *ib.oneCancelsAll([LimitOrder("BUY", 10, 173), LimitOrder("BUY", 10, 174)], "one", 2),
]
placed = [ib.placeOrder(aapl, order) for order in ORDERS]
until(lambda: all(trade.orderStatus.permId for trade in placed))
ib.disconnect()

ib = IB()  # the program is started again
ib.connect("127.0.0.1", PORT, clientId=24)
said = []
ib.errorEvent += lambda req_id, code, text, contract: said.append(code)
for trade in sorted(ib.openTrades(), key=lambda trade: trade.order.orderId):
    trade.order.totalQuantity = 7
    ib.placeOrder(trade.contract, trade.order)
ib.sleep(0.3)
for trade in sorted(ib.reqAllOpenOrders(), key=lambda trade: trade.order.orderId):
    order = trade.order
    print(order.orderType, order.tif, f"{order.totalQuantity:g}", trade.orderStatus.status)
print("errors", said)

known = {trade.order.lmtPrice: trade for trade in ib.openTrades()}
known[170].order.lmtPrice = 170.001
ib.placeOrder(aapl, known[170].order)
until(lambda: said)
ib.sleep(0.1)
print("off the tick", said)
known[170].order.lmtPrice = 170.01
ib.placeOrder(aapl, known[170].order)
ib.sleep(0.3)
print("on it", known[170].orderStatus.status, said)
ib.reqGlobalCancel()
until(lambda: not ib.openTrades())
ib.disconnect()
