"""A clock that stands still."""

import datetime as dt

START = dt.datetime(2026, 11, 23, 15, 0, tzinfo=dt.UTC)


class StandingClock:
    """Moves only when it is told to."""

    def __init__(self):
        self.passed = 0.0

    def now(self):
        return START + dt.timedelta(seconds=self.passed)

    def monotonic(self):
        return self.passed

    def sleep(self, seconds):
        self.passed += seconds
