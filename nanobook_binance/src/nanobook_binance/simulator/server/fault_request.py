"""How planned faults happen on what a client asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import Factory, define, frozen

from nanobook_binance.simulator.server import fault_market
from nanobook_binance.simulator.server.call import Answer, Call, page, refused
from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.fault_market import Undo
from nanobook_binance.simulator.venue import Refusal
from nanobook_core.broker.fault_script import How
from nanobook_core.errors import ValidationError

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server


@frozen
class Met:
    """A fault that has come between a request and its answer."""

    fault: Fault
    how: How
    is_executed: bool
    """Whether the engine gets it."""
    answer: Answer | None
    """What is answered instead; None where it is what the engine says."""


@define
class Meeting:
    """What a request has met before the engine."""

    met: Met | None = None
    undo: list[Undo] = Factory(list)
    """What is to happen after the engine."""


def meet(server: Server, call: Call) -> Meeting:
    """Let happen what happens just before a request, and see what comes in its answer's way."""
    meeting = Meeting()
    endpoint = call.endpoint.name
    for fault, happen in _JUST_BEFORE.items():
        if fault in _OF_TIF and call.sent.get("timeInForce") != _OF_TIF[fault]:
            continue
        how = server.script.meets(fault, endpoint, call.symbol)
        if how is not None:
            call.fault = fault
            _happen(server, call, meeting, happen, how)
    for fault in _IN_THE_WAY:
        if fault is Fault.CONNECTION_RESET_KEEPALIVE and not call.is_reused:
            continue
        if meeting.met is not None:
            server.script.misses(fault, endpoint, call.symbol)
            continue
        how = server.script.meets(fault, endpoint, call.symbol)
        if how is not None:
            call.fault = fault
            is_executed = how.get("executed", fault in _EXECUTED)
            meeting.met = Met(fault, how, is_executed, _instead(server, fault, how))
    return meeting


def _happen(
    server: Server,
    call: Call,
    meeting: Meeting,
    happen: Callable[[Server, Call, How], Undo | None],
    how: How,
) -> None:
    """One that cannot happen is a defect of the test that planned it: the request goes on."""
    try:
        undo = happen(server, call, how)
    except (ValidationError, Refusal, LookupError, ArithmeticError) as error:
        error.add_note("a planned fault cannot happen")
        server.defects.append(error)
        return
    if undo is not None:
        meeting.undo.append(undo)


def cancel_rest(server: Server, call: Call, answer: Answer) -> None:
    """Let the exchange cancel what rests of the order that was answered."""
    if answer.is_success and call.symbol is not None and call.account is not None:
        order = server.venue.order(call.account, call.symbol, answer.said["orderId"])
        if order.is_open:
            server.venue.server_cancel(call.symbol, order.order_id)


_OF_TIF = {Fault.IOC_EXPIRY: "IOC", Fault.FOK_EXPIRY: "FOK"}
_EXECUTED = frozenset(
    {
        Fault.DROP_AFTER_ENGINE,
        Fault.TIMEOUT_EXECUTED,
        Fault.SLOW_BODY,
        Fault.TRUNCATED_JSON,
        Fault.WRONG_CONTENT_TYPE,
        Fault.DUPLICATE_RESPONSE,
        Fault.SERVER_CANCEL,
        Fault.ACK_BEFORE_STREAM_EVENT,
        Fault.ACK_AFTER_STREAM_EVENT,
    }
)
_IN_THE_WAY = (
    Fault.PORT_REFUSED,
    Fault.DROP_BEFORE_ENGINE,
    Fault.DROP_AFTER_ENGINE,
    Fault.CONNECTION_RESET_KEEPALIVE,
    Fault.TIMEOUT_EXECUTED,
    Fault.TIMEOUT_NOT_EXECUTED,
    Fault.LATE_EXECUTION,
    Fault.SLOW_BODY,
    Fault.TRUNCATED_JSON,
    Fault.WRONG_CONTENT_TYPE,
    Fault.DUPLICATE_RESPONSE,
    Fault.HTML_502,
    Fault.HTML_403,
    Fault.HTML_410,
    Fault.HTTP_5XX,
    Fault.INTERNAL_1000,
    Fault.INTERNAL_1001,
    Fault.INTERNAL_1006,
    Fault.OVERLOADED_1008,
    Fault.IP_LIMIT_429,
    Fault.ORDER_LIMIT_1015,
    Fault.SERVER_CANCEL,
    Fault.ACK_BEFORE_STREAM_EVENT,
    Fault.ACK_AFTER_STREAM_EVENT,
)
_PAGES = {
    Fault.HTML_502: (502, "Bad Gateway"),
    Fault.HTML_403: (403, "Forbidden"),
    Fault.HTML_410: (410, "Gone"),
}
_TIMEOUT = (
    "Timeout waiting for response from backend server. "
    "Send status unknown; execution status unknown."
)
_REFUSALS = {
    Fault.TIMEOUT_EXECUTED: (-1007, _TIMEOUT, 504),
    Fault.TIMEOUT_NOT_EXECUTED: (-1007, _TIMEOUT, 504),
    Fault.LATE_EXECUTION: (-1007, _TIMEOUT, 504),
    Fault.INTERNAL_1000: (
        -1000,
        "An unknown error occurred while processing the request.",
        500,
    ),
    Fault.INTERNAL_1001: (
        -1001,
        "Internal error; unable to process your request. Please try again.",
        500,
    ),
    Fault.INTERNAL_1006: (
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
        500,
    ),
}
_OVERLOADED = (
    "Server is currently overloaded with other requests. Please try again in a few minutes."
)


