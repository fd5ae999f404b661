"""One side of the book: levels sorted by price, each a queue of orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from attrs import define
from sortedcontainers import SortedDict  # type: ignore[import-untyped]  # comes without types

from nanobook_core.contracts import LevelSnapshot, Order
from nanobook_core.types import INT64_MAX, OrderStatus, Side, StpPolicy, TimeInForce


@define(eq=False)
class BookOrder:
    """An order as the engine keeps it, on the book or finished."""

    id: int
    side: Side
    price: int
    original: int
    remaining: int
    tif: TimeInForce
    timestamp: int
    owner: int | None
    policy: StpPolicy
    filled: int = 0
    status: OrderStatus = OrderStatus.NEW
    prev: BookOrder | None = None
    """Its neighbours in the queue of its level."""
    next: BookOrder | None = None

    @classmethod
    def from_record(cls, record: Order) -> Self:
        """Make it anew from a copy that a user kept."""
        return cls(
            id=record.id,
            side=record.side,
            price=record.price,
            original=record.original_quantity,
            remaining=record.remaining_quantity,
            tif=record.time_in_force,
            timestamp=record.timestamp,
            owner=record.owner,
            policy=record.stp_policy,
            filled=record.filled_quantity,
            status=OrderStatus(record.status),
        )

    @property
    def is_open(self) -> bool:
        """Whether it rests on the book: nothing else leaves a remainder."""
        return self.remaining > 0

    @property
    def cancelled(self) -> int:
        """What neither traded nor will."""
        return self.original - self.filled - self.remaining

    def fill(self, quantity: int) -> None:
        """Count a fill, before it is taken off the remainder."""
        self.filled += quantity
        self.status = (
            OrderStatus.FILLED if quantity == self.remaining else OrderStatus.PARTIALLY_FILLED
        )

    def is_own(self, resting: BookOrder) -> bool:
        """Whether self-trade prevention keeps this order from trading with a resting one."""
        return self.policy is not StpPolicy.OFF and self.owner == resting.owner

    def record(self) -> Order:
        """Return a copy for the user."""
        return Order(
            id=self.id,
            side=self.side,
            price=self.price,
            original_quantity=self.original,
            remaining_quantity=self.remaining,
            filled_quantity=self.filled,
            cancelled_quantity=self.cancelled,
            status=self.status.lower(),
            time_in_force=self.tif,
            timestamp=self.timestamp,
            owner=self.owner,
            stp_policy=self.policy,
        )


@define(eq=False)
class Level:
    """All orders at one price: a doubly linked list, so that any of them leaves in O(1)."""

    price: int
    quantity: int = 0
    count: int = 0
    head: BookOrder | None = None
    tail: BookOrder | None = None

    def __iter__(self) -> Iterator[BookOrder]:
        order = self.head
        while order is not None:
            yield order
            order = order.next

    def append(self, order: BookOrder) -> None:
        """Put an order at the end of the queue."""
        order.prev = self.tail
        if self.tail is None:
            self.head = order
        else:
            self.tail.next = order
        self.tail = order
        self.quantity += order.remaining
        self.count += 1

    def unlink(self, order: BookOrder) -> None:
        """Take an order that has nothing left out of the queue, wherever it stands."""
        if order.prev is None:
            self.head = order.next
        else:
            order.prev.next = order.next
        if order.next is None:
            self.tail = order.prev
        else:
            order.next.prev = order.prev
        order.prev = order.next = None
        self.count -= 1

    def record(self, *, with_orders: bool) -> LevelSnapshot:
        """Return a copy for the user."""
        orders = tuple(order.record() for order in self) if with_orders else ()
        return LevelSnapshot(self.price, self.quantity, self.count, orders)


class HalfBook:
    """The orders of one side, best price first."""

    __slots__ = ("_levels", "_sign", "best")

    def __init__(self, side: Side) -> None:
        # Levels are sorted by signed price, so that the best one comes first on both sides.
        self._sign = -1 if side is Side.BUY else 1
        self._levels: SortedDict[int, Level] = SortedDict()
        self.best: Level | None = None
        """The level that trades first. O(1)."""

    def __iter__(self) -> Iterator[Level]:
        return iter(self._levels.values())

    def orders(self) -> Iterator[BookOrder]:
        """Go through all orders in the order in which they will trade."""
        for level in self:
            yield from level

    def front(self, limit: int) -> BookOrder | None:
        """Return what an order of the other side with that limit would meet first. O(1)."""
        best = self.best
        if best is None or best.price * self._sign > limit * self._sign:
            return None
        return best.head

    def can_fill(self, incoming: BookOrder) -> bool:
        """Whether an order of the other side would fill with others' orders only.

        `cancel_oldest` takes its owner's orders out of the way; any other policy ends there.
        """
        needed = incoming.remaining
        limit = incoming.price * self._sign
        for resting in self.orders():
            if resting.price * self._sign > limit:
                return False
            if not incoming.is_own(resting):
                needed -= resting.remaining
                if needed <= 0:
                    return True
            elif incoming.policy is not StpPolicy.CANCEL_OLDEST:
                return False
        return False

    def has_room(self, price: int, quantity: int) -> bool:
        """Whether the level's total stays below 2^63 with that much more. O(1)."""
        level = self._levels.get(price * self._sign)
        return level is None or level.quantity + quantity <= INT64_MAX

    def append(self, order: BookOrder) -> None:
        """Let an order rest behind all others at its price. O(log P) at a new one, else O(1)."""
        key = order.price * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = Level(order.price)
            if self.best is None or key < self.best.price * self._sign:
                self.best = level
        level.append(order)

    def lessen(self, order: BookOrder, quantity: int) -> None:
        """Take quantity off an order, which keeps its turn; without any left it leaves.

        O(1), but O(log P) for the last order of a level.
        """
        level = self._levels[order.price * self._sign]
        order.remaining -= quantity
        level.quantity -= quantity
        if order.remaining == 0:
            level.unlink(order)
            if level.head is None:
                self._remove(level)

    def _remove(self, level: Level) -> None:
        del self._levels[level.price * self._sign]
        if level is self.best:
            self.best = self._levels.peekitem(0)[1] if self._levels else None
