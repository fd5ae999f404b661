"""Where the bytes of a feed come from: a file, a pipe, standard input, memory; packed or not."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from nanobook_core.errors import ValidationError, shown
from nanobook_itch.stream import Borrowed, Memory, Raw, Stream

STDIN = "-"


class Source:
    """What a feed is read from.

    Raises:
        TypeError: it is none of a path, `"-"`, a binary file object and contiguous bytes.
        FileNotFoundError, IsADirectoryError: as `open` raises them, but at once.
        ValidationError: there is no standard input.

    """

    def __init__(self, source: Any) -> None:
        self.name: str
        """For messages."""
        self.path: Path | None = None
        """Of a file on disk; None of all else."""
        self.size: int | None = None
        """In bytes, packed if it is packed; None where nobody knows it."""
        self._begin: int | None = 0
        self._is_lent = False
        self._is_read = False
        self._is_open = False
        self._raw: Callable[[], Raw]
        if isinstance(source, bytes | bytearray | memoryview):
            self._take_bytes(source)
        elif isinstance(source, str | os.PathLike) and source != STDIN:
            self._take_path(Path(source))
        else:
            self._take_file(source)

    def __reduce__(self) -> tuple[type[Source], tuple[Path]]:
        if self.path is None:
            raise TypeError(f"only a feed of a file's path can be pickled, not one of {self.name}")
        return Source, (self.path,)

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be read more than once."""
        return self._begin is not None

    @contextmanager
    def open(self, at: int = 0) -> Iterator[Stream]:
        """Give its unpacked bytes from `at` on.

        Raises:
            ValidationError: it is a pipe or the like and has been read, or it is a file object that
                is being read.

        """
        if self._is_read and not self.is_repeatable:
            raise ValidationError(
                f"{self.name} can be read once only, and has been: "
                "save it to a file, or ask for all that is needed at once"
            )
        if self._is_open and self._is_lent:
            raise ValidationError(
                f"{self.name} is being read already: give its path, so that each opens it anew"
            )
        self._is_read = self._is_open = True
        try:
            with closing(self._raw()) as raw:
                if self._is_lent and self._begin is not None:
                    raw.seek(self._begin)
                with closing(Stream(raw, self._begin)) as stream:
                    stream.skip(at)
                    yield stream
        finally:
            self._is_open = False

    def _take_bytes(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        if not view.c_contiguous:
            raise TypeError("a source is contiguous bytes, this memoryview is in pieces")
        view = view.cast("B") if view.nbytes else memoryview(b"")
        self.name, self.size = f"{len(view):,} bytes", len(view)
        self._raw = lambda: Memory(view)

    def _take_path(self, path: Path) -> None:
        self.name = str(path)
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if stat.S_ISREG(status.st_mode):
            self.path, self.size = path, status.st_size
        else:
            self._begin = None
        self._raw = lambda: path.open("rb", buffering=0)

    def _take_file(self, file: Any) -> None:
        name = getattr(file, "name", type(file).__name__)
        self.name = name if isinstance(name, str) else f"file descriptor {name}"
        if isinstance(file, str):
            self.name, file = "standard input", getattr(sys.stdin, "buffer", None)
            if file is None:
                raise ValidationError("there is no standard input to read")
        if isinstance(file, io.TextIOBase) or not callable(getattr(file, "read", None)):
            raise TypeError(
                'a source is a path, "-" for standard input, a file opened with "rb", or bytes; '
                f"got {shown(file)}"
            )
        self._begin, self._is_lent = None, True
        with suppress(AttributeError, OSError, ValueError):
            if file.seekable():
                self._begin = file.tell()
        self._raw = lambda: Borrowed(file)
