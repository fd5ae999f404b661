"""Time that passes only where somebody waits, and what happens while they do."""

from __future__ import annotations

import datetime as dt
import heapq
import math
from collections.abc import Callable
from itertools import count

START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.UTC)
SECOND = 10**9
#: Of a machine that was started some while ago.
BOOTED = 5000 * SECOND


class VirtualClock:
    """A Clock. `elapsed` is the world's own time, which neither jumps nor starts again.

    In whole nanoseconds, so that it moves on however little is slept.
    """

    def __init__(self) -> None:
        self._elapsed = 0
        self._wall = START
        self._booted = BOOTED
        self._number = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []

    @property
    def elapsed(self) -> float:
        """Seconds since the world began."""
        return self._elapsed / SECOND

    def now(self) -> dt.datetime:
        """Time of day, jumps included."""
        return self._wall + dt.timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Seconds since the machine was started."""
        return (self._booted + self._elapsed) / SECOND

    def sleep(self, seconds: float) -> None:
        """Let time pass; what is due meanwhile happens at its time, in order."""
        if not seconds >= 0:
            raise ValueError(f"seconds are 0 or more, got {seconds}")
        until = self._elapsed + math.ceil(seconds * SECOND)
        while self._due and self._due[0][0] <= until:
            at, _, action = heapq.heappop(self._due)
            self._elapsed = max(self._elapsed, at)
            action()
        # An action may itself have let time pass.
        self._elapsed = max(self._elapsed, until)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something happen in so many seconds."""
        at = self._elapsed + math.ceil(seconds * SECOND)
        heapq.heappush(self._due, (at, next(self._number), action))

    def jump(self, seconds: float) -> None:
        """Set the time of day forward, or back where it is negative."""
        self._wall += dt.timedelta(seconds=seconds)

    def reboot(self) -> None:
        """Start the machine again: monotonic time begins anew."""
        self._booted = 10 * SECOND - self._elapsed
