"""`backtest_weights` against the original, schedule by schedule, to the last unit.

Hypothesis draws schedules that are valid and shrinks one on which the two differ. Schedules whose
equity falls to 0 are left out, and so is what differs on purpose: CVaR, Sortino, and the Sharpe
ratio of returns that are all the same. Counts say how often each feature was there.
`--write-golden` keeps some of the schedules for the tests, with the original's answers.
Run: uv run python benchmarks/backtest/differential.py [--schedules 2000] [--seed N]
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import sys
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from hypothesis import HealthCheck, given, reject, seed, settings

import nanobook
from backtest.argument import features, is_solvent, valid_arguments
from backtest.original import Original

GOLDEN = Path(__file__).parents[2] / "tests" / "data" / "portfolio" / "original_schedules.json"
N_GOLDEN = 40
KEYS = ("returns", "equity_curve", "final_cash", "holdings", "symbol_returns", "stop_events")
DIFFERENT_METRICS = {"cvar_95", "sortino"}
#: Features, arguments, and the answer of both.
Case = tuple[dict[str, bool], list[Any], dict[str, Any]]


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """What is the same on both sides.

    Events are put in order: the original's order within a period is that of a hash table.
    """
    events = sorted(answer["stop_events"], key=lambda at: (at["period_index"], at["symbol"]))
    left_out = DIFFERENT_METRICS | ({"sharpe"} if is_constant(answer["returns"]) else set())
    metrics = {name: value for name, value in answer["metrics"].items() if name not in left_out}
    return {key: answer[key] for key in KEYS} | {"stop_events": events, "metrics": metrics}


def is_constant(returns: list[float]) -> bool:
    """Whether their deviation is rounding alone."""
    return statistics.pstdev(returns) <= 1e-12 * abs(statistics.mean(returns))


def ours(arguments: list[Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """Our answer as one that has been through JSON, with those metrics."""
    result = nanobook.backtest_weights(*arguments)
    found = {name: getattr(result["metrics"], name) for name in metrics}
    plain: dict[str, Any] = json.loads(json.dumps(dict(result) | {"metrics": found}))
    return plain


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """The first value that differs, with both: to the last bit, but for the sign of a 0 metric."""
    for key in KEYS:
        # NaN is NaN, 0.0 is not -0.0, and 1 is not 1.0.
        if repr(ours[key]) != repr(theirs[key]):
            return f"{key}: {ours[key]} here, {theirs[key]} there"
    for name, value in theirs["metrics"].items():
        # Without gains a profit factor of the original is -0.0.
        if ours["metrics"][name] != value:
            return f"{name}: {ours['metrics'][name]} here, {value} there"
    return None


class Comparison:
    """Counts, and what was compared."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.cases: list[Case] = []

    def run(self, n_schedules: int, seed_: int) -> None:
        """Draw, ask both, compare.

        Raises:
            AssertionError: they differ, on a schedule as small as it gets.

        """
        original = Original()

        @seed(seed_)
        @settings(
            max_examples=n_schedules,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(valid_arguments())
        def compare(arguments: list[Any]) -> None:
            self._compare(arguments, original(arguments))

        try:
            compare()
        finally:
            original.close()

    def _compare(self, arguments: list[Any], answer: dict[str, Any] | None) -> None:
        if answer is None:
            self.left_out["no answer of the original"] += 1
            reject()
        if not is_solvent(answer):
            self.left_out["equity falls to 0, or beyond the range"] += 1
            reject()
        theirs = comparable(answer)
        found = difference(comparable(ours(arguments, answer["metrics"])), theirs)
        if found:
            raise AssertionError(found)
        has = features(arguments, answer)
        self.counts.update({"schedules": 1} | has)
        self.cases.append((has, arguments, theirs))

    def golden(self) -> list[dict[str, Any]]:
        """Schedules and answers for one feature after another, those with most features first."""
        left = sorted(self.cases, key=lambda case: -sum(case[0].values()))
        chosen: list[Case] = []
        for feature in cycle(self.cases[0][0]):
            if not left or len(chosen) == N_GOLDEN:
                break
            found = next((case for case in left if case[0][feature]), None)
            if found:
                left.remove(found)
                chosen.append(found)
        return [{"arguments": arguments, "answer": answer} for _, arguments, answer in chosen]


def main() -> int:
    """Print counts; 1 on the first schedule that differs, which is printed as small as it gets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--write-golden", action="store_true", help=f"{N_GOLDEN} into {GOLDEN}")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    comparison = Comparison()
    try:
        comparison.run(options.schedules, options.seed)
    except AssertionError as error:
        print(error, *getattr(error, "__notes__", []), sep="\n")
        return 1
    print(json.dumps({**comparison.counts, "left out": comparison.left_out}, indent=2))
    if options.write_golden:
        lines = (json.dumps(case, separators=(",", ":")) for case in comparison.golden())
        GOLDEN.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
