"""What the venue has, compared with what this side knows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from attrs import frozen

from nanobook_core.contracts import ConnectError, OrderState, PermissionDeniedError, SyncReport
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


@frozen
class Comparison:
    """What a comparison came to."""

    report: SyncReport
    """Without missed fills: these are the desk's."""
    is_complete: bool
    """Whether completed orders were told; what is not among them is proved nothing of, else."""


async def compare(desk: OrderDesk, session: Session) -> Comparison:
    """Ask for all that the venue knows of today, and settle what becomes of orders in doubt.

    Open orders, completed ones, then executions: an order that fills meanwhile is among those or is
    told of as it happens.

    Raises:
        PermissionDeniedError: the connection is read-only: all but the open orders is known then.
        ConnectError: what is known came from another venue.
        BrokerError: there was no answer.

    """
    with desk.changed:
        before = [(known, known.heard, known.is_done) for known in desk.orders]
    unreadable = session.unreadable
    opened = await _opened(session)
    is_told = await _completed(session)
    await session.executions()
    is_complete = is_told and session.unreadable == unreadable
    if desk.contradiction:
        raise ConnectError(desk.contradiction, broker="ibkr")
    if isinstance(opened, PermissionDeniedError):
        raise opened
    listed = {order.perm_id: order.status in _WORKING for order in opened}
    with desk.changed:
        if is_complete:
            desk.compared = desk.session_number
        for known, heard, was_done in before:
            if _settle(
                desk,
                known,
                was_done=was_done,
                is_told=known.heard != heard,
                is_working=listed.get(known.perm_id, False),
                is_complete=is_complete,
            ):
                desk.order_told(known, is_changed=True)
        desk.changed.notify_all()
        return Comparison(_report(desk, listed), is_complete)


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


def _settle(
    desk: OrderDesk,
    known: KnownOrder,
    *,
    was_done: bool,
    is_told: bool,
    is_working: bool,
    is_complete: bool,
) -> bool:
    """Conclude what a comparison says of an order; say whether it changed."""
    if known.is_done:
        return was_done and is_working and known.told_listed()
    if known.is_sending:
        return False
    if is_told:
        is_cancelling = known.is_cancelling or known.record.state is not OrderState.PENDING_CANCEL
        return is_working and not is_cancelling and known.told_uncancelled()
    if not known.perm_id:
        return not desk.prove_absent(known) and known.record.lost()
    return is_complete and known.told_unlisted()


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
