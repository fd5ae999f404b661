"""The lines of an audit log, version 1: canonical JSON, each with the hash of the one before.

`{"data":{},"event":"…","hash":"…","prev":"…","run":"…","seq":1,"ts_mono":1.5,"ts_wall":"…","v":1}`:
keys sorted, no blanks, ASCII. `hash` is the SHA-256, in hexadecimal digits, of `prev` and then of
the line without `hash`. The first `prev` is 64 zeros, the first `seq` is 1.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from nanobook_rebalancer.errors import AuditError, InputError
from nanobook_rebalancer.json_document import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

VERSION = 1
LINE_BYTES = 1 << 20
FIRST_PREV = "0" * 64

#: What can have happened; a log with anything else is of another version.
EVENTS = frozenset(
    {
        "cancel_intent",
        "cancel_result",
        "diff_computed",
        "halted",
        "killed",
        "no_rebalance_needed",
        "order_done",
        "order_filled",
        "order_intent",
        "order_not_sent",
        "order_submitted",
        "order_unknown",
        "positions_fetched",
        "recovered",
        "review",
        "risk_check",
        "run_completed",
        "run_started",
        "shutdown",
        "target_rejected",
        "user_confirmed",
    }
)

_FIELDS: dict[str, type] = {
    "data": dict,
    "event": str,
    "hash": str,
    "prev": str,
    "run": str,
    "seq": int,
    "ts_mono": float,
    "ts_wall": str,
    "v": int,
}
_TS_WALL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
#: How every line begins, by which half of a first one is told from a file that is not ours.
_START = b'{"data":{'


@frozen(kw_only=True)
class AuditRecord:
    """One line of an audit log."""

    seq: int
    """From 1, without a gap."""
    ts_wall: str
    """Time of day in UTC, `2026-01-31T09:30:00.000000Z`; it may jump."""
    ts_mono: float
    """Seconds of the monotonic clock, which measures within one process."""
    run: str
    """One start of the program, as whoever appends calls it."""
    event: str
    data: dict[str, Any] = field(eq=False)
    prev: str
    """`hash` of the record before."""
    hash: str


def canonical(value: object) -> bytes:
    """Return the one way in which a document is written.

    Raises:
        TypeError, ValueError: it is none of JSON.

    """
    return json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def line_of(body: dict[str, Any]) -> bytes:
    """Return the line, with its end, of a record without `hash`."""
    return canonical(body | {"hash": _hash(body)}) + b"\n"


def _hash(body: dict[str, Any]) -> str:
    return sha256(body["prev"].encode() + canonical(body)).hexdigest()


def read_line(line: bytes) -> AuditRecord:
    """Return the record of a line without its end.

    Raises:
        ValueError: it is none of this version, or its hash is of something else.

    """
    document = _document(line)
    if canonical(document) != line:
        raise ValueError(f"not as it was written: {line!r:.80}")
    written = document.pop("hash")
    if (found := _hash(document)) != written:
        raise ValueError(f"the hash is {written!r:.70}, that of what is there {found!r}")
    if document["event"] not in EVENTS:
        raise ValueError(f"version {VERSION} has no event {document['event']!r:.40}")
    if not _TS_WALL.fullmatch(document["ts_wall"]):
        raise ValueError(f"no time of day in UTC: {document['ts_wall']!r:.40}")
    del document["v"]
    return AuditRecord(**document, hash=written)


def _document(line: bytes) -> dict[str, Any]:
    """Return what a line has in it, of this version's fields and types."""
    try:
        document = parse_json(line, limit=LINE_BYTES, what="record")
    except InputError as error:
        raise ValueError(str(error)) from None
    if not isinstance(document, dict):
        raise ValueError(f"not a record: {line!r:.80}")  # noqa: TRY004 - of a file, not an argument
    if not _FIELDS.keys() & document.keys():
        raise ValueError("this is no audit log")
    version = document.get("v")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version {version!r:.40}; this one reads {VERSION}")
    if missing := _FIELDS.keys() - document.keys():
        raise ValueError(f"without {', '.join(sorted(missing))}")
    if unknown := document.keys() - _FIELDS.keys():
        raise ValueError(f"version {VERSION} has no {', '.join(map(ascii, sorted(unknown))):.80}")
    for name, kind in _FIELDS.items():
        if type(document[name]) is not kind:
            raise ValueError(f"{name} is no {kind.__name__}: {document[name]!a:.40}")
    return document


class Scan:
    """Goes through all records once; then says how the file ends.

    A last line without its end is a record all the same if its hash is right: what can be verified
    is never dropped. Any other one is what a crash left of a record that nobody was told of.

    Raises:
        AuditError: a line is damaged, missing, twice there, out of order or of another version.

    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self.whole_bytes = 0
        """Up to the end of the last record, its line end included."""
        self.torn: bytes | None = None
        """What is there behind them."""
        self.lacks_line_end = False
        """The last record is whole but for that."""

    def __iter__(self) -> Iterator[AuditRecord]:
        prev = FIRST_PREV
        for seq, whole in enumerate(iter(lambda: self._file.readline(LINE_BYTES + 1), b""), 1):
            if len(whole) > LINE_BYTES:
                raise self._damage(seq, f"longer than {LINE_BYTES:,} bytes")
            line = whole.removesuffix(b"\n")
            is_ended = len(line) < len(whole)
            try:
                record = read_line(line)
            except ValueError as error:
                if is_ended or not _is_torn(line, seq):
                    raise self._damage(seq, str(error)) from None
                self.torn = line
                return
            if record.seq != seq:
                raise self._damage(seq, f"record {seq} is expected, got {record.seq}")
            if record.prev != prev:
                raise self._damage(
                    seq, f"prev is not the hash of line {seq - 1}: {record.prev:.70}"
                )
            self.whole_bytes += len(whole)
            self.lacks_line_end = not is_ended
            prev = record.hash
            yield record

    def _damage(self, seq: int, message: str) -> AuditError:
        return AuditError(self._path, seq, self.whole_bytes, message)


def _is_torn(line: bytes, seq: int) -> bool:
    """Whether a crash can have left this of a last line, instead of damage to a whole one."""
    written = line.rstrip(b"\0")  # some file systems leave the rest of a page
    if seq == 1 and not (written.startswith(_START) or _START.startswith(written)):
        return False
    try:
        read_line(line[:-1])
    except ValueError:
        return True
    return False
