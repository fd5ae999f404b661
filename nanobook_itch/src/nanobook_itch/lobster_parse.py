"""LOBSTER's files as requests that make their book."""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal
from os import PathLike
from pathlib import Path

from nanobook_core.errors import ItchError, ValidationError, shown
from nanobook_core.types import check_symbol
from nanobook_itch.lobster import from_line, levels_from_line, orderbook_beside, symbol_in
from nanobook_itch.lobster_book import LobsterBook
from nanobook_itch.order_replay import check_crossed
from nanobook_itch.parse import FeedEvents, feed_events
from nanobook_itch.request import PRICE_UNIT


def parse_lobster(
    path: str | PathLike[str],
    *,
    orderbook: str | PathLike[str] | None = None,
    symbol: str | None = None,
    strict: bool = True,
    price_unit: Decimal = PRICE_UNIT,
    crossed: str = "hold",
) -> FeedEvents:
    """Return the requests that make the book of a LOBSTER message file.

    As `parse_itch`: type 1 is a `submit_limit`, 2 and 4 a `reduce`, 3 a `cancel`; 5, 6 and 7 have
    no event. Decimals of a time beyond nanoseconds are cut off. `FeedEvents.sequences` has rows,
    from 0.

    Where there is an orderbook file, its levels are those of the replayed book after each message.
    Shares there of orders that no message names, as the files begin within a day and tell of the
    best levels only, are one order a price, entered when they come into sight and taken off when
    they have gone; `FeedEvents.references` has such orders from 2^64-1 downwards. Orders beyond
    those levels may be there no longer.

    Args:
        path: of the message file.
        orderbook: path of the orderbook file; None is the one beside, if it has LOBSTER's name.
        symbol: None is the one in the file's name.
        strict: raise at the first thing that is wrong; else go on as far as possible and count it
            in `FeedEvents.n_problems`: `duplicate_reference` (the older order is taken off first),
            `unknown_reference` (left out), `excess` (all that remains, or is named, is taken),
            `bad_side` (it is the order's), `no_shares` (left out), `time_back` (taken),
            `other_book` (the orderbook file is right).
        price_unit: of the events' prices, in dollars.
        crossed: as in `parse_itch`.

    Raises:
        TypeError: a path is neither a string nor a `PathLike`, or another argument is of a wrong
            type.
        OSError: a file cannot be read.
        ItchError: a row is not LOBSTER's, there is none, the files have not as many, or `strict`.
        ValidationError: there is no telling the symbol, or it is not at most 8 ASCII bytes;
            `price_unit` does not hold a price exactly; `crossed` is another word.

    """
    hold = check_crossed(crossed)
    message_path = _path(path, "path")
    name = symbol if symbol is not None else symbol_in(message_path.name)
    lines = message_path.read_bytes().splitlines(keepends=True)
    if name is None:
        raise ValidationError(
            f"{message_path.name} is no name of LOBSTER's, such as "
            'AAPL_2012-06-21_34200000_57600000_message_10.csv: symbol="AAPL" says whose it is'
        )
    check_symbol(name)
    if not lines:
        raise ItchError(f"{message_path} is empty")
    book_lines = _book_lines(message_path, orderbook, len(lines))
    problems: Counter[str] = Counter()
    offset, number = 0, 0

    def problem(reason: str, detail: str) -> None:
        if strict:
            raise ItchError(f"row {number + 1}, at byte {offset}: {detail}", offset=offset)
        problems[reason] += 1

    book = LobsterBook(problem)
    time, book_offset = 0, 0
    for number, line in enumerate(lines):
        message = from_line(line, offset)
        if message.timestamp < time:
            problem("time_back", "a time before that of the row before")
        time = message.timestamp
        if book_lines is None:
            book.apply(number, message, may_be_unnamed=False)
        else:
            levels = levels_from_line(book_lines[number], book_offset)
            if number == 0:
                book.open(*levels[:2], message)
            is_named = book.apply(number, message, may_be_unnamed=True)
            book.match(*levels, is_checked=is_named)
            book_offset += len(book_lines[number])
        offset += len(line)
    orders = book.table()
    orders["symbol"] = name.encode()
    return feed_events(
        orders,
        crossing=orders["locate"][:1] if book.is_crossed else orders["locate"][:0],
        n_problems=problems,
        price_unit=price_unit,
        hold=hold,
    )


def _path(path: object, name: str) -> Path:
    if not isinstance(path, str | PathLike):
        raise TypeError(f"{name} is a str or PathLike, got {shown(path)}")
    return Path(os.fsdecode(path))


def _book_lines(
    message_path: Path, orderbook: str | PathLike[str] | None, rows: int
) -> list[bytes] | None:
    if orderbook is not None:
        path = _path(orderbook, "orderbook")
    else:
        beside = orderbook_beside(message_path.name)
        if beside is None or not (path := message_path.with_name(beside)).is_file():
            return None
    lines = path.read_bytes().splitlines(keepends=True)
    if len(lines) != rows:
        raise ItchError(f"{path} has {len(lines)} rows, its messages {rows}: they do not belong")
    return lines
