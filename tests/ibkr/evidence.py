"""What a session leaves behind: what was asked for, what the venue knows, what the broker says."""

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
from nanobook_ibkr.simulator.record import VenueExecution, VenueOrder

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
class Truth:
    """What the venue knows, and what reached it."""

    client_id: int
    """The broker's."""
    orders: tuple[VenueOrder, ...]
    executions: tuple[VenueExecution, ...]
    """As they stand: one that was corrected has the id of its last correction."""
    positions: Mapping[str, Decimal]
    cash: Decimal
    placed: frozenset[tuple[str, str]]
    """(orderRef, number) of each message that places or changes an order of this client.

    Without numbers that the venue has refused as used (103) and has no order of: nothing can ever
    come of them.
    """

    @property
    def own(self) -> list[VenueOrder]:
        """Orders of this client."""
        return [each for each in self.orders if each.client_id == self.client_id]

    @property
    def standing(self) -> dict[str, VenueExecution]:
        """Executions by id."""
        return {each.exec_id: each for each in self.executions}

    @property
    def own_executions(self) -> list[VenueExecution]:
        """Executions of this client's orders."""
        return [each for each in self.executions if each.client_id == self.client_id]

    def is_superseded(self, exec_id: str) -> bool:
        """Whether a correction has taken the place of that execution."""
        stem, _, revision = exec_id.rpartition(".")
        return any(
            each.rpartition(".")[0] == stem and each.rpartition(".")[2] > revision
            for each in self.standing
        )


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
    report: SyncReport
    """Of the last resync."""
    events: tuple[BrokerEvent, ...] = ()
    missed: tuple[Fill, ...] = ()
    """Fills that its resyncs reported."""
    is_whole: bool = True
    """Whether one object listened from the beginning to the end, and so must have told of all."""


@frozen(kw_only=True)
class Evidence:
    """All that a run leaves behind."""

    asked: tuple[Submit | Replace | Cancel, ...]
    truth: Truth
    told: Told
    fees_known: bool = True
    """Whether the venue has told all of them."""
    violations: tuple[Violation, ...] = field(default=(), converter=tuple)
    """What was seen while it ran: calls that hang, errors that say nothing."""
