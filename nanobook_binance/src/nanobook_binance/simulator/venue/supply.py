"""The liquidity source: what it offers, and what others trade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.floor import Floor
from nanobook_binance.simulator.venue.market import HOUSE, Market
from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.side import other
from nanobook_binance.simulator.venue.word import StpMode, SymbolStatus
from nanobook_core.broker.exact import EXACT

#: What is offered, by side and price; 0 is nothing.
Levels = Mapping[tuple[str, Decimal], Decimal]


class Supply:
    """Acts for the liquidity source, which has as much of everything as it wants."""

    def __init__(self, *, clearing: Clearing, floor: Floor) -> None:
        self._clearing = clearing
        self._floor = floor

    @staticmethod
    def act(market: Market, deed: Callable[[], None]) -> None:
        """Do something now, or once the symbol trades again."""
        if market.rules.status is SymbolStatus.TRADING:
            deed()
        else:
            market.postponed.append(deed)

    @staticmethod
    def resume(market: Market) -> None:
        """Do what was postponed, in its order."""
        deeds, market.postponed = market.postponed, []
        for deed in deeds:
            deed()

    def replace(self, market: Market, levels: Levels, last: Decimal | None) -> None:
        """Offer exactly this; without a last price that one goes with the best of it."""
        gone = {posted: ZERO for posted in market.posted() if posted not in levels}
        self.follow(market, {**gone, **levels})
        if last is None:
            last = _moved(market.tape.last, levels)
        if last is not None and last != market.tape.last:
            market.tape.last = last
            self._floor.moved(market, last)

    def follow(self, market: Market, levels: Levels) -> None:
        """Offer exactly so much at these prices; the other offers stay.

        It makes room first, so that it does not meet itself.
        """
        for (side, price), quantity in levels.items():
            market.lower(side, price, quantity)
        for (side, price), quantity in levels.items():
            if quantity > market.offer(side, price):
                market.lower(side, price, ZERO)
                self._post(market, side, price, quantity)

    def print(self, market: Market, price: Decimal, quantity: Decimal, side: str) -> None:
        """Let others trade; `side` is the taker's.

        It fills the clients' orders that it would have met: all with a better price, and at its own
        price those that are behind all that the source offers there.
        """
        left, taker = quantity, next(market.house_order_ids)
        behind = market.offer(other(side), price)
        for working in self._floor.resting(market, other(side), price):
            is_there = working.order.price == price
            take = min(EXACT.subtract(left, behind) if is_there else left, working.order.remaining)
            if take > 0:
                self._floor.fill(working, take, taker)
                left = EXACT.subtract(left, take)
        if left:
            self._clearing.printed_elsewhere(market, price, left, side, taker)
            self._floor.moved(market, price)

    def _post(self, market: Market, side: str, price: Decimal, quantity: Decimal) -> None:
        """Trade with the clients that it meets, and offer what is left."""
        left, taker = quantity, next(market.house_order_ids)
        for match in market.match(side, quantity, price, owner=HOUSE, mode=StpMode.EXPIRE_MAKER):
            left = EXACT.subtract(left, match.quantity)
            self._floor.matched(market, match, side, taker)
        if left:
            market.post(side, price, left)


def _moved(last: Decimal | None, levels: Levels) -> Decimal | None:
    """Move the last price to the touch that it is beyond; it starts at the bid."""
    there = [(side, price) for (side, price), quantity in levels.items() if quantity]
    bid = max((price for side, price in there if side == "BUY"), default=None)
    ask = min((price for side, price in there if side == "SELL"), default=None)
    if bid is not None:
        last = bid if last is None else max(last, bid)
    if ask is not None:
        last = ask if last is None else min(last, ask)
    return last
