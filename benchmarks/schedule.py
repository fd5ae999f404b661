"""Both schedules of ten years of 500 symbols to tables: the compiled kernel against the core's.

CPU time of weights and prices together, the two in turns in one run. Symbols are the same objects
in every row, as where one list of names made them all, or new strings, as from a file.
Run: uv run python benchmarks/schedule.py
"""

import json
import statistics
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

from nanobook_core.portfolio import schedule as core
from nanobook_native import COMPILED

N_PERIODS, N_SYMBOLS = 2520, 500
ROUNDS = 5


def schedules(*, identical: bool) -> tuple[list[Any], list[Any]]:
    """Weights and prices as lists of tuples."""
    draw = np.random.default_rng(0)
    shape = (N_PERIODS, N_SYMBOLS)
    names = [f"S{number:04d}" for number in range(N_SYMBOLS)]

    def rows(table: list[list[Any]]) -> list[Any]:
        return [
            list(zip(names if identical else map("".join, names), row, strict=True))
            for row in table
        ]

    return rows(draw.random(shape).tolist()), rows(draw.integers(1, 10**6, shape).tolist())


def milliseconds(kernel: Callable[..., Any], weights: list[Any], prices: list[Any]) -> float:
    """CPU time of both conversions."""
    started = process_time()
    kernel(weights, "weight")
    kernel(prices, "price")
    return (process_time() - started) * 1e3


def main() -> int:
    """Print medians and how often the one goes into the other; 1 if there is nothing to compare."""
    if not COMPILED:
        print(
            "nanobook-native is not compiled. Install a C compiler, then run\n"
            "    NANOBOOK_REQUIRE_COMPILED=1 uv sync --reinstall-package nanobook-native",
            file=sys.stderr,
        )
        return 1
    from nanobook_native import _kernels as native

    results = {}
    for name, identical in (("identical symbols", True), ("equal symbols", False)):
        weights, prices = schedules(identical=identical)
        compiled, fallback = [], []
        for _ in range(ROUNDS):
            compiled.append(milliseconds(native.schedule_to_dense, weights, prices))
            fallback.append(milliseconds(core.schedule_to_dense, weights, prices))
        median = {
            "compiled_ms": round(statistics.median(compiled), 1),
            "fallback_ms": round(statistics.median(fallback), 1),
        }
        ratio = round(median["fallback_ms"] / median["compiled_ms"], 1)
        results[name] = {**median, "fallback_over_compiled": ratio}
    print(json.dumps({"shape": [N_PERIODS, N_SYMBOLS], **results}, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
