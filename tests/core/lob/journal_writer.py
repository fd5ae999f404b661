"""Random requests; and, as a script, a process that journals them until it is killed.

The script reads lines `path seed` and forks a writer for each, because an interpreter takes longer
to start than the writer may live. The writer prints `acknowledged N` after each request; the script
prints `pid N` when it has started and `ended` when it is gone.
"""

import os
import sys
from itertools import count, islice
from random import Random

from nanobook_core.contracts import Event, EventKind
from nanobook_core.contracts.event import _FIELDS
from nanobook_core.lob import Exchange
from nanobook_core.lob.journal import Journal
from nanobook_core.types import TrailMethod

WEIGHTS = (9, 2, 3, 2, 1, 1, 1, 1, 2, 0.2)

#: Two orders of this size at one price are more than a level can hold.
HUGE = 2**62

#: Prices and ids that are near each other, so that requests trade, fail and set off stops.
DRAW = {
    "side": lambda random, _: random.choice(("buy", "sell")),
    "price": lambda random, _: random.randint(95, 105),
    "stop_price": lambda random, _: random.randint(95, 105),
    "quantity": lambda random, _: random.randint(1, 20),
    "time_in_force": lambda random, _: random.choice(("gtc", "gtc", "ioc", "fok")),
    "order_id": lambda random, made: random.randint(max(0, made - 30), made + 1),
    "trail_method": lambda random, _: random.choice(
        (TrailMethod.fixed(2), TrailMethod.percentage(0.03), TrailMethod.atr(1.5, 3))
    ),
}


def requests(seed):
    """Requests of every kind, without end."""
    random = Random(seed)  # noqa: S311 - no secrets
    for made in count():
        (kind,) = random.choices(list(EventKind), WEIGHTS)
        fields = {name: DRAW[name](random, made) for _, name in _FIELDS[kind]}
        if "submit" in kind and random.random() < 0.25:
            policy = random.choice(("off", "cancel_oldest", "decrement_and_cancel"))
            fields |= {"owner": random.randint(1, 2), "stp_policy": policy}
        if kind is EventKind.SUBMIT_LIMIT and random.random() < 0.05:
            fields |= {"quantity": HUGE, "price": 1, "side": "buy", "time_in_force": "gtc"}
        yield Event(kind, **fields)


def make(exchange, request):
    """Make a request to an exchange or a journal; one that a full level refuses does nothing."""
    try:
        exchange.submit(request)
    except OverflowError:
        assert request.quantity == HUGE


def states(seed, number):
    """The state hash after each request, and before the first; without any journal."""
    exchange = Exchange()
    hashes = [exchange.state_hash()]
    for request in islice(requests(seed), number):
        make(exchange, request)
        hashes.append(exchange.state_hash())
    return hashes


def write_until_killed(path, seed):
    with Journal.open(path, engine=Exchange) as journal:
        for number, request in enumerate(islice(requests(seed), journal.sequence, None)):
            make(journal, request)
            os.write(1, b"acknowledged %d\n" % journal.sequence)
            if number % 40 == 0:
                journal.snapshot()


def main():
    for line in sys.stdin:
        path, seed = line.split()
        child = os.fork()
        if child == 0:
            write_until_killed(path, int(seed))
        os.write(1, b"pid %d\n" % child)
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    main()
