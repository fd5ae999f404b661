"""Money is conserved, nothing fills twice, and a restart between any two requests is not seen."""

import shutil
import tempfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import nanobook
from nanobook_core.contracts import BrokerError, BrokerOrder, Instrument
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side

from .market import Clock

D = Decimal
OPENING = 5_000
SYMBOLS = ("A", "E", "F")
INSTRUMENTS = [
    Instrument(symbol="E", currency="EUR"),
    Instrument(symbol="F", lot=D("0.1"), multiplier=D(10)),
]
RATES = {"EUR": "1.07"}
PRICES = st.integers(96, 104)
#: Where the market jumps to.
FAR = st.sampled_from([40, 250])
#: Side, type, limit and stop of orders that trade at a dearer price than any that they name.
MODEST = st.sampled_from(
    [
        (Side.BUY, "stop", None, 1),
        (Side.BUY, "stop", None, 110),
        (Side.SELL, "limit", 1, None),
        (Side.SELL, "stop_limit", 1, 200),
    ]
)
SIZES = st.sampled_from([None, 0, 3, "7.55", 40])
SETTINGS = st.fixed_dictionaries(
    {
        "margin": st.sampled_from([False, 1, "2.5"]),
        "costs": st.sampled_from(
            [None, 7, nanobook.CostModel(commission_bps=12, min_trade_fee=33)]
        ),
        "fills": st.sampled_from(["touch", "order_book"]),
        "allow_short": st.booleans(),
        "splits_flips": st.booleans(),
        "client_id_scope": st.sampled_from(["never", "while_open", "for_ever"]),
    }
)


class Sessions(RuleBasedStateMachine):
    """One broker in memory that runs on, one in a file that starts anew before every request."""

    @initialize(settings=SETTINGS)
    def start(self, settings):
        self.folder = Path(tempfile.mkdtemp())
        self.quotes, self.clock = {}, Clock()
        self.is_margin = settings["margin"] is not False
        self.settings = {
            "quotes": self.quotes,
            "clock": self.clock,
            "instruments": INSTRUMENTS,
            "rates": RATES,
            **settings,
        }
        self.steady = nanobook.PaperBroker(OPENING, **self.settings)
        self.steady.connect()
        for symbol in SYMBOLS:
            self.quotes[symbol] = {"bid": 100, "ask": 100}
        self.orders = self.known = 0
        self.held = {}
        self.since = dict.fromkeys(SYMBOLS, 0)
        self.tifs = {}

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def both(self, request):
        """Ask both, and hold them to one answer."""
        answers = []
        restarted = nanobook.PaperBroker(
            OPENING, state=self.folder / "paper.sqlite", **self.settings
        )
        with restarted:
            for broker in (self.steady, restarted):
                try:
                    answers.append(request(broker))
                except (BrokerError, ValidationError) as error:
                    answers.append((type(error), str(error)))
        assert answers[0] == answers[1]
        return answers[0]

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        bid=st.one_of(PRICES, PRICES, FAR),
        spread=st.integers(0, 3),
        sizes=st.tuples(SIZES, SIZES),
    )
    def quote(self, symbol, bid, spread, sizes):
        self.quotes[symbol] = {
            "bid": bid,
            "ask": bid + spread,
            "bid_size": sizes[0],
            "ask_size": sizes[1],
        }
        self.since[symbol] = len(self.told[0]) if hasattr(self, "told") else 0

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(Side),
        lots=st.integers(1, 30),
        order_type=st.sampled_from(["market", "limit", "limit", "stop", "stop_limit"]),
        limit=PRICES,
        stop=PRICES,
        tif=st.sampled_from(["day", "gtc", "ioc", "fok"]),
        name=st.sampled_from([None, None, "x", "y"]),
        is_reducing=st.booleans(),
    )
    def submit(self, symbol, side, lots, order_type, limit, stop, tif, name, is_reducing):  # noqa: PLR0917
        order = BrokerOrder(
            symbol,
            side,
            lots * (D("0.1") if symbol == "F" else 1),
            order_type,
            limit if "limit" in order_type else None,
            stop_price=stop if "stop" in order_type else None,
            tif=tif,
            client_order_id=name,
            reduce_only=is_reducing and lots % 5 == 0,
        )
        answer = self.both(
            lambda broker: (ack := broker.submit_order(order), ack.state, ack.client_order_id)
        )
        if isinstance(answer[0], int):
            self.orders = int(answer[0])
            self.tifs[self.orders] = tif

    @rule(symbol=st.sampled_from(SYMBOLS), modest=MODEST, lots=st.integers(10, 110))
    def submit_modest(self, symbol, modest, lots):
        side, order_type, limit, stop = modest
        self.submit(symbol, side, lots, order_type, limit, stop, "gtc", None, is_reducing=False)

    @rule(number=st.integers(1, 8))
    def cancel(self, number):
        self.both(lambda broker: broker.cancel_order(number))

    @rule(hours=st.sampled_from([1, 9, 24]))
    def wait(self, hours):
        self.clock.sleep(hours * 3600)

    @rule()
    def halt_or_resume(self):
        is_halted = self.steady.connection().state == "halted"
        self.both(lambda broker: broker.resume() if is_halted else broker.halt("by hand"))

    @invariant()
    def both_tell_the_same(self):
        if not hasattr(self, "steady"):
            return
        self.told = self.both(
            lambda broker: (
                broker.fills(),
                broker.account(),
                broker.positions(),
                broker.open_orders(),
                [broker.order_status(number) for number in range(1, self.orders + 1)],
            )
        )

    @invariant()
    def money_and_quantities_are_conserved(self):
        if not hasattr(self, "told"):
            return
        fills, account, positions, open_orders, orders = self.told
        cash, held = Fraction(OPENING), dict.fromkeys(SYMBOLS, Fraction(0))
        filled = dict.fromkeys(range(1, self.orders + 1), Fraction(0))
        for fill in fills:
            quantity = Fraction(fill.quantity)
            signed = quantity if fill.side is Side.BUY else -quantity
            rate = Fraction("1.07") if fill.symbol == "E" else 1
            multiplier = 10 if fill.symbol == "F" else 1
            cash -= (signed * Fraction(fill.price) * multiplier + Fraction(fill.fee)) * rate
            held[fill.symbol] += signed
            filled[fill.order_id] += quantity
        assert Fraction(account.cash) == cash
        assert {one.symbol: Fraction(one.quantity) for one in positions} == {
            symbol: quantity for symbol, quantity in held.items() if quantity
        }
        assert {one.order_id: Fraction(one.filled_quantity) for one in orders} == filled
        value = sum(
            Fraction(one.market_value) * (Fraction("1.07") if one.symbol == "E" else 1)
            for one in positions
        )
        assert Fraction(account.equity) == cash + value
        assert len({fill.exec_id for fill in fills}) == len(fills)
        for order in orders:
            assert 0 <= order.filled_quantity <= order.quantity
            assert (order.state == "filled") == (order.filled_quantity == order.quantity)
        assert [one.order_id for one in open_orders] == [
            one.order_id for one in orders if not one.state.is_terminal
        ]
        if not self.is_margin:
            assert cash >= 0
            assert all(one.quantity > 0 for one in positions)
        if not self.settings["allow_short"]:
            assert all(one.quantity > 0 for one in positions)

    @invariant()
    def nothing_is_opened_beyond_what_the_account_may_hold(self):
        """After a fill that opened, gross is at most the leverage times the equity before it.

        Executions cost the fee and the way from the mark; nothing else moves equity in between, as
        all of them see the same quotes.
        """
        if not hasattr(self, "told") or not self.is_margin:
            return
        fills, account, *_ = self.told
        new, self.known = fills[self.known :], len(fills)
        opened, costs = False, Fraction(0)
        for fill in new:
            before = self.held.get(fill.symbol, 0)
            signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
            self.held[fill.symbol] = before + signed
            opened = opened or abs(before + signed) > abs(before)
            quote = self.quotes[fill.symbol]
            slip = abs(Fraction(fill.price) - Fraction(quote["bid"] + quote["ask"], 2))
            rate = Fraction("1.07") if fill.symbol == "E" else 1
            multiplier = 10 if fill.symbol == "F" else 1
            costs += (slip * Fraction(fill.quantity) * multiplier + Fraction(fill.fee)) * rate
        if opened:
            leverage = Fraction(self.settings["margin"])
            gross = Fraction(account.gross_position_value)
            assert gross <= leverage * (Fraction(account.equity) + costs)

    @invariant()
    def no_quote_gives_more_than_its_size(self):
        if not hasattr(self, "told"):
            return
        for symbol, start in self.since.items():
            for side, name in ((Side.BUY, "ask_size"), (Side.SELL, "bid_size")):
                size = self.quotes[symbol].get(name)
                taken = sum(
                    fill.quantity
                    for fill in self.told[0][start:]
                    if (fill.symbol, fill.side) == (symbol, side)
                )
                assert size is None or taken <= D(size)

    @invariant()
    def immediate_orders_do_not_rest(self):
        if not hasattr(self, "told"):
            return
        for order in self.told[-1]:
            tif = self.tifs[order.order_id]
            if order.state != "held" and tif in ("ioc", "fok"):
                assert order.state.is_terminal
            if tif == "fok":
                assert order.filled_quantity in (0, order.quantity)

    @invariant()
    def no_execution_is_worse_than_the_limit(self):
        if not hasattr(self, "told"):
            return
        fills, *_, orders = self.told
        for fill in fills:
            limit = orders[fill.order_id - 1].limit_price
            if limit is not None:
                assert fill.price <= limit if fill.side is Side.BUY else fill.price >= limit


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)


