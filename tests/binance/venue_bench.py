"""A venue whose clock stands still, and short ways to order on it."""

from decimal import Decimal

from tests.standing_clock import StandingClock

from nanobook_binance.simulator.venue import OrderRequest, Venue, VenueListener

START_MS = 1795446000000
FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal(2)}


class Heard(VenueListener):
    """Writes down what the venue tells, in order, in short."""

    def __init__(self):
        self.lines = []
        self.orders = []

    def order_changed(self, account, order, execution_type, trade, prevented):
        line = f"{account}/{order.order_id} {execution_type} {order.status} {text(order.executed)}"
        if trade is not None:
            line += f" {text(trade.quantity)} at {text(trade.price)}"
        if prevented is not None:
            line += f" {prevented.match_id}"
        if order.expiry_reason is not None:
            line += f" {order.expiry_reason}"
        self.lines.append(line)
        self.orders.append(order)

    def balances_changed(self, account, assets):
        self.lines.append(f"{account} balances {' '.join(assets)}")

    def balance_updated(self, account, asset, delta):
        self.lines.append(f"{account} {asset} {text(delta)}")

    def traded(self, trade):
        self.lines.append(f"{trade.symbol} {text(trade.quantity)} at {text(trade.price)}")

    def depth_changed(self, symbol):
        self.lines.append(f"{symbol} depth")

    def top_changed(self, symbol):
        self.lines.append(f"{symbol} top")

    def status_changed(self, symbol):
        self.lines.append(f"{symbol} status")


def text(number):
    """A number without the zeros at its end."""
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def decimal(value):
    return None if value is None else Decimal(value)


NUMBERS = ("quantity", "quote_order_quantity", "price", "stop_price", "iceberg_quantity")


def request(side, quantity, price=None, order_type=None, **fields):
    """An order on BTCUSDT: LIMIT GTC with a price, MARKET without."""
    order_type = order_type or ("MARKET" if price is None else "LIMIT")
    fields = {"symbol": "BTCUSDT", "quantity": quantity, "price": price, **fields}
    if order_type in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
        fields.setdefault("time_in_force", "GTC")
    numbers = {name: decimal(fields.pop(name)) for name in NUMBERS if name in fields}
    return OrderRequest(side=side, type=order_type, **numbers, **fields)


def buy(quantity, price=None, order_type=None, **fields):
    return request("BUY", quantity, price, order_type, **fields)


def sell(quantity, price=None, order_type=None, **fields):
    return request("SELL", quantity, price, order_type, **fields)


class Bench:
    """A venue, its clock, accounts a and b, and what it told."""

    def __init__(self, symbols=None, *, funds=FUNDS, **settings):
        self.clock = StandingClock()
        self.venue = Venue(symbols, clock=self.clock, **settings)
        self.heard = Heard()
        self.venue.listeners.append(self.heard)
        for name in ("a", "b"):
            self.venue.open_account(name, funds)

    def place(self, account, request):
        return self.venue.place(account, request)

    def quote(self, bid, ask, symbol="BTCUSDT", **fields):
        numbers = {name: decimal(value) for name, value in fields.items()}
        self.venue.set_quote(symbol, decimal(bid), decimal(ask), **numbers)

    def told(self):
        """What was told since the last time."""
        lines, self.heard.lines = self.heard.lines, []
        return lines

    def has(self, account, asset):
        """Free and locked of an asset, in short."""
        balance = self.venue.balances(account)[asset]
        return f"{text(balance.free)}+{text(balance.locked)}"

    def state(self, account, order_id, symbol="BTCUSDT"):
        """Status, filled and remaining of an order, in short."""
        order = self.venue.order(account, symbol, order_id)
        return f"{order.status} {text(order.executed)}+{text(order.remaining)}"
