"""The kill switch: a file that stops every order until somebody takes it away."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nanobook_core.lob.file_layer import FileLayer, write_all
from nanobook_rebalancer.private_file import beside, make_directory, open_private

if TYPE_CHECKING:
    from pathlib import Path

_REASON_BYTES = 1000
_NO_REASON = "no reason was given"


class KillSwitch:
    """`<audit>.kill`: whoever makes that file, even an empty one, stops the rebalancer."""

    def __init__(self, audit: str | os.PathLike[str], files: FileLayer | None = None) -> None:
        self.path: Path = beside(audit, ".kill")
        self._files = files or FileLayer()

    def reason(self) -> str:
        """Return why nothing may be sent; empty where it is not set.

        It is not set where there is no such file. One that cannot be read is a reason.
        """
        try:
            descriptor = open_private(self._files, self.path, os.O_RDONLY)
            try:
                written = os.read(descriptor, _REASON_BYTES)
            finally:
                self._files.close(descriptor)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"the kill switch cannot be read: {error}"
        return _one_line(written.decode(errors="replace"))

    def set(self, reason: str) -> None:
        """Stop everything; it is in effect before the reason is written, as on a disk that is full.

        Raises:
            OSError: it cannot be said whether it survives a loss of power.

        """
        make_directory(self._files, self.path.parent)
        descriptor = open_private(self._files, self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            self._files.fsync_directory(self.path.parent)
            write_all(self._files, descriptor, _one_line(reason).encode() + b"\n")
            self._files.fsync(descriptor)
        finally:
            self._files.close(descriptor)

    def clear(self) -> None:
        """Let orders through again; without effect where it is not set.

        Raises:
            OSError: it is still set, or may be again after a loss of power.

        """
        try:
            self._files.unlink(self.path)
        except FileNotFoundError:
            return
        self._files.fsync_directory(self.path.parent)


def _one_line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split()) or _NO_REASON
