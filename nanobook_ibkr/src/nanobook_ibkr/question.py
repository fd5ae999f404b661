"""What a session is asked for: one method for each request."""

# ruff: noqa: FBT003 - the library takes flags by position

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from nanobook_core.contracts.broker_error import (
    CancelRejectedError,
    OrderNotFoundError,
    UnknownSymbolError,
)
from nanobook_ibkr.library import Library
from nanobook_ibkr.link import Link
from nanobook_ibkr.message import (
    AccountValue,
    CompletedOrder,
    ContractDetails,
    Execution,
    OpenOrder,
    PortfolioRow,
    PositionRow,
    VenueContract,
)
from nanobook_ibkr.request import Key, RequestTimeoutError, Untagged

#: Seconds for open orders to come before it is asked whether they ever will.
_PATIENCE = 1.0

Row = TypeVar("Row", PositionRow, PortfolioRow)


class Questions(ABC):
    """Requests that change nothing.

    They raise `RequestTimeoutError` (a `BrokerError`) where no answer comes in time,
    `NotConnectedError` if they could not be sent, `LinkDownError` if the connection broke while
    they waited, and what `error_code` makes of an error that the venue answers.
    """

    @property
    @abstractmethod
    def account(self) -> str:
        """The account that is used."""

    @abstractmethod
    def _connected(self) -> Link:
        """The link, as long as it can be used."""

    @abstractmethod
    def _next_id(self) -> int:
        """A number that no order and no request has had."""

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """Every open order of every client, which the listener is told too, with their states.

        Raises:
            PermissionDeniedError: the connection is read-only.

        """
        asking = asyncio.ensure_future(
            self._ask(Untagged.OPEN_ORDERS, lambda client, _: client.reqAllOpenOrders())
        )
        try:
            _, silent = await asyncio.wait({asking}, timeout=_PATIENCE)
            if silent:
                await self._check_may_order()
            found = await asking
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        return tuple(
            {(order.perm_id, order.client_id, order.order_id): order for order in found}.values()
        )

    async def completed_orders(self) -> tuple[CompletedOrder, ...]:
        """Orders of today that are done, of every client; the listener is told too."""
        return tuple(
            await self._ask(
                Untagged.COMPLETED_ORDERS, lambda client, _: client.reqCompletedOrders(False)
            )
        )

    async def executions(self, since: dt.datetime | None = None) -> tuple[Execution, ...]:
        """Executions of today, of every client; the listener is told too, and of commissions."""
        number = self._next_id()
        time = "" if since is None else since.astimezone(dt.UTC).strftime("%Y%m%d-%H:%M:%S")

        def write(client: Any, library: Library) -> None:
            client.reqExecutions(number, library.execution_filter(acctCode=self.account, time=time))

        return tuple(await self._ask(number, write, "executions"))

    async def position_rows(self) -> tuple[PositionRow, ...]:
        """Holdings of the account; none of quantity 0."""
        # Changes are told from then on too, which costs nothing; ending that would cost a message.
        return self._held(
            await self._ask(Untagged.POSITIONS, lambda client, _: client.reqPositions())
        )

    async def portfolio_rows(self) -> tuple[PortfolioRow, ...]:
        """Holdings of the account with their values, which may be minutes old."""
        rows = await self._ask(
            Untagged.PORTFOLIO,
            lambda client, _: client.reqAccountUpdates(True, self.account),
            after=lambda client, _: client.reqAccountUpdates(False, self.account),
        )
        return self._held(rows)

    async def account_values(self) -> tuple[AccountValue, ...]:
        """Lines of the account window, the last of each key and currency."""
        number = self._next_id()
        lines = await self._ask(
            number,
            lambda client, _: client.reqAccountUpdatesMulti(number, self.account, "", False),
            "account values",
            after=lambda client, _: client.cancelAccountUpdatesMulti(number),
        )
        return tuple({(line.key, line.currency): line for line in lines}.values())

    async def contract_details(self, contract: VenueContract) -> tuple[ContractDetails, ...]:
        """Every contract that fits; none where there is no such contract."""
        number = self._next_id()

        def write(client: Any, library: Library) -> None:
            client.reqContractDetails(number, library.contract(contract))

        try:
            return tuple(await self._ask(number, write, "contract details"))
        except UnknownSymbolError:
            return ()

    async def market_rule(self, rule_id: int) -> tuple[tuple[Decimal, Decimal], ...]:
        """Rising (price from which on, smallest step)."""
        (bands,) = await self._ask(
            (Untagged.MARKET_RULE, rule_id), lambda client, _: client.reqMarketRule(rule_id)
        )
        return tuple(bands)

    async def current_time(self) -> dt.datetime:
        """The venue's time, in UTC."""
        times: list[dt.datetime] = await self._ask(
            Untagged.TIME, lambda client, _: client.reqCurrentTime()
        )
        return times[-1]

    async def _check_may_order(self) -> None:
        """Cancel an order that there is not: only a read-only API has another answer to that.

        A read-only one does not tell open orders, and does not say why.

        Raises:
            PermissionDeniedError: it is read-only.

        """
        number = self._next_id()
        with contextlib.suppress(CancelRejectedError, OrderNotFoundError, RequestTimeoutError):
            await self._ask(
                number, lambda client, _: client.cancelOrder(number, ""), "a cancel of no order"
            )

    async def _ask(
        self,
        key: Key,
        write: Callable[[Any, Library], None],
        what: str = "",
        *,
        after: Callable[[Any, Library], None] | None = None,
    ) -> list[Any]:
        link = self._connected()
        kind = key[0] if isinstance(key, tuple) else key
        return await link.requests.ask(
            key,
            what or str(kind),
            lambda: link.send(write),
            after=None if after is None else lambda: link.send_later(after),
        )

    def _held(self, rows: list[Row]) -> tuple[Row, ...]:
        ours = {row.contract.con_id: row for row in rows if row.account == self.account}
        return tuple(row for row in ours.values() if row.quantity)
