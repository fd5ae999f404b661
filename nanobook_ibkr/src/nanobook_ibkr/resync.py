"""What the venue has, compared with what this side knows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from nanobook_core.contracts import OrderState, PermissionDeniedError, SyncReport
from nanobook_ibkr.message import OpenOrder
from nanobook_ibkr.request import RequestTimeoutError

if TYPE_CHECKING:
    from nanobook_ibkr.known_order import KnownOrder
    from nanobook_ibkr.order_desk import OrderDesk
    from nanobook_ibkr.session import Session

log = logging.getLogger("nanobook.broker")

_WORKING = frozenset({"PreSubmitted", "Submitted"})


async def look(desk: OrderDesk, session: Session) -> None:
    """Ask for open orders; and for all else only where one of which that was not known is none.

    Raises:
        PermissionDeniedError, BrokerError: as `compare`.

    """
    with desk.changed:
        before = [(known, known.heard) for known in desk.working("all") if known.perm_id]
    listed = {order.perm_id for order in await session.open_orders()}
    if any(known.heard == heard and known.perm_id not in listed for known, heard in before):
        await compare(desk, session)


async def compare(desk: OrderDesk, session: Session) -> SyncReport:
    """Ask for all that the venue knows of today, and settle what becomes of orders in doubt.

    Open orders, completed ones, then executions: an order that fills meanwhile is among those or is
    told of as it happens. Completed orders may fail to be told, and nothing is then proved by what
    is not among them. The report is without missed fills: these are the desk's.

    Raises:
        PermissionDeniedError: the connection is read-only: all but the open orders is known then.
        BrokerError: there was no answer.

    """
    with desk.changed:
        before = [(known, known.heard) for known in desk.orders]
    opened = await _opened(session)
    is_complete = await _completed(session)
    await session.executions()
    if isinstance(opened, PermissionDeniedError):
        raise opened
    listed = {order.perm_id: order.status in _WORKING for order in opened}
    with desk.changed:
        if is_complete:
            desk.compared = desk.session_number
        for known, heard in before:
            if not known.is_done and not known.is_sending:
                _settle(desk, known, listed, is_told=known.heard != heard)
        desk.changed.notify_all()
        return _report(desk, listed)


async def _opened(session: Session) -> tuple[OpenOrder, ...] | PermissionDeniedError:
    try:
        return await session.open_orders()
    except PermissionDeniedError as error:  # all else can be asked for
        return error


async def _completed(session: Session) -> bool:
    try:
        await session.completed_orders()
    except PermissionDeniedError:  # the connection's state says so
        return False
    except RequestTimeoutError as error:
        log.warning("%s; nothing is concluded from it", error)
        return False
    return True


def _settle(desk: OrderDesk, known: KnownOrder, listed: dict[int, bool], *, is_told: bool) -> None:
    changed = False
    if is_told:
        if known.record.state is OrderState.PENDING_CANCEL and not known.is_cancelling:
            changed = listed.get(known.perm_id, False) and known.still_works()
    elif not known.perm_id:
        changed = not desk.prove_absent(known) and known.record.lost()
    elif desk.compared == desk.session_number:
        changed = known.is_forgotten()
    if changed:
        desk.order_told(known, is_changed=True)


def _report(desk: OrderDesk, listed: dict[int, bool]) -> SyncReport:
    own = [known for known in desk.orders if known.is_own]
    return SyncReport(
        matched=tuple(known.order_ref for known in own if known.perm_id in listed),
        foreign=tuple(
            known.status()
            for known in desk.orders
            if not known.is_own and not known.is_done and known.perm_id in listed
        ),
        lost=tuple(known.order_ref for known in own if known.record.state is OrderState.UNKNOWN),
    )
