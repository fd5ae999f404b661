"""The audit log: what happened, in order, on disk before anything is built on it."""

from __future__ import annotations

import datetime as dt
import errno
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from attrs import frozen

from nanobook_core.errors import ValidationError
from nanobook_core.lob.file_layer import FileLayer, write_all
from nanobook_rebalancer.anchor import check_anchor, write_anchor
from nanobook_rebalancer.chain import (
    EVENTS,
    FIRST_PREV,
    LINE_BYTES,
    VERSION,
    AuditRecord,
    Scan,
    line_of,
    read_line,
)
from nanobook_rebalancer.errors import AuditError, AuditWriteError
from nanobook_rebalancer.lock import close_in_child, hold
from nanobook_rebalancer.private_file import beside, make_directory, open_private
from nanobook_rebalancer.redaction import Redactor

if TYPE_CHECKING:
    from types import TracebackType

    from nanobook_core.contracts import Clock, Secret


@frozen
class AuditVerdict:
    """What a sound audit log is."""

    records: int
    last_hash: str
    """64 zeros where there is no record."""
    torn: bool
    """Whether half a record is at the end, as a crash leaves it."""
    anchored: int
    """The last record of which the anchor says that it was there; 0 without an anchor."""


class AuditLog:
    """A file that only grows, whose every line holds the hash of the one before.

    What `append` has returned survives a loss of power. After an error of the operating system, or
    an append that did not end, it refuses everything for good: what is on disk then is unknown, and
    another try that succeeds would not prove anything. Opened anew, what is on disk decides.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        files: FileLayer,
        redactor: Redactor,
        descriptor: int,
        records: list[AuditRecord],
        torn: bytes | None,
    ) -> None:
        self.path = path
        self.records = records
        """All of them, those appended too."""
        self.torn = torn
        """The incomplete record that opening moved to `<path>.torn`."""
        self._clock = clock
        self._files = files
        self._redactor = redactor
        self._descriptor: int | None = descriptor
        self._failure: OSError | None = None
        self._turn = threading.Lock()
        close_in_child(self)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        clock: Clock,
        files: FileLayer | None = None,
        redactor: Redactor | None = None,
        key: Secret | None = None,
    ) -> Self:
        """Create a log, mode 0600, or verify the one that is there, and hold it against others.

        Half a record at the end, as a crash leaves it, is added to `<path>.torn` and cut off. Where
        there is `<path>.anchor` the record that it names has to be there; `key` is that of its
        signature.

        Raises:
            AuditError: it is damaged, shortened or of another version; it is untouched.
            LockedError: another process, or another opening in this one, writes it.
            OSError: it cannot be created, read or written, or is a symbolic link.

        """
        files = files or FileLayer()
        path = beside(path)
        with ExitStack() as undo:
            make_directory(files, path.parent)
            descriptor = open_private(files, path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            undo.callback(files.close, descriptor)
            hold(descriptor, path)
            with _reader(descriptor) as file:
                scan = Scan(str(path), file)
                records = list(scan)
            check_anchor(path, records, key)
            if scan.torn is not None:
                _put_aside(files, path, scan.torn)
                files.truncate(descriptor, scan.whole_bytes)
            elif scan.lacks_line_end:
                write_all(files, descriptor, b"\n")
            # Whoever made the file or wrote the last record may have died before it was synced.
            files.fsync(descriptor)
            files.fsync_directory(path.parent)
            undo.pop_all()
        return cls(
            path,
            clock=clock,
            files=files,
            redactor=redactor or Redactor(),
            descriptor=descriptor,
            records=records,
            torn=scan.torn,
        )

    def append(self, run: str, event: str, data: dict[str, Any]) -> AuditRecord:
        """Write a record, redacted, and return it once it survives a loss of power.

        `run` stays as it is: by it what was done is found again. `data` is of dict, list, tuple,
        str, int, bool and None; quantities, prices and money are decimal strings.

        Raises:
            TypeError: `run` is no str, or something else in `data`, such as a float; nothing is
                written.
            ValidationError: an unknown event, a secret in `run`, or a record beyond the limits of
                reading: longer than 1 MiB, deeper than 64, a number of more than 32 digits; nothing
                is written.
            AuditWriteError: it could not be written, or something before could not.
            AuditError: the log is closed, or was opened before a fork.

        """
        if not isinstance(run, str):
            raise TypeError(f"run: a str, got {type(run).__name__}")
        if event not in EVENTS:
            raise ValidationError(f"event: one of {', '.join(sorted(EVENTS))}; got {event!r:.40}")
        if self._redactor.without_secrets(run) != run:
            raise ValidationError("run: it has a secret or half a character in it; rename it")
        with self._turn:
            descriptor = self._writable()
            line = line_of(
                {
                    "data": self._redactor.data(data),
                    "event": event,
                    "prev": self.records[-1].hash if self.records else FIRST_PREV,
                    "run": run,
                    "seq": len(self.records) + 1,
                    "ts_mono": round(float(self._clock.monotonic()), 6),
                    "ts_wall": _written(self._clock.now()),
                    "v": VERSION,
                }
            )
            record = _read_back(line)
            # Unless it ends, what is on disk is unknown, whatever interrupted it.
            self._failure = OSError(errno.EINTR, "an append was interrupted", str(self.path))
            try:
                write_all(self._files, descriptor, line)
                self._files.fsync(descriptor)
            except OSError as error:
                self._failure = error
                raise AuditWriteError(str(self.path), error) from error
            self._failure = None
            self.records.append(record)
            return record

    def write_anchor(self, key: Secret | None = None) -> None:
        """Write number and hash of the last record to `<path>.anchor`, signed where there is a key.

        A log that is shortened afterwards is refused. Without the key, whoever can write the one
        file can write the other.

        Raises:
            AuditWriteError: it cannot be written; the log itself goes on.
            AuditError: as `append`.

        """
        self._writable()
        try:
            write_anchor(self._files, self.path, self.records, key)
        except OSError as error:
            raise AuditWriteError(str(self.path), error) from error

    def close(self) -> None:
        """Let others open it; everything is on disk already."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._files.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AuditLog({str(self.path)!r}, records={len(self.records)})"

    def _writable(self) -> int:
        if self._failure is not None:
            raise AuditWriteError(str(self.path), self._failure)
        if self._descriptor is None:
            raise AuditError(str(self.path), 0, 0, "is closed, or was opened before a fork")
        return self._descriptor


