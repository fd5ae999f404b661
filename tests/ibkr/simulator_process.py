"""The simulator as a user starts it."""

from contextlib import contextmanager

from tests import simulator_command

QUOTES = """\
symbol,bid,ask,last,bid_size,ask_size
AAPL,184.99,185.01,185.00,500,500
MSFT,369.95,370.05,370.00,200,200
"""


def set_quotes(path, text=QUOTES):
    """Write a file of quotes."""
    simulator_command.set_quotes(path, text)


@contextmanager
def simulator(*options, cwd, as_json=True):
    """Run the simulator; its port, or the line that it tells people."""
    with simulator_command.started(
        "nanobook_ibkr.simulator", *options, cwd=cwd, as_json=as_json
    ) as line:
        yield line["port"] if as_json else line
