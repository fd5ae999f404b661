"""Every fault of the menu in sessions of many seeds, and what the judge says; see --help.

python tests/ibkr/fault_menu.py --seeds 50
python tests/ibkr/fault_menu.py --row correction --seeds 200 --first 1000
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import field, frozen
from tests.ibkr.fault_run import FaultRun, HungError, make_broker
from tests.ibkr.judge import DOUBLED, DUPLICATE, HANG, LOST, Violation, judge

from nanobook_ibkr.simulator.fault import Fault


def submit(run: FaultRun) -> None:
    """Send a new order."""
    run.submit(run.new_order())


def trade(run: FaultRun) -> None:
    """Send an order that fills at once."""
    run.submit(run.new_order(is_marketable=True))


def cancel(run: FaultRun) -> None:
    """Cancel an order that lives."""
    run.submit(run.new_order(is_marketable=False))
    run.cancel()


def ask_quote(run: FaultRun) -> None:
    """Ask for a quote that does not stream yet."""
    run.ask_quote()


def reconnect(run: FaultRun) -> None:
    """Disconnect and connect."""
    run.reconnect()


def resync(run: FaultRun) -> None:
    """Compare with the venue."""
    run.resync()


def go_on(run: FaultRun) -> None:
    """Do nothing: what follows is enough."""
    del run


@frozen(kw_only=True)
class Row:
    """A line of the menu: a fault, and the step on which it happens."""

    fault: Fault
    how: Mapping[str, Any] = field(factory=dict)
    meets: Callable[[FaultRun], None] = submit
    fees_known: bool = True

    @property
    def name(self) -> str:
        return " ".join([self.fault.value, *(str(value) for value in self.how.values())])


F = Fault
MENU = (
    Row(fault=F.DROP_BEFORE_ACCEPT),
    Row(fault=F.DROP_AFTER_ACCEPT),
    Row(fault=F.DROP_MID_FILL, meets=trade),
    Row(fault=F.FILL_WHILE_AWAY),
    Row(fault=F.DUPLICATE_MESSAGES, meets=trade),
    Row(fault=F.EXECUTION_BEFORE_STATUS, meets=trade),
    Row(fault=F.COMMISSION_LATE, how={"seconds": 0.1}, meets=trade),
    Row(fault=F.COMMISSION_NEVER, meets=trade, fees_known=False),
    Row(fault=F.STATUS_REORDERED, meets=trade),
    Row(fault=F.CORRECTION, meets=trade),
    *(
        Row(fault=fault, how={"seconds": seconds})
        for fault in (F.LINK_LOST_DATA_KEPT, F.LINK_LOST_DATA_LOST, F.PORT_REFUSED)
        for seconds in (0.1, 0.8)  # before and after the word on the order is waited for
    ),
    *(Row(fault=F.SILENT, how={"request": number}, meets=reconnect) for number in (61, 5, 99, 6)),
    *(Row(fault=F.SILENT, how={"request": number}, meets=resync) for number in (76, 7, 16)),
    *(Row(fault=F.SILENT, how={"request": number}, meets=ask_quote) for number in (9, 1, 91)),
    Row(fault=F.SILENT, how={"request": 3}),
    Row(fault=F.SILENT, how={"request": 4}, meets=cancel),
    Row(fault=F.SPLIT_FRAMES),
    Row(fault=F.MERGED_FRAMES),
    Row(fault=F.GARBAGE_FRAME),
    Row(fault=F.UNKNOWN_MESSAGE),
    Row(fault=F.PACING_CUT),
    Row(fault=F.READ_ONLY, meets=go_on),
    Row(fault=F.CLIENT_ID_IN_USE, meets=reconnect),
    *(
        Row(fault=F.REJECT, how={"code": code})
        for code in (10349, 399, 110, 201, 200, 203, 404, 2109, 103, 104, 321, 434)
    ),
    *(Row(fault=F.REJECT, how={"code": code}, meets=cancel) for code in (10147, 10148, 161)),
    Row(fault=F.MANUAL_ORDER),
    Row(fault=F.FOREIGN_ORDER),
    Row(fault=F.ORDER_ID_JUMP),
    Row(fault=F.HALTED, meets=ask_quote),
    Row(fault=F.MISSING_BID, meets=ask_quote),
    Row(fault=F.DELAYED_DATA, meets=ask_quote),
    Row(fault=F.UNKNOWN_TICK, meets=ask_quote),
    Row(fault=F.NO_MARKET_DATA, meets=ask_quote),
    Row(fault=F.INACTIVE_THEN_FILLED),
    Row(fault=F.LOST_CANCEL, meets=cancel),
)
ROWS = {row.name: row for row in MENU}


@frozen(kw_only=True)
class Result:
    """What a session with a fault came to."""

    row: Row
    seed: int
    orders: int
    fills: int
    violations: tuple[Violation, ...]

    def count(self, rule: str) -> int:
        """How often a rule was broken."""
        return sum(each.rule == rule for each in self.violations)


def run_row(row: Row, seed: int, make: Callable[[int, Path], Any] = make_broker) -> Result:
    """Run a session with that fault in it, and have it judged."""
    with (
        tempfile.TemporaryDirectory() as folder,
        FaultRun(Path(folder), f"{row.name} {seed}", make) as run,
    ):
        try:
            run.steps(run.random.randint(0, 8))
            run.gateway.inject(row.fault, **row.how)
            row.meets(run)
            run.steps(run.random.randint(2, 10))
            run.settle()
            found = judge(run.evidence(fees_known=row.fees_known))
        except HungError:
            found = run.violations
        executions = run.gateway.executions()
        return Result(
            row=row,
            seed=seed,
            orders=len(run.orders),
            fills=len(executions),
            violations=tuple(found),
        )


def run_all(rows: Iterable[Row], seeds: Iterable[int], jobs: int = 8) -> Iterator[Result]:
    """Run every row with every seed, so many at a time: most of a session is waiting."""
    cases = [(row, seed) for row in rows for seed in seeds]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda case: run_row(*case), cases)


HEADS = ("sessions", "orders", "fills", "duplicate", "lost", "hung", "violated")


def shown(results: list[Result]) -> str:
    """A table: a line for each row of the menu, and one for all."""
    width = max(len(name) for name in ROWS) + 2
    lines = [" " * width + "".join(f"{head:>11}" for head in HEADS)]
    for name in [*dict.fromkeys(result.row.name for result in results), "all"]:
        chosen = [result for result in results if name in (result.row.name, "all")]
        numbers = (
            len(chosen),
            sum(result.orders for result in chosen),
            sum(result.fills for result in chosen),
            sum(result.count(DUPLICATE) + result.count(DOUBLED) for result in chosen),
            sum(result.count(LOST) for result in chosen),
            sum(result.count(HANG) for result in chosen),
            sum(bool(result.violations) for result in chosen),
        )
        lines.append(f"{name:<{width}}" + "".join(f"{number:>11}" for number in numbers))
    return "\n".join(lines)


def main() -> int:
    """Print the table, and each session in which something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="sessions of each row")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--row", action="append", choices=sorted(ROWS), help="only these rows")
    parser.add_argument("--jobs", type=int, default=8, help="sessions at a time")
    arguments = parser.parse_args()
    logging.getLogger("nanobook").addHandler(logging.NullHandler())  # it says what the faults do
    logging.getLogger("asyncio").addHandler(logging.NullHandler())
    rows = [row for row in MENU if arguments.row is None or row.name in arguments.row]
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    results: list[Result] = []
    started = time.monotonic()
    for result in run_all(rows, seeds, arguments.jobs):
        results.append(result)
        for each in result.violations:
            print(f"{result.row.name}, seed {result.seed}: {each.rule}: {each.text}", flush=True)
    print(shown(results))
    print(f"{time.monotonic() - started:.0f} s")
    return int(any(result.violations for result in results))


if __name__ == "__main__":
    raise SystemExit(main())
