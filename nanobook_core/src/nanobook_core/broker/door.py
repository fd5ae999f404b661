"""The port that clients come in by."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable

_logger = logging.getLogger(__name__)

#: Seconds to wait where this machine has no room for one more socket.
_NO_ROOM_SECONDS = 1


class Door:
    """Accepts connections on the running loop and hands each to `admit`.

    Not asyncio's own server: that one leaves a socket open that arrives while it closes.
    """

    def __init__(self, admit: Callable[[socket.socket], None]) -> None:
        self._admit = admit
        self._socket: socket.socket
        """Bound to the port; it listens only while the door is open."""
        self.is_open = False

    def bind(self, host: str, port: int) -> int:
        """Take the port, a free one for 0, and return it; `open` accepts what comes to it.

        Raises:
            OSError: it is taken, or no such address is here.

        """
        self._socket = _bound(host, port)
        return int(self._socket.getsockname()[1])

    def refuse(self) -> None:
        """Refuse all that comes; the port stays ours."""
        host, port = self._socket.getsockname()[:2]
        self.close()
        self._socket = _bound(host, port)

    def open(self) -> None:
        """Accept on the running loop what comes to the port."""
        self._socket.listen()
        asyncio.get_running_loop().add_reader(self._socket, self._accept)
        self.is_open = True

    def close(self) -> None:
        """Give the port up."""
        if self.is_open:
            asyncio.get_running_loop().remove_reader(self._socket)
            self.is_open = False
        self._socket.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it has gone again
            return
        except OSError as error:
            _logger.warning("no connection can be accepted for a moment: %s", error)
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.call_later(_NO_ROOM_SECONDS, self._look_again, self._socket)
            return
        connection.settimeout(0)
        self._admit(connection)

    def _look_again(self, listening: socket.socket) -> None:
        if self.is_open and self._socket is listening:
            asyncio.get_running_loop().add_reader(listening, self._accept)


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the port, and refuses connections until it listens."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(0)
        made.bind((host, port))
    except BaseException:
        made.close()
        raise
    return made