def verify_audit(
    path: str | os.PathLike[str],
    anchor: str | os.PathLike[str] | None = None,
    *,
    key: Secret | None = None,
) -> AuditVerdict:
    """Check every line, and touch nothing; while a writer is at work, what it had written by then.

    `anchor` is `<path>.anchor` by default, where it is there; with a `key` its signature is checked
    too.

    Raises:
        AuditError: the first line that is damaged, missing, out of order or of another version, or
            what the anchor says was there and is not.
        OSError: it cannot be read, or is a symbolic link.

    """
    path = beside(path)
    files = FileLayer()
    descriptor = open_private(files, path, os.O_RDONLY)
    try:
        with _reader(descriptor) as file:
            scan = Scan(str(path), file)
            records = list(scan)
    finally:
        files.close(descriptor)
    anchored = check_anchor(path, records, key, anchor=None if anchor is None else beside(anchor))
    last = records[-1].hash if records else FIRST_PREV
    return AuditVerdict(len(records), last, scan.torn is not None, anchored)


def _reader(descriptor: int) -> BinaryIO:
    return open(descriptor, "rb", closefd=False)


def _put_aside(files: FileLayer, path: Path, torn: bytes) -> None:
    aside = beside(path, ".torn")
    descriptor = open_private(files, aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        write_all(files, descriptor, torn + b"\n")
        files.fsync(descriptor)
    finally:
        files.close(descriptor)
    files.fsync_directory(path.parent)


def _written(now: dt.datetime) -> str:
    utc = now.astimezone(dt.UTC)
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _read_back(line: bytes) -> AuditRecord:
    """Return what reading makes of it, so that nothing is written that cannot be read."""
    if len(line) > LINE_BYTES:
        raise ValidationError(f"a record of at most {LINE_BYTES:,} bytes, got {len(line):,}")
    try:
        return read_line(line[:-1])
    except ValueError as error:
        raise ValidationError(f"no record: {error}") from None
