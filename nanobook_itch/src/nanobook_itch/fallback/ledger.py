"""The live orders and the books of a feed, and what its messages do to them."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from struct import Struct

from attrs import frozen

from nanobook_core.contracts.itch import ItchProblem
from nanobook_core.errors import ItchError
from nanobook_itch.fallback.book import Book, Order
from nanobook_itch.fallback.problem import Problems
from nanobook_itch.fallback.record import Record

# Of an order with its numbers and place, and of a level, as sys.getsizeof adds them up.
_ORDER_BYTES = 400
_LEVEL_BYTES = 300

#: Ranks, so that one fits 32 bits.
MOST_RANKS = 2**32 - 1

# What follows the time.
_ADD = Struct(">QcI8xI")
_REDUCE = Struct(">QI")
_EXECUTION = Struct(">QIQ")
_PRICED_EXECUTION = Struct(">QIQcI")
_DELETE = Struct(">Q")
_REPLACE = Struct(">QQII")
_TRADE = Struct(">QxI8xIQ")
_CROSS = Struct(">Q8xIQc")
_BROKEN = Struct(">Q")

_OTHER = {b"B": b"S", b"S": b"B"}


@frozen
class Message:
    """A message that decoding has found sound."""

    kind: bytes
    body: bytes
    """What follows the time."""
    time: int
    locate: int
    sequence: int
    offset: int


class Ledger:
    """Live orders by reference, books by locate."""

    def __init__(self, record: Record, problems: Problems) -> None:
        self._record = record
        self._problems = problems
        self.orders: dict[int, Order] = {}
        self.books: defaultdict[int, Book] = defaultdict(Book)
        """Of each locate that has had an order."""
        self.symbols: dict[int, bytes] = {}
        """Of each locate that has had one."""
        self._rank = 0
        self._actions: dict[bytes, Callable[[Message], None]] = {
            b"A": self._add,
            b"F": self._add,
            b"U": self._replace,
            b"D": self._delete,
            b"E": self._reduce,
            b"C": self._reduce,
            b"X": self._reduce,
            b"P": self._print,
            b"Q": self._cross,
            b"B": self._break,
        }

    def apply(self, message: Message) -> None:
        """Do what a message says.

        Raises:
            ItchError: reading is strict and something is wrong, or there were too many orders;
                nothing has changed.

        """
        if message.kind in self._actions:
            self._actions[message.kind](message)

    def restore(self, orders: list[Order], rank: int) -> None:
        """Take orders in; the next that arrives has that rank."""
        for order in orders:
            self._enter(order)
        self._rank = rank
        for book in self.books.values():
            self._record.meet(book)

    def write_grid(self, before: int, sequence: int, answer_interrupts: Callable[[], None]) -> None:
        """Write how the books are, for each time of the grid before that one."""
        for time in self._record.times(before):
            for locate, book in sorted(self.books.items()):
                self._record.see(book, sequence, time, self.symbols.get(locate, b""), locate)
            answer_interrupts()

    def n_bytes(self) -> int:
        """Return the memory of orders and levels, about. O(books)."""
        n_levels = sum(len(book) for book in self.books.values())
        tables = sys.getsizeof(self.orders) + sys.getsizeof(self.books)
        return tables + _ORDER_BYTES * len(self.orders) + _LEVEL_BYTES * n_levels

    def _add(self, message: Message) -> None:
        reference, side, shares, price = _ADD.unpack_from(message.body)
        if shares == 0 or price == 0:
            self._wrong(message, "no_shares", reference=reference, shares=shares, price=price)
            return
        self._check_rank(message)
        if reference in self.orders:
            self._wrong(message, "duplicate_reference", reference=reference)
        order = Order(reference, self._rank, price, shares, message.locate, side)
        self._displace(message, reference, order.locate)
        self._tell(message, order, shares, self._enter(order))

    def _reduce(self, message: Message) -> None:
        reference, shares = _REDUCE.unpack_from(message.body)
        if (order := self._found(message, reference)) is None:
            return
        if shares > order.shares:
            found = {"shares": shares, "reference": reference, "remaining": order.shares}
            self._wrong(message, "excess", **found)
            shares = order.shares
        self._check_locate(message, order)
        if message.kind in b"EC":
            self._execute(message, order, shares)
        self._tell(message, order, shares, self._take(order, shares))

    def _execute(self, message: Message, order: Order, shares: int) -> None:
        """Tell of a trade with a live order."""
        reference, _, match = _EXECUTION.unpack_from(message.body)
        price, printable = order.price, b""
        if message.kind == b"C":
            *_, printable, price = _PRICED_EXECUTION.unpack_from(message.body)
        codes = {"side": _OTHER[order.side], "printable": printable}
        self._trade(message, order.locate, price, shares, reference, match, **codes)

    def _delete(self, message: Message) -> None:
        (reference,) = _DELETE.unpack_from(message.body)
        if (order := self._found(message, reference)) is not None:
            self._check_locate(message, order)
            shares = order.shares
            self._tell(message, order, shares, self._take(order, shares))

    def _replace(self, message: Message) -> None:
        reference, new, shares, price = _REPLACE.unpack_from(message.body)
        if (old := self._found(message, reference)) is None:
            return
        if shares == 0 or price == 0:
            self._wrong(message, "no_shares", reference=new, shares=shares, price=price)
            return
        if new != reference and new in self.orders:
            self._wrong(message, "duplicate_reference", reference=new)
        self._check_locate(message, old)
        self._check_rank(message)
        order = Order(new, self._rank, price, shares, old.locate, old.side)
        self._take(old, old.shares)
        self._displace(message, new, order.locate)
        self._tell(message, order, shares, self._enter(order), replaced=reference)

    def _print(self, message: Message) -> None:
        reference, shares, price, match = _TRADE.unpack_from(message.body)
        self._trade(message, message.locate, price, shares, reference, match)

    def _cross(self, message: Message) -> None:
        shares, price, match, cross = _CROSS.unpack_from(message.body)
        self._trade(message, message.locate, price, shares, 0, match, cross=cross)

    def _break(self, message: Message) -> None:
        (match,) = _BROKEN.unpack_from(message.body)
        self._trade(message, message.locate, 0, 0, 0, match)

    def _enter(self, order: Order) -> int:
        """Put an order into its book; return the shares of its level then."""
        self.orders[order.reference] = order
        self._rank = order.rank + 1
        return self.books[order.locate].change(order, order.shares, 1)

    def _take(self, order: Order, shares: int) -> int:
        """Take shares off an order, which goes with the last; return those of its level then."""
        order.shares -= shares
        is_gone = order.shares == 0
        if is_gone:
            del self.orders[order.reference]
        return self.books[order.locate].change(order, -shares, -is_gone)

    def _displace(self, message: Message, reference: int, locate: int) -> None:
        """Take off an older order whose reference an order of that locate gets."""
        if (older := self.orders.get(reference)) is not None:
            self._take(older, older.shares)
            if older.locate != locate:
                self._follow(message, older.locate)

    def _tell(
        self,
        message: Message,
        order: Order,
        shares: int,
        level_shares: int,
        *,
        replaced: int | None = None,
    ) -> None:
        """Write what a message has done to an order, and so to its book."""
        references = (order.reference, 0) if replaced is None else (replaced, order.reference)
        amounts = order.price, shares, order.shares, level_shares
        place = self.symbols.get(order.locate, b""), order.locate, message.kind, order.side
        row = *references, *amounts, *place
        self._record.add("orders", message.sequence, message.time, *row)
        self._follow(message, order.locate)

    def _follow(self, message: Message, locate: int) -> None:
        symbol = self.symbols.get(locate, b"")
        self._record.follow(self.books[locate], message.sequence, message.time, symbol, locate)

    def _trade(self, message: Message, locate: int, *numbers: int, **codes: bytes) -> None:
        code = [codes.get(name, b"").rstrip(b" ") for name in ("side", "printable", "cross")]
        row = *numbers, self.symbols.get(locate, b""), locate, message.kind, *code
        self._record.add("trades", message.sequence, message.time, *row)

    def _found(self, message: Message, reference: int) -> Order | None:
        if (order := self.orders.get(reference)) is None:
            self._wrong(message, "unknown_reference", reference=reference)
        return order

    def _check_locate(self, message: Message, order: Order) -> None:
        if order.locate != message.locate:
            found = {"reference": order.reference, "allowed": order.locate}
            self._wrong(message, "wrong_locate", locate=message.locate, **found)

    def _check_rank(self, message: Message) -> None:
        if self._rank >= MOST_RANKS:
            raise ItchError(
                f"at byte {message.offset}: more than {MOST_RANKS} orders",
                offset=message.offset,
                type=message.kind.decode(),
            )

    def _wrong(self, message: Message, reason: str, **found: int) -> None:
        self._problems.note(ItchProblem.of(message.offset, message.kind.decode(), reason, **found))
