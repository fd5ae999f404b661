"""What was sent and what was learnt of it, in a file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from nanobook_core.broker.database import Layout, Statement
from nanobook_core.broker.journal import ENTRIES
from nanobook_core.broker.journal import Journal as BrokerJournal
from nanobook_core.contracts import Fill
from nanobook_ibkr.journal_row import TABLES, fill_row, known_order, order_row, told_fill
from nanobook_ibkr.known_order import KnownOrder

_LAYOUT = Layout(application=0x6E_62_49_42, version=1, tables=ENTRIES + TABLES)  # "nbIB"


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
        super().__init__(path, _LAYOUT, now, broker="ibkr")

    def write(self, known: KnownOrder) -> None:
        """Write an order as it stands, durably; it is in the file before it is sent.

        Raises:
            BrokerError: it could not be written.

        """
        self._write([order_row(known)])

    def note(self, *things: KnownOrder | Fill) -> None:
        """Remember orders of one's own and executions as they stand, to be written."""
        for thing in things:
            if isinstance(thing, Fill):
                noted: dict[tuple[str, object], Statement] = {
                    ("fill", thing.exec_id): fill_row(thing)
                }
                if thing.corrects:
                    gone = ("DELETE FROM fills WHERE exec_id=?", (thing.corrects,))
                    noted["gone", thing.corrects] = gone
                self._note(noted)
            elif thing.is_own and thing.client_id is not None and thing.ib_order_id > 0:
                key = (thing.client_id, thing.ib_order_id, thing.order_ref)
                self._note({("order", key): order_row(thing)})

    def forget(self, known: KnownOrder) -> None:
        """Remember to take out an order that was not sent after all; until then it is in doubt."""
        gone = "DELETE FROM orders WHERE client_id=? AND ib_order_id=? AND client_order_id=?"
        number = (known.client_id, known.ib_order_id, known.order_ref)
        self._note({("order", number): (gone, number)})

    def last_order_id(self, client_id: int) -> int:
        """Return the largest number that this client has given an order; 0 where there is none."""
        rows = self._all("SELECT max(ib_order_id) FROM orders WHERE client_id=?", client_id)
        return int(rows[0][0] or 0)

    def orders(self) -> list[KnownOrder]:
        """Return every order, in the order in which they were sent."""
        with self._reading():
            return [known_order(row) for row in self._all("SELECT * FROM orders ORDER BY rowid")]

    def fills(self) -> list[Fill]:
        """Return every execution that stands."""
        with self._reading():
            return [told_fill(row) for row in self._all("SELECT * FROM fills ORDER BY rowid")]
