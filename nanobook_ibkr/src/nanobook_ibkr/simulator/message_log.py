"""The messages that crossed the simulated gateway's sockets."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from attrs import frozen

from nanobook_ibkr.simulator.record import LoggedMessage

#: As many as some minutes of a busy test; older ones are forgotten.
LIMIT = 100_000
#: Of all that is kept, but for what Python needs to keep it.
MOST_BYTES = 64 * 1024 * 1024


@frozen
class Entry:
    """A message as it crossed the socket."""

    client_id: int | None
    payload: bytes
    time: float
    incoming: bool

    def read(self) -> LoggedMessage:
        """Its fields."""
        text = self.payload.decode(errors="backslashreplace")
        return LoggedMessage(
            incoming=self.incoming,
            client_id=self.client_id,
            fields=tuple(text.removesuffix("\0").split("\0")),
            time=self.time,
        )


class MessageLog:
    """The latest messages of all connections, oldest first; read into fields when asked for."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._file: TextIO | None = None
        self._entries: deque[Entry] = deque()
        self._limit = limit
        self._bytes = 0

    def open(self, path: Path) -> None:
        """Write messages to the end of a file too, a JSON document a line, until `close`."""
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def close(self) -> None:
        """Write them nowhere but into memory."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def received(self, client_id: int | None, fields: list[str], time: float) -> None:
        """Keep what a client sent."""
        payload = "".join(f"{field}\0" for field in fields).encode("utf-8", "surrogateescape")
        self._append(Entry(client_id, payload, time, incoming=True))

    def sent(self, client_id: int | None, payload: bytes, time: float) -> None:
        """Keep what was written to a client, without its length."""
        self._append(Entry(client_id, payload, time, incoming=False))

    def _append(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._bytes += len(entry.payload)
        while len(self._entries) > self._limit or self._bytes > MOST_BYTES:
            self._bytes -= len(self._entries.popleft().payload)
        if self._file is not None:
            document = {
                "client": entry.client_id,
                "says" if entry.incoming else "hears": entry.read().fields,
            }
            self._file.write(f"{json.dumps(document)}\n")

    def entries(self) -> tuple[Entry, ...]:
        """What is kept, oldest first; reading it is for the thread that wants to know."""
        return tuple(self._entries)


def select(
    entries: Iterable[Entry],
    *,
    incoming: bool | None = None,
    client_id: int | None = None,
    message_id: int | None = None,
) -> tuple[LoggedMessage, ...]:
    """Messages in one direction, of one client, of one kind; None stands for all of them."""
    start = None if message_id is None else str(message_id).encode()
    return tuple(
        entry.read()
        for entry in entries
        if (incoming is None or entry.incoming is incoming)
        and (client_id is None or entry.client_id == client_id)
        and (start is None or entry.payload.split(b"\0", 1)[0] == start)
    )
