"""What has changed in a book between two moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

from attrs import frozen

Level: TypeAlias = tuple[Decimal, Decimal]
"""Price and quantity."""

_ZERO = Decimal(0)


@frozen
class DepthDiff:
    """Levels that are others than before, with their quantity now; 0 where there is none."""

    first_update_id: int
    last_update_id: int
    bids: tuple[Level, ...]
    """The highest first."""
    asks: tuple[Level, ...]
    """The lowest first."""


class DepthRecorder:
    """Remembers a book, and says what has changed since it was last asked.

    Update ids of consecutive diffs leave no gap: whoever has a snapshot of any moment between
    finds the diff that contains the next id.
    """

    def __init__(self, update_id: int, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        self._update_id = update_id
        self._bids = dict(bids)
        self._asks = dict(asks)

    def diff(
        self, update_id: int, bids: Iterable[Level], asks: Iterable[Level]
    ) -> DepthDiff | None:
        """Return what is different in the book as it is now; None if nothing is.

        Where updates cancelled out nothing is said of them, and the next diff covers their ids.
        O(levels).
        """
        bids_now, asks_now = dict(bids), dict(asks)
        changed_bids = _changed(self._bids, bids_now)
        changed_asks = _changed(self._asks, asks_now)
        if not changed_bids and not changed_asks:
            return None
        found = DepthDiff(
            self._update_id + 1,
            update_id,
            tuple(sorted(changed_bids, reverse=True)),
            tuple(sorted(changed_asks)),
        )
        self._update_id, self._bids, self._asks = update_id, bids_now, asks_now
        return found


def _changed(before: Mapping[Decimal, Decimal], now: Mapping[Decimal, Decimal]) -> list[Level]:
    changed = [(price, size) for price, size in now.items() if before.get(price) != size]
    changed += [(price, _ZERO) for price in before if price not in now]
    return changed
