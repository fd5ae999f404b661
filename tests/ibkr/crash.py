"""Real `rebalancer run` over the socket of a simulated gateway, killed with -9 again and again.

    python tests/ibkr/crash.py --kills 1000
    python tests/ibkr/crash.py --kills 1000 --faults all

Each world is a gateway in this process, a folder, and commands that are started until one has
ended; then the rebalancer's judge compares what the gateway knows with plan and audit log. The
first worlds are killed once at each step of a run, the rest at random times.
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import define, field, frozen
from tests.ibkr.gateway_truth import truth_of
from tests.rebalancer.crash import CRASH_POINTS
from tests.rebalancer.judge import DONE, MAX_RESTARTS, REVIEW, Audit, Ending, Violation, judge
from tests.rebalancer.kill_nine import Children, Outcome
from tests.rebalancer.venue_server import ORDERS, PRICES, START, WEIGHTS

from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.record import ContractDefinition
from nanobook_ibkr.simulator.venue import Venue

ACCOUNT = "DU1234567"
CHILD = Path(__file__).with_name("crash_child.py")
HALF_SPREAD = Decimal("0.02")
#: What the source of liquidity offers at a time, and how often, in seconds.
SIZE, PULSE = Decimal(700), 0.05
ENDED = (DONE, REVIEW)

CONFIG = """
[connection]
host = "127.0.0.1"
port = {port}
client_id = 100
timeout_secs = 10

[account]
id = "{account}"
type = "margin"

[execution]
order_interval_ms = 0
order_timeout_secs = {timeout}

[risk]
max_trade_usd = 1000000.0

