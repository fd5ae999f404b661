"""A session with TWS or Gateway: its orders, its quotes, and what it hears of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.holding import Quote
from nanobook_ibkr.connection import Connection
from nanobook_ibkr.error_code import Meaning, ends_request, error_of, meaning
from nanobook_ibkr.library import Library, log
from nanobook_ibkr.listener import OrderFields, SessionListener, SessionSettings
from nanobook_ibkr.message import (
    Commission,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
    VenueContract,
    WhatIf,
)
from nanobook_ibkr.reader import OrderMessage

#: What need not be logged: nothing has happened, or the state of the connection or an error tells.
_TOLD_OTHERWISE = (Meaning.INFO, Meaning.READ_ONLY, Meaning.SESSION)


class Session(Connection):
    """One client at one TWS or Gateway; all but the properties runs on the loop's thread.

    `first_order_id` is above the numbers of all orders that this client is known to have sent.
    """

    def __init__(
        self,
        settings: SessionSettings,
        *,
        listener: SessionListener,
        clock: Clock,
        first_order_id: int = 1,
    ) -> None:
        super().__init__(settings, listener=listener, clock=clock, first_order_id=first_order_id)
        self._order_ids: set[int] = set()
        self._others: set[int] = set()
        """Perm ids of orders of other accounts."""
        self._others_ids: set[int] = set()
        """Numbers that this client gave to such ones."""

    def next_order_id(self) -> int:
        """A number that no order and no request of this client has had."""
        number = self._next_id()
        self._order_ids.add(number)
        return number

    async def place(self, order_id: int, contract: VenueContract, order: OrderFields) -> None:
        """Send a new order, or a change of one that has this number; returns once it is written.

        Raises:
            NotConnectedError, PermissionDeniedError: it was not sent.

        """
        self._check_ready()
        await self._place(order_id, contract, order)

    async def _place(self, order_id: int, contract: VenueContract, order: OrderFields) -> None:
        fields = {"account": self._account, **order}

        def write(client: Any, library: Library) -> None:
            self._check_ready()  # while it waited for its turn, much may have happened
            client.placeOrder(order_id, library.contract(contract), library.order(fields))

        await self._connected().send(write, urgent=True)

    async def cancel(self, order_id: int) -> None:
        """Send the cancel of an order of this client; returns once it is written."""
        await self._connected().send(
            lambda client, _: client.cancelOrder(order_id, ""), urgent=True
        )

    async def cancel_everything(self) -> None:
        """Send the cancel of every order of all accounts there, whoever's (reqGlobalCancel)."""
        await self._connected().send(lambda client, _: client.reqGlobalCancel(), urgent=True)

    async def what_if(self, contract: VenueContract, order: OrderFields) -> WhatIf:
        """What the venue expects of an order that is not sent."""
        self._check_ready()
        number = self._next_id()
        (answer,) = await self._connected().requests.ask(
            number, "a preview", lambda: self._place(number, contract, {**order, "whatIf": True})
        )
        return answer  # type: ignore[no-any-return]

    async def quote(self, symbol: str, contract: VenueContract) -> Quote:
        """Prices now: told within the last second, or confirmed just now.

        Raises:
            NoQuoteError: there is none, or the account may not see it.

        """
        self._connected()
        assert self._quotes is not None  # noqa: S101 - there is a link
        return await self._quotes.quote(symbol, contract)

    # What the link brings.

    def tick(self, request_id: int, tick: int, value: Decimal | None, size: Decimal | None) -> None:
        """A price with its size, or a number alone."""
        if self._quotes is not None:
            self._quotes.tick(request_id, tick, value, size)

    def market_data_type(self, request_id: int, kind: int) -> None:
        """Whether prices are live."""
        if self._quotes is not None:
            self._quotes.market_data_type(request_id, kind)

    def order_message(self, message: OrderMessage) -> None:
        """Something about an order; of other accounts, nothing is told."""
        if not self._account:  # not known yet; the resync will ask for everything
            return
        match message:
            case OpenOrder() | CompletedOrder() | Execution() if message.account != self._account:
                self._others.add(message.perm_id)
                if (
                    not isinstance(message, CompletedOrder)
                    and message.client_id == self._settings.client_id
                ):
                    self._others_ids.add(message.order_id)
            case OpenOrder():
                self._tell(self._listener.open_order, message)
            case OrderStatus():
                if message.perm_id not in self._others:
                    self._tell(self._listener.order_status, message)
            case CompletedOrder():
                self._tell(self._listener.completed_order, message)
            case Execution():
                self._tell(self._listener.execution, message)
            case Commission():
                self._tell(self._listener.commission, message)

    def venue_error(self, request_id: int, code: int, text: str) -> None:
        """An error, a warning or a notice."""
        said = meaning(code, text)
        link, quotes = self._link, self._quotes
        if link is None or quotes is None:
            return
        self._heed(link, said, code, text)
        if request_id in link.requests:
            if ends_request(code, text):
                link.requests.fail(request_id, error_of(code, text))
        elif quotes.error(request_id, code, text):
            return
        elif request_id in self._order_ids or (
            0 < request_id < self._first_id and request_id not in self._others_ids
        ):
            self._tell(self._listener.order_error, request_id, code, text)
            if said is Meaning.DUPLICATE_ID:  # others have numbered orders; ask how far
                link.send_later(lambda client, _: client.reqIds(1))
        elif said not in _TOLD_OTHERWISE:
            log.warning("TWS says: %s (code %d)", text, code)
