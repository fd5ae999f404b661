"""Schedules that were given to the original, and its answers, to the last unit.

`python benchmarks/backtest/differential.py --write-golden` writes them, and compares thousands.
"""

import json
import math
from pathlib import Path

import pytest

import nanobook

DATA = Path(__file__).parents[2] / "data" / "portfolio"
SCHEDULES = json.loads((DATA / "original_schedules.json").read_text(encoding="utf-8"))
KEYS = ("returns", "equity_curve", "final_cash", "holdings", "symbol_returns")


def in_order(events):
    # The original's order within a period is that of a hash table.
    return sorted(events, key=lambda event: (event["period_index"], event["symbol"]))


@pytest.mark.parametrize("case", SCHEDULES, ids=[str(number) for number in range(len(SCHEDULES))])
def test_it_equals_the_original(case):
    result, expected = nanobook.backtest_weights(*case["arguments"]), case["answer"]
    plain = json.loads(json.dumps(dict(result) | {"metrics": None}))
    for key in KEYS:
        # As text, because NaN is NaN here and 1 is not 1.0.
        assert repr(plain[key]) == repr(expected[key]), key
    assert in_order(plain["stop_events"]) == expected["stop_events"]
    for name, value in expected["metrics"].items():
        assert getattr(result["metrics"], name) == value, name


def test_the_original_was_asked_about_stops_shorts_leverage_and_symbols_that_come_and_go():
    answers = [case["answer"] for case in SCHEDULES]
    reasons = [event["reason"] for answer in answers for event in answer["stop_events"]]
    held = [weight for answer in answers for row in answer["holdings"] for _, weight in row]
    changes = [value for answer in answers for row in answer["symbol_returns"] for _, value in row]
    assert len(SCHEDULES) == 40
    assert reasons.count("fixed") > 10
    assert reasons.count("trailing") > 10
    assert min(held) < -0.5
    assert max(held) > 1.2
    assert sum(map(math.isnan, changes)) > 100
    assert all(len(answer["metrics"]) >= 12 for answer in answers)
