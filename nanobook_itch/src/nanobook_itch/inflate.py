"""Gzip, unpacked ahead of who reads it."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread

#: What a file packed by gzip begins with; no message of ITCH has such a length.
MAGIC = b"\x1f\x8b"

_PACKED = 1 << 18
_UNPACKED = 1 << 20

#: Pieces that wait before the thread and behind it.
_PACKED_AHEAD, _UNPACKED_AHEAD = 2, 4

#: A wait ends now and then, as Windows lets no Ctrl-C through while it lasts.
_NAP_S = 0.1

#: Of zlib: a header and a checksum as gzip's, the window as large as it says.
_GZIP = 31


class Inflated:
    """The bytes that a packed stream stands for, of all members that follow one another.

    A thread unpacks up to 4 MiB ahead. It never reads, so that it can always be ended: packed bytes
    are pulled by whom asks for unpacked ones. `pull` returns some, none at the end; while it
    `is_ready` it returns at once, else only what has been pulled is unpacked ahead.
    """

    def __init__(self, pull: Callable[[int], bytes], is_ready: Callable[[], bool]) -> None:
        self._pull = pull
        self._is_ready = is_ready
        self._packed: deque[bytes] = deque()
        self._unpacked: deque[bytes] = deque()
        self._change = Condition()
        self._is_pulled = False
        self._is_idle = False
        self._is_done = False
        self._is_closed = False
        self._error: Exception | None = None
        self._rest = memoryview(b"")
        self._thread = Thread(target=self._run, name="nanobook-inflate", daemon=True)
        self.damage = ""
        """Why there is no more, where that is not the end; empty as long as all is well."""

    def start(self) -> None:
        """Start the thread; `close` ends it."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and wait until it has ended."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def readinto(self, into: memoryview) -> int:
        """Fill the buffer as far as there is something, and return how far; 0 at the end."""
        if not self._rest:
            self._rest = memoryview(self._next())
        n = min(len(into), len(self._rest))
        into[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n

    def _next(self) -> bytes:
        while True:
            while self._is_pull_due():
                packed = self._pull(_PACKED)
                with self._change:
                    self._packed.append(packed)
                    self._is_pulled = not packed
                    self._change.notify_all()
            with self._change:
                if self._unpacked:
                    self._change.notify_all()
                    return self._unpacked.popleft()
                if self._error is not None:
                    raise self._error
                if self._is_done:
                    return b""
                if not self._is_idle:
                    self._change.wait(_NAP_S)

    def _is_pull_due(self) -> bool:
        with self._change:
            if self._is_pulled or self._is_done or len(self._packed) >= _PACKED_AHEAD:
                return False
            is_starved = self._is_idle and not self._packed and not self._unpacked
        return is_starved or self._is_ready()

    def _run(self) -> None:
        try:
            for piece in self._pieces():
                with self._change:
                    while len(self._unpacked) >= _UNPACKED_AHEAD and not self._is_closed:
                        self._change.wait()
                    if self._is_closed:
                        return
                    self._unpacked.append(piece)
                    self._change.notify_all()
        except zlib.error as error:
            self.damage = f"its gzip is damaged: {error}"
        except Exception as error:  # noqa: BLE001 - raised where the bytes are asked for
            self._error = error
        finally:
            with self._change:
                self._is_done = True
                self._change.notify_all()

    def _pieces(self) -> Iterator[bytes]:
        packed = self._take()
        while packed:
            member = zlib.decompressobj(wbits=_GZIP)
            while not member.eof:
                piece = member.decompress(packed, _UNPACKED)
                if piece:
                    yield piece
                packed = member.unconsumed_tail
                # A full piece may leave some inside, though all that was packed has gone in.
                if not packed and len(piece) < _UNPACKED and not member.eof:
                    packed = self._take()
                    if not packed:
                        self.damage = "its gzip is incomplete"
                        return
            # Members may be padded with zeros.
            packed = member.unused_data.lstrip(b"\0")
            while not packed and (more := self._take()):
                packed = more.lstrip(b"\0")

    def _take(self) -> bytes:
        with self._change:
            self._is_idle = True
            self._change.notify_all()
            while not self._packed and not self._is_closed:
                self._change.wait()
            self._is_idle = False
            return self._packed.popleft() if self._packed else b""
