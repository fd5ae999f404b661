"""A file that only grows, as durable as its policy says."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from nanobook_core.errors import ValidationError, shown
from nanobook_core.lob.file_layer import FileLayer, write_all

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = "always"
OFF = "off"
LONGEST = 3_600_000


def check_fsync(policy: object) -> str | float:
    """Return a policy: `"always"`, `"off"`, or a number of milliseconds.

    Raises:
        TypeError, ValidationError: it is none of these.

    """
    if isinstance(policy, str):
        if policy not in (ALWAYS, OFF):
            raise ValidationError(f"fsync is 'always', 'off' or milliseconds, got {policy!r:.40}")
        return policy
    if isinstance(policy, bool) or not isinstance(policy, (int, float)):
        raise TypeError(f"fsync is 'always', 'off' or milliseconds, got {shown(policy)}")
    if not 1 <= policy <= LONGEST:
        raise ValidationError(f"fsync is from 1 to {LONGEST} milliseconds, got {policy!r:.40}")
    return policy


class AppendFile:
    """Appends, and syncs after each time, at least every so many milliseconds, or only when told.

    After an error of the operating system, also one that the regular syncing met, every call raises
    it again: what is on disk then is unknown, and another try that succeeds would not prove
    anything.
    """

    def __init__(self, files: FileLayer, path: Path, fsync: str | float) -> None:
        self._files = files
        self._descriptor = files.open(path, os.O_WRONLY | os.O_APPEND)
        self._always = fsync == ALWAYS
        self._process = os.getpid()
        # Counts of changes. Whoever made what is there may have died before it was synced.
        self._changes = 1
        self._synced = 0
        self._error: OSError | None = None
        self._closing = threading.Event()
        self._regular: threading.Thread | None = None
        if not isinstance(fsync, str):
            self._regular = threading.Thread(
                target=self._sync_every, args=(fsync / 1000,), daemon=True
            )
            self._regular.start()

    def append(self, data: bytes) -> None:
        """Write at the end, and sync where that is the policy."""
        with self._failing_for_good():
            self._changes += 1
            write_all(self._files, self._descriptor, data)
        if self._always:
            self.sync()

    def cut(self, size: int) -> None:
        """Keep only so many bytes."""
        with self._failing_for_good():
            self._changes += 1
            self._files.truncate(self._descriptor, size)

    def sync(self) -> None:
        """Return once all changes survive a loss of power."""
        with self._failing_for_good():
            changes = self._changes  # another thread may make more meanwhile
            if self._synced < changes:
                self._files.fsync(self._descriptor)
                self._synced = changes

    def close(self) -> None:
        """Sync and close; in a fork's child only close, because its parent goes on."""
        self._closing.set()
        if self._regular:
            self._regular.join()
        try:
            if self._process == os.getpid():
                self.sync()
        finally:
            self._files.close(self._descriptor)

    def _sync_every(self, seconds: float) -> None:
        while not (self._error or self._closing.wait(seconds)):
            with suppress(OSError):  # the next call tells it
                self.sync()

    @contextmanager
    def _failing_for_good(self) -> Iterator[None]:
        if self._error:
            raise self._error
        try:
            yield
        except OSError as error:
            self._error = error
            raise
