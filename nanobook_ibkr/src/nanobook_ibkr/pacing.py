"""How many messages a second TWS is sent, and which of those that wait goes first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable

#: Seconds over which messages are counted.
WINDOW = 1.0
#: Part of the messages that questions leave to orders and cancels.
RESERVE = 5


class Pacer:
    """Gives turns to write: never more than so many within a second, orders before questions.

    A fifth is left to orders and cancels, so that they go at once even behind a flood of questions.
    """

    def __init__(self, messages_per_second: int) -> None:
        self._limit = messages_per_second
        self._sent: deque[float] = deque()
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed: Callable[[], BaseException] | None = None

    def turn(self, *, urgent: bool) -> asyncio.Future[None]:
        """Stand in the queue; what is returned is done when it is one's turn.

        It raises what the pacer was closed with.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed is not None:
            future.set_exception(self._closed())
            return future
        heapq.heappush(self._waiting, (not urgent, next(self._numbers), future))
        self._give()
        return future

    def pause(self, seconds: float) -> None:
        """Give no turn for so long."""
        self._not_before = asyncio.get_running_loop().time() + seconds

    def close(self, error: Callable[[], BaseException]) -> None:
        """Raise such errors in whatever waits, and in whatever comes."""
        self._closed = error
        for _, _, future in self._waiting:
            if not future.done():
                future.set_exception(error())

    def _give(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._sent and now - self._sent[0] >= WINDOW:
            self._sent.popleft()
        while self._waiting:
            not_urgent, _, future = self._waiting[0]
            if future.done():  # cancelled
                heapq.heappop(self._waiting)
                continue
            limit = max(self._limit - self._limit // RESERVE * not_urgent, 1)
            at = self._not_before
            if len(self._sent) >= limit:
                at = max(at, self._sent[len(self._sent) - limit] + WINDOW)
            if at > now:
                self._wake(at)
                return
            heapq.heappop(self._waiting)
            self._sent.append(now)
            future.set_result(None)

    def _wake(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._give)
