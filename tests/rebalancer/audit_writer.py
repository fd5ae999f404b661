"""As a script: a process that appends to an audit log until it is killed.

It prints the number of records that were there, and of each that it has appended.
"""

import sys
from itertools import count

from nanobook_core.contracts import SystemClock
from nanobook_rebalancer.audit import AuditLog


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


with AuditLog.open(sys.argv[1], clock=SystemClock()) as log:
    say(len(log.records))
    for _ in count():
        seq = len(log.records) + 1
        record = log.append("w1", "order_filled", {"number": seq, "text": "x" * (seq % 700)})
        say(record.seq)
