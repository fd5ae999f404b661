"""Orders and executions as rows of the journal."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from nanobook_binance.known_order import KnownOrder
from nanobook_binance.order_form import sendable
from nanobook_core.broker import OrderRecord
from nanobook_core.broker.database import Statement
from nanobook_core.contracts import BrokerOrder, Fill, OrderState, OrderType

TABLES = """
CREATE TABLE orders (
    pair TEXT NOT NULL, client_order_id TEXT NOT NULL, venue_id INTEGER NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL, order_type TEXT NOT NULL,
    limit_price TEXT, stop_price TEXT, tif TEXT NOT NULL, post_only INTEGER NOT NULL,
    sent_limit TEXT, sent_ms INTEGER NOT NULL, window_ms INTEGER NOT NULL, until_ms INTEGER,
    created TEXT, state TEXT NOT NULL, filled TEXT NOT NULL, avg_price TEXT, reason TEXT NOT NULL,
    venue_status TEXT NOT NULL, updated_at TEXT,
    PRIMARY KEY (pair, client_order_id));
CREATE TABLE fills (
    pair TEXT NOT NULL, trade_id INTEGER NOT NULL, order_id INTEGER NOT NULL,
    client_order_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
    price TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL, liquidity TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (pair, order_id, trade_id));
"""
_COLUMNS = (
    "pair", "client_order_id", "venue_id", "symbol", "side", "quantity", "order_type",
    "limit_price", "stop_price", "tif", "post_only", "sent_limit", "sent_ms", "window_ms",
    "until_ms", "created", "state", "filled", "avg_price", "reason", "venue_status", "updated_at",
)  # fmt: skip
_WRITE_ORDER = (
    f"INSERT INTO orders VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608 - names of ours
    "ON CONFLICT (pair, client_order_id) DO UPDATE SET "
    + ", ".join(f"{name}=excluded.{name}" for name in _COLUMNS[2:])
)
_WRITE_FILL = "INSERT OR REPLACE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@frozen
class PairFill:
    """An execution, and its number, which counts by pair.

    An account that trades with itself has two of one number, of two orders.
    """

    pair: str
    trade_id: int
    fill: Fill = field(repr=False)


def order_row(known: KnownOrder) -> Statement:
    """Write an order as it stands."""
    status, order = known.record.status(), known.record.order
    values = (
        known.pair,
        known.client_order_id,
        known.venue_id,
        order.symbol,
        order.side.value,
        str(order.quantity),
        "" if known.order_type is None else known.order_type.value,
        _text(order.limit_price),
        _text(order.stop_price),
        order.tif.value,
        order.post_only,
        _text(known.limit),
        known.sent_ms,
        known.window_ms,
        known.until_ms,
        _moment(known.created),
        status.state.value,
        str(status.filled_quantity),
        _text(status.avg_fill_price),
        status.reason,
        status.venue_status,
        _moment(status.updated_at),
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
        post_only=bool(told["post_only"]),
    )
    venue_id = told["venue_id"]
    record = OrderRecord(
        order_id=venue_id,
        order=order,
        state=OrderState(told["state"]),
        reason=told["reason"],
        updated_at=_time(told["updated_at"]),
        venue_status=told["venue_status"],
        venue_ids={"symbol": told["pair"], "order_id": str(venue_id)} if venue_id else {},
        told_quantity=Decimal(told["filled"]),
        told_price=_decimal(told["avg_price"]),
    )
    return KnownOrder(
        record=record,
        pair=told["pair"],
        client_order_id=told["client_order_id"],
        order_type=OrderType(told["order_type"]) if told["order_type"] else None,
        limit=_decimal(told["sent_limit"]),
        venue_id=venue_id,
        created=_time(told["created"]),
        sent_ms=told["sent_ms"],
        window_ms=told["window_ms"],
        until_ms=told["until_ms"],
    )


def fill_row(one: PairFill) -> Statement:
    """Write an execution."""
    fill = one.fill
    values = (
        one.pair,
        one.trade_id,
        fill.order_id,
        fill.client_order_id,
        fill.symbol,
        fill.side.value,
        str(fill.quantity),
        str(fill.price),
        str(fill.fee),
        fill.fee_currency,
        fill.liquidity,
        _moment(fill.time),
    )
    return _WRITE_FILL, values


def told_fill(row: tuple[Any, ...]) -> PairFill:
    """Read an execution."""
    (pair, trade_id, order_id, client_order_id, symbol, side, quantity, price, fee, currency,
     liquidity, time) = row  # fmt: skip
    fill = Fill(
        exec_id=exec_id(pair, order_id, trade_id),
        order_id=order_id,
        client_order_id=client_order_id,
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_currency=currency,
        liquidity=liquidity,
        time=dt.datetime.fromisoformat(time),
    )
    return PairFill(pair, trade_id, fill)


def exec_id(pair: str, order_id: int, trade_id: int) -> str:
    """Name of an execution among those of all pairs."""
    return f"{pair}-{order_id}-{trade_id}"


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _moment(time: dt.datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
