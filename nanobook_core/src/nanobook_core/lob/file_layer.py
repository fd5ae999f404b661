"""What persistence asks of the operating system: whole files, lines, durability, one writer."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nanobook_core.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: No line that is written comes near; what is longer is refused without reading it all.
LINE_BYTES = 2**20

#: Windows changes line ends in files that are not opened as binary.
_BINARY = getattr(os, "O_BINARY", 0)

#: How the operating systems say that somebody else holds a lock.
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class FileLayer:
    """Every call that changes a disk; a test puts one in that loses power between two of them."""

    def create_temporary(self, directory: Path) -> tuple[int, Path]:
        """Create and open a new file with mode 0600."""
        descriptor, name = tempfile.mkstemp(dir=directory, prefix=".nanobook-")
        return descriptor, Path(name)

    def open(self, path: Path, flags: int) -> int:
        """Open a file; one that this creates has mode 0600."""
        return os.open(path, flags | _BINARY, 0o600)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write as much as the operating system takes, and say how much that was."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        """Return once a file's bytes survive a loss of power."""
        os.fsync(descriptor)

    def fsync_directory(self, directory: Path) -> None:
        """Return once a directory's names survive a loss of power."""
        if sys.platform == "win32":  # directories cannot be opened there, and need not
            return
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a file."""
        os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another one's name; a reader sees the one or the other."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file's name."""
        path.unlink()


def write_all(files: FileLayer, descriptor: int, data: bytes) -> None:
    """Write all bytes, in as many pieces as it takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[files.write(descriptor, rest) :]


def write_whole(files: FileLayer, path: Path, chunks: Iterable[bytes]) -> None:
    """Make a file of these bytes, with mode 0600, in place of any that is there.

    Once this returns it survives a loss of power; one before that leaves the old file or the new.

    Raises:
        OSError: it cannot be written, or what is there is no regular file; nothing has changed.

    """
    if path.exists() and not path.is_file():  # a device would be lost
        raise FileExistsError(errno.EEXIST, "Not a regular file", str(path))
    descriptor, temporary = files.create_temporary(path.parent)
    try:
        try:
            for chunk in chunks:
                write_all(files, descriptor, chunk)
            files.fsync(descriptor)
        finally:
            files.close(descriptor)
        files.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            files.unlink(temporary)
        raise
    files.fsync_directory(path.parent)


def real_path(path: str | os.PathLike[str]) -> Path:
    """Follow symbolic links, so that what is replaced or locked is the file itself."""
    return Path(os.path.realpath(os.fspath(path)))


def lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number from 1, offset and bytes of each line, with its end; the last may have none.

    Raises:
        JournalError: a line has more than `LINE_BYTES`.

    """
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES + 1), b""), 1):
            if len(line) > LINE_BYTES:
                raise JournalError(
                    f"{path}: line {number} at byte {offset} is longer than {LINE_BYTES} bytes"
                )
            yield number, offset, line
            offset += len(line)


def lock(path: Path) -> int:
    """Take a lock that ends with the process; the descriptor holds it until it is closed.

    Raises:
        JournalError: another process, or another opening in this one, holds it.

    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in _HELD:
            raise
        raise JournalError(f"{path} is held by another writer") from error
    return descriptor


def unlock(descriptor: int, *, here: bool) -> None:
    """Close a lock's descriptor; `here`, where it was taken, also if a fork's child has it open."""
    if here and sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
