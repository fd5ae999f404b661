"""A batch over many exchanges: its rows are gathered by exchange, run on threads, and put back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nanobook_core.contracts import ApplyResult, Engine
from nanobook_core.errors import ValidationError
from nanobook_core.lob.ops import coerced
from nanobook_core.lob.row import check_row, first_malformed
from nanobook_core.lob.trades import trade_dtype
from nanobook_core.types import check_quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    #: A book, and the numbers of its rows.
    Task = tuple[Engine, NDArray[np.intp]]
    #: The numbers of rows that ran together, and what came of them.
    Piece = tuple[NDArray[np.intp], ApplyResult]

Each = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]

#: Rows that are run, checked and put back at a time: few enough to stay in the cache, and for
#: Ctrl-C to wait for.
_CHUNK = 2**14


def apply(books: Sequence[Engine], ops: object, threads: int | None) -> ApplyResult:
    """Run the rows of each book in their order; the books on several threads.

    Gathering, checking and putting back are part of what the threads do: numpy and the compiled
    engine let them run at the same time.

    Raises:
        TypeError, OverflowError, ValidationError: a row is malformed, its symbol is no index of a
            book, or there is no such number of threads; nothing has run.

    """
    threads = check_quantity(os.cpu_count() or 1 if threads is None else threads, "threads")
    rows = coerced(ops)
    with _threads(min(threads, len(books))) as each:
        _check(rows, len(books), each)
        tasks = zip(books, _gathered(rows, len(books)), strict=True)
        # The longest first, so that no thread ends up alone with it.
        longest_first = sorted(tasks, key=lambda task: -len(task[1]))
        scatter = _Scatter(rows)
        try:
            pieces = each(scatter.run, longest_first)
        except BaseException:
            scatter.is_stopped = True
            raise
        return scatter.result([piece for found in pieces for piece in found], each)


@contextmanager
def _threads(count: int) -> Iterator[Each]:
    """Give a `map` that returns a list, and may run on several threads."""
    if count <= 1:
        yield lambda function, items: [function(item) for item in items]
        return
    with ThreadPoolExecutor(count) as pool:
        yield lambda function, items: list(pool.map(function, items))


def _check(rows: NDArray[np.void], books: int, each: Each) -> None:
    import numpy as np

    if (outside := np.flatnonzero(rows["symbol"] >= books)).size:
        i = int(outside[0])
        got = rows["symbol"][i]
        raise ValidationError(f"row {i}: symbol is an index into {books} symbols(), got {got}")
    starts = range(0, len(rows), _CHUNK)
    found = each(lambda start: first_malformed(rows[start : start + _CHUNK]), starts)
    for start, bad in zip(starts, found, strict=True):
        if bad is not None:
            check_row(rows, start + bad)


def _gathered(rows: NDArray[np.void], books: int) -> list[NDArray[np.intp]]:
    """Return the numbers of the rows of each book, ascending."""
    import numpy as np

    # Of 16 bits, so that the stable sort is a radix sort.
    symbols = rows["symbol"].astype(np.uint16 if books <= 2**16 else np.uint32)
    ends = np.bincount(symbols, minlength=books).cumsum()
    return np.split(symbols.argsort(kind="stable"), ends)[:books]


class _Scatter:
    """The columns of the result, into which each piece of a book's rows is put."""

    def __init__(self, rows: NDArray[np.void]) -> None:
        import numpy as np

        self._rows = rows
        self._columns: dict[str, Any] = {
            **{name: np.empty(len(rows), np.uint8) for name in ("status", "error")},
            **{
                name: np.empty(len(rows), np.int64)
                for name in ("order_id", "filled", "resting", "cancelled")
            },
        }
        self._trade_counts = np.empty(len(rows), np.int64)
        self.is_stopped = False

    def run(self, task: Task) -> list[Piece]:
        """Run the rows of a book, until somebody says stop."""
        book, numbers = task
        pieces = []
        for start in range(0, len(numbers), _CHUNK):
            if self.is_stopped:
                break
            chosen = numbers[start : start + _CHUNK]
            result = book.apply(self._rows.take(chosen))
            for name, column in self._columns.items():
                column[chosen] = getattr(result, name)
            self._trade_counts[chosen] = result.trade_offsets[1:] - result.trade_offsets[:-1]
            pieces.append((chosen, result))
        return pieces

    def result(self, pieces: list[Piece], each: Each) -> ApplyResult:
        """Put the trades in the order of the rows as well."""
        import numpy as np

        offsets = np.zeros(len(self._rows) + 1, np.int64)
        self._trade_counts.cumsum(out=offsets[1:])
        trades = np.empty(offsets[-1], trade_dtype())

        def put_trades(piece: Piece) -> None:
            chosen, result = piece
            moved = offsets[chosen] - result.trade_offsets[:-1]
            places = moved.repeat(self._trade_counts[chosen]) + np.arange(len(result.trades))
            trades[places] = result.trades

        each(put_trades, pieces)
        return ApplyResult(**self._columns, trade_offsets=offsets, trades=trades)
