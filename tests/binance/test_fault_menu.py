"""Every fault of the menu in some sessions: nothing is doubled, lost, or said that is not so."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from tests.binance import planted
from tests.binance.fault_menu import MENU, ROWS, run_row, run_rows
from tests.binance.program import make_broker
from tests.fault import caller
from tests.fault import planted as defect
from tests.fault.menu import all_cases, pairs, run_all, shown

from nanobook_binance.broker import BinanceBroker
from nanobook_binance.simulator import Fault

SEED = 0
MANY_SEEDS = range(1000, 1004)


@pytest.fixture(scope="module")
def results():
    return {result.name: result for result in run_all(run_rows, all_cases(MENU, [SEED]))}


@pytest.mark.parametrize("name", ROWS)
def test_a_session_with_a_fault_leaves_nothing_doubled_lost_or_untrue(results, name):
    assert results[name].violations == ()


@pytest.mark.slow
def test_many_sessions_with_a_fault_leave_nothing_doubled_lost_or_untrue():
    wrong = [each for each in run_all(run_rows, all_cases(MENU, MANY_SEEDS)) if each.violations]
    assert wrong == [], shown(MENU, wrong)


@pytest.mark.slow
def test_sessions_with_two_faults_leave_nothing_doubled_lost_or_untrue():
    wrong = [each for each in run_all(run_rows, pairs(MENU, range(200))) if each.violations]
    assert wrong == [], shown(MENU, wrong)


def test_every_fault_is_on_the_menu():
    assert {row.fault for row in MENU} == set(Fault)


PLANTED = {
    planted.Retries: ("drop_after_engine trade", "duplicate"),
    planted.BelievesAbsence: ("late_execution 1.5 try_on", "duplicate"),
    planted.TrustsTheId: ("index_lag 0.6 forget", "duplicate"),
    planted.CountsFromItsOrders: ("partial_fill", "position"),
    planted.ForgetsFees: ("partial_fill", "lost"),
    planted.LetsMarketOrdersRest: ("partial_fill", "terms"),
    defect.CallsDoubtUnsent: ("late_execution 1.5", "outcome"),
    defect.CallsDoubtRefused: ("late_execution 1.5", "outcome"),
    defect.SaysNothingOfRefusals: ("halt", "outcome"),
    defect.BelievesItsCancel: ("cancel_race", "state"),
    defect.SeesNoCancel: ("html_410", "state"),
    defect.LosesAFill: ("partial_fill", "lost"),
    defect.DoublesAFill: ("partial_fill", "doubled"),
    defect.ForgetsOrders: ("html_410", "lost"),
    defect.SeesItsOwnOnly: ("html_410", "lost"),
    defect.TellsTwice: ("stream_duplicate trade", "event"),
    defect.TellsNothing: ("stream_drop trade", "event"),
    defect.ChangesTheQuantity: ("html_410", "terms"),
    defect.RaisesAnything: ("late_execution 1.5", "outcome"),
}
#: Within so many sessions each of them must show.
PLANTED_SEEDS = range(20)


@pytest.fixture(scope="module")
def caught():
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(PLANTED, pool.map(is_caught, PLANTED), strict=True))


def is_caught(wrong):
    make = partial(make_broker, kind=defect.planted(wrong, BinanceBroker))
    name, rule = PLANTED[wrong]
    return any(run_row(ROWS[name], seed, make).count(rule) for seed in PLANTED_SEEDS)


@pytest.mark.parametrize("wrong", PLANTED, ids=lambda wrong: wrong.__name__)
def test_a_planted_defect_is_caught(caught, wrong):
    assert caught[wrong]


def test_a_call_that_never_returns_is_caught(monkeypatch):
    monkeypatch.setattr(caller, "TOO_LONG", 2.0)

    make = partial(make_broker, kind=defect.planted(defect.Hangs, BinanceBroker))
    assert run_row(ROWS["html_410"], 1, make).count("hang") == 1
