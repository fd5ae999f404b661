"""What a broker must be able to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

from attrs import field, frozen

from nanobook_core.contracts.broker_order import (
    BrokerOrder,
    BrokerOrderStatus,
    BrokerTimeInForce,
    Fill,
    OrderAck,
    OrderType,
)
from nanobook_core.contracts.holding import Account, BrokerPosition, Quote
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.types import Side


class ConnectionState(StrEnum):
    """How far a broker can be used."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    """Connected, and not yet sure of its orders: nothing may be submitted."""
    READY = "ready"
    LINK_DOWN = "link_down"
    READ_ONLY = "read_only"
    HALTED = "halted"
    """Submits are refused until a person resumes; cancels and queries go on."""


@frozen(kw_only=True)
class ConnectionInfo:
    """Where a broker is connected, and how well."""

    state: ConnectionState = field(converter=ConnectionState)
    account_id: str = ""
    is_live: bool = False
    """Whether real money moves. What is not known to be paper is live."""
    detail: str = ""
    """One line for people."""
    records_since: dt.datetime | None = None
    """Since when every order is written down durably on this side before it is sent; None: not at
    all. Where that is what proves an order absent, it proves nothing of earlier ones."""


class ClientIdScope(StrEnum):
    """For how long a venue refuses to take a client order id again."""

    NEVER = "never"
    WHILE_OPEN = "while_open"
    FOR_EVER = "for_ever"


@frozen(kw_only=True)
class BrokerCapabilities:
    """What a venue can do; what is not claimed must not be asked for."""

    order_types: frozenset[OrderType] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    tifs: frozenset[BrokerTimeInForce] = frozenset({BrokerTimeInForce.DAY})
    post_only: bool = False
    reduce_only: bool = False
    outside_hours: bool = False
    fractional: bool = False
    short: bool = False
    margin: bool = False
    multi_currency: bool = False
    replace: bool = False
    preview: bool = False
    splits_flips: bool = False
    """Whether an order through 0 must be sent as two: a close, and an opening once that is done."""
    client_id_length: int = 36
    client_id_scope: ClientIdScope = field(default=ClientIdScope.NEVER, converter=ClientIdScope)
    streaming: bool = False
    """Whether events come by themselves; else they come while the broker is asked."""
    history_days: int | None = None
    """How far back fills and finished orders can be asked for; None for ever."""
    max_orders_per_second: float | None = None

    @property
    def usual_tif(self) -> BrokerTimeInForce:
        """How long an order works of which that is not said: the day; till cancelled without."""
        day = BrokerTimeInForce.DAY
        return day if day in self.tifs else BrokerTimeInForce.GTC


@frozen(kw_only=True)
class NormalizedOrder:
    """An order cut to the venue's steps, and what that changed, one line each."""

    order: BrokerOrder
    changes: tuple[str, ...] = ()


@frozen(kw_only=True)
class OrderPreview:
    """What the venue expects of an order that is not sent."""

    commission: Decimal | None = None
    margin_change: Decimal | None = None
    equity_after: Decimal | None = None
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class CancelReport:
    """What cancelling all orders came to."""

    cancelled: tuple[BrokerOrderStatus, ...] = ()
    remaining: tuple[BrokerOrderStatus, ...] = ()
    """Those that may still fill: a kill switch is not done while there are any."""


@frozen(kw_only=True)
class SyncReport:
    """What differed between what this side knew and what the venue says."""

    matched: tuple[str, ...] = ()
    """Client order ids of orders that both sides know."""
    foreign: tuple[BrokerOrderStatus, ...] = ()
    """Orders of others."""
    lost: tuple[str, ...] = ()
    """Client order ids that were sent and of which the venue knows nothing."""
    missed_fills: tuple[Fill, ...] = ()
    """Fills that happened while nobody listened."""
    unexplained: Mapping[str, Decimal] = field(factory=dict)
    """By symbol, what has come to a position, or gone from it, since the last comparison without
    an execution that is known; empty too where the venue does not compare that."""


@frozen(kw_only=True)
class BrokerEvent:
    """Something that happened: a change of an order, a fill, or a change of the connection."""

    order: BrokerOrderStatus | None = None
    fill: Fill | None = None
    connection: ConnectionInfo | None = None


OrderReference = int | str
"""An order's number, or its client order id."""


