"""What the liquidity source offers in a book that clients share with it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from attrs import frozen

from nanobook_binance.simulator.venue import Venue


@frozen
class Level:
    """So much at one price, of one side."""

    side: str
    price: Decimal
    quantity: Decimal


def offers(venue: Venue, symbol: str) -> list[Level]:
    """All levels of the liquidity source, best first on each side."""
    clients: Counter[tuple[str, Decimal]] = Counter()
    for account in venue.accounts:
        for order in venue.open_orders(account, symbol):
            if order.is_working and order.price:
                clients[order.side, order.price] += order.remaining  # type: ignore[assignment]
    book = venue.depth(symbol)
    levels = [
        Level(side, price, quantity - clients[side, price])
        for side, found in (("BUY", book.bids), ("SELL", book.asks))
        for price, quantity in found
    ]
    return [level for level in levels if level.quantity > 0]


def offer(venue: Venue, symbol: str, levels: list[Level]) -> None:
    """Let the liquidity source offer these too."""
    bids, asks = (
        [(level.price, level.quantity) for level in levels if level.side == side]
        for side in ("BUY", "SELL")
    )
    venue.follow(symbol, bids, asks)
