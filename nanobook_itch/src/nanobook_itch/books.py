"""The books of a feed as tables: what changes in them, what trades, and auctions and halts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from nanobook_core.contracts.itch import ItchBooks, ItchProblem
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import FAMILIES
from nanobook_core.plugin.registry import default_registry
from nanobook_itch.messages import KEPT, decode_kernel, tells_end
from nanobook_itch.opening import Opening, best_prices
from nanobook_itch.table import Tables, put_together
from nanobook_itch.time_of_day import END_OF_TIME

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table
    from nanobook_itch.run import Runs
    from nanobook_itch.view import ItchBooksView

#: Tables that the books themselves write.
BOOK_TABLES = ("bbo", "trades", "orders", "depth")

#: Tables of messages that can be had beside them.
EVENT_TABLES = tuple(FAMILIES)


class ItchTables(Tables):
    """The tables that were asked for, and the books as they are after the last message read."""

    def __init__(
        self,
        tables: Mapping[str, Table],
        books: ItchBooksView,
        opening: Table,
        problems: tuple[ItchProblem, ...] = (),
        n_problems: Mapping[str, int] | None = None,
        *,
        is_complete: bool | None = None,
        missing: tuple[str, ...] = (),
    ) -> None:
        super().__init__(tables, problems, n_problems, is_complete=is_complete, missing=missing)
        self.books = books
        """Of a chunk, until the next one is asked for."""
        self.opening = opening
        """Beside the table `bbo`, the rows that its symbols had just before its first one.

        Their time is `start`, or of a later chunk that of the message before it. Symbols without a
        row had no orders; at the beginning of a feed there are none.
        """

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the books: they are a kernel's, and no file's or other process's."""
        return {name: value for name, value in vars(self).items() if name != "books"}

    def __getattr__(self, name: str) -> Table:
        if name == "books":
            raise AttributeError("books are not pickled with their tables: ask the feed's at()")
        return super().__getattr__(name)


@frozen(kw_only=True, eq=False)
class BookRequest:
    """What is asked of the books of a feed."""

    symbols: frozenset[bytes] | None
    strict: bool
    tables: frozenset[str] = frozenset()
    depth: int = 1
    grid: NDArray[np.int64] | None = None
    is_grid_whole: bool = False
    """Whether times of the grid after the end of the source are wanted too."""
    start: int = 0
    end: int = END_OF_TIME
    """Reading stops before the first message at or after it."""

    def new_books(self) -> ItchBooks:
        """Return books that have read nothing, of the compiled kernel where there is one."""
        kernel: type[ItchBooks] = default_registry().load("kernel", "itch_books")
        return kernel(
            symbols=self.symbols,
            strict=self.strict,
            tables=self.tables & frozenset(BOOK_TABLES),
            depth=self.depth,
            grid=self.grid,
            start=self.start,
            end=self.end,
        )


class BookPass:
    """Books, and what was wrong with what they have read."""

    def __init__(
        self, books: ItchBooks, request: BookRequest, types: frozenset[str] = frozenset()
    ) -> None:
        """Begin; `types` are those of messages that are wanted beside the tables."""
        self.books = books
        self.problem: ItchProblem | None = None
        """With the end of the source."""
        self.is_complete: bool | None = None
        """As `Tables.is_complete`."""
        self._n_system = 0
        self._request = request
        self._memory = books.memory
        self._types = types | {
            kind for kind, message in MESSAGES.items() if message.family in request.tables
        }
        self._families = frozenset(MESSAGES[kind].family for kind in self._types)
        self._opening = Opening()
        self._is_open = not request.start or "bbo" not in request.tables
        self.opening = self._opening.table
        """As `ItchTables.opening`, of the rows that were taken last."""

    def follow(self, runs: Runs) -> Iterator[memoryview]:
        """Read to before the first message at or after the end; yield what was read of each run.

        Raises:
            ItchError: strict, and something is wrong before that message.

        """
        end = self._request.end
        until = None if end >= END_OF_TIME else end - 1
        for run in runs:
            n = 0
            if not self._is_open:
                runs.use(n := self.books.feed(run, self._request.start - 1))
                if runs.is_stopped or runs.is_last:
                    self._open()
            if runs.is_stopped or not n:
                runs.use(more := self.books.feed(run[n:], until))
                n += more
            is_stopped = runs.is_stopped
            if runs.is_last and not is_stopped:
                memory = self.books.memory
                self.problem = runs.ending(memory.offset, memory.sequence)
                if self.problem is not None and self._request.strict:
                    raise self.problem.error()
            self._look_for_end(run[:n], is_last=runs.is_last and not is_stopped)
            if runs.is_last or is_stopped:
                self._finish(is_stopped=is_stopped)
            yield run[:n]
            if is_stopped:
                return

    def tables(self, read: memoryview) -> dict[str, Table]:
        """Return the rows of what was read, of all tables that were asked for."""
        found = self._in_order(self.books.take() | self._messages(read))
        if "bbo" in found:
            self.opening = self._opening.table
            self._opening.follow(found["bbo"])
            self._opening.pass_by(self.books.memory)
        return found

    def whole(self, runs: Runs) -> dict[str, Table]:
        """Follow all runs, and return all rows.

        Raises:
            ItchError: as of `follow`.

        """
        parts: dict[str, list[Table]] = {}
        for read in self.follow(runs):
            for name, table in self._messages(read).items():
                parts.setdefault(name, []).append(table)
        # The books' own come in one piece.
        messages = {name: put_together(tables) for name, tables in parts.items()}
        self.opening = self._opening.table
        return self._in_order(self.books.take() | messages)

    def _look_for_end(self, read: memoryview, *, is_last: bool) -> None:
        before, self._n_system = self._n_system, int(self.books.counts[ord("S")])
        if self._n_system > before and tells_end(read):
            self.is_complete = True
        elif is_last and not self.is_complete:
            self.is_complete = False

    def _open(self) -> None:
        self._is_open = True
        request = self._request
        self._opening.follow(best_prices(self.books, request.symbols, request.start))

    def _messages(self, read: memoryview) -> dict[str, Table]:
        if not self._types:
            return {}
        found = decode_kernel()(
            read,
            self._memory,
            symbols=self._request.symbols,
            types=self._types,
            start=self._request.start,
            end=self._request.end,
            strict=False,
        )
        # Taken anew, as a length of 0 that ends this run is a message only if others follow.
        self._memory = self.books.memory
        return {name: found.families[name] for name in self._families}

    def _in_order(self, tables: Mapping[str, Table]) -> dict[str, Table]:
        wanted = self._request.tables | self._families
        return {name: tables[name] for name in (*BOOK_TABLES, *FAMILIES) if name in wanted}

    @property
    def problems(self) -> tuple[ItchProblem, ...]:
        """The first 1,000."""
        own = () if self.problem is None else (self.problem,)
        return (*self.books.problems, *own)[:KEPT]

    @property
    def n_problems(self) -> Mapping[str, int]:
        """By reason."""
        counts = Counter(self.books.n_problems)
        if self.problem is not None:
            counts[self.problem.reason] += 1
        return counts

    def _finish(self, *, is_stopped: bool) -> None:
        grid = self._request.grid
        if grid is None or not len(grid):
            return
        if self._request.is_grid_whole or is_stopped:
            self.books.finish(int(grid[-1]))
        else:
            self.books.finish(self.books.memory.timestamp)
