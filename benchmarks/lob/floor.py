"""What plain Python can do: the least book by price and time that answers as the others do."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class Trade:
    """One fill."""

    price: int
    quantity: int
    aggressor_order_id: int
    passive_order_id: int


@dataclass(slots=True)
class SubmitResult:
    """What became of an order."""

    order_id: int
    status: str
    trades: list[Trade]
    filled_quantity: int
    resting_quantity: int
    cancelled_quantity: int


@dataclass(slots=True)
class CancelResult:
    """Whether there was anything to cancel."""

    success: bool
    cancelled_quantity: int


@dataclass(slots=True)
class ModifyResult:
    """What became of the replacement."""

    success: bool
    new_order_id: int
    trades: list[Trade]


@dataclass(slots=True)
class Order:
    """An order that rests."""

    half: Half
    price: int
    quantity: int


@dataclass(slots=True)
class LevelSnapshot:
    """The orders at one price, in sum."""

    price: int
    quantity: int
    order_count: int


@dataclass(slots=True)
class BookSnapshot:
    """The best levels."""

    bids: list[LevelSnapshot]
    asks: list[LevelSnapshot]


class Half:
    """One side: queues by price, and the prices with the best one last."""

    __slots__ = ("prices", "queues", "sign", "totals")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.prices: list[int] = []  # times the sign, so that they rise towards the touch
        self.queues: dict[int, OrderedDict[int, Order]] = {}
        self.totals: dict[int, int] = {}

    def add(self, order_id: int, order: Order) -> None:
        """Put an order at the end of its queue."""
        queue = self.queues.get(order.price)
        if queue is None:
            queue = self.queues[order.price] = OrderedDict()
            self.totals[order.price] = 0
            insort(self.prices, order.price * self.sign)
        queue[order_id] = order
        self.totals[order.price] += order.quantity

    def remove(self, order_id: int, order: Order) -> None:
        """Take an order off, and its level with the last one."""
        price = order.price
        queue = self.queues[price]
        del queue[order_id]
        self.totals[price] -= order.quantity
        if not queue:
            del self.queues[price], self.totals[price]
            del self.prices[bisect_left(self.prices, price * self.sign)]

    def best(self) -> int | None:
        """Price of the touch."""
        return self.prices[-1] * self.sign if self.prices else None

    def suffices(self, limit: int, quantity: int) -> bool:
        """Whether so much is offered within the limit."""
        for price in reversed(self.prices):
            if price < limit or quantity <= 0:
                break
            quantity -= self.totals[price * self.sign]
        return quantity <= 0

    def levels(self, n: int) -> list[LevelSnapshot]:
        """The best levels."""
        prices = (key * self.sign for key in self.prices[: -n - 1 : -1])
        return [
            LevelSnapshot(price, self.totals[price], len(self.queues[price])) for price in prices
        ]


class Exchange:
    """Limit orders, cancel, modify, the touch and the depth; nothing is checked."""

    def __init__(self) -> None:
        self._bids, self._asks = Half(1), Half(-1)
        self._orders: dict[int, Order] = {}
        self._trades: list[Trade] = []
        self._next_id = 1

    def submit_limit(self, side: str, price: int, quantity: int, tif: str = "gtc") -> SubmitResult:
        """Match, then rest or cancel what is left."""
        own, other = (self._bids, self._asks) if side == "buy" else (self._asks, self._bids)
        return self._submit(own, other, price, quantity, tif)

    def _submit(self, own: Half, other: Half, price: int, quantity: int, tif: str) -> SubmitResult:
        order_id = self._next_id
        self._next_id += 1
        limit = price * other.sign
        if tif == "fok" and not other.suffices(limit, quantity):
            return SubmitResult(order_id, "Cancelled", [], 0, 0, quantity)
        left, trades, prices = quantity, [], other.prices
        while left and prices and prices[-1] >= limit:
            queue = other.queues[prices[-1] * other.sign]
            passive_id, passive = next(iter(queue.items()))
            filled = min(left, passive.quantity)
            left -= filled
            passive.quantity -= filled
            other.totals[passive.price] -= filled
            trades.append(Trade(passive.price, filled, order_id, passive_id))
            if not passive.quantity:
                other.remove(passive_id, passive)
                del self._orders[passive_id]
        self._trades += trades
        if not left:
            return SubmitResult(order_id, "Filled", trades, quantity, 0, 0)
        status = "PartiallyFilled" if trades else "New"
        if tif == "gtc":
            order = self._orders[order_id] = Order(own, price, left)
            own.add(order_id, order)
            return SubmitResult(order_id, status, trades, quantity - left, left, 0)
        status = status if trades else "Cancelled"
        return SubmitResult(order_id, status, trades, quantity - left, 0, left)

    def cancel(self, order_id: int) -> CancelResult:
        """Take an order off."""
        order = self._orders.pop(order_id, None)
        if order is None:
            return CancelResult(success=False, cancelled_quantity=0)
        order.half.remove(order_id, order)
        return CancelResult(success=True, cancelled_quantity=order.quantity)

    def modify(self, order_id: int, new_price: int, new_quantity: int) -> ModifyResult:
        """Cancel and submit anew; the order must be open."""
        own = self._orders[order_id].half
        self.cancel(order_id)
        other = self._asks if own is self._bids else self._bids
        result = self._submit(own, other, new_price, new_quantity, "gtc")
        return ModifyResult(success=True, new_order_id=result.order_id, trades=result.trades)

    def best_bid_ask(self) -> tuple[int | None, int | None]:
        """Return the touch."""
        return self._bids.best(), self._asks.best()

    def depth(self, levels: int = 10) -> BookSnapshot:
        """Return the best levels."""
        return BookSnapshot(self._bids.levels(levels), self._asks.levels(levels))

    def trades(self) -> list[Trade]:
        """Every fill."""
        return self._trades


class Nothing:
    """Answers at once and does nothing: what the loops and the clock cost by themselves."""

    order_id, status, new_order_id, success = 0, "New", 0, True
    bids, asks = (), ()

    def submit_limit(self, side: str, price: int, quantity: int, tif: str = "gtc") -> Nothing:  # noqa: ARG002
        """Do nothing."""
        return self

    def cancel(self, order_id: int) -> Nothing:  # noqa: ARG002
        """Do nothing."""
        return self

    def modify(self, order_id: int, new_price: int, new_quantity: int) -> Nothing:  # noqa: ARG002
        """Do nothing."""
        return self

    def best_bid_ask(self) -> None:
        """Do nothing."""

    def depth(self, levels: int = 10) -> Nothing:  # noqa: ARG002
        """Do nothing."""
        return self

    def trades(self) -> tuple[()]:
        """Nothing."""
        return ()
