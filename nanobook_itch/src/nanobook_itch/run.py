"""Runs of bytes, each from where a message begins, in one buffer that is used again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from nanobook_core.contracts.itch import ItchProblem
from nanobook_core.progress import Bar

if TYPE_CHECKING:
    from nanobook_itch.source import Source
    from nanobook_itch.stream import Stream

#: In bytes; the caches of processors hold it.
RUN = 1 << 20

#: In bytes, of a message with the length before it.
_LARGEST = 2 + 65535

_END_MARK = b"\0\0"


class Runs:
    """Runs of about `n_bytes`; who reads one says by `use` how much of it, the next has the rest.

    A run is overwritten by the next.
    """

    def __init__(self, stream: Stream, n_bytes: int, bar: Bar) -> None:
        self._stream = stream
        self._bar = bar
        self._n_bytes = n_bytes
        self._run = memoryview(bytearray())
        self._n_used = 0
        self.is_last = False
        """Whether nothing comes after this run."""

    def __iter__(self) -> Iterator[memoryview]:
        buffer = np.empty(_LARGEST + self._n_bytes, np.uint8).data
        while not self.is_last:
            rest = self.rest
            buffer[: len(rest)] = rest
            got = self._stream.readinto(buffer[len(rest) : len(rest) + self._n_bytes])
            self._bar.reach(self._stream.n_read)
            self.is_last = got < self._n_bytes
            self._run = buffer[: len(rest) + got]
            self._n_used = 0
            yield self._run

    def use(self, n: int) -> None:
        """Say that so many more bytes of the run have been read."""
        self._n_used += n

    @property
    def rest(self) -> memoryview:
        """What has not been read of this run."""
        return self._run[self._n_used :]

    @property
    def is_stopped(self) -> bool:
        """Whether there is a whole message that has not been read."""
        rest = self.rest
        return len(rest) >= _message_size(rest) and rest != _END_MARK

    def ending(self, offset: int, n_messages: int) -> ItchProblem | None:
        """Return what is wrong with how the source ends, once all of its last run has been read.

        `offset` is of the first byte that was not read.
        """
        rest = bytes(self.rest)
        kind = chr(rest[2]) if len(rest) > len(_END_MARK) else ""
        if self._stream.damage:
            return ItchProblem(offset, kind, "truncated", self._stream.damage)
        if rest and rest != _END_MARK:
            needed = _message_size(self.rest)
            return ItchProblem.of(offset, kind, "truncated", found=len(rest), needed=needed)
        if not n_messages:
            return ItchProblem(offset, "", "truncated", "it is empty, there is no message in it")
        return None


@contextmanager
def reading(
    source: Source, n_bytes: int = RUN, *, at: int = 0, progress: bool = True
) -> Iterator[Runs]:
    """Read a source from a place in its unpacked bytes, with a bar for who watches."""
    label = f"reading {source.name}"
    with (
        source.open(at) as stream,
        Bar(label, source.size, is_shown=progress, is_bytes=True) as bar,
    ):
        yield Runs(stream, n_bytes, bar)


def _message_size(data: memoryview) -> int:
    return 2 if len(data) < 2 else 2 + int.from_bytes(data[:2])  # noqa: PLR2004 - bytes of a length
