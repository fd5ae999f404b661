"""Offers of nanobook-ibkr."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl


@hookimpl
def nanobook_brokers() -> list[Capability]:
    """Offer the broker; it needs one of two libraries, which it says when it connects."""
    return [
        Capability(
            kind=Kind.BROKER,
            name="ibkr",
            target="nanobook_ibkr.broker:IbkrBroker",
            summary="an account at Interactive Brokers, through TWS or IB Gateway",
            export="IbkrBroker",
        )
    ]
