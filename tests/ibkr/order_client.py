"""A client of the wire alone that trades: says messages, and hears what it was told until now."""

import datetime as dt
import json
from pathlib import Path

from tests.ibkr.raw_client import RawClient, frame

VERSION = "176"
FRAMES = json.loads(
    (Path(__file__).parents[1] / "data" / "ibkr" / "client_frames.json").read_text()
)[VERSION]
AAPL = ["265598", "AAPL", "STK", "", "", "", "", "SMART", "", "USD", "", ""]
MSFT = ["0", "MSFT", "STK", "", "", "", "", "SMART", "", "USD", "", ""]
_CONTRACT, _ACTION, _QUANTITY, _TYPE, _LIMIT, _REF, _WHAT_IF = slice(2, 14), 16, 17, 18, 19, 26, 85

MARKET_DATA, CANCEL, OPEN_ORDERS, ACCOUNT, EXECUTIONS, IDS, CONTRACTS = 1, 4, 5, 6, 7, 8, 9
TIME, POSITIONS, ALL_OPEN, COMPLETED = "49", 61, 16, 99


class StandingClock:
    """Goes when it is told to."""

    def __init__(self):
        self.passed = 0.0

    def now(self):
        return dt.datetime(2026, 11, 23, 15, 0, tzinfo=dt.UTC) + dt.timedelta(seconds=self.passed)

    def monotonic(self):
        return self.passed

    def sleep(self, seconds):
        self.passed += seconds


class OrderClient(RawClient):
    """Connected, and with the API started."""

    def __init__(self, gateway, client_id=1, *, timeout=20):
        super().__init__(gateway.port, timeout=timeout)
        self.start(client_id, f"v157..{VERSION}")
        self.hear()

    def say(self, *fields):
        """Send a message; False where the gateway has closed the connection."""
        return self.send(frame(fields))

    def hear(self):
        """All messages that it has been told until now, or until the connection ended."""
        self.say(TIME, 1)
        heard = []
        while (fields := self.receive()) is not None and fields[0] != TIME:
            heard.append(fields)
        self.is_closed = fields is None
        return heard

    def hear_ids(self):
        """Numbers of those messages."""
        return [fields[0] for fields in self.hear()]

    def hear_until(self, message_id):
        """All messages up to the first of a number, or to the end of the connection."""
        heard = []
        while (fields := self.receive()) is not None:
            heard.append(fields)
            if fields[0] == message_id:
                break
        return heard

    def order(self, number, side, quantity, limit="", *, ref="", contract=AAPL, what_if=False):
        """Send an order, at a limit or without one at the market."""
        fields = list(FRAMES["placeOrder market"])
        fields[1] = number
        fields[_CONTRACT] = contract
        fields[_ACTION], fields[_QUANTITY] = side, quantity
        fields[_TYPE], fields[_LIMIT] = ("LMT", limit) if limit else ("MKT", "")
        fields[_REF] = ref
        fields[_WHAT_IF] = int(what_if)
        return self.say(*fields)

    def cancel(self, number):
        """Cancel an order."""
        return self.say(4, 1, number, "")

    def quotes(self, number, *, contract=AAPL, snapshot=False):
        """Ask for the quotes of a contract."""
        return self.say(1, 11, number, *contract, 0, "", int(snapshot), 0, "")
