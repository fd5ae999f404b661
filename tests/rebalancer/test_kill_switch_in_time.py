"""The kill switch with 50 open orders: how soon the last cancel is sent, in simulated time."""

import json
import signal
from decimal import Decimal
from random import Random

import pytest
from tests.rebalancer.crash import Crash, Disk, RunClock, RunFiles, Tape
from tests.rebalancer.judge import Ending, judge
from tests.rebalancer.program import AUDIT, TARGET, run_program
from tests.rebalancer.sim_broker import SimBroker
from tests.rebalancer.sim_venue import SILENCE, SimVenue
from tests.rebalancer.virtual_clock import START, VirtualClock

from nanobook_rebalancer import kill as kill_module
from nanobook_rebalancer import lock
from nanobook_rebalancer.kill import kill
from nanobook_rebalancer.kill_switch import KillSwitch

ORDERS = 50
#: Seconds in which they have all been sent.
SENT = 25
SECONDS = 1.0


class Crowd:
    """An account that is to hold 50 symbols, at a venue where nothing ever fills."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = VirtualClock()
        symbols = [f"S{number:02}" for number in range(ORDERS)]
        self.venue = SimVenue(
            self.clock,
            "crowd",
            dict.fromkeys(symbols, Decimal(100)),
            {},
            plans=dict.fromkeys(range(2 * ORDERS), SILENCE),
        )
        target = {
            "timestamp": START.isoformat(),
            "metadata": {"id": "crowd"},
            "targets": [{"symbol": symbol, "weight": 0.01} for symbol in symbols],
        }
        (folder / TARGET).write_text(json.dumps(target))
        self.tape = Tape()
        self.killed_at = None

    def broker(self, tape, session):
        return SimBroker(self.venue, self.clock, tape, session=session)

    def run(self, pull, after):
        """Exit code of a run, None where it died; `pull` is called meanwhile."""
        self.clock.after(after, lambda: self.pull(pull))
        files = RunFiles(Disk(), self.tape)
        clock = RunClock(self.clock, self.tape)
        try:
            return run_program(self.folder, self.broker(self.tape, 1), clock, files, timeout=300)
        except Crash:
            return None
        finally:
            files.end()

    def pull(self, pull):
        assert len([order for order in self.venue.orders if order.remaining]) == ORDERS
        self.killed_at = self.clock.elapsed
        pull()

    def seconds(self):
        """From the signal to the last cancel that ended an order."""
        assert all(order.ended_at is not None for order in self.venue.orders)
        assert len(self.venue.orders) == ORDERS
        return max(order.ended_at for order in self.venue.orders) - self.killed_at


def percentile_99(values):
    return sorted(values)[-1 - len(values) // 100]


def world(tmp_path, seed):
    """A crowd, and when its kill switch is pulled."""
    folder = tmp_path / f"{seed}"
    folder.mkdir()
    return Crowd(folder), SENT + Random(seed).uniform(0, 30)  # noqa: S311 - no secrets


def seconds_of_a_runner_that_is_well(tmp_path, seed):
    crowd, after = world(tmp_path, seed)
    assert crowd.run(lambda: KillSwitch(crowd.folder / AUDIT).set("test"), after) == 5
    truth = crowd.venue.truth(killed_at=crowd.killed_at)
    assert judge(truth, (crowd.folder / AUDIT).read_bytes(), Ending(codes=(5,))) == []
    return crowd.seconds()


def seconds_of_the_command_while_the_runner_hangs(tmp_path, seed, monkeypatch):
    crowd, after = world(tmp_path, seed)

    def signalled(_process, number):
        # It hears nothing, and SIGKILL is the operating system's business.
        if number == signal.SIGKILL:
            crowd.tape.is_dead = True
            for held in list(lock._open):
                held.close()

    monkeypatch.setattr(kill_module.os, "kill", signalled)

    def pull():
        tape = Tape()
        report = kill(
            crowd.folder / AUDIT,
            crowd.broker(tape, 2),
            clock=RunClock(crowd.clock, tape),
            reason="test",
        )
        assert len(report.cancelled) == ORDERS
        assert report.is_done

    assert crowd.run(pull, after) is None
    return crowd.seconds()


def check_seconds(seconds, who, found):
    p99 = sorted(seconds)[-1 - len(seconds) // 100]
    found.append(f"kill switch to the last of {ORDERS} cancels, {who}: p99 {p99:.2f} s")
    assert p99 <= SECONDS


@pytest.mark.parametrize("runs", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_a_runner_that_is_well_cancels_all_within_a_second(tmp_path, found, runs):
    seconds = [seconds_of_a_runner_that_is_well(tmp_path, seed) for seed in range(runs)]
    check_seconds(seconds, "by a runner that is well", found)


@pytest.mark.parametrize("runs", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_the_command_cancels_all_within_a_second_while_the_runner_hangs(
    tmp_path, found, monkeypatch, runs
):
    seconds = [
        seconds_of_the_command_while_the_runner_hangs(tmp_path, seed, monkeypatch)
        for seed in range(runs)
    ]
    check_seconds(seconds, "beside one that hangs", found)


@pytest.mark.parametrize("after", [0.8, 2.0, 3.5, 5.0])
def test_while_orders_are_being_sent_none_is_sent_after_it(tmp_path, after):
    crowd = Crowd(tmp_path)

    def pull():
        crowd.killed_at = crowd.clock.elapsed
        KillSwitch(tmp_path / AUDIT).set("test")

    crowd.pull = lambda pull: pull()
    assert crowd.run(pull, after) == 5
    truth = crowd.venue.truth(killed_at=crowd.killed_at)
    assert judge(truth, (tmp_path / AUDIT).read_bytes(), Ending(codes=(5,))) == []
    assert 0 < len(truth.orders) < ORDERS
