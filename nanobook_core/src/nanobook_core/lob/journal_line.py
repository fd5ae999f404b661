"""The lines of a journal, schema 1: a checksum, a blank, and JSON.

The first is the header, `{"journal":1,"stop_trigger":"every"}`; the n-th after it is record n,
`[n,{"Cancel":{"order_id":1}}]`. The checksum is the CRC-32 of the JSON's bytes in eight hexadecimal
digits: it finds every damage of up to 32 neighbouring bits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zlib import crc32

from attrs import frozen

from nanobook_core.contracts.event import Event
from nanobook_core.errors import JournalError, ValidationError
from nanobook_core.lob.file_layer import lines
from nanobook_core.types import StopTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = 1

_CHECKSUM_BYTES = 8


def framed(text: str) -> bytes:
    """Return the line of a JSON text."""
    body = text.encode()
    return b"%08x %s\n" % (crc32(body), body)


def checksum(line: bytes) -> str:
    """Return the eight digits at the front of a line."""
    return line[:_CHECKSUM_BYTES].decode()


def unframed(line: bytes) -> bytes | None:
    """Return the JSON of a line without its end; None where the checksum differs."""
    body = line[_CHECKSUM_BYTES + 1 :]
    return body if line == b"%08x %s" % (crc32(body), body) else None


def header(stop_trigger: StopTrigger) -> bytes:
    """Return the first line of a journal."""
    return framed(_header_text(stop_trigger))


def _header_text(stop_trigger: StopTrigger) -> str:
    return f'{{"journal":{SCHEMA},"stop_trigger":"{stop_trigger}"}}'


def record(sequence: int, event: Event) -> bytes:
    """Return the line of the request of that number, counted from 1."""
    return framed(f"[{sequence},{event.to_json()}]")


@frozen
class Record:
    """One line of a journal, whose checksum and number are right; number 0 is the header."""

    sequence: int
    whole: bytes
    """With its line end; the last one may lack it."""
    offset: int
    where: str
    """For messages: the file, line and byte offset."""

    @property
    def checksum(self) -> str:
        """Eight hexadecimal digits."""
        return checksum(self.whole)

    @property
    def _body(self) -> bytes:
        return self.whole.removesuffix(b"\n")[_CHECKSUM_BYTES + 1 :]

    def event(self) -> Event:
        """Return the request.

        Raises:
            JournalError: this version has no such request, or would have written it otherwise.

        """
        text = self._body[len(f"[{self.sequence},") : -1].decode(errors="replace")
        try:
            event = Event.from_json(text)
        except ValidationError as error:
            raise JournalError(f"{self.where}: {error}") from None
        # A field that this version does not know, and would drop without a word, shows here.
        if event.to_json() != text:
            raise JournalError(f"{self.where}: schema {SCHEMA} does not spell it so: {text:.80}")
        return event

    def stop_trigger(self) -> StopTrigger:
        """Return the setting in the header.

        Raises:
            JournalError: it is of another schema, or not a header.

        """
        body = self._body
        for trigger in StopTrigger:
            if body == _header_text(trigger).encode():
                return trigger
        try:
            schema = json.loads(body)["journal"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise JournalError(f"{self.where}: no header of a journal: {body!r:.80}") from None
        if schema != SCHEMA:
            raise JournalError(f"{self.where}: schema {schema!r:.40}; this version reads {SCHEMA}")
        raise JournalError(f"{self.where}: schema {SCHEMA} has no such settings: {body!r:.80}")


@frozen
class Torn:
    """What a crash left of a last line."""

    line: bytes
    where: str


class Scan:
    """Goes through all lines once, the header first; then `torn` is what is left over, if anything.

    A last line without its end is a record all the same if its checksum is right: what can be
    verified is never dropped.

    Raises:
        JournalError: a line is damaged, missing, twice there, or out of order.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.torn: Torn | None = None

    def __iter__(self) -> Iterator[Record]:
        sequence = -1
        for sequence, (number, offset, whole) in enumerate(lines(self._path)):
            where = f"{self._path}: line {number} at byte {offset}"
            line = whole.removesuffix(b"\n")
            body = unframed(line)
            if body is None:
                # The header was there whole before anything else was written, and what is a record
                # but for its last byte has lost its line end to damage.
                if sequence and not whole.endswith(b"\n") and unframed(line[:-1]) is None:
                    self.torn = Torn(line, where)
                    return
                raise JournalError(f"{where}: damaged, the checksum differs: {line!r:.80}")
            if sequence and not (body.startswith(b"[%d," % sequence) and body.endswith(b"]")):
                raise JournalError(f"{where}: record {sequence} is expected, got {body!r:.80}")
            yield Record(sequence, whole, offset, where)
        if sequence < 0:
            raise JournalError(f"{self._path}: line 1 at byte 0: empty, not even a header")
