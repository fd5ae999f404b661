"""Rows of a fault menu, sessions with them, and the table of what the judge says."""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from random import Random
from typing import Any

from attrs import field, frozen
from tests.fault.evidence import DOUBLED, DUPLICATE, HANG, LOST, Violation


@frozen(kw_only=True)
class Row:
    """A line of the menu: a fault, and the step on which it happens."""

    fault: StrEnum
    how: Mapping[str, Any] = field(factory=dict)
    meets: Callable[[Any], None]
    note: str = ""
    """What tells it from another row of the same fault."""
    fees_known: bool = True

    @property
    def name(self) -> str:
        words = [self.fault.value, *(str(value) for value in self.how.values()), self.note]
        return " ".join(filter(None, words))


@frozen(kw_only=True)
class Result:
    """What a session with a fault came to."""

    rows: tuple[Row, ...]
    seed: int
    orders: int
    fills: int
    violations: tuple[Violation, ...]

    @property
    def name(self) -> str:
        """What happened in it."""
        return " + ".join(row.name for row in self.rows)

    def count(self, rule: str) -> int:
        """How often a rule was broken."""
        return sum(each.rule == rule for each in self.violations)


Case = tuple[tuple[Row, ...], int]
Run = Callable[[Sequence[Row], int], Result]
"""Runs a session with those faults in it, and has it judged."""


def all_cases(rows: Iterable[Row], seeds: Iterable[int]) -> list[Case]:
    """Every row with every seed."""
    return [((row,), seed) for row in rows for seed in seeds]


def pairs(rows: Iterable[Row], seeds: Iterable[int]) -> list[Case]:
    """Two rows by chance with each seed."""
    chosen = tuple(rows)
    return [
        (tuple(Random(f"pair {seed}").sample(chosen, 2)), seed)  # noqa: S311 - no secrets
        for seed in seeds
    ]


def run_all(run_rows: Run, cases: Iterable[Case], jobs: int = 8) -> Iterator[Result]:
    """Run cases, so many at a time: most of a session is waiting."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda case: run_rows(*case), cases)


HEADS = ("sessions", "orders", "fills", "duplicate", "lost", "hung", "violated")


def shown(menu: Sequence[Row], results: Sequence[Result]) -> str:
    """A table: a line for each row of the menu, and one for all."""
    width = max(len(row.name) for row in menu) + 2
    lines = [" " * width + "".join(f"{head:>11}" for head in HEADS)]
    for row in (*menu, None):
        chosen = [each for each in results if row is None or row in each.rows]
        if not chosen:
            continue
        numbers = (
            len(chosen),
            sum(result.orders for result in chosen),
            sum(result.fills for result in chosen),
            sum(result.count(DUPLICATE) + result.count(DOUBLED) for result in chosen),
            sum(result.count(LOST) for result in chosen),
            sum(result.count(HANG) for result in chosen),
            sum(bool(result.violations) for result in chosen),
        )
        name = "all" if row is None else row.name
        lines.append(f"{name:<{width}}" + "".join(f"{number:>11}" for number in numbers))
    return "\n".join(lines)


def command(description: str | None, menu: Sequence[Row], run_rows: Run) -> int:
    """Print the table, and each session in which something was wrong."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, default=20, help="sessions of each row")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    names = sorted(row.name for row in menu)
    parser.add_argument("--row", action="append", choices=names, help="only these rows")
    parser.add_argument("--pairs", action="store_true", help="a session a seed, with two faults")
    parser.add_argument("--jobs", type=int, default=8, help="sessions at a time")
    arguments = parser.parse_args()
    for name in ("nanobook", "asyncio"):  # they say what the faults do
        logging.getLogger(name).addHandler(logging.NullHandler())
    rows = [row for row in menu if arguments.row is None or row.name in arguments.row]
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    results: list[Result] = []
    started = time.monotonic()
    cases = (pairs if arguments.pairs else all_cases)(rows, seeds)
    for result in run_all(run_rows, cases, arguments.jobs):
        results.append(result)
        for each in result.violations:
            print(f"{result.name}, seed {result.seed}: {each.rule}: {each.text}", flush=True)
    print(shown(menu, results))
    print(f"{time.monotonic() - started:.0f} s")
    return int(any(result.violations for result in results))
