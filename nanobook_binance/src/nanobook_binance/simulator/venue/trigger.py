"""When orders that wait for a price go to the book."""

from __future__ import annotations

from decimal import Decimal

from nanobook_binance.simulator.venue.order import VenueOrder
from nanobook_binance.simulator.venue.working import Working
from nanobook_core.broker.exact import EXACT, product

_WHOLE = 10_000
"""Hundredths of a percent in all of something."""


def is_above(order_type: str, side: str) -> bool:
    """Whether its stop price is above the market: a stop to buy, a profit to take by selling."""
    return order_type.startswith("STOP_LOSS") == (side == "BUY")


def is_touched(order_type: str, side: str, stop_price: Decimal, last: Decimal) -> bool:
    """Whether the last price is at the stop price or beyond."""
    return last >= stop_price if is_above(order_type, side) else last <= stop_price


def follow(working: Working, last: Decimal, now_ms: int) -> None:
    """Let a trailing order look at a price.

    It begins with the one that touches its stop price, or with the first without one; from then on
    it remembers the best: the lowest to buy, the highest to sell.
    """
    order = working.order
    if order.trailing_delta is None:
        return
    if working.extreme is None:
        if order.stop_price and not is_touched(order.type, order.side, order.stop_price, last):
            return
        working.extreme, order.trailing_time = last, now_ms
    else:
        better = min if order.side == "BUY" else max
        working.extreme = better(working.extreme, last)


def is_triggered(working: Working, last: Decimal) -> bool:
    """Whether it goes to the book at that price."""
    order = working.order
    if order.trailing_delta is None:
        return is_touched(order.type, order.side, order.stop_price, last)
    if working.extreme is None:
        return False
    moved = product(last, Decimal(_WHOLE))
    return (
        moved >= _edge(order, working.extreme)
        if order.side == "BUY"
        else moved <= _edge(order, working.extreme)
    )


def _edge(order: VenueOrder, extreme: Decimal) -> Decimal:
    """The price that triggers a trailing order, ten thousand times."""
    delta = Decimal(order.trailing_delta or 0)
    sign = delta if order.side == "BUY" else delta.copy_negate()
    return product(extreme, EXACT.add(Decimal(_WHOLE), sign))
