"""What the simulator does not model answers with an error, and at once."""

import sys
import time

try:
    from ib_async import IB, Order, Stock, TagValue
except ImportError:
    from ib_insync import IB, Order, Stock, TagValue

ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=18)
ib.RequestTimeout = 20
said = []
# A library takes back a question that failed; the answer to that comes when it likes.
ib.errorEvent += lambda req_id, code, text, contract: "cancel" in text or said.append((code, text))
aapl = Stock("AAPL", "SMART", "USD")
ib.qualifyContracts(aapl)


def ask(what, question):
    said.clear()
    started = time.monotonic()
    try:
        question()
    except Exception as error:  # noqa: BLE001 - each library has its own
        said.append((type(error).__name__, str(error)))
    print(what, *said[:1], *["slow"] * (time.monotonic() - started > 5))


ask(
    "historical bars",
    lambda: ib.reqHistoricalData(aapl, "", "1 D", "1 min", "TRADES", useRTH=True, timeout=20),
)
DAY = "20260105 14:30:00 UTC"
ask("historical ticks", lambda: ib.reqHistoricalTicks(aapl, DAY, "", 10, "TRADES", useRth=True))
ask("head timestamp", lambda: ib.reqHeadTimeStamp(aapl, "TRADES", useRTH=True, formatDate=1))
ask("histogram", lambda: ib.reqHistogramData(aapl, useRTH=True, period="1 day"))
ask("option chain", lambda: ib.reqSecDefOptParams("AAPL", "", "STK", aapl.conId))
ask("fundamentals", lambda: ib.reqFundamentalData(aapl, "ReportSnapshot"))
ask("user", ib.reqUserInfo)


def wait_for(question, *arguments, **more):
    """Ask what answers in its own time, for a while."""
    question(*arguments, **more)
    until = time.monotonic() + 20
    while not said and time.monotonic() < until:
        ib.sleep(0.01)


def buy(**words):
    """An order to buy one share."""
    return aapl, Order(action="BUY", totalQuantity=1, **words)


algo = [TagValue("adaptivePriority", "Normal")]
ask("scanner", lambda: wait_for(ib.client.reqScannerParameters))
ask("news", lambda: wait_for(ib.client.reqNewsProviders))
ask("depth exchanges", lambda: wait_for(ib.client.reqMktDepthExchanges))
ask("depth", lambda: wait_for(ib.reqMktDepth, aapl))
ask("tick by tick", lambda: wait_for(ib.reqTickByTickData, aapl, "Last"))
ask("real-time bars", lambda: wait_for(ib.reqRealTimeBars, aapl, 5, "TRADES", useRTH=False))
ask("profit and loss", lambda: wait_for(ib.reqPnL, ib.managedAccounts()[0]))
ask("at the open", lambda: wait_for(ib.placeOrder, *buy(orderType="MKT", tif="OPG")))
ask("pegged", lambda: wait_for(ib.placeOrder, *buy(orderType="PEG MID")))
adaptive = buy(orderType="MKT", algoStrategy="Adaptive", algoParams=algo)
ask("adaptive", lambda: wait_for(ib.placeOrder, *adaptive))
print("and it goes on:", ib.reqCurrentTime() is not None, len(ib.reqAllOpenOrders()), "open orders")
ib.disconnect()
