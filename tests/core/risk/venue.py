"""A broker of a few lines that does at once what it is told, and counts what it is asked."""

import datetime as dt
from decimal import Decimal

from nanobook_core.contracts import (
    Account,
    BrokerCapabilities,
    BrokerOrderStatus,
    BrokerPosition,
    Instrument,
    OrderAck,
    OrderState,
    Quote,
)

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


class StoppedClock:
    def now(self):
        return NOON

    def monotonic(self):
        return 100.0

    def sleep(self, seconds):
        raise AssertionError(f"nobody waits here, {seconds}")


class Venue:
    """Everything costs 100; equity and cash are 10,000; nothing ever fills."""

    name = "venue"

    def __init__(self, *, held=(), failing=None):
        self.held = dict(held)
        self.failing = dict(failing or {})
        self.sent = []
        self.replaced = []
        self.orders = []
        self.halted = ""
        self.asked = []

    def _ask(self, question):
        self.asked.append(question)
        if question in self.failing:
            raise self.failing[question]

    def capabilities(self):
        return BrokerCapabilities()

    def account(self):
        self._ask("account")
        money = Decimal(10_000)
        return Account(equity=money, cash=money, buying_power=money)

    def positions(self):
        self._ask("positions")
        return [
            BrokerPosition(
                symbol=symbol,
                quantity=Decimal(quantity),
                avg_cost=Decimal(100),
                market_value=Decimal(quantity) * 100,
                unrealized_pnl=Decimal(0),
            )
            for symbol, quantity in self.held.items()
        ]

    def open_orders(self, scope="own"):
        self._ask("open_orders")
        assert scope == "all"
        return list(self.orders)

    def quote(self, symbol):
        self._ask("quote")
        return Quote(symbol=symbol, bid=Decimal(99), ask=Decimal(101), received=100.0)

    def instrument(self, symbol):
        self._ask("instrument")
        return Instrument(symbol=symbol)

    def server_time(self):
        self._ask("server_time")
        return NOON

    def submit_order(self, order):
        self._ask("submit_order")
        self.sent.append(order)
        status = BrokerOrderStatus(
            order_id=len(self.sent),
            client_order_id=order.client_order_id or "",
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            state=OrderState.ACCEPTED,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
        )
        self.orders.append(status)
        return OrderAck(len(self.sent), order.client_order_id or "", OrderState.ACCEPTED)

    def replace_order(self, order, *, quantity=None, limit_price=None):
        self.replaced.append((order, quantity, limit_price))
        return OrderAck(order, "", OrderState.ACCEPTED)

    def order_status(self, order):
        self._ask("order_status")
        return self.orders[order - 1]

    def halt(self, reason):
        self._ask("halt")
        self.halted = reason

    def resume(self):
        self.halted = ""
