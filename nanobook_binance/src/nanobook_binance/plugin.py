"""Offers of nanobook-binance."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl


@hookimpl
def nanobook_brokers() -> list[Capability]:
    """Offer the broker."""
    return [
        Capability(
            kind=Kind.BROKER,
            name="binance",
            target="nanobook_binance.broker:BinanceBroker",
            summary="a spot account at Binance, its testnet or its demo mode",
            export="BinanceBroker",
        )
    ]
