"""What is asked of a broker in a session, what it says, and the laws that it may break."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import (
    BrokerEvent,
    BrokerOrder,
    BrokerOrderStatus,
    Fill,
    OrderState,
    Outcome,
    SyncReport,
)

DUPLICATE, LOST, DOUBLED, STATE = "duplicate", "lost", "doubled", "state"
OUTCOME, TERMS, EVENT, POSITION, HANG = "outcome", "terms", "event", "position", "hang"
RULES = (DUPLICATE, LOST, DOUBLED, STATE, OUTCOME, TERMS, EVENT, POSITION, HANG)


@frozen
class Violation:
    """A law that was broken."""

    rule: str
    text: str


@frozen(kw_only=True)
class Submit:
    """An order that was asked for, and how that ended."""

    order: BrokerOrder
    outcome: Outcome | None
    """None: it was acknowledged."""
    error: str = ""

    @property
    def client_order_id(self) -> str:
        assert self.order.client_order_id is not None
        return self.order.client_order_id


@frozen(kw_only=True)
class Replace:
    """A change that was asked for, and how that ended."""

    client_order_id: str
    quantity: Decimal | None
    limit_price: Decimal | None
    outcome: Outcome | None


@frozen(kw_only=True)
class Cancel:
    """A cancel that was asked for, and what was said of it."""

    client_order_id: str
    told: OrderState | None
    """State of the order that could not be cancelled, as the error says; None of another end."""


@frozen(kw_only=True)
class Told:
    """What the broker says after its last resync."""

    statuses: Mapping[str, BrokerOrderStatus | None]
    """By client order id; None of which it knows nothing."""
    open_orders: tuple[BrokerOrderStatus, ...]
    """Of everybody."""
    fills: tuple[Fill, ...]
    positions: Mapping[str, Decimal]
    cash: Decimal
    balances: Mapping[str, tuple[Decimal, Decimal]] = field(factory=dict)
    """Free and locked, by currency."""
    report: SyncReport
    """Of the last resync."""
    events: tuple[BrokerEvent, ...] = ()
    missed: tuple[Fill, ...] = ()
    """Fills that its resyncs reported."""
    is_whole: bool = True
    """Whether one object listened from the beginning to the end, and so must have told of all."""
