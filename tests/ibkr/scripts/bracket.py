"""A bracket: the entry fills, its children wake; the profit is taken, the stop is cancelled."""

import sys

try:
    from ib_async import IB, Stock
except ImportError:
    from ib_insync import IB, Stock

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=15)
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)


def until(claim):
    while not claim():
        ib.sleep(0.01)


def show(when):
    states = (f"{name} {trade.orderStatus.status}" for name, trade in trades.items())
    print(when, *states, sep=" | ")


bracket = ib.bracketOrder("BUY", 100, 184.50, takeProfitPrice=190, stopLossPrice=180)
trades = {}
for name, order in zip(("entry", "profit", "loss"), bracket, strict=True):
    trades[name] = ib.placeOrder(aapl, order)
until(lambda: all(trade.orderStatus.permId for trade in trades.values()))
until(lambda: trades["entry"].orderStatus.status == "Submitted")
show("placed")
print("the market falls", flush=True)
until(trades["entry"].isDone)
until(lambda: trades["profit"].orderStatus.status == "Submitted")
show("entered")
print("the market rises", flush=True)
until(trades["profit"].isDone)
until(trades["loss"].isDone)
show("done")
until(lambda: ib.positions() == [] or ib.positions()[0].position == 0)
print("made", *(f"{fill.execution.side} {fill.execution.price}" for fill in ib.fills()))

again = ib.bracketOrder("BUY", 100, 170, takeProfitPrice=190, stopLossPrice=160)
trades = {}
for name, order in zip(("entry", "profit", "loss"), again, strict=True):
    trades[name] = ib.placeOrder(aapl, order)
until(lambda: trades["entry"].orderStatus.status == "Submitted")
ib.cancelOrder(again.parent)
until(lambda: all(trade.isDone() for trade in trades.values()))
show("entry cancelled")
ib.disconnect()
