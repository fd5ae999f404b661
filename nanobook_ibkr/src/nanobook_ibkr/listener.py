"""Who is told what a session hears, and what is said of where it connects."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from attrs import field, frozen, validators

from nanobook_core.contracts.broker import ConnectionInfo
from nanobook_ibkr.message import (
    Commission,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
)
from nanobook_ibkr.quote import MARKET_DATA_TYPES

OrderFields = Mapping[str, str | int | bool | Decimal]
"""An order in the names of the wire: `action`, `totalQuantity`, `orderType`, `lmtPrice`,
`auxPrice`, `tif`, `orderRef`, `outsideRth` … What is not given is unset; `account` is filled in."""


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
        ones are tried again. On a read-only connection `open_orders` and `completed_orders` raise
        `PermissionDeniedError`; if that leaves `resync`, the state is READ_ONLY.
        """
        ...


@frozen(kw_only=True)
class SessionSettings:
    """Where a session connects, and how patient it is."""

    host: str = "127.0.0.1"
    port: int = 4002
    client_id: int = 1
    account: str | None = None
    """None takes the only one there is."""
    backend: str = "auto"
    market_data: str = field(default="live", validator=validators.in_(MARKET_DATA_TYPES))
    messages_per_second: int = 45
    request_timeout: float = 10.0
    """Seconds for an answer."""
    heartbeat: float = 30.0
    """Seconds of silence after which TWS is asked whether it is there."""
    backoff: tuple[float, float] = (1.0, 60.0)
    """Seconds before the first attempt to connect again, and the most before any other."""
