"""The model's orders, and its book: one list of those that rest, in order of arrival."""

from __future__ import annotations

from attrs import define

from nanobook_core.contracts import BookSnapshot, LevelSnapshot, Order
from nanobook_core.types import Side, StpPolicy, TimeInForce


@define(eq=False)
class ModelOrder:
    """An order; it rests if it is in the book."""

    id: int
    side: Side
    price: int
    quantity: int
    tif: TimeInForce
    timestamp: int
    owner: int | None
    stp_policy: StpPolicy
    remaining: int
    filled: int = 0
    filled_while_resting: bool = False

    def status(self):
        if self.remaining:
            return "partiallyfilled" if self.filled else "new"
        if self.filled == self.quantity or self.filled_while_resting:
            return "filled"
        return "cancelled"

    def record(self):
        return Order(
            id=self.id,
            side=self.side,
            price=self.price,
            original_quantity=self.quantity,
            remaining_quantity=self.remaining,
            filled_quantity=self.filled,
            cancelled_quantity=self.quantity - self.filled - self.remaining,
            status=self.status(),
            time_in_force=self.tif,
            timestamp=self.timestamp,
            owner=self.owner,
            stp_policy=self.stp_policy,
        )


class ModelBook(list):
    """The orders that rest."""

    def standing(self, side):
        """Return one side, best price first, at each price the oldest first: sorting is stable."""
        orders = [order for order in self if order.side is side]
        return sorted(orders, key=lambda order: -order.price if side is Side.BUY else order.price)

    def against(self, order):
        """Resting orders that it may trade with, in the order in which it would."""
        if order.side is Side.BUY:
            return [ask for ask in self.standing(Side.SELL) if ask.price <= order.price]
        return [bid for bid in self.standing(Side.BUY) if bid.price >= order.price]

    def total(self, side, price):
        return sum(order.remaining for order in self if (order.side, order.price) == (side, price))

    def best(self, side):
        return next((order.price for order in self.standing(side)), None)

    def snapshot(self, timestamp, *, with_orders):
        bids, asks = (self.levels(side, with_orders=with_orders) for side in Side)
        return BookSnapshot(bids, asks, timestamp)

    def levels(self, side, *, with_orders):
        levels = []
        for price in dict.fromkeys(order.price for order in self.standing(side)):
            orders = [order for order in self.standing(side) if order.price == price]
            records = tuple(order.record() for order in orders) if with_orders else ()
            levels.append(LevelSnapshot(price, self.total(side, price), len(orders), records))
        return levels
