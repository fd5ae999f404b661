"""A server that answers by a script, byte by byte, and does what none should."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections import deque
from urllib.parse import urlsplit

from attrs import field, frozen

_LINGER = struct.pack("ii", 1, 0)


@frozen
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: str
    connection: int

    @property
    def path(self):
        return urlsplit(self.target).path

    @property
    def payload(self):
        return urlsplit(self.target).query + self.body


@frozen
class Script:
    """What is done with a request; `is_end` closes the connection after it."""

    act: object = field(repr=False)
    is_end: bool = False

    def __call__(self, connection, server):
        self.act(connection, server)
        return self.is_end


def head(length, status=200, headers=(), kind="application/json;charset=UTF-8"):
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *(f"{n}: {v}" for n, v in dict(headers).items()), "", ""]).encode()


def answer(told, status=200, headers=(), kind="application/json;charset=UTF-8"):
    """A whole answer; `told` is JSON unless it is a str or bytes."""
    body = told.encode() if isinstance(told, str) else told
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return sent(head(len(body), status, headers, kind) + body)


def sent(data, *, is_end=False):
    return Script(lambda connection, _: connection.sendall(data), is_end=is_end)


def refusal(code, text, status=400, headers=()):
    return answer({"code": code, "msg": text}, status, headers)


def raw(data):
    """These bytes and an end."""
    return sent(data, is_end=True)


def close():
    """An end without an answer."""
    return raw(b"")


def reset():
    """An end by RST, as of a machine that knows of no such connection."""

    def act(connection, _):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)

    return Script(act, is_end=True)


def cut(told, at):
    """Half an answer: as many bytes of its body as `at` says."""
    body = json.dumps(told).encode()
    return raw(head(len(body)) + body[:at])


def silence():
    """Nothing, until the server ends."""
    return Script(lambda _, server: server.ended.wait(60), is_end=True)


def dribble(data):
    """These bytes one by one, and then the same one for ever, until nobody listens."""

    def act(connection, server):
        for byte in data:
            connection.sendall(bytes([byte]))
        while not server.ended.wait(0.01):
            connection.sendall(data[-1:])

    return Script(act, is_end=True)


class ScriptedServer:
    """Answers the n-th request with the n-th step, and those after the last with `{}`.

    `/api/v3/time` is no part of the script: it tells `now`; where that is None, nothing.
    """

    def __init__(self, *steps):
        self.steps = deque(steps)
        self.now = time.time
        self.times = 0
        self.requests = []
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)

    def seen(self, path=None):
        """Requests that came, of a path or of all but the time."""
        with self._lock:
            return [one for one in self.requests if path is None or one.path == path]

    def _accept(self):
        threads = []
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            number += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(60)

    def _serve(self, connection, number):
        with self._lock:
            self._open.add(connection)
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            while not self.ended.is_set():
                request = _read(lines, number)
                if request is None or self._next(request)(connection, self):
                    break
        with self._lock:
            self._open.discard(connection)

    def _next(self, request):
        if request.path == "/api/v3/time":
            self.times += 1
            return answer({"serverTime": int(self.now() * 1000)}) if self.now else close()
        with self._lock:
            self.requests.append(request)
            return self.steps.popleft() if self.steps else answer({})


def _read(lines, number):
    first = lines.readline().decode().split()
    if not first:
        return None
    headers = {}
    while line := lines.readline().decode().strip():
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    body = lines.read(int(headers.get("content-length", 0))).decode()
    return Received(first[0], first[1], headers, body, number)
