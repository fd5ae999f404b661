"""The books of a recorded market, at every update."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from attrs import frozen

from nanobook_binance.depth_sync import Change, DepthSync
from nanobook_binance.recorded_feed import Diff, Level, Snapshot, read_feed
from nanobook_core.errors import ValidationError
from nanobook_core.types import check_quantity


class RecordingWarning(UserWarning):
    """Lenient reading of a recorded market has left something out."""


@frozen
class DepthBook:
    """A book of levels, as it was after an update."""

    timestamp_ns: int
    """When the message that completed it was received."""
    symbol: str
    update_id: int
    bids: tuple[Level, ...]
    """(price, size), best first."""
    asks: tuple[Level, ...]


def read_binance_depth(
    path: str | PathLike[str], *, levels: int | None = 10, strict: bool = True
) -> Iterator[DepthBook]:
    """Yield the book after a snapshot of a recorded market, and after each diff that follows it.

    The file is one of lines as the simulated venue plays them, packed if its name ends in `.gz`:
    the time of receipt in nanoseconds, a space, and a message of a combined stream or the answer to
    `GET /api/v3/depth`. Diffs that came before the snapshot are applied to it where they are newer.
    `levels` is how many a side has at most, None for all; prices and sizes are exact.

    Where diffs are missing, strict reading raises. Lenient reading yields a book without levels
    there, and goes on at the next snapshot: until then nothing can be rebuilt. If the end of the
    file is missing, it yields the books up to there. At the end it warns of what was left out: how
    often a book was lost, how many diffs came while there was none, and whether the file was cut.

    Raises:
        OSError: the file cannot be read.
        ValidationError: a line is no message of such a market, diffs are missing (strict), both
            update ids being named, the sides meet (strict), the end of the file is missing
            (strict), or no book could be made.

    Warns:
        RecordingWarning: lenient, and something was left out.

    """
    if levels is not None:
        check_quantity(levels, "levels")
    return _books(Path(path), levels, strict=strict)


def _books(path: Path, levels: int | None, *, strict: bool) -> Iterator[DepthBook]:
    books: dict[str, DepthSync] = {}
    for change in changes(path, books, strict=strict):
        book = books[change.symbol]
        yield DepthBook(
            change.timestamp_ns,
            change.symbol,
            change.update_id,
            book.bids.levels(levels),
            book.asks.levels(levels),
        )


def changes(path: Path, books: dict[str, DepthSync], *, strict: bool) -> Iterator[Change]:
    """Yield each change of a book; `books`, empty at first, gets them, as they are after it.

    Raises:
        OSError, ValidationError: as `read_binance_depth`.

    Warns:
        RecordingWarning: as `read_binance_depth`, to the caller of the caller.

    """
    bookless: Counter[str] = Counter()
    left_out: list[str] = []
    has_begun = False
    for record in read_feed(path, on_cut=None if strict else left_out.append):
        if isinstance(record, Snapshot | Diff):
            book = books.get(record.symbol)
            if book is None:
                book = books[record.symbol] = DepthSync(record.symbol, strict=strict)
            try:
                for change in book.follow(record):
                    has_begun = True
                    yield change
            except ValidationError as error:
                raise ValidationError(f"{path}: {error}") from None
            if not book.has_begun:
                bookless[record.symbol] += isinstance(record, Diff)
            elif not book.n_gaps:
                bookless[record.symbol] = 0  # those that waited for the first snapshot
    late = [symbol for symbol, book in books.items() if not book.has_begun]
    if not has_begun or (strict and late):
        cut = "".join(f"; {told}" for told in left_out)
        raise ValidationError(
            f"{path} has no snapshot that the diffs of {' and '.join(late) or 'any symbol'} follow"
            f"{cut}"
        )
    left_out += [
        f"{symbol} has {book.n_gaps:,} gaps and {bookless[symbol]:,} diffs without a book, "
        "which begins only at a snapshot"
        for symbol, book in books.items()
        if book.n_gaps or bookless[symbol]
    ]
    if left_out:
        warnings.warn(f"{path}: {'; '.join(left_out)}", RecordingWarning, stacklevel=3)
