"""Anything that may happen to an account while a broker trades it, one step after another."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from decimal import ROUND_FLOOR, Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.binance.program import ACCOUNT, NAMES, OTHER, PAIRS, make_broker

from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.venue import OrderRequest, Refusal, Venue
from nanobook_core.contracts import BrokerError, BrokerOrder

SATOSHI = Decimal("1E-8")
QUOTE = "USDT"
START = {
    **dict.fromkeys(("USDT", "BTC", "ETH"), Decimal(1000)),
    "BNB": Decimal("0.00012345"),
    "PEPE": Decimal(10**9),
}
ASSETS = {"BTC": ("BTC", "USDT"), "PEPE": ("PEPE", "USDT"), "ETHBTC": ("ETH", "BTC")}

symbols = st.sampled_from(sorted(PAIRS))
sides = st.sampled_from(["buy", "sell"])
shares = st.integers(min_value=0, max_value=100)
"""Of what there is, in percent."""


class BalanceMachine(RuleBasedStateMachine):
    """A broker, others who trade with it and for it, and the venue that moves its money."""

    @initialize(bnb_discount=st.booleans())
    def open(self, bnb_discount):
        self.venue = SimulatedBinance(
            Venue(bnb_discount=bnb_discount), weight_limit=10**9, order_limits=(10**9, 10**9)
        )
        self.venue.__enter__()
        self.moved = defaultdict(Decimal)
        self.by_hand = set()
        for asset, amount in START.items():
            self._come_to(asset, amount)
        much = {asset: Decimal(10**9) for asset in START}
        self.venue.call(lambda venue: venue.open_account(OTHER, much))
        self.bids = {symbol: pair.bid for symbol, pair in PAIRS.items()}
        for symbol in PAIRS:
            self._quote(symbol)
        self.before = self._balances()
        self.moved.clear()
        self.broker = make_broker(self.venue, None)
        self.broker.connect()

    def teardown(self):
        if hasattr(self, "broker"):
            self.broker.disconnect()
        if hasattr(self, "venue"):
            self.venue.__exit__(None, None, None)

    def _quote(self, symbol, lots=None):
        pair, bid = PAIRS[symbol], self.bids[symbol]
        sizes = {} if lots is None else dict.fromkeys(("bid_size", "ask_size"), lots * pair.lot)
        self.venue.set_quote(pair.venue_symbol, bid, bid + 2 * pair.tick, **sizes)

    def _come_to(self, asset, amount):
        self.venue.deposit(asset, amount)
        self.moved[asset] += amount

    def _terms(self, symbol, side, ticks, share):
        """Price and quantity of an order: so many ticks behind the touch, or through it."""
        pair, bid = PAIRS[symbol], self.bids[symbol]
        price = bid - ticks * pair.tick if side == "buy" else bid + (2 + ticks) * pair.tick
        fewest, most = pair.lots
        return price, (fewest + (most - fewest) * share // 100) * pair.lot

    ticks = st.integers(min_value=-4, max_value=4)

    @rule(symbol=symbols, side=sides, ticks=ticks, share=shares)
    def order(self, symbol, side, ticks, share):
        price, quantity = self._terms(symbol, side, ticks, share)
        order = BrokerOrder(symbol, side, quantity, "limit", price, tif="gtc")
        with suppress(BrokerError):
            self.broker.submit_order(order)

    @rule(symbol=symbols, side=sides, share=shares)
    def order_at_the_market(self, symbol, side, share):
        _, quantity = self._terms(symbol, side, 0, share)
        with suppress(BrokerError):
            self.broker.submit_order(symbol, side, quantity)

    @rule(symbol=symbols)
    def sell_all(self, symbol):
        """Sell what is held, cut to whole lots: the fee of the buying is not there to be sold."""
        held = {each.currency: each.free for each in self.broker.account().balances}
        lot = PAIRS[symbol].lot
        quantity = held.get(ASSETS[symbol][0], Decimal(0)) // lot * lot
        if quantity:
            with suppress(BrokerError):
                self.broker.submit_order(symbol, "sell", min(quantity, PAIRS[symbol].lots[1] * lot))

    @rule(share=shares)
    def cancel(self, share):
        if orders := self.broker.open_orders("all"):
            order = orders[(len(orders) - 1) * share // 100]
            with suppress(BrokerError):
                self.broker.cancel_order(order.client_order_id)

    @rule(account=st.sampled_from([ACCOUNT, OTHER]), symbol=symbols, side=sides, ticks=ticks)
    def somebody_orders(self, account, symbol, side, ticks):
        """Order by hand in this account, or in another one."""
        price, quantity = self._terms(symbol, side, ticks, 50)
        name = f"web_{len(self.by_hand)}"
        self.by_hand.add(name)
        request = OrderRequest(
            client_order_id=name,
            symbol=PAIRS[symbol].venue_symbol,
            side=side.upper(),
            type="LIMIT",
            time_in_force="GTC",
            quantity=quantity,
            price=price,
        )

        def place(venue):
            with suppress(Refusal):
                venue.place(account, request)

        self.venue.call(place)

    @rule(asset=st.sampled_from(sorted(START)), satoshis=st.integers(1, 10**12))
    def deposit(self, asset, satoshis):
        self._come_to(asset, satoshis * SATOSHI)

    @rule(asset=st.sampled_from(sorted(START)), share=st.integers(1, 60))
    def withdraw(self, asset, share):
        free = self._balances().get(asset, (Decimal(0), Decimal(0)))[0]
        amount = (free * share / 100).quantize(SATOSHI, ROUND_FLOOR)
        if amount:
            self.venue.withdraw(asset, amount)
            self.moved[asset] -= amount

    @rule(symbol=symbols, ticks=ticks, lots=st.none() | st.integers(1, 300))
    def move(self, symbol, ticks, lots):
        self.bids[symbol] += ticks * PAIRS[symbol].tick
        self._quote(symbol, lots)

    @rule(share=shares)
    def somebody_trades(self, share):
        resting = [each for each in self.venue.orders(ACCOUNT) if each.is_open and each.is_working]
        if resting:
            order = resting[(len(resting) - 1) * share // 100]
            lot = PAIRS[NAMES[order.symbol]].lot
            lots = max(1, int(order.remaining / lot) * share // 100)
            self.venue.fill(order.order_id, lots * lot, symbol=order.symbol)

    @rule(share=shares)
    def exchange_cancels(self, share):
        if living := [each for each in self.venue.orders(ACCOUNT) if each.is_open]:
            order = living[(len(living) - 1) * share // 100]
            self.venue.server_cancel(order.symbol, order.order_id)

    @rule()
    def streams_break(self):
        self.venue.drop_streams()

    @rule()
    def reconnect(self):
        self.broker.disconnect()
        self.broker.connect()

    def _balances(self):
        balances = self.venue.balances(ACCOUNT)
        return {
            asset: (each.free, each.locked)
            for asset, each in balances.items()
            if each.free or each.locked
        }

    @invariant()
    def what_is_held_is_what_the_venue_says(self):
        truth = self._balances()
        account = self.broker.account()
        told = {each.currency: (each.free, each.locked) for each in account.balances}
        assert {asset: both for asset, both in told.items() if any(both)} == truth
        assert account.cash == sum(truth[QUOTE])
        assert account.buying_power == truth[QUOTE][0]
        positions = {each.symbol: each.quantity for each in self.broker.positions()}
        assert positions == {asset: sum(both) for asset, both in truth.items() if asset != QUOTE}

    @invariant()
    def fills_explain_the_change(self):
        self.broker.resync()  # the stream may say what has happened a moment later
        change = defaultdict(Decimal, self.moved)
        for side, symbol, quantity, price, fee, currency in self._fills():
            sign = 1 if side == "buy" else -1
            base, quote = ASSETS[symbol]
            change[base] += sign * quantity
            change[quote] -= sign * (price * quantity).quantize(SATOSHI, ROUND_FLOOR)
            change[currency] -= fee
        now = {asset: sum(both) for asset, both in self._balances().items()}
        was = {asset: sum(both) for asset, both in self.before.items()}
        assert now == {
            asset: amount
            for asset in was.keys() | change.keys()
            if (amount := was.get(asset, Decimal(0)) + change[asset])
        }

    def _fills(self):
        """What the broker tells; of orders by hand what it has not heard of, from the venue.

        Nobody may have listened then, and only for one's own orders that is asked for later.
        """
        told = self.broker.fills()
        for fill in told:
            terms = (fill.symbol, fill.quantity, fill.price, fill.fee, fill.fee_currency)
            yield fill.side, *terms
        heard = {fill.exec_id for fill in told}
        for trade in self.venue.trades(ACCOUNT):
            exec_id = f"{trade.symbol}-{trade.order_id}-{trade.trade_id}"
            if trade.client_order_id in self.by_hand and exec_id not in heard:
                symbol = NAMES[trade.symbol]
                terms = (trade.quantity, trade.price, trade.commission, trade.commission_asset)
                yield trade.side.lower(), symbol, *terms
