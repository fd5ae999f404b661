"""One order at Binance: what is told of it comes to, in whatever order that comes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from attrs import define, evolve

from nanobook_binance.message import ToldOrder
from nanobook_binance.order_form import STATES
from nanobook_core.broker import OrderRecord
from nanobook_core.broker.exact import QUOTIENT, total
from nanobook_core.contracts import BrokerOrder, BrokerOrderStatus, OrderState, OrderType
from nanobook_core.types import Side

#: Milliseconds for which the venue takes a request at the longest.
LONGEST_WINDOW_MS = 60_000
#: Milliseconds by which an order may seem older than it is: clocks differ.
OLDER_MS = 60_000
#: An order's time and that of the answer to it differ by less.
_AS_OLD = dt.timedelta(minutes=1)
#: Why an order ended that would have traded on beyond its limit.
_UNFILLED = ("UNFILLED_IOC_QUANTITY_EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")
#: The number of an order at the venue, which counts by pair.
OrderKey = tuple[str, int]


@define(kw_only=True, eq=False)
class KnownOrder:
    """An order and its numbers."""

    record: OrderRecord
    pair: str
    client_order_id: str
    """That it was sent with, which may be none that nanobook would send."""
    order_type: OrderType | None
    """None for one that nanobook has no word for; the record says market then."""
    limit: Decimal | None = None
    """Limit that a market order went with."""
    number: int = 0
    """Of all that are known, in the order in which they became so."""
    venue_id: int = 0
    """The venue's number for it; 0 while it has told none."""
    created: dt.datetime | None = None
    """When the venue took it."""
    sent_ms: int = 0
    """Venue's time, by our clock, before which it was not sent; 0 where others sent it."""
    window_ms: int = LONGEST_WINDOW_MS
    """How long it may be on its way to the venue, which refuses it after that."""
    name: str = ""
    """Client order id that the venue has for it now, which somebody may have changed."""
    session: int = 0
    """Of the connections of this broker: the one that it was written down in."""
    until_ms: int | None = None
    """Venue's time, by our clock, until when it may have been signed; None while that goes on."""
    is_sending: bool = False
    """Whether somebody is about to send it, or waits for the answer."""
    is_written: bool = False
    """Whether it is in the journal, so that it may be sent."""

    @classmethod
    def sending(
        cls, order: BrokerOrder, pair: str, *, limit: Decimal | None, sent_ms: int, window_ms: int
    ) -> KnownOrder:
        """Return an order that is about to be sent."""
        record = OrderRecord(order_id=0, order=order)
        record.submitted()
        return cls(
            record=record,
            pair=pair,
            client_order_id=order.client_order_id or "",
            order_type=order.order_type,
            limit=limit,
            sent_ms=sent_ms,
            window_ms=window_ms,
            is_sending=True,
        )

    @property
    def is_own(self) -> bool:
        """Whether it was sent from here, or is asked for by its client order id."""
        return self.record.is_own

    @property
    def is_done(self) -> bool:
        """Whether nothing but a late fill can happen to it."""
        return self.record.state.is_terminal

    @property
    def is_in_doubt(self) -> bool:
        """Whether it was sent, and nobody knows whether the venue has it."""
        return not (self.venue_id or self.is_done or self.is_sending)

    @property
    def is_lost(self) -> bool:
        """Whether it is in doubt, or the venue does not know it any more."""
        return self.is_in_doubt or self.record.state is OrderState.UNKNOWN

    @property
    def is_free(self) -> bool:
        """Whether its client order id may be sent again: the venue never took it."""
        return not self.venue_id and self.record.state in (
            OrderState.NOT_ACCEPTED,
            OrderState.REJECTED,
        )

    @property
    def is_missing_fills(self) -> bool:
        """Whether more has filled than the executions that are known."""
        known = total(*(fill.quantity for fill in self.record.fills))
        return known < self.record.filled_quantity

    @property
    def key(self) -> OrderKey:
        """Its number at the venue."""
        return self.pair, self.venue_id

    @property
    def age(self) -> tuple[dt.datetime, int]:
        """What comes first in the order of age."""
        return self.created or dt.datetime.max.replace(tzinfo=dt.UTC), self.number

    def is_that(self, told: ToldOrder) -> bool:
        """Whether it has no number yet, and what is told can be of it, as it is not older.

        Also of one that was proved absent, or refused, which is an anomaly then.
        """
        if self.venue_id:
            return False
        if told.created is not None and told.created < _moment(self.sent_ms - OLDER_MS):
            return False
        mine = (self.pair, self.client_order_id, self.side)
        return mine == (told.pair, told.client_order_id, told.side)

    def can_be(self, told: ToldOrder) -> bool:
        """Whether what is told of an order of its number can be of this one.

        An order that somebody has amended has another client order id there and less quantity; it
        has the same limit, and is as old, but for a moment that its answer may have been younger.
        """
        order, created = self.record.order, self.created
        is_as_old = (
            created is not None
            and told.created is not None
            and abs(told.created - created) <= _AS_OLD
            and told.quantity <= order.quantity
            and told.limit == (self.limit if order.limit_price is None else order.limit_price)
        )
        is_named_so = told.client_order_id in (self.client_order_id, self.name)
        return told.side is self.side and (is_named_so or is_as_old)

    def identified(self, venue_id: int) -> None:
        """Take over the number that the venue gave it; also where a copy of it was refused."""
        if self.is_free:
            self.record.anomalies.append(f"the venue has it, though it was {self.record.state}")
            self.record.state = OrderState.UNKNOWN
        self.venue_id = self.record.order_id = venue_id

    @property
    def standing(self) -> tuple[object, ...]:
        """What a change of is told to whoever listens."""
        record = self.record
        return record.order_id, record.state, record.filled_quantity, record.order

    def told(self, told: ToldOrder) -> None:
        """Hear how far it is."""
        self.created = self.created or told.created
        self.name = told.name
        record, state = self.record, STATES.get(told.status)
        self._take_terms(told)
        if state is None:
            record.warned(f"status {told.status!r:.40}")
            state = OrderState.ACCEPTED
        record.told(
            state,
            filled=told.filled,
            avg_fill_price=self._average(told),
            reason=self._reason(told),
            at=max(told.at, record.updated_at or told.at),
            venue_status=told.status,
            venue_ids={"symbol": self.pair, "order_id": str(told.order_id)},
        )

    def doubted(self, until_ms: int) -> bool:
        """Hear nothing of it, though it may have been sent until then."""
        self.until_ms = until_ms
        return self.record.lost()

    def proved_absent(self, reason: str) -> None:
        """Be proved never to have been taken by the venue."""
        self.record.lost()
        self.record.proved_absent(reason)

    def told_archived(self, reason: str) -> None:
        """Hear that it ended long ago, without an execution, and was put away."""
        self.record.told(OrderState.CANCELLED, reason=reason)

    def told_missing(self) -> bool:
        """Hear that the venue does not know it any more, though it had it."""
        if self.is_done or self.record.state is OrderState.UNKNOWN:
            return False
        self.record.state = OrderState.UNKNOWN
        self.record.reason = "the venue had it, and does not know it any more"
        return True

    def status(self) -> BrokerOrderStatus:
        """All of it as a record."""
        status = evolve(self.record.status(), client_order_id=self.client_order_id)
        return status if self.order_type is not None else evolve(status, order_type=None)

    @property
    def side(self) -> Side:
        """Of which side it is."""
        return self.record.order.side

    def _take_terms(self, told: ToldOrder) -> None:
        """Take over a quantity that somebody has made less: orders change in no other way."""
        order = self.record.order
        if not self.is_done and told.filled <= told.quantity < order.quantity and told.quantity:
            self.record.order = evolve(order, quantity=told.quantity)

    def _reason(self, told: ToldOrder) -> str:
        if not told.reason and told.status == "EXPIRED_IN_MATCH":
            return "it would have traded with an order of the same account"
        if told.reason in _UNFILLED and self.order_type is OrderType.MARKET and self.limit:
            way = "up" if self.side is Side.BUY else "down"
            return (
                f"not all could trade {way} to {self.limit}, its limit by market_cap_bps: "
                f"{told.reason}"
            )
        return told.reason

    @staticmethod
    def _average(told: ToldOrder) -> Decimal | None:
        if told.paid is None or not told.filled:
            return None
        return QUOTIENT.divide(told.paid, told.filled)


def _moment(milliseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=milliseconds)
