"""What a broker must not forget, kept where a crash does not reach: an SQLite file."""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from nanobook_core.broker.database import Database, Layout, Statement
from nanobook_core.contracts.broker_error import BrokerError, ConnectError, NotConnectedError

#: The table of `entry`, which is one of every journal.
ENTRIES = "CREATE TABLE entries (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

#: Those that are open in this process.
_open_here: weakref.WeakSet[Journal] = weakref.WeakSet()


class Journal(Database):
    """A file that only one broker has open, or memory; a subclass says what is in it.

    `_write` returns once what it was given is durable. `_note` only remembers, for the next
    `_write` or `flush`: what the venue can tell again. Both may be called from any thread. In a
    fork it is the parent's: nothing is written there.
    """

    def __init__(self, path: Path | None, layout: Layout, now: dt.datetime, *, broker: str) -> None:
        """Open it, or start it: then everything is in it that happens from `now` on.

        Raises:
            SessionConflictError: another process, or another broker in this one, has it open.
            ConnectError: it cannot be opened, is damaged, or is something else's.

        """
        self._broker = broker
        self._is_inherited = False
        self._lock = threading.RLock()
        self._noting = threading.Lock()
        self._noted: dict[tuple[str, object], Statement] = {}
        super().__init__(
            path, layout, [("INSERT INTO entries VALUES ('created', ?)", (now.isoformat(),))]
        )
        _open_here.add(self)

    def _check(self) -> None:
        super()._check()
        self.created = dt.datetime.fromisoformat(self.entry("created"))
        """Since when every order is in it before it is sent."""

    def close(self) -> None:
        """Write what was noted, and let the file go; done again, it does nothing."""
        if self._is_inherited:
            return
        with self._lock:
            try:
                self.flush()
            finally:
                super().close()

    def entry(self, name: str) -> str:
        """Return an entry; empty where there is none."""
        rows = self._all("SELECT value FROM entries WHERE name=?", name)
        return str(rows[0][0]) if rows else ""

    def write_entry(self, name: str, value: str) -> None:
        """Write an entry, durably.

        Raises:
            BrokerError: it could not be written.

        """
        self._write([("INSERT OR REPLACE INTO entries VALUES (?, ?)", (name, value))])

    def begin_anew(self, now: dt.datetime) -> None:
        """Have it that orders of before `now` may be missing from it, durably."""
        self.write_entry("created", now.isoformat())
        self.created = now

    def flush(self) -> None:
        """Write what was noted, durably; nothing in a fork.

        Raises:
            BrokerError: it could not be written.

        """
        if not self._is_inherited:
            self._write([])

    def _note(self, statements: Mapping[tuple[str, object], Statement]) -> None:
        """Remember what is to be written; of one key the latest, in the place of the first."""
        if self._is_inherited:
            return
        with self._noting:  # and never while the disk is waited for
            self._noted.update(statements)

    def _write(self, statements: Iterable[Statement]) -> None:
        self._check_ours()
        with self._lock:
            with self._noting:
                noted, self._noted = self._noted, {}
            try:
                self._run([*noted.values(), *statements])
            except BaseException as error:
                with self._noting:
                    self._noted = {**noted, **self._noted}
                if isinstance(error, sqlite3.Error):
                    raise BrokerError(f"{self.where}: {error}", broker=self._broker) from error
                raise

    def _check_ours(self) -> None:
        """Refuse, before any lock is waited for that somebody else held when this was forked."""
        if self._is_inherited:
            raise NotConnectedError(
                "not connected: the journal is that of the process that this one was forked from",
                broker=self._broker,
            )

    def inherited(self) -> None:
        """Be that of the parent, after a fork: it is never touched again, nor let go.

        SQLite would take the file for its own, and remove what the parent goes on writing to.
        """
        self._is_inherited = True
        if self._held >= 0:
            os.close(self._held)  # else it is held for as long as this process lives
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._database))

    def _run(self, statements: list[Statement]) -> None:
        if not statements:
            return
        try:
            self._roll_back()  # what an interrupt has left
            self._database.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                self._database.execute(statement, values)
            self._database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def _all(self, statement: str, *values: Any) -> list[Any]:
        self._check_ours()
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, InvalidOperation, ValueError, TypeError) as error:
            raise ConnectError(f"{self.where} is damaged: {error}") from error


def _after_fork() -> None:
    for journal in _open_here:
        journal.inherited()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
