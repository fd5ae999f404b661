"""The kill command, while the runner is well, stopped, dead, or has left a log that is damaged."""

import signal
import socket
import subprocess
import sys
import time
from decimal import Decimal

import pytest
from tests.rebalancer.rebalancer_process import PAPER, Folder, end
from tests.rebalancer.run_world import FaultyBroker, World

from nanobook_core.cli.main import run_command
from nanobook_core.contracts import BrokerOrder, OutcomeUnknownError
from nanobook_rebalancer.client_id import client_id
from nanobook_rebalancer.command import rebalancer
from nanobook_rebalancer.kill import kill
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.lock import RunLock

SLOW = "[execution]\norder_interval_ms = 60000\n"
OURS = [client_id("PAPER", "x", "AAA", 1, attempt) for attempt in (1, 2)]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def open_orders(world):
    """Two of ours and one of somebody else, none of which fills."""
    with world.new_broker() as broker:
        for name in (*OURS, "by-hand"):
            broker.submit_order(
                BrokerOrder("AAA", "buy", 7, "limit", Decimal(1), client_order_id=name)
            )


def kill_all(world):
    path = world.rebalancer().config.audit_path
    return kill(path, world.broker, clock=world.clock, reason="test")


def left_open(world):
    world.broker.disconnect()
    with world.new_broker() as broker:
        return [each.client_order_id for each in broker.open_orders("all")]


def test_every_order_of_ours_is_cancelled_and_no_other(world):
    open_orders(world)
    report = kill_all(world)
    assert (report.is_done, report.remaining, report.problems) == (True, [], [])
    assert report.cancelled == sorted(OURS)
    assert left_open(world) == ["by-hand"]
    assert world.data("killed") == [{"cancelled": sorted(OURS), "reason": "test", "remaining": []}]


def test_without_anything_open_it_only_sets_the_switch(world):
    report = kill_all(world)
    assert (report.is_done, report.cancelled) == (True, [])
    assert KillSwitch(world.rebalancer().config.audit_path).reason() == "test"


def test_an_order_that_does_not_end_is_named(world):
    open_orders(world)
    world.broker.faults["cancel_order"].extend([OutcomeUnknownError("no answer")] * 1000)
    report = kill_all(world)
    assert not report.is_done
    assert sorted(report.remaining) == sorted(OURS)
    assert "no answer" in report.problems[0]


def test_a_lost_cancel_is_sent_again(world):
    open_orders(world)
    world.broker.faults["cancel_order"].append(OutcomeUnknownError("no answer"))
    report = kill_all(world)
    assert (report.is_done, report.problems) == (True, [])
    assert left_open(world) == ["by-hand"]


def test_a_connection_that_comes_late_is_waited_for(world):
    open_orders(world)
    world.broker.faults["connect"].extend([ConnectionError("refused")] * 5)
    assert kill_all(world).is_done
    assert left_open(world) == ["by-hand"]


def test_a_venue_that_cannot_be_reached_leaves_it_uncertain(world):
    open_orders(world)
    world.broker.faults["connect"].extend([ConnectionError("refused")] * 1000)
    report = kill_all(world)
    assert not report.is_done
    assert report.problems == ["ConnectionError: refused"]
    assert world.clock.elapsed < 20


