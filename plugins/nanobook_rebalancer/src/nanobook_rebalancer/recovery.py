"""Ends what earlier runs left behind, before anything new is begun.

What the end of a log means, and what is done about it:

=============================  =====================================================================
no plan                        nothing was sent: a new plan
plan, nothing sent             that plan, while it is young enough, else a new one
open intent                    the venue is asked for the order; it alone knows
open intent to cancel          the venue is asked, and the order cancelled once more
everything ended, no end       positions are looked at and the end is written
done                           "already complete", without a connection
damage, or a broken chain      a person has to look at it; `AuditLog.open` raises
order of ours without intent   a person has to look at it; cancelled only if asked to
=============================  =====================================================================

Only the window's own run goes on with a plan; orders of every other window are ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from nanobook_core.contracts import Broker, BrokerOrderStatus
from nanobook_rebalancer.client_id import PREFIX
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.history import Attempt, History, Window
from nanobook_rebalancer.journal import Journal
from nanobook_rebalancer.leg_state import LegState
from nanobook_rebalancer.orders import Orders


def left_open(history: History, account: str) -> list[Window]:
    """Windows of an account, given by its digest, that have no end or orders without one."""
    return [
        window
        for window in history.windows.values()
        if window.account == account and (window.unresolved or window.is_left_open)
    ]


def end_others(
    journal: Journal,
    account: str,
    orders_of: Callable[[Window], Orders],
    tell: Callable[[str], object],
    current: Window | None = None,
) -> list[str]:
    """End the orders of every window of an account but the one that goes on with its plan.

    What was ended of others is told, one line a window. Returns what could not be explained, one
    line each; nothing may be sent then.
    """
    stuck: list[str] = []
    for window in left_open(journal.history, account):
        if window is current and window.is_left_open:
            continue
        was_open = window.unresolved
        stuck += orders_of(window).settle()
        if window is not current:
            tell(_ended(window, was_open))
        if window.is_left_open:
            status = "done" if is_complete(window) else "incomplete"
            write_recovered(journal, window.run, window, status=status)
    return stuck


def _ended(window: Window, was_open: list[Attempt]) -> str:
    cancelled = sum(attempt.state is LegState.CANCELLED for attempt in was_open)
    legs = () if window.plan is None else window.plan["legs"]
    unfinished = sum(window.filled(leg["number"]) < Decimal(leg["quantity"]) for leg in legs)
    return (
        f"window {window.name} of {window.started_at} was left open: "
        f"{counted(cancelled, 'order')} cancelled, {counted(unfinished, 'trade')} unfinished"
    )


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, as "1 order"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def write_recovered(journal: Journal, run: str, window: Window, *, status: str) -> None:
    """Record that a run that died was taken over; without `status` its plan goes on."""
    plan = window.plan or {"legs": []}
    journal.write("recovered", legs=[leg["number"] for leg in plan["legs"]], run=run, status=status)


def is_complete(window: Window) -> bool:
    """Whether every leg of the plan has filled."""
    plan = window.plan
    return plan is not None and all(
        decimal_text(window.filled(leg["number"])) == leg["quantity"] for leg in plan["legs"]
    )


def adopt_surfaced(
    broker: Broker, history: History, account: str, orders_of: Callable[[Window], Orders]
) -> list[str]:
    """Take back orders that the venue shows although they had ended, as ones that never arrived.

    They are ended like others then. Returns what cannot be explained, one line each.
    """
    shown = {status.client_order_id for status in broker.open_orders("all")}
    stuck: list[str] = []
    for window in history.windows.values():
        for attempt in window.attempts if window.account == account else ():
            if attempt.client_order_id in shown and attempt.state.is_terminal:
                orders = orders_of(window)
                stuck += orders.problem(orders.venue.find, attempt)
                if attempt.state.is_terminal:
                    stuck.append(f"{attempt.client_order_id}: open after its end")
    return stuck


def record_late_fills(
    history: History, account: str, orders_of: Callable[[Window], Orders], since: dt.datetime
) -> list[str]:
    """Ask for orders that were sent since and have ended without filling: a fill may come later.

    Returns what cannot be explained, one line each.
    """
    stuck: list[str] = []
    for window in history.windows.values():
        if window.account == account:
            orders = orders_of(window)
            for attempt in window.attempts:
                is_partial = attempt.state.is_terminal and attempt.filled < attempt.shares
                if is_partial and attempt.sent_at >= since.isoformat():
                    stuck += orders.problem(orders.venue.find, attempt)
    return stuck


def abandon_all(history: History, account: str, orders_of: Callable[[Window], Orders]) -> None:
    """Cancel what is open in all windows of an account, without a record: none can be written."""
    for window in history.windows.values():
        if window.account == account and window.unresolved:
            orders_of(window).abandon()


def open_orders(broker: Broker) -> list[BrokerOrderStatus]:
    """Open orders with an id of ours."""
    return [
        status for status in broker.open_orders("all") if status.client_order_id.startswith(PREFIX)
    ]


def orphans(broker: Broker, history: History) -> list[BrokerOrderStatus]:
    """Those of them that no record explains."""
    return [each for each in open_orders(broker) if each.client_order_id not in history.attempts]
