"""A simulated venue's server: its door, its timers and the errors of its own, on one event loop."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from nanobook_core.broker.door import Door

T = TypeVar("T")


class VenueServer(ABC):
    """Serves each connection that comes to a port; what happens, happens in turns."""

    def __init__(self) -> None:
        self.defects: list[Exception] = []
        """Errors of ours: each has ended the connection on which it happened."""
        self._door = Door(self._admit)
        self._tasks: set[asyncio.Task[None]] = set()
        """One for each connection that `_serve` is busy with."""
        self._timers: set[asyncio.TimerHandle] = set()

    @abstractmethod
    def bind(self, host: str, port: int) -> int:
        """Take what it needs of the machine and return its port; no loop runs yet.

        Raises:
            OSError: the port is taken, or no such address is here.

        """

    @abstractmethod
    async def open(self) -> None:
        """Accept clients on the running loop."""

    @abstractmethod
    async def close(self) -> None:
        """End all connections, accept no more, and give back what `bind` took."""

    @abstractmethod
    async def _serve(self, connection: socket.socket) -> None:
        """Take a connection in."""

    @abstractmethod
    def turn(self, act: Callable[[], T]) -> T:
        """Return what the act does, and tell the clients what it has changed."""

    @abstractmethod
    def drop(self) -> None:
        """Cut the connections of all clients."""

    def _begin(self) -> None:
        """Accept clients on the running loop."""
        asyncio.get_running_loop().set_exception_handler(self._note)
        self._door.open()

    async def _end(self) -> None:
        """Accept no more, and end all connections; nothing comes later."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._door.close()
        self.drop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _admit(self, connection: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        self.defects.append(context.get("exception") or RuntimeError(context["message"]))

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen after so many seconds, as a turn of its own."""

        def run() -> None:
            self._timers.discard(timer)
            self.turn(act)

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    def refuse(self, seconds: float) -> None:
        """Cut all connections and refuse new ones for so many seconds, unless it does already."""
        if self._door.is_open:
            self._door.refuse()
            self.drop()
            self.later(seconds, self._door.open)