@runtime_checkable
class Broker(Protocol):
    """A venue, or a stand-in for one. Money, prices and quantities are Decimal.

    Kind `broker`; the target is called as `target(**settings)`. Every method but `connect`,
    `disconnect`, `connection`, `capabilities`, `halt`, `resume` and `subscribe` raises
    `NotConnectedError` while there is no connection. A venue that does not answer raises; no method
    waits for ever. An error's `outcome` says whether the venue has the request.
    """

    name: str

    def connect(self, timeout: float | None = None) -> None:
        """Connect and learn of open orders; done again, it does nothing.

        Raises:
            ConnectError, AuthenticationError: nothing is connected.

        """
        ...

    def disconnect(self) -> None:
        """End the connection; done again, it does nothing. No order is cancelled by it."""
        ...

    def __enter__(self) -> Self:
        """Connect."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        ...

    def connection(self) -> ConnectionInfo:
        """State of the connection."""
        ...

    def capabilities(self) -> BrokerCapabilities:
        """What this venue can do."""
        ...

    def server_time(self) -> dt.datetime:
        """The venue's time of day, in UTC.

        Raises:
            UnsupportedError: the venue does not tell it.

        """
        ...

    def account(self) -> Account:
        """Money, in the base currency."""
        ...

    def positions(self) -> list[BrokerPosition]:
        """Holdings, one for each symbol, in the order of the symbols; none of quantity 0."""
        ...

    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol.

        Raises:
            UnknownSymbolError: there is no such instrument, or more than one.

        """
        ...

    def quote(self, symbol: str) -> Quote:
        """Prices now.

        Raises:
            UnknownSymbolError: there is no such instrument.
            NoQuoteError: the venue has no price of it.

        """
        ...

    def normalize(self, order: BrokerOrder) -> NormalizedOrder:
        """Cut an order to the venue's steps: the price to the passive side, the quantity to less.

        Raises:
            OrderInvalidError: nothing is left of it, or another rule forbids it.

        """
        ...

    def preview(self, order: BrokerOrder) -> OrderPreview:
        """Ask what an order would cost without sending it.

        Raises:
            UnsupportedError: the venue cannot tell.

        """
        ...

    def submit_order(
        self,
        order: BrokerOrder | str,
        side: Side | str | None = None,
        quantity: int | Decimal | None = None,
        *,
        order_type: OrderType | str = "market",
        limit_price_cents: int | None = None,
        limit_price: Decimal | None = None,
        client_order_id: str | None = None,
    ) -> OrderAck:
        """Send an order once, and return when the venue has it.

        As a record, or as in the seed: symbol, side, quantity, and a limit in cents; that one works
        for the venue's `usual_tif`.

        Raises:
            TypeError, ValidationError, OverflowError: an argument; nothing was sent.
            OrderRejectedError: it is refused; `outcome` says whether the venue did.
            HaltedError: trading is halted.
            OutcomeUnknownError: it was sent and there was no answer; ask `find_order`.

        """
        ...

    def order_status(self, order: OrderReference) -> BrokerOrderStatus:
        """Where an order stands.

        Raises:
            OrderNotFoundError: there is no such order.

        """
        ...

    def open_orders(self, scope: Literal["own", "all"] = "own") -> list[BrokerOrderStatus]:
        """Orders that may still fill, oldest first."""
        ...

    def find_order(
        self, client_order_id: str, symbol: str | None = None
    ) -> BrokerOrderStatus | None:
        """Ask the venue for the latest order of that client order id, open or done.

        None says that the venue never had it: it is proof, not a guess. Say the symbol where it is
        known: some venues find orders only among those of a symbol.

        Raises:
            OutcomeUnknownError: the venue cannot prove either.

        """
        ...

    def fills(self, since: dt.datetime | None = None, symbol: str | None = None) -> list[Fill]:
        """Executions from that time on, oldest first, each `exec_id` once."""
        ...

    def wait(self, order: OrderReference, timeout: float) -> BrokerOrderStatus:
        """Return once the order is done or so many seconds have passed, whichever is first."""
        ...

    def cancel_order(self, order: OrderReference) -> None:
        """Ask for the end of an order; it may still fill until `order_status` says that it ended.

        Raises:
            CancelRejectedError: it is done already; `status` says how.
            OrderNotFoundError: there is no such order.

        """
        ...

    def cancel_all(
        self, symbol: str | None = None, scope: Literal["own", "all"] = "own"
    ) -> CancelReport:
        """Cancel every open order, of one symbol or of all, and look whether they are gone."""
        ...

    def replace_order(
        self,
        order: OrderReference,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
    ) -> OrderAck:
        """Change an open order in place.

        Raises:
            UnsupportedError: the venue cannot.

        """
        ...

    def resync(self) -> SyncReport:
        """Compare what this side knows with the venue, and take over what the venue says."""
        ...

    def halt(self, reason: str) -> None:
        """Refuse every submit from now on; cancels and queries go on."""
        ...

    def resume(self) -> None:
        """Allow submits again."""
        ...

    def subscribe(self, callback: Callable[[BrokerEvent], None]) -> Callable[[], None]:
        """Call back on every event, never on the thread that talks to the venue; returns the end.

        An exception of the callback is logged and does nothing else.
        """
        ...
