"""One side of a book of levels."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal

from nanobook_binance.recorded_feed import Level


class DepthSide:
    """Prices in order, with what is there in all; empty at first."""

    def __init__(self, *, is_bid: bool) -> None:
        self._is_bid = is_bid
        self._prices: list[Decimal] = []
        """Rising."""
        self._sizes: dict[Decimal, Decimal] = {}

    def update(self, levels: Iterable[Level]) -> None:
        """Set levels to a size each, 0 for none. O(P) a price that is new or gone."""
        for price, size in levels:
            is_there = price in self._sizes
            if size:
                if not is_there:
                    insort(self._prices, price)
                self._sizes[price] = size
            elif is_there:
                del self._sizes[price]
                del self._prices[bisect_left(self._prices, price)]

    def clear(self) -> None:
        """Have no level."""
        self._prices.clear()
        self._sizes.clear()

    @property
    def best(self) -> Decimal | None:
        """Best price; None where there is none."""
        if not self._prices:
            return None
        return self._prices[-1] if self._is_bid else self._prices[0]

    def levels(self, n: int | None) -> tuple[Level, ...]:
        """Return the best `n` levels, or all, best first. O(n)."""
        if self._is_bid:
            prices = self._prices[: None if n is None else -n - 1 : -1]
        else:
            prices = self._prices[:n]
        return tuple((price, self._sizes[price]) for price in prices)
