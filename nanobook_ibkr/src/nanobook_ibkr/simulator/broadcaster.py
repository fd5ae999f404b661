"""Tells clients what happens at the venue: each what it may know, in the order of TWS."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from nanobook_ibkr.simulator import reply
from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.record import (
    ContractDefinition,
    VenueExecution,
    VenueOrder,
    VenuePosition,
)
from nanobook_ibkr.simulator.wire import Field

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client
    from nanobook_ibkr.simulator.server import Server


Numbered = TypeVar("Numbered", VenueOrder, VenueExecution)


def shown(found: Numbered, client: Client) -> Numbered:
    """An order or execution as that client sees it.

    What was typed into TWS has a number for the client that binds such orders, and 0 for others.
    """
    if found.order_id < 0 and not client.binds_manual_orders:
        return evolve(found, order_id=0)
    return found


class Broadcaster(VenueListener):
    """Listens to the venue.

    Orders and executions are told to the client that sent the order, at once; quotes, positions and
    account values to who subscribed, at the end of the turn, once however often they changed.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tops: set[int] = set()
        self._positions: dict[tuple[str, int], VenuePosition] = {}
        self._accounts: dict[str, None] = {}
        self._marks: dict[tuple[str, int], Decimal] = {}
        """Prices that holdings have been told to be worth, by account and contract."""

    def order_changed(self, order: VenueOrder) -> None:
        """Tell an order's state, and once more if it has filled, as TWS does."""

        def messages(client: Client) -> list[list[Field]]:
            seen = shown(order, client)
            status = reply.order_status(client.version, seen)
            repeated = [status] if order.filled else []
            return [reply.open_order(client.version, seen), status, *repeated]

        self._tell_owner(order, messages)

    def order_refused(self, order: VenueOrder, code: int, text: str) -> None:
        """Tell why an order ended."""
        self._tell_owner(
            order, lambda client: [reply.error(client.version, order.order_id, code, text)]
        )

    def order_warned(self, order: VenueOrder, code: int, text: str) -> None:
        """Tell something about an order that lives on."""
        self.order_refused(order, code, text)

    def executed(self, execution: VenueExecution) -> None:
        """Tell an execution, or the correction of one."""
        self._tell_owner(execution, lambda client: [reply.execution(client.version, -1, execution)])

    def commission_known(self, execution: VenueExecution) -> None:
        """Tell what an execution cost."""
        self._tell_owner(execution, lambda client: [reply.commission(client.version, execution)])

    def position_changed(self, position: VenuePosition) -> None:
        """Tell a position at the end of the turn."""
        self._positions[position.account, position.contract.con_id] = position

    def account_changed(self, account: str) -> None:
        """Tell an account's values at the end of the turn."""
        self._accounts[account] = None

    def top_changed(self, contract: ContractDefinition) -> None:
        """Tell a contract's quote at the end of the turn."""
        self._tops.add(contract.con_id)

    def _tell_owner(
        self,
        whose: VenueOrder | VenueExecution,
        messages: Callable[[Client], list[list[Field]]],
    ) -> None:
        client = self._server.clients.get(whose.client_id)
        if client is None or (whose.order_id <= 0 and not client.binds_manual_orders):
            return
        for message in messages(client):
            self._server.uplink.tell(client, message)

    def end_turn(self) -> None:
        """Tell who subscribed; nothing while there is no link."""
        if not self._server.uplink.is_up:
            return
        if self._tops:
            self._mark_holdings()
        clients = list(self._server.clients.values())
        venue = self._server.venue
        positions, self._positions = self._positions, {}
        accounts, self._accounts = self._accounts, {}
        for position in positions.values():
            for client in clients:
                client.streams.tell_position(position)
        for account in accounts:
            listeners = [client for client in clients if client.streams.wants_values]
            values = venue.account_values(account) if listeners else ()
            for client in listeners:
                client.streams.tell_account(account, values)
        if self._tops:
            self._tell_tops(clients)

    def _mark_holdings(self) -> None:
        """Let quotes that moved move what holds their contracts."""
        for position in self._server.venue.positions():
            key = position.account, position.contract.con_id
            if key[1] not in self._tops or self._marks.get(key) == position.market_price:
                continue
            self._marks[key] = position.market_price
            self._accounts[position.account] = None
            if key in self._positions:
                self._positions[key] = position
                continue
            for client in self._server.clients.values():
                client.streams.tell_portfolio(position)

    def _tell_tops(self, clients: list[Client]) -> None:
        changed, self._tops = self._tops, set()
        for client in clients:
            for stream in client.streams.quotes.values():
                if stream.contract.con_id in changed:
                    client.streams.tell_quote(stream, self._server.venue.top(stream.contract))
