"""32 faults at 26 crash points: nothing is done twice, nothing is lost, every run ends."""

import pytest
from tests.rebalancer.fault import FAULTS
from tests.rebalancer.matrix import Case, all_cases, pairs, run_all, shown, stratified


def check(results):
    """Fail with the first few cases that broke a law; each can be run again by itself."""
    wrong = [
        f"{result.case} | {result.codes} | {each.rule} {each.text}"
        for result in results
        for each in result.violations
    ]
    assert wrong[:20] == []


def test_there_are_32_faults_by_their_names():
    assert [fault.name for fault in FAULTS] == [f"F{number:02}" for number in range(1, 33)]


def test_every_point_meets_faults_and_no_law_is_broken(found):
    results = run_all(stratified(286))
    found.append(shown(results))
    check(results)


def test_every_fault_without_a_crash_breaks_no_law():
    check(run_all(Case((fault.name,), "", seed) for seed in range(2) for fault in FAULTS))


@pytest.mark.slow
def test_every_fault_meets_every_point_and_no_law_is_broken(found):
    results = run_all(stratified(2 * 832 + 338))
    found.append(shown(results))
    check(results)


@pytest.mark.slow
def test_pairs_of_faults_break_no_law(found):
    results = run_all(pairs(range(1000)))
    found.append(shown(results))
    check(results)


def test_the_same_case_gives_the_same_result():
    case = Case(("F05",), "ack write", 7)
    first, second = run_all([case]), run_all([case])
    assert first == second
    assert len(list(all_cases([0], ["F01"], ["lock", "send"]))) == 2
