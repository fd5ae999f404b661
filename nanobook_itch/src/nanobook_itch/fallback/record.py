"""The tables that the books of a feed write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nanobook_core.contracts.itch_table import BBO, ORDERS, TRADES, depth_columns
from nanobook_core.errors import ValidationError, shown
from nanobook_itch.fallback.book import NONE, Book, Level
from nanobook_itch.layout import SIDES, table_dtype, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nanobook_itch.layout import Table


class Record:
    """Rows of the tables that are asked for, from `start` to before `end`."""

    def __init__(
        self,
        tables: frozenset[str],
        depth: int,
        grid: NDArray[np.int64] | None,
        start: int,
        end: int,
    ) -> None:
        columns = {"bbo": BBO, "trades": TRADES, "orders": ORDERS, "depth": depth_columns(depth)}
        if unknown := tables - columns.keys():
            told = "tables are 'bbo', 'trades', 'orders' and 'depth'"
            raise ValidationError(f"{told}, got {shown(min(unknown))}")
        self._dtypes = {name: table_dtype(columns[name]) for name in columns if name in tables}
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in self._dtypes}
        self._depth = depth
        self._follows_depth = grid is None and "depth" in tables
        times = [] if grid is None or "depth" not in tables else [int(time) for time in grid]
        self._grid = [time for time in reversed(times) if start <= time < end]
        """Times that are still to come, the next last."""
        self._start, self._end = start, end

    def take(self) -> dict[str, Table]:
        """Return the rows since they were last taken."""
        taken = {name: table_of(self._rows[name], dtype) for name, dtype in self._dtypes.items()}
        self._rows = {name: [] for name in self._dtypes}
        return taken

    def add(self, table: str, sequence: int, time: int, *row: Any) -> None:
        """Write a row, where its table is asked for and its time too."""
        if table in self._rows and self._start <= time < self._end:
            self._rows[table].append((sequence, time, *row))

    def meet(self, book: Book) -> None:
        """Take a book as it is for what has been told."""
        book.told = book.best()
        book.told_depth = self._levels(book)

    def follow(self, book: Book, sequence: int, time: int, symbol: bytes, locate: int) -> None:
        """Write what a message has changed at the top of a book."""
        best = book.best()
        if best != book.told:
            book.told = best
            (bid, bid_shares, bid_count), (ask, ask_shares, ask_count) = best
            columns = bid, bid_shares, ask, ask_shares, bid_count, ask_count
            self.add("bbo", sequence, time, *columns, symbol, locate)
        if self._follows_depth:
            depth = self._levels(book)
            if depth != book.told_depth:
                book.told_depth = depth
                self.add("depth", sequence, time, *self._columns(depth), symbol, locate)

    def times(self, before: int) -> Iterable[int]:
        """Yield the times of the grid before that one, each once."""
        while self._grid and self._grid[-1] < before:
            yield self._grid.pop()

    def see(self, book: Book, sequence: int, time: int, symbol: bytes, locate: int) -> None:
        """Write how a book is at a time of the grid."""
        depth = self._levels(book)
        self.add("depth", sequence, time, *self._columns(depth), symbol, locate)

    def _levels(self, book: Book) -> tuple[tuple[Level, ...], ...]:
        return tuple(book.levels(side, self._depth) for side in SIDES)

    def _columns(self, depth: Iterable[tuple[Any, ...]]) -> list[tuple[int, ...]]:
        """Return prices and shares of the bids and of the asks, then the counts of both."""
        bids, asks = (
            tuple(zip(*levels, *[NONE] * (self._depth - len(levels)), strict=True))
            for levels in depth
        )
        return [*bids[:2], *asks[:2], bids[2], asks[2]]
