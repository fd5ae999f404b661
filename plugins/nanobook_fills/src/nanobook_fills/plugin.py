"""Offers of nanobook-fills."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl


@hookimpl
def nanobook_fill_models() -> list[Capability]:
    """Offer the fill models."""
    return [
        Capability(
            kind=Kind.FILL_MODEL,
            name="simple",
            target="nanobook_fills.simple:Simple",
            summary="everything, at the price",
        ),
        Capability(
            kind=Kind.FILL_MODEL,
            name="participation",
            target="nanobook_fills.participation:Participation",
            summary="up to a part of each period's volume, at the price",
        ),
        Capability(
            kind=Kind.FILL_MODEL,
            name="order_book",
            target="nanobook_fills.order_book:OrderBook",
            summary="market orders in order books, every print at its own price",
        ),
    ]
