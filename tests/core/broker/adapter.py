"""The least that an adapter writes: a venue of one symbol that takes orders and fills none."""

from decimal import Decimal

from nanobook_core.broker import BrokerBase, OrderRecord
from nanobook_core.contracts import (
    Account,
    BrokerCapabilities,
    BrokerEvent,
    BrokerTimeInForce,
    ConnectionInfo,
    Instrument,
    OrderAck,
    OrderNotFoundError,
    OrderState,
    OrderType,
    Quote,
    UnknownSymbolError,
)


class Adapter(BrokerBase):
    name = "adapter"

    def __init__(self, clock, **rules):
        super().__init__(clock=clock)
        self.state, self.detail = "ready", ""
        self.rules = Instrument(symbol="A", **rules)
        self.prices = Quote(symbol="A", bid=Decimal(99), ask=Decimal(101))
        self.claims = {"order_types": frozenset(OrderType), "tifs": frozenset(BrokerTimeInForce)}
        self.records = []
        self.cancel_errors = {}

    def connect(self, timeout=None):
        self.state = "ready"

    def disconnect(self):
        self.state = "disconnected"

    def _connection(self):
        return ConnectionInfo(state=self.state, detail=self.detail)

    def capabilities(self):
        return BrokerCapabilities(**self.claims)

    def account(self):
        return Account(equity=Decimal(1), cash=Decimal(1), buying_power=Decimal(1))

    def positions(self):
        return []

    def instrument(self, symbol):
        if symbol != "A":
            raise UnknownSymbolError(symbol)
        return self.rules

    def quote(self, symbol):
        return self.prices

    def _send(self, order):
        record = OrderRecord(order_id=len(self.records) + 1, order=order)
        record.told(OrderState.ACCEPTED)
        self.records.append(record)
        self._publish(BrokerEvent(order=record.status()))
        return OrderAck(record.order_id, order.client_order_id, record.state)

    def order_status(self, order):
        for record in self.records:
            if order in (record.order_id, record.order.client_order_id):
                return record.status()
        raise OrderNotFoundError(str(order))

    def open_orders(self, scope="own"):
        return [
            record.status()
            for record in self.records
            if not record.state.is_terminal and (record.is_own or scope == "all")
        ]

    def find_order(self, client_order_id, symbol=None):
        return None

    def fills(self, since=None, symbol=None):
        return []

    def cancel_order(self, order):
        if error := self.cancel_errors.get(order):
            raise error
        self.records[order - 1].told(OrderState.CANCELLED)
