"""What nanobook-itch offers."""

from __future__ import annotations

from nanobook_core import Capability, Kind, hookimpl

_KERNELS = [
    Capability(
        kind=Kind.KERNEL,
        name="itch_decode",
        target="nanobook_itch.fallback.decode:itch_decode",
        summary="bytes of NASDAQ ITCH 5.0 to tables, without a compiler",
    ),
    Capability(
        kind=Kind.KERNEL,
        name="itch_books",
        target="nanobook_itch.fallback.books:ItchBooks",
        summary="every book of a NASDAQ ITCH 5.0 feed, without a compiler",
    ),
]


@hookimpl
def nanobook_kernels() -> list[Capability]:
    """Offer the kernels that the compiled ones of nanobook-native go before."""
    return _KERNELS


@hookimpl
def nanobook_commands() -> list[Capability]:
    """Offer the command `nanobook itch`."""
    return [
        Capability(
            kind=Kind.COMMAND,
            name="itch",
            target="nanobook_itch.command.group:itch",
            summary="read a feed of NASDAQ ITCH 5.0: messages, books, trades",
        )
    ]


@hookimpl
def nanobook_features() -> list[Capability]:
    """Offer the feed, and measures of its tables."""
    return [
        Capability(
            kind=Kind.FEATURE,
            name="itch_feed",
            feature="itch_feed",
            export="ItchFeed",
            target="nanobook_itch.feed:ItchFeed",
            summary="messages, all books and orders of a NASDAQ ITCH 5.0 feed",
        )
    ]
