"""The thread in which a simulated venue's server runs, and how other threads reach it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, Self, TypeVar

from nanobook_core.broker.venue_server import VenueServer

T = TypeVar("T")


S = TypeVar("S", bound=VenueServer)


class ServerThread(Generic[S]):
    """Runs a server between `start` and `stop`, or in a `with`, again and again if need be."""

    def __init__(self, server: S, *, host: str, port: int, name: str) -> None:
        self.host = host
        self.port = port
        """The one that was asked for; once it has started, the one that it has."""
        self._server = server
        self._name = name
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """None while no thread runs it: then whoever calls acts itself."""
        self._stopping: asyncio.Event

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Accept clients; nothing if it does.

        Raises:
            OSError: the port is taken, `host` is no address of this machine, or a file cannot be
                opened.
            ValidationError: the quotes file is none.

        """
        with self._lock:
            if self._thread is not None:
                return
            self.port = self._server.bind(self.host, self.port)
            started: Future[None] = Future()
            self._thread = threading.Thread(
                target=self._run, args=(started,), name=self._name, daemon=True
            )
            self._thread.start()
            try:
                started.result()
            except BaseException:
                self._thread.join()
                self._thread = self._loop = None
                raise

    def _run(self, started: Future[None]) -> None:
        # The loop that Windows has by default does not tell when a socket can accept.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: Future[None]) -> None:
        self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        try:
            await self._server.open()
        except BaseException as error:  # noqa: BLE001 - raised where it was called
            started.set_exception(error)
            return
        started.set_result(None)
        await self._stopping.wait()
        await self._server.close()

    def stop(self) -> None:
        """Cut all connections and accept no more; nothing if it does not run.

        Raises:
            ExceptionGroup: defects of the server itself, each of which has ended a connection.

        """
        with self._lock:
            if self._thread is None or self._loop is None:
                return
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = self._loop = None
        defects, self._server.defects = self._server.defects, []
        if defects:
            raise ExceptionGroup(f"the {self._name} failed", defects)

    def act(self, act: Callable[[], T]) -> T:
        """Return what the act does; nothing else touches the server or its venue meanwhile.

        Raises whatever the act does.
        """
        if threading.current_thread() is self._thread:
            return self._server.turn(act)
        with self._lock:  # held while it stops: then nobody runs the venue but who has the lock
            if self._loop is None:
                return self._server.turn(act)
            done: Future[T] = Future()
            self._loop.call_soon_threadsafe(self._settle, done, act)
        return done.result()

    def _settle(self, done: Future[T], act: Callable[[], T]) -> None:
        try:
            done.set_result(self._server.turn(act))
        except BaseException as error:  # noqa: BLE001 - raised where it was called
            done.set_exception(error)
