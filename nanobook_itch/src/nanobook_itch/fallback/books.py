"""All books of a feed, message after message; the kernel `itch_books` without a compiler."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import astuple

from nanobook_core.contracts.itch import ItchMemory, ItchProblem
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import LEVEL, LIVE
from nanobook_core.errors import ConcurrentUseError, ItchError, ValidationError, shown
from nanobook_core.interrupt import interrupts_held
from nanobook_itch.fallback.book import Book, Order
from nanobook_itch.fallback.ledger import Ledger, Message
from nanobook_itch.fallback.live import LOCATES, check_live, check_memory
from nanobook_itch.fallback.problem import Problems, first_problem
from nanobook_itch.fallback.record import Record
from nanobook_itch.fallback.walk import ends, messages
from nanobook_itch.layout import SIDES, bytes_of, table_dtype, table_of, wanted_symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from nanobook_itch.layout import Table

_LENGTHS = {kind.encode(): 2 + message.length for kind, message in MESSAGES.items()}
_SYMBOLS = {
    kind.encode(): slice(2 + field.offset, 2 + field.offset + field.length)
    for kind, message in MESSAGES.items()
    for field in message.fields
    if field.name == "symbol"
}
"""Where the symbol is, of the types that have one."""

_FULL = "the books do not fit in memory, and can no longer be used"


class ItchBooks:
    """All books of a feed; see `nanobook_core.contracts.ItchBooks`.

    The definition of what the compiled kernel does, at about a hundredth of its speed.
    """

    def __init__(
        self,
        *,
        symbols: frozenset[bytes] | None,
        strict: bool,
        tables: frozenset[str],
        depth: int,
        grid: NDArray[np.int64] | None,
        start: int,
        end: int,
    ) -> None:
        self._wanted = None if symbols is None else wanted_symbols(symbols)
        self._record = Record(tables, depth, grid, start, end)
        self._problems = Problems(strict=strict)
        self._ledger = Ledger(self._record, self._problems)
        self._skipped: set[int] = set()
        """Locates whose symbol is known and not wanted."""
        self._sequence = self._offset = self._timestamp = 0
        self._counts = np.zeros(256, np.int64)
        self._ended = False
        self._refused: ItchError | MemoryError | None = None
        self._turn = Lock()

    def feed(self, data: Any, /, until: int | None = None) -> int:
        """Apply whole messages and return how many bytes they were."""
        with self._changing() as answer_interrupts:
            if self._refused is not None:
                raise self._refused
            view = bytes_of(data)
            begin = self._offset
            self._ended = False
            for message in messages(view):
                if not self._read(message, until, answer_interrupts):
                    return self._offset - begin
                self._offset += len(message)
                self._sequence += 1
                answer_interrupts()
            self._ended = ends(view, self._offset - begin)
            return self._offset - begin

    def take(self) -> dict[str, Table]:
        """Return the rows of each table since it was last taken."""
        with self._alone():
            return self._record.take()

    def finish(self, until: int) -> None:
        """Write the rows of the grid's times up to and at `until`."""
        with self._changing() as answer_interrupts:
            self._ledger.write_grid(until + 1, self._sequence - 1, answer_interrupts)

    def levels(self, locate: int, side: bytes, n: int | None = None, /) -> Table:
        """Return the best `n` levels of a side, or all."""
        _check_locate(locate)
        if side not in SIDES:
            raise ValidationError(f"a side is b'B' or b'S', got {shown(side)}")
        with self._alone():
            book = self._ledger.books.get(locate, Book())
            rows = book.levels(side, None if n is None else min(max(0, n), sys.maxsize))
        return table_of(rows, table_dtype(LEVEL))

    def orders(self, locate: int | None = None, /) -> Table:
        """Return the live orders of a book, or of all, by rank."""
        if locate is not None:
            _check_locate(locate)
        with self._alone():
            orders = sorted(self._ledger.orders.values(), key=lambda order: order.rank)
            rows = [astuple(each) for each in orders if locate in (None, each.locate)]
        return table_of(rows, table_dtype(LIVE))

    def restore(self, orders: Table, memory: ItchMemory, /) -> None:
        """Become the books that have these live orders; of books that have read nothing yet."""
        with self._changing():
            if self._sequence or self._ledger.orders or self._refused is not None:
                raise ValidationError("only books that have read nothing yet can be restored")
            check_live(orders)
            check_memory(memory)
            for locate in np.flatnonzero(memory.symbols).tolist():
                self._learn(locate, bytes(memory.symbols[locate]))
            self._sequence, self._offset = memory.sequence, memory.offset
            self._timestamp = memory.timestamp
            live = [Order(*row) for row in np.sort(orders, order="rank").tolist()]
            wanted = [each for each in live if each.locate not in self._skipped]
            self._ledger.restore(wanted, live[-1].rank + 1 if live else 0)

    @property
    def memory(self) -> ItchMemory:
        """What is known of symbols, sequence, offset and time; a copy."""
        memory = ItchMemory()
        with self._alone():
            for locate, symbol in self._ledger.symbols.items():
                memory.symbols[locate] = symbol
            memory.sequence, memory.offset = self._sequence, self._offset
            memory.timestamp = self._timestamp
        return memory

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many messages of each type there were."""
        with self._alone():
            return self._counts.copy()

    @property
    def problems(self) -> tuple[ItchProblem, ...]:
        """Of lenient reading, the first 1,000."""
        with self._alone():
            return self._problems.kept

    @property
    def n_problems(self) -> Mapping[str, int]:
        """By reason, those that occurred."""
        with self._alone():
            return self._problems.counts

    @property
    def n_bytes(self) -> int:
        """Memory of the books and of the table of orders."""
        with self._alone():
            return self._ledger.n_bytes()

    @property
    def ended(self) -> bool:
        """A length of 0 was read as the last of the bytes of a run."""
        with self._alone():
            return self._ended

    def __len__(self) -> int:
        """Live orders."""
        with self._alone():
            return len(self._ledger.orders)

    @contextmanager
    def _changing(self) -> Iterator[Callable[[], None]]:
        """Alone, with Ctrl-C held; what is left half done is refused from then on."""
        with interrupts_held() as answer_interrupts, self._alone():
            try:
                yield answer_interrupts
            except MemoryError:
                self._refused = MemoryError(_FULL)
                raise self._refused from None
            except ItchError as error:
                self._refused = error
                raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            raise ConcurrentUseError("another thread is inside these books; use a lock")
        try:
            if isinstance(self._refused, MemoryError):
                raise self._refused
            yield
        finally:
            self._turn.release()

    def _read(self, data: bytes, until: int | None, answer_interrupts: Callable[[], None]) -> bool:
        """Apply a message, its length before it; false where its time has not come."""
        kind = data[2:3]
        time = int.from_bytes(data[7:13])
        if until is not None and time > until and _LENGTHS.get(kind) == len(data):
            return False
        if found := first_problem(self._offset, data):
            self._problems.note(found)
            return True
        if time < self._timestamp:
            times = {"timestamp": time, "before": self._timestamp}
            self._problems.note(ItchProblem.of(self._offset, kind.decode(), "time_back", **times))
        self._ledger.write_grid(time, self._sequence - 1, answer_interrupts)
        locate = int.from_bytes(data[3:5])
        known = self._ledger.symbols.get(locate, b"")
        if kind in _SYMBOLS:
            self._learn(locate, data[_SYMBOLS[kind]].rstrip(b" ").rstrip(b"\0"))
        if locate not in self._skipped:
            message = Message(kind, data[13:], time, locate, self._sequence, self._offset)
            try:
                self._ledger.apply(message)
            except ItchError:
                self._learn(locate, known)
                raise
        self._timestamp = time
        self._counts[data[2]] += 1
        return True

    def _learn(self, locate: int, symbol: bytes) -> None:
        self._ledger.symbols[locate] = symbol
        if self._wanted is not None and symbol and symbol not in self._wanted:
            self._skipped.add(locate)
        else:
            self._skipped.discard(locate)


def _check_locate(locate: int) -> None:
    if not 0 <= locate < LOCATES:
        raise ValidationError(f"a locate is from 0 to {LOCATES - 1}, got {shown(locate)}")
