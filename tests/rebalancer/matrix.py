"""Every fault at every crash point, for many seeds; see --help.

    python tests/rebalancer/matrix.py --seeds 20
    python tests/rebalancer/matrix.py --pairs 20000

Runs are numbered by their seeds: a range of them goes on where another one ended.
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import define, field, frozen
from tests.rebalancer.crash import CANCEL_POINTS, CRASH_POINTS, ORDERS, CrashPoint, Tape
from tests.rebalancer.fault import FAULTS
from tests.rebalancer.judge import REVIEW, Audit, Violation
from tests.rebalancer.program import AUDIT
from tests.rebalancer.world import ORDERS as IN_PLAN
from tests.rebalancer.world import SECOND, Crashed, World

#: All points of eight faults: those of one fault and seed share their first part.
_CHUNK = 8 * len(CRASH_POINTS)
BY_NAME = {fault.name: fault for fault in FAULTS}
POINTS = {point.name: point for point in CRASH_POINTS}
DUPLICATE, LOST = "J1", "J2"


@frozen
class Case:
    """One run and its restarts."""

    faults: tuple[str, ...]
    point: str
    """Empty for one that does not crash."""
    seed: int

    @property
    def which(self) -> str:
        """At which order the crash is, where there is one for each."""
        return ORDERS[self.seed % 3]

    def __str__(self) -> str:
        return f"{'+'.join(self.faults)} | {self.point or 'no crash'} | seed {self.seed}"


@frozen
class Result:
    """What came of it."""

    case: Case
    is_reached: bool
    """Whether the run came to its crash point."""
    codes: tuple[int | None, ...]
    minutes: float
    violations: tuple[Violation, ...]
    reviews: str
    scope: str
    """For how long the venue refuses a client order id again."""
    attempts: int
    """How many orders a leg may have, one after the other."""
    windows: int


@define
class Matrix:
    """Runs cases; of those that differ only in their crash point the first part is run once."""

    folder: Path
    tapes: dict[tuple[tuple[str, ...], int, int | None], list[str]] = field(factory=dict)

    def run(self, case: Case) -> Result:
        """Run a case and have it judged."""
        point = POINTS.get(case.point)
        rests = None
        if point is not None and point.name in CANCEL_POINTS:
            rests = {"first": 0, "middle": IN_PLAN // 2, "last": IN_PLAN - 1}[case.which]
        crashed = None
        if point is not None:
            step = point.place(self.tape(case, rests), case.which)
            crashed = None if step is None else self.crashed(case, point, step)
        with self.world(case, rests) as world:
            world.run(crashed)
            return self.result(case, world, is_reached=point is None or crashed is not None)

    def result(self, case: Case, world: World, *, is_reached: bool) -> Result:
        """What a world came to."""
        audit = world.folder / AUDIT
        content = audit.read_bytes() if audit.exists() else b""
        return Result(
            case,
            is_reached=is_reached,
            codes=tuple(world.codes),
            minutes=world.clock.elapsed / 60,
            violations=tuple(world.verdict()),
            scope=world.venue.scope.value,
            attempts=world.max_attempts,
            windows=1 + (world.target == SECOND),
            reviews=Audit.read(content).reviews if REVIEW in world.codes else "",
        )

    def tape(self, case: Case, rests: int | None) -> list[str]:
        """Steps of the first process, if nothing kills it."""
        key = (case.faults, case.seed, rests)
        if key not in self.tapes:
            if len(self.tapes) > 100:
                self.tapes.clear()
            with self.world(case, rests) as world:
                world.start(Tape())
                self.tapes[key] = world.tapes[0].steps
        return self.tapes[key]

    def crashed(self, case: Case, point: CrashPoint, step: int) -> Crashed:
        """How it dies there: the machine too, or the process alone; a torn line at any byte."""
        random = Random(f"{case}")  # noqa: S311 - no secrets
        torn = random.uniform(0.01, 0.99) if point.torn else None
        return Crashed(step, torn, is_power_lost=random.random() < 0.6)

    @contextmanager
    def world(self, case: Case, rests: int | None) -> Iterator[World]:
        """A new world, in a folder that is removed afterwards."""
        folder = self.folder / "world"
        folder.mkdir()
        try:
            yield World(folder, case.seed, tuple(BY_NAME[name] for name in case.faults), rests)
        finally:
            shutil.rmtree(folder)


def all_cases(seeds: Iterable[int], faults: Iterable[str], points: Iterable[str]) -> Iterator[Case]:
    """Every fault at every point, seed by seed."""
    for seed in seeds:
        for fault in faults:
            for point in points:
                yield Case((fault,), point, seed)


def pairs(seeds: Iterable[int]) -> Iterator[Case]:
    """Two faults and a point by chance, one case for each seed; every tenth does not crash."""
    for seed in seeds:
        random = Random(f"pair {seed}")  # noqa: S311 - no secrets
        both = tuple(sorted(random.sample(sorted(BY_NAME), 2)))
        yield Case(both, random.choice(["", *POINTS]) if seed % 10 else "", seed)


def stratified(number: int) -> Iterator[Case]:
    """So many cases, in which every fault has met every point before one does so again."""
    names, points = list(BY_NAME), list(POINTS)
    for count in range(number):
        at_point, circle = count % len(points), count // len(points)
        number_of_fault = (at_point + circle) % len(names)
        # A world for each fault, another one the next time: its points share their first part.
        seed = 1000 + number_of_fault + len(names) * (circle // len(names))
        yield Case((names[number_of_fault],), points[at_point], seed)


@contextmanager
def matrix() -> Iterator[Matrix]:
    """A matrix whose files are in memory, where there is a folder for that."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it has a name that nobody can guess
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Matrix(Path(folder))


