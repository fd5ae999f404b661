"""From a journal on disk to the exchange that it leads to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from nanobook_core.errors import JournalError, ValidationError
from nanobook_core.lob import snapshot
from nanobook_core.lob.append_file import AppendFile
from nanobook_core.lob.file_layer import FileLayer, write_whole
from nanobook_core.lob.journal_line import Record, Scan, Torn, header
from nanobook_core.types import StopTrigger

if TYPE_CHECKING:
    from nanobook_core.lob.exchange import ExchangeBase


@frozen
class Recovered:
    """What a journal holds."""

    exchange: ExchangeBase
    last: Record
    """The newest record; the header where there is none."""
    torn: Torn | None
    problems: tuple[str, ...]
    """What is wrong with snapshots that were not used."""


@frozen
class _Start:
    """Where to begin: what the exchange was after a record."""

    sequence: int
    checksum: str
    exchange: ExchangeBase


def create(files: FileLayer, path: Path, stop_trigger: StopTrigger) -> None:
    """Write the header of a new journal; whole, so that half of one is never a crash's doing."""
    if path.exists():
        return
    if orphans := snapshot.paths(path):
        raise JournalError(f"{path}: is missing, yet there is its snapshot {orphans[0]}")
    write_whole(files, path, [header(stop_trigger)])


def recover(path: Path, engine: type[ExchangeBase], *, use_snapshots: bool) -> Recovered:
    """Check every line, and run what came after the newest sound snapshot, or every request.

    The exchange has a whole log of events where no snapshot may be used, and else none.

    Raises:
        JournalError: a line is damaged, missing, twice there, out of order or unknown; or a sound
            snapshot is of a record that is not there.

    """
    problems: list[str] = []
    scan = Scan(path)
    records = iter(scan)
    first = last = next(records)
    stop_trigger = first.stop_trigger()
    start = _newest_sound(path, engine, problems) if use_snapshots else None
    if start is None:
        exchange = engine(stop_trigger=stop_trigger, log_events=not use_snapshots)
        start = _Start(0, first.checksum, exchange)
    for record in chain([first], records):
        last = record
        if record.sequence > start.sequence:
            # What the state refused when it was made did nothing then, and does nothing now.
            with contextlib.suppress(OverflowError):
                start.exchange.submit(record.event())
        elif record.sequence == start.sequence and record.checksum != start.checksum:
            raise JournalError(f"{record.where}: the snapshot of it is of another journal")
    if last.sequence < start.sequence:
        raise JournalError(
            f"{last.where}: the last record, yet there is a snapshot of record {start.sequence}: "
            "what was acknowledged is gone"
        )
    return Recovered(start.exchange, last, scan.torn, tuple(problems))


def _newest_sound(path: Path, engine: type[ExchangeBase], problems: list[str]) -> _Start | None:
    for candidate in snapshot.paths(path):
        try:
            found = snapshot.read(candidate)
            exchange = engine.from_state(found.state, log_events=False)
        except (JournalError, ValidationError) as error:
            problems.append(f"{candidate}: not used: {error}")
            continue
        if exchange.state_hash() == found.state_hash:
            return _Start(found.sequence, found.checksum, exchange)
        problems.append(f"{candidate}: not used: its state has another hash than it says")
    return None


def mend(files: FileLayer, path: Path, file: AppendFile, recovered: Recovered) -> Iterator[str]:
    """Leave only whole lines, synced, and say what was done."""
    last, torn = recovered.last, recovered.torn
    if torn:
        aside = path.with_name(f"{path.name}.torn")
        write_whole(files, aside, [torn.line])
        file.cut(last.offset + len(last.whole))
        yield f"{torn.where}: an incomplete record, moved to {aside}"
    elif not last.whole.endswith(b"\n"):
        file.append(b"\n")
        yield f"{last.where}: the line end was missing, and has been written"
    file.sync()
