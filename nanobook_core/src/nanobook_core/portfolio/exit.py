"""What stops have closed of positions, which fill models may do in parts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


class Exits:
    """Parts that stops have closed of positions which are still open, by column."""

    def __init__(self) -> None:
        # Signed lots, in parts where a split has left them, and their value in money units.
        self._parts: dict[int, tuple[Fraction, int]] = {}

    def add(
        self, column: NDArray[np.int64], quantity: NDArray[np.int64], price: NDArray[np.int64]
    ) -> None:
        """Take in what was traded for stops; arrays of shape `(n_fills,)`."""
        for c, lots, paid in zip(column.tolist(), quantity.tolist(), price.tolist(), strict=True):
            done, value = self._parts.get(c, (Fraction(), 0))
            self._parts[c] = done + lots, value + lots * paid

    def forget(self, held: NDArray[np.int64]) -> None:
        """Drop the parts of positions that something else than a stop has ended."""
        if self._parts:
            self._parts = {
                column: (lots, value)
                for column, (lots, value) in self._parts.items()
                if int(np.sign(held[column])) * lots < 0
            }

    def split(self, column: int, ratio: Fraction) -> None:
        """Go on in new shares, `ratio` of which came for each old one."""
        if column in self._parts:
            lots, value = self._parts[column]
            self._parts[column] = lots * ratio, value

    def close(self, column: int) -> tuple[int, int]:
        """Lots of all parts, signed, and their mean price by lots, both truncated."""
        lots, value = self._parts.pop(column)
        return int(lots), int(value / lots)
