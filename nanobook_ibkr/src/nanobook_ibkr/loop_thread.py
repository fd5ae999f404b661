"""A thread of its own for an event loop, so that a broker works wherever it is called from."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from nanobook_core.contracts.broker_error import BrokerError, NotConnectedError

T = TypeVar("T")


class _Loop(asyncio.SelectorEventLoop):
    """A loop that ends though the name of a host is still being looked up, which may take long."""

    async def getaddrinfo(self, *name: Any, **hints: Any) -> Any:
        """Look up a name on a thread that nobody waits for, not even the interpreter's end."""
        found: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def look_up() -> None:
            try:
                answer = socket.getaddrinfo(*name, **hints)
            except OSError as error:
                settle = partial(found.set_exception, error)
            else:
                settle = partial(found.set_result, answer)
            with contextlib.suppress(concurrent.futures.InvalidStateError, RuntimeError):
                settle()  # if somebody waits, and the loop still runs

        threading.Thread(target=look_up, name="nanobook-name", daemon=True).start()
        return await asyncio.wrap_future(found, loop=self)


class LoopThread:
    """An event loop that runs in a daemon thread between `start` and `stop`.

    Callers may be in plain code, in a running event loop of their own (which waits meanwhile), or
    in any number of threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._stopping = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether it can be called; a fork of this process has no such thread."""
        return self._loop is not None and os.getpid() == self._pid

    def start(self) -> None:
        """Start; done again, it does nothing."""
        if self.is_running:
            return
        self._pid = os.getpid()
        self._stopping = threading.Lock()  # of a fork, another thread may have held the old one
        loop = _Loop()
        thread = threading.Thread(target=self._run, args=(loop,), name=self._name, daemon=True)
        thread.start()
        self._loop, self._thread = loop, thread

    def call(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there and return its result; the coroutine has time-outs of its own.

        If the waiting is interrupted, the coroutine is cancelled.

        Raises:
            NotConnectedError: it does not run, or this process is a fork of the one it runs in.
            BrokerError: called from the loop's own thread, which would wait for itself.

        """
        self._check_process()
        if threading.current_thread() is self._thread:
            raise BrokerError(
                "a callback of the loop's thread cannot wait for it; use a thread of its own"
            )
        with self._stopping:  # what is handed over before the loop is told to stop is run by it
            if self._loop is None:
                raise NotConnectedError
            future = asyncio.run_coroutine_threadsafe(function(), self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise NotConnectedError("disconnected meanwhile") from None
        finally:
            future.cancel()

    def post(self, callback: Callable[[], None]) -> None:
        """Have a function called there soon; nothing happens if it does not run any more."""
        if self.is_running:
            with self._stopping:
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(callback)

    def stop(self) -> None:
        """Cancel what runs there, and return once the thread is gone; again, it does nothing."""
        if not self.is_running:
            return
        with self._stopping:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if loop is None or thread is None:
                return
            loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def _check_process(self) -> None:
        if self._loop is not None and os.getpid() != self._pid:
            raise NotConnectedError(
                "not connected: a connection does not survive a fork; connect in the new process"
            )

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            loop.run_until_complete(_cancel_all())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
