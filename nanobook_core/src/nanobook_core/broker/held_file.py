"""A file of a broker's that only one has at a time, and only its owner may read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nanobook_core.contracts.broker_error import SessionConflictError

if sys.platform != "win32":
    import fcntl


def hold(path: Path, owner: str) -> int:
    """Return a descriptor of the file beside it that is locked for as long as it is open.

    SQLite's own lock ends when anything in this process closes any descriptor of the database, as
    whoever copies it does. `owner` says in the error what another one has it.

    Raises:
        SessionConflictError: another one has it.

    """
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    if sys.platform != "win32":  # SQLite's is not lost there
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if not isinstance(error, BlockingIOError):
                raise
            raise SessionConflictError(f"{path} is in use by another {owner}") from None
    return descriptor


def create(path: Path) -> None:
    """Make an empty file that nobody else may read, unless there is one; durably."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    if sys.platform != "win32":  # directories cannot be opened there, and need not
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
