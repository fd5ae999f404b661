"""The simulator as a user starts it: a process of its own, driven by its file of quotes."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

QUOTES = """\
symbol,bid,ask,last,bid_size,ask_size
AAPL,184.99,185.01,185.00,500,500
MSFT,369.95,370.05,370.00,200,200
"""


def set_quotes(path, text=QUOTES):
    """Write a file of quotes aside and rename it into place: nobody reads half a line."""
    aside = path.with_suffix(".aside")
    aside.write_text(text)
    aside.replace(path)


@contextmanager
def simulator(folder):
    """Run the simulator on quotes in a folder; its port."""
    set_quotes(folder / "quotes.csv")
    command = [sys.executable, "-m", "nanobook_ibkr.simulator", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--quotes", "quotes.csv"],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield json.loads(process.stdout.readline())["port"]
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()
