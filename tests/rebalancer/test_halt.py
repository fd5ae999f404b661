"""What stops a run, and what the gate is told for that."""

from decimal import Decimal

import pytest
from tests.rebalancer.run_world import FORCE, Recorder, World

from nanobook_core.contracts import HaltedError
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.planner import make_plan
from nanobook_rebalancer.snapshot import take_snapshot
from nanobook_rebalancer.stop import StopFlag
from nanobook_rebalancer.target import read_target

DEAR = (Decimal(140), Decimal(141))
CHEAP = (Decimal("69.95"), Decimal("70.05"))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_second_half_of_a_flip_is_not_sent_before_the_first_has_filled(tmp_path):
    world = World(tmp_path, splits_flips=True)
    world.run({"AAA": 0.5})
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=CHEAP))
    result = world.run({"AAA": -0.3}, window="w2")
    assert (result.status, result.exit_code) == ("incomplete", 3)
    actions = [leg["action"] for leg in world.data("diff_computed")[-1]["plan"]["legs"]]
    assert actions == ["SELL", "SELL SHORT"]
    assert [each["action"] for each in world.data("order_intent")] == ["BUY", "SELL"]
    assert world.held() == {"AAA": 500}


def test_it_is_sent_once_that_has_filled(tmp_path):
    world = World(tmp_path, splits_flips=True)
    world.run({"AAA": 0.5})
    assert world.run({"AAA": -0.3}, window="w2").status == "done"
    assert world.held()["AAA"] < 0


def falling(world):
    """The price of what is held falls as the next order is sent."""
    world.risk |= {"checks": {"daily_loss": {"max_loss": 5000}}}
    world.run({"AAA": 0.9})
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=CHEAP))


def test_a_check_that_halts_stops_this_run_and_the_next(world):
    falling(world)
    result = world.run({"AAA": 0.9, "BBB": 0.01, "CCC": 0.01}, window="w2")
    assert (result.status, result.exit_code) == ("halted", 5)
    assert "Daily loss" in result.message
    assert world.broker.count("submit_order") == 2
    assert "Daily loss" in KillSwitch(world.rebalancer().config.audit_path).reason()
    world.broker.disconnect()
    world.broker = world.new_broker()
    assert world.run({"BBB": 0.01}, window="w3").status == "halted"
    assert world.broker.count("submit_order") == 0


def test_a_loss_is_counted_from_the_first_look_of_the_day(world):
    world.risk |= {"checks": {"daily_loss": {"max_loss": 5000}}}
    world.run({"AAA": 0.9})
    world.quotes["AAA"] = (Decimal("95.95"), Decimal("96.05"))
    assert world.run({"AAA": 0.9, "BBB": 0.01}, window="w2").status == "done"
    world.quotes["AAA"] = (Decimal("93.95"), Decimal("94.05"))
    result = world.run({"AAA": 0.9, "BBB": 0.05}, window="w3")
    assert (result.status, result.exit_code) == ("refused", 2)
    assert "Daily loss" in result.message
    world.clock.elapsed += 86_400
    assert world.run({"AAA": 0.9, "BBB": 0.05}, window="w4").status == "done"


def test_a_venue_that_has_halted_gets_no_further_order(world):
    world.broker.faults["submit_order"].append(HaltedError("by hand"))
    result = world.run({"AAA": 0.5, "BBB": 0.1})
    assert (result.status, result.exit_code) == ("halted", 5)
    assert world.broker.count("submit_order") == 1


def test_the_gate_is_told_of_the_kill_switch(world):
    world.risk["checks"] = {"kill_state": {}}
    switch = KillSwitch(world.rebalancer().config.audit_path)

    class Killing(Recorder):
        def recorded(self, event, data):
            if event == "diff_computed":
                switch.set("enough")

    result = world.run({"AAA": 0.5}, screen=Killing())
    assert (result.status, result.exit_code) == ("refused", 2)
    assert "stopped: enough" in result.message


def test_an_order_is_cancelled_for_what_stopped_the_run(world):
    stop = StopFlag()
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    world.clock.after(5, lambda: setattr(stop, "signal", "SIGTERM"))
    world.run({"AAA": 0.5}, stop=stop)
    assert [each["reason"] for each in world.data("cancel_intent")] == ["SIGTERM received"]


def test_a_plan_that_was_given_gets_numbers_that_its_window_has_not_used(world):
    world.execution["order_timeout_secs"] = 1
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    assert world.run({"AAA": 0.5}).status == "incomplete"
    world.quotes["AAA"] = (Decimal("99.95"), Decimal("100.05"))
    path, clock = world.target({"AAA": 0.5}), world.clock
    target = read_target(path, now=clock.now(), max_age=86_400)
    rebalancer = world.rebalancer()
    snapshot = take_snapshot(world.broker, ["AAA"], clock=clock, max_age=5, account_id="PAPER")
    plan = make_plan(target, snapshot, rebalancer.config)
    assert [leg.number for leg in plan.legs] == [1]
    assert rebalancer.run(target, FORCE, plan).status == "done"
    assert [each["leg"] for each in world.data("order_intent")] == [1, 2]
