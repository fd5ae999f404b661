"""Prices of one side of a book and the shares at each."""

from __future__ import annotations

from bisect import bisect_left, insort


class Ladder:
    """Levels of a side, best first."""

    def __init__(self, side: bytes) -> None:
        self._sign = 1 if side == b"S" else -1
        #: Prices, of bids negative, so that the best are first.
        self._keys: list[int] = []
        self._shares: dict[int, int] = {}

    def change(self, price: int, by: int) -> None:
        """Add shares to a price, or take them off. O(log n), and O(n) where a level comes or goes.

        Raises:
            ValueError: there are not so many.

        """
        key = self._sign * price
        before = self._shares.get(key, 0)
        if before + by < 0:
            raise ValueError(f"{before} shares at {price}, {-by} cannot be taken off")
        if not before:
            insort(self._keys, key)
        self._shares[key] = before + by
        if not before + by:
            del self._shares[key], self._keys[bisect_left(self._keys, key)]

    def shares(self, price: int) -> int:
        """Return the shares at a price."""
        return self._shares.get(self._sign * price, 0)

    def place(self, price: int) -> int:
        """Return how many levels are better than the price. O(log n)."""
        return bisect_left(self._keys, self._sign * price)

    def best(self, n: int) -> list[tuple[int, int]]:
        """Return price and shares of the best levels, at most `n`."""
        sign, shares = self._sign, self._shares
        return [(sign * key, shares[key]) for key in self._keys[:n]]

    def upto(self, price: int | None) -> list[int]:
        """Return the prices that are as good as this one or better; all without one."""
        end = len(self._keys) if price is None else self.place(price + self._sign)
        return [self._sign * key for key in self._keys[:end]]
