"""An open source, read as unpacked bytes."""

from __future__ import annotations

import errno
import select
from typing import Any, Protocol

from nanobook_itch.inflate import MAGIC, Inflated

_SKIPPED = 1 << 20

#: Bytes that are read at once, so that a Ctrl-C need not wait for more.
_READ = 1 << 24


class Raw(Protocol):
    """What bytes are read from."""

    def readinto(self, into: memoryview, /) -> int | None:
        """Read some bytes and return how many; 0 at the end."""
        ...

    def seek(self, to: int, /) -> int:
        """Go to a place."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...

    def fileno(self) -> int:
        """Its descriptor; OSError where there is none."""
        ...


class Memory:
    """Bytes as something to read."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def readinto(self, into: memoryview, /) -> int:
        """Copy the next bytes."""
        n = min(len(into), len(self._data) - self._at)
        into[:n] = self._data[self._at : self._at + n]
        self._at += n
        return n

    def seek(self, to: int, /) -> int:
        """Go to a place."""
        self._at = min(to, len(self._data))
        return self._at

    def fileno(self) -> int:
        """None, so it raises."""
        raise OSError("memory has no descriptor")

    def close(self) -> None:
        """Nothing is to be given back."""


class Borrowed:
    """A user's file object, which stays open, and may know `read` only."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._read = getattr(file, "read1", file.read)

    def readinto(self, into: memoryview, /) -> int | None:
        """Read as much as it gives at once."""
        data = self._read(len(into))
        if data is None:
            return None
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(
                'a source gives bytes, as a file opened with "rb" does; '
                f"this one gave {type(data).__name__}"
            )
        into[: len(data)] = data
        return len(data)

    def seek(self, to: int, /) -> int:
        """Go to a place."""
        return int(self._file.seek(to))

    def fileno(self) -> int:
        """Its descriptor, if it has one."""
        return int(self._file.fileno())

    def close(self) -> None:
        """Leave it open: it is the user's."""


class Stream:
    """The bytes of an open source, unpacked if it begins as gzip does.

    `begin` is where it begins; None where it cannot go back there, as reading may have to wait.
    """

    def __init__(self, raw: Raw, begin: int | None) -> None:
        self._raw = raw
        self._begin = begin
        self.n_read = 0
        """Bytes that have been read of the source as it is, packed or not."""
        self._head = b""
        while len(self._head) < len(MAGIC) and (more := self._pull(len(MAGIC) - len(self._head))):
            self._head += more
        self._inflated: Inflated | None = None
        if self._head == MAGIC:
            self._inflated = Inflated(self._pull_packed, self._is_ready)

    @property
    def damage(self) -> str:
        """Why the source cannot be unpacked to its end; empty where it can, and where it is raw."""
        return "" if self._inflated is None else self._inflated.damage

    def readinto(self, into: memoryview) -> int:
        """Read unpacked bytes until the buffer is full, and return how many: fewer at the end."""
        filled = 0
        while filled < len(into):
            if self._inflated is not None:
                got = self._inflated.readinto(into[filled:])
            elif self._head:
                got = min(len(self._head), len(into) - filled)
                into[filled : filled + got] = self._head[:got]
                self._head = self._head[got:]
            else:
                got = self._read(into[filled : filled + _READ])
            if not got:
                break
            filled += got
        return filled

    def skip(self, n: int) -> None:
        """Go on after so many unpacked bytes."""
        if n > len(self._head) and self._begin is not None and self._inflated is None:
            self._raw.seek(self._begin + n)
            self.n_read, self._head = n, b""
            return
        buffer = memoryview(bytearray(min(n, _SKIPPED)))
        while n > 0 and (got := self.readinto(buffer[: min(n, _SKIPPED)])):
            n -= got

    def close(self) -> None:
        """End the thread that unpacks, if there is one."""
        if self._inflated is not None:
            self._inflated.close()

    def _read(self, into: memoryview) -> int:
        got = self._raw.readinto(into)
        if got is None:
            raise BlockingIOError(
                errno.EAGAIN, "the source has nothing yet and does not wait: let it block"
            )
        self.n_read += got
        return got

    def _pull(self, n: int) -> bytes:
        buffer = bytearray(n)
        got = self._read(memoryview(buffer))
        return bytes(buffer[:got])

    def _pull_packed(self, n: int) -> bytes:
        head, self._head = self._head, b""
        return head or self._pull(n)

    def _is_ready(self) -> bool:
        if self._begin is not None:
            return True
        try:
            return bool(select.select([self._raw.fileno()], [], [], 0)[0])
        except (AttributeError, OSError, ValueError):
            return False  # no descriptor, or one that this system cannot ask
