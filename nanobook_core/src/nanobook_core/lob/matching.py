"""Both sides of the book, and how an order trades with them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from nanobook_core.contracts import Trade
from nanobook_core.lob.book import BookOrder, HalfBook
from nanobook_core.types import OrderStatus, Price, Side, StpPolicy, TimeInForce


class Book:
    """The orders of one instrument, its trades, and the counters that number them.

    It knows nothing of stops: whoever places an order looks at what it printed.
    """

    __slots__ = (
        "asks",
        "bids",
        "next_order_id",
        "next_trade_id",
        "orders",
        "timestamp",
        "trades",
    )

    def __init__(self) -> None:
        self.bids = HalfBook(Side.BUY)
        self.asks = HalfBook(Side.SELL)
        self.orders: dict[int, BookOrder] = {}
        """By id, the finished ones too until they are forgotten."""
        self.trades: list[Trade] = []
        self.next_order_id = 1
        self.next_trade_id = 1
        self.timestamp = 0

    def new_id(self) -> int:
        """Use up an id of an order or a stop."""
        self.next_order_id += 1
        return self.next_order_id - 1

    def tick(self) -> int:
        """Use up a timestamp."""
        self.timestamp += 1
        return self.timestamp

    def half(self, side: Side) -> HalfBook:
        """One side of the book."""
        return self.bids if side is Side.BUY else self.asks

    def open_orders(self) -> Iterator[BookOrder]:
        """Go through bids, then asks, each in the order in which they will trade."""
        return chain(self.bids.orders(), self.asks.orders())

    def open_order(self, order_id: int) -> BookOrder | None:
        """Return the order of that id if it is on the book."""
        order = self.orders.get(order_id)
        return order if order is not None and order.is_open else None

    def place(
        self,
        side: Side,
        price: int | None,
        quantity: int,
        tif: TimeInForce,
        *,
        owner: int | None,
        policy: StpPolicy,
        post_only: bool = False,
    ) -> tuple[BookOrder, list[Trade]]:
        """Run an order, without a price at the market, to its end; also what it printed.

        What the level has no room for is cancelled. O(log P + M).
        """
        if price is None:
            price = int(Price.MAX if side is Side.BUY else Price.MIN)
        order = BookOrder(
            id=self.new_id(),
            side=side,
            price=price,
            original=quantity,
            remaining=quantity,
            tif=tif,
            timestamp=self.tick(),
            owner=owner,
            policy=policy,
        )
        self.orders[order.id] = order
        own, others = self.half(side), self.half(side.opposite)
        if (post_only and others.front(price)) or (
            tif is TimeInForce.FOK and not others.can_fill(order)
        ):
            order.remaining = 0
        trades = self._match(order, others)
        if tif is not TimeInForce.GTC or not own.has_room(price, order.remaining):
            order.remaining = 0
        if order.remaining:
            own.append(order)
        elif order.filled < quantity:
            order.status = OrderStatus.CANCELLED
        return order, trades

    def _match(self, order: BookOrder, others: HalfBook) -> list[Trade]:
        trades = []
        while order.remaining and (resting := others.front(order.price)) is not None:
            quantity = min(order.remaining, resting.remaining)
            if order.is_own(resting):
                self._prevent(order, resting, quantity)
            else:
                trades.append(self._print(order, resting, quantity))
                order.fill(quantity)
                order.remaining -= quantity
                resting.fill(quantity)
                others.lessen(resting, quantity)
        self.trades += trades
        return trades

    def _prevent(self, order: BookOrder, resting: BookOrder, quantity: int) -> None:
        """Keep an order from trading with a resting one of its owner, as its policy says."""
        policy = order.policy
        if policy is StpPolicy.DECREMENT_AND_CANCEL:
            order.remaining -= quantity
            self.withdraw(resting, quantity)
        if policy in (StpPolicy.CANCEL_OLDEST, StpPolicy.CANCEL_BOTH):
            self.withdraw(resting)
        if policy in (StpPolicy.CANCEL_NEWEST, StpPolicy.CANCEL_BOTH):
            order.remaining = 0

    def _print(self, order: BookOrder, resting: BookOrder, quantity: int) -> Trade:
        trade_id = self.next_trade_id
        self.next_trade_id += 1
        return Trade(
            trade_id, resting.price, quantity, order.side, order.id, resting.id, self.tick()
        )

    def withdraw(self, order: BookOrder, quantity: int | None = None) -> int:
        """Cancel that much of an order on the book, by default all of it; how much that was."""
        if quantity is None:
            quantity = order.remaining
        self.half(order.side).lessen(order, quantity)
        if not order.is_open:
            order.status = OrderStatus.CANCELLED
        return quantity

    def forget_finished(self) -> int:
        """Drop the orders that are not on the book; how many those were. O(orders)."""
        finished = [order.id for order in self.orders.values() if not order.is_open]
        for order_id in finished:
            del self.orders[order_id]
        return len(finished)
