"""The thread of events is woken from wherever a signal comes."""

import signal
import subprocess
import sys

import pytest

WOKEN_WHILE_IT_IS_WOKEN = """
import signal, threading, time
from nanobook_core.broker.event_thread import EventThread

delivered = threading.Event()
thread = EventThread(delivered.set)
signal.signal(signal.SIGALRM, lambda *_: thread.wake())
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
end = time.monotonic() + 1
while time.monotonic() < end:
    thread.wake()
signal.setitimer(signal.ITIMER_REAL, 0)
thread.stop()
thread.join(30)
print(delivered.is_set())
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signal here")
def test_it_can_be_woken_while_it_is_woken():
    done = subprocess.run(
        [sys.executable, "-c", WOKEN_WHILE_IT_IS_WOKEN],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "True\n"
