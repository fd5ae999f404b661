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


@hookimpl
def nanobook_parsers() -> list[Capability]:
    """Offer what reads a recorded market."""
    return [
        Capability(
            kind=Kind.PARSER,
            name="binance_depth",
            target="nanobook_binance.depth_event:parse_binance_depth",
            summary="books of a recorded Binance spot market, as requests",
            export="parse_binance_depth",
        )
    ]


@hookimpl
def nanobook_features() -> list[Capability]:
    """Offer the books themselves."""
    return [
        Capability(
            kind=Kind.FEATURE,
            name="binance_depth",
            target="nanobook_binance.depth:read_binance_depth",
            summary="books of a recorded Binance spot market, at every update",
            export="read_binance_depth",
        )
    ]
