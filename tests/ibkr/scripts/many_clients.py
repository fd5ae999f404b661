"""Thirty-two clients of one gateway, a number taken twice, a thirty-third, and client 0."""

import sys

try:
    from ib_async import IB, LimitOrder, Stock
except ImportError:
    from ib_insync import IB, LimitOrder, Stock

PORT = int(sys.argv[1])
clients = {}


def connect(number):
    clients[number] = IB()
    clients[number].connect("127.0.0.1", PORT, clientId=number)


def refused(number):
    ib, said = IB(), []
    ib.errorEvent += lambda req_id, code, text, contract: said.append(code)
    try:
        ib.connect("127.0.0.1", PORT, clientId=number, timeout=1)
    except (ConnectionError, TimeoutError) as error:
        print(f"client {number}: {type(error).__name__}", said)
    else:
        print(f"client {number}: connected")


for number in range(31):
    connect(number)
refused(5)
connect(31)
print(sum(ib.isConnected() for ib in clients.values()), "connected")
refused(32)

aapl = Stock("AAPL", "SMART", "USD")
clients[0].qualifyContracts(aapl)
for number in (1, 2, 3):
    clients[number].placeOrder(aapl, LimitOrder("BUY", number, 150 + number))
for number in (1, 2, 3):
    while clients[number].openTrades()[0].orderStatus.status != "Submitted":
        clients[number].sleep(0.01)
everyone = clients[0].reqAllOpenOrders()
print("open", sorted((t.order.clientId, f"{t.order.totalQuantity:g}") for t in everyone))
print("of client 2", [f"{t.order.totalQuantity:g}" for t in clients[2].reqOpenOrders()])
clients[0].reqGlobalCancel()
for number in (1, 2, 3):
    (trade,) = clients[number].trades()
    while not trade.isDone():
        clients[number].sleep(0.01)
    print("client", number, trade.orderStatus.status)
for ib in clients.values():
    ib.disconnect()
