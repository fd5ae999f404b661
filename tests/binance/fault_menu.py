"""Every fault of the menu in sessions of many seeds, and what the judge says; see --help.

python tests/binance/fault_menu.py --seeds 50
python tests/binance/fault_menu.py --row "drop_after_engine trade" --seeds 200 --first 1000
python tests/binance/fault_menu.py --pairs --seeds 1000
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.binance.fault_run import FaultRun
from tests.binance.judge import judge
from tests.binance.program import Make, make_broker
from tests.fault.caller import HungError
from tests.fault.menu import Result, Row, command

from nanobook_binance.simulator import Fault
from nanobook_core.contracts import OrderType


def send(run: FaultRun) -> None:
    """Send a new order."""
    run.submit()


def trade(run: FaultRun) -> None:
    """Send an order that fills at once."""
    run.submit(run.new_order(is_marketable=True))


def crowd(run: FaultRun) -> None:
    """Send several orders at once, and ask meanwhile."""
    run.crowd()


def cancel(run: FaultRun) -> None:
    """Cancel an order that lives."""
    run.submit(run.new_order(is_marketable=False))
    run.cancel()


def cancel_resting(run: FaultRun) -> None:
    """Cancel an order that rests in the book."""
    order = run.new_order(is_marketable=False)
    while order.order_type is not OrderType.LIMIT:
        order = run.new_order(is_marketable=False)
    run.submit(order)
    run.cancel_order(order.client_order_id or "")
    run.venue.clear_faults()  # of another cancel it could not happen


def cancel_all(run: FaultRun) -> None:
    """Cancel all orders, of which there is one."""
    run.submit(run.new_order(is_marketable=False))
    run.call("cancel_all", run.broker.cancel_all)


def meet_oneself(run: FaultRun) -> None:
    """Send a limit order that would trade, with no other order of the account in its way."""
    run.call("cancel_all", lambda: run.broker.cancel_all(None, "all"))
    order = run.new_order(is_marketable=True)
    while order.order_type is not OrderType.LIMIT:
        order = run.new_order(is_marketable=True)
    run.submit(order)
    run.venue.clear_faults()  # of another order it could not happen


def ask_order(run: FaultRun) -> None:
    """Ask for an order."""
    run.submit()
    run.call("find_order", lambda: run.broker.find_order(run.latest()[-1]))


def ask_account(run: FaultRun) -> None:
    """Ask for the money and for the holdings."""
    run.ask("account")
    run.ask("positions")


def ask_quote(run: FaultRun) -> None:
    """Ask for a quote."""
    run.call("quote", lambda: run.broker.quote(run.random.choice(run.symbols)))


def ask_fills(run: FaultRun) -> None:
    """Ask for fills, of which there may be some."""
    trade(run)
    run.ask("fills")


def reconnect(run: FaultRun) -> None:
    """Disconnect and connect."""
    run.reconnect()


def forget(run: FaultRun) -> None:
    """Send an order, lose the records of it, and send it again."""
    trade(run)
    run.forget()
    run.submit(run.orders[run.latest()[-1]])


#: Seconds that an order may be on its way, and for how long it is waited for.
LATE, LATER = 1.5, 2.0


def trade_late(run: FaultRun) -> None:
    """Send an order that comes when nobody waits for it any more."""
    trade(run)
    time.sleep(LATER)


def try_on(run: FaultRun) -> None:
    """Send an order again and again, as one does who wants it badly."""
    order = run.new_order(is_marketable=True)
    for _ in range(3):
        run.submit(order)
    time.sleep(LATER)


F = Fault
row = partial(Row, meets=send)
MENU = (
    *(
        row(fault=fault, meets=meets, note=meets.__name__)
        for fault in (F.DROP_BEFORE_ENGINE, F.DROP_AFTER_ENGINE)
        for meets in (send, trade, crowd)
    ),
    *(
        row(fault=fault, how={"endpoint": f"{method} /api/v3/{path}"}, meets=meets)
        for fault in (F.DROP_BEFORE_ENGINE, F.DROP_AFTER_ENGINE, F.HTML_502, F.TRUNCATED_JSON)
        for method, path, meets in (
            ("DELETE", "order", cancel),
            ("GET", "order", ask_order),
            ("GET", "openOrders", reconnect),
            ("GET", "account", ask_account),
            ("GET", "myTrades", ask_fills),
            ("GET", "exchangeInfo", reconnect),
            ("GET", "time", reconnect),
            ("GET", "ticker/bookTicker", ask_quote),
        )
    ),
    row(fault=F.TIMEOUT_EXECUTED, meets=trade),
    row(fault=F.TIMEOUT_NOT_EXECUTED, meets=trade),
    row(fault=F.LATE_EXECUTION, how={"seconds": 0.3}, meets=trade),
    row(fault=F.LATE_EXECUTION, how={"seconds": LATE}, meets=trade_late),
    row(fault=F.LATE_EXECUTION, how={"seconds": LATE}, meets=try_on, note="try_on"),
    *(
        row(fault=fault, how={"endpoint": "DELETE /api/v3/order"}, meets=cancel)
        for fault in (F.TIMEOUT_EXECUTED, F.TIMEOUT_NOT_EXECUTED, F.INTERNAL_1001)
    ),
    *(
        row(fault=fault, how={"endpoint": "*", "times": 4}, meets=ask_order)
        for fault in (F.DROP_AFTER_ENGINE, F.HTML_502, F.TIMEOUT_EXECUTED)
    ),
    row(fault=F.CONNECTION_RESET_KEEPALIVE, how={"executed": False}),
    row(fault=F.CONNECTION_RESET_KEEPALIVE, how={"executed": True}),
    row(fault=F.PORT_REFUSED, how={"seconds": 0.1}),
    row(fault=F.PORT_REFUSED, how={"seconds": 1.5}),
    row(fault=F.QUEUED, how={"seconds": 3}),
    row(fault=F.QUEUED, how={"seconds": 10}),
    row(fault=F.SLOW_BODY, how={"seconds": 0.2}),
    row(fault=F.SLOW_BODY, how={"seconds": 3.0}),  # the broker's patience is 1
    *(
        row(fault=F.TRUNCATED_JSON, how={"executed": executed, "cut": cut})
        for executed in (False, True)
        for cut in (False, True)
    ),
    row(fault=F.WRONG_CONTENT_TYPE),
    row(fault=F.DUPLICATE_RESPONSE, meets=crowd),
    *(
        row(fault=fault, how={"executed": executed}, meets=trade)
        for fault in (
            F.HTML_502,
            F.HTTP_5XX,
            F.INTERNAL_1000,
            F.INTERNAL_1001,
            F.INTERNAL_1006,
            F.OVERLOADED_1008,
        )
        for executed in (False, True)
    ),
    row(fault=F.OVERLOADED_1008, how={"status": 429}),
    row(fault=F.HTML_403),
    row(fault=F.HTML_410),
    row(fault=F.IP_LIMIT_429),
    row(fault=F.IP_LIMIT_429, how={"endpoint": "*"}, meets=crowd),
    row(fault=F.BAN_418, how={"seconds": 2}),
    row(fault=F.ORDER_LIMIT_1015),
    row(fault=F.KEY_REVOKED),
    row(fault=F.CLOCK_AHEAD, meets=crowd),
    row(fault=F.CLOCK_BEHIND, meets=crowd),
    row(fault=F.CLOCK_AHEAD, how={"seconds": 120}),
    row(fault=F.CLOCK_BEHIND, how={"seconds": 120}),
    row(fault=F.INDEX_LAG, how={"seconds": 0.6}),
    row(fault=F.INDEX_LAG, how={"seconds": 3}, meets=trade),
    row(fault=F.INDEX_LAG, how={"seconds": 0.6}, meets=forget, note="forget"),
    row(fault=F.PARTIAL_FILL, meets=trade),
    row(fault=F.IOC_EXPIRY, how={"times": 3}, meets=trade),
    row(fault=F.FOK_EXPIRY, how={"times": 3}, meets=trade),
    *(
        row(fault=F.STP_EXPIRY, how={"mode": mode}, meets=meet_oneself)
        for mode in ("EXPIRE_TAKER", "EXPIRE_BOTH")
    ),
    row(fault=F.HALT, meets=trade),
    row(fault=F.CANCEL_ONLY),
    row(fault=F.CANCEL_RACE, meets=cancel_resting),
    row(fault=F.SERVER_CANCEL),
    *(
        row(fault=fault, meets=meets, note=meets.__name__)
        for fault in (
            F.STREAM_DROP,
            F.STREAM_SILENT,
            F.STREAM_DUPLICATE,
            F.STREAM_REORDERED,
            F.STREAM_LATE,
            F.STREAM_TERMINATED,
            F.SERVER_SHUTDOWN,
        )
        for meets in (trade, cancel)
    ),
    row(fault=F.ACK_BEFORE_STREAM_EVENT, meets=trade),
    row(fault=F.ACK_AFTER_STREAM_EVENT, meets=trade),
)
ROWS = {row.name: row for row in MENU}


def run_rows(rows: Sequence[Row], seed: int, make: Make = make_broker) -> Result:
    """Run a session with those faults in it, and have it judged."""
    name = "+".join(row.name for row in rows)
    with (
        tempfile.TemporaryDirectory() as folder,
        FaultRun(Path(folder), f"{name} {seed}", make) as run,
    ):
        try:
            for row in rows:
                run.steps(run.random.randint(0, 8))
                run.venue.inject(row.fault, **row.how)
                row.meets(run)
            run.steps(run.random.randint(2, 10))
            run.settle()
            evidence = run.evidence()
            found = judge(evidence)
            fills = len(evidence.truth.trades)
        except HungError:
            found, fills = run.violations, 0
        return Result(
            rows=tuple(rows),
            seed=seed,
            orders=len(run.orders),
            fills=fills,
            violations=tuple(found),
        )


def run_row(row: Row, seed: int, make: Make = make_broker) -> Result:
    """Run a session with that fault in it, and have it judged."""
    return run_rows([row], seed, make)


if __name__ == "__main__":
    raise SystemExit(command(__doc__, MENU, run_rows))
