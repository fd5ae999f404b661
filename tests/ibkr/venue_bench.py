"""A venue whose clock stands still, and short ways to order on it."""

from decimal import Decimal

from tests.standing_clock import StandingClock

from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.record import ContractKey, OrderForm
from nanobook_ibkr.simulator.venue import Venue


class Heard(VenueListener):
    """Writes down what the venue tells, in order, in short."""

    def __init__(self):
        self.lines = []
        self.executions = []

    def order_changed(self, order):
        held = f" ({order.why_held})" if order.why_held else ""
        number = f"{order.client_id}/{order.order_id}"
        self.lines.append(f"{number} {order.status}{held} {order.filled}+{order.remaining}")

    def order_refused(self, order, code, text):
        self.lines.append(f"{order.client_id}/{order.order_id} {code} {text}")

    order_warned = order_refused

    def executed(self, execution):
        self.executions.append(execution)
        self.lines.append(
            f"{execution.client_id}/{execution.order_id} {execution.action} "
            f"{execution.quantity} at {execution.price}"
        )


def decimal(value):
    return None if value is None else Decimal(value)


def key(symbol="AAPL", **fields):
    return ContractKey(
        **{"symbol": symbol, "sec_type": "STK", "exchange": "SMART", "currency": "USD", **fields}
    )


NUMBERS = (
    "quantity limit_price aux_price trail_stop_price trailing_percent min_quantity cash_quantity"
)


def form(action="BUY", quantity=100, order_type="LMT", limit_price=None, **fields):
    fields |= {"quantity": quantity, "limit_price": limit_price}
    numbers = {name: decimal(fields.pop(name)) for name in NUMBERS.split() if name in fields}
    return OrderForm(action=action, order_type=order_type, **numbers, **fields)


def buy(quantity, limit_price=None, order_type=None, **fields):
    kind = order_type or ("MKT" if limit_price is None else "LMT")
    return form("BUY", quantity, kind, limit_price, **fields)


def sell(quantity, limit_price=None, order_type=None, **fields):
    kind = order_type or ("MKT" if limit_price is None else "LMT")
    return form("SELL", quantity, kind, limit_price, **fields)


class Bench:
    """A venue, its clock, and what it told."""

    def __init__(self, **settings):
        self.clock = StandingClock()
        self.venue = Venue(clock=self.clock, **settings)
        self.heard = Heard()
        self.venue.listeners.append(self.heard)

    def place(self, client_id, order_id, form, symbol="AAPL"):
        return self.venue.place(client_id, order_id, key(symbol), form)

    def quote(self, bid, ask, symbol="AAPL", **fields):
        numbers = {name: decimal(value) for name, value in fields.items()}
        self.venue.set_quote(symbol, decimal(bid), decimal(ask), **numbers)

    def told(self):
        """What was told since the last time."""
        lines, self.heard.lines = self.heard.lines, []
        return lines

    def order(self, client_id, order_id):
        return next(
            each
            for each in self.venue.orders
            if (each.client_id, each.order_id) == (client_id, order_id)
        )

    def state(self, client_id, order_id):
        """Status, filled and remaining of an order, in short."""
        order = self.order(client_id, order_id)
        return f"{order.status} {order.filled}+{order.remaining}"

    def value(self, key, account="DU1234567", currency="USD"):
        return next(
            each.value
            for each in self.venue.account_values(account)
            if (each.key, each.currency) in ((key, currency), (key, ""))
        )
