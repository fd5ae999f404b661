"""The books of a feed at a moment, to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from attrs import astuple, evolve, frozen

from nanobook_core.contracts import BookSnapshot, LevelSnapshot, Order
from nanobook_core.contracts.itch import ItchBooks, ItchProblem
from nanobook_core.errors import ItchError, ValidationError, shown
from nanobook_core.types import Side, TimeInForce
from nanobook_itch.argument import whole
from nanobook_itch.naming import named_locates
from nanobook_itch.opening import SIDES, best_prices
from nanobook_itch.table import PRICE_SCALE
from nanobook_itch.time_of_day import clock

if TYPE_CHECKING:
    from nanobook_itch.layout import Table


@frozen(repr=False, eq=False)
class ItchLevel(LevelSnapshot):
    """All orders at one price, a whole number of 1/10000 of a dollar."""

    @property
    def price_float(self) -> float:
        """Price in dollars."""
        return self.price / PRICE_SCALE

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LevelSnapshot):
            return NotImplemented
        return astuple(self, recurse=False) == astuple(other, recurse=False)

    def __hash__(self) -> int:
        return hash(astuple(self, recurse=False))

    def __repr__(self) -> str:
        return (
            f"Level(price=${self.price_float:.4f}, qty={self.quantity}, orders={self.order_count})"
        )


class ItchBooksView(Mapping[str, BookSnapshot]):
    """Book by symbol, read-only: `view["AAPL"]` has all its levels, none if it has no orders.

    Prices are whole numbers of 1/10000 of a dollar, `price_float` of a level is in dollars;
    `timestamp` is nanoseconds since midnight. There is a book for every symbol that the feed has
    named so far.

    What is told of the feed (`problems`, `is_complete`) is of what was read for these books.

    Raises:
        ItchError: when a book is looked for, and the feed has given two locates to one symbol.

    """

    def __init__(
        self,
        books: ItchBooks,
        symbols: frozenset[bytes] | None,
        time: int | None = None,
        problems: tuple[ItchProblem, ...] = (),
        n_problems: Mapping[str, int] | None = None,
        *,
        is_complete: bool | None = None,
    ) -> None:
        self._books = books
        self._wanted = symbols
        self._time = time
        self.problems = problems
        """The first 1,000 that lenient reading found; none if it was strict."""
        self.n_problems = dict(n_problems or {})
        """By reason, those that occurred."""
        self.is_complete = is_complete
        """Whether the feed has told its end, or its source ended without, and so maybe before the
        time that was asked for; None where messages of later times follow."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong."""
        return not self.n_problems

    @property
    def time(self) -> int:
        """Nanoseconds since midnight: what was asked for, else the time of the last message."""
        return self._books.memory.timestamp if self._time is None else self._time

    @property
    def n_orders(self) -> int:
        """Live orders of all books."""
        return len(self._books)

    @property
    def n_bytes(self) -> int:
        """Memory that the books take."""
        return self._books.n_bytes

    def depth(self, symbol: str, n: int = 10) -> BookSnapshot:
        """Return the best `n` levels of both sides.

        Raises:
            KeyError: the feed has not named the symbol, or it was not asked for.
            TypeError: `n` is no whole number.
            ValidationError: it is less than 1.

        """
        if whole(n, "n") < 1:
            raise ValidationError(f"levels are 1 or more, got {shown(n)}")
        return self._snapshot(symbol, n)

    def full_book(self, symbol: str) -> BookSnapshot:
        """Return all levels of a symbol with their orders, as they queue. O(all live orders)."""
        by_level: dict[tuple[Side, int], list[Order]] = {}
        for order in self.orders(symbol):
            by_level.setdefault((order.side, order.price), []).append(order)
        book = self._snapshot(symbol, None)
        bids, asks = (
            [evolve(level, orders=tuple(by_level[side, level.price])) for level in levels]
            for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks))
        )
        return BookSnapshot(bids, asks, book.timestamp)

    def orders(self, symbol: str) -> list[Order]:
        """Return the live orders of a symbol by arrival; so, of a price, as they queue.

        `id` is the feed's reference. The quantity is what is left: what an order had before is not
        kept. `timestamp` counts them, 0 for the oldest. O(all live orders).

        Raises:
            KeyError: as of `depth`.

        """
        live = self._books.orders(self._locate(symbol))
        rows = live[["reference", "side", "price", "shares"]].tolist()
        return [
            Order(
                id=reference,
                side=Side.BUY if side == b"B" else Side.SELL,
                price=price,
                original_quantity=shares,
                remaining_quantity=shares,
                filled_quantity=0,
                cancelled_quantity=0,
                status="new",
                time_in_force=TimeInForce.GTC,
                timestamp=place,
            )
            for place, (reference, side, price, shares) in enumerate(rows)
        ]

    def bbo(self) -> Table:
        """Return the best of both sides of each symbol, by locate; columns as of the table `bbo`.

        `timestamp` is that of the view, `sequence` that of the last message.
        """
        return best_prices(self._books, self._wanted, self.time)

    def __getitem__(self, symbol: str) -> BookSnapshot:
        return self._snapshot(symbol, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._locates)

    def __len__(self) -> int:
        return len(self._locates)

    def __reduce__(self) -> NoReturn:
        raise TypeError("books are not pickled: take what full_book(), depth() or bbo() returns")

    def __repr__(self) -> str:
        return f"ItchBooksView({clock(self.time)}, {len(self)} books, {self.n_orders:,} orders)"

    def _snapshot(self, symbol: str, n: int | None) -> BookSnapshot:
        locate = self._locate(symbol)
        bids, asks = (
            [
                ItchLevel(*level)
                for level in self._books.levels(locate, code, n)[
                    ["price", "shares", "count"]
                ].tolist()
            ]
            for code, _ in SIDES
        )
        return BookSnapshot(bids, asks, self.time)

    def _locate(self, symbol: str) -> int:
        try:
            return self._locates[symbol]
        except KeyError:
            raise KeyError(f"no book of {symbol!r} at {clock(self.time)}") from None

    @cached_property
    def _locates(self) -> dict[str, int]:
        """By symbol."""
        memory = self._books.memory
        found: dict[str, int] = {}
        for locate in named_locates(memory, self._wanted).tolist():
            symbol = memory.symbols[locate].decode("latin-1")
            if found.setdefault(symbol, locate) != locate:
                raise ItchError(f"symbol {symbol!r} has two locates, {found[symbol]} and {locate}")
        return found
