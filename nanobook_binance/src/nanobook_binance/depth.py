"""The books of a recorded market, at every update."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from attrs import frozen

from nanobook_binance.depth_sync import Change, DepthSync
from nanobook_binance.recorded_feed import Diff, Level, Snapshot, read_feed
from nanobook_core.errors import ValidationError
from nanobook_core.types import check_quantity


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
    there, and goes on at the next snapshot; a line that is damaged, as the last of a recording that
    was cut off, raises in both, after all books before it.

    Raises:
        OSError: the file cannot be read.
        ValidationError: a line is no message of such a market, diffs are missing (strict), both
            update ids being named, the sides meet (strict), or no book could be made.

    """
    if levels is not None:
        check_quantity(levels, "levels")
    return _books(Path(path), levels, strict=strict)


def _books(path: Path, levels: int | None, *, strict: bool) -> Iterator[DepthBook]:
    for change, book in changes(path, strict=strict):
        yield DepthBook(
            change.timestamp_ns,
            change.symbol,
            change.update_id,
            book.bids.levels(levels),
            book.asks.levels(levels),
        )


def changes(path: Path, *, strict: bool) -> Iterator[tuple[Change, DepthSync]]:
    """Yield each change of a book with that book, which is as after it.

    Raises:
        OSError, ValidationError: as `read_binance_depth`.

    """
    books: dict[str, DepthSync] = {}
    has_begun = False
    for record in read_feed(path):
        if isinstance(record, Snapshot | Diff):
            book = books.get(record.symbol)
            if book is None:
                book = books[record.symbol] = DepthSync(record.symbol, strict=strict)
            try:
                for change in book.follow(record):
                    has_begun = True
                    yield change, book
            except ValidationError as error:
                raise ValidationError(f"{path}: {error}") from None
    late = [symbol for symbol, book in books.items() if not book.has_begun]
    if not has_begun or (strict and late):
        raise ValidationError(
            f"{path} has no snapshot that the diffs of {' and '.join(late) or 'any symbol'} follow"
        )
