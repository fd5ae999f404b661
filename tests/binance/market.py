"""The simulated Binance as the market behind the laws of brokers."""

import datetime as dt
import time
from decimal import Decimal

from nanobook_binance.simulator import Fault, SimulatedBinance
from nanobook_binance.simulator.venue import OrderRequest, Venue
from nanobook_binance.simulator.venue.listing import default_symbols
from nanobook_core.contracts import ConnectionState

ACCOUNT = "default"


class SharedClock:
    """The machine's, and ahead of it by what was let pass or slept: the venue's and a broker's."""

    def __init__(self):
        self.ahead = 0.0
        self.is_slept_through = False
        """Whether sleeping takes its time."""

    def now(self):
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead)

    def monotonic(self):
        return time.monotonic() + self.ahead

    def sleep(self, seconds):
        if self.is_slept_through:
            time.sleep(seconds)
        else:
            time.sleep(0)
            self.ahead += seconds


class Market:
    """What `BrokerSuite` moves the market with. Its one account has nothing but money."""

    def __init__(self, money=Decimal(100_000), **settings):
        self.clock = SharedClock()
        venue = Venue(default_symbols(), clock=self.clock)  # where nothing has a price yet
        self.binance = SimulatedBinance(venue, balances={"USDT": money}, **settings)
        self.broker = None

    def pair(self, symbol):
        return symbol if symbol.endswith("USDT") else f"{symbol}USDT"

    def set_quote(self, symbol, bid, ask):
        self.binance.set_quote(self.pair(symbol), bid, ask)

    def withdraw_quote(self, symbol):
        """Let nobody offer, nor have traded: a pair keeps its last price else."""
        self.binance.withdraw_quote(self.pair(symbol))
        self.binance.call(lambda venue: venue._markets[self.pair(symbol)].tape.__init__())

    def fill(self, order, quantity):
        self.binance.fill(order.order_id, quantity, symbol=order.venue_ids["symbol"])

    def advance(self, seconds):
        self.clock.ahead += seconds

    def set_clock_ahead(self, seconds):
        self.binance.skew(seconds)

    def request(self, symbol, side, quantity, limit, client_order_id):
        """Return a limit order as a client of the venue writes it."""
        return OrderRequest(
            symbol=self.pair(symbol),
            side=side.upper(),
            type="LIMIT",
            time_in_force="GTC",
            quantity=Decimal(quantity),
            price=Decimal(limit),
            client_order_id=client_order_id,
        )

    def submit_foreign(self, symbol, side, quantity, limit):
        request = self.request(symbol, side, quantity, limit, "web_/:by-hand")
        return self.binance.call(lambda venue: venue.place(ACCOUNT, request))

    def lose_answer(self, *, received):
        self.binance.inject(Fault.DROP_AFTER_ENGINE if received else Fault.DROP_BEFORE_ENGINE)

    def break_link(self):
        """Cut all connections, and return when this side has noticed."""
        self.binance.drop()
        if not self.broker.capabilities().streaming:
            return  # there is nothing to notice before the next question
        end = time.monotonic() + 5
        while self.broker.connection().state is ConnectionState.READY:
            assert time.monotonic() < end
            time.sleep(0.001)

    def repeat_fill(self, exec_id):
        def tell_again(venue):
            pair, order_id, trade_id = exec_id.split("-")
            order = venue.order(ACCOUNT, pair, int(order_id))
            (trade,) = [one for one in venue.trades(ACCOUNT, pair) if one.trade_id == int(trade_id)]
            for listener in venue.listeners:
                listener.order_changed(ACCOUNT, order, "TRADE", trade, None)

        self.binance.call(tell_again)
