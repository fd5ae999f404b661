"""`backtest_weights` against the original, schedule by schedule, to the last unit.

Hypothesis draws schedules that are valid (every symbol priced, equity above 0 throughout, no ATR
stops) and shrinks one on which the two differ. The original runs in a process of its own, which is
killed when it does not answer in time. Counts say how often each feature was there.
Run: uv run python benchmarks/backtest/differential.py [--schedules 2000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Timer
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from simulation import peers

import nanobook

LIMIT_S = 20
METRICS = ("total_return", "cagr", "volatility", "max_drawdown", "win_rate", "num_periods")


class Original:
    """The original's `py_backtest_weights`, one call at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [peers(), Path(__file__).with_name("answers.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, arguments: list[Any]) -> dict[str, Any]:
        """Its answer; EOFError if it died or had to be killed."""
        process = self._process
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        timer = Timer(LIMIT_S, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps(arguments) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise EOFError(f"the original did not answer in {LIMIT_S} s: {arguments}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@st.composite
def schedules(draw: st.DrawFn) -> list[Any]:
    """Arguments of a call: few symbols and few prices, near 1 and large; weights of all kinds."""
    names = ["D", "B", "A", "C"][: draw(st.integers(1, 4))]
    middle = draw(st.sampled_from([20, 100, 10_000, 1_000_000]))
    price = st.sampled_from([middle * k // 20 for k in (10, 16, 18, 19, 20, 21, 22, 30)])
    if draw(st.booleans()):
        price = st.integers(max(middle // 2, 1), middle * 2)
    weight = st.sampled_from([0.0, 0.25, 0.5, 1.0, -0.25, -0.5, 1.3, 1e-9]) | st.floats(-1, 1)
    n_periods = draw(st.integers(1, 12))
    prices = [[(name, draw(price)) for name in names] for _ in range(n_periods)]
    weights = [
        [(name, draw(weight)) for name in draw(st.permutations(names))[: draw(st.integers(0, 4))]]
        for _ in range(n_periods)
    ]
    stop = st.sampled_from([0.05, 0.1, 0.2, 0.0]) | st.floats(0.001, 0.9)
    names_of_stops = draw(st.sampled_from([["fixed"], ["trailing"], ["fixed", "trailing"], None]))
    stop_cfg = names_of_stops and {f"{name}_stop_pct": draw(stop) for name in names_of_stops}
    cash = draw(st.sampled_from([100_000, 10**8 + 7, 10**12]))
    bps = draw(st.sampled_from([0, 1, 15, 1000, 10_000]))
    return [weights, prices, cash, bps, 252.0, draw(st.sampled_from([0.0, 1e-4])), stop_cfg]


def by_symbol(events: Any) -> list[Any]:
    """Events in an order that both have: the original's within a period is that of a hash."""
    return sorted(events, key=lambda event: (event["period_index"], event["symbol"]))


def same(ours: Any, theirs: Any) -> bool:
    """Equal, NaN equal to NaN, tuples to lists."""
    return repr(json.loads(json.dumps(ours))) == repr(theirs)


def main() -> int:
    """Print counts; 1 on the first schedule that differs, which is printed as small as it gets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000)
    wanted = parser.parse_args().schedules
    counts: Counter[str] = Counter()
    original = Original()

    @settings(
        max_examples=wanted,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(schedules())
    def compare(arguments: list[Any]) -> None:
        ours = nanobook.backtest_weights(*arguments)
        assume(ours.ruined_at is None)
        theirs = original(arguments)
        for key in ("returns", "equity_curve", "final_cash", "holdings", "symbol_returns"):
            if not same(ours[key], theirs[key]):
                raise AssertionError(f"{key}: {ours[key]} here, {theirs[key]} there")
        if by_symbol(ours["stop_events"]) != by_symbol(theirs["stop_events"]):
            raise AssertionError(f"{ours['stop_events']} here, {theirs['stop_events']} there")
        for name in METRICS:
            if getattr(ours["metrics"], name) != theirs["metrics"][name]:
                raise AssertionError(f"{name}: {ours['metrics']} here, {theirs['metrics']} there")
        weights = [weight for row in arguments[0] for _, weight in row]
        counts.update(
            {
                "schedules": 1,
                "stops fired": bool(ours["stop_events"]),
                "stops, never fired": bool(arguments[-1]) and not ours["stop_events"],
                "short positions": bool((ours.quantities < 0).any()),
                "negative cash": min(ours.cash) < 0,
                "empty rows": any(not row for row in arguments[0]),
                "costs": arguments[3] > 0,
                "gross weight above 1": sum(map(abs, weights)) > len(arguments[0]),
            }
        )

    try:
        compare()
    except AssertionError as error:
        print(error)
        print(*getattr(error, "__notes__", []), sep="\n")
        return 1
    finally:
        original.close()
    print(json.dumps(counts, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
