"""What happens to one symbol of a `MultiExchange` is nothing to the others."""
# ruff: noqa: S311 - streams that can be repeated, no secrets

from random import Random

import numpy as np
import pytest
from tests.lob.differential import compare_history, compare_state
from tests.lob.engines import ENGINES
from tests.lob.test_batch import fits

from nanobook_core.lob.multi import MultiExchange
from nanobook_core.testing.request import Requests, as_ops, some_features

SYMBOLS = ("AAPL", "MSFT", "XYZ")
Best = [*ENGINES.values()][-1]


class Alone:
    """A symbol with its stream, and an exchange for nobody else."""

    def __init__(self, random, trigger):
        features = some_features(random) - {"odd", "housekeeping", "extreme_prices", "last"}
        self.requests = Requests(random, features)
        self.exchange = Best(stop_trigger=trigger)

    def ask(self):
        request = self.requests.next()
        answer = request.on(self.exchange)
        self.requests.note(request, answer)
        return request, answer


@pytest.fixture(params=range(10))
def random(request):
    return Random(request.param)


@pytest.fixture
def trigger(random):
    return random.choice(("every", "last"))


@pytest.fixture
def alone(random, trigger):
    return {symbol: Alone(random, trigger) for symbol in SYMBOLS}


@pytest.fixture
def multi(trigger):
    exchange = MultiExchange(stop_trigger=trigger)
    for symbol in SYMBOLS:
        exchange.get_or_create(symbol)
    return exchange


def check_same(alone, multi):
    for symbol, one in alone.items():
        compare_state([one.exchange, multi[symbol]])
        compare_history([one.exchange, multi[symbol]])


def test_calls_for_several_symbols_are_as_for_each_alone(random, alone, multi):
    for _ in range(1000):
        symbol = random.choice(SYMBOLS)
        request, answer = alone[symbol].ask()
        assert request._replace(arguments=(symbol, *request.arguments)).on(multi) == answer
    check_same(alone, multi)


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_for_several_symbols_are_as_for_each_alone(random, alone, multi, threads):
    asked, places = [], []
    while len(asked) < 1000:
        place = random.randrange(len(SYMBOLS))
        request, _ = alone[SYMBOLS[place]].ask()
        assert fits(request)
        asked.append(request)
        places.append(place)
    ops = as_ops(asked)
    ops["symbol"] = places
    for part in np.split(ops, [1, 300, 700]):
        multi.apply(part, threads=threads)
    check_same(alone, multi)
