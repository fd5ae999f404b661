"""The book of one symbol: what its live orders add up to."""

from __future__ import annotations

from itertools import islice
from typing import TypeAlias

from attrs import define
from sortedcontainers import SortedDict  # type: ignore[import-untyped]  # comes without types


@define
class Order:
    """A live order."""

    reference: int
    rank: int
    price: int
    shares: int
    locate: int
    side: bytes


#: Price, shares and number of orders; all 0 where there is none.
Level: TypeAlias = tuple[int, int, int]

NONE: Level = (0, 0, 0)


class Book:
    """The levels of both sides."""

    def __init__(self) -> None:
        self._sides: dict[bytes, SortedDict] = {b"B": SortedDict(), b"S": SortedDict()}
        self.told = (NONE, NONE)
        """The best bid and ask after the message before."""
        self.told_depth: tuple[tuple[Level, ...], ...] = ((), ())
        """The first levels of each side after the message before, where they are told."""

    def __len__(self) -> int:
        """Levels of both sides."""
        return sum(map(len, self._sides.values()))

    def change(self, order: Order, shares: int, count: int) -> int:
        """Add to the order's level, or take off; return its shares then. O(log P)."""
        side = self._sides[order.side]
        key = _key(order.side, order.price)
        had_shares, had_count = side.get(key, (0, 0))
        if had_count + count:
            side[key] = had_shares + shares, had_count + count
        else:
            del side[key]
        return int(had_shares + shares)

    def levels(self, side: bytes, n: int | None) -> tuple[Level, ...]:
        """Return the best levels of a side, or all, best first. O(n)."""
        return tuple(
            (_key(side, key), shares, count)
            for key, (shares, count) in islice(self._sides[side].items(), n)
        )

    def best(self) -> tuple[Level, Level]:
        """Return the best bid and ask."""
        return self._best(b"B"), self._best(b"S")

    def _best(self, side: bytes) -> Level:
        levels = self._sides[side]
        if not levels:
            return NONE
        key, (shares, count) = levels.peekitem(0)
        return (_key(side, key), shares, count)


def _key(side: bytes, price: int) -> int:
    """Return what sorts the best price first; of that, the price."""
    return -price if side == b"B" else price
