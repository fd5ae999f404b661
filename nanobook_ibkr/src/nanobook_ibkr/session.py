"""A session with TWS or Gateway: connected, kept so, and asked; it lives on its loop's thread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from nanobook_core.contracts.broker import ConnectionInfo, ConnectionState
from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.holding import Quote
from nanobook_ibkr.message import (
    AccountValue,
    Commission,
    CompletedOrder,
    ContractDetails,
    Execution,
    OpenOrder,
    OrderStatus,
    PortfolioRow,
    PositionRow,
    VenueContract,
    WhatIf,
)

OrderFields = Mapping[str, str | int | bool | Decimal]
"""An order in the names of the wire: `action`, `totalQuantity`, `orderType`, `lmtPrice`, `auxPrice`,
`tif`, `orderRef`, `account`, `outsideRth` … What is not given is unset."""


class SessionListener(Protocol):
    """Who is told of orders. All of it is called on the loop's thread and must not block.

    What a method raises is logged, and ends the connection: whatever it could not take in is asked
    for again by the `resync` after the next one.
    """

    def open_order(self, order: OpenOrder) -> None:
        """Take in an order as the venue has it: asked for, or because something happened to it."""
        ...

    def order_status(self, status: OrderStatus) -> None:
        """Take in how far an order has come."""
        ...

    def completed_order(self, order: CompletedOrder) -> None:
        """Take in an order that is done; only `Session.completed_orders` brings these."""
        ...

    def execution(self, execution: Execution) -> None:
        """Take in an execution: just now, or asked for."""
        ...

    def commission(self, commission: Commission) -> None:
        """Take in the cost of an execution."""
        ...

    def order_error(self, order_id: int, code: int, text: str) -> None:
        """Take in what the venue says of an order of this client; `error_code` says what it means.

        Errors of requests end those, and are not told here.
        """
        ...

    def connection_changed(self, info: ConnectionInfo) -> None:
        """Take in a new state of the connection, or another attempt at it."""
        ...

    async def resync(self) -> None:
        """Ask for open and completed orders, executions and what else is needed, and compare.

        Called in state SYNCING, at the first connection and after every one that was lost; once it
        returns, the state is READY. What it raises at the first one ends `Session.connect`; later
        ones are tried again. On a read-only connection `open_orders` raises
        `PermissionDeniedError`; if that leaves `resync`, the state is READ_ONLY.
        """
        ...


class Session:
    """One client at one TWS or Gateway. Every method but the properties runs on the loop's thread.

    Requests raise `RequestTimeoutError` (a `BrokerError`) after `request_timeout` seconds without
    an answer, `NotConnectedError` if they could not be sent, `LinkDownError` if the connection broke
    while they waited, and what `error_code` makes of an error that the venue answers.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: int,
        listener: SessionListener,
        clock: Clock,
        account: str | None = None,
        backend: str = "auto",
        market_data: str = "live",
        first_order_id: int = 1,
        messages_per_second: int = 45,
        request_timeout: float = 10.0,
        heartbeat: float = 30.0,
        backoff: tuple[float, float] = (1.0, 60.0),
    ) -> None: ...

    @property
    def info(self) -> ConnectionInfo:
        """State, account, whether it is live, and one line for people; from any thread."""
        raise NotImplementedError

    @property
    def state(self) -> ConnectionState:
        """State of the connection; from any thread."""
        raise NotImplementedError

    @property
    def account(self) -> str:
        """The account that is used; empty before the first connection. From any thread."""
        raise NotImplementedError

    async def connect(self, timeout: float) -> None:
        """Connect, resync, and from then on reconnect alone until `close`.

        Raises:
            ConnectError: nothing is there, or not TWS, or the account does not fit; nothing is
                connected then.
            SessionConflictError: another client has this client id.
            BackendMissingError: neither library is installed.

        """

    async def close(self) -> None:
        """End the connection and every request that waits; done again, it does nothing."""

    def next_order_id(self) -> int:
        """A number that no order and no request of this client has had."""
        raise NotImplementedError

    async def place(self, order_id: int, contract: VenueContract, order: OrderFields) -> None:
        """Send a new order, or a change of one that has this number; returns once it is written.

        Raises:
            NotConnectedError, PermissionDeniedError: it was not sent.

        """

    async def cancel(self, order_id: int) -> None:
        """Send the cancel of an order of this client; returns once it is written."""

    async def cancel_everything(self) -> None:
        """Send the cancel of every order of the account, whoever's (reqGlobalCancel)."""

    async def what_if(
        self, order_id: int, contract: VenueContract, order: OrderFields
    ) -> WhatIf:
        """What the venue expects of an order that is not sent; its number is not used up."""
        raise NotImplementedError

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """Every open order of every client, which the listener is told too, with their states.

        Raises:
            PermissionDeniedError: the connection is read-only.

        """
        raise NotImplementedError

    async def completed_orders(self) -> tuple[CompletedOrder, ...]:
        """Orders of today that are done, of every client; the listener is told too."""
        raise NotImplementedError

    async def executions(self, since: dt.datetime | None = None) -> tuple[Execution, ...]:
        """Executions of today, of every client; the listener is told too, and of commissions."""
        raise NotImplementedError

    async def position_rows(self) -> tuple[PositionRow, ...]:
        """Holdings of the account; none of quantity 0."""
        raise NotImplementedError

    async def portfolio_rows(self) -> tuple[PortfolioRow, ...]:
        """Holdings of the account with their values, which may be minutes old."""
        raise NotImplementedError

    async def account_values(self) -> tuple[AccountValue, ...]:
        """Lines of the account window."""
        raise NotImplementedError

    async def contract_details(self, contract: VenueContract) -> tuple[ContractDetails, ...]:
        """Every contract that fits; none where there is no such contract."""
        raise NotImplementedError

    async def market_rule(self, rule_id: int) -> tuple[tuple[Decimal, Decimal], ...]:
        """Rising (price from which on, smallest step)."""
        raise NotImplementedError

    async def quote(self, symbol: str, contract: VenueContract) -> Quote:
        """Prices now."""
        raise NotImplementedError

    async def current_time(self) -> dt.datetime:
        """The venue's time, in UTC."""
        raise NotImplementedError
