"""How a request is let in and answered, whatever protocol it came by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobook_binance.simulator.server import security
from nanobook_binance.simulator.server.call import Answer, Call, json_answer, refused
from nanobook_binance.simulator.server.endpoint import Asked
from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.security import Security, Validity
from nanobook_binance.simulator.venue import Refusal

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server


def process(server: Server, call: Call) -> Answer:
    """Charge, let in, and answer a request, in the turn that goes on."""
    headers: dict[str, str] = {}
    weight = call.endpoint.weight(call.sent)
    try:
        server.limits.charge(call.address, weight)
        validity = _let_in(server, call)
        _queue(server, call)
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
        server.limits.refund(call.address, weight)
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
