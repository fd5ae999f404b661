"""Answers about contracts and quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobook_ibkr.simulator import reply
from nanobook_ibkr.simulator import request as asked
from nanobook_ibkr.simulator.record import ContractDefinition
from nanobook_ibkr.simulator.stream import QuoteStream

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client

#: Subscriptions to quotes that a client may have.
MOST_LINES = 100
LIVE, DELAYED = 1, 3
_UNKNOWN = "No security definition has been found for the request"
_AMBIGUOUS = "The contract description specified for the request is ambiguous"
NO_PERMISSION = (
    "Requested market data is not subscribed. Delayed market data is available."
    " Call reqMarketDataType(3) to have it."
)
_DELAYED_INSTEAD = "Requested market data is not subscribed. Displaying delayed market data."


def contracts(client: Client, request: asked.RequestContractDetails) -> None:
    """All contracts that fit; error 200 if none does."""
    found = client.server.venue.find(request.contract)
    if not found:
        client.error(request.request_id, 200, _UNKNOWN)
        return
    day = client.server.now()
    hours = f"{day:%Y%m%d}:0930-{day:%Y%m%d}:1600"
    for definition in found:
        client.send(
            reply.contract_details(
                client.version,
                request.request_id,
                definition,
                exchange=request.contract.exchange or "SMART",
                trading_hours=hours,
                liquid_hours=hours,
            )
        )
    client.send(reply.contract_details_end(client.version, request.request_id))


def matching(client: Client, request: asked.RequestMatchingSymbols) -> None:
    """Contracts whose symbol or name begins so."""
    found = client.server.venue.matching(request.pattern)
    client.send(reply.symbol_samples(client.version, request.request_id, found))


def rule(client: Client, request: asked.RequestMarketRule) -> None:
    """The price steps of a rule; error 321 if no contract has it."""
    for definition in client.server.venue.definitions:
        if definition.market_rule_id == request.rule_id:
            client.send(reply.market_rule(client.version, request.rule_id, definition.price_steps))
            return
    client.error(-1, 321, f"Error validating request: there is no market rule {request.rule_id}")


def choose_type(client: Client, request: asked.MarketDataType) -> None:
    """What the client takes where it may not have live quotes."""
    client.market_data_type = request.type


def subscribe(
    client: Client, request: asked.RequestMarketData, *, is_delayed: bool | None = None
) -> None:
    """The quote of a contract, and unless it is a snapshot from then on what changes."""
    delayed = client.server.delayed if is_delayed is None else is_delayed
    client.server.uplink.ask(lambda: _subscribe(client, request, delayed))


def _subscribe(client: Client, request: asked.RequestMarketData, is_delayed: bool) -> None:  # noqa: FBT001
    number, streams = request.request_id, client.streams
    contract = _the_one(client, request)
    if contract is None:
        return
    if number in streams.quotes:
        client.error(number, 322, "Error processing request: Duplicate ticker id")
        return
    if len(streams.quotes) >= MOST_LINES:
        client.error(number, 101, "Max number of tickers has been reached")
        return
    if is_delayed and client.market_data_type < DELAYED:
        client.error(number, 354, NO_PERMISSION)
        return
    if is_delayed:
        client.error(number, 10167, _DELAYED_INSTEAD)
    version = client.version
    client.send(reply.tick_req_params(version, number, min(s for _, s in contract.price_steps)))
    client.send(reply.market_data_type(version, number, DELAYED if is_delayed else LIVE))
    stream = QuoteStream(number, contract, is_delayed)
    streams.tell_quote(stream, client.server.venue.top(contract))
    if request.snapshot:
        client.send(reply.tick_snapshot_end(version, number))
    else:
        streams.quotes[number] = stream


def _the_one(client: Client, request: asked.RequestMarketData) -> ContractDefinition | None:
    found = client.server.venue.find(request.contract)
    if len(found) == 1:
        return found[0]
    client.error(request.request_id, 200, _AMBIGUOUS if found else _UNKNOWN)
    return None


def cancel(client: Client, request: asked.CancelMarketData) -> None:
    """No more quotes of that request."""
    if client.streams.quotes.pop(request.request_id, None) is None:
        client.error(request.request_id, 300, f"Can't find EId with tickerId:{request.request_id}")
