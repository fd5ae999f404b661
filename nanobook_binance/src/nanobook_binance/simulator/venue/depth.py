"""What a book shows, and what it did."""

from __future__ import annotations

from decimal import Decimal

from attrs import field, frozen

from nanobook_binance.simulator.venue.money import ZERO


@frozen
class Match:
    """One trade with a resting order, at that one's price."""

    book_id: int
    price: Decimal
    quantity: Decimal


@frozen(kw_only=True)
class Top:
    """Best prices of a symbol's book and what is there; None and 0 where there is nothing."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal = ZERO
    ask_size: Decimal = ZERO
    update_id: int = field(default=0, eq=False)
    """Of the last change of any level."""


@frozen(kw_only=True)
class Depth:
    """Levels of a book as (price, quantity), best first."""

    last_update_id: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


@frozen(kw_only=True)
class Steps:
    """Quantities of a book in steps, by their prices in ticks, best first."""

    last_update_id: int
    bids: dict[int, int]
    asks: dict[int, int]
