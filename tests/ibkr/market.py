"""The simulated gateway as the market behind the laws of brokers."""

import datetime as dt
import time

from nanobook_core.contracts import ConnectionState
from nanobook_ibkr.simulator import Fault, SimulatedGateway


class GatewayClock:
    """The machine's, and ahead of it by what was let pass."""

    def __init__(self):
        self.ahead = 0.0

    def now(self):
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead)

    def monotonic(self):
        return time.monotonic() + self.ahead

    def sleep(self, seconds):
        self.ahead += seconds


class Market:
    """What `BrokerSuite` moves the market with."""

    def __init__(self):
        self.clock = GatewayClock()
        self.gateway = SimulatedGateway(clock=self.clock, messages_per_second=None)
        self.broker = None

    def set_quote(self, symbol, bid, ask):
        self.gateway.set_quote(symbol, bid, ask)

    def withdraw_quote(self, symbol):
        self.gateway.withdraw_quote(symbol)

    def fill(self, order, quantity):
        self.gateway.fill(order.order_id, quantity)

    def advance(self, seconds):
        self.gateway.advance(seconds)

    def set_clock_ahead(self, seconds):
        self.clock.ahead += seconds

    def submit_foreign(self, symbol, side, quantity, limit):
        self.gateway.submit_foreign(symbol, "BUY" if side == "buy" else "SELL", quantity, limit)

    def lose_answer(self, *, received):
        self.gateway.inject(Fault.DROP_AFTER_ACCEPT if received else Fault.DROP_BEFORE_ACCEPT)

    def break_link(self):
        """Cut the connection, and return when this side has noticed."""
        self.gateway.drop()
        end = time.monotonic() + 5
        while self.broker.connection().state is ConnectionState.READY:
            assert time.monotonic() < end
            time.sleep(0.001)

    def repeat_fill(self, exec_id):
        def tell_again(venue):
            (execution,) = [one for one in venue.executions if one.exec_id == exec_id]
            for listener in venue.listeners:
                listener.executed(execution)

        self.gateway.call(tell_again)
