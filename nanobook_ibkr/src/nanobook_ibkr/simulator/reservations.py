"""What open orders take of an account's margin and holdings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

from attrs import frozen

from nanobook_core.broker.exact import EXACT, product, total
from nanobook_core.types import Side
from nanobook_ibkr.simulator.record import ZERO
from nanobook_ibkr.simulator.working import Working

_Place: TypeAlias = tuple[str, int, Side]


@frozen
class Resting:
    """Orders of one account that rest on one side of a contract: sizes, and these by limits."""

    quantity: Decimal = ZERO
    money: Decimal = ZERO
    """In the contract's currency."""

    def less(self, other: Resting) -> Resting:
        """Both without those of another."""
        return Resting(
            EXACT.subtract(self.quantity, other.quantity), EXACT.subtract(self.money, other.money)
        )


_NONE = Resting()


class Reservations:
    """The live orders whose margin has been looked at, by account.

    Those that rest trade at their limits, so sums of them are kept. Those whose price follows the
    market, and those of one-cancels-all groups, of which only the largest counts, are `loose`.
    """

    def __init__(self) -> None:
        self._sums: dict[_Place, Resting] = {}
        self._parts: dict[int, tuple[_Place, Resting]] = {}
        self._loose: defaultdict[str, dict[int, Working]] = defaultdict(dict)

    def update(self, working: Working) -> None:
        """Count an order as it is now; to be called whenever size, limit or place are others."""
        perm_id, account = working.order.perm_id, working.order.account
        if perm_id in self._parts:
            place, part = self._parts.pop(perm_id)
            self._sums[place] = self._sums[place].less(part)
        self._loose[account].pop(perm_id, None)
        if working.order.is_done or not working.is_cleared:
            return
        limit = working.limit
        if working.book_id is None or limit is None or working.group is not None:
            self._loose[account][perm_id] = working
            return
        left, rules = working.remaining, working.market.rules
        part = Resting(left, product(left, limit, rules.multiplier))
        place = (account, working.market.definition.con_id, working.side)
        there = self._sums.get(place, _NONE)
        self._sums[place] = Resting(
            total(there.quantity, part.quantity), total(there.money, part.money)
        )
        self._parts[perm_id] = place, part

    def contracts(self, account: str) -> list[int]:
        """Contract ids in which orders of an account have rested."""
        return [con_id for name, con_id, _ in self._sums if name == account]

    def resting(self, account: str, con_id: int, side: Side, without: int | None) -> Resting:
        """What rests there, but for the order of that perm id."""
        place = (account, con_id, side)
        there = self._sums.get(place, _NONE)
        if without in self._parts and self._parts[without][0] == place:
            return there.less(self._parts[without][1])
        return there

    def loose(self, account: str, without: int | None) -> Iterable[Working]:
        """The account's others, but for the order of that perm id."""
        return [each for perm_id, each in self._loose[account].items() if perm_id != without]
