"""Every fault of the menu in sessions of many seeds, and what the judge says; see --help.

python tests/ibkr/fault_menu.py --seeds 50
python tests/ibkr/fault_menu.py --row correction --seeds 200 --first 1000
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fault.caller import HungError
from tests.fault.menu import Result, Row, command
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


F = Fault
row = partial(Row, meets=send)
MENU = (
    row(fault=F.DROP_BEFORE_ACCEPT),
    row(fault=F.DROP_AFTER_ACCEPT),
    row(fault=F.DROP_MID_FILL, meets=trade),
    row(fault=F.FILL_WHILE_AWAY),
    row(fault=F.DUPLICATE_MESSAGES, meets=trade),
    row(fault=F.EXECUTION_BEFORE_STATUS, meets=trade),
    row(fault=F.COMMISSION_LATE, how={"seconds": 0.1}, meets=trade),
    row(fault=F.COMMISSION_NEVER, meets=trade, fees_known=False),
    row(fault=F.STATUS_REORDERED, meets=trade),
    row(fault=F.CORRECTION, meets=trade),
    *(
        row(fault=fault, how={"seconds": seconds})
        for fault in (F.LINK_LOST_DATA_KEPT, F.LINK_LOST_DATA_LOST, F.PORT_REFUSED)
        for seconds in (0.1, 0.8)  # before and after the word on the order is waited for
    ),
    *(
        row(fault=F.SILENT, how={"request": number}, meets=meets)
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
    row(fault=F.SPLIT_FRAMES),
    row(fault=F.MERGED_FRAMES),
    row(fault=F.GARBAGE_FRAME),
    row(fault=F.UNKNOWN_MESSAGE),
    row(fault=F.PACING_CUT),
    row(fault=F.READ_ONLY, meets=go_on),
    row(fault=F.CLIENT_ID_IN_USE, meets=reconnect),
    *(
        row(fault=F.REJECT, how={"code": code})
        for code in (10349, 399, 110, 201, 200, 203, 404, 2109, 103, 104, 321, 434)
    ),
    *(row(fault=F.REJECT, how={"code": code}, meets=cancel) for code in (10147, 10148, 161)),
    row(fault=F.MANUAL_ORDER),
    row(fault=F.FOREIGN_ORDER),
    row(fault=F.ORDER_ID_JUMP),
    row(fault=F.HALTED, meets=ask_quote),
    row(fault=F.MISSING_BID, meets=ask_quote),
    row(fault=F.DELAYED_DATA, meets=ask_quote),
    row(fault=F.UNKNOWN_TICK, meets=ask_quote),
    row(fault=F.NO_MARKET_DATA, meets=ask_quote),
    row(fault=F.INACTIVE_THEN_FILLED),
    row(fault=F.LOST_CANCEL, meets=cancel),
)
ROWS = {row.name: row for row in MENU}


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


if __name__ == "__main__":
    raise SystemExit(command(__doc__, MENU, run_rows))
