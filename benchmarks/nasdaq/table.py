"""What is measured, section by section."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen
from lob.engine import ORIGINAL

from nasdaq.day import ONE
from nasdaq.way import Way


@frozen(kw_only=True)
class Section:
    """A table of ways, and how what they find must compare."""

    title: str
    ways: tuple[Way, ...]
    same: tuple[str, ...] = ()
    """What the rows of all come to alike."""


def _ours(task: str, does: str, name: str = "ours", **more: Any) -> Way:
    return Way(name=name, task=task, does=does, **more)


def _peer(name: str, task: str, does: str, **more: Any) -> Way:
    return Way(name=name, task=task, does=does, environment="peers", **more)


def _books(title: str, does: str, same: tuple[str, ...], *more: Way, **options: Any) -> Section:
    return Section(
        title=title,
        ways=(
            _ours("books", f"{does}; kernel", options=options),
            *more,
            _peer("itch-book", "itch_book", does, options=options, is_peer=True),
        ),
        same=same,
    )


def _surface(does: str, **options: Any) -> tuple[Way, ...]:
    return (
        _ours("surface", does, "ours, ItchFeed.book_chunks", options=options),
        _ours("uncompiled_books", does, "ours, no compiler", options=options, part=20),
    )


_BOTH = ["bbo", "trades"]

SECTIONS: dict[str, Section] = {
    "decode": Section(
        title="Decode: all types of message",
        ways=(
            _ours("decode_whole", "typed tables of all, whole"),
            _ours("decode_chunked", "typed tables of all, 1 MiB after 1 MiB", "ours, in pieces"),
            _ours("uncompiled_decode", "typed tables, whole", "ours, no compiler", part=5),
            *(
                Way(
                    name=name,
                    task="wheel",
                    does="list of (symbol, Event), without E, C and P",
                    environment=f"wheel {number}",
                    is_peer=True,
                )
                for number, name in enumerate((f"wheel {ORIGINAL}", "newest wheel"))
            ),
            _peer(
                "itch-book",
                "itch_book",
                "table of the order messages, with books",
                options={"tables": ["messages"]},
            ),
            _peer("itchfeed", "itchfeed", "an object a message", part=50),
            _peer("meatpy", "meatpy", "an object a message", part=50, has_listings=False),
        ),
    ),
    "bbo": _books(
        "All books and the best prices",
        "bbo",
        ("bbo", "bbo_bid", "live"),
        *_surface("bbo", tables=["bbo"]),
        tables=["bbo"],
    ),
    "trades": _books(
        "All books, best prices and trades",
        "bbo, trades",
        ("bbo", "bbo_bid", "live"),
        *_surface("bbo, trades", tables=_BOTH),
        tables=_BOTH,
    ),
    "depth": _books(
        "All books, ten levels a side",
        "depth, a row a change",
        ("depth", "live"),
        tables=["depth"],
    ),
    "one": _books(
        f"{ONE}, out of all",
        "bbo, trades of one symbol",
        ("bbo", "bbo_bid"),
        _peer(
            "meatpy",
            "meatpy_book",
            "its book alone, no rows",
            options={"symbols": [ONE]},
            part=50,
            has_listings=False,
        ),
        tables=_BOTH,
        symbols=[ONE],
    ),
    "packed": Section(
        title="From a file of gzip",
        ways=(
            _ours("surface", "bbo, trades", options={"tables": _BOTH}, is_packed=True),
            _peer(
                "itch-book",
                "itch_book",
                "bbo, trades",
                options={"tables": _BOTH},
                is_packed=True,
                is_peer=True,
            ),
        ),
        same=("bbo", "bbo_bid"),
    ),
    "events": Section(
        title="parse_itch",
        ways=(
            _ours("parse", "list of (symbol, Event), all of a book's", part=5),
            _ours("compat", "the original's list", "ours, compat=True", part=5),
            *(
                Way(
                    name=name,
                    task="wheel",
                    does="list of (symbol, Event), without E, C and P",
                    environment=f"wheel {number}",
                    is_peer=True,
                    part=5,
                )
                for number, name in enumerate((f"wheel {ORIGINAL}", "newest wheel"))
            ),
        ),
    ),
    "memory": Section(
        title="A million live orders, of 100 symbols",
        ways=(
            _ours("books", "books alone", options={"tables": []}, is_live=True),
            _peer(
                "itch-book",
                "itch_book",
                "books and an empty table",
                options={"tables": ["noii"]},
                is_live=True,
                is_peer=True,
            ),
        ),
        same=("live",),
    ),
}


@frozen
class Limit:
    """A budget: how many times as fast as the fastest peer of its section."""

    section: str
    way: str
    budget: float
    stretch: float
    figure: str = field(default="")


LIMITS = (
    Limit("decode", "ours", 9, 20, "decode, whole: times the faster wheel"),
    Limit("decode", "ours, in pieces", 9, 20, "decode, in pieces: times the faster wheel"),
    Limit("bbo", "ours", 1, 2, "books and best prices: times itch-book"),
    Limit("trades", "ours", 1, 2, "books, best prices, trades: times itch-book"),
)
