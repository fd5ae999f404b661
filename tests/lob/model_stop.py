"""The model's stops, and how a trailing one moves."""

from __future__ import annotations

from attrs import define

from nanobook_core.contracts import StopOrder
from nanobook_core.types import Side, StpPolicy, TimeInForce, TrailMethod

LARGEST = 2**63 - 1


@define(eq=False)
class ModelStop:
    """A stop; `price` is the limit of the order that it becomes, None for a market order."""

    id: int
    side: Side
    stop_price: int
    price: int | None
    quantity: int
    tif: TimeInForce
    timestamp: int
    owner: int | None
    stp_policy: StpPolicy
    trail: TrailMethod | None
    status: str = "pending"
    watermark: int | None = None
    child: int | None = None

    def satisfied_by(self, price):
        return price >= self.stop_price if self.side is Side.BUY else price <= self.stop_price

    def move(self, price, samples):
        sell = self.side is Side.SELL
        if self.watermark is None:
            self.watermark = price
        else:
            self.watermark = max(self.watermark, price) if sell else min(self.watermark, price)
        offset = self.offset(samples)
        new = self.watermark - offset if sell else self.watermark + offset
        tighter = new > self.stop_price if sell else new < self.stop_price
        if 0 < offset <= LARGEST and -LARGEST <= new <= LARGEST and tighter:
            self.stop_price = new

    def offset(self, samples):
        if self.trail.kind == "fixed":
            return int(self.trail.value)
        if self.trail.kind == "percentage":
            return whole(abs(self.watermark) * self.trail.value)
        newest = samples[-self.trail.period :]
        return whole(self.trail.value * (sum(newest) / len(newest))) if newest else 0

    def record(self):
        return StopOrder(
            id=self.id,
            side=self.side,
            stop_price=self.stop_price,
            limit_price=self.price,
            quantity=self.quantity,
            status=self.status,
            timestamp=self.timestamp,
            time_in_force=self.tif,
            trail_method=self.trail,
            watermark=self.watermark,
            child_order_id=self.child,
            owner=self.owner,
            stp_policy=self.stp_policy,
        )


def whole(number):
    """The number without its fraction; infinity, as all that is too large, moves nothing."""
    return int(number) if number < 2.0**63 else 2**63
