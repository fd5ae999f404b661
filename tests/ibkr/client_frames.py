"""What the installed library sends, message by message: the seeds that the fuzzers mutate.

`python -m tests.ibkr.client_frames` writes them to tests/data/ibkr/client_frames.json.
"""

import inspect
import json
from pathlib import Path

try:
    import ib_insync as library
except ImportError:
    import ib_async as library

DATA = Path(__file__).parents[1] / "data" / "ibkr" / "client_frames.json"
VERSIONS = (157, 158, 163, 166, 170, 176)
"""What both libraries send differently; ib_insync ends at 176."""

STOCK = library.Stock("AAPL", "SMART", "USD", conId=265598)
ORDERS = {
    "market": library.MarketOrder("BUY", 100),
    "limit": library.LimitOrder("BUY", 100, 185.01, tif="GTC", orderRef="frame", account="DU1"),
    "stop": library.StopOrder("SELL", 50, 180.5, outsideRth=True),
    "stop_limit": library.StopLimitOrder("SELL", 50, 180.25, 180.5, ocaGroup="one", ocaType=1),
    "trail": library.Order(
        action="SELL", totalQuantity=5, orderType="TRAIL", trailingPercent=1.5, trailStopPrice=180
    ),
    "child": library.LimitOrder("SELL", 100, 190, parentId=7, transmit=False),
    "what_if": library.MarketOrder("BUY", 100, whatIf=True),
    "algo": library.LimitOrder(
        "BUY",
        1,
        180,
        algoStrategy="Adaptive",
        algoParams=[library.TagValue("adaptivePriority", "Normal")],
    ),
    "condition": library.LimitOrder(
        "BUY", 1, 180, conditions=[library.PriceCondition(price=185.0, conId=265598, exch="SMART")]
    ),
}
ARGUMENTS = {
    "account": "DU1234567",
    "acctCode": "DU1234567",
    "allMsgs": True,
    "apiOnly": False,
    "bAutoBind": True,
    "barSize": 5,
    "barSizeSetting": "1 min",
    "bboExchange": "9c0001",
    "conid": 265598,
    "contract": STOCK,
    "data": library.WshEventData(),
    "durationStr": "1 D",
    "endDateTime": "",
    "execFilter": library.ExecutionFilter(),
    "faData": 1,
    "formatDate": 1,
    "futFopExchange": "",
    "genericTickList": "233",
    "groupName": "All",
    "ignoreSize": False,
    "isSmartDepth": False,
    "keepUpToDate": False,
    "ledgerAndNLV": False,
    "logLevel": 2,
    "manualCancelOrderTime": "",
    "marketDataType": 1,
    "marketRuleId": 26,
    "modelCode": "",
    "numIds": 1,
    "numRows": 5,
    "numberOfTicks": 0,
    "orderId": 9,
    "pattern": "AAP",
    "regulatorySnapshot": False,
    "reqId": 8,
    "reportType": "ReportSnapshot",
    "snapshot": False,
    "startDateTime": "20260105 14:30:00 UTC",
    "subscribe": True,
    "subscription": library.ScannerSubscription(),
    "tags": "NetLiquidation,TotalCashValue",
    "tickType": "Last",
    "tickerId": 8,
    "timePeriod": "1 day",
    "underlyingConId": 265598,
    "underlyingSecType": "STK",
    "underlyingSymbol": "AAPL",
    "useRTH": True,
    "useRth": True,
    "whatToShow": "TRADES",
}


class Recorder(library.Client):
    """A client without a socket; it keeps what it would send."""

    def __init__(self, version):
        super().__init__(None)
        self._serverVersion = version
        self.clientId = 1
        self.sent = []

    def isConnected(self):  # noqa: N802 - the library's name
        return True

    def sendMsg(self, msg):  # noqa: N802
        self.sent.append(msg.split("\0")[:-1])


def frames(version):
    """Fields of each message a program can cause, by the name of the library's method."""
    recorder, found = Recorder(version), {}
    for name, method in inspect.getmembers(recorder, inspect.ismethod):
        if not name.startswith(("req", "cancel", "startApi")):
            continue
        wanted = inspect.signature(method).parameters
        if all(key in ARGUMENTS or key.endswith("ptions") for key in wanted):
            recorder.sent.clear()
            method(*(ARGUMENTS.get(key, []) for key in wanted))
            if recorder.sent:
                (found[name],) = recorder.sent
    for name, order in ORDERS.items():
        recorder.sent.clear()
        recorder.placeOrder(9, STOCK, order)
        (found[f"placeOrder {name}"],) = recorder.sent
    return found


if __name__ == "__main__":
    written = {str(version): frames(version) for version in VERSIONS}
    DATA.parent.mkdir(parents=True, exist_ok=True)
    DATA.write_text(json.dumps(written, indent=None).replace('], "', '],\n "') + "\n")
