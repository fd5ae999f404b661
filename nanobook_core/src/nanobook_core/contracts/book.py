"""Records of the order book: what requests answer and what queries show.

An engine may hand out records of its own types, as long as each is registered with the one here
(`Trade.register(...)`), compares equal to it, and reduces to it when pickled.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, fields, frozen

from nanobook_core.types import (
    OrderStatus,
    Price,
    Side,
    StopStatus,
    StpPolicy,
    TimeInForce,
    TrailMethod,
)


def _dollars(price: int) -> str:
    # The original puts the sign after the dollar here, and before it in `Price`.
    return f"${price / 100:.2f}"


@frozen(repr=False)
class Trade(metaclass=ABCMeta):
    """One fill between an incoming order and a resting one."""

    trade_id: int
    price: int
    """The resting order's limit: the incoming one gets any improvement."""
    quantity: int
    aggressor_side: Side
    aggressor_order_id: int
    passive_order_id: int
    timestamp: int

    @property
    def price_float(self) -> float:
        """Price in hundreds of units: dollars where the unit is a cent."""
        return self.price / 100

    @property
    def passive_side(self) -> Side:
        """Side of the resting order."""
        return self.aggressor_side.opposite

    @property
    def notional(self) -> int:
        """Price times quantity, exact."""
        return self.price * self.quantity

    @staticmethod
    def vwap(trades: Iterable[Trade]) -> Price | None:
        """Return their volume-weighted average price, rounded toward zero; None without trades."""
        notional = quantity = 0
        for trade in trades:
            notional += trade.notional
            quantity += trade.quantity
        if quantity == 0:
            return None
        average = abs(notional) // quantity
        return Price(average if notional > 0 else -average)

    def __repr__(self) -> str:
        return (
            f"Trade(id={self.trade_id}, price={_dollars(self.price)}, qty={self.quantity}, "
            f"side='{self.aggressor_side}')"
        )


@frozen(repr=False)
class SubmitResult(metaclass=ABCMeta):
    """What became of a limit or market order at once.

    `quantity = filled + resting + cancelled`. The trades are this order's own, not those of stops
    that it set off.
    """

    order_id: int
    status: OrderStatus
    trades: tuple[Trade, ...]
    filled_quantity: int
    resting_quantity: int
    cancelled_quantity: int

    @property
    def has_trades(self) -> bool:
        """Whether any of it traded."""
        return bool(self.trades)

    @property
    def is_resting(self) -> bool:
        """Whether any of it is on the book."""
        return self.resting_quantity > 0

    @property
    def is_fully_filled(self) -> bool:
        """Whether all of it traded."""
        return self.status is OrderStatus.FILLED

    def __repr__(self) -> str:
        return (
            f"SubmitResult(order_id={self.order_id}, status='{self.status}', "
            f"filled={self.filled_quantity}, resting={self.resting_quantity}, "
            f"cancelled={self.cancelled_quantity}, trades={len(self.trades)})"
        )


@frozen(repr=False)
class CancelResult(metaclass=ABCMeta):
    """Whether a cancel or a reduce was possible, and the quantity that it took off."""

    success: bool
    cancelled_quantity: int = 0
    error: str | None = None
    """`OrderNotFound`, `OrderNotActive`, `InvalidQuantity`, or None."""

    def __repr__(self) -> str:
        if self.success:
            return f"CancelResult(success=True, cancelled_quantity={self.cancelled_quantity})"
        return f"CancelResult(success=False, error={self.error!r})"


@frozen(repr=False)
class ModifyResult(metaclass=ABCMeta):
    """Whether a modify was possible, and what its replacement traded at once."""

    success: bool
    old_order_id: int
    new_order_id: int | None = None
    cancelled_quantity: int = 0
    """What was open of the old order."""
    trades: tuple[Trade, ...] = ()
    error: str | None = None
    """`OrderNotFound`, `OrderNotActive`, `InvalidQuantity`, or None."""

    def __repr__(self) -> str:
        if self.success:
            return (
                f"ModifyResult(success=True, old={self.old_order_id}, "
                f"new=Some({self.new_order_id}), trades={len(self.trades)})"
            )
        return f"ModifyResult(success=False, error={self.error!r})"


@frozen
class CancelAllResult:
    """What a mass cancel took off."""

    order_ids: tuple[int, ...]
    """Orders and stops, in ascending order."""
    cancelled_quantity: int


@frozen(repr=False)
class StopSubmitResult:
    """Whether a stop waits or was set off at once."""

    order_id: int
    status: StopStatus

    def __repr__(self) -> str:
        return f"StopSubmitResult(order_id={self.order_id}, status='{self.status}')"


