"""One websocket: what waits to be sent over it, and how much its client may say."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from enum import Enum, auto
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

#: A message is a request or a list of streams; an order has some hundred bytes.
MAX_MESSAGE = 64 * 1024
#: A client that reads so much later than it is told is cut off.
MOST_WAITING = 100_000
PING_SECONDS = 20.0
PONG_SECONDS = 60.0


class _End(Enum):
    CLOSED = auto()
    REFUSED = auto()
    CUT = auto()
    SILENT = auto()


_FRAMES = (WSMsgType.TEXT, WSMsgType.BINARY)


class Connection:
    """Sends in the order in which it is told, and never lets whoever tells it wait."""

    def __init__(
        self,
        request: web.Request,
        *,
        messages_per_second: int | None,
        ping_seconds: float = PING_SECONDS,
        pong_seconds: float = PONG_SECONDS,
    ) -> None:
        self.address = request.remote or ""
        self._request = request
        self._socket = web.WebSocketResponse(
            autoping=False, max_msg_size=MAX_MESSAGE, compress=False, timeout=1.0
        )
        self._messages_per_second = messages_per_second
        self._ping_seconds = ping_seconds
        self._pong_seconds = pong_seconds
        self._waiting: asyncio.Queue[str | bytes | _End] = asyncio.Queue()
        self._heard: deque[float] = deque()
        self._ponged = 0.0
        self._is_over = False
        """Nothing is to be sent after what waits."""
        self._is_silent = False

    def tell(self, message: Mapping[str, Any] | list[Any]) -> None:
        """Send a message after those before it."""
        self.send(json.dumps(message, separators=(",", ":")))

    def send(self, frame: str | bytes) -> None:
        """Send a frame, of text or of bytes, after those before it."""
        if self._is_over:
            return
        if self._waiting.qsize() >= MOST_WAITING:
            self.abort()
            return
        self._waiting.put_nowait(frame)

    def close(self) -> None:
        """Send what waits, and close."""
        self._end(_End.CLOSED)

    def cut(self) -> None:
        """Send what waits, and cut the connection without a word."""
        self._end(_End.CUT)

    def fall_silent(self) -> None:
        """Send what waits, and then nothing, not even pongs, though the connection stays."""
        self._end(_End.SILENT)

    def _end(self, end: _End) -> None:
        if not self._is_over:
            self._is_over = True
            self._waiting.put_nowait(end)

    def abort(self) -> None:
        """Cut the connection; what waits is lost."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def written(self) -> None:
        """Return when what was to be sent has been written, or cannot be any more."""
        if not self._is_over:
            await self._waiting.join()

    async def run(self, hear: Callable[[str | bytes], Awaitable[None]]) -> web.WebSocketResponse:
        """Shake hands, and let `hear` have each message until the connection ends."""
        await self._socket.prepare(self._request)
        loop = asyncio.get_running_loop()
        self._ponged = loop.time()
        tasks = [loop.create_task(self._write()), loop.create_task(self._ping())]
        try:
            await self._read(hear)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._is_over = True
            while not self._waiting.empty():
                self._waiting.get_nowait()
                self._waiting.task_done()
        return self._socket

    async def _read(self, hear: Callable[[str | bytes], Awaitable[None]]) -> None:
        async for message in self._socket:
            if self._is_too_much():
                self._end(_End.REFUSED)
            if self._is_over and not self._is_silent:
                continue
            if message.type in _FRAMES:
                await hear(message.data)
            elif message.type is WSMsgType.PING and not self._is_silent:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._ponged = asyncio.get_running_loop().time()

    def _is_too_much(self) -> bool:
        if self._messages_per_second is None:
            return False
        now = asyncio.get_running_loop().time()
        while self._heard and self._heard[0] <= now - 1:
            self._heard.popleft()
        self._heard.append(now)
        return len(self._heard) > self._messages_per_second

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while not isinstance(waiting := await self._waiting.get(), _End):
                try:
                    if isinstance(waiting, str):
                        await self._socket.send_str(waiting)
                    else:
                        await self._socket.send_bytes(waiting)
                finally:
                    self._waiting.task_done()
            self._waiting.task_done()
            if waiting is _End.CLOSED:
                await self._socket.close()
            elif waiting is _End.REFUSED:
                await self._socket.close(
                    code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests"
                )
            elif waiting is _End.CUT:
                self.abort()
            else:
                self._is_silent = True

    async def _ping(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(self._ping_seconds)
                if not self._is_silent and loop.time() - self._ponged > self._pong_seconds:
                    self.abort()
                    return
                if not self._is_silent:
                    await self._socket.ping(str(int(loop.time() * 1000)).encode())
