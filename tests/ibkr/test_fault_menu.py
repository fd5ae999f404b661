"""Every fault of the menu in some sessions: nothing is doubled, lost, or said that is not so."""

from functools import partial

import pytest
from tests.fault import caller
from tests.fault import planted as defect
from tests.fault.menu import all_cases, pairs, run_all, shown
from tests.ibkr import planted
from tests.ibkr.fault_menu import MENU, ROWS, run_row, run_rows
from tests.ibkr.program import make_broker

from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator.fault import Fault

SEEDS = (0, 1)
MANY_SEEDS = range(1000, 1005)


@pytest.fixture(scope="module")
def results():
    return {
        (result.name, result.seed): result for result in run_all(run_rows, all_cases(MENU, SEEDS))
    }


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_session_with_a_fault_leaves_nothing_doubled_lost_or_untrue(results, name, seed):
    assert results[name, seed].violations == ()


@pytest.mark.slow
def test_many_sessions_with_a_fault_leave_nothing_doubled_lost_or_untrue():
    wrong = [each for each in run_all(run_rows, all_cases(MENU, MANY_SEEDS)) if each.violations]
    assert wrong == [], shown(MENU, wrong)


@pytest.mark.slow
def test_sessions_with_two_faults_leave_nothing_doubled_lost_or_untrue():
    wrong = [each for each in run_all(run_rows, pairs(MENU, range(100))) if each.violations]
    assert wrong == [], shown(MENU, wrong)


def test_every_fault_is_on_the_menu():
    assert {row.fault for row in MENU} == set(Fault)


def test_the_table_counts_what_the_judge_finds():
    row = ROWS["correction"]
    table = shown(MENU, [run_row(row, 1)])
    assert table.splitlines()[0].split() == [
        "sessions",
        "orders",
        "fills",
        "duplicate",
        "lost",
        "hung",
        "violated",
    ]
    assert table.splitlines()[-1].split()[:2] == ["all", "1"]
    assert table.splitlines()[-1].split()[4:] == ["0", "0", "0", "0"]


PLANTED = {
    planted.SendsAgain: ("drop_after_accept", "duplicate"),
    defect.CallsDoubtUnsent: ("drop_after_accept", "outcome"),
    defect.CallsDoubtRefused: ("drop_after_accept", "outcome"),
    defect.SaysNothingOfRefusals: ("reject 201", "outcome"),
    defect.BelievesItsCancel: ("lost_cancel", "state"),
    defect.SeesNoCancel: ("manual_order", "state"),
    defect.LosesAFill: ("execution_before_status", "lost"),
    defect.DoublesAFill: ("duplicate_messages", "doubled"),
    planted.AddsCorrections: ("correction", "doubled"),
    defect.ForgetsOrders: ("manual_order", "lost"),
    defect.SeesItsOwnOnly: ("foreign_order", "lost"),
    planted.CountsItsOwnHoldings: ("correction", "position"),
    defect.TellsTwice: ("duplicate_messages", "event"),
    defect.TellsNothing: ("fill_while_away", "event"),
    defect.ChangesTheQuantity: ("order_id_jump", "terms"),
    defect.RaisesAnything: ("drop_after_accept", "outcome"),
}
#: Within so many sessions each of them must show.
PLANTED_SEEDS = range(10)


@pytest.mark.parametrize("wrong", PLANTED, ids=lambda wrong: wrong.__name__)
def test_a_planted_defect_is_caught(wrong):
    make = partial(make_broker, kind=defect.planted(wrong, IbkrBroker))
    name, rule = PLANTED[wrong]
    for seed in PLANTED_SEEDS:
        if run_row(ROWS[name], seed, make).count(rule):
            return
    raise AssertionError(f"{wrong.__name__} was not caught in {len(PLANTED_SEEDS)} sessions")


def test_a_call_that_never_returns_is_caught(monkeypatch):
    monkeypatch.setattr(caller, "TOO_LONG", 2.0)

    make = partial(make_broker, kind=defect.planted(defect.Hangs, IbkrBroker))
    assert run_row(ROWS["manual_order"], 1, make).count("hang") == 1
