"""Orders, as clients write them and as the venue has them."""

from __future__ import annotations

from decimal import Decimal

from attrs import define, frozen

from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.word import (
    OPEN,
    ExpiryReason,
    OrderStatus,
    OrderType,
    StpMode,
)
from nanobook_core.broker.exact import EXACT, total


@frozen(kw_only=True)
class OrderRequest:
    """An order as a client writes it; None was not sent. Words are the client's, right or wrong."""

    symbol: str
    side: str
    type: str
    time_in_force: str | None = None
    quantity: Decimal | None = None
    """Of the base asset."""
    quote_order_quantity: Decimal | None = None
    """Of the quote asset, for market orders."""
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    """In hundredths of a percent."""
    iceberg_quantity: Decimal | None = None
    client_order_id: str | None = None
    """Without one the venue makes one up."""
    self_trade_prevention_mode: str | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None


@define(kw_only=True)
class VenueOrder:
    """An order as the venue has it; whoever is given one has a copy. Times are milliseconds."""

    symbol: str
    order_id: int
    """Counted per symbol: another symbol has the same numbers."""
    client_order_id: str
    account: str
    side: str
    """`BUY` or `SELL`."""
    type: OrderType
    time_in_force: str
    quantity: Decimal
    """As ordered, or as amended; of a market order in the quote asset what that came to."""
    price: Decimal = ZERO
    """0 without a limit."""
    quote_order_quantity: Decimal = ZERO
    stop_price: Decimal = ZERO
    trailing_delta: int | None = None
    trailing_time: int | None = None
    """When it began to follow the price."""
    self_trade_prevention_mode: StpMode
    status: OrderStatus = OrderStatus.NEW
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    """What the fills came to in the quote asset."""
    prevented: Decimal = ZERO
    """What self-trade prevention took off."""
    prevented_match_id: int | None = None
    """The last one that it was in."""
    expiry_reason: ExpiryReason | None = None
    time: int
    update_time: int
    working_time: int | None = None
    """When it went to the book; None while it waits for its trigger."""
    execution_id: int = 0
    """Number of the last thing that happened to it; counted per symbol."""
    cancel_client_order_id: str = ""
    """The client's name for the cancel that ended it."""
    amended_from: str = ""
    """Its client id before the last amendment."""
    strategy_id: int | None = None
    strategy_type: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status in OPEN

    @property
    def is_working(self) -> bool:
        """Whether it has gone to the book; a trigger is not waited for any more."""
        return self.working_time is not None

    @property
    def remaining(self) -> Decimal:
        """What is neither filled nor taken off; of orders that have ended too. Exact."""
        return EXACT.subtract(self.quantity, total(self.executed, self.prevented))


@frozen(kw_only=True)
class Amendment:
    """A change of an order's quantity in its place."""

    symbol: str
    order_id: int
    execution_id: int
    former_client_order_id: str
    client_order_id: str
    former_quantity: Decimal
    quantity: Decimal
    time: int


@frozen(kw_only=True)
class Replacement:
    """What a cancel-replace did: an order, the refusal of that half, or None if not attempted."""

    cancelled: VenueOrder | Exception | None
    placed: VenueOrder | Exception | None
