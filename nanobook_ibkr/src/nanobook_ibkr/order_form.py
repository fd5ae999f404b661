"""Orders in the words of TWS, and back."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve

from nanobook_core.contracts import (
    BrokerOrder,
    BrokerTimeInForce,
    OrderType,
)
from nanobook_core.contracts.broker_order import check_client_order_id
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side
from nanobook_ibkr.message import CompletedOrder, OpenOrder

_TYPES = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
}
_TYPE_OF = {word: order_type for order_type, word in _TYPES.items()}
_TIFS = {tif: tif.value.upper() for tif in BrokerTimeInForce}
_TIF_OF = {word: tif for tif, word in _TIFS.items()}
_BPS = Decimal(10_000)

#: An order as the venue tells it, open or done.
ToldOrder = OpenOrder | CompletedOrder


def order_fields(
    order: BrokerOrder, *, account: str, limit: Decimal | None
) -> dict[str, str | int | bool | Decimal]:
    """Say an order in the names of the wire.

    `limit` is the one that a market order goes with; None sends it without.
    """
    order_type = order.order_type
    if order_type is OrderType.MARKET and limit is not None:
        order_type = OrderType.LIMIT
    price = order.limit_price if limit is None else limit
    fields: dict[str, str | int | bool | Decimal] = {
        "action": "BUY" if order.side is Side.BUY else "SELL",
        "totalQuantity": order.quantity,
        "orderType": _TYPES[order_type],
        "tif": _TIFS[order.tif],
        "orderRef": order.client_order_id or "",
        "account": account,
        "outsideRth": order.outside_hours,
        "transmit": True,
    }
    if price is not None:
        fields["lmtPrice"] = price
    if order.stop_price is not None:
        fields["auxPrice"] = order.stop_price
    return fields


def order_type_of(message: ToldOrder) -> OrderType | None:
    """Its type; None for one that nanobook has no word for."""
    return _TYPE_OF.get(message.order_type)


def changed_order(order: BrokerOrder, message: ToldOrder) -> BrokerOrder:
    """Take over what the venue says an order is now: somebody may have changed it there.

    A market order goes with a limit, which is no part of it.
    """
    order_type = order_type_of(message)
    if order_type is None or not message.quantity:
        return order
    if order.order_type is OrderType.MARKET:
        return evolve(order, quantity=message.quantity)
    return evolve(
        order,
        quantity=message.quantity,
        order_type=order_type,
        limit_price=_limit(message, order_type),
        stop_price=_stop(message, order_type),
        tif=_TIF_OF.get(message.tif, order.tif),
        outside_hours=message.outside_hours,
    )


def adopted_order(message: ToldOrder, symbol: str) -> BrokerOrder:
    """Make a record of an order that somebody else sent.

    One of a type that nanobook has no word for becomes a market order here: see `KnownOrder`.

    Raises:
        ValidationError, OverflowError: it has no quantity, or lacks a price.

    """
    order_type = order_type_of(message) or OrderType.MARKET
    quantity = message.quantity
    if not quantity and isinstance(message, CompletedOrder):
        quantity = message.filled  # TWS may tell 0 of what has filled whole
    return BrokerOrder(
        symbol,
        message.side,
        quantity,
        order_type,
        _limit(message, order_type),
        stop_price=_stop(message, order_type),
        tif=_TIF_OF.get(message.tif, BrokerTimeInForce.DAY),
        client_order_id=sendable(message.order_ref),
        outside_hours=message.outside_hours,
    )


def sendable(order_ref: str) -> str | None:
    """Return an `orderRef` if nanobook could send it; others may have written anything there."""
    try:
        return check_client_order_id(order_ref)
    except ValidationError:
        return None


def _limit(message: ToldOrder, order_type: OrderType) -> Decimal | None:
    has_one = order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    return message.limit_price if has_one else None


def _stop(message: ToldOrder, order_type: OrderType) -> Decimal | None:
    has_one = order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return message.aux_price if has_one else None