def test_nothing_is_cancelled_in_another_account(world):
    open_orders(world)
    path = world.rebalancer().config.audit_path
    report = kill(path, world.broker, clock=world.clock, reason="test", account_id="OTHER")
    assert not report.is_done
    assert "PAPER" in report.problems[0]
    assert sorted(left_open(world)) == sorted([*OURS, "by-hand"])


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ("[logging]\ndir = 'elsewhere'\n[risk]\nnonsense = 1\n", "elsewhere/audit.jsonl"),
        ("[logging]\naudit_file = 'a.jsonl'\n[account]\n", "logs/a.jsonl"),
        ("logging = 3\n", "logs/audit.jsonl"),
        ("not toml", "logs/audit.jsonl"),
    ],
)
def test_the_switch_is_set_even_where_the_config_cannot_be_used(
    tmp_path, monkeypatch, capsys, config, place
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(config)
    assert run_command(rebalancer, "rebalancer", ["kill", "--reason", "smoke"]) == 1
    assert KillSwitch(tmp_path / place).reason() == "smoke"
    assert "kill switch set beside" in capsys.readouterr().err


class Deaf(FaultyBroker):
    """Lists no orders the first time."""

    def open_orders(self, scope="own"):
        found = super().open_orders(scope)
        if self.count("open_orders") == 0:
            self.calls.append("open_orders")
            raise KeyError("orders")
        return found


def test_a_fault_of_the_adapter_does_not_stop_it(world):
    open_orders(world)
    world.broker = world.new_broker(Deaf)
    assert kill_all(world).is_done
    assert left_open(world) == ["by-hand"]


def test_a_damaged_log_does_not_stop_it(world):
    world.run({"AAA": 0.1})
    path = world.rebalancer().config.audit_path
    path.write_text("{}\n" + path.read_text())
    world.broker.disconnect()
    open_orders(world)
    report = kill_all(world)
    assert report.is_done
    assert "not in the audit log" in report.notes[0]
    assert left_open(world) == ["by-hand"]


def test_a_switch_that_cannot_be_set_is_told_and_the_orders_are_cancelled_all_the_same(world):
    open_orders(world)
    path = world.rebalancer().config.audit_path
    path.parent.mkdir()
    path.with_name("audit.jsonl.kill").mkdir()
    report = kill_all(world)
    assert report.problems[0].startswith("the kill switch cannot be set: ")
    assert left_open(world) == ["by-hand"]


HOLDER = """\
import signal, sys, time
from nanobook_core.contracts import SystemClock
from nanobook_rebalancer.lock import RunLock
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with RunLock(sys.argv[1], SystemClock()):
    print("held", flush=True)
    time.sleep(1000)
"""


class RealTime(World):
    """Waits for real, because another process takes its time."""

    def __init__(self, folder):
        super().__init__(folder)
        self.clock.sleep = self._sleep

    def _sleep(self, seconds):
        time.sleep(seconds / 10)
        self.clock.elapsed += seconds


def test_a_runner_that_hangs_is_ended(tmp_path):
    world = RealTime(tmp_path)
    open_orders(world)
    path = world.rebalancer().config.audit_path
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        report = kill_all(world)
        assert process.wait(10) == -signal.SIGKILL
    assert (report.is_done, report.problems) == (True, [])
    assert left_open(world) == ["by-hand"]


def test_the_lock_of_another_machine_is_told_and_orders_are_cancelled(world, monkeypatch):
    open_orders(world)
    path = world.rebalancer().config.audit_path
    with monkeypatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: "elsewhere")
        lock = RunLock(path, world.clock).__enter__()
    report = kill_all(world)
    lock.close()
    assert not report.is_done
    assert "a runner is still alive" in report.problems[0]
    assert any("cannot signal" in note for note in report.notes)
    assert left_open(world) == ["by-hand"]


def test_orders_are_cancelled_before_the_runner_is_waited_for(world, monkeypatch):
    open_orders(world)
    path = world.rebalancer().config.audit_path
    cancelled = []
    world.broker.faults["cancel_order"].append(lambda: cancelled.append(world.clock.elapsed))
    with monkeypatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: "elsewhere")
        lock = RunLock(path, world.clock).__enter__()
    kill_all(world)
    lock.close()
    assert cancelled == [0]


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    folder.target({"AAA": 0.05, "BBB": 0.04})
    folder.config(SLOW)
    return folder


def test_a_runner_that_is_well_stops_by_itself(folder):
    process = folder.start("run", "target.json", *PAPER, "--force")
    folder.wait_for("order_submitted")
    code, output, _ = folder.run("kill", *PAPER, "--reason", "enough")
    assert (code, output) == (0, "Kill switch set: enough. 0 orders cancelled.\n")
    process.communicate(timeout=60)
    assert process.returncode == 5
    assert folder.events[-2:] == ["run_completed", "killed"]
    assert [each["event"] for each in folder.audit].count("order_intent") == 1


@pytest.mark.slow
def test_a_runner_that_was_stopped_never_wakes_up_to_send(folder):
    process = folder.start("run", "target.json", *PAPER, "--force")
    folder.wait_for("order_submitted")
    process.send_signal(signal.SIGSTOP)
    code, output, _ = folder.run("kill", *PAPER)
    assert (code, output) == (0, "Kill switch set: killed by hand. 0 orders cancelled.\n")
    assert end(process, signal.SIGCONT)[0] == -signal.SIGKILL
    assert folder.run("run", "target.json", *PAPER, "--force")[0] == 5
    assert folder.run("kill", *PAPER, "--clear")[0] == 0
    folder.config("")
    assert folder.run("run", "target.json", *PAPER, "--force")[0] == 0
    assert folder.held() == {"AAA": "500", "BBB": "800"}
