"""What the server says about orders, but for the long messages that repeat one whole."""

from __future__ import annotations

from nanobook_ibkr.simulator.record import VenueExecution, VenueOrder
from nanobook_ibkr.simulator.reply_contract import eleven
from nanobook_ibkr.simulator.reply_session import zoned
from nanobook_ibkr.simulator.wire import UNSET_DOUBLE, Field

_PENDING_REVISION = 178


def order_status(_version: int, order: VenueOrder) -> list[Field]:
    """Where an order stands. TWS says it more than once."""
    return [
        *(3, order.order_id, order.status, order.filled, order.remaining, order.avg_price),
        *(order.perm_id, order.form.parent_id, order.last_price, order.client_id),
        *(order.why_held, 0),
    ]


def open_order_end(_version: int) -> list[Field]:
    """All open orders that were asked for have been told."""
    return [53, 1]


def completed_orders_end(_version: int) -> list[Field]:
    """All completed orders have been told."""
    return [102]


def execution(version: int, request_id: int, execution: VenueExecution) -> list[Field]:
    """One execution; `request_id` is -1 where it has just happened and was not asked for."""
    e = execution
    return [
        *(11, request_id, e.order_id, *eleven(e.contract, e.exchange), e.exec_id, zoned(e.time)),
        *(e.account, e.exchange, "BOT" if e.action == "BUY" else "SLD", e.quantity, e.price),
        *(e.perm_id, e.client_id, 0, e.cumulative, e.avg_price, e.order_ref, "", "", ""),
        *(1 if e.is_maker else 2, *([0] if version >= _PENDING_REVISION else [])),
    ]


def execution_end(_version: int, request_id: int) -> list[Field]:
    """All executions that were asked for have been told."""
    return [55, 1, request_id]


def commission(_version: int, execution: VenueExecution) -> list[Field]:
    """What an execution cost and, where it closed something, what it realized."""
    e = execution
    realized = UNSET_DOUBLE if e.realized_pnl is None else e.realized_pnl
    return [59, 1, e.exec_id, e.commission, e.contract.currency, realized, UNSET_DOUBLE, ""]
