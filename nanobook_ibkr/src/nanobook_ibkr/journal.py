"""What was sent and what was learnt of it, kept where a crash does not reach: an SQLite file."""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from nanobook_core.broker.held_file import create, hold
from nanobook_core.contracts import (
    BrokerError,
    ConnectError,
    Fill,
    NotConnectedError,
    SessionConflictError,
)
from nanobook_ibkr.journal_row import TABLES, Statement, fill_row, known_order, order_row, told_fill
from nanobook_ibkr.known_order import KnownOrder

#: Those that are open in this process.
_open_here: weakref.WeakSet[Journal] = weakref.WeakSet()

SCHEMA = 1
_APPLICATION = 0x6E_62_49_42  # "nbIB"


class Journal:
    """Orders, executions and the halt, in a file that only one broker has open, or in memory.

    `write` returns once what it was given is durable. `note` only remembers, for the next `write`
    or `flush`: what the venue can tell again. Both may be called from any thread.
    """

    def __init__(self, path: Path | None, now: dt.datetime) -> None:
        """Open it, or start it: then every order is in it that is sent from `now` on.

        Raises:
            SessionConflictError: another process, or another broker in this one, has it open.
            ConnectError: it cannot be opened, is damaged, or is something else's.

        """
        self.where = "memory" if path is None else str(path)
        self._is_inherited = False
        self._lock = threading.RLock()
        self._noting = threading.Lock()
        self._noted: dict[tuple[str, object], Statement] = {}
        with contextlib.ExitStack() as opened, self._opening():
            self._held = -1 if path is None else hold(path, "broker")
            if path is not None:
                opened.callback(os.close, self._held)
                create(path)
            self._database = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
            opened.callback(self._database.close)
            self._open(now)
            self._opened = opened.pop_all()
        self.created = dt.datetime.fromisoformat(self.entry("created"))
        """Since when every order is in it before it is sent."""
        _open_here.add(self)

    def close(self) -> None:
        """Write what was noted, and let the file go; done again, it does nothing."""
        if self._is_inherited:
            return
        with self._lock:
            try:
                self.flush()
            finally:
                self._opened.close()

    def entry(self, name: str) -> str:
        """Return an entry; empty where there is none."""
        rows = self._all("SELECT value FROM entries WHERE name=?", name)
        return str(rows[0][0]) if rows else ""

    def write_entry(self, name: str, value: str) -> None:
        """Write an entry, durably."""
        self._write([("INSERT OR REPLACE INTO entries VALUES (?, ?)", (name, value))])

    def write(self, known: KnownOrder) -> None:
        """Write an order as it stands, durably; it is in the file before it is sent.

        Raises:
            BrokerError: it could not be written.

        """
        self._write([order_row(known)])

    def note(self, *things: KnownOrder | Fill) -> None:
        """Remember orders of one's own and executions as they stand, to be written."""
        if self._is_inherited:
            return
        with self._noting:  # and never while the disk is waited for
            for thing in things:
                if isinstance(thing, Fill):
                    self._noted["fill", thing.exec_id] = fill_row(thing)
                    if thing.corrects:
                        gone = ("DELETE FROM fills WHERE exec_id=?", (thing.corrects,))
                        self._noted["gone", thing.corrects] = gone
                elif thing.is_own and thing.client_id is not None and thing.ib_order_id > 0:
                    key = ("order", (thing.client_id, thing.ib_order_id, thing.order_ref))
                    self._noted[key] = order_row(thing)

    def forget(self, known: KnownOrder) -> None:
        """Remember to take out an order that was not sent after all; until then it is in doubt."""
        if self._is_inherited:
            return
        gone = "DELETE FROM orders WHERE client_id=? AND ib_order_id=? AND client_order_id=?"
        number = (known.client_id, known.ib_order_id, known.order_ref)
        with self._noting:
            self._noted["order", number] = (gone, number)

    def flush(self) -> None:
        """Write what was noted, durably; nothing in a fork.

        Raises:
            BrokerError: it could not be written.

        """
        if not self._is_inherited:
            self._write([])

    def begin_anew(self, now: dt.datetime) -> None:
        """Have it that orders of before `now` may be missing from it, durably."""
        self.write_entry("created", now.isoformat())
        self.created = now

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

    def _write(self, statements: Iterable[Statement]) -> None:
        self._check_ours()
        with self._lock:
            with self._noting:
                noted, self._noted = self._noted, {}
            try:
                self._run([*noted.values(), *statements])
            except sqlite3.Error as error:
                with self._noting:
                    self._noted = {**noted, **self._noted}
                raise BrokerError(f"{self.where}: {error}", broker="ibkr") from error

    def _check_ours(self) -> None:
        """Refuse, before any lock is waited for that somebody else held when this was forked."""
        if self._is_inherited:
            raise NotConnectedError(
                "not connected: the journal is that of the process that this one was forked from",
                broker="ibkr",
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
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._database.execute(statement, values)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _all(self, statement: str, *values: Any) -> list[Any]:
        self._check_ours()
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def _open(self, now: dt.datetime) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("BEGIN EXCLUSIVE")
        known = run("PRAGMA application_id").fetchone()[0]
        version = run("PRAGMA user_version").fetchone()[0]
        tables = run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        run("ROLLBACK")
        if known != _APPLICATION and (known or tables or version):
            raise ConnectError(f"{self.where} is a database of something else; it is left alone")
        if known and version != SCHEMA:
            raise ConnectError(
                f"{self.where} has the layout {version}; this nanobook reads {SCHEMA}"
            )
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        if not known:
            run("BEGIN EXCLUSIVE")
            for statement in TABLES.split(";")[:-1]:
                run(statement)
            run("INSERT INTO entries VALUES ('created', ?)", (now.isoformat(),))
            run(f"PRAGMA application_id={_APPLICATION}")
            run(f"PRAGMA user_version={SCHEMA}")
            run("COMMIT")
        verdict = run("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise ConnectError(f"{self.where} is damaged: {verdict}")

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise SessionConflictError(f"{self.where} is in use by another broker") from error
            raise ConnectError(f"{self.where}: {error}") from error
        except sqlite3.Error as error:
            raise ConnectError(f"{self.where} is no file of this broker: {error}") from error
        except OSError as error:
            if isinstance(error, ConnectError | SessionConflictError):
                raise
            raise ConnectError(f"{self.where}: {error}") from error

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
