"""The simulator as a user starts it."""

from functools import partial

from tests import simulator_command

QUOTES = """\
symbol,bid,ask,last,bid_size,ask_size
BTCUSDT,60000.00,60000.01,60000.00,0.4,0.4
ETHUSDT,3000.00,3000.01,3000.00,5,5
"""

#: Its address and keys as it prints them for programs, or the first line for people.
simulator = partial(simulator_command.started, "nanobook_binance.simulator")
