"""When orders are sent, sent again, and cancelled."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.run_world import FaultyBroker, World

from nanobook_core.contracts import RateLimitedError

TWO = {"AAA": 0.1, "BBB": 0.1}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def times(world, event):
    return [each["ts_mono"] for each in world.audit if each["event"] == event]


class Unhurried(FaultyBroker):
    """Takes an order in two seconds."""

    def capabilities(self):
        return evolve(super().capabilities(), max_orders_per_second=0.5)


def test_no_more_orders_a_second_than_the_venue_takes(world):
    world.broker = world.new_broker(Unhurried)
    world.run(TWO)
    first, second = times(world, "order_intent")
    assert second - first == 2


def test_the_longer_interval_counts(world):
    world.broker = world.new_broker(Unhurried)
    world.execution["order_interval_ms"] = 3000
    world.run(TWO)
    first, second = times(world, "order_intent")
    assert second - first == 3


def test_each_order_has_its_time_from_when_it_was_sent(world):
    world.execution["order_interval_ms"] = 10_000
    world.broker.faults["submit_order"].append(
        lambda: world.quotes.update(AAA=(Decimal(140), Decimal(141)))
    )
    world.run(TWO)
    (cancelled,) = times(world, "cancel_intent")
    assert cancelled - times(world, "order_submitted")[0] == 30


def test_a_pause_longer_than_an_order_may_take_is_not_made(world):
    world.broker.faults["submit_order"].append(RateLimitedError(retry_after=31))
    assert world.run(TWO).status == "incomplete"
    assert [each["symbol"] for each in world.data("order_intent")] == ["AAA", "BBB"]
    assert world.clock.elapsed < 31
    assert world.held() == {"BBB": 200}
