"""Buyers and sellers."""

from __future__ import annotations

from decimal import Decimal


def other(side: str) -> str:
    """The side that it trades with."""
    return "SELL" if side == "BUY" else "BUY"


def reaches(side: str, limit: Decimal | None, price: Decimal) -> bool:
    """Whether an order of that side with that limit trades at a price; None is any."""
    return limit is None or (price <= limit if side == "BUY" else price >= limit)


def turn(maker_side: str, price: Decimal, book_id: int) -> tuple[Decimal, int]:
    """The place of a resting order of that side: what comes before is less."""
    return (price.copy_negate() if maker_side == "BUY" else price, book_id)
