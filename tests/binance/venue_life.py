"""A spot venue that lives through anything, and looks at its laws after each thing that happens."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from hypothesis import strategies as st
from tests.binance.venue_bench import Bench, request

from nanobook_binance.simulator.venue import Refusal, VenueListener, spot_rules
from nanobook_core.broker.exact import total
from nanobook_core.errors import ValidationError

ZERO = Decimal(0)
SATOSHI = Decimal("0.00000001")
SYMBOLS = ("AAAUSD", "AAABNB", "BNBUSD")
#: A price of AAABNB times a quantity has ten places.
RULES = (
    spot_rules("AAA", "USD", "0.01", "0.001", "100", "100", "0.1"),
    spot_rules("AAA", "BNB", "0.000001", "0.001", "100", "100", "0.0001"),
    spot_rules("BNB", "USD", "0.01", "0.0001", "100", "100", "1"),
)
FUNDS = {"AAA": Decimal(20), "USD": Decimal(1000), "BNB": Decimal("0.3")}
TICK = {"AAAUSD": Decimal("0.01"), "AAABNB": Decimal("0.000001"), "BNBUSD": Decimal("0.01")}
MIDDLE = {"AAAUSD": Decimal(20), "AAABNB": Decimal("0.033333"), "BNBUSD": Decimal(600)}
MODES = ("NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT")
INDEX = st.integers(0, 40)
TICKS = st.integers(-6, 6)
THOUSANDTHS = st.integers(1, 9000)
ACCOUNTS = st.sampled_from(["a", "b"])
SYMBOL = st.sampled_from(SYMBOLS)
FIELDS = st.fixed_dictionaries(
    {
        "symbol": SYMBOL,
        "side": st.sampled_from(["BUY", "SELL"]),
        "type": st.sampled_from(
            [
                *["LIMIT"] * 5,
                "MARKET",
                "QUOTE",
                "LIMIT_MAKER",
                "STOP_LOSS",
                "STOP_LOSS_LIMIT",
                "TAKE_PROFIT",
                "TAKE_PROFIT_LIMIT",
            ]
        ),
        "quantity": THOUSANDTHS,
        "price": TICKS,
        "stop": st.none() | TICKS,
        "delta": st.none() | st.sampled_from([10, 20, 50]),
        "tif": st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"]),
        "mode": st.sampled_from(
            ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT"]
        ),
        "name": st.sampled_from([None, None, "x", "y"]),
    }
)
#: How often each thing happens, and what it is about. (Of equal strategies `one_of` keeps one.)
HAPPENS = {
    "place": (12, (ACCOUNTS, FIELDS)),
    "quote": (5, (SYMBOL, st.none() | TICKS | TICKS, st.integers(1, 4), THOUSANDTHS)),
    "fill": (2, (INDEX, THOUSANDTHS)),
    "print": (2, (SYMBOL, TICKS, THOUSANDTHS, st.booleans())),
    "cancel": (1, (INDEX,)),
    "amend": (2, (INDEX, THOUSANDTHS)),
    "replace": (2, (INDEX, FIELDS, st.booleans())),
    "cancel_all": (1, (ACCOUNTS, SYMBOL)),
    "server_cancel": (1, (INDEX,)),
    "deposit": (1, (ACCOUNTS, st.sampled_from(sorted(FUNDS)), THOUSANDTHS)),
    "withdraw": (1, (ACCOUNTS, st.sampled_from(sorted(FUNDS)), THOUSANDTHS)),
    "status": (1, (SYMBOL, st.sampled_from(["HALT", "CANCEL_ONLY"]))),
    "trade_again": (2, ()),
    "wait": (1, (st.integers(1, 100_000),)),
}
STEPS = st.lists(
    st.sampled_from([name for name, (weight, _) in HAPPENS.items() for _ in range(weight)]).flatmap(
        lambda name: st.tuples(st.just(name), *HAPPENS[name][1])
    ),
    min_size=20,
    max_size=60,
)


def floor(amount):
    return amount.quantize(SATOSHI, ROUND_FLOOR)


class Watch(VenueListener):
    """Keeps what the laws speak of."""

    def __init__(self):
        self.trades = []
        self.orders = []

    def order_changed(self, account, order, execution_type, trade, prevented):
        self.orders.append(order)
        if trade is not None:
            self.trades.append((order, trade))


class Life:
    def __init__(self, *, bnb_discount=False):
        self.discounts = bnb_discount
        self.bench = Bench(RULES, funds=FUNDS, bnb_discount=bnb_discount)
        self.venue = self.bench.venue
        self.watch = Watch()
        self.venue.listeners.append(self.watch)
        self.given = {asset: 2 * amount for asset, amount in FUNDS.items()}
        for symbol in SYMBOLS:
            self.quote(symbol, -1, 2, 2000)
        self.fees = dict.fromkeys(FUNDS, ZERO)
        self.house = dict.fromkeys(FUNDS, ZERO)

    def step(self, step):
        what, *rest = step
        self.watch.trades.clear()
        self.watch.orders.clear()
        before = self.everything()
        try:
            getattr(self, what)(*rest)
        except (Refusal, ValidationError):
            assert self.everything() == before
        self.settle()
        self.check()

    # What happens

    def price(self, symbol, ticks):
        return MIDDLE[symbol] + ticks * TICK[symbol]

    def request(self, fields):
        symbol, order_type = fields["symbol"], fields["type"]
        quantity = Decimal(fields["quantity"]) / 1000
        asked = {"symbol": symbol, "self_trade_prevention_mode": fields["mode"]}
        asked["client_order_id"] = fields["name"]
        price = self.price(symbol, fields["price"])
        if order_type == "QUOTE":
            quote = floor(quantity * price)
            return request(
                fields["side"], None, None, "MARKET", quote_order_quantity=quote, **asked
            )
        if order_type.startswith(("STOP", "TAKE")):
            if fields["stop"] is not None:
                asked["stop_price"] = self.price(symbol, fields["stop"])
            asked["trailing_delta"] = fields["delta"]
        if order_type == "LIMIT" or order_type.endswith("_LIMIT"):
            asked["time_in_force"] = fields["tif"]
        has_price = "LIMIT" in order_type
        return request(fields["side"], quantity, price if has_price else None, order_type, **asked)

    def live(self):
        return [order for name in ("a", "b") for order in self.venue.open_orders(name)]

    def pick(self, index):
        live = self.live()
        return live[index % len(live)] if live else None

    def place(self, account, fields):
        self.venue.place(account, self.request(fields))

    def quote(self, symbol, ticks, spread, thousandths):
        if ticks is None:
            self.venue.withdraw_quote(symbol)
            return
        size = Decimal(thousandths) / 1000
        bid, ask = self.price(symbol, ticks), self.price(symbol, ticks + spread)
        self.venue.set_quote(symbol, bid, ask, bid_size=size, ask_size=size)

    def fill(self, index, thousandths):
        order = self.pick(index)
        if order is not None:
            quantity = min(order.remaining, Decimal(thousandths) / 1000)
            self.venue.fill(order.account, order.order_id, quantity, symbol=order.symbol)

    def print(self, symbol, ticks, thousandths, buyer_is_maker):
        price, quantity = self.price(symbol, ticks), Decimal(thousandths) / 1000
        self.venue.print(symbol, price, quantity, buyer_is_maker=buyer_is_maker)

    def cancel(self, index):
        order = self.pick(index)
        if order is not None:
            self.venue.cancel(order.account, order.symbol, order.order_id)

    def amend(self, index, thousandths):
        order = self.pick(index)
        if order is not None:
            self.venue.amend(
                order.account, order.symbol, order.order_id, quantity=Decimal(thousandths) / 1000
            )

    def replace(self, index, fields, stop):
        order = self.pick(index)
        if order is not None:
            asked = self.request(fields | {"symbol": order.symbol})
            self.venue.replace(order.account, asked, order.order_id, stop_on_failure=stop)

    def cancel_all(self, account, symbol):
        self.venue.cancel_all(account, symbol)

    def server_cancel(self, index):
        order = self.pick(index)
        if order is not None:
            self.venue.server_cancel(order.symbol, order.order_id)

    def deposit(self, account, asset, thousandths):
        self.venue.deposit(account, asset, Decimal(thousandths) / 1000)
        self.given[asset] += Decimal(thousandths) / 1000

    def withdraw(self, account, asset, thousandths):
        self.venue.withdraw(account, asset, Decimal(thousandths) / 1000)
        self.given[asset] -= Decimal(thousandths) / 1000

    def status(self, symbol, status):
        self.venue.set_status(symbol, status)

    def trade_again(self):
        for symbol in SYMBOLS:
            self.venue.set_status(symbol, "TRADING")

    def wait(self, seconds):
        self.bench.clock.passed += seconds

    # What holds

    def everything(self):
        return (
            [self.venue.balances(name) for name in ("a", "b")],
            [self.venue.all_orders(name, symbol) for name in ("a", "b") for symbol in SYMBOLS],
            [self.venue.trades(name, symbol) for name in ("a", "b") for symbol in SYMBOLS],
            [self.venue.depth(symbol) for symbol in SYMBOLS],
            [self.venue.day(symbol) for symbol in SYMBOLS],
            self.bench.heard.lines[:],
        )

    def settle(self):
        """Add up what the trades say that was paid, beside what the venue itself keeps."""
        by_trade = {}
        for order, trade in self.watch.trades:
            base, quote = self.venue.rules(order.symbol).assets
            gets = base if trade.side == "BUY" else quote
            received = trade.quantity if gets == base else trade.quote_quantity
            self.fees[trade.commission_asset] += trade.commission
            if trade.commission_asset == gets and not (self.discounts and gets == "BNB"):
                assert trade.commission == floor(received / 1000)
            assert trade.quote_quantity == floor(trade.quantity * trade.price)
            assert order.price == 0 or (
                trade.price <= order.price if trade.side == "BUY" else trade.price >= order.price
            )
            by_trade.setdefault((trade.symbol, trade.trade_id), []).append(trade)
        for sides in by_trade.values():
            assert len({(each.price, each.quantity) for each in sides}) == 1
            if len(sides) == 1:
                (trade,) = sides
                base, quote = self.venue.rules(trade.symbol).assets
                sign = -1 if trade.side == "BUY" else 1
                self.house[base] += sign * trade.quantity
                self.house[quote] -= sign * trade.quote_quantity
            else:
                assert {each.is_maker for each in sides} == {True, False}
                assert {each.side for each in sides} == {"BUY", "SELL"}

    def check(self):
        self.check_conservation()
        self.check_locked()
        self.check_orders()
        self.check_books()

    def check_conservation(self):
        for asset, given in self.given.items():
            held = [
                total(balance.free, balance.locked)
                for name in ("a", "b")
                for its_asset, balance in self.venue.balances(name).items()
                if its_asset == asset
            ]
            assert total(*held, self.house[asset], self.fees[asset]) == given

    def check_locked(self):
        for name in ("a", "b"):
            locked = dict.fromkeys(FUNDS, ZERO)
            for order in self.venue.open_orders(name):
                base, quote = self.venue.rules(order.symbol).assets
                if order.side == "SELL":
                    locked[base] += order.remaining
                elif order.price or order.stop_price:
                    cost = order.remaining * (order.price or order.stop_price)
                    locked[quote] += cost.quantize(SATOSHI, ROUND_CEILING)
                else:
                    locked[quote] += self.venue._entry.orders[order.symbol, order.order_id].locked
            for asset, balance in self.venue.balances(name).items():
                assert balance.free >= 0
                assert balance.locked == locked[asset]
                assert floor(balance.free) == balance.free

    def check_orders(self):
        for name in ("a", "b"):
            for symbol in SYMBOLS:
                for order in self.venue.all_orders(name, symbol):
                    trades = self.venue.trades(name, symbol, order.order_id)
                    assert order.executed == total(*(each.quantity for each in trades))
                    assert order.quote_executed == total(*(each.quote_quantity for each in trades))
                    assert order.remaining >= 0
                    assert order.is_open or order.status in {
                        "FILLED",
                        "CANCELED",
                        "EXPIRED",
                        "EXPIRED_IN_MATCH",
                    }
                    assert (order.expiry_reason is not None) is (order.status == "EXPIRED")
                    if order.status == "FILLED":
                        assert order.remaining == 0
                    if order.is_open:
                        assert order.remaining > 0
                        assert (order.status == "NEW") is (order.executed == 0)

    def check_books(self):
        """What is open and works rests in the books, which are not crossed."""
        for symbol in SYMBOLS:
            depth = self.venue.depth(symbol)
            if depth.bids and depth.asks:
                assert depth.bids[0][0] < depth.asks[0][0]
            for side, levels in (("BUY", depth.bids), ("SELL", depth.asks)):
                offered = {
                    price: self.venue._markets[symbol].offer(side, price) for price, _ in levels
                }
                for order in self.live():
                    if (order.symbol, order.side) == (symbol, side) and order.is_working:
                        offered[order.price] = total(
                            offered.get(order.price, ZERO), order.remaining
                        )
                assert offered == dict(levels)
