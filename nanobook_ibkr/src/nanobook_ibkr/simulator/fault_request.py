"""How planned faults happen on what a client asks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from nanobook_core.broker.fault_script import How
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator import answer_market, answer_order, bystander, reply
from nanobook_ibkr.simulator import request as asked
from nanobook_ibkr.simulator.answer import answer, refuse_id
from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.fault_text import OF_CANCEL, TEXTS, WARNINGS
from nanobook_ibkr.simulator.record import ZERO, VenueRefusal

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client

_GARBAGE = b"\x13\xff\xfenot a message\x00\x80\x00\x00"
_UNKNOWN_MESSAGE = 999
_UNKNOWN_TICK = 9999


def meet_request(client: Client, message_id: int, request: asked.Request) -> bool:
    """Whether faults have dealt with the request, so that it is not to be answered.

    One that cannot happen is a defect of the test that planned it: the request is answered.
    """
    try:
        return _meet(client, message_id, request)
    except (ValidationError, VenueRefusal) as error:
        error.add_note("a planned fault cannot happen")
        client.server.defects.append(error)
        return False


def _meet(client: Client, message_id: int, request: asked.Request) -> bool:
    take = client.take
    if take(Fault.SILENT, lambda how: how["request"] == message_id) is not None:
        return True
    match request:
        case asked.PlaceOrder() if not request.form.what_if:
            return _meet_order(client, request)
        case asked.CancelOrder():
            return _meet_cancel(client, request)
        case asked.RequestMarketData():
            return _meet_quote(client, request)
        case asked.StartApi():
            return _meet_start(client, request)
        case _:
            return False


def _meet_start(client: Client, request: asked.StartApi) -> bool:
    if client.server.script.take(Fault.CLIENT_ID_IN_USE, request.client_id) is None:
        return False
    refuse_id(client)
    return True


def _meet_order(client: Client, request: asked.PlaceOrder) -> bool:
    take = client.take
    for fault, happen in _BEFORE_ORDER.items():
        how = take(fault)
        if how is not None:
            happen(client, request, how)
    is_met = False
    for fault, happen in _INSTEAD_OF_ORDER.items():
        if is_met:
            client.pass_over(fault)
            continue
        how = take(fault)
        if how is not None:
            happen(client, request, how)
            is_met = True
    if is_met:
        client.pass_over(Fault.REJECT, _rejects(OF_CANCEL.isdisjoint))
        return True
    return _reject(client, request, OF_CANCEL.isdisjoint)


def _meet_cancel(client: Client, request: asked.CancelOrder) -> bool:
    take = client.take
    if take(Fault.LOST_CANCEL) is not None:
        client.pass_over(Fault.REJECT, _rejects(OF_CANCEL.issuperset))
        return True
    return _reject(client, request, OF_CANCEL.issuperset)


def _rejects(is_meant: Callable[[set[int]], bool]) -> Callable[[How], bool]:
    return lambda how: is_meant({how.get("code", 201)})


def _reject(
    client: Client,
    request: asked.PlaceOrder | asked.CancelOrder,
    is_meant: Callable[[set[int]], bool],
) -> bool:
    how = client.take(Fault.REJECT, _rejects(is_meant))
    if how is None:
        return False
    code = how.get("code", 201)
    if code in WARNINGS:
        answer(client, request)
    text = how.get("text", TEXTS.get(code, "Simulated"))
    client.error(request.order_id, code, text.replace("{}", str(request.order_id)))
    return True


def _meet_quote(client: Client, request: asked.RequestMarketData) -> bool:
    server, take = client.server, client.take
    how = take(Fault.HALTED)
    if how is not None:
        for definition in server.venue.find(request.contract):
            server.venue.halt(definition, how.get("kind", 1))
    if take(Fault.MISSING_BID) is not None:
        for definition in server.venue.find(request.contract):
            server.venue.withdraw_bid(definition)
    if take(Fault.UNKNOWN_TICK) is not None:
        client.send(reply.tick_size(client.version, request.request_id, _UNKNOWN_TICK, ZERO))
    if take(Fault.NO_MARKET_DATA) is not None:
        client.error(request.request_id, 354, answer_market.NO_PERMISSION)
        return True
    if take(Fault.DELAYED_DATA) is not None:
        answer_market.subscribe(client, request, is_delayed=True)
        return True
    return False


def _garbage(client: Client, request: asked.PlaceOrder, how: How) -> None:
    del request
    payload = how.get("data", _GARBAGE)
    client.write(len(payload).to_bytes(4, "big") + payload)


def _unknown_message(client: Client, request: asked.PlaceOrder, how: How) -> None:
    del request, how
    client.send([_UNKNOWN_MESSAGE, 1, "of no kind that anybody knows"])


def _manual_order(client: Client, request: asked.PlaceOrder, how: How) -> None:
    _others_order(client, 0, request, how)


def _foreign_order(client: Client, request: asked.PlaceOrder, how: How) -> None:
    _others_order(client, 77, request, how)


def _others_order(client: Client, client_id: int, request: asked.PlaceOrder, how: How) -> None:
    """By default one that rests: a unit at the lowest price there is."""
    venue, found = client.server.venue, client.server.venue.find(request.contract)
    if found:
        bystander.submit(
            venue,
            client_id,
            request.contract,
            how.get("side", "BUY"),
            how.get("quantity", found[0].min_size),
            how.get("limit", found[0].price_steps[0][1]),
        )


def _jump(client: Client, request: asked.PlaceOrder, how: How) -> None:
    del request
    venue = client.server.venue
    venue.skip_order_ids(client.known_id, how.get("by", 1000))
    client.send(reply.next_valid_id(client.version, venue.next_order_id(client.known_id)))


def _drop_before(client: Client, request: asked.PlaceOrder, how: How) -> None:
    del request, how
    client.abort()


def _drop_after(client: Client, request: asked.PlaceOrder, how: How) -> None:
    del how
    answer_order.place_now(client, request)
    client.abort()


def _fill_while_away(client: Client, request: asked.PlaceOrder, how: How) -> None:
    """The acknowledgement is what is told up to the first fill."""
    del how
    order = answer_order.place_now(client, request)
    client.end_before_fill()
    if order is not None and not order.is_done:
        with contextlib.suppress(ValidationError):  # it waits for something, and rests nowhere
            client.server.venue.fill(order.perm_id, order.remaining)


def _lose_link(client: Client, request: asked.PlaceOrder, how: How, *, data_lost: bool) -> None:
    server = client.server
    server.uplink.lose()
    answer_order.place_now(client, request)
    server.later(how.get("seconds", 0.5), lambda: server.uplink.restore(data_lost=data_lost))


def _keep_data(client: Client, request: asked.PlaceOrder, how: How) -> None:
    _lose_link(client, request, how, data_lost=False)


def _lose_data(client: Client, request: asked.PlaceOrder, how: How) -> None:
    _lose_link(client, request, how, data_lost=True)


def _refuse_port(client: Client, request: asked.PlaceOrder, how: How) -> None:
    del request
    client.server.refuse(how.get("seconds", 1))


def _cut_pace(client: Client, request: asked.PlaceOrder, how: How) -> None:
    del request, how
    while not client.is_over:
        client.exceed_pace()


_Happen = Callable[["Client", asked.PlaceOrder, How], None]
_BEFORE_ORDER: Mapping[Fault, _Happen] = {
    Fault.GARBAGE_FRAME: _garbage,
    Fault.UNKNOWN_MESSAGE: _unknown_message,
    Fault.MANUAL_ORDER: _manual_order,
    Fault.FOREIGN_ORDER: _foreign_order,
    Fault.ORDER_ID_JUMP: _jump,
}
_INSTEAD_OF_ORDER: Mapping[Fault, _Happen] = {
    Fault.PACING_CUT: _cut_pace,
    Fault.DROP_BEFORE_ACCEPT: _drop_before,
    Fault.PORT_REFUSED: _refuse_port,
    Fault.DROP_AFTER_ACCEPT: _drop_after,
    Fault.FILL_WHILE_AWAY: _fill_while_away,
    Fault.LINK_LOST_DATA_KEPT: _keep_data,
    Fault.LINK_LOST_DATA_LOST: _lose_data,
}
