"""What was sent and what was learnt of it, in a file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from nanobook_binance.journal_row import (
    TABLES,
    PairFill,
    fill_row,
    known_order,
    order_row,
    told_fill,
)
from nanobook_binance.known_order import KnownOrder
from nanobook_core.broker.database import Layout
from nanobook_core.broker.journal import ENTRIES
from nanobook_core.broker.journal import Journal as BrokerJournal

_LAYOUT = Layout(application=0x6E_62_42_4E, version=2, tables=ENTRIES + TABLES)  # "nbBN"


class Journal(BrokerJournal):
    """Orders, executions and the halt.

    `write` returns once what it was given is durable. `note` only remembers, for the next `write`
    or `flush`: what the venue can tell again. Both may be called from any thread.
    """

    def __init__(self, path: Path | None, now: dt.datetime) -> None:
        """Open it, or start it: then every order is in it that is sent from `now` on.

        Raises:
            SessionConflictError: another process, or another broker in this one, has it open.
            ConnectError: it cannot be opened, is damaged, or is something else's.

        """
        super().__init__(path, _LAYOUT, now, broker="binance")

    def write(self, known: KnownOrder) -> None:
        """Write an order as it stands, durably; it is in the file before it is sent.

        Raises:
            BrokerError: it could not be written.

        """
        self._write([order_row(known)])

    def note(self, thing: KnownOrder | PairFill) -> None:
        """Remember an order of one's own or an execution as it stands, to be written."""
        if isinstance(thing, PairFill):
            self._note({("fill", thing.fill.exec_id): fill_row(thing)})
        elif thing.is_own:
            self._note({("order", (thing.pair, thing.client_order_id)): order_row(thing)})

    def forget(self, known: KnownOrder) -> None:
        """Remember to take out an order that was not sent after all; until then it is in doubt."""
        key = (known.pair, known.client_order_id)
        self._note({("order", key): ("DELETE FROM orders WHERE pair=? AND client_order_id=?", key)})

    def orders(self) -> list[KnownOrder]:
        """Return every order, in the order in which they were sent."""
        with self._reading():
            return [known_order(row) for row in self._all("SELECT * FROM orders ORDER BY rowid")]

    def fills(self) -> list[PairFill]:
        """Return every execution, in the order in which they were learnt of."""
        with self._reading():
            return [told_fill(row) for row in self._all("SELECT * FROM fills ORDER BY rowid")]
