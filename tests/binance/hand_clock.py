"""A clock that goes on only when it is told to, or slept on."""

import datetime as dt
import threading

START = dt.datetime(2026, 11, 28, 12, 0, tzinfo=dt.UTC)


class HandClock:
    def __init__(self):
        self.seconds = 0.0
        self.jump = dt.timedelta()
        self.slept = []
        self._lock = threading.Lock()

    def now(self):
        return START + dt.timedelta(seconds=self.seconds) + self.jump

    def monotonic(self):
        return 1000.0 + self.seconds

    def sleep(self, seconds):
        with self._lock:
            self.slept.append(seconds)
            self.seconds += seconds
