"""Stops of all kinds, and one order of two, while the market moves."""

import sys

try:
    from ib_async import IB, LimitOrder, MarketOrder, Order, Stock, StopLimitOrder, StopOrder
except ImportError:
    from ib_insync import IB, LimitOrder, MarketOrder, Order, Stock, StopLimitOrder, StopOrder

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=20)
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)


def until(claim):
    while not claim():
        ib.sleep(0.01)


def show(when):
    print(when)
    for name, trade in trades.items():
        status = trade.orderStatus
        at = f" at {status.avgFillPrice:.2f}" if status.filled else ""
        print(f"  {name}: {status.status}{at}")


bought = ib.placeOrder(aapl, MarketOrder("BUY", 300))
until(bought.isDone)
group = ib.oneCancelsAll(
    [LimitOrder("SELL", 100, 190), StopOrder("SELL", 100, 184.50)], "profit or loss", 1
)
trail = Order(action="SELL", totalQuantity=100, orderType="TRAIL", auxPrice=3)
orders = {
    "stop": StopOrder("SELL", 100, 184.45),
    "stop limit": StopLimitOrder("SELL", 100, 184.43, 184.45),
    "trailing": trail,
    "profit": group[0],
    "loss": group[1],
}
trades = {name: ib.placeOrder(aapl, order) for name, order in orders.items()}
until(lambda: all(trade.orderStatus.permId for trade in trades.values()))
until(lambda: trades["profit"].orderStatus.status == "Submitted")
show("placed")
print("the market rises", flush=True)
until(trades["profit"].isDone)
until(trades["loss"].isDone)
show("after the rise")
print("the market falls", flush=True)
until(lambda: trades["stop"].isDone() and trades["trailing"].isDone())
until(lambda: trades["stop limit"].orderStatus.status == "Submitted")
show("after the fall")
ib.cancelOrder(orders["stop limit"])
until(trades["stop limit"].isDone)
print("open", len(ib.reqAllOpenOrders()))
ib.disconnect()
