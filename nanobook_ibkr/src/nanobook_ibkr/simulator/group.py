"""One-cancels-all groups."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.broker.exact import total
from nanobook_ibkr.simulator.record import ZERO
from nanobook_ibkr.simulator.working import Working

#: Types whose fills in part reduce the others; with type 1, or none, the first fill cancels them.
_REDUCING = (2, 3)


class Groups:
    """Live orders of each group, in the order in which they were sent."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, str], list[Working]] = {}

    def __bool__(self) -> bool:
        return bool(self._members)

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
