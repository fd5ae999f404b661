"""A Broker at the simulated venue: one session of one process, with whatever goes wrong on the way.

Everything it knows, the venue told it. What it was asked is a step on the tape of its process.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from attrs import frozen
from tests.rebalancer.crash import RunClock, Tape
from tests.rebalancer.sim_venue import ACCOUNT, SimVenue, VenueOrder
from tests.rebalancer.virtual_clock import START, VirtualClock

from nanobook_core.broker.base import BrokerBase
from nanobook_core.contracts.broker import (
    BrokerCapabilities,
    ConnectionInfo,
    ConnectionState,
)
from nanobook_core.contracts.broker_error import (
    BrokerError,
    CancelRejectedError,
    NotConnectedError,
    OrderNotFoundError,
    OrderRejectedError,
    UnknownSymbolError,
)
from nanobook_core.contracts.broker_order import (
    BrokerOrderStatus,
    Fill,
    OrderAck,
)
from nanobook_core.contracts.holding import Account, BrokerPosition
from nanobook_core.contracts.instrument import Instrument

#: Seconds from one side to the other.
LATENCY = 0.005


@frozen
class Call:
    """A request on its way to the venue: `perform` has it arrive."""

    kind: str
    session: SimBroker
    perform: Callable[[], Any]
    subject: str = ""
    """Symbol or client order id that it is about."""

    @property
    def venue(self) -> SimVenue:
        """Where it is sent."""
        return self.session.venue

    @property
    def clock(self) -> VirtualClock:
        """The world's."""
        return self.session.clock


def straight(call: Call) -> Any:
    """Nothing goes wrong."""
    return call.perform()


