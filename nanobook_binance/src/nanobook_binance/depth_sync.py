"""A book that is rebuilt from a snapshot and the diffs that follow it, by the venue's rule."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import evolve, frozen

from nanobook_binance.depth_side import DepthSide
from nanobook_binance.recorded_feed import Diff, Level, Snapshot
from nanobook_core.errors import ValidationError

#: Diffs that are kept while there is no snapshot that they could follow: more than 15 minutes of
#: them. A snapshot that is older than the oldest of them is one before a gap.
_KEPT = 10_000


@frozen
class Change:
    """What became another between two updates."""

    timestamp_ns: int
    symbol: str
    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    is_whole: bool
    """Levels that are not in it are gone."""


class DepthSync:
    """A symbol's book: in step with the venue from a snapshot on, until a diff is missing.

    Diffs of updates that the book has had already are dropped; the first that is not must begin no
    later than the update after the snapshot's, and each one no later than after the one before. A
    snapshot while the book is in step is used only where a diff is missing later that it makes up
    for: levels far from the market are not in it.
    """

    def __init__(self, symbol: str, *, strict: bool) -> None:
        self.bids = DepthSide(is_bid=True)
        self.asks = DepthSide(is_bid=False)
        self.n_gaps = 0
        """How often diffs were missing, or made no book."""
        self._symbol = symbol
        self._strict = strict
        self._update_id: int | None = None
        """Of the book; None while it is not in step."""
        self._snapshot: Snapshot | None = None
        """The latest."""
        self._waiting: deque[Diff] = deque(maxlen=_KEPT)

    @property
    def has_begun(self) -> bool:
        """Whether there was a snapshot that the diffs follow, and none is missing since."""
        return self._update_id is not None

    def follow(self, record: Snapshot | Diff) -> Iterator[Change]:
        """Yield what changes, one update after another; the book is then as after that one.

        Where diffs are missing, or the sides meet, strict following raises. Lenient following
        counts, says that all levels are gone, and begins anew at the next snapshot.

        Raises:
            ValidationError: strict, and the book is lost; both update ids are in the message.

        """
        if isinstance(record, Snapshot):
            self._snapshot = record
            if self._update_id is None:
                yield from self._begin(record, record.timestamp_ns)
        elif self._update_id is None:
            self._waiting.append(record)
        elif record.update_id > self._update_id:
            if record.first_update_id <= self._update_id + 1:
                yield from self._changed(record, record.timestamp_ns)
                return
            before, snapshot = self._update_id, self._snapshot
            self._waiting.append(record)
            if snapshot is not None and snapshot.update_id >= record.first_update_id - 1:
                yield from self._begin(snapshot, record.timestamp_ns)
            else:
                yield from self._lost(record, _missing(before, record))

    def _begin(self, snapshot: Snapshot, at: int) -> Iterator[Change]:
        follow = [diff for diff in self._waiting if diff.update_id > snapshot.update_id]
        if follow and follow[0].first_update_id > snapshot.update_id + 1:
            self._gap(f"{_missing(snapshot.update_id, follow[0])}: the snapshot is too old")
            return
        self._waiting.clear()
        self.bids.clear()
        self.asks.clear()
        yield from self._changed(snapshot, at)
        for diff in follow:
            for change in self.follow(diff):
                yield evolve(change, timestamp_ns=max(at, change.timestamp_ns))

    def _changed(self, record: Snapshot | Diff, at: int) -> Iterator[Change]:
        self.bids.update(record.bids)
        self.asks.update(record.asks)
        bid, ask = self.bids.best, self.asks.best
        if bid is not None and ask is not None and bid >= ask:
            yield from self._lost(
                record, f"the bid {bid} meets the ask {ask} after update {record.update_id}"
            )
            return
        self._update_id = record.update_id
        whole = isinstance(record, Snapshot)
        yield Change(at, self._symbol, record.update_id, record.bids, record.asks, whole)

    def _lost(self, record: Snapshot | Diff, how: str) -> Iterator[Change]:
        self._gap(how)
        self._update_id = None
        self.bids.clear()
        self.asks.clear()
        yield Change(record.timestamp_ns, self._symbol, record.update_id, (), (), is_whole=True)

    def _gap(self, how: str) -> None:
        if self._strict:
            raise ValidationError(
                f"{self._symbol}: {how}; the book is lost. Read leniently, it begins anew at the "
                "next snapshot"
            )
        self.n_gaps += 1


def _missing(last: int, diff: Diff) -> str:
    return f"after update {last} comes a diff that begins with {diff.first_update_id}"