def _instead(server: Server, fault: Fault, how: How) -> Answer | None:
    if fault in _PAGES:
        return page(*_PAGES[fault])
    if fault is Fault.HTTP_5XX:
        return page(how.get("status", 503), "Error")
    refusal = _refusal(server, fault, how)
    return None if refusal is None else refused(refusal)


def _refusal(server: Server, fault: Fault, how: How) -> Refusal | None:
    if fault in _REFUSALS:
        return Refusal(*_REFUSALS[fault])
    seconds = max(1, round(how.get("seconds", 1)))
    match fault:
        case Fault.OVERLOADED_1008:
            return Refusal(-1008, _OVERLOADED, how.get("status", 503))
        case Fault.IP_LIMIT_429:
            return server.limits.too_much_weight(seconds)
        case Fault.ORDER_LIMIT_1015:
            return server.limits.too_many_orders(seconds)
        case _:
            return None


def _ban(server: Server, call: Call, how: How) -> None:
    server.limits.ban(call.address, how.get("seconds", 120))


def _revoke(server: Server, call: Call, how: How) -> None:
    del how
    server.keys.revoke(call.asking_key)


def _clock_ahead(server: Server, call: Call, how: How) -> None:
    del call
    server.venue.shift_clock(how.get("seconds", 10))


def _clock_behind(server: Server, call: Call, how: How) -> None:
    del call
    server.venue.shift_clock(-how.get("seconds", 10))


def _halt(server: Server, call: Call, how: How) -> None:
    del how
    server.venue.set_status(call.sent["symbol"], "HALT")


def _cancel_only(server: Server, call: Call, how: How) -> None:
    del how
    server.venue.set_status(call.sent["symbol"], "CANCEL_ONLY")


def _fill(server: Server, call: Call, how: How) -> None:
    """Fill what is to be cancelled; what is not open any more cannot be cancelled anyway."""
    del how
    key = server.keys.find(call.asking_key)
    if key is None:
        return
    sent, venue = call.sent, server.venue
    number = sent.get("orderId", sent.get("cancelOrderId"))
    name = sent.get("origClientOrderId", sent.get("cancelOrigClientOrderId"))
    if number is None and name is None:
        found = venue.open_orders(key.account, sent["symbol"])
    else:
        which = None if number is None else int(number)
        found = [venue.order(key.account, sent["symbol"], which, name)]
    for order in found:
        if order.is_open:
            venue.fill(key.account, order.order_id, order.remaining, symbol=order.symbol)


_JUST_BEFORE: dict[Fault, Callable[[Server, Call, How], Undo | None]] = {
    Fault.BAN_418: _ban,
    Fault.KEY_REVOKED: _revoke,
    Fault.CLOCK_AHEAD: _clock_ahead,
    Fault.CLOCK_BEHIND: _clock_behind,
    Fault.HALT: _halt,
    Fault.CANCEL_ONLY: _cancel_only,
    Fault.CANCEL_RACE: _fill,
    Fault.PARTIAL_FILL: fault_market.halve,
    Fault.IOC_EXPIRY: fault_market.withdraw,
    Fault.FOK_EXPIRY: fault_market.withdraw,
    Fault.STP_EXPIRY: fault_market.stand_in_its_way,
}
