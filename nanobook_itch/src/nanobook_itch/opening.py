"""The best prices of all books, at a moment or from one run of rows to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nanobook_core.contracts.itch import ItchBooks, ItchMemory
from nanobook_core.contracts.itch_table import BBO
from nanobook_itch.layout import table_dtype
from nanobook_itch.naming import named_locates

if TYPE_CHECKING:
    from nanobook_itch.layout import Table

SIDES = ((b"B", "bid"), (b"S", "ask"))

_BBO = table_dtype(BBO)


def best_prices(books: ItchBooks, symbols: frozenset[bytes] | None, time: int) -> Table:
    """Return a row of the table `bbo` for each symbol that the feed has named, by locate."""
    memory = books.memory
    locates = named_locates(memory, symbols)
    table = np.zeros(len(locates), _BBO)
    table["sequence"] = memory.sequence - 1
    table["timestamp"] = time
    table["symbol"], table["locate"] = memory.symbols[locates], locates
    for row, locate in zip(table, locates.tolist(), strict=True):
        for code, side in SIDES:
            for level in books.levels(locate, code, 1):
                row[side] = level["price"]
                row[f"{side}_shares"] = level["shares"]
                row[f"{side}_count"] = level["count"]
    return table


class Opening:
    """The best prices of each book before the next rows of the table `bbo`."""

    def __init__(self) -> None:
        self._rows = np.zeros(0, _BBO)  # by locate, as far as there are any

    def follow(self, rows: Table) -> None:
        """Go on to after these rows of the table `bbo`."""
        n_more = int(rows["locate"].max(initial=0)) + 1 - len(self._rows)
        if n_more > 0:
            self._rows = np.concatenate([self._rows, np.zeros(n_more, _BBO)])
        self._rows[rows["locate"]] = rows

    def pass_by(self, memory: ItchMemory) -> None:
        """Say what the last message was."""
        self._rows["sequence"], self._rows["timestamp"] = memory.sequence - 1, memory.timestamp

    @property
    def table(self) -> Table:
        """A row of each symbol that had one so far, by locate."""
        rows: Table = self._rows[self._rows["symbol"] != b""]
        return rows
