"""The file of the paper broker's books: opened by one at a time, changed in whole transactions."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from nanobook_core.broker.held_file import create, hold
from nanobook_core.contracts.broker_error import ConnectError, LinkDownError, SessionConflictError

SCHEMA = 1
_APPLICATION = 0x6E_62_50_61  # "nbPa"

_TABLES = """
CREATE TABLE account (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, quantity TEXT NOT NULL, order_type TEXT NOT NULL, limit_price TEXT,
    stop_price TEXT, tif TEXT NOT NULL, post_only INTEGER NOT NULL, reduce_only INTEGER NOT NULL,
    outside_hours INTEGER NOT NULL, state TEXT NOT NULL, is_open INTEGER NOT NULL,
    is_resting INTEGER NOT NULL, reason TEXT NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL);
CREATE INDEX orders_by_client ON orders (client_order_id);
CREATE INDEX orders_open ON orders (symbol, order_id) WHERE is_open;
CREATE TABLE fills (
    number INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, quantity TEXT NOT NULL,
    price TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL, liquidity TEXT NOT NULL,
    time TEXT NOT NULL, cash TEXT NOT NULL);
CREATE INDEX fills_by_order ON fills (order_id);
CREATE TABLE symbols (
    symbol TEXT PRIMARY KEY, currency TEXT NOT NULL, multiplier TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE holdings (
    symbol TEXT PRIMARY KEY, quantity TEXT NOT NULL, avg_cost TEXT NOT NULL,
    last_price TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE taken (
    symbol TEXT PRIMARY KEY, quote TEXT NOT NULL, period INTEGER NOT NULL, bid TEXT NOT NULL,
    ask TEXT NOT NULL) WITHOUT ROWID;
"""


class PaperDatabase:
    """An SQLite database, in a file or in memory, that only one broker has open."""

    def __init__(self, path: Path | None, opening: dict[str, str]) -> None:
        """Open the books, or start them with the account's `opening` entries.

        Raises:
            SessionConflictError: another process, or another broker in this one, has them open.
            ConnectError: the file cannot be opened, is damaged, or is no paper broker's.

        """
        self._where = "memory" if path is None else str(path)
        with contextlib.ExitStack() as opened, self._opening():
            if path is not None:
                opened.callback(os.close, hold(path, "paper broker"))
                create(path)
            self._database = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
            opened.callback(self._database.close)
            self._open(opening)
            self._check()
            self._opened = opened.pop_all()

    def _open(self, opening: dict[str, str]) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode=EXCLUSIVE")  # held until it is closed, or the process ends
        run("BEGIN EXCLUSIVE")
        known = run("PRAGMA application_id").fetchone()[0]
        tables = run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = run("PRAGMA user_version").fetchone()[0]
        run("ROLLBACK")
        if known != _APPLICATION and (known or tables or version):
            raise ConnectError(f"{self._where} is a database of something else; it is left alone")
        if known and version != SCHEMA:
            raise ConnectError(
                f"{self._where} has the layout {version}; this nanobook reads {SCHEMA}"
            )
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        if not known:
            run("BEGIN EXCLUSIVE")
            for statement in _TABLES.split(";")[:-1]:
                run(statement)
            self._database.executemany("INSERT INTO account VALUES (?, ?)", opening.items())
            run(f"PRAGMA application_id={_APPLICATION}")
            run(f"PRAGMA user_version={SCHEMA}")
            run("COMMIT")

    def _check(self) -> None:
        """Refuse a file that is damaged, or lacks a table.

        Raises:
            ConnectError, sqlite3.Error: it does.

        """
        named = "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name"
        tables = [name for (name,) in self._database.execute(named)]
        if tables != ["account", "fills", "holdings", "orders", "symbols", "taken"]:
            raise ConnectError(f"{self._where} is damaged: its tables are {', '.join(tables)}")
        verdict = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise ConnectError(f"{self._where} is damaged: {verdict}")

    def close(self) -> None:
        """Let the file go; done again, it does nothing."""
        self._opened.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, durably, or nothing.

        Raises:
            LinkDownError: the file could not be written; what the last request did is unknown until
                it is opened again.

        """
        with self._asking():
            if self._database.in_transaction:  # an interrupt came between here and the `try` below
                self._database.execute("ROLLBACK")
            self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise
        with self._asking():
            self._database.execute("COMMIT")

    def _one(self, statement: str, *values: Any) -> Any:
        with self._asking():
            return self._database.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._asking():
            return self._database.execute(statement, values).fetchall()

    def _run(self, statement: str, *values: Any) -> None:
        with self._asking():
            self._database.execute(statement, values)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LinkDownError(
                f"{self._where}: {error}; connect again to see what was done"
            ) from error

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        try:
            yield
        except LinkDownError as error:
            raise ConnectError(f"{self._where}: {error.__cause__}") from error
        except ConnectError:
            raise
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise SessionConflictError(
                    f"{self._where} is in use by another paper broker"
                ) from error
            raise ConnectError(f"{self._where}: {error}") from error
        except sqlite3.Error as error:
            raise ConnectError(f"{self._where} is no paper broker's file: {error}") from error
        except OSError as error:
            raise ConnectError(f"{self._where}: {error}") from error
        except (InvalidOperation, ValueError, TypeError) as error:
            raise ConnectError(f"{self._where} is damaged: {error}") from error
