"""What the simulated gateway does when a client asks for something."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nanobook_ibkr.simulator import answer_account, answer_market, answer_order, reply
from nanobook_ibkr.simulator import request as asked

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client

_FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


def _start(client: Client, request: asked.StartApi) -> None:
    server = client.server
    if client.client_id is not None:
        client.error(-1, 321, f"Error validating request: client {client.client_id} has started")
        return
    if request.client_id < 0 or not server.start_api(client, request.client_id):
        refuse_id(client)
        return
    client.send(reply.managed_accounts(client.version, server.venue.accounts))
    client.send(reply.next_valid_id(client.version, server.venue.next_order_id(request.client_id)))
    for code, text in _FARMS:
        client.error(-1, code, text)
    server.uplink.greet(client)


def refuse_id(client: Client) -> None:
    """Tell it that another client has its id, and close."""
    client.error(
        -1,
        326,
        "Unable to connect as the client id is already in use. Retry with a unique client id.",
    )
    client.close_after_turn()


def _order_ids(client: Client, request: asked.RequestIds) -> None:
    del request
    number = client.server.venue.next_order_id(client.known_id)
    client.send(reply.next_valid_id(client.version, number))


def _accounts(client: Client, request: asked.RequestManagedAccounts) -> None:
    del request
    client.send(reply.managed_accounts(client.version, client.server.venue.accounts))


def _time(client: Client, request: asked.RequestCurrentTime) -> None:
    del request
    client.send(reply.current_time(client.version, int(client.server.now().timestamp())))


def _nothing(client: Client, request: asked.Request) -> None:
    del client, request


def _unknown(client: Client, request: asked.UnknownRequest) -> None:
    name = f"{request.name} ({request.message_id})" if request.name else str(request.message_id)
    # 505 and not 321, which ib_async takes for a warning: it would wait for the answer for ever.
    client.error(
        request.request_id, 505, f"Unknown message id: {name} is not served by the simulator"
    )


_ANSWERS: dict[type[Any], Callable[[Client, Any], None]] = {
    asked.AutoOpenOrders: answer_order.bind,
    asked.CancelAccountSummary: answer_account.cancel_summary,
    asked.CancelAccountUpdatesMulti: answer_account.cancel_multi,
    asked.CancelMarketData: answer_market.cancel,
    asked.CancelOrder: answer_order.cancel,
    asked.CancelPositions: answer_account.cancel_positions,
    asked.GlobalCancel: answer_order.cancel_all,
    asked.MarketDataType: answer_market.choose_type,
    asked.PlaceOrder: answer_order.place,
    asked.RequestAccountSummary: answer_account.summary,
    asked.RequestAccountUpdates: answer_account.updates,
    asked.RequestAccountUpdatesMulti: answer_account.multi,
    asked.RequestAllOpenOrders: answer_order.all_open,
    asked.RequestCompletedOrders: answer_order.completed,
    asked.RequestContractDetails: answer_market.contracts,
    asked.RequestCurrentTime: _time,
    asked.RequestExecutions: answer_order.executions,
    asked.RequestIds: _order_ids,
    asked.RequestManagedAccounts: _accounts,
    asked.RequestMarketData: answer_market.subscribe,
    asked.RequestMarketRule: answer_market.rule,
    asked.RequestMatchingSymbols: answer_market.matching,
    asked.RequestOpenOrders: answer_order.own_open,
    asked.RequestPositions: answer_account.positions,
    asked.SetServerLogLevel: _nothing,
    asked.StartApi: _start,
    asked.UnknownRequest: _unknown,
}


def answer(client: Client, request: asked.Request) -> None:
    """Do what the client asks, and tell it; before it has started the API nothing is done."""
    if client.client_id is None and not isinstance(request, asked.StartApi):
        client.error(-1, 504, "Not connected: the first message is START_API (71)")
        return
    _ANSWERS[type(request)](client, request)