@frozen(repr=False, kw_only=True)
class Order:
    """An order as it stands now; a copy, which later requests do not change.

    `original = remaining + filled + cancelled`.
    """

    id: int
    side: Side
    price: int
    """The limit; of market orders the largest or smallest 64-bit number."""
    original_quantity: int
    remaining_quantity: int
    filled_quantity: int
    cancelled_quantity: int
    status: str
    """`new`, `partiallyfilled`, `filled` or `cancelled`; `OrderStatus(order.status)` knows more."""
    time_in_force: TimeInForce
    timestamp: int
    """When it arrived; fills do not change it."""
    owner: int | None = None
    stp_policy: StpPolicy = StpPolicy.OFF

    @property
    def is_active(self) -> bool:
        """Whether it rests on the book."""
        return OrderStatus(self.status).is_active

    def __repr__(self) -> str:
        return (
            f"Order(id={self.id}, side={self.side}, price={self.price}, "
            f"qty={self.filled_quantity}/{self.original_quantity}, status={self.status})"
        )


@frozen(kw_only=True)
class StopOrder(Mapping[str, Any]):
    """A stop as it stands now; also a mapping of its fields, as in the original."""

    id: int
    side: Side
    stop_price: int
    """Where a trailing stop has moved to."""
    limit_price: int | None
    """None for a stop that becomes a market order."""
    quantity: int
    status: str
    """`pending`, `triggered` or `cancelled`."""
    timestamp: int
    time_in_force: TimeInForce
    """Of the order that it becomes."""
    trail_method: TrailMethod | None = None
    watermark: int | None = None
    """Best price since it was entered; None before the first print, and for plain stops."""
    child_order_id: int | None = None
    """The order that it became; None until it has run."""
    owner: int | None = None
    stp_policy: StpPolicy = StpPolicy.OFF

    def __getitem__(self, key: str) -> Any:
        if key not in _STOP_KEYS:
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(_STOP_KEYS)

    def __len__(self) -> int:
        return len(_STOP_KEYS)


_STOP_KEYS = tuple(attribute.name for attribute in fields(StopOrder))


@frozen(repr=False)
class LevelSnapshot(metaclass=ABCMeta):
    """All orders at one price."""

    price: int
    quantity: int
    order_count: int
    orders: tuple[Order, ...] = ()
    """In the order in which they will trade; only `full_book()` has them."""

    @property
    def price_float(self) -> float:
        """Price in hundreds of units: dollars where the unit is a cent."""
        return self.price / 100

    def __repr__(self) -> str:
        return (
            f"Level(price={_dollars(self.price)}, qty={self.quantity}, orders={self.order_count})"
        )


def _as_tuple(levels: Iterable[LevelSnapshot]) -> tuple[LevelSnapshot, ...]:
    return tuple(levels)


@frozen(repr=False)
class BookSnapshot(metaclass=ABCMeta):
    """Levels of both sides at one moment; its measures look at these levels only."""

    bids: tuple[LevelSnapshot, ...] = field(converter=_as_tuple)
    """Highest price first."""
    asks: tuple[LevelSnapshot, ...] = field(converter=_as_tuple)
    """Lowest price first."""
    timestamp: int
    """The exchange's counter when it was taken."""

    def best_bid(self) -> int | None:
        """Highest price to buy, None without bids."""
        return self.bids[0].price if self.bids else None

    def best_ask(self) -> int | None:
        """Lowest price to sell, None without asks."""
        return self.asks[0].price if self.asks else None

    def spread(self) -> int | None:
        """Best ask less best bid, exact; None if a side is empty."""
        if not (self.bids and self.asks):
            return None
        return self.asks[0].price - self.bids[0].price

    def mid_price(self) -> float | None:
        """Mean of best bid and best ask; None if a side is empty."""
        if not (self.bids and self.asks):
            return None
        return (self.bids[0].price + self.asks[0].price) / 2

    def total_bid_quantity(self) -> int:
        """Sum over the bids, exact."""
        return sum(level.quantity for level in self.bids)

    def total_ask_quantity(self) -> int:
        """Sum over the asks, exact."""
        return sum(level.quantity for level in self.asks)

    def imbalance(self) -> float | None:
        """(bid - ask) / (bid + ask) of the total quantities: 1 is all bids; None if empty."""
        bid, ask = self.total_bid_quantity(), self.total_ask_quantity()
        return (bid - ask) / (bid + ask) if bid + ask else None

    def weighted_mid(self) -> float | None:
        """Mid of the touch, each price weighted with the other side's quantity.

        So it leans towards the side with less; None if a side is empty.
        """
        if not (self.bids and self.asks):
            return None
        bid, ask = self.bids[0], self.asks[0]
        weighted = ask.quantity * bid.price + bid.quantity * ask.price
        return weighted / (bid.quantity + ask.quantity)

    def __repr__(self) -> str:
        return f"BookSnapshot(bids={len(self.bids)}, asks={len(self.asks)})"
