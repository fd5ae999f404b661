"""The SQLite file of a broker: opened by one at a time, and only if it is that broker's."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from attrs import frozen

from nanobook_core.broker.held_file import create, hold
from nanobook_core.contracts.broker_error import ConnectError, LinkDownError, SessionConflictError

#: SQL with places, and what stands in them.
Statement = tuple[str, tuple[Any, ...]]


@frozen(kw_only=True)
class Layout:
    """What tells the files of one kind of broker from all others."""

    application: int
    """SQLite's `application_id`."""
    version: int
    tables: str
    """SQL that makes them; each statement ends with a semicolon."""
    owner: str = "broker"
    """What errors call who has such a file."""


class Database:
    """An SQLite database, in a file or in memory, that only one broker has open.

    What is committed is durable. It belongs to no thread: whoever uses it sees to that only one
    thread does at a time.
    """

    def __init__(self, path: Path | None, layout: Layout, beginning: Iterable[Statement]) -> None:
        """Open it, or start it with what `beginning` writes; None is in memory.

        Raises:
            SessionConflictError: another process, or another broker in this one, has it open.
            ConnectError: it cannot be opened, is damaged, or is something else's.

        """
        self.where = "memory" if path is None else str(path)
        self._layout = layout
        with contextlib.ExitStack() as opened, self._opening():
            self._held = -1 if path is None else hold(path, layout.owner)
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
            self._open(beginning)
            self._check()
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Let the file go; done again, it does nothing."""
        self._opened.close()

    def _open(self, beginning: Iterable[Statement]) -> None:
        layout, run = self._layout, self._database.execute
        run("PRAGMA locking_mode=EXCLUSIVE")  # held until it is closed, or the process ends
        run("BEGIN EXCLUSIVE")
        known = run("PRAGMA application_id").fetchone()[0]
        tables = run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = run("PRAGMA user_version").fetchone()[0]
        run("ROLLBACK")
        if known != layout.application and (known or tables or version):
            raise ConnectError(f"{self.where} is a database of something else; it is left alone")
        if known and version != layout.version:
            raise ConnectError(
                f"{self.where} has the layout {version}; this nanobook reads {layout.version}"
            )
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        if not known:
            run("BEGIN EXCLUSIVE")
            for statement in layout.tables.split(";")[:-1]:
                run(statement)
            for statement, values in beginning:
                run(statement, values)
            run(f"PRAGMA application_id={layout.application}")
            run(f"PRAGMA user_version={layout.version}")
            run("COMMIT")

    def _check(self) -> None:
        """Refuse a file that is damaged.

        Raises:
            ConnectError, sqlite3.Error, ArithmeticError, ValueError, TypeError: it is.

        """
        verdict = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise ConnectError(f"{self.where} is damaged: {verdict}")

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        owner = self._layout.owner
        try:
            yield
        except LinkDownError as error:
            raise ConnectError(f"{self.where}: {error.__cause__}") from error
        except ConnectError:
            raise
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise SessionConflictError(f"{self.where} is in use by another {owner}") from error
            raise ConnectError(f"{self.where}: {error}") from error
        except sqlite3.Error as error:
            raise ConnectError(f"{self.where} is no file of a {owner}: {error}") from error
        except OSError as error:
            raise ConnectError(f"{self.where}: {error}") from error
        except (InvalidOperation, ValueError, TypeError) as error:
            raise ConnectError(f"{self.where} is damaged: {error}") from error
