"""Valid trading days of NASDAQ TotalView-ITCH 5.0, of any size, for a seed always the same.

All 23 types of message occur, in proportions like a real day's, and so do the events of one: the
hours of the market, opening and closing crosses, a direct listing, a halt for volatility with a
quotation period in which the book crosses, a breach of the market's circuit breaker too late in the
day to halt it, executions at other prices, hidden trades and a broken one. Books are never crossed
but in that halt; references are sparse, rise, and are never used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from random import Random
from typing import BinaryIO, NamedTuple

from nanobook_itch.testing import scene
from nanobook_itch.testing.market import Market
from nanobook_itch.testing.stock import Stock

#: The first of them are the busiest.
TICKERS = ("NVDA", "AAPL", "TSLA", "MSFT", "AMZN", "AMD", "META", "QQQ", "GOOGL", "INTC", "PLUG")

_MINUTE = 60_000_000_000
_HOUR = 60 * _MINUTE

#: Crosses of an auction that are told, at most.
_AUCTIONS = 50


class LiveOrder(NamedTuple):
    """An order that is in a book."""

    reference: int
    locate: int
    side: str
    price: int
    shares: int


class TradingDay:
    """One day, written once.

    `messages` is how many there are in all: at least `5 * symbols + 300`, as every symbol is told
    with four before the market opens. `symbols` are names, the busiest first, or how many.
    `activity` is the exponent of Zipf's law that skews them: 0 makes all alike. With `end_mark`
    the length 0 stands at the end, as in NASDAQ's files.

    Raises:
        ValueError: there are too few messages for those symbols, no symbols, or more than 65,535;
            or a name is not one to eight ASCII characters, or twice there.

    """

    def __init__(
        self,
        *,
        messages: int = 100_000,
        symbols: int | Sequence[str] = 100,
        seed: int = 0,
        activity: float = 1.0,
        end_mark: bool = False,
    ) -> None:
        names = _names(symbols) if isinstance(symbols, int) else tuple(symbols)
        if not 1 <= len(names) <= 65_535:
            raise ValueError(f"{len(names)} symbols: there must be 1 to 65535")
        if messages < 5 * len(names) + 300:
            raise ValueError(
                f"{messages} messages are too few for {len(names)} symbols: "
                f"there must be {5 * len(names) + 300} or more"
            )
        if wrong := [name for name in names if not (name.isascii() and 1 <= len(name) <= 8)]:
            raise ValueError(f"symbol {wrong[0]!r}: it must have 1 to 8 ASCII characters")
        if len(set(names)) < len(names):
            raise ValueError("a symbol is there twice")
        self.symbols = tuple(sorted(names))
        """By locate, which counts from 1."""
        draw = Random(seed).random  # noqa: S311 - market data, not secrets
        stocks = [
            Stock(name, locate, _opening_price(draw()))
            for locate, name in enumerate(self.symbols, 1)
        ]
        rank = {name: rank for rank, name in enumerate(names, 1)}
        weights = [rank[stock.name] ** -activity for stock in stocks]
        self._market = Market(stocks, weights, seed)
        self._busiest = sorted(stocks, key=lambda stock: rank[stock.name])
        self._messages = messages
        self._end_mark = end_mark

    def chunks(self) -> Iterator[bytes]:
        """Write the day; each piece has whole messages, about 200 KB of them."""
        market, busiest = self._market, self._busiest
        newcomer, halted = busiest[-1], busiest[len(busiest) // 3]
        scene.system(market, b"O", 3 * _HOUR)
        scene.directory(market, newcomer)
        scene.system(market, b"S", 4 * _HOUR)
        # What is left for ordinary trading when all scenes have their longest: a resumption is
        # short beside the quotation before it, whose crossing orders it executes.
        body = self._messages - market.n_told - 2
        crossing = busiest[: min(_AUCTIONS, max(1, body // 100))]
        body -= 6 * len(crossing) + 40

        def trade(share: float, until: int) -> Iterator[bytes]:
            return market.trade(int(share * body), market.now, until)

        yield from trade(0.05, 9 * _HOUR + 28 * _MINUTE)
        scene.imbalance(market, crossing, b"O")
        yield from trade(0.01, 9 * _HOUR + 30 * _MINUTE)
        scene.system(market, b"Q", market.now)
        scene.auction(market, crossing, b"O")
        yield from trade(0.30, 11 * _HOUR)
        scene.direct_listing(market, newcomer)
        scene.news(market, halted)
        scene.second_thoughts(market, halted)
        yield from trade(0.15, 12 * _HOUR + 30 * _MINUTE)
        scene.mistake(market, halted)
        scene.halt(market, halted)
        yield from trade(0.01, 12 * _HOUR + 32 * _MINUTE)
        scene.quotation(market, halted)
        yield from trade(0.01, 12 * _HOUR + 35 * _MINUTE)
        scene.resumption(market, halted)
        yield from trade(0.32, 15 * _HOUR + 40 * _MINUTE)
        scene.breach(market)
        yield from trade(0.05, 15 * _HOUR + 50 * _MINUTE)
        scene.imbalance(market, crossing, b"C")
        yield from trade(0.05, 16 * _HOUR)
        scene.system(market, b"M", market.now)
        scene.auction(market, crossing, b"C")
        rest = self._messages - market.n_told - 2
        yield from market.trade(rest, market.now, 20 * _HOUR)
        scene.system(market, b"E", 20 * _HOUR)
        scene.system(market, b"C", 20 * _HOUR + 5 * _MINUTE)
        yield market.take() + (b"\0\0" if self._end_mark else b"")

    def live(self) -> list[LiveOrder]:
        """Return the orders that are in the books by now, by arrival."""
        return [
            LiveOrder(reference, stock.locate, side.decode(), price, shares)
            for reference, (stock, side, price, shares, _) in self._market.orders.items()
        ]

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages of each type that have been written."""
        return dict(self._market.counts)

    @property
    def n_bytes(self) -> int:
        """Bytes that have been written, without an end mark."""
        return self._market.n_bytes


def _opening_price(draw: float) -> int:
    """Return one from 0.30 to 900 dollars, mostly of tens."""
    return int(3_000 + 9_000_000 * draw**4)


def _names(n: int) -> tuple[str, ...]:
    """Return as many symbols, the busy ones with names one knows."""
    return (*TICKERS[:n], *(f"Z{_letters(number)}" for number in range(n - len(TICKERS))))


def _letters(number: int) -> str:
    letters = ""
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters = chr(65 + letter) + letters
    return letters


def write_day(
    file: str | PathLike[str] | BinaryIO,
    *,
    messages: int = 100_000,
    symbols: int | Sequence[str] = 100,
    seed: int = 0,
    activity: float = 1.0,
    end_mark: bool = False,
) -> TradingDay:
    """Write a day to a path or an open file in bounded memory; return it as it ended."""
    day = TradingDay(
        messages=messages, symbols=symbols, seed=seed, activity=activity, end_mark=end_mark
    )
    if isinstance(file, (str, PathLike)):
        with Path(file).open("wb") as opened:
            opened.writelines(day.chunks())
    else:
        file.writelines(day.chunks())
    return day


def day_bytes(
    *,
    messages: int = 10_000,
    symbols: int | Sequence[str] = 10,
    seed: int = 0,
    activity: float = 1.0,
    end_mark: bool = False,
) -> bytes:
    """Return a day as one string of bytes."""
    day = TradingDay(
        messages=messages, symbols=symbols, seed=seed, activity=activity, end_mark=end_mark
    )
    return b"".join(day.chunks())
