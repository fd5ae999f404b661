"""The wire alone: frames written and read without any library."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from tws.way import END, MARKETABLE, RESTING

FRAMES = Path(__file__).parents[2] / "tests" / "data" / "ibkr" / "client_frames.json"
VERSION = "176"
WINDOW = 100
"""Orders on their way at once."""
_NUMBER, _QUANTITY, _LIMIT, _ACCOUNT = 1, 17, 19, 23


class Bare:
    """One socket."""

    name = "bare socket"

    def __init__(self, port: int) -> None:
        self._order: list[str] = json.loads(FRAMES.read_text())[VERSION]["placeOrder limit"]
        self._order[_QUANTITY], self._order[_ACCOUNT] = "1", ""
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._messages = self._receive()
        self._socket.sendall(b"API\0" + _framed(f"v{VERSION}..{VERSION}".encode()))
        next(self._messages)
        self._send(["71", "2", "1", ""])
        self._number = int(self._until("9")[2])

    def burst(self, limit: int, n_orders: int) -> None:
        """Keep `WINDOW` orders on their way."""
        under_way: deque[int] = deque()
        for _ in range(n_orders):
            under_way.append(self._place(limit))
            if len(under_way) == WINDOW:
                self._wait(under_way.popleft(), limit)
        for number in under_way:
            self._wait(number, limit)

    def acknowledge(self) -> None:
        """Wait for its status."""
        self._wait(self._place(RESTING), RESTING)

    def fill(self) -> None:
        """Wait for its status, which comes behind the execution."""
        self._wait(self._place(MARKETABLE), MARKETABLE)

    def clear(self) -> None:
        """Cancel everything; what is open is told until there is an end of it."""
        self._send(["58", "1"])
        self._send(["5", "1"])
        self._until("53")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _place(self, limit: int) -> int:
        number, self._number = self._number, self._number + 1
        self._order[_NUMBER], self._order[_LIMIT] = str(number), str(limit)
        self._send(self._order)
        return number

    def _send(self, fields: list[str]) -> None:
        self._socket.sendall(_framed("".join(f"{field}\0" for field in fields).encode()))

    def _until(self, message_id: str) -> list[str]:
        return next(fields for fields in self._messages if fields[0] == message_id)

    def _wait(self, number: int, limit: int) -> None:
        awaited = [str(number), END[limit]]
        while self._until("3")[1:3] != awaited:
            pass

    def _receive(self) -> Iterator[list[str]]:
        data = b""
        while read := self._socket.recv(1 << 16):
            data += read
            while len(data) >= 4 and len(data) >= (end := 4 + int.from_bytes(data[:4], "big")):
                yield data[4:end].decode().split("\0")[:-1]
                data = data[end:]


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload
