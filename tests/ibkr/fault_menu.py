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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import field, frozen
from tests.ibkr.caller import HungError
from tests.ibkr.evidence import DOUBLED, DUPLICATE, HANG, LOST, Violation
from tests.ibkr.fault_run import FaultRun
from tests.ibkr.judge import judge
from tests.ibkr.program import make_broker

from nanobook_ibkr.simulator.fault import Fault


def send(run: FaultRun) -> None:
    """Send a new order, or a change of one."""
    if run.random.random() < 0.3 and run.living():
        run.change()
    else:
        run.submit()


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


def ask_account(run: FaultRun) -> None:
    """Ask for the money."""
    run.ask("account")


def ask_positions(run: FaultRun) -> None:
    """Ask for the holdings, of which there may be some."""
    trade(run)
    run.ask("positions")


def ask_time(run: FaultRun) -> None:
    """Ask for the time."""
    run.ask("server_time")


def reconnect(run: FaultRun) -> None:
    """Disconnect and connect."""
    run.reconnect()


def go_on(run: FaultRun) -> None:
    """Do nothing: what follows is enough."""
    del run


@frozen(kw_only=True)
class Row:
    """A line of the menu: a fault, and the step on which it happens."""

    fault: Fault
    how: Mapping[str, Any] = field(factory=dict)
    meets: Callable[[FaultRun], None] = send
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
    *(
        Row(fault=F.SILENT, how={"request": number}, meets=meets)
        for number, meets in {
            61: ask_positions,
            5: reconnect,  # not asked: 16 is
            16: reconnect,
            99: reconnect,
            7: reconnect,
            6: ask_positions,
            76: ask_account,
            49: ask_time,
            9: ask_quote,
            91: ask_quote,
            1: ask_quote,
            3: send,
            4: cancel,
        }.items()
    ),
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


def run_rows(
    rows: Sequence[Row], seed: int, make: Callable[[int, Path | None], Any] = make_broker
) -> Result:
    """Run a session with those faults in it, and have it judged."""
    name = "+".join(row.name for row in rows)
    with (
        tempfile.TemporaryDirectory() as folder,
        FaultRun(Path(folder), f"{name} {seed}", make) as run,
    ):
        try:
            for row in rows:
                run.steps(run.random.randint(0, 8))
                run.gateway.inject(row.fault, **row.how)
                row.meets(run)
            run.steps(run.random.randint(2, 10))
            run.settle()
            found = judge(run.evidence(fees_known=all(row.fees_known for row in rows)))
        except HungError:
            found = run.violations
        executions = run.gateway.executions()
        return Result(
            rows=tuple(rows),
            seed=seed,
            orders=len(run.orders),
            fills=len(executions),
            violations=tuple(found),
        )


def run_row(row: Row, seed: int, make: Callable[[int, Path | None], Any] = make_broker) -> Result:
    """Run a session with that fault in it, and have it judged."""
    return run_rows([row], seed, make)


Case = tuple[tuple[Row, ...], int]


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


def run_all(cases: Iterable[Case], jobs: int = 8) -> Iterator[Result]:
    """Run cases, so many at a time: most of a session is waiting."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda case: run_rows(*case), cases)


HEADS = ("sessions", "orders", "fills", "duplicate", "lost", "hung", "violated")


def shown(results: list[Result]) -> str:
    """A table: a line for each row of the menu, and one for all."""
    width = max(len(name) for name in ROWS) + 2
    lines = [" " * width + "".join(f"{head:>11}" for head in HEADS)]
    for name in [*ROWS, "all"]:
        chosen = [each for each in results if name == "all" or ROWS[name] in each.rows]
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
        lines.append(f"{name:<{width}}" + "".join(f"{number:>11}" for number in numbers))
    return "\n".join(lines)


def main() -> int:
    """Print the table, and each session in which something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="sessions of each row")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--row", action="append", choices=sorted(ROWS), help="only these rows")
    parser.add_argument("--pairs", action="store_true", help="a session a seed, with two faults")
    parser.add_argument("--jobs", type=int, default=8, help="sessions at a time")
    arguments = parser.parse_args()
    logging.getLogger("nanobook").addHandler(logging.NullHandler())  # it says what the faults do
    logging.getLogger("asyncio").addHandler(logging.NullHandler())
    rows = [row for row in MENU if arguments.row is None or row.name in arguments.row]
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    results: list[Result] = []
    started = time.monotonic()
    cases = (pairs if arguments.pairs else all_cases)(rows, seeds)
    for result in run_all(cases, arguments.jobs):
        results.append(result)
        for each in result.violations:
            print(f"{result.name}, seed {result.seed}: {each.rule}: {each.text}", flush=True)
    print(shown(results))
    print(f"{time.monotonic() - started:.0f} s")
    return int(any(result.violations for result in results))


if __name__ == "__main__":
    raise SystemExit(main())
