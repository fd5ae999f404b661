"""What the venue has, compared with what this side knows."""

from __future__ import annotations

import logging

from nanobook_binance.known_order import KnownOrder
from nanobook_binance.order_desk import OrderDesk
from nanobook_binance.resolution import Resolution
from nanobook_core.contracts import ConnectError, NotConnectedError, OutcomeUnknownError, SyncReport

log = logging.getLogger("nanobook.broker")


def compare(desk: OrderDesk, resolution: Resolution) -> SyncReport:
    """Ask for all open orders, for what became of those that are none, and for what is in doubt.

    Without missed fills: these are the desk's.

    Raises:
        NotConnectedError: the connection has ended meanwhile; nothing is taken in.
        ConnectError: what is known came from another account, or from before the venue began anew.
        BrokerError: there was no answer.

    """
    before = desk.working("all")
    listed = _look_at_open(desk, resolution, before)
    for known in desk.in_doubt():
        try:
            resolution.look(known)
        except OutcomeUnknownError as error:
            log.warning("%s", error)
    for known in desk.lacking():
        resolution.refresh(known)
    if desk.contradiction:
        raise ConnectError(desk.contradiction, broker="binance")
    with desk.changed:
        return SyncReport(
            matched=tuple(one.client_order_id for one in listed if one.is_own),
            foreign=tuple(one.status() for one in listed if not (one.is_own or one.is_done)),
            lost=tuple(one.client_order_id for one in desk.working() if one.is_lost),
        )


def look(desk: OrderDesk, resolution: Resolution) -> None:
    """Ask for open orders, and what became of those that are none any more.

    Raises:
        BrokerError: there was no answer.

    """
    _look_at_open(desk, resolution, desk.working("all"))


def _look_at_open(
    desk: OrderDesk, resolution: Resolution, before: list[KnownOrder]
) -> list[KnownOrder]:
    session, orders = desk.session, resolution.open_orders()
    with desk.changed:
        if desk.session != session:
            raise NotConnectedError(
                "not connected: the connection has ended before the venue answered",
                broker="binance",
            )
        told = [desk.told(order) for order in orders]
    listed = [known for known in told if known is not None]
    for known in before:
        if known.venue_id and known not in listed and not known.is_done:
            is_there = resolution.refresh(known)
            if not is_there and resolution.is_long_there(known):
                desk.told_missing(known)
    return listed
