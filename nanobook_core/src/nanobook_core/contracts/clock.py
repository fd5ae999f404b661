"""Time, as everything outside the matching engine is given it."""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Tells the time and lets it pass; a test or a simulation brings one of its own."""

    def now(self) -> dt.datetime:
        """Time of day, in UTC, for records and for people; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back, and so measures ages and timeouts."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


class SystemClock:
    """The machine's."""

    def now(self) -> dt.datetime:
        """Time of day in UTC."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)
