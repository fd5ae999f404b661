"""States of a journal's exchange in files beside it, so that opening need not run every request."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from attrs import frozen

from nanobook_core.contracts import EngineState
from nanobook_core.errors import JournalError
from nanobook_core.lob.file_layer import FileLayer, write_whole
from nanobook_core.lob.journal_line import framed, unframed

SCHEMA = 1

#: Snapshots that stay when another is written: one more than is needed, should it be damaged.
KEPT = 2


@frozen
class Snapshot:
    """What an exchange was after a record of its journal."""

    sequence: int
    checksum: str
    """Of that record, so that a snapshot of another journal is not taken for one of this."""
    state: EngineState
    state_hash: int


def write(files: FileLayer, journal: Path, snapshot: Snapshot) -> Path:
    """Write it durably beside the journal, and remove all but the newest ones."""
    from nanobook_core.lob.record_json import to_json

    path = journal.with_name(f"{journal.name}.{snapshot.sequence}.snapshot")
    head = {
        "snapshot": SCHEMA,
        "sequence": snapshot.sequence,
        "checksum": snapshot.checksum,
        "state_hash": snapshot.state_hash,
    }
    text = json.dumps(head, separators=(",", ":"))[:-1]
    line = framed(f'{text},"state":{to_json(snapshot.state)}}}')
    write_whole(files, path, [line])
    for old in paths(journal)[KEPT:]:
        files.unlink(old)
    return path


def paths(journal: Path) -> list[Path]:
    """All snapshots beside a journal, the newest first."""
    name = re.compile(re.escape(journal.name) + r"\.([0-9]+)\.snapshot")
    found = [
        (int(m[1]), path) for path in journal.parent.iterdir() if (m := name.fullmatch(path.name))
    ]
    return [path for _, path in sorted(found, reverse=True)]


def read(path: Path) -> Snapshot:
    """Read what `write` wrote.

    Raises:
        JournalError: the file is damaged or of another version.

    """
    from nanobook_core.lob.record_json import from_json

    line = path.read_bytes()
    body = unframed(line[:-1])
    if body is None or line[-1:] != b"\n":
        raise JournalError(f"{path}: damaged: the checksum differs")
    try:
        document: dict[str, Any] = json.loads(body)
        schema = document.pop("snapshot")
        if schema == SCHEMA:
            document["state"] = from_json(EngineState, json.dumps(document["state"]))
            return Snapshot(**document)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise JournalError(f"{path}: {error}") from None
    raise JournalError(f"{path}: schema {schema!r:.40}; this version reads {SCHEMA}")
