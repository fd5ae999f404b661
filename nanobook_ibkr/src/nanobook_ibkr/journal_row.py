"""Orders and executions as rows of the journal."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from nanobook_core.broker import OrderRecord
from nanobook_core.broker.database import Statement
from nanobook_core.contracts import BrokerOrder, Fill, OrderState, OrderType
from nanobook_ibkr.known_order import KnownOrder
from nanobook_ibkr.order_form import sendable

TABLES = """
CREATE TABLE orders (
    client_id INTEGER NOT NULL, ib_order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL,
    client_order_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
    order_type TEXT NOT NULL, limit_price TEXT, stop_price TEXT, tif TEXT NOT NULL,
    outside_hours INTEGER NOT NULL, sent_limit TEXT, session INTEGER NOT NULL,
    is_heard INTEGER NOT NULL, state TEXT NOT NULL, filled TEXT NOT NULL,
    avg_price TEXT, reason TEXT NOT NULL, venue_status TEXT NOT NULL, updated_at TEXT,
    PRIMARY KEY (client_id, ib_order_id, client_order_id));
CREATE TABLE fills (
    exec_id TEXT PRIMARY KEY, perm_id INTEGER NOT NULL, client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL,
    fee TEXT NOT NULL, fee_currency TEXT NOT NULL, is_fee_known INTEGER NOT NULL,
    liquidity TEXT NOT NULL, time TEXT NOT NULL, corrects TEXT NOT NULL);
"""
_COLUMNS = (
    "client_id", "ib_order_id", "perm_id", "client_order_id", "symbol", "side", "quantity",
    "order_type", "limit_price", "stop_price", "tif", "outside_hours", "sent_limit", "session",
    "is_heard", "state", "filled", "avg_price", "reason", "venue_status", "updated_at",
)  # fmt: skip
_WRITE_ORDER = (
    f"INSERT INTO orders VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608 - names of ours
    "ON CONFLICT (client_id, ib_order_id, client_order_id) DO UPDATE SET "
    + ", ".join(f"{name}=excluded.{name}" for name in _COLUMNS[2:])
)
_WRITE_FILL = "INSERT OR REPLACE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def order_row(known: KnownOrder) -> Statement:
    """Write an order as it stands."""
    status, order = known.record.status(), known.record.order
    values = (
        known.client_id,
        known.ib_order_id,
        known.perm_id,
        known.order_ref,
        order.symbol,
        order.side.value,
        str(order.quantity),
        "" if known.order_type is None else known.order_type.value,
        _text(order.limit_price),
        _text(order.stop_price),
        order.tif.value,
        order.outside_hours,
        _text(known.limit),
        known.session,
        known.heard > 0,
        status.state.value,
        str(status.filled_quantity),
        _text(status.avg_fill_price),
        status.reason,
        status.venue_status,
        None if status.updated_at is None else status.updated_at.isoformat(),
    )
    return _WRITE_ORDER, values


def known_order(row: tuple[Any, ...]) -> KnownOrder:
    """Read an order."""
    told = dict(zip(_COLUMNS, row, strict=True))
    order = BrokerOrder(
        told["symbol"],
        told["side"],
        Decimal(told["quantity"]),
        told["order_type"] or OrderType.MARKET,
        _decimal(told["limit_price"]),
        stop_price=_decimal(told["stop_price"]),
        tif=told["tif"],
        client_order_id=sendable(told["client_order_id"]),
        outside_hours=bool(told["outside_hours"]),
    )
    state, updated = OrderState(told["state"]), told["updated_at"]
    record = OrderRecord(
        order_id=told["perm_id"] or -told["ib_order_id"],
        order=order,
        state=state,
        reason=told["reason"],
        updated_at=None if updated is None else dt.datetime.fromisoformat(updated),
        venue_status=told["venue_status"],
        told_quantity=Decimal(told["filled"]),
        told_price=_decimal(told["avg_price"]),
    )
    return KnownOrder(
        record=record,
        client_id=told["client_id"],
        ib_order_id=told["ib_order_id"],
        perm_id=told["perm_id"],
        order_ref=told["client_order_id"],
        order_type=OrderType(told["order_type"]) if told["order_type"] else None,
        limit=_decimal(told["sent_limit"]),
        session=told["session"],
        is_acknowledged=bool(told["perm_id"]),
        heard=told["is_heard"],
    )


def fill_row(fill: Fill) -> Statement:
    """Write an execution."""
    assert fill.time is not None  # noqa: S101 - the venue tells it of each
    values = (
        fill.exec_id,
        fill.order_id,
        fill.client_order_id,
        fill.symbol,
        fill.side.value,
        str(fill.quantity),
        str(fill.price),
        str(fill.fee),
        fill.fee_currency,
        fill.is_fee_known,
        fill.liquidity,
        fill.time.isoformat(),
        fill.corrects,
    )
    return _WRITE_FILL, values


def told_fill(row: tuple[Any, ...]) -> Fill:
    """Read an execution."""
    (exec_id, perm_id, ref, symbol, side, quantity, price, fee, currency, known, liquidity, time,
     corrects) = row  # fmt: skip
    return Fill(
        exec_id=exec_id,
        order_id=perm_id,
        client_order_id=ref,
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_currency=currency,
        is_fee_known=bool(known),
        liquidity=liquidity,
        time=dt.datetime.fromisoformat(time),
        corrects=corrects,
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
