"""What tests of the audit log share: a clock that ticks, and files that are written as bytes."""

import datetime as dt

from nanobook_rebalancer.audit import AuditLog


class TickingClock:
    """Every question takes a millisecond."""

    def __init__(self):
        self.ticks = 0

    def now(self):
        self.ticks += 1
        return dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC) + dt.timedelta(
            milliseconds=self.ticks
        )

    def monotonic(self):
        self.ticks += 1
        return 1000.0 + self.ticks / 1000

    def sleep(self, seconds):
        self.ticks += int(seconds * 1000)


def opened(path, **options):
    return AuditLog.open(path, clock=TickingClock(), **options)


def put(path, content):
    """Make a file anew: a file system that is careful would sync one that is truncated."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def joined(pieces):
    """The bytes of pieces: a text, one so many times, or hexadecimal digits."""
    found = b""
    for piece in pieces:
        match piece:
            case str():
                found += piece.encode()
            case [text, times]:
                found += text.encode() * times
            case {"hex": digits}:
                found += bytes.fromhex(digits)
    return found
