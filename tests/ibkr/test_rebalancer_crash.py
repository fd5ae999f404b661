"""Real runs over the socket of a simulated gateway that are really killed, and go on."""

import pytest
from tests.ibkr.crash import CHILD, FAULTS, MATRIX, World
from tests.rebalancer.crash import CRASH_POINTS
from tests.rebalancer.judge import DONE, REVIEW
from tests.rebalancer.kill_nine import Children
from tests.rebalancer.socket_crash import steps_to_die_of

from nanobook_ibkr.simulator.fault import Fault


@pytest.fixture(scope="module")
def children(tmp_path_factory):
    with Children(tmp_path_factory.mktemp("children"), CHILD) as children:
        yield children


STEPS = {step.name: step for step in steps_to_die_of()}


def test_the_points_are_those_of_the_matrix_and_three_of_this_broker():
    names = [point.name for point in CRASH_POINTS]
    own = ["before the journal", "in the journal", "before the send"]
    assert list(STEPS) == [*names, *own]


@pytest.mark.parametrize("name", ["before the send", "send"])
def test_a_run_that_is_killed_around_a_send_goes_on_by_itself(children, tmp_path, name):
    outcome = MATRIX.killed(children, tmp_path / "world", 1, STEPS[name])
    assert (outcome.codes, outcome.violations) == ((-9, 0), ())


def test_a_run_whose_connection_breaks_and_that_is_killed_goes_on(children, tmp_path):
    outcome = MATRIX.killed(
        children, tmp_path / "world", 2, STEPS["fill write"], Fault.DROP_AFTER_ACCEPT
    )
    assert (outcome.codes, outcome.violations) == ((-9, 0), ())


@pytest.mark.slow
def test_a_journal_that_is_lost_leaves_an_order_in_doubt_to_a_person(children, tmp_path):
    with World(tmp_path, 1) as world:
        assert children.run(tmp_path, die=STEPS["before the send"].request) == -9
        (tmp_path / "audit.jsonl.ibkr.sqlite").unlink()
        assert children.run(tmp_path) == REVIEW
        told = (tmp_path / "output.txt").read_text()
        assert "ibkr's record of what was sent begins at" in told
        sent = [each for each in world.gateway.orders() if each.form.order_ref]
        assert len(sent) == 2


@pytest.mark.slow
def test_only_the_client_that_sent_an_order_can_prove_that_it_never_arrived(children, tmp_path):
    with World(tmp_path, 1) as world:
        assert children.run(tmp_path, die=STEPS["before the send"].request) == -9
        config = tmp_path / "config.toml"
        written = config.read_text()
        config.write_text(written.replace("client_id = 100", "client_id = 101"))
        assert children.run(tmp_path) == REVIEW
        config.write_text(written)
        assert children.run(tmp_path) == DONE
        sent = [each for each in world.gateway.orders() if each.form.order_ref]
        assert [each.client_id for each in sent] == [100, 100, 100, 100]


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
    assert outcome.violations == ()
    # Numbers that have jumped prove nothing of an order that was in doubt then.
    assert outcome.codes[-1] == 0 or (outcome.codes[-1], fault) == (REVIEW, Fault.ORDER_ID_JUMP)
