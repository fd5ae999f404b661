"""Two hundred orders at once, as fast as the library lets them out."""

import sys

try:
    from ib_async import IB, LimitOrder, Stock
except ImportError:
    from ib_insync import IB, LimitOrder, Stock

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=23)
said = []
ib.errorEvent += lambda req_id, code, text, contract: said.append(code)
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)
trades = [ib.placeOrder(aapl, LimitOrder("BUY", 1, 150 + number / 100)) for number in range(200)]
while any(trade.orderStatus.status != "Submitted" for trade in trades):
    ib.sleep(0.05)
print(len(ib.reqAllOpenOrders()), "open, errors", said)
ib.reqGlobalCancel()
while ib.openTrades():
    ib.sleep(0.05)
print({trade.orderStatus.status for trade in trades}, set(said))
ib.disconnect()
