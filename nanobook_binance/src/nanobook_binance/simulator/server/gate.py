"""How a request is let in and answered, whatever protocol it came by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobook_binance.simulator.server import security
from nanobook_binance.simulator.server.call import Answer, Call, json_answer, refused
from nanobook_binance.simulator.server.endpoint import Asked
from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.fault_request import Met, cancel_rest, meet
from nanobook_binance.simulator.server.security import Security, Validity
from nanobook_binance.simulator.venue import Refusal

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server


def ask(server: Server, call: Call) -> tuple[Met | None, Answer | None]:
    """Let a request through to the engine, if it gets there: what it met, and what is answered."""
    meeting = meet(server, call)
    met, answer = meeting.met, None
    if met is None:
        answer = process(server, call)
    elif met.fault is Fault.LATE_EXECUTION:
        answer = _put_off(server, call, met)
    else:
        if met.is_executed:
            answer = process(server, call)
            if met.fault is Fault.SERVER_CANCEL:
                cancel_rest(server, call, answer)
        answer = met.answer or answer
    for undo in meeting.undo:
        undo()
    return met, None if answer is None else answer.with_headers(server.limits.headers(call.address))


def _put_off(server: Server, call: Call, met: Met) -> Answer | None:
    """Let it in now, and through to the engine later; the answer says nothing of either."""
    try:
        validity = admit(server, call)
    except Refusal as refusal:
        return refused(refusal)
    server.later(met.how.get("seconds", 1), lambda: perform(server, call, validity))
    return met.answer


def process(server: Server, call: Call) -> Answer:
    """Charge, let in, and answer a request, in the turn that goes on."""
    try:
        validity = admit(server, call)
    except Refusal as refusal:
        return refused(refusal)
    _queue(server, call)
    return perform(server, call, validity)


def admit(server: Server, call: Call) -> Validity | None:
    """Charge a request and let it in; until when that holds, None for ever.

    Raises:
        Refusal: the limits, the key, the signature or the time are against it.

    """
    server.limits.charge(call.address, call.endpoint.weight(call.sent))
    return _let_in(server, call)


def perform(server: Server, call: Call, validity: Validity | None) -> Answer:
    """What the engine makes of a request that was let in, if that still holds."""
    headers: dict[str, str] = {}
    try:
        if validity is not None:
            validity.check_engine(server.time_ms())
        asked = Asked(
            server=server,
            account=call.account,
            values=call.endpoint.values(call.sent),
            headers=headers,
        )
        said = call.endpoint.answer(asked)
    except Refusal as refusal:
        return refused(refusal).with_headers(headers)
    if call.endpoint.is_free:
        server.limits.refund(call.address, call.endpoint.weight(call.sent))
    return json_answer(said, headers=headers)


def _let_in(server: Server, call: Call) -> Validity | None:
    """Find out who asks, and until when that holds; a key that is known already is not asked for.

    Raises:
        Refusal: the key, the signature or the time is wrong.

    """
    if call.endpoint.security is Security.NONE:
        _refuse_duplicates(call)
        return None
    key = call.key or security.find_key(server.keys, call.key_name)
    if key.is_revoked:
        raise security.rejected_key()
    _refuse_duplicates(call)
    validity = security.validity(call.sent)
    if call.key is None:
        security.check_signature(key, call.payload, call.sent.get("signature"))
    validity.check_arrival(server.time_ms())
    security.check_permission(key, call.endpoint.security)
    call.key = key
    return validity


def _refuse_duplicates(call: Call) -> None:
    if call.has_duplicates:
        raise Refusal(-1101, "Duplicate values for a parameter detected.")


def _queue(server: Server, call: Call) -> None:
    how = server.script.meets(Fault.QUEUED, call.endpoint.name, call.symbol)
    if how is not None:
        call.fault = Fault.QUEUED
        server.venue.advance(how.get("seconds", 10))
