"""One security of a generated day: its book, as far as drawing valid messages needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Levels: TypeAlias = dict[int, dict[int, None]]

#: Orders come this many ticks behind the best price at most.
_REACH = 60


class Stock:
    """Levels of both sides, with the references at each price in the order of the queue."""

    __slots__ = ("ask", "asks", "bid", "bids", "code", "is_halted", "locate", "name", "tick")

    def __init__(self, name: str, locate: int, price: int) -> None:
        self.name = name
        self.code = name.encode("ascii").ljust(8)
        self.locate = locate
        self.tick = 100 if price >= 10_000 else 1
        self.bid = price - price % self.tick
        """No bid is higher; the book is not crossed as long as this is below `ask`."""
        self.ask = self.bid + 2 * self.tick
        """No ask is lower."""
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.is_halted = False

    def draw_price(self, side: bytes, rand: Callable[[], float]) -> int:
        """Return where an order might come: mostly near the best price, rarely far behind it.

        While trading is halted one in eight crosses.
        """
        tick = self.tick
        bid, ask = self.bid, self.ask
        if bid not in self.bids and self.bids:
            self.bid = bid = bid - tick
        if ask not in self.asks and self.asks:
            self.ask = ask = ask + tick
        draw = rand()
        if self.is_halted and draw < 0.125:
            far = tick * int(draw * 32)
            return ask + far if side == b"B" else max(tick, bid - far)
        gap = (ask - bid) // tick
        if gap > 1 and draw < 0.3:
            inside = tick * int(1 + draw * min(gap - 1, 4) / 0.3)
            return bid + inside if side == b"B" else ask - inside
        behind = tick * int(_REACH * draw * draw * draw)
        return max(tick, bid - behind) if side == b"B" else ask + behind

    def enter(self, reference: int, side: bytes, price: int) -> None:
        """Put an order at the end of the queue at its price."""
        if side == b"B":
            levels = self.bids
            self.bid = max(self.bid, price)
        else:
            levels = self.asks
            self.ask = min(self.ask, price)
        level = levels.get(price)
        if level is None:
            levels[price] = {reference: None}
        else:
            level[reference] = None

    def leave(self, reference: int, side: bytes, price: int) -> None:
        """Take an order off."""
        levels = self.bids if side == b"B" else self.asks
        level = levels[price]
        del level[reference]
        if not level:
            del levels[price]

    def first(self, side: bytes) -> int:
        """Return the reference of the order that is first in the queue of a side with orders."""
        if side == b"B":
            while self.bid not in self.bids:
                self.bid -= self.tick
            return next(iter(self.bids[self.bid]))
        while self.ask not in self.asks:
            self.ask += self.tick
        return next(iter(self.asks[self.ask]))

    def settle(self) -> None:
        """Move both bounds to the book as it is, which is not crossed."""
        best_bid = max(self.bids, default=0)
        best_ask = min(self.asks, default=0)
        self.bid = best_bid or max(self.tick, best_ask - self.tick)
        self.ask = best_ask or self.bid + self.tick

    @property
    def is_crossed(self) -> bool:
        """Whether a bid is at or above an ask."""
        return bool(self.bids and self.asks) and max(self.bids) >= min(self.asks)
