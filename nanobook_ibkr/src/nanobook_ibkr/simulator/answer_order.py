"""Answers about orders and executions."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from typing import TYPE_CHECKING

from nanobook_ibkr.simulator import reply
from nanobook_ibkr.simulator import request as asked
from nanobook_ibkr.simulator.broadcaster import shown
from nanobook_ibkr.simulator.record import VenueExecution, VenueOrder, VenueRefusal

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client

READ_ONLY = (
    "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
)
_TIME = re.compile(r"(\d{8})[ -]+(\d\d:\d\d:\d\d)(?: +(\S+))?")


def place(client: Client, request: asked.PlaceOrder) -> None:
    """Send an order to the venue, or change one; the broadcaster tells what comes of it."""
    if client.is_read_only():
        client.error(request.order_id, 321, READ_ONLY)
        return
    client.server.uplink.ask(lambda: place_now(client, request))


def place_now(client: Client, request: asked.PlaceOrder) -> VenueOrder | None:
    """The order as the venue has taken it; None if it was a mere question or is refused."""
    venue, form = client.server.venue, request.form
    try:
        if not form.what_if:
            return venue.place(client.known_id, request.order_id, request.contract, form)
        what_if = venue.what_if(request.contract, form, form.account, client_id=client.known_id)
    except VenueRefusal as refusal:
        client.error(request.order_id, refusal.code, refusal.text)
        if refusal.order is not None:  # both libraries hold an order with an error for dead
            _tell(client, refusal.order)
        return None
    order = VenueOrder(
        perm_id=0,
        client_id=client.known_id,
        order_id=request.order_id,
        contract=venue.find(request.contract)[0],
        form=form,
        account=form.account or venue.accounts[0],
    )
    client.send(reply.open_order(client.version, order, what_if=what_if))
    return None


def cancel(client: Client, request: asked.CancelOrder) -> None:
    """End one of the client's orders."""
    if client.is_read_only():
        client.error(request.order_id, 321, READ_ONLY)
        return
    client.server.uplink.ask(lambda: _cancel(client, request.order_id))


def _cancel(client: Client, order_id: int) -> None:
    try:
        client.server.venue.cancel(client.known_id, order_id)
    except VenueRefusal as refusal:
        client.error(order_id, refusal.code, refusal.text)


def cancel_all(client: Client, request: asked.GlobalCancel) -> None:
    """End all orders, whoever sent them."""
    del request
    if client.is_read_only():
        client.error(-1, 321, READ_ONLY)
        return
    client.server.uplink.ask(client.server.venue.cancel_all)


def bind(client: Client, request: asked.AutoOpenOrders) -> None:
    """Let client 0 hear of orders typed into TWS."""
    if client.known_id:
        client.error(-1, 321, "Error validating request: only client 0 binds orders of TWS")
        return
    client.binds_manual_orders = request.bind


def own_open(client: Client, request: asked.RequestOpenOrders) -> None:
    """The client's orders that live; client 0 is told those typed into TWS too."""
    del request
    _tell_open(client, own=True)


def all_open(client: Client, request: asked.RequestAllOpenOrders) -> None:
    """All orders that live."""
    del request
    _tell_open(client, own=False)


def _tell_open(client: Client, *, own: bool) -> None:
    if client.is_read_only():
        client.error(-1, 321, READ_ONLY)  # as TWS does: it names no request, and no end comes
        return
    for order in client.server.venue.orders:
        if not order.is_done and (not own or order.client_id == client.known_id):
            _tell(client, order)
    client.send(reply.open_order_end(client.version))


def _tell(client: Client, order: VenueOrder) -> None:
    seen = shown(order, client)
    client.send(reply.open_order(client.version, seen))
    client.send(reply.order_status(client.version, seen))


def completed(client: Client, request: asked.RequestCompletedOrders) -> None:
    """The day's orders that have ended."""
    if client.is_read_only():
        client.error(-1, 321, READ_ONLY)
        return
    for order in client.server.venue.orders:
        if order.is_done and not (request.api_only and order.order_id <= 0):
            client.send(reply.completed_order(client.version, order))
    client.send(reply.completed_orders_end(client.version))


def executions(client: Client, request: asked.RequestExecutions) -> None:
    """The day's executions that fit, then what each has cost."""
    try:
        since = _since(request.time)
    except ValueError:
        client.error(
            request.request_id,
            321,
            f"Error validating request: time {request.time[:40]!r} is not like 20261122-13:30:00",
        )
        return
    found = [
        execution
        for execution in client.server.venue.executions
        if (since is None or execution.time >= since) and _fits(execution, request)
    ]
    for execution in found:
        seen = shown(execution, client)
        client.send(reply.execution(client.version, request.request_id, seen))
    client.send(reply.execution_end(client.version, request.request_id))
    for execution in found:
        client.send(reply.commission(client.version, execution))


def _fits(execution: VenueExecution, request: asked.RequestExecutions) -> bool:
    contract = execution.contract
    return all(
        not wanted or wanted == has
        for wanted, has in (
            (request.client_id, execution.client_id),
            (request.account, execution.account),
            (request.symbol, contract.symbol),
            (request.sec_type, contract.sec_type),
            (request.exchange, execution.exchange),
            (request.side, execution.action),
        )
    )


def _since(text: str) -> dt.datetime | None:
    """The moment before which nothing is wanted, in UTC where no zone is named."""
    if not text:
        return None
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    try:
        zone = zoneinfo.ZoneInfo(found[3] or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error
    naive = dt.datetime.strptime(f"{found[1]} {found[2]}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - below
    return naive.replace(tzinfo=zone)
