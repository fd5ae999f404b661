"""The account's own events, as the venue tells them over a WebSocket."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import random
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

import websocket

from nanobook_binance.error_code import error_of
from nanobook_binance.rest import Rest
from nanobook_binance.signature import Keys, payload
from nanobook_core.contracts import (
    BrokerError,
    BrokerProtocolError,
    ClockSkewError,
    ConnectError,
)

log = logging.getLogger("nanobook.broker")

_OK = 200
#: Events after which nothing more comes.
_ENDS = ("eventStreamTerminated", "serverShutdown")


class StreamEndedError(Exception):
    """Nobody listens to this stream any more."""


#: What a connection ends by.
_EXPECTED = (StreamEndedError, BrokerError, OSError, websocket.WebSocketException, ValueError)


class StreamListener(Protocol):
    """Hears what a stream tells, on its thread.

    Raises:
        StreamEndedError: it listens to another one now, or to none.

    """

    def stream_up(self, stream: UserStream) -> None:
        """Events come from now on; what happened before is to be asked for.

        Raises:
            BrokerError: that could not be; the stream is opened anew.

        """
        ...

    def stream_down(self, stream: UserStream, error: Exception) -> None:
        """No event comes until `stream_up`, for that reason."""
        ...

    def report(self, stream: UserStream, event: Mapping[str, Any]) -> None:
        """An `executionReport` has come."""
        ...


class UserStream:
    """Opens the stream, and opens it again whenever it ends, until it is stopped.

    No event is told twice by the venue after a new connection, nor one that was missed.
    """

    silence = 30.0
    """Seconds without anything, pings included, after which the venue is asked for a sign."""
    patience = 10.0
    """Seconds for that sign."""
    steady = 60.0
    """Seconds that a stream is up after which the pauses begin anew."""
    longest_pause = 60.0
    """Seconds between attempts, at most; they begin with 1 and double."""

    def __init__(
        self, url: str, keys: Keys, rest: Rest, listener: StreamListener, timeout: float
    ) -> None:
        """Open nothing yet; `timeout` in seconds is that of each step of a connection."""
        self._url = url
        self._keys = keys
        self._rest = rest
        self._listener = listener
        self._timeout = timeout
        # An interrupt in an event of `threading` can leave it locked for ever.
        self._now: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._socket: websocket.WebSocket | None = None
        self._thread = threading.Thread(target=self._run, name="nanobook-binance", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether it is its own thread that asks."""
        return threading.current_thread() is self._thread

    def hurry(self) -> None:
        """Try at once, where the next attempt is waited for."""
        self._now.put(None)

    def stop(self) -> None:
        """End it; nothing is told any more once `join` has returned."""
        self._stopped.set()
        self._now.put(None)
        self.cut()

    def cut(self) -> None:
        """End the connection that there is."""
        ws = self._socket
        if ws is not None and ws.sock is not None:
            with contextlib.suppress(OSError):
                ws.sock.shutdown(socket.SHUT_RDWR)

    def join(self, timeout: float) -> None:
        """Return once it has ended, or goes on for longer."""
        if not self.is_current and self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        with contextlib.suppress(StreamEndedError):
            self._keep_open()

    def _keep_open(self) -> None:
        pause = 1.0
        while not self._stopped.is_set():
            up: float | None = None
            try:
                with self._connected() as ws:
                    self._subscribe(ws)
                    self._listener.stream_up(self)
                    up = time.monotonic()
                    self._listen(ws)
            except Exception as error:
                if self._stopped.is_set():
                    return
                if not isinstance(error, _EXPECTED):
                    log.exception("the user data stream failed")
                self._listener.stream_down(self, error)
            if up is not None and time.monotonic() - up >= self.steady:
                pause = 1.0
            with contextlib.suppress(queue.Empty):
                self._now.get(timeout=pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(2 * pause, self.longest_pause)

    @contextlib.contextmanager
    def _connected(self) -> Any:
        ws = websocket.WebSocket(enable_multithread=True)
        self._socket = ws
        try:
            ws.connect(self._url, timeout=self._timeout)  # type: ignore[no-untyped-call]
            yield ws
        finally:
            self._socket = None
            with contextlib.suppress(Exception):  # it is gone, however that ends
                ws.close(timeout=0)

    def _subscribe(self, ws: websocket.WebSocket) -> None:
        try:
            self._ask_for_events(ws)
        except ClockSkewError:
            self._rest.measure_time()
            self._ask_for_events(ws)

    def _ask_for_events(self, ws: websocket.WebSocket) -> None:
        number = str(uuid.uuid4())
        ws.send(self._subscription(number))  # the text, with the keys, is in no variable of ours
        while True:
            told = self._next(ws)
            if told.get("id") == number:
                break
            self._take(told)
        if told.get("status") != _OK:
            error = told.get("error")
            error = error if isinstance(error, dict) else {}
            status = told.get("status")
            raise error_of(
                status if isinstance(status, int) else 0,
                error.get("code"),
                self._keys.hide(str(error.get("msg", "the venue tells no events"))),
                is_question=True,
            )

    def _subscription(self, number: str) -> str:
        """Return the request for events, signed."""
        parameters: dict[str, Any] = {
            "apiKey": self._keys.api_key.reveal(),
            "recvWindow": self._rest.recv_window,
            "timestamp": self._rest.time.milliseconds(),
        }
        parameters["signature"] = self._keys.sign(payload(parameters))
        return json.dumps(
            {
                "id": number,
                "method": "userDataStream.subscribe.signature",
                "params": parameters,
            }
        )

    def _listen(self, ws: websocket.WebSocket) -> None:
        while not self._stopped.is_set():
            self._take(self._next(ws))

    def _take(self, told: Mapping[str, Any]) -> None:
        event = told.get("event", told)
        kind = event.get("e") if isinstance(event, dict) else None
        if kind == "executionReport":
            self._listener.report(self, event)
        elif kind in _ENDS:
            raise ConnectError(f"the venue ends the user data stream: {kind}", broker="binance")

    def _next(self, ws: websocket.WebSocket) -> Mapping[str, Any]:
        """Return the next message. Pings are answered below, and count as a sign of life."""
        is_asked = False
        while True:
            ws.settimeout(self.patience if is_asked else self.silence)
            try:
                opcode, frame = ws.recv_data_frame(control_frame=True)
            except websocket.WebSocketTimeoutException:
                if is_asked:
                    raise ConnectError(
                        f"nothing has come for {self.silence + self.patience:g} s",
                        broker="binance",
                    ) from None
                ws.ping()
                is_asked = True
                continue
            is_asked = False
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                raise ConnectError("the venue has closed the user data stream", broker="binance")
            if opcode == websocket.ABNF.OPCODE_TEXT:
                return _parsed(frame.data)


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(data, parse_float=Decimal)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise BrokerProtocolError(
            f"the user data stream tells what cannot be read: {data!r:.80}", broker="binance"
        )
    return told
