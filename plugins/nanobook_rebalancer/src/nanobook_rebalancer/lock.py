"""One rebalancer at a time: a lock that its process holds for life, and that ends with it."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, Protocol, Self
from weakref import WeakSet

from nanobook_core.errors import JournalError
from nanobook_core.lob.file_layer import FileLayer, lock, unlock, write_all
from nanobook_rebalancer.errors import LockedError
from nanobook_rebalancer.private_file import beside, make_directory, open_private

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from nanobook_core.contracts import Clock

_OWNER_BYTES = 1000


class _Closable(Protocol):
    def close(self) -> None: ...


_open: WeakSet[_Closable] = WeakSet()


def close_in_child(held: _Closable) -> None:
    """Close it in each child that this process forks, which would hold its lock otherwise."""
    _open.add(held)


def _close_all() -> None:
    for held in list(_open):
        held.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)


def hold(descriptor: int, path: Path) -> None:
    """Lock an open file until it is closed.

    Raises:
        LockedError: somebody else has.

    """
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(str(path), "another writer") from None


class RunLock:
    """The right to run, for one process per audit log: `<audit>.lock`, held in a `with` block.

    The operating system ends it with the process, however that ends, so that none is ever stale;
    the file stays, with the last owner in it. A fork's child does not hold it.
    """

    def __init__(self, audit: str | os.PathLike[str], clock: Clock) -> None:
        self.path = beside(audit, ".lock")
        self._clock = clock
        self._process = 0
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            LockedError: another one holds it; `owner` says who.
            OSError: the file cannot be made or written, or is a symbolic link.

        """
        files = FileLayer()
        make_directory(files, self.path.parent)
        files.close(open_private(files, self.path, os.O_RDWR | os.O_CREAT))
        try:
            self._descriptor = lock(self.path)
        except JournalError:
            raise LockedError(str(self.path), _owner(self.path)) from None
        self._process = os.getpid()
        close_in_child(self)
        files.truncate(self._descriptor, 0)
        since = self._clock.now().isoformat(timespec="seconds")
        owner = f"process {self._process} on {socket.gethostname()}, since {since}\n"
        write_all(files, self._descriptor, owner.encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another one run; without effect where the lock is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            unlock(descriptor, here=self._process == os.getpid())


def check_unlocked(audit: str | os.PathLike[str]) -> None:
    """Look whether a rebalancer is at work with that audit log.

    Raises:
        LockedError: one is; `owner` says which.

    """
    path = beside(audit, ".lock")
    if path.exists():
        try:
            descriptor = lock(path)
        except JournalError:
            raise LockedError(str(path), _owner(path)) from None
        unlock(descriptor, here=True)


def _owner(path: Path) -> str:
    written = path.read_bytes()[:_OWNER_BYTES].decode(errors="replace")
    text = "".join(character for character in written if character.isprintable())
    return text or "a process that has not said which"
