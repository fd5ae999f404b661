"""A thread of its own for callbacks, so that none of them keeps the venue's messages waiting."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

log = logging.getLogger("nanobook.broker")


class EventThread:
    """Calls `deliver` whenever it is woken, until it is stopped, and then once more."""

    def __init__(self, deliver: Callable[[], None]) -> None:
        """Start it."""
        self._deliver = deliver
        # In C, so that an interrupt (Ctrl-C) cannot leave it held, as it can an Event.
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="nanobook-events", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have what there is delivered soon."""
        if self._thread.is_alive():  # in a fork it is not, and another may have held this lock
            self._news.put(None)

    def stop(self) -> None:
        """Have what there is delivered, and end."""
        self._is_stopped = True
        self.wake()

    def join(self, timeout: float) -> None:
        """Return once it has ended, or goes on for longer; to a callback of its own, at once."""
        if not self.is_current:
            self._thread.join(timeout)

    @property
    def is_current(self) -> bool:
        """Whether it is one of its callbacks that asks."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        while not self._is_stopped:
            self._news.get()
            with contextlib.suppress(queue.Empty):  # once for all that has come
                while True:
                    self._news.get_nowait()
            self._try_to_deliver()
        self._try_to_deliver()

    def _try_to_deliver(self) -> None:
        try:
            self._deliver()
        except BaseException:  # also a callback's SystemExit: others wait for their events
            log.exception("events were not delivered whole")
