"""Real commands that are really killed, at a venue in another process."""

import os
import signal
import subprocess
import time

import pytest
from tests.rebalancer.crash import CRASH_POINTS
from tests.rebalancer.kill_nine import (
    COMMAND,
    RUN,
    Children,
    environment,
    killed,
    run_kills,
    set_up,
    start_together,
    steps_to_die_of,
    truth_of,
    venue,
)


def test_each_of_the_26_points_is_a_step_of_a_real_process():
    assert [name for name, *_ in steps_to_die_of()] == [point.name for point in CRASH_POINTS]


def test_a_command_that_is_killed_between_intent_and_send_is_taken_up_by_the_next(tmp_path):
    with Children(tmp_path) as children:
        outcome = killed(
            children, tmp_path / "world", 1, ["fsync:order_intent", 2, None], "intent fsync"
        )
    assert (outcome.kills, outcome.codes, outcome.violations) == (1, (-9, 0), ())


@pytest.mark.slow
def test_50_real_kills_break_no_law(tmp_path, found):
    outcomes = list(run_kills(tmp_path, 50))
    kills = sum(outcome.kills for outcome in outcomes)
    found.append(f"{kills} real kills in {len(outcomes)} worlds")
    assert kills >= 50
    assert [outcome for outcome in outcomes if outcome.violations] == []
    # The points come first: each of them has killed.
    assert [outcome.name for outcome in outcomes[:26] if outcome.kills == 0] == []


@pytest.mark.slow
def test_of_many_that_start_together_one_runs(tmp_path):
    assert start_together(tmp_path, 10) == {6: 9, 130: 1}


@pytest.mark.slow
def test_the_kill_command_cancels_all_beside_a_runner_that_is_stopped(tmp_path):
    with venue(tmp_path, 0) as address:
        set_up(tmp_path, address, timeout=60)
        env = environment(tmp_path)
        with (tmp_path / "output.txt").open("wb") as output:
            runner = subprocess.Popen(
                [*COMMAND, *RUN, "--force"],
                cwd=tmp_path,
                env=env,
                stdout=output,
                stderr=output,
            )
            until = time.monotonic() + 30
            while not any(order.remaining for order in truth_of(address).orders):
                assert time.monotonic() < until
                time.sleep(0.01)
            os.kill(runner.pid, signal.SIGSTOP)
            killing = subprocess.run(
                [*COMMAND, "kill"],
                check=False,
                cwd=tmp_path,
                env=env,
                capture_output=True,
                text=True,
                timeout=60,
            )
        assert killing.returncode == 0, killing.stdout + killing.stderr
        assert [order for order in truth_of(address).orders if order.remaining] == []
        assert runner.wait(timeout=10) == -signal.SIGKILL
