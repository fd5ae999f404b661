"""One world: an account, a target, faults and a crash, all from one seed; and its processes."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, field, frozen
from tests.rebalancer.crash import Crash, Disk, RunClock, RunFiles, Tape
from tests.rebalancer.fault import ActiveFault, Fault
from tests.rebalancer.judge import DONE, MAX_RESTARTS, REVIEW, Ending, Violation, judge
from tests.rebalancer.program import AUDIT, TARGET, run_program
from tests.rebalancer.sim_broker import Call, SimBroker, straight
from tests.rebalancer.sim_venue import SILENCE, SimVenue
from tests.rebalancer.virtual_clock import START, VirtualClock

from nanobook_core.contracts.broker import ClientIdScope

#: Orders of a world's plan, about.
ORDERS = 5
#: Exit codes after which nobody starts it again, but for one more try.
ENDED = (DONE, REVIEW)
SECOND = "second.json"


@frozen
class Crashed:
    """Where the first process dies, and of what."""

    step: int
    torn: float | None
    is_power_lost: bool


@define
class World:
    """Everything but the program; `start` runs that, as often as somebody starts it."""

    folder: Path
    seed: int
    faults: tuple[Fault, ...]
    rests: int | None = None
    """Number of an order that never fills, where a cancel is wanted."""
    clock: VirtualClock = field(factory=VirtualClock)
    disk: Disk = field(factory=Disk)
    venue: SimVenue = field(init=False)
    active: list[ActiveFault] = field(init=False)
    splits_flips: bool = field(init=False)
    max_attempts: int = field(init=False)
    has_second_window: bool = field(init=False)
    target: str = TARGET
    """What is traded now."""
    stage: tuple[int, float] = (0, 0.0)
    """Number of the process that what is to be judged began with, and when that was."""
    found: list[Violation] = field(factory=list)
    """What the judge said of stages that are over."""
    sessions: int = 0
    codes: list[int | None] = field(factory=list)
    others: list[int | None] = field(factory=list)
    """Exit codes of second instances."""
    texts: list[str] = field(factory=list)
    tapes: list[Tape] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        random = self.random("world")
        self.splits_flips = random.random() < 0.5
        self.max_attempts = self.random("attempts").choice([1, 2])
        self.has_second_window = self.random("second").random() < 0.25
        symbols = ["AAA", "BBB", "CCC", "DDD"]
        random.shuffle(symbols)
        prices = {symbol: Decimal(random.randint(2000, 20_000)) / 100 for symbol in symbols}

        def shares(symbol: str, weight: float) -> Decimal:
            return (Decimal(1_000_000) * Decimal(str(weight)) / prices[symbol]).to_integral_value()

        less, gone, turned, new = symbols
        start = {
            less: shares(less, 0.08),
            gone: shares(gone, 0.05),
            turned: shares(turned, random.choice([0.04, -0.04])),
        }
        weights = {
            less: 0.03,
            turned: -0.03 if start[turned] > 0 else 0.03,
            new: random.choice([0.06, -0.05]),
        }
        self.write_target(TARGET, f"window-{self.seed}", weights)
        # Back to about where it began, so that every symbol is traded once more.
        self.write_target(SECOND, f"window-{self.seed}-2", {less: 0.08, gone: 0.05, turned: 0.01})
        self.disk.settle(self.folder)
        self.venue = SimVenue(
            self.clock,
            f"{self.seed}",
            prices,
            start,
            scope=list(ClientIdScope)[self.seed // 3 % 3],
        )
        if self.rests is not None:
            self.venue.plans[self.rests] = SILENCE
        self.active = []
        for fault in self.faults:
            chosen = self.random(fault.name).randrange(ORDERS - 1)
            active = ActiveFault(
                fault, self.random(f"{fault.name}/times"), chosen, self.start_another
            )
            if fault.fills is not None:
                self.venue.plans[chosen] = fault.fills
            self.active.append(active)

    def write_target(self, name: str, window: str, weights: dict[str, float]) -> None:
        target = {
            # However far the clock jumps back.
            "timestamp": (START - dt.timedelta(days=2)).isoformat(),
            "metadata": {"id": window},
            "targets": [
                {"symbol": symbol, "weight": weight} for symbol, weight in sorted(weights.items())
            ],
        }
        (self.folder / name).write_text(json.dumps(target))

    def random(self, purpose: str) -> Random:
        """Chance of this world, one stream for each purpose."""
        return Random(f"{self.seed}/{purpose}")  # noqa: S311 - no secrets

    def answer(self, call: Call) -> Any:
        """Answer a request, through every fault that there is."""
        further = straight
        for active in self.active:
            further = _within(active, further)
        return further(call)

    def broker(self, tape: Tape) -> SimBroker:
        """A new session."""
        self.sessions += 1
        return SimBroker(
            self.venue,
            self.clock,
            tape,
            self.answer,
            splits_flips=self.splits_flips,
            session=self.sessions,
        )

    def start(self, tape: Tape) -> int | None:
        """Run the program once; its exit code, or None where it died."""
        self.tapes.append(tape)
        files = RunFiles(self.disk, tape, self.file_error)
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code: int | None = run_program(
                    self.folder,
                    self.broker(tape),
                    RunClock(self.clock, tape),
                    files,
                    target=self.target,
                    max_attempts=self.max_attempts,
                )
        except Crash:
            code = None
        finally:
            files.end()
        self.texts.append(said.getvalue())
        return code

    def start_another(self) -> None:
        """Start a second instance beside the first."""
        self.others.append(self.start(Tape()))

    def file_error(self, what: str, _event: str) -> OSError | None:
        """Error of a write or a sync, if it is time."""
        errors = [active.file_fails(what) for active in self.active]
        return next((error for error in errors if error is not None), None)

    def run(self, crashed: Crashed | None = None) -> None:
        """Start the program until it has ended, once more after a review, and for other weights."""
        random = self.random("after")
        self.until_ended(random, crashed)
        if self.codes[-1] == REVIEW:
            self.next_stage(random)
        if self.codes[-1] == DONE and any(fault.name == "F32" for fault in self.faults):
            self.codes.append(self.start(Tape()))
        if self.codes[-1] == DONE and self.has_second_window:
            self.target = SECOND
            self.next_stage(random)

    def next_stage(self, random: Random) -> None:
        """Have judged what was, and start the program again until it has ended."""
        self.found += self.judged()
        self.clock.sleep(random.choice([0.5, 10, 30, 1200]))
        self.stage = len(self.codes), self.clock.elapsed
        self.until_ended(random)

    def until_ended(self, random: Random, crashed: Crashed | None = None) -> None:
        """Start the program, and again after every death or error, until it has ended."""
        first = len(self.codes)
        tape = Tape() if crashed is None else Tape(crashed.step, crashed.torn)
        self.codes.append(self.start(tape))
        while self.codes[-1] not in ENDED and len(self.codes) - first <= MAX_RESTARTS:
            lost = crashed is not None and crashed.is_power_lost and self.codes[-1] is None
            self.after_process(
                random,
                is_power_lost=lost
                or any(active.memory.get("has_failed") for active in self.active),
            )
            if lost:
                self.clock.reboot()
            self.clock.sleep(random.choice([0.5, 10, 30, 1200]))
            self.codes.append(self.start(Tape()))

    def after_process(self, random: Random, *, is_power_lost: bool) -> None:
        """What the end of a process leaves on disk."""
        if is_power_lost:
            self.disk.lose_power(random, self.folder)
        for active in self.active:
            active.process_ended()
            if active.fault.tears and self.codes[-1] is None:
                self.tear(random)
        self.disk.settle(self.folder)

    def tear(self, random: Random) -> None:
        """Have the beginning of one more record be in the audit."""
        path = self.folder / AUDIT
        if path.exists() and (content := path.read_bytes()).endswith(b"\n"):
            line = content.splitlines()[-1]
            with path.open("ab") as file:
                file.write(line[: random.randint(1, len(line) - 1)])

    def verdict(self) -> list[Violation]:
        """What the judge says of all of it."""
        return list(dict.fromkeys([*self.found, *self.judged()]))

    def judged(self) -> list[Violation]:
        """What the judge says of the stage that has ended."""
        first, began = self.stage
        path = self.folder / AUDIT
        truth = self.venue.truth()
        ending = Ending(
            codes=tuple(self.codes[first:]),
            minutes=(self.clock.elapsed - began) / 60,
            texts=tuple(self.texts),
            others=tuple(self.others),
        )
        return judge(truth, path.read_bytes() if path.exists() else b"", ending)


def _within(active: ActiveFault, further: Any) -> Any:
    return lambda call: active.answer(call, further)
