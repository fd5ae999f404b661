"""The file of the paper broker's books: opened by one at a time, changed in whole transactions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nanobook_core.broker.database import Database, Layout
from nanobook_core.contracts.broker_error import ConnectError, LinkDownError

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


_LAYOUT = Layout(
    application=0x6E_62_50_61,  # "nbPa"
    version=1,
    tables=_TABLES,
    owner="paper broker",
)


class PaperDatabase(Database):
    """An SQLite database, in a file or in memory, that only one broker has open."""

    def __init__(self, path: Path | None, opening: dict[str, str]) -> None:
        """Open the books, or start them with the account's `opening` entries.

        Raises:
            SessionConflictError: another process, or another broker in this one, has them open.
            ConnectError: the file cannot be opened, is damaged, or is no paper broker's.

        """
        super().__init__(
            path,
            _LAYOUT,
            [("INSERT INTO account VALUES (?, ?)", entry) for entry in opening.items()],
        )

    def _check(self) -> None:
        """Refuse a file that is damaged, or lacks a table.

        Raises:
            ConnectError, sqlite3.Error: it does.

        """
        named = "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name"
        tables = [name for (name,) in self._database.execute(named)]
        if tables != ["account", "fills", "holdings", "orders", "symbols", "taken"]:
            raise ConnectError(f"{self.where} is damaged: its tables are {', '.join(tables)}")
        super()._check()

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
                f"{self.where}: {error}; connect again to see what was done"
            ) from error
