"""The simulator as a user starts it: a process of its own, driven by its file of quotes."""

import json
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
def simulator(*options, cwd, as_json=True):
    """Run the simulator; its port, or the line that it tells people."""
    command = [sys.executable, "-m", "nanobook_ibkr.simulator", "--port", "0", *options]
    process = subprocess.Popen(
        [*command, "--json"] if as_json else command, cwd=cwd, stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        yield json.loads(line)["port"] if as_json else line
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()
