"""A day of NASDAQ TotalView-ITCH 5.0: its messages, its books, its orders."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from nanobook_core.errors import ItchWarning, ValidationError
from nanobook_itch.argument import (
    level_count,
    symbol_filter,
    table_filter,
    time_grid,
    type_filter,
    whole,
    window,
)
from nanobook_itch.books import BookPass, BookRequest, ItchTables
from nanobook_itch.checkpoint import Checkpoint
from nanobook_itch.info import ItchInfo, info_of
from nanobook_itch.lifecycle import lifecycles_of
from nanobook_itch.messages import ItchMessages, Part, decoded, joined
from nanobook_itch.naming import missing_symbols
from nanobook_itch.run import RUN, reading
from nanobook_itch.source import Source
from nanobook_itch.time_of_day import END_OF_TIME, TimeOfDay, nanoseconds
from nanobook_itch.view import ItchBooksView

if TYPE_CHECKING:
    from nanobook_core.contracts.itch import ItchBooks
    from nanobook_itch.layout import Table
    from nanobook_itch.run import Runs

#: In bytes, of what is read for one chunk.
CHUNK = 4 << 20
_PIECE = 256 << 20


class ItchFeed:
    """A feed to read.

    `source` is a path, `"-"` for standard input, a binary file object, a pipe or bytes, packed by
    gzip or not; what is no file on disk may be readable only once. `symbols` are all that is kept;
    None means all. Strict, the first thing that is wrong with the feed raises `ItchError`; else
    reading goes on as `nanobook_core.contracts.itch.PROBLEMS` says, and every result has what was
    wrong in `problems` and `n_problems`; only `lifecycles`, an array, warns. Nothing wrong is
    looked for after the `end` that is asked for. On a terminal long readings draw a bar unless
    `progress` is False. `checkpoint` is the file that the method of that name has written, if it is
    not beside the source.

    Times are `"09:30"`, `"09:30:00.5"`, a `datetime.time` or a whole number, which is nanoseconds
    since midnight and never seconds; lengths of time, as `every`, are `"5m"`, `"00:05"` or
    nanoseconds.

    A feed keeps nothing of what it has read. Threads may share one whose source is a path or bytes.

    Raises:
        FileNotFoundError: there is no such file.
        IsADirectoryError: it is a directory.
        TypeError: it is no source, or symbols are not str.
        ValidationError: a symbol is not 1 to 8 characters of ASCII, or there are none.

    """

    def __init__(
        self,
        source: Any,
        *,
        symbols: str | Iterable[str] | None = None,
        strict: bool = True,
        progress: bool = True,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        self._source = Source(source)
        self._checkpoint = None
        if self._source.path is not None:
            self._checkpoint = Checkpoint.of(self._source.path, checkpoint)
        self._symbols = symbol_filter(symbols)
        self._strict = bool(strict)
        self._progress = bool(progress)

    @property
    def name(self) -> str:
        """Of the source, for messages."""
        return self._source.name

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """Those that were asked for, ascending; None for all."""
        if self._symbols is None:
            return None
        return tuple(sorted(symbol.decode() for symbol in self._symbols))

    @property
    def strict(self) -> bool:
        """Whether the first thing that is wrong raises."""
        return self._strict

    def info(self) -> ItchInfo:
        """Return what is in the feed: counts, symbols, hours, whether it is whole.

        Raises:
            ItchError: strict, and something is wrong; or the source has no message.

        """
        return info_of(self.name, self._decoded(None, None, None, RUN))

    def messages(
        self,
        types: str | Iterable[str] | None = None,
        start: TimeOfDay | None = None,
        end: TimeOfDay | None = None,
    ) -> ItchMessages:
        """Return the messages of these types from `start` to before `end`; all, by default.

        Raises:
            ItchError: strict, and something is wrong; or the source has no message.
            ValidationError: ITCH 5.0 has no such type, or the end is before the start.

        """
        # In one piece, where it is not large: pieces would have to be put together.
        n_bytes = min(max(CHUNK, self._source.size or 0), _PIECE)
        return joined(self._decoded(types, start, end, n_bytes))

    def chunks(
        self,
        types: str | Iterable[str] | None = None,
        start: TimeOfDay | None = None,
        end: TimeOfDay | None = None,
        *,
        n_bytes: int = CHUNK,
    ) -> Iterator[ItchMessages]:
        """Yield the same messages in chunks, each of about so many unpacked bytes of the feed.

        Only one is in memory. Rows of an index count from 0 in its chunk, `sequence` goes on.
        Problems are those of the chunk; strict, all chunks before the problem are handed out.

        Raises:
            ItchError, ValidationError: as of `messages`.

        """
        size = whole(n_bytes, "n_bytes", 1, 2**40)
        parts = self._decoded(types, start, end, size)
        return (part.messages() for part in parts)

    def books(
        self,
        tables: str | Iterable[str] = ("bbo", "trades"),
        *,
        depth: int = 10,
        every: TimeOfDay | None = None,
        grid: Iterable[TimeOfDay] | None = None,
        start: TimeOfDay | None = None,
        end: TimeOfDay | None = None,
    ) -> ItchTables:
        """Return tables of what happens to all books, and the books as they are at the end.

        `tables` are of `bbo`, `trades`, `orders`, `depth` and of the families of messages beside
        them: `status` (halts), `imbalance`, `collar`, `ipo` and others.
        Rows are from `start` to before `end`; the books follow all messages before `end`. `depth`
        has the best so many levels, a row for each change of them; or, with `every` or with the
        ascending times of a `grid`, one for each time and symbol: as it was after all messages up
        to and at that time. `every` begins at its first multiple at or after `start` and goes on
        while the feed does.

        Raises:
            ItchError: strict, and something is wrong; or the source has no message.
            ValidationError: there is no such table, `depth` is not 1 to 1000, `every` and `grid`
                are both given, or without the table `depth`; the end is before the start.

        """
        request = self._book_request(
            tables=tables, depth=depth, every=every, grid=grid, start=start, end=end
        )
        with self._pass(request, self._before(request)) as (books, runs):
            return self._tables(books, books.whole(runs))

    def book_chunks(
        self,
        tables: str | Iterable[str] = ("bbo", "trades"),
        *,
        depth: int = 10,
        every: TimeOfDay | None = None,
        grid: Iterable[TimeOfDay] | None = None,
        start: TimeOfDay | None = None,
        end: TimeOfDay | None = None,
        n_bytes: int = CHUNK,
    ) -> Iterator[ItchTables]:
        """Yield the same tables in chunks, each from about so many unpacked bytes of the feed.

        Only one is in memory, with the books; it has all times of a grid that lie between two of
        its messages, and the last one those after the feed. `problems` are those up to and in the
        chunk.

        Raises:
            ItchError, ValidationError: as of `books`.

        """
        size = whole(n_bytes, "n_bytes", 1, 2**40)
        request = self._book_request(
            tables=tables, depth=depth, every=every, grid=grid, start=start, end=end
        )
        return self._book_chunks(request, size)

    def at(self, time: TimeOfDay) -> ItchBooksView:
        """Return all books as they are after all messages up to and at a time.

        Where the source ends before that time and has not told its end, `is_complete` is False.
        With a `checkpoint` it begins at the last of its times before that.

        Raises:
            ItchError: strict, and something is wrong before that; or the source has no message.
            TypeError, ValidationError: it is no time of day.

        """
        moment = nanoseconds(time)
        request = BookRequest(symbols=self._symbols, strict=self._strict, end=moment + 1)
        begun = None if self._checkpoint is None else self._checkpoint.restored(request, moment)
        with self._pass(request, begun) as (books, runs):
            for _ in books.follow(runs):
                pass
        return self._view(books, moment)

    def checkpoint(
        self, every: TimeOfDay = "00:05", path: str | os.PathLike[str] | None = None
    ) -> Path:
        """Read the feed once, keep all its books at each multiple of `every`; return the file.

        It is `day.itch.books` of `day.itch`, or what the feed was made with, or `path`. Where it is
        there, `at` reads only what follows the nearest of these times, and so do `books` and
        `book_chunks` with a `start`, where that gives the same: strict, of the same symbols,
        without a grid. One of all symbols serves `at` of any, if nothing was wrong with the feed;
        after the first thing that is wrong, or after the feed's end, nothing is kept.
        It is known by the size, the time and both ends of the feed. Where it is of another, of
        other symbols, of lenient reading and not of strict, or damaged, there is an `ItchWarning`,
        and the feed is read from its beginning.

        What has its name is replaced; after an exception it is as it was.

        Raises:
            ItchError: strict, and something is wrong; or the source has no message.
            TypeError, ValidationError: `every` is no time; the feed is no file on disk, has changed
                while it was read, or would be replaced.

        """
        if self._checkpoint is None:
            raise ValidationError(f"a checkpoint is of a file on disk, and {self.name} is none")
        kept = self._checkpoint if path is None else evolve(self._checkpoint, path=Path(path))
        times, _ = time_grid(every, None, 0, END_OF_TIME)
        request = BookRequest(symbols=self._symbols, strict=self._strict)
        with reading(self._source, progress=self._progress) as runs:
            kept.write(request, runs, () if times is None else times.tolist())
        return kept.path

    def lifecycles(self, start: TimeOfDay | None = None, end: TimeOfDay | None = None) -> Table:
        """Return what became by `end` of each order that was entered from `start` on.

        One row an order, by entry: `sequence`, `symbol`, `locate`, `side`, `price`, `shares` as
        entered, `ahead` (shares before it at its price then), `entered` and `ended` (0 while live),
        `executed`, `cancelled` and `remaining` shares, `outcome` (`executed`, `deleted`,
        `replaced`, `live`; lenient, `duplicate`), `reference`, `replaced_by`, `root` (the first of
        its chain of replaces) and `mpid`. `nanobook.table_frame` makes a frame of it.

        It is an array, which does not say how the feed was: of a feed that is not whole it warns.

        All order messages are in memory while it is made, about 220 bytes each: of a whole day name
        `symbols`.

        Raises:
            ItchError, ValidationError: as of `books`.

        Warns:
            ItchWarning: lenient, and something was wrong; or the source ended without its end.

        """
        request = self._book_request(tables="orders", start=start, end=end)
        books = BookPass(request.new_books(), request, types=frozenset("F"))
        with reading(self._source, progress=self._progress) as runs:
            tables = books.whole(runs)
        told = [f"{n:,} {reason}" for reason, n in sorted(books.n_problems.items())]
        told += ["the end of the day is missing"] * (books.is_complete is False)
        if told:
            warnings.warn(f"{self.name}: {'; '.join(told)}", ItchWarning, stacklevel=2)
        return lifecycles_of(tables["orders"], tables["order"])

    def __repr__(self) -> str:
        symbols = "" if self.symbols is None else f", symbols={list(self.symbols)}"
        strict = "" if self._strict else ", strict=False"
        return f"ItchFeed({self.name!r}{symbols}{strict})"

    def _decoded(
        self,
        types: str | Iterable[str] | None,
        start: TimeOfDay | None,
        end: TimeOfDay | None,
        n_bytes: int,
    ) -> Iterator[Part]:
        wanted = type_filter(types)
        first, last = window(start, end)

        def parts() -> Iterator[Part]:
            with reading(self._source, n_bytes, progress=self._progress) as runs:
                yield from decoded(
                    runs,
                    symbols=self._symbols,
                    types=wanted,
                    start=first,
                    end=last,
                    strict=self._strict,
                )

        return parts()

    def _book_request(
        self,
        *,
        tables: str | Iterable[str],
        start: TimeOfDay | None,
        end: TimeOfDay | None,
        depth: int = 1,
        every: TimeOfDay | None = None,
        grid: Iterable[TimeOfDay] | None = None,
    ) -> BookRequest:
        first, last = window(start, end)
        times, is_whole = time_grid(every, grid, first, last)
        names = table_filter(tables)
        if times is not None and "depth" not in names:
            raise ValidationError('every and grid are of the table "depth", which is not asked for')
        return BookRequest(
            symbols=self._symbols,
            strict=self._strict,
            tables=names,
            depth=level_count(depth),
            grid=times,
            is_grid_whole=is_whole,
            start=first,
            end=last,
        )

    def _book_chunks(self, request: BookRequest, n_bytes: int) -> Iterator[ItchTables]:
        with self._pass(request, self._before(request), n_bytes) as (books, runs):
            for read in books.follow(runs):
                yield self._tables(books, books.tables(read))

    def _before(self, request: BookRequest) -> ItchBooks | None:
        """Books from before the start, where what is to be seen from then on is the same.

        Lenient, problems from the beginning are counted; and a grid has a row of each symbol that
        has had an order, which is not kept.
        """
        is_same = request.strict and request.grid is None and request.start > 0
        if self._checkpoint is None or not is_same:
            return None
        return self._checkpoint.restored(request, request.start - 1, is_of_same=True)

    @contextmanager
    def _pass(
        self, request: BookRequest, begun: ItchBooks | None, n_bytes: int = RUN
    ) -> Iterator[tuple[BookPass, Runs]]:
        books = request.new_books() if begun is None else begun
        at = books.memory.offset
        with reading(self._source, n_bytes, at=at, progress=self._progress) as runs:
            yield BookPass(books, request), runs

    def _tables(self, books: BookPass, tables: Mapping[str, Table]) -> ItchTables:
        return ItchTables(
            tables,
            self._view(books),
            books.opening,
            books.problems,
            books.n_problems,
            is_complete=books.is_complete,
            missing=missing_symbols(books.books.memory, self._symbols),
        )

    def _view(self, books: BookPass, time: int | None = None) -> ItchBooksView:
        return ItchBooksView(
            books.books,
            self._symbols,
            time,
            books.problems,
            books.n_problems,
            is_complete=books.is_complete,
        )
