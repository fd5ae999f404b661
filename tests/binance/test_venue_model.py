"""The venue trades, prevents and pays as an obvious list of orders would."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.binance.venue_bench import Bench, request
from tests.binance.venue_model import SATOSHI, Model

from nanobook_binance.simulator.venue import Refusal, SymbolRules, VenueListener

RULES = SymbolRules(
    symbol="AAAUSD",
    base_asset="AAA",
    quote_asset="USD",
    filters=(
        {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "1000", "stepSize": "1"},
    ),
)
MONEY, UNITS = 2_000, 60
ACCOUNTS = st.sampled_from(["a", "b"])
SIDES = st.sampled_from(["BUY", "SELL"])
TICKS = st.integers(995, 1005)
SIZES = st.integers(1, 30)
HOW = st.tuples(
    st.sampled_from(["GTC", "GTC", "GTC", "GTC", "IOC", "FOK"]),
    st.sampled_from(["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT"]),
)
LEVELS = st.dictionaries(st.tuples(SIDES, TICKS), st.integers(0, 20), max_size=3)
INDEX = st.integers(0, 50)
HAPPENS = {
    "place": (ACCOUNTS, SIDES, TICKS, SIZES, HOW),
    "offer": (LEVELS,),
    "market": (ACCOUNTS, SIDES, SIZES, HOW),
    "cancel": (INDEX,),
    "amend": (INDEX, SIZES),
    "fill": (INDEX, SIZES),
}
STEPS = st.lists(
    st.sampled_from(["place"] * 10 + ["offer"] * 3 + ["market", "cancel", "amend", "fill"]).flatmap(
        lambda name: st.tuples(st.just(name), *HAPPENS[name])
    ),
    min_size=5,
    max_size=40,
)


class Prints(VenueListener):
    """Which orders traded with one another; None is the source's."""

    def __init__(self):
        self.trades = []
        self.sides = []

    def order_changed(self, account, order, execution_type, trade, prevented):
        if trade is not None:
            self.sides.append(trade)

    def traded(self, trade):
        orders = {each.is_maker: each.order_id for each in self.sides}
        self.sides.clear()
        number = (int(trade.price * 100), int(trade.quantity))
        self.trades.append((orders.get(False), orders.get(True), *number))


class Pair:
    """A venue and the model of it, which are asked the same."""

    def __init__(self):
        funds = {"USD": Decimal(MONEY), "AAA": Decimal(UNITS)}
        self.bench = Bench([RULES], funds=funds)
        self.venue = self.bench.venue
        self.prints = Prints()
        self.venue.listeners.append(self.prints)
        self.model = Model(["a", "b"], MONEY, UNITS)

    def step(self, step):
        what, *rest = step
        getattr(self, what)(*rest)
        self.compare()

    def place(self, account, side, ticks, quantity, how):
        tif, mode = ("GTC", how[1]) if ticks is None else how
        fields = {"symbol": "AAAUSD", "self_trade_prevention_mode": mode}
        if ticks is not None:
            fields["time_in_force"] = tif
        price = None if ticks is None else Decimal(ticks) / 100
        asked = request(side, quantity, price, **fields)
        number = self.model.place(account, side, ticks, quantity, (tif, mode))
        if number is None:
            with pytest.raises(Refusal, match="Account has insufficient balance"):
                self.bench.place(account, asked)
        else:
            assert self.bench.place(account, asked).order_id == number

    def market(self, account, side, quantity, how):
        self.place(account, side, None, quantity, how)

    def picked(self, index):
        numbers = self.model.open()
        return numbers[index % len(numbers)] if numbers else None

    def account(self, number):
        return self.model.orders[number]["account"]

    def cancel(self, index):
        number = self.picked(index)
        if number is not None:
            self.venue.cancel(self.account(number), "AAAUSD", number)
            self.model.cancel(number)

    def amend(self, index, by):
        number = self.picked(index)
        if number is not None:
            (line,) = [each for each in self.model.lines if each.number == number]
            if by < line.left:
                quantity = self.model.orders[number]["quantity"] - by
                self.venue.amend(self.account(number), "AAAUSD", number, quantity=Decimal(quantity))
                self.model.amend(number, quantity)

    def fill(self, index, quantity):
        number = self.picked(index)
        if number is not None:
            (line,) = [each for each in self.model.lines if each.number == number]
            quantity = min(quantity, line.left)
            self.venue.fill(self.account(number), number, Decimal(quantity), symbol="AAAUSD")
            self.model.fill(number, quantity)

    def offer(self, levels):
        bids, asks = (
            [
                (Decimal(ticks) / 100, Decimal(quantity))
                for (its_side, ticks), quantity in levels.items()
                if its_side == side
            ]
            for side in ("BUY", "SELL")
        )
        self.venue.follow("AAAUSD", bids, asks)
        in_order = sorted(levels.items(), key=lambda level: level[0][0])
        self.model.offer(dict(in_order))

    def compare(self):
        assert self.prints.trades == self.model.trades
        for account in ("a", "b"):
            for order in self.venue.all_orders(account, "AAAUSD"):
                expected = self.model.orders[order.order_id]
                assert (order.status, order.executed, order.prevented) == (
                    expected["status"],
                    expected["filled"],
                    expected["prevented"],
                )
            opened = [order.order_id for order in self.venue.open_orders(account)]
            assert opened == self.model.open(account)
            for asset, balance in self.venue.balances(account).items():
                locked = self.model.locked(account, asset)
                free = self.model.free[account, asset] - locked
                assert (balance.free * SATOSHI, balance.locked * SATOSHI) == (free, locked)
        depth = self.venue.depth("AAAUSD")
        for side, levels in (("BUY", depth.bids), ("SELL", depth.asks)):
            found = [(int(price * 100), int(quantity)) for price, quantity in levels]
            assert found == self.model.depth(side)


@settings(max_examples=150)
@given(STEPS)
def test_venue_trades_as_the_model_does(steps):
    pair = Pair()
    for step in steps:
        pair.step(step)
