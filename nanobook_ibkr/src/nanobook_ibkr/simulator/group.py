"""One-cancels-all groups."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.broker.exact import total
from nanobook_core.types import Side
from nanobook_ibkr.simulator.market import Market
from nanobook_ibkr.simulator.record import ZERO
from nanobook_ibkr.simulator.working import Working

#: Types whose fills in part reduce the others; with type 1, or none, the first fill cancels them.
_REDUCING = (2, 3)


class Groups:
    """Live orders of each group, in the order in which they were sent."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, str], list[Working]] = {}
        self._filled: set[tuple[str, str]] = set()

    def rest_in(self, market: Market, side: Side) -> bool:
        """Whether an order of a group rests on that side of a book."""
        return any(
            each.book_id is not None and each.market is market and each.side is side
            for members in self._members.values()
            for each in members
        )

    def fill(self, working: Working) -> None:
        """An order has filled whole: its group is done."""
        if working.group is not None:
            self._filled.add(working.group)

    def is_filled(self, working: Working) -> bool:
        """Whether an order of its group has filled whole today."""
        return working.group in self._filled

    def end_day(self) -> None:
        """Forget which have filled."""
        self._filled.clear()

    def join(self, working: Working) -> None:
        """Take an order in, if it is of a group."""
        if working.group is not None:
            self._members.setdefault(working.group, []).append(working)

    def leave(self, working: Working) -> None:
        """Take an order out, if it is in one."""
        if working.group is None:
            return
        members = self._members.get(working.group, [])
        if working in members:
            members.remove(working)
            if not members:
                del self._members[working.group]

    def others(self, working: Working) -> list[Working]:
        """The other live orders of its group."""
        if working.group is None:
            return []
        return [each for each in self._members.get(working.group, []) if each is not working]


def left_of(other: Working, working: Working, quantity: Decimal) -> Decimal:
    """Return what stays open of an order after one of its group has filled so much.

    Where fills reduce, it is the same share as of that one, cut to whole lots.
    """
    left = working.remaining
    if working.order.form.oca_type not in _REDUCING:
        return ZERO
    lots = working.market.rules.to_lots
    rules = other.market.rules
    share = rules.to_lots(other.remaining) * lots(left) // lots(total(left, quantity))
    return rules.from_lots(share)
