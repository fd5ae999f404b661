"""Gzip, unpacked ahead of who reads it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread

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
        # Queues made in C, since a Ctrl-C within a lock made in Python may leave it locked.
        self._packed: SimpleQueue[bytes] = SimpleQueue()
        self._unpacked: SimpleQueue[bytes | Exception | int] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(_UNPACKED_AHEAD):
            self._room.put(None)
        self._n_pushed = 0
        self._is_pulled = False
        self._is_closed = False
        self._n_taken = 0
        self._rest: memoryview | None = memoryview(b"")
        self._thread = Thread(target=self._run, name="nanobook-inflate", daemon=True)
        self.damage = ""
        """Why there is no more, where that is not the end; empty as long as all is well."""

    def close(self) -> None:
        """End the thread, if it has begun, and wait until it has ended."""
        self._is_closed = True
        self._packed.put(b"")
        self._room.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def readinto(self, into: memoryview) -> int:
        """Fill the buffer as far as there is something, and return how far; 0 at the end."""
        if self._thread.ident is None:
            self._thread.start()
        if self._rest is not None and not self._rest:
            self._rest = self._next()
        if self._rest is None:
            return 0
        n = min(len(into), len(self._rest))
        into[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n

    def _next(self) -> memoryview | None:
        while True:
            while self._packed.qsize() < _PACKED_AHEAD and self._is_ready() and self._push():
                pass
            try:
                piece = self._unpacked.get(timeout=_NAP_S)
            except Empty:
                continue
            if isinstance(piece, Exception):
                raise piece
            if piece == b"":
                return None
            if isinstance(piece, bytes):
                self._room.put(None)
                return memoryview(piece)
            if piece == self._n_pushed:  # the thread has taken all of them, and waits
                self._push()

    def _push(self) -> bool:
        """Pull some packed bytes for the thread, and return whether there were any."""
        if not self._is_pulled:
            packed = self._pull(_PACKED)
            self._is_pulled = not packed
            self._n_pushed += 1
            self._packed.put(packed)
        return not self._is_pulled

    def _run(self) -> None:
        try:
            for piece in self._pieces():
                self._room.get()
                if self._is_closed:
                    return
                self._unpacked.put(piece)
        except zlib.error as error:
            self.damage = f"its gzip is damaged: {error}"
        except Exception as error:  # noqa: BLE001 - raised where the bytes are asked for
            self._unpacked.put(error)
        finally:
            self._unpacked.put(b"")

    def _pieces(self) -> Iterator[bytes]:
        packed = self._take()
        while packed:
            member = zlib.decompressobj(wbits=_GZIP)
            while not member.eof:
                before = member.copy()
                try:
                    piece = member.decompress(packed, _UNPACKED)
                except zlib.error:
                    if sound := _sound(before, packed):
                        yield sound
                    raise
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
        if self._packed.empty():
            self._unpacked.put(self._n_taken)
        self._n_taken += 1
        return self._packed.get()


def _sound(member: zlib._Decompress, packed: bytes) -> bytes:
    """Return what can be unpacked before the place that is damaged."""
    sound = bytearray()
    with suppress(zlib.error):
        for at in range(len(packed)):
            sound += member.decompress(packed[at : at + 1])
    return bytes(sound)
