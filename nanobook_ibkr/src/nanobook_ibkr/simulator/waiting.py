"""Orders that wait outside the books, for a price or for somebody to trade with."""

from __future__ import annotations

from collections import defaultdict

from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.market import Market
from nanobook_ibkr.simulator.working import Working


class Waiting:
    """Stops by contract, and market orders that found nobody, each in the order in which they came.

    An order that is served in part keeps its turn.
    """

    def __init__(self) -> None:
        self._stops: defaultdict[int, list[Working]] = defaultdict(list)
        self._unmet: list[Working] = []

    def add(self, working: Working) -> None:
        """Let an order wait, a stop for its price and a market order for the other side."""
        orders = self._stops[working.market.definition.con_id] if working.is_stop else self._unmet
        if working not in orders:
            orders.append(working)

    def remove(self, working: Working) -> None:
        """Let an order wait no longer, if it does."""
        for orders in (self._stops[working.market.definition.con_id], self._unmet):
            if working in orders:
                orders.remove(working)

    def elect(self, market: Market) -> list[Working]:
        """Let trailing stops follow the last price, and return those that it sets off.

        And those whose margin nobody could look at while there was no price.
        """
        stops, last = self._stops[market.definition.con_id], market.tape.last
        if last is None:
            return []
        elected = []
        for working in stops:
            trigger.follow(working, last)
            if trigger.is_touched(working, last):
                working.is_elected = True
                elected.append(working)
        unknown = [each for each in stops if not each.is_cleared and not each.is_elected]
        for working in elected:
            stops.remove(working)
        return elected + unknown

    def unmet(self, market: Market) -> list[Working]:
        """Market orders of a contract that wait."""
        return [each for each in self._unmet if each.market is market]

    def servable(self) -> list[Working]:
        """Market orders for which there is somebody now."""
        return [
            each
            for each in self._unmet
            if not each.market.halted and each.market.best(each.side.opposite) is not None
        ]
