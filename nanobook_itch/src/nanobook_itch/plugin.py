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

_PARSERS = [
    Capability(
        kind=Kind.PARSER,
        name="itch",
        target="nanobook_itch.parse:parse_itch",
        summary="a NASDAQ ITCH 5.0 file as the requests that make its books",
        export="parse_itch",
    ),
    Capability(
        kind=Kind.PARSER,
        name="lobster",
        target="nanobook_itch.lobster_parse:parse_lobster",
        summary="LOBSTER's message and orderbook files as the requests that make their book",
        export="parse_lobster",
    ),
]

_JOINS = [
    Capability(
        kind=Kind.FEATURE,
        name="replay_into",
        target="nanobook_itch.replay:replay_into",
        summary="the books of an ITCH feed in exchanges of your own, message after message",
        feature="replay_into",
        export="replay_into",
    ),
    Capability(
        kind=Kind.FEATURE,
        name="write_lobster",
        target="nanobook_itch.lobster_write:write_lobster",
        summary="a stock's messages and book of an ITCH feed as LOBSTER's files",
        feature="write_lobster",
        export="write_lobster",
    ),
    Capability(
        kind=Kind.FEATURE,
        name="export_itch",
        target="nanobook_itch.export:export_itch",
        summary="the tables of an ITCH feed as Parquet or Arrow files, in bounded memory",
        feature="export_itch",
        export="export_itch",
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


_MEASURES = [
    Capability(
        kind=Kind.FEATURE,
        name=name,
        feature=name,
        export=name,
        target=f"nanobook_itch.measure:{name}",
        summary=summary,
    )
    for name, summary in (
        (
            "order_flow_imbalance",
            "what each change of the best prices adds to the order flow imbalance",
        ),
        ("order_flow", "order flow imbalance of each symbol by interval"),
        ("book_imbalance", "how much of a book's best levels is bids"),
        ("quoted_spread", "best ask less best bid, row by row"),
        ("mid_price", "mean of best bid and best ask, row by row"),
        ("weighted_mid", "mid weighted with the other side's shares, row by row"),
        ("time_weighted_mean", "mean of each symbol's values over the time that they last"),
        ("trade_volumes", "shares that each symbol traded, by the aggressor's side"),
    )
]


@hookimpl
def nanobook_features() -> list[Capability]:
    """Offer the feed, and measures of its tables."""
    return [
        *_JOINS,
        *_MEASURES,
        Capability(
            kind=Kind.FEATURE,
            name="itch_feed",
            feature="itch_feed",
            export="ItchFeed",
            target="nanobook_itch.feed:ItchFeed",
            summary="messages, all books and orders of a NASDAQ ITCH 5.0 feed",
        ),
        Capability(
            kind=Kind.FEATURE,
            name="table_frame",
            feature="table_frame",
            export="table_frame",
            target="nanobook_itch.table:table_frame",
            summary="a table of an ITCH feed, or of a measure, as a frame",
        ),
    ]


@hookimpl
def nanobook_parsers() -> list[Capability]:
    """Offer what reads files of orders."""
    return _PARSERS
