"""Quotes: once, all the time, delayed, and of what has none."""

import sys

try:
    from ib_async import IB, Stock
except ImportError:
    from ib_insync import IB, Stock

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=13)
ib.errorEvent += lambda req_id, code, text, contract: (
    None if req_id < 0 else print("error", code, text)
)


def until(claim):
    while not claim():
        ib.sleep(0.01)


aapl, msft = Stock("AAPL", "SMART", "USD"), Stock("MSFT", "SMART", "USD")
ib.qualifyContracts(aapl, msft)

snapshot = ib.reqMktData(aapl, snapshot=True)
until(snapshot.hasBidAsk)
print("snapshot", snapshot.bid, snapshot.bidSize, snapshot.ask, snapshot.askSize)

for ticker in ib.reqTickers(aapl, msft):
    print("tickers", ticker.contract.symbol, ticker.bid, ticker.ask, ticker.midpoint())

stream = ib.reqMktData(aapl)
until(lambda: stream.bid == 184.99)
print("stream", stream.bid, stream.ask, stream.last)
print("move the market", flush=True)
until(lambda: stream.bid == 190.0)
print("stream", stream.bid, stream.ask)
ib.cancelMktData(aapl)

ib.reqMarketDataType(3)
delayed = ib.reqMktData(msft)
until(lambda: delayed.marketDataType in (1, 3) and delayed.ask > 0)
print("asked for delayed data:", delayed.bid, delayed.ask)
ib.cancelMktData(msft)

nothing = ib.reqMktData(Stock("NOSUCH", "SMART", "USD", conId=1))
ib.sleep(0.2)
print("of nothing:", nothing.bid, nothing.ask)
ib.disconnect()
