"""The venue's time, as far as this side knows it."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable

from nanobook_core.contracts.clock import Clock

log = logging.getLogger("nanobook.binance")

#: Seconds for which a measurement is good.
LASTING = 3600.0
#: Seconds that a question may take before it says too little of the time, and how often it is put.
_QUICK = 1.0
_TRIES = 3


class VenueClock:
    """The venue's time in milliseconds, from its last answer and the time since.

    It follows the monotonic clock, so that a jump of this machine's time of day does not matter.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._measuring = threading.Lock()
        self._measured: tuple[float, float] | None = None
        """Venue's milliseconds, at a moment of the monotonic clock."""

    @property
    def is_due(self) -> bool:
        """Whether there is no measurement of the last hour."""
        measured = self._measured
        return measured is None or self._clock.monotonic() - measured[1] >= LASTING

    @property
    def is_known(self) -> bool:
        """Whether the venue has told its time at all."""
        return self._measured is not None

    def milliseconds(self) -> int:
        """Return the venue's time now; this machine's as long as the venue has told none."""
        measured = self._measured
        if measured is None:
            return int(self._clock.now().timestamp() * 1000)
        told, at = measured
        return int(told + (self._clock.monotonic() - at) * 1000)

    def now(self) -> dt.datetime:
        """Return the same as a time of day in UTC."""
        return dt.datetime.fromtimestamp(self.milliseconds() / 1000, dt.UTC)

    @property
    def offset(self) -> float:
        """Seconds that the venue is ahead of this machine."""
        return self.milliseconds() / 1000 - self._clock.now().timestamp()

    def measure(self, ask: Callable[[], int]) -> None:
        """Ask for the venue's milliseconds; half of what the question took lies behind them.

        Asked again where that was long, and the quickest answer counts. Raises what `ask` raises.
        """
        best: tuple[float, float, float] | None = None
        for _ in range(_TRIES):
            before = self._clock.monotonic()
            told = ask()
            after = self._clock.monotonic()
            took = after - before
            if best is None or took < best[0]:
                best = took, told + took * 500, after
            if took <= _QUICK:
                break
        assert best is not None  # noqa: S101 - it was asked at least once
        with self._lock:
            self._measured = best[1:]
        log.debug("the venue is %.3f s ahead, asked within %.3f s", self.offset, best[0])

    def keep(self, ask: Callable[[], int]) -> None:
        """Measure where that is due; of several threads one does, and the others wait for it."""
        if not self.is_due:
            return
        with self._measuring:
            if self.is_due:
                self.measure(ask)
