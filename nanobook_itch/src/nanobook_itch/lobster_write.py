"""A stock's book as LOBSTER's files."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nanobook_core.contracts.itch import ItchProblem
from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import check_symbol
from nanobook_itch.argument import whole, window
from nanobook_itch.feed import ItchFeed
from nanobook_itch.ladder import Ladder
from nanobook_itch.lobster import (
    CROSS,
    CROSS_IDS,
    DELETION,
    EXECUTION,
    HALT,
    HALT_PRICE,
    HIDDEN,
    OTHER_CROSS,
    PARTIAL_CANCEL,
    SUBMISSION,
    Message,
    file_name,
    levels_to_line,
    to_line,
)
from nanobook_itch.part_file import check_new, part_files
from nanobook_itch.request import symbols_of
from nanobook_itch.time_of_day import TimeOfDay

if TYPE_CHECKING:
    from nanobook_itch.books import ItchTables
    from nanobook_itch.layout import Table

_TYPES = {b"E": EXECUTION, b"C": EXECUTION, b"X": PARTIAL_CANCEL, b"D": DELETION}

_DIRECTIONS = {b"B": 1, b"S": -1}


class LobsterFiles(NamedTuple):
    """What was written."""

    message: Path
    orderbook: Path
    n_rows: int
    problems: tuple[ItchProblem, ...]
    """The first 1,000 that lenient reading found; none if it was strict."""
    n_problems: Mapping[str, int]
    """What was wrong with the feed, by reason; empty where nothing was."""
    is_complete: bool | None
    """Whether the feed has told its end, or its source ended without; None where `end` came
    first."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong."""
        return not self.n_problems


class _Change(NamedTuple):
    """A row, and what it changes at a price."""

    message: Message
    side: bytes
    price: int
    by: int


def write_lobster(
    source: Any,
    folder: str | PathLike[str],
    *,
    symbol: str,
    date: dt.date | str,
    levels: int = 10,
    start: TimeOfDay = "09:30",
    end: TimeOfDay = "16:00",
    strict: bool = True,
    progress: bool = True,
    force: bool = False,
) -> LobsterFiles:
    """Write a stock's messages and its book after each, as LOBSTER has them.

    As there, messages that change none of the best `levels` have no row; so with fewer levels than
    the book has, the files do not tell of every order. A replace is two rows, a deletion and a
    submission. An execution is at the price that was paid. Hidden trades have the id 0, and the
    direction 1, as the feed does not say theirs; crosses are of type 6 with direction -1 and the id
    -1 at the opening, -2 at the close, -3 after a halt or at an IPO, -4 else; those of no shares
    are left out. A book file has -9999999999 and 9999999999 for prices that are not there.

    Both files are there at the end or neither.

    Args:
        source: of the feed, as of `ItchFeed`.
        folder: it is made if it is not there.
        symbol: of the stock.
        date: of the day, for the names: a date, or text as "2026-03-02".
        levels: of each side, 1 to 1000.
        start: of the first row; the book has all that came before. Files' names have milliseconds.
        end: rows are before it.
        strict: as of `ItchFeed`.
        progress: as of `ItchFeed`.
        force: replace files of the same names.

    Raises:
        FileExistsError: one of the files is there, and `force` is not given.
        TypeError, ValidationError: an argument is of a wrong type or out of range; the feed has no
            order message of the stock.
        ItchError, OSError: as of `ItchFeed`; or the stock has two locates; or a file cannot be
            written.

    """
    check_symbol(symbol)
    whole(levels, "levels", 1, 1000)
    day = _date(date)
    hours = window(start, end)
    feed = ItchFeed(source, symbols=[symbol], strict=strict, progress=progress)
    into = Path(folder)
    paths = [
        into / file_name(symbol, day, hours, what, levels) for what in ("message", "orderbook")
    ]
    check_new(paths, force=force)
    with part_files(paths) as parts, parts[0].open("wb") as messages, parts[1].open("wb") as books:
        n_rows = 0
        read: deque[ItchTables] = deque(maxlen=1)
        for message, book in _rows(_changes(feed, symbol, hours[1], read), levels):
            if message.timestamp >= hours[0]:
                messages.write(to_line(message))
                books.write(book)
                n_rows += 1
    last = read[0]
    return LobsterFiles(
        paths[0], paths[1], n_rows, last.problems, last.n_problems, last.is_complete
    )