class SimBroker(BrokerBase):
    """Asks the venue and passes on what it says; `answer` decides what becomes of each request."""

    name = "sim"

    def __init__(
        self,
        venue: SimVenue,
        clock: VirtualClock,
        tape: Tape,
        answer: Callable[[Call], Any] = straight,
        *,
        splits_flips: bool = False,
        session: int = 1,
    ) -> None:
        super().__init__(clock=RunClock(clock, tape))
        self.venue, self.clock, self.tape = venue, clock, tape
        self.answer = answer
        self.splits_flips = splits_flips
        self.session = session
        """Numbers of orders are the session's own: only client order ids outlive it."""
        self.is_connected = False

    def _ask(self, kind: str, act: Callable[[], Any], subject: str = "") -> Any:
        self.tape.check()
        if not self.is_connected and kind != "connect":
            raise NotConnectedError
        self.clock.sleep(LATENCY)
        try:
            return self.answer(Call(kind, self, act, subject))
        except (OrderRejectedError, CancelRejectedError, OrderNotFoundError):
            raise
        except BrokerError:
            self.venue.unanswered.add(subject)
            raise
        finally:
            self.clock.sleep(LATENCY)
            self.tape.step(f"{kind}:{subject}")

    # The connection.

    def connect(self, timeout=None):
        if not self.is_connected:
            self._ask("connect", lambda: setattr(self, "is_connected", True))

    def disconnect(self):
        self.is_connected = False

    def _connection(self):
        state = ConnectionState.READY if self.is_connected else ConnectionState.DISCONNECTED
        return ConnectionInfo(state=state, account_id=ACCOUNT)

    def capabilities(self):
        return BrokerCapabilities(
            short=True,
            margin=True,
            splits_flips=self.splits_flips,
            client_id_scope=self.venue.scope,
        )

    def server_time(self):
        # The venue's clock does not jump with ours.
        return self._ask("server_time", lambda: START + dt.timedelta(seconds=self.clock.elapsed))

    # What there is.

    def account(self):
        return self._ask("account", self._account)

    def _account(self):
        held = self.venue.positions()
        value = sum((q * self.venue.prices[s] for s, q in held.items()), Decimal(0))
        gross = sum((abs(q) * self.venue.prices[s] for s, q in held.items()), Decimal(0))
        cash = self.venue.balance()
        return Account(
            equity=cash + value,
            cash=cash,
            buying_power=cash + value,
            gross_position_value=gross,
            account_id=ACCOUNT,
            as_of=self.clock.now(),
        )

    def positions(self):
        return self._ask("positions", lambda: self.holdings(self.venue.positions()))

    def holdings(self, held):
        prices = self.venue.prices
        return [
            BrokerPosition(
                symbol=symbol,
                quantity=quantity,
                avg_cost=prices[symbol],
                market_value=quantity * prices[symbol],
                unrealized_pnl=Decimal(0),
            )
            for symbol, quantity in held.items()
        ]

    def instrument(self, symbol):
        if symbol not in self.venue.prices:
            raise UnknownSymbolError(symbol)
        return Instrument(symbol=symbol)

    def quote(self, symbol):
        self.instrument(symbol)
        quote, made_at = self._ask(
            "quote",
            lambda: (
                self.venue.quote(symbol, received=self.clock.monotonic()),
                self.clock.elapsed,
            ),
            symbol,
        )
        self.venue.shown[symbol] = (quote, made_at)
        return quote

    # Orders.

    def _send(self, order):
        sent_at = self.clock.elapsed

        def send() -> VenueOrder:
            try:
                return self.venue.accept(order, sent_at)
            finally:
                self.tape.step(f"send:{order.client_order_id}")

        taken = self._ask("ack", send, order.client_order_id or "")
        return OrderAck(self._handle(taken), taken.client_order_id, taken.state)

    def order_status(self, order):
        return self._ask("status", lambda: self.status(self._order(order)), str(order))

    def open_orders(self, scope="own"):
        return self._ask(
            "open_orders",
            lambda: [
                self.status(order) for order in self.venue.orders if not order.state.is_terminal
            ],
        )

    def find_order(self, client_order_id, symbol=None):
        def find():
            found = self.venue.find(client_order_id)
            return None if found is None else self.status(found)

        return self._ask("find", find, client_order_id)

    def fills(self, since=None, symbol=None):
        return self._ask("fills", lambda: self.executions(symbol))

    def executions(self, symbol=None):
        self.venue.asked_at = self.clock.elapsed
        # All of them, whenever they were: the clock by which `since` was told may have jumped.
        return [
            Fill(
                exec_id=each.exec_id,
                order_id=self._handle(self.venue.order(each.number)),
                client_order_id=each.client_order_id,
                symbol=each.symbol,
                side=each.side,
                quantity=each.quantity,
                price=each.price,
                fee=Decimal("0.35"),
                fee_currency="USD",
            )
            for each in self.venue.executions
            if symbol in (None, each.symbol)
        ]

    def cancel_order(self, order):
        def cancel():
            taken = self._order(order)
            is_cancelled = self.venue.cancel(taken)
            self.tape.step(f"cancel_send:{taken.client_order_id}")
            if not is_cancelled:
                raise CancelRejectedError(
                    f"{taken.client_order_id} is {taken.state}", status=self.status(taken)
                )

        self._ask("cancel", cancel, str(order))

    # What the venue's words are here.

    def status(self, order: VenueOrder) -> BrokerOrderStatus:
        """Where an order stands, in the words of the contract."""
        prices = [
            (each.quantity, each.price)
            for each in self.venue.executions
            if each.number == order.number
        ]
        cost = sum((quantity * price for quantity, price in prices), Decimal(0))
        return BrokerOrderStatus(
            order_id=self._handle(order),
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            state=order.state,
            filled_quantity=order.filled,
            avg_fill_price=cost / order.filled if order.filled else None,
            limit_price=order.limit,
            reason=order.reason,
            updated_at=self.clock.now(),
        )

    def _handle(self, order: VenueOrder) -> int:
        return 1000 * self.session + order.number

    def _order(self, reference: int | str) -> VenueOrder:
        if isinstance(reference, str):
            found = self.venue.find(reference)
            if found is None:
                raise OrderNotFoundError(f"there is no order {reference}")
            return found
        if reference // 1000 != self.session:
            raise OrderNotFoundError(f"there is no order {reference} in this session")
        return self.venue.order(reference % 1000)