def run_all(cases: Iterable[Case]) -> list[Result]:
    """Run cases one after the other."""
    with matrix() as runs:
        return [runs.run(case) for case in cases]


def shown(results: list[Result]) -> str:
    """A table: by fault and by point, and all together."""
    heads = ("runs", "reached", "duplicate", "lost", "review", "unfinished", "violated")
    lines = [" " * 22 + "".join(f"{head:>11}" for head in heads)]
    for of in (
        lambda result: "+".join(result.case.faults),
        lambda result: result.case.point or "no crash",
        lambda result: f"id refused: {result.scope}",
    ):
        names = sorted({of(result) for result in results}, key=_place)
        if len(names) <= len(BY_NAME):
            lines += [_row(name, [r for r in results if of(r) == name]) for name in names]
            lines.append("")
    lines.append(_row("all", results))
    reviews = [result for result in results if REVIEW in result.codes]
    again = sum(result.codes[-1] != REVIEW for result in reviews)
    wrong = sum(bool(result.violations) for result in results)
    lines += [
        (
            f"duplicate orders: {_having(DUPLICATE, results)} runs; lost orders or fills: "
            f"{_having(LOST, results)}; any law violated: {wrong}"
        ),
        (
            f"REVIEW rate {_review_rate(results)}: {len(reviews):,} runs, each justified where J6 "
            f"holds; {again:,} of them ended otherwise when they were started once more"
        ),
        *_review_rates(results),
        (
            f"{sum(map(len, (r.codes for r in results))):,} processes, at most "
            f"{max((len(r.codes) for r in results), default=0)} a run; "
            f"{sum(r.attempts > 1 for r in results):,} runs with two attempts a leg, "
            f"{sum(r.windows > 1 for r in results):,} with a second window"
        ),
    ]
    return "\n".join(lines)


def _review_rates(results: list[Result]) -> Iterator[str]:
    for scope, attempts in sorted({(result.scope, result.attempts) for result in results}):
        of = [r for r in results if (r.scope, r.attempts) == (scope, attempts)]
        yield (
            f"    {_review_rate(of)} of {len(of):,} where the venue refuses an id again {scope}, "
            f"{attempts} attempts a leg"
        )


def _review_rate(results: list[Result]) -> str:
    return f"{100 * sum(REVIEW in r.codes for r in results) / max(1, len(results)):.2f} %"


def _having(rule: str, results: list[Result]) -> int:
    return sum(any(each.rule == rule for each in result.violations) for result in results)


def _place(name: str) -> tuple[int, str]:
    return (list(POINTS).index(name) if name in POINTS else -1, name)


def _row(name: str, results: list[Result]) -> str:
    numbers = (
        len(results),
        sum(result.is_reached for result in results),
        _having(DUPLICATE, results),
        _having(LOST, results),
        sum(REVIEW in result.codes for result in results),
        _having("J6", results),
        sum(bool(result.violations) for result in results),
    )
    return f"{name:<22}" + "".join(f"{number:>11,}" for number in numbers)


def main() -> int:
    """Run what the command line says; 1 where a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=0, help="how many, for every fault and point")
    parser.add_argument("--pairs", type=int, default=0, help="how many pairs of faults")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--faults", default=",".join(BY_NAME))
    parser.add_argument("--points", default=",".join(POINTS), help="'' is none")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--violations", type=int, default=20, help="how many are printed")
    options = parser.parse_args()
    cases = [
        *all_cases(
            range(options.first, options.first + options.seeds),
            options.faults.split(","),
            options.points.split(","),
        ),
        *pairs(range(options.first, options.first + options.pairs)),
    ]
    started = time.monotonic()
    results = _spread(cases, options.processes)
    seconds = time.monotonic() - started
    print(shown(results))
    print(f"{len(results):,} runs in {seconds:,.0f} s on {options.processes} processes")
    wrong = [result for result in results if result.violations]
    for result in wrong[: options.violations]:
        print(f"{result.case} | exit codes {result.codes}")
        for each in result.violations:
            print(f"    {each.rule} {each.text}")
    return 1 if wrong else 0


def _spread(cases: list[Case], processes: int) -> list[Result]:
    if processes == 1:
        return run_all(cases)
    chunks = [cases[start : start + _CHUNK] for start in range(0, len(cases), _CHUNK)]
    with ProcessPoolExecutor(processes) as pool:
        return [result for part in pool.map(run_all, chunks) for result in part]


if __name__ == "__main__":
    sys.exit(main())
