"""What a session with the simulated venue leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen
from tests.fault.evidence import Cancel, Replace, Submit, Told, Violation

from nanobook_core.types import Side


@frozen(kw_only=True)
class VenueOrder:
    """An order of the account, as the venue has it."""

    symbol: str
    """As brokers say it."""
    number: int
    """Counted by symbol."""
    client_order_id: str
    """With which it came; who amends it may give it another one."""
    side: Side = field(converter=Side)
    kind: str
    """The venue's word for its type."""
    tif: str
    asked: Decimal
    """The quantity with which it came."""
    quantity: Decimal
    """As it was amended."""
    limit_price: Decimal | None
    stop_price: Decimal | None = None
    status: str
    filled: Decimal = Decimal(0)
    quote_filled: Decimal = Decimal(0)
    """What was paid or got for it."""

    @property
    def is_done(self) -> bool:
        """Whether nothing can happen to it."""
        return self.status not in {"NEW", "PENDING_NEW", "PARTIALLY_FILLED"}

    @property
    def key(self) -> tuple[str, int]:
        """What it is known by: numbers are counted by symbol."""
        return self.symbol, self.number


@frozen(kw_only=True)
class VenueTrade:
    """A trade of the account, as the venue has it."""

    symbol: str
    number: int
    """Counted by symbol."""
    order: int
    side: Side = field(converter=Side)
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool

    @property
    def order_key(self) -> tuple[str, int]:
        """What its order is known by."""
        return self.symbol, self.order

    @property
    def facts(self) -> tuple[object, ...]:
        """What a fill must say of it."""
        liquidity = "maker" if self.is_maker else "taker"
        fee = (self.fee, self.fee_currency)
        return self.symbol, self.order, self.side, self.quantity, self.price, *fee, liquidity


@frozen(kw_only=True)
class Placed:
    """A request to place an order that reached the venue."""

    client_order_id: str
    is_taken: bool
    """Whether an order came of it; the answer may have been lost."""


@frozen(kw_only=True)
class Truth:
    """What the venue knows of the account, and what reached it."""

    orders: tuple[VenueOrder, ...]
    trades: tuple[VenueTrade, ...]
    balances: Mapping[str, tuple[Decimal, Decimal]]
    """Free and locked, of all that is not 0."""
    placed: tuple[Placed, ...]
    """In the order in which they came."""

    def order(self, client_order_id: str) -> VenueOrder | None:
        """The latest order of that id."""
        found = [each for each in self.orders if each.client_order_id == client_order_id]
        return found[-1] if found else None


@frozen(kw_only=True)
class Evidence:
    """All that a run leaves behind."""

    asked: tuple[Submit | Replace | Cancel, ...]
    remembered: frozenset[str]
    """Client order ids of which the broker has records of its own, or may have."""
    truth: Truth
    told: Told
    quote_asset: str = "USDT"
    violations: tuple[Violation, ...] = field(default=(), converter=tuple)
    """What was seen while it ran: calls that hang, errors that say nothing."""

    @property
    def own(self) -> list[VenueOrder]:
        """Orders that programs have asked for, in the order in which the venue took them."""
        refs = {each.client_order_id for each in self.asked}
        return [each for each in self.truth.orders if each.client_order_id in refs]
