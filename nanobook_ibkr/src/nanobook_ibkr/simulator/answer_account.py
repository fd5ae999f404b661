"""Answers about accounts and positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobook_ibkr.simulator import reply
from nanobook_ibkr.simulator import request as asked

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client

#: Of either kind, so that a client cannot keep the gateway busy with itself.
MOST_SUBSCRIPTIONS = 100
_NO_ACCOUNT = "Error validating request: account {} is none of {}"


def _account(client: Client, request_id: int, name: str) -> str | None:
    """The account of that name, the first one where none is named; None once it is refused."""
    accounts = client.server.venue.accounts
    if not name:
        return accounts[0]
    if name in accounts:
        return name
    client.error(request_id, 321, _NO_ACCOUNT.format(name, ", ".join(accounts)))
    return None


def _is_one_too_many(client: Client, request_id: int, subscriptions: int) -> bool:
    if subscriptions < MOST_SUBSCRIPTIONS:
        return False
    client.error(
        request_id,
        322,
        "Error processing request.-'b2' : cause - Maximum number of account summary requests "
        "exceeded",
    )
    return True


def updates(client: Client, request: asked.RequestAccountUpdates) -> None:
    """All values and positions of an account, and from then on those that change."""
    streams, venue = client.streams, client.server.venue
    if not request.subscribe:
        streams.account = None
        streams.forget(-1)
        return
    account = _account(client, -1, request.account)
    if account is None:
        return
    streams.account = account
    streams.forget(-1)
    streams.tell_values(-1, venue.account_values(account))
    for position in venue.positions(account):
        client.send(reply.portfolio_value(client.version, position))
    client.send(reply.account_time(client.version, client.server.now()))
    client.send(reply.account_download_end(client.version, account))


def multi(client: Client, request: asked.RequestAccountUpdatesMulti) -> None:
    """All values of an account, and from then on those that change."""
    account = _account(client, request.request_id, request.account)
    if account is None:
        return
    streams = client.streams
    if _is_one_too_many(client, request.request_id, len(streams.multi)):
        return
    streams.multi[request.request_id] = (account, request.model)
    streams.forget(request.request_id)
    streams.tell_values(request.request_id, client.server.venue.account_values(account))
    client.send(reply.account_update_multi_end(client.version, request.request_id))


def cancel_multi(client: Client, request: asked.CancelAccountUpdatesMulti) -> None:
    """No more of them."""
    client.streams.multi.pop(request.request_id, None)
    client.streams.forget(request.request_id)


def summary(client: Client, request: asked.RequestAccountSummary) -> None:
    """Some values of all accounts, and from then on those that change."""
    streams, venue = client.streams, client.server.venue
    if _is_one_too_many(client, request.request_id, len(streams.summaries)):
        return
    streams.summaries[request.request_id] = frozenset(request.tags)
    streams.forget(request.request_id)
    for account in venue.accounts:
        streams.tell_values(request.request_id, venue.account_values(account))
    client.send(reply.account_summary_end(client.version, request.request_id))


def cancel_summary(client: Client, request: asked.CancelAccountSummary) -> None:
    """No more of them."""
    client.streams.summaries.pop(request.request_id, None)
    client.streams.forget(request.request_id)


def positions(client: Client, request: asked.RequestPositions) -> None:
    """All positions of all accounts, and from then on those that change."""
    del request
    client.streams.wants_positions = True
    venue = client.server.venue
    for account in venue.accounts:
        for position in venue.positions(account):
            client.send(reply.position(client.version, position))
    client.send(reply.position_end(client.version))


def cancel_positions(client: Client, request: asked.CancelPositions) -> None:
    """No more of them."""
    del request
    client.streams.wants_positions = False
