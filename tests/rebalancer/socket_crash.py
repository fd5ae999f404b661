"""Real `rebalancer run` over the socket of a simulated venue, killed with -9 again and again.

Each world is a venue in this process, a folder, and commands that are started until one has ended;
then the judge compares what the venue knows with plan and audit log. The first worlds are killed
once at each step of a run, the rest at random times.
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, Protocol

from attrs import frozen
from tests.rebalancer.crash import CRASH_POINTS
from tests.rebalancer.judge import DONE, MAX_RESTARTS, REVIEW, Ending, Violation
from tests.rebalancer.kill_nine import Children, Outcome
from tests.rebalancer.venue_server import ORDERS

ENDED = (DONE, REVIEW)

#: Points of the rebalancer's matrix as steps here: label and whether there is one for each order.
STEPS = {
    "lock": ("before open:.jsonl", False),
    "recover-read": ("before connect", False),
    "quotes": ("quote", True),
    "settle": ("before positions at the end", False),
    "final positions": ("positions at the end", False),
    "send": ("send", True),
    "ack receive": ("ack", True),
    "cancel send": ("cancel_send", False),
}
#: And those that only a broker with a journal and a socket has.
OWN_STEPS = {
    "before the journal": ("before journal", True),
    "in the journal": ("journal", True),
    "before the send": ("before send", True),
}


@frozen
class Step:
    """Where a command is killed."""

    name: str
    label: str
    number: int
    share: float | None = None

    @property
    def request(self) -> list[object]:
        """As the child takes it."""
        return [self.label, self.number, self.share]


def steps_to_die_of() -> Iterator[Step]:
    """Each point of a run, at its middle order where there is one for each."""
    middle = 1 + ORDERS // 2
    for point in CRASH_POINTS:
        label, per_order = STEPS.get(point.name, (point.label, point.per_order))
        number = middle if per_order and "cancel" not in label else 1
        yield Step(point.name, label, number, 0.5 if point.torn else None)
    for name, (label, per_order) in OWN_STEPS.items():
        yield Step(name, label, middle if per_order else 1)


def write_target(folder: Path, weights: Mapping[str, float]) -> None:
    """Write the target that is traded."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    targets = [{"symbol": symbol, "weight": weight} for symbol, weight in weights.items()]
    target = {"timestamp": now, "metadata": {"id": "killed"}, "targets": targets}
    (folder / "target.json").write_text(json.dumps(target))


class World(AbstractContextManager["World"], Protocol):
    """A venue with an account, and a folder in which commands are started."""

    def inject(self, fault: Any, after: int) -> None:
        """Let something go wrong after so many occasions."""
        ...

    def has_ended(self) -> None:
        """Hear that a command has ended, so that another may be started."""
        ...

    def judged(self, ending: Ending, *, is_faulty: bool) -> list[Violation]:
        """What the judge says."""
        ...


