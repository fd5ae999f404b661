"""Real runs over the socket of a simulated Binance that are really killed, and go on."""

import pytest
from tests.binance.crash import CHILD, FAULTS, MATRIX, World
from tests.rebalancer.judge import REVIEW
from tests.rebalancer.kill_nine import Children
from tests.rebalancer.socket_crash import steps_to_die_of

from nanobook_binance.simulator import Fault


@pytest.fixture(scope="module")
def children(tmp_path_factory):
    with Children(tmp_path_factory.mktemp("children"), CHILD) as children:
        yield children


STEPS = {step.name: step for step in steps_to_die_of()}


@pytest.mark.parametrize("name", ["before the send", "send"])
def test_a_run_that_is_killed_around_a_send_goes_on_by_itself(children, tmp_path, name):
    outcome = MATRIX.killed(children, tmp_path / "world", 1, STEPS[name])
    assert (outcome.codes, outcome.violations) == ((-9, 0), ())


def test_a_run_whose_answer_is_lost_and_that_is_killed_goes_on(children, tmp_path):
    step, fault = STEPS["fill write"], Fault.DROP_AFTER_ENGINE
    outcome = MATRIX.killed(children, tmp_path / "world", 2, step, fault)
    assert (outcome.codes[0], outcome.codes[-1], outcome.violations) == (-9, 0, ())


@pytest.mark.slow
def test_a_journal_that_is_lost_leaves_an_order_in_doubt_to_a_person(children, tmp_path):
    with World(tmp_path, 1) as world:
        assert children.run(tmp_path, die=STEPS["before the send"].request) == -9
        (tmp_path / "audit.jsonl.binance.sqlite").unlink()
        assert children.run(tmp_path) == REVIEW
        told = (tmp_path / "output.txt").read_text()
        assert "binance's record of what was sent begins at" in told
        assert len([each for each in world.binance.orders() if each.symbol != "ETHBTC"]) == 2


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_step_or_time_breaks_no_law(tmp_path):
    outcomes = list(MATRIX.run_kills(tmp_path, len(STEPS) + 10))
    assert [outcome for outcome in outcomes if outcome.violations] == []
    assert [outcome.name for outcome in outcomes[: len(STEPS)] if outcome.kills == 0] == []
    assert [outcome.name for outcome in outcomes if outcome.codes[-1] == REVIEW] == []


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(FAULTS)), ids=FAULTS)
def test_a_run_that_is_killed_under_a_fault_breaks_no_law(children, tmp_path, number):
    fault = list(FAULTS)[number]
    step = list(STEPS.values())[7 * number % len(STEPS)]
    outcome = MATRIX.killed(children, tmp_path / "world", number, step, fault)
    assert (outcome.violations, outcome.codes[-1]) == ((), 0)