[logging]
dir = "."
"""

#: What goes wrong at the gateway while commands are killed, and what is said of it.
FAULTS: dict[Fault, dict[str, object]] = {
    Fault.DROP_BEFORE_ACCEPT: {},
    Fault.DROP_AFTER_ACCEPT: {},
    Fault.DROP_MID_FILL: {},
    Fault.FILL_WHILE_AWAY: {},
    Fault.DUPLICATE_MESSAGES: {"times": 40},
    Fault.EXECUTION_BEFORE_STATUS: {"times": 10},
    Fault.STATUS_REORDERED: {"times": 10},
    Fault.COMMISSION_LATE: {"times": 10},
    Fault.COMMISSION_NEVER: {"times": 10},
    Fault.CORRECTION: {},
    Fault.LINK_LOST_DATA_KEPT: {},
    Fault.LINK_LOST_DATA_LOST: {},
    Fault.PORT_REFUSED: {},
    Fault.PACING_CUT: {},
    Fault.GARBAGE_FRAME: {},
    Fault.UNKNOWN_MESSAGE: {},
    Fault.SPLIT_FRAMES: {},
    Fault.MERGED_FRAMES: {},
    Fault.ORDER_ID_JUMP: {},
    Fault.REJECT: {"code": 10349},
    Fault.INACTIVE_THEN_FILLED: {},
    Fault.LOST_CANCEL: {},
    Fault.MANUAL_ORDER: {"quantity": Decimal(1), "limit": Decimal(1)},
    Fault.FOREIGN_ORDER: {"quantity": Decimal(1), "limit": Decimal(1)},
}

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
#: And those that only this broker has.
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


@define
class World:
    """A gateway with an account, and a folder in which commands are started."""

    folder: Path
    seed: int
    rests: bool = False
    """Whether an order does not fill until it has been cancelled once."""
    gateway: SimulatedGateway = field(init=False)
    _is_over: threading.Event = field(factory=threading.Event)
    _source: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        listed = [
            ContractDefinition(con_id=1000 + number, symbol=symbol)
            for number, symbol in enumerate(PRICES)
        ]
        venue = Venue(listed, cash={ACCOUNT: Decimal(1_000_000)})
        self.gateway = SimulatedGateway(venue)

    def __enter__(self) -> Self:
        self.gateway.start()
        for symbol in PRICES:
            self._quote(symbol, None)
        for symbol, quantity in START.items():
            side = "BUY" if quantity > 0 else "SELL"
            self.gateway.submit_manual(symbol, side, abs(quantity))
        self._pulse()
        self._source = threading.Thread(target=self._flow, daemon=True)
        self._source.start()
        self.set_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._source.join()
        self.gateway.stop()

    def set_up(self) -> None:
        """Write what the command reads."""
        timeout = 1 if self.rests else 30
        config = CONFIG.format(account=ACCOUNT, port=self.gateway.port, timeout=timeout)
        (self.folder / "config.toml").write_text(config)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        targets = [{"symbol": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
        target = {"timestamp": now, "metadata": {"id": "killed"}, "targets": targets}
        (self.folder / "target.json").write_text(json.dumps(target))

    def _quote(self, symbol: str, size: Decimal | None) -> None:
        mid = PRICES[symbol]
        self.gateway.set_quote(
            symbol, mid - HALF_SPREAD, mid + HALF_SPREAD, bid_size=size, ask_size=size
        )

    def _pulse(self) -> None:
        for symbol in PRICES:
            chokes = self.rests and symbol == list(PRICES)[self.seed % ORDERS]
            self._quote(symbol, Decimal(1) if chokes and not self._has_ended(symbol) else SIZE)

    def _has_ended(self, symbol: str) -> bool:
        """Whether an order of ours has."""
        return any(
            order.is_done and order.form.order_ref and order.contract.symbol == symbol
            for order in self.gateway.orders()
        )

    def _flow(self) -> None:
        while not self._is_over.wait(PULSE):
            self._pulse()

    def judged(self, ending: Ending, *, is_faulty: bool) -> list[Violation]:
        """What the judge says."""
        path = self.folder / "audit.jsonl"
        content = path.read_bytes() if path.exists() else b""
        asked = frozenset(Audit.read(content, ACCOUNT).by_order) if is_faulty else frozenset()
        return judge(truth_of(self.gateway, ACCOUNT, START, asked), content, ending)


def killed(
    children: Children, folder: Path, seed: int, step: Step | None, fault: Fault | None = None
) -> Outcome:
    """Kill a command at a step, or at random times; start it again until it has ended; judge."""
    folder.mkdir()
    random = Random(f"{seed}")  # noqa: S311 - no secrets
    started = time.monotonic()
    rests = step is not None and "cancel" in step.label
    with World(folder, seed, rests or (step is None and seed % 4 == 0)) as world:
        if fault is not None:
            after = (
                0 if fault is Fault.LOST_CANCEL or fault.is_setting else random.randrange(ORDERS)
            )
            world.gateway.inject(fault, **{"after": after, **FAULTS[fault]})
        codes = []
        if step is not None:
            codes.append(children.run(folder, die=step.request))
        else:
            for _ in range(random.randint(3, 8)):
                codes.append(children.run(folder, after=random.uniform(0.1, 2.5)))
                if codes[-1] in ENDED:
                    break
        kills = codes.count(-signal.SIGKILL)
        after_kills: list[int] = []
        while (after_kills or codes)[-1] not in ENDED and len(after_kills) < MAX_RESTARTS:
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
    folder: Path, kills: int, first: int = 0, faults: tuple[Fault, ...] = ()
) -> Iterator[Outcome]:
    """Kill at each step once, then at random times, until there were so many kills.

    With faults, each world has the next one of them.
    """
    steps = list(steps_to_die_of())
    done, count = 0, 0
    with Children(folder, CHILD) as children:
        while done < kills:
            step = steps[count] if count < len(steps) and not faults else None
            fault = faults[(first + count) % len(faults)] if faults else None
            outcome = killed(children, folder / f"{first + count}", first + count, step, fault)
            done += outcome.kills
            count += 1
            yield outcome


def spread(
    folder: Path, kills: int, first: int, processes: int, faults: tuple[Fault, ...]
) -> Iterator[Outcome]:
    """Share kills out among so many commands at a time."""

    def share(number: int) -> list[Outcome]:
        (folder / f"share{number}").mkdir()
        return list(
            run_kills(
                folder / f"share{number}", -(-kills // processes), first + 10_000 * number, faults
            )
        )

    with ThreadPoolExecutor(processes) as pool:
        for part in pool.map(share, range(processes)):
            yield from part


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


def main() -> int:
    """Run what the command line says; 1 where a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--faults", default="", help="all, or names with commas")
    options = parser.parse_args()
    names = list(FAULTS) if options.faults == "all" else filter(None, options.faults.split(","))
    faults = tuple(Fault(name) for name in names)
    started = time.monotonic()
    outcomes = []
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(KeyboardInterrupt):
        for outcome in spread(Path(name), options.kills, options.first, options.processes, faults):
            outcomes.append(outcome)
            if outcome.violations:
                print(outcome, flush=True)
    print(f"{shown(outcomes)}; {time.monotonic() - started:.0f} s")
    return any(outcome.violations for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