@frozen(kw_only=True)
class CrashMatrix:
    """What a venue's worlds are, what may go wrong there, and the command that is killed."""

    child: Path
    make_world: Callable[..., World]
    """Of folder, seed, and whether an order does not fill until it has been cancelled once."""
    faults: Mapping[Any, object]
    at_once: frozenset[Any]
    """Those that go wrong on their first occasion."""
    slowest: float = 2.5
    """Seconds after which a command is killed at the latest, at random times."""

    def killed(
        self,
        children: Children,
        folder: Path,
        seed: int,
        step: Step | None,
        fault: StrEnum | None = None,
    ) -> Outcome:
        """Kill a command at a step, or at random times; start it again until it ends; judge."""
        folder.mkdir()
        random = Random(f"{seed}")  # noqa: S311 - no secrets
        started = time.monotonic()
        rests = step is not None and "cancel" in step.label
        with self.make_world(folder, seed, rests or (step is None and seed % 4 == 0)) as world:
            if fault is not None:
                world.inject(fault, 0 if fault in self.at_once else random.randrange(ORDERS))
            codes = []
            if step is not None:
                codes.append(children.run(folder, die=step.request))
            else:
                for _ in range(random.randint(3, 8)):
                    codes.append(children.run(folder, after=random.uniform(0.1, self.slowest)))
                    world.has_ended()
                    if codes[-1] in ENDED:
                        break
            kills = codes.count(-signal.SIGKILL)
            after_kills: list[int] = []
            while (after_kills or codes)[-1] not in ENDED and len(after_kills) < MAX_RESTARTS:
                world.has_ended()
                after_kills.append(children.run(folder))
            ending = Ending(
                codes=(*codes[-1:], *after_kills),
                minutes=(time.monotonic() - started) / 60,
                texts=((folder / "output.txt").read_text(),),
            )
            violations = world.judged(ending, is_faulty=fault is not None)
        name = " + ".join(filter(None, [step.name if step else "random", fault and fault.value]))
        return Outcome(name, seed, kills, (*codes, *after_kills), tuple(violations))

    def run_kills(
        self, folder: Path, kills: int, first: int = 0, faults: tuple[StrEnum, ...] = ()
    ) -> Iterator[Outcome]:
        """Kill at each step once, then at random times, until there were so many kills.

        With faults, each world has the next one of them.
        """
        steps = list(steps_to_die_of())
        done, count = 0, 0
        with Children(folder, self.child) as children:
            while done < kills:
                step = steps[count] if count < len(steps) and not faults else None
                fault = faults[(first + count) % len(faults)] if faults else None
                world = folder / f"{first + count}"
                outcome = self.killed(children, world, first + count, step, fault)
                done += outcome.kills
                count += 1
                yield outcome

    def spread(
        self, folder: Path, kills: int, first: int, processes: int, faults: tuple[StrEnum, ...]
    ) -> Iterator[Outcome]:
        """Share kills out among so many commands at a time."""

        def share(number: int) -> list[Outcome]:
            place = folder / f"share{number}"
            place.mkdir()
            each = -(-kills // processes)
            return list(self.run_kills(place, each, first + 10_000 * number, faults))

        with ThreadPoolExecutor(processes) as pool:
            for part in pool.map(share, range(processes)):
                yield from part

    def main(self, description: str) -> int:
        """Run what the command line says; 1 where a law was broken."""
        parser = argparse.ArgumentParser(description=description.splitlines()[0])
        parser.add_argument("--kills", type=int, default=100)
        parser.add_argument("--first", type=int, default=0, help="the first seed")
        parser.add_argument("--processes", type=int, default=2)
        parser.add_argument("--faults", default="", help="all, or names with commas")
        options = parser.parse_args()
        wanted = options.faults.split(",")
        faults = tuple(
            each for each in self.faults if options.faults == "all" or each.value in wanted
        )
        started = time.monotonic()
        outcomes = []
        with tempfile.TemporaryDirectory() as name, contextlib.suppress(KeyboardInterrupt):
            worlds = self.spread(
                Path(name), options.kills, options.first, options.processes, faults
            )
            for outcome in worlds:
                outcomes.append(outcome)
                if outcome.violations:
                    print(outcome, flush=True)
        print(f"{shown(outcomes)}; {time.monotonic() - started:.0f} s")
        return any(outcome.violations for outcome in outcomes)


def shown(outcomes: list[Outcome]) -> str:
    """What came of it, in lines."""
    ends = Counter(outcome.codes[-1] for outcome in outcomes)
    rules = Counter(each.rule for outcome in outcomes for each in set(outcome.violations))
    reviews = Counter(outcome.name for outcome in outcomes if outcome.codes[-1] == REVIEW)
    return (
        f"{sum(outcome.kills for outcome in outcomes)} kills in {len(outcomes)} worlds; "
        f"last exit codes {dict(sorted(ends.items()))}; violations {dict(sorted(rules.items()))}: "
        f"duplicate orders {rules['J1']}, lost {rules['J2']}, positions {rules['J3']}; "
        f"ended in review {sum(reviews.values())} {dict(reviews)}"
    )
