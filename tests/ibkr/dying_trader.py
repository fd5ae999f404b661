"""A program that sends orders, and is killed at some call of the adapter on the way."""

import json
import os
import signal
import sys
import threading
from decimal import Decimal

from nanobook_ibkr.broker import IbkrBroker

told = json.loads(sys.argv[1])
calls = -1
"""Of the adapter, on all of its threads, since the first order; before that they do not count."""


def count(frame, event, _):
    global calls  # noqa: PLW0603 - a profile function has no other place
    if event != "call" or calls < 0 or "nanobook_ibkr" not in frame.f_code.co_filename:
        return
    calls += 1
    if calls == told["fatal"]:
        os.kill(os.getpid(), signal.SIGKILL)


threading.setprofile(count)
broker = IbkrBroker("127.0.0.1", told["port"], 1, state=told["state"])
broker.connect()
calls = 0
sys.setprofile(count)
for name in told["names"]:
    broker.submit_order(
        "AAPL",
        "buy",
        8,
        order_type="limit",
        limit_price=Decimal(told["limit"]),
        client_order_id=name,
    )
sys.stdout.write(f"{calls}\n")
sys.stdout.flush()
calls = -1
broker.disconnect()
