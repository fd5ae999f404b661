"""A thread of its own for an event loop, so that a broker works wherever it is called from."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from nanobook_core.contracts.broker_error import BrokerError, NotConnectedError

T = TypeVar("T")


class LoopThread:
    """An event loop that runs in a daemon thread between `start` and `stop`.

    Callers may be in plain code, in a running event loop of their own (which waits meanwhile), or in
    any number of threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    @property
    def is_running(self) -> bool:
        """Whether it can be called."""
        return self._loop is not None

    def start(self) -> None:
        """Start; done again, it does nothing."""
        if self._loop is not None:
            return
        self._pid = os.getpid()
        loop = asyncio.new_event_loop()
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
        loop = self._running()
        if threading.current_thread() is self._thread:
            raise BrokerError(
                "a callback of the loop's thread cannot wait for it; use a thread of its own"
            )
        coroutine = function()
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError as error:  # stopped in this moment
            coroutine.close()
            raise NotConnectedError from error
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise NotConnectedError("disconnected meanwhile") from None
        finally:
            future.cancel()

    def post(self, callback: Callable[[], None]) -> None:
        """Have a function called there soon; nothing happens if it does not run any more."""
        loop = self._loop
        if loop is not None and os.getpid() == self._pid:
            with contextlib.suppress(RuntimeError):  # stopped in this moment
                loop.call_soon_threadsafe(callback)

    def stop(self) -> None:
        """Cancel what still runs there, and return once the thread is gone; again, it does nothing."""
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None or os.getpid() != self._pid:
            return
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise NotConnectedError
        if os.getpid() != self._pid:
            raise NotConnectedError(
                "not connected: a connection does not survive a fork; connect in the new process"
            )
        return self._loop

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