class Twins(RuleBasedStateMachine):
    """The order book fills as the touch does, where prices are on the tick."""

    def __init__(self):
        super().__init__()
        self.quotes = {"A": {"bid": 100, "ask": 100}}
        common = {"quotes": self.quotes, "clock": Clock()}
        self.brokers = [
            nanobook.PaperBroker(OPENING, fills=fills, **common)
            for fills in ("touch", "order_book")
        ]
        for broker in self.brokers:
            broker.connect()

    @rule(bid=PRICES, spread=st.integers(0, 3), sizes=st.tuples(SIZES, SIZES))
    def quote(self, bid, spread, sizes):
        self.quotes["A"] = {
            "bid": bid,
            "ask": bid + spread,
            "bid_size": sizes[0],
            "ask_size": sizes[1],
        }

    @rule(
        side=st.sampled_from(Side),
        lots=st.integers(1, 60),
        order_type=st.sampled_from(["market", "limit", "limit", "limit", "stop_limit"]),
        limit=PRICES,
        tif=st.sampled_from(["gtc", "gtc", "gtc", "ioc", "fok"]),
    )
    def submit(self, side, lots, order_type, limit, tif):
        order = BrokerOrder(
            "A",
            side,
            lots,
            order_type,
            limit if "limit" in order_type else None,
            stop_price=100 if "stop" in order_type else None,
            tif=tif,
        )
        answers = []
        for broker in self.brokers:
            try:
                answers.append(broker.submit_order(order))
            except BrokerError as error:
                answers.append(type(error))
        assert answers[0] == answers[1]

    @invariant()
    def fills_are_the_same(self):
        touch, book = ([*broker.fills(), *broker.open_orders()] for broker in self.brokers)
        assert touch == book


TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
