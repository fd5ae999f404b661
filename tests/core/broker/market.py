"""A clock that is told when time passes, and a market that a test moves."""

import datetime as dt
from decimal import Decimal

from nanobook_core.contracts import ConnectionState
from nanobook_core.types import Side

TICK = Decimal("0.01")


def account_file(request, folder):
    """Return where a broker keeps its account for a law that starts another one on it.

    None for any other law: memory is quicker.
    """
    return folder / "account" if "another_broker" in request.fixturenames else None


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.time = dt.datetime(2026, 3, 2, 14, 30, tzinfo=dt.UTC)

    def now(self):
        return self.time

    def monotonic(self):
        return self.time.timestamp()

    def sleep(self, seconds):
        self.time += dt.timedelta(seconds=seconds)


class Market:
    """Quotes of a paper broker."""

    def __init__(self, clock):
        self.clock = clock
        self.quotes = {}
        self.broker = None

    def set_quote(self, symbol, bid, ask):
        self.quotes[symbol] = {"bid": bid, "ask": ask}

    def fill(self, order, quantity):
        """Quote the order's limit with that size until it is seen, then what was there before."""
        before, limit = self.quotes[order.symbol], order.limit_price
        self.quotes[order.symbol] = (
            {"bid": limit - TICK, "ask": limit, "ask_size": quantity}
            if order.side is Side.BUY
            else {"bid": limit, "ask": limit + TICK, "bid_size": quantity}
        )
        if self.broker.connection().state is not ConnectionState.DISCONNECTED:
            self.broker.open_orders()
            self.quotes[order.symbol] = before

    def advance(self, seconds):
        self.clock.sleep(seconds)

    def withdraw_quote(self, symbol):
        self.quotes[symbol] = {"volume": 0}
