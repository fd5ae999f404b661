"""A market as somebody recorded it from the venue's streams."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from nanobook_binance.number import to_number
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


def read_feed(path: Path, *, on_cut: Callable[[str], None] | None = None) -> Iterator[Recorded]:
    """Yield what a file has, in its order; one that ends in `.gz` is unpacked.

    A line is the time at which it was received, in nanoseconds, a space, and the message of a
    combined stream (`depth`, `trade`, `bookTicker`; others are passed over) or the answer to
    `GET /api/v3/depth`. That does not say its symbol: it is that of the messages before.

    A file whose end is missing, as of a recorder that was stopped, is refused; with `on_cut`, that
    is told in words, and all whole lines are what the file has.

    Raises:
        OSError: it cannot be read.
        ValidationError: a line is none of these; the message says which. Or the end is missing.

    """
    opened = gzip.open if path.suffix == ".gz" else open
    symbols: dict[str, None] = {}
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(_lines(path, lines, on_cut), 1):
            try:
                found = _parsed(line, symbols)
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
                is_cut = not line.endswith("\n")
                if is_cut and on_cut is not None:
                    on_cut(f"the file ends within line {number}, which is left out")
                    return
                raise ValidationError(
                    f"{path}, line {number}: no message of a recorded market ({error!r:.80}), "
                    f"got {line.strip()!r:.60}{'; the file ends within it' if is_cut else ''}"
                ) from None
            if found is not None:
                symbols[found.symbol] = None
                yield found


def _lines(path: Path, lines: Iterable[str], on_cut: Callable[[str], None] | None) -> Iterator[str]:
    try:
        yield from lines
    except EOFError:
        told = "the packed file was cut: its end is missing"
        if on_cut is None:
            raise ValidationError(f"{path}: {told}") from None
        on_cut(told)
    except (UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        raise ValidationError(f"{path} is no file of a recorded market: {error}") from None


def _parsed(line: str, symbols: Mapping[str, None]) -> Recorded | None:
    time, _, text = line.partition(" ")
    message: Any = json.loads(text)
    at = _whole(int(time))
    if "lastUpdateId" in message:
        if not symbols:
            raise ValueError("a snapshot before any diff has no symbol")
        if len(symbols) > 1:
            raise ValueError(f"a snapshot after messages of {', '.join(symbols)} has no symbol")
        (symbol,) = symbols
        return Snapshot(
            at,
            symbol,
            _whole(message["lastUpdateId"]),
            _levels(message["bids"]),
            _levels(message["asks"]),
        )
    kind = message["stream"].partition("@")[2]
    data = message["data"]
    if kind.startswith("depth"):
        first, last = _whole(data["U"]), _whole(data["u"])
        if first > last:
            raise ValueError(f"the first update, {first}, is after the last, {last}")
        return Diff(at, _symbol(data), first, last, _levels(data["b"]), _levels(data["a"]))
    if kind == "trade":
        return Print(
            at,
            _symbol(data),
            _whole(data["t"]),
            _price(data["p"]),
            _size(data["q"]),
            bool(data["m"]),
        )
    if kind == "bookTicker":
        return Touch(
            at,
            _symbol(data),
            _whole(data["u"]),
            _price(data["b"]),
            _size(data["B"]),
            _price(data["a"]),
            _size(data["A"]),
        )
    return None


def _levels(rows: Any) -> tuple[Level, ...]:
    return tuple((_price(price), _size(size)) for price, size in rows)


def _price(value: object) -> Decimal:
    price = to_number(value)
    if price <= 0:
        raise ValueError(f"{value!r:.40} is no price: those are above 0")
    return price


def _size(value: object) -> Decimal:
    size = to_number(value)
    if size < 0:
        raise ValueError(f"{value!r:.40} is no quantity: those are 0 or more")
    return size


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{value!r:.40} is no whole number from 0 to 2^63-1")
    return value


def _symbol(data: Any) -> str:
    symbol = data["s"]
    if not isinstance(symbol, str) or not symbol:
        raise ValueError(f"{symbol!r:.40} is no symbol")
    return symbol
