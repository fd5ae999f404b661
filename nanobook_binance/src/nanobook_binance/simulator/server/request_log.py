"""What was asked of the simulated venue and what it answered; no secret gets in here."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from attrs import fields, frozen

#: As many as some minutes of a busy test; older ones are forgotten.
LIMIT = 100_000
#: Of all that is kept, but for what Python needs to keep it: an answer may be a whole book.
MOST_BYTES = 64 * 1024 * 1024
_SECRETS = frozenset({"signature", "apiKey"})


@frozen(kw_only=True)
class LoggedRequest:
    """One request and its answer."""

    time: int
    """Milliseconds of the server's clock at its end."""
    method: str
    """Of HTTP, or `WS` for a request of the WebSocket API."""
    path: str
    """Of the URL, or the method of the WebSocket API."""
    account: str | None
    """Name of the account whose key it bore."""
    parameters: Mapping[str, str]
    """As they were sent, but for the signature."""
    status: int | None
    """None: the connection was cut before an answer."""
    answer: Any
    """What the JSON says, or the text where it is none."""
    fault: str | None = None
    """The planned fault that it met."""


_NAMES = tuple(field.name for field in fields(LoggedRequest))


def without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that anybody may see."""
    return {name: value for name, value in parameters.items() if name not in _SECRETS}


class RequestLog:
    """The latest requests of all clients, oldest first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._file: TextIO | None = None
        self._documents: deque[bytes] = deque()
        """Each request as JSON."""
        self._limit = limit
        self._bytes = 0

    def open(self, path: Path) -> None:
        """Write requests to the end of a file too, a JSON document a line, until `close`."""
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def close(self) -> None:
        """Write them nowhere but into memory."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(self, entry: LoggedRequest) -> None:
        """Keep what was asked and answered, as it is now."""
        document = json.dumps({name: getattr(entry, name) for name in _NAMES})
        self._documents.append(document.encode())
        self._bytes += len(self._documents[-1])
        while len(self._documents) > self._limit or self._bytes > MOST_BYTES:
            self._bytes -= len(self._documents.popleft())
        if self._file is not None:
            self._file.write(f"{document}\n")

    def documents(self) -> tuple[bytes, ...]:
        """What is kept, oldest first; reading it is for the thread that wants to know."""
        return tuple(self._documents)


def read_entry(document: bytes) -> LoggedRequest:
    """A request as it was kept."""
    return LoggedRequest(**json.loads(document))
