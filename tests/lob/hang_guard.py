"""A limit of time that ends what never returns, also where no signal is ever answered."""

import faulthandler
import signal
import sys
from contextlib import contextmanager

GRACE = 10


class HangError(BaseException):
    """A test ran longer than it may; no `except Exception` keeps it."""


@contextmanager
def time_limit(seconds, *, grace=GRACE, report=sys.__stderr__):
    """Raise HangError after so many seconds; if that is not heard, end the process.

    Compiled code that holds the interpreter answers no signal. The watchdog of faulthandler is a
    thread that needs no interpreter: it writes where everybody stands and exits with 1.
    """

    def expired(_number, _frame):
        raise HangError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, expired)
    # Again every second: what a handler raises within a callback of the collector is lost.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    faulthandler.dump_traceback_later(seconds + grace, exit=True, file=report)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
