"""What has changed in a book between two moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

Step: TypeAlias = tuple[int, int]
"""Price and quantity, in ticks and steps."""


@frozen
class DepthDiff:
    """Levels that are others than before, with their quantity now; 0 where there is none."""

    first_update_id: int
    last_update_id: int
    bids: tuple[Step, ...]
    """The highest first."""
    asks: tuple[Step, ...]
    """The lowest first."""


class DepthRecorder:
    """Remembers a book, and says what has changed since it was last asked.

    Update ids of consecutive diffs leave no gap: whoever has a snapshot of any moment between
    finds the diff that contains the next id.
    """

    def __init__(self, update_id: int, bids: Mapping[int, int], asks: Mapping[int, int]) -> None:
        self._update_id = update_id
        self._bids = bids
        self._asks = asks

    def diff(
        self, update_id: int, bids: Mapping[int, int], asks: Mapping[int, int]
    ) -> DepthDiff | None:
        """Return what is different in the book as it is now; None if nothing is.

        Where updates cancelled out nothing is said of them, and the next diff covers their ids.
        O(levels).
        """
        changed_bids = _changed(self._bids, bids)
        changed_asks = _changed(self._asks, asks)
        if not changed_bids and not changed_asks:
            return None
        found = DepthDiff(
            self._update_id + 1,
            update_id,
            tuple(sorted(changed_bids, reverse=True)),
            tuple(sorted(changed_asks)),
        )
        self._update_id, self._bids, self._asks = update_id, bids, asks
        return found


def _changed(before: Mapping[int, int], now: Mapping[int, int]) -> list[Step]:
    changed = list(now.items() - before.items())
    changed += [(price, 0) for price in before.keys() - now.keys()]
    return changed