def _date(date: dt.date | str) -> dt.date:
    if isinstance(date, str):
        try:
            return dt.datetime.strptime(date, "%Y-%m-%d").date()  # noqa: DTZ007 - only the date
        except ValueError:
            raise ValidationError(f'date is written "2026-03-02", got {shown(date)}') from None
    if not isinstance(date, dt.date) or isinstance(date, dt.datetime):
        raise TypeError(f'date is a datetime.date or text as "2026-03-02", got {shown(date)}')
    return date


def _rows(changes: Iterable[_Change], levels: int) -> Iterator[tuple[Message, bytes]]:
    """Yield those that change the best levels, or no order, and the line of the book after each."""
    ladders = {b"S": Ladder(b"S"), b"B": Ladder(b"B")}
    book = levels_to_line([], [], levels)
    for message, side, price, by in changes:
        if by:
            ladder = ladders[side]
            is_seen = ladder.place(price) < levels
            ladder.change(price, by)
            if not is_seen:
                continue
            asks, bids = (ladders[each].best(levels) for each in (b"S", b"B"))
            book = levels_to_line(asks, bids, levels)
        yield message, book


def _changes(feed: ItchFeed, symbol: str, end: int, read: deque[ItchTables]) -> Iterator[_Change]:
    """Yield what happened to a stock, in order; `read` gets each chunk of the feed."""
    live: dict[int, tuple[bytes, int, int]] = {}
    known: dict[int, str] = {}
    for run in feed.book_chunks(tables=("orders", "trades", "status"), end=end):
        read.append(run)
        orders, trades, status = (
            table[table["symbol"] == symbol.encode()]
            for table in (run["orders"], run["trades"], run["status"])
        )
        symbols_of(orders, known)
        paid = dict(zip(trades["sequence"].tolist(), trades["price"].tolist(), strict=True))
        found = chain(_of_orders(orders, live, paid), _of_trades(trades), _of_status(status))
        yield from (change for _, change in sorted(found, key=lambda pair: pair[0]))
    if not known:
        raise ValidationError(f"the feed has no order of {symbol}")


def _of_orders(
    orders: Table, live: dict[int, tuple[bytes, int, int]], paid: dict[int, int]
) -> Iterator[tuple[int, _Change]]:
    """Yield the changes of order messages; `live` has side, price and shares."""
    names = ("sequence", "timestamp", "type", "side", "reference", "new_reference")
    columns = [orders[name].tolist() for name in (*names, "price", "shares", "remaining")]
    for row in zip(*columns, strict=True):
        sequence, time, kind, side, reference, new, price, shares, remaining = row
        if kind in _TYPES:
            if shares:
                at = paid.get(sequence, price)
                message = Message(time, _TYPES[kind], reference, shares, at, _DIRECTIONS[side])
                yield sequence, _Change(message, side, price, -shares)
            live[reference] = side, price, remaining
            if not remaining:
                del live[reference]
            continue
        name = new if kind == b"U" else reference
        # A replaced order goes, and so does one of the same reference, of lenient reading.
        for gone in dict.fromkeys((reference, name)):
            if gone in live:
                was = live.pop(gone)
                message = Message(time, DELETION, gone, was[2], was[1], _DIRECTIONS[was[0]])
                yield sequence, _Change(message, was[0], was[1], -was[2])
        live[name] = side, price, shares
        message = Message(time, SUBMISSION, name, shares, price, _DIRECTIONS[side])
        yield sequence, _Change(message, side, price, shares)


def _of_trades(trades: Table) -> Iterator[tuple[int, _Change]]:
    there = trades[((trades["type"] == b"P") | (trades["type"] == b"Q")) & (trades["shares"] > 0)]
    names = ("sequence", "timestamp", "type", "cross", "shares", "price")
    columns = [there[name].tolist() for name in names]
    for sequence, time, kind, cross, shares, price in zip(*columns, strict=True):
        if kind == b"P":
            message = Message(time, HIDDEN, 0, shares, price, 1)
        else:
            message = Message(time, CROSS, CROSS_IDS.get(cross, OTHER_CROSS), shares, price, -1)
        yield sequence, _Change(message, b"", 0, 0)


def _of_status(status: Table) -> Iterator[tuple[int, _Change]]:
    there = status[(status["type"] == b"H") | (status["type"] == b"h")]
    columns = [there[name].tolist() for name in ("sequence", "timestamp", "state")]
    for sequence, time, state in zip(*columns, strict=True):
        if state in HALT_PRICE:
            yield sequence, _Change(Message(time, HALT, 0, 0, HALT_PRICE[state], -1), b"", 0, 0)
