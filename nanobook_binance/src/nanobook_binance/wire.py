"""HTTP as `requests` speaks it, with an end to every answer and a word on whether it was sent."""

from __future__ import annotations

import http.client
import io
import logging
import queue
import re
import socket
import threading
import time
from collections import deque
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

#: So many threads at once have a connection each that is kept.
CONNECTIONS = 16
_SIGNATURE = re.compile(r"signature=[^&\s]*")


class Sending(threading.local):
    """What this thread sends."""

    has_begun = False
    """Whether a byte of the request has been handed to the machine: it may be on its way then."""


sending = Sending()


class _Until(io.RawIOBase):
    """What comes from a socket until a moment: the time-out of a socket is of each piece only."""

    def __init__(self, pieces: io.RawIOBase, sock: socket.socket) -> None:
        self._pieces = pieces
        self._sock = sock
        seconds = sock.gettimeout()
        self._end = None if seconds is None else time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        return self._pieces.readinto(buffer)

    def close(self) -> None:
        self._pieces.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer of which all must have come within the time-out of its socket."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock))


class _Http(HTTPConnection):
    response_class = _TimedResponse

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        sending.has_begun = True
        super().send(data)


class _Https(HTTPSConnection):
    response_class = _TimedResponse

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        sending.has_begun = True
        super().send(data)


class _Kept:
    """Connections that are kept, as a pool asks for them: the last one first, without waiting.

    An interrupt (Ctrl-C) in a queue in Python can leave its lock held for ever.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: deque[Any] = deque()

    def qsize(self) -> int:
        return len(self._kept)

    def get(self, block: bool = False, timeout: float | None = None) -> Any:  # noqa: ARG002, FBT001, FBT002 - as the queue's
        try:
            return self._kept.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, connection: Any, block: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        if len(self._kept) >= self._most:
            raise queue.Full
        self._kept.append(connection)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http
    QueueCls = _Kept  # type: ignore[assignment]


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https
    QueueCls = _Kept  # type: ignore[assignment]


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _Adapter(HTTPAdapter):
    """Repeats nothing by itself, neither a question nor an order."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=0)

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        super().init_poolmanager(*args, **named)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **named: Any) -> Any:
        manager = super().proxy_manager_for(*args, **named)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _CutSignature(logging.Filter):
    """Cuts signatures out of the addresses that urllib3 logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _SIGNATURE.sub("signature=***", argument) if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True


def open_session(*, use_proxies: bool) -> requests.Session:
    """Return a session that keeps no cookies, follows the environment's proxies or none."""
    session = requests.Session()
    session.trust_env = use_proxies
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    logger = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(one, _CutSignature) for one in logger.filters):
        logger.addFilter(_CutSignature())
    return session
