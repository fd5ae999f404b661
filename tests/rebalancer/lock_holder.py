"""As a script: a process that tries for a lock once its first pipe ends, and holds it until its
second one does; `fork` has it held by a process with a child that outlives it.
"""

import os
import sys

from nanobook_core.contracts import SystemClock
from nanobook_rebalancer.errors import LockedError
from nanobook_rebalancer.lock import RunLock

LOCKED = 6


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


path, start, end, *how = sys.argv[1:]
say("ready")
os.read(int(start), 1)
try:
    with RunLock(path, SystemClock()):
        if how == ["fork"] and os.fork() == 0:
            say(f"child {os.getpid()}")
            os.read(int(end), 1)
            os._exit(0)
        say("held")
        os.read(int(end), 1)
except LockedError as error:
    say(error.owner)
    sys.exit(LOCKED)
