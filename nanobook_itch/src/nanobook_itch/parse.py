"""A feed as a list of requests, as the original has it, but so that they make its books."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from nanobook_core.contracts import Event
from nanobook_core.errors import shown
from nanobook_core.lob.multi import MultiExchange
from nanobook_itch.compat import original_events
from nanobook_itch.feed import ItchFeed
from nanobook_itch.order_replay import Replay, check_crossed, order_messages
from nanobook_itch.request import (
    PRICE_UNIT,
    REQUEST,
    crossed_locates,
    events_of,
    in_units,
    no_collection,
    requests_of,
    symbols_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table


class FeedEvents(list[tuple[str, Event]]):
    """Symbol and request, in the order of the feed, and what the feed says of each.

    A slice or a copy is a plain list.
    """

    sequences: NDArray[np.int64]
    """Of each event, messages of the source before its own, as in the feed's tables."""
    references: NDArray[np.uint64]
    """The feed's name of the order of each event; of a replaced one first the old, then the new."""
    timestamps: NDArray[np.int64]
    """Nanoseconds since midnight, of each event."""
    n_held: int
    """Orders that are entered later than in the feed, or never, as they would have traded."""
    n_problems: Mapping[str, int]
    """What was wrong with the feed, by reason; empty where nothing was."""
    is_complete: bool | None
    """Whether the feed tells its end; without it the file may be cut."""
    missing: tuple[str, ...]
    """Symbols that were asked for and that the feed does not name."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong with the feed."""
        return not self.n_problems


@overload
def parse_itch(path: str, *, compat: Literal[True]) -> list[tuple[str, Event]]: ...


@overload
def parse_itch(
    path: str | PathLike[str],
    *,
    compat: Literal[False] = False,
    symbols: Iterable[str] | None = None,
    strict: bool = True,
    price_unit: Decimal = PRICE_UNIT,
    crossed: str = "hold",
    progress: bool = True,
) -> FeedEvents: ...


def parse_itch(
    path: str | PathLike[str],
    *,
    compat: bool = False,
    symbols: Iterable[str] | None = None,
    strict: bool = True,
    price_unit: Decimal = PRICE_UNIT,
    crossed: str = "hold",
    progress: bool = True,
) -> list[tuple[str, Event]]:
    """Return the requests that make the books of a NASDAQ ITCH 5.0 file, gzip or not.

    An add is a `submit_limit`; an execution or partial cancel a `reduce`; a delete a `cancel`; a
    replace a `cancel` and a `submit_limit`. Ids are those that a new exchange of that symbol gives,
    so that replaying the events of a symbol there gives its book, queues included, after each
    message. Other messages, and executions and cancels of no shares, have no event.

    Where the feed's book is locked or crossed, as in a halt, an exchange would trade: with
    `crossed="hold"` the order that would trade is entered as soon as it would not, and
    `FeedEvents.n_held` counts it; `"raise"` refuses such a feed.

    `compat=True` returns what the original does, and takes a string and nothing else: prices are
    cents, rounded down; ids are the feed's references; a partial cancel is a `cancel`, a replace a
    `modify`, and these and deletes have the symbol `""`; executions are dropped, quantities may be
    0. No book can be made of that.

    Args:
        path: of the file; `"-"` is standard input.
        compat: see above.
        symbols: those that are wanted; None means all.
        strict: raise at the first thing that is wrong with the feed; else go on without it, and
            count it in `n_problems`.
        price_unit: of the events' prices, in dollars.
        crossed: see above.
        progress: draw a bar on a terminal.

    Raises:
        TypeError: the path is neither a string nor a `PathLike`, or another argument is of a wrong
            type.
        OSError: the file cannot be read.
        ItchError: the feed is not what its specification says; with `compat`, in the original's
            words. Also where two symbols have one locate, or one has two, or is not ASCII.
        ValidationError: `price_unit` does not hold a price exactly; `crossed` is another word.

    """
    if compat:
        given = {
            "symbols": symbols is not None,
            "strict": not strict,
            "price_unit": price_unit is not PRICE_UNIT,
            "crossed": crossed != "hold",
        }
        if refused := [name for name, is_given in given.items() if is_given]:
            raise TypeError(f"compat=True is as the original, without {', '.join(refused)}")
        return original_events(path)  # type: ignore[arg-type] # which says what it takes
    if not isinstance(path, str | PathLike):
        raise TypeError(f"path is a str or PathLike, got {shown(path)}")
    hold = check_crossed(crossed)
    feed = ItchFeed(
        path if path == "-" else Path(os.fsdecode(path)),
        symbols=symbols,
        strict=strict,
        progress=progress,
    )
    tables = feed.books(tables=("orders", "bbo"))
    events = feed_events(
        tables["orders"],
        crossing=crossed_locates(tables["bbo"]),
        n_problems=tables.n_problems,
        price_unit=price_unit,
        hold=hold,
    )
    events.is_complete, events.missing = tables.is_complete, tables.missing
    return events


def feed_events(
    orders: Table,
    *,
    crossing: NDArray[np.uint16],
    n_problems: Mapping[str, int],
    price_unit: Decimal,
    hold: bool,
) -> FeedEvents:
    """Return the events of a whole table `orders`; `crossing` are locates whose books cross."""
    names = symbols_of(orders, {})
    orders["price"] = in_units(orders["price"], price_unit)
    if crossing.size and "duplicate_reference" in n_problems:
        # Of one reference in several books: whether the older order is live is known in order only.
        crossing = np.unique(orders["locate"])
    n_held = 0
    if not crossing.size:
        requests = requests_of(orders)
    else:
        is_crossing = np.isin(orders["locate"], crossing)
        requests = requests_of(orders[~is_crossing])
        replayed, n_held = _replayed(orders[is_crossing], names, hold=hold)
        requests = np.concatenate([requests, replayed])
        requests = requests[np.argsort(requests["sequence"], kind="stable")]
    symbols = np.full(max(names, default=0) + 1, "", object)
    for locate, name in names.items():
        symbols[locate] = name
    with no_collection():
        events = FeedEvents(
            zip(symbols[requests["locate"]].tolist(), events_of(requests), strict=True)
        )
    events.sequences = requests["sequence"].copy()
    events.references = requests["reference"].copy()
    events.timestamps = requests["timestamp"].copy()
    events.n_held = n_held
    events.n_problems = n_problems
    return events


def _replayed(orders: Table, names: dict[int, str], *, hold: bool) -> tuple[Table, int]:
    """Requests for books that cross, and how many of their orders were held back."""
    replay = Replay(MultiExchange(log_events=False), hold=hold)
    rows = []
    for message in order_messages(orders, names, orders["price"]):
        replay.requests = []
        replay.apply(message)
        for op, locate, reference, order_id, side, price, shares in replay.requests:
            head = (message.sequence, message.timestamp, reference, order_id, price, shares)
            rows.append((*head, locate, op, b"B" if side == "buy" else b"S"))
    return np.array(rows, REQUEST), replay.n_held
