"""One security of a generated day: its book, as far as drawing valid messages needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Levels: TypeAlias = dict[int, dict[int, None]]

#: Orders come this many ticks behind the fair price at most.
_REACH = 60

#: Shares of the orders that come with which the fair price moves, and with which its trend ends.
_MOVE = 0.1
_TURN = 0.002


class Stock:
    """Levels of both sides, with the references at each price in the order of the queue."""

    __slots__ = (
        *("ask", "asks", "bid", "bids", "code", "fair", "is_halted", "locate", "name"),
        *("step", "tick", "trend"),
    )

    def __init__(self, name: str, locate: int, price: int) -> None:
        self.name = name
        self.code = name.encode("ascii").ljust(8)
        self.locate = locate
        self.tick = 100 if price >= 10_000 else 1
        self.step = self.tick * max(1, price // (20_000 * self.tick))
        self.fair = price - price % self.tick
        """It walks, and the book follows it: bids belong here and below, asks above."""
        self.trend = 1 if locate % 2 else -1
        self.bid = self.fair
        """No bid is higher; the book is not crossed as long as this is below `ask`."""
        self.ask = self.fair + self.tick
        """No ask is lower."""
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.is_halted = False

    def draw_price(self, side: bytes, rand: Callable[[], float]) -> int:
        """Return where an order might come: mostly near the fair price, rarely far behind it.

        While trading is halted one in eight crosses.
        """
        tick = self.tick
        draw = rand()
        if draw < _MOVE:
            self._move(draw)
        if self.is_halted and draw > 0.875:
            far = tick * int((1 - draw) * 32)
            return self.ask + far if side == b"B" else max(tick, self.bid - far)
        behind = rand()
        behind = tick * int(_REACH * behind * behind * behind)
        if side == b"B":
            while self.ask <= self.fair and self.ask not in self.asks:
                self.ask += tick
            return max(tick, min(self.fair - behind, self.ask - tick))
        while self.bid > self.fair and self.bid not in self.bids:
            self.bid -= tick
        return max(self.fair + tick + behind, self.bid + tick)

    def _move(self, draw: float) -> None:
        """Take the fair price a step, three in four times the way of its trend."""
        if draw < _TURN:
            self.trend = -self.trend
        if self.fair <= 20 * self.step:
            self.trend = 1
        self.fair += self.trend * (self.step if draw < 0.75 * _MOVE else -self.step)

    def stale(self) -> int:
        """Return the reference of the first order on the wrong side of the fair price, or 0."""
        if self.ask <= self.fair and self.asks:
            reference = self.first(b"S")
            if self.ask <= self.fair:
                return reference
        elif self.bid > self.fair and self.bids:
            reference = self.first(b"B")
            if self.bid > self.fair:
                return reference
        return 0

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
