"""A market as somebody recorded it from the venue's streams."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from nanobook_core.errors import ValidationError

Level: TypeAlias = tuple[Decimal, Decimal]


@frozen
class Snapshot:
    """The whole book, as far as it was asked for."""

    timestamp_ns: int
    symbol: str
    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@frozen
class Diff:
    """Levels that have changed, with their quantity since; 0 where there is none any more."""

    timestamp_ns: int
    symbol: str
    first_update_id: int
    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@frozen
class Print:
    """A trade between others."""

    timestamp_ns: int
    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


@frozen
class Touch:
    """Best prices as they were told on a stream of their own."""

    timestamp_ns: int
    symbol: str
    update_id: int
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal


Recorded: TypeAlias = Snapshot | Diff | Print | Touch


def read_feed(path: Path) -> Iterator[Recorded]:
    """Yield what a file has, in its order; one that ends in `.gz` is unpacked.

    A line is the time at which it was received, in nanoseconds, a space, and the message of a
    combined stream (`depth`, `trade`, `bookTicker`; others are passed over) or the answer to
    `GET /api/v3/depth`. That does not say its symbol: it is that of the diffs before.

    Raises:
        OSError: it cannot be read.
        ValidationError: a line is none of these; the message says which.

    """
    opened = gzip.open if path.suffix == ".gz" else open
    symbol: str | None = None
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(_lines(path, lines), 1):
            try:
                found = _parsed(line, symbol)
            except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
                raise ValidationError(
                    f"{path}, line {number}: no message of a recorded market ({error!r:.80}), "
                    f"got {line.strip()!r:.60}"
                ) from None
            if found is not None:
                symbol = found.symbol
                yield found


def _lines(path: Path, lines: Iterable[str]) -> Iterator[str]:
    try:
        yield from lines
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise ValidationError(f"{path} is no file of a recorded market: {error}") from None


def _parsed(line: str, symbol: str | None) -> Recorded | None:
    time, _, text = line.partition(" ")
    message: Any = json.loads(text)
    at = int(time)
    if "lastUpdateId" in message:
        if symbol is None:
            raise ValueError("a snapshot before any diff has no symbol")
        return Snapshot(
            at,
            symbol,
            int(message["lastUpdateId"]),
            _levels(message["bids"]),
            _levels(message["asks"]),
        )
    kind = message["stream"].partition("@")[2]
    data = message["data"]
    if kind.startswith("depth"):
        return Diff(
            at, data["s"], int(data["U"]), int(data["u"]), _levels(data["b"]), _levels(data["a"])
        )
    if kind == "trade":
        return Print(
            at, data["s"], int(data["t"]), Decimal(data["p"]), Decimal(data["q"]), bool(data["m"])
        )
    if kind == "bookTicker":
        return Touch(
            at,
            data["s"],
            int(data["u"]),
            Decimal(data["b"]),
            Decimal(data["B"]),
            Decimal(data["a"]),
            Decimal(data["A"]),
        )
    return None


def _levels(rows: Any) -> tuple[Level, ...]:
    return tuple((Decimal(price), Decimal(size)) for price, size in rows)
