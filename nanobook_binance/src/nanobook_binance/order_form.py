"""How an order is written in the venue's words, and read from them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from nanobook_binance.message import ToldOrder
from nanobook_binance.signature import Parameter
from nanobook_binance.symbol import Listed
from nanobook_core.contracts import (
    BrokerOrder,
    BrokerTimeInForce,
    OrderState,
    OrderType,
    UnsupportedError,
)
from nanobook_core.contracts.broker_order import check_client_order_id
from nanobook_core.errors import NanobookError

_TYPES = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
}
_TYPE_OF = {word: order_type for order_type, word in _TYPES.items()} | {
    "LIMIT_MAKER": OrderType.LIMIT
}
_TIF_OF = {tif.value.upper(): tif for tif in BrokerTimeInForce if tif is not BrokerTimeInForce.DAY}
#: Those that the venue takes no time in force for.
_TIMELESS = ("MARKET", "STOP_LOSS", "LIMIT_MAKER")
STATES = {
    "NEW": OrderState.ACCEPTED,
    "PENDING_NEW": OrderState.ACCEPTED,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELLED,
    "PENDING_CANCEL": OrderState.PENDING_CANCEL,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}


def check_combination(order: BrokerOrder, *, is_capped: bool) -> None:
    """Refuse what the venue has no order for, though it has each part of it.

    Raises:
        UnsupportedError: it is that; nothing was sent.

    """
    is_lasting = order.tif is BrokerTimeInForce.GTC
    refused = ""
    if order.post_only and not (order.order_type is OrderType.LIMIT and is_lasting):
        refused = "only limit orders of tif 'gtc' can be post_only"
    elif order.order_type is OrderType.STOP and not is_lasting:
        refused = "stop orders are of tif 'gtc'"
    elif order.order_type is OrderType.MARKET and not (is_capped or is_lasting):
        refused = "without market_cap_bps, market orders are of tif 'gtc'"
    if refused:
        raise UnsupportedError(
            f"binance: {refused}", broker="binance", client_order_id=order.client_order_id or ""
        )


def order_parameters(
    order: BrokerOrder, listed: Listed, limit: Decimal | None
) -> Mapping[str, Parameter]:
    """Say an order in the venue's words; a market order with a limit goes as one that is immediate.

    Raises:
        UnsupportedError: the pair has no orders of that type.

    """
    kind = _TYPES[order.order_type]
    tif = order.tif
    if order.order_type is OrderType.MARKET and limit is not None:
        kind = "LIMIT"
        tif = BrokerTimeInForce.FOK if tif is BrokerTimeInForce.FOK else BrokerTimeInForce.IOC
    elif order.post_only:
        kind = "LIMIT_MAKER"
    if kind not in listed.order_types:
        raise UnsupportedError(
            f"{listed.pair} takes no orders of type {kind}; it takes "
            f"{', '.join(sorted(listed.order_types))}",
            broker="binance",
            client_order_id=order.client_order_id or "",
        )
    return {
        "symbol": listed.pair,
        "side": order.side.value.upper(),
        "type": kind,
        "timeInForce": None if kind in _TIMELESS else tif.value.upper(),
        "quantity": order.quantity,
        "price": limit if order.limit_price is None else order.limit_price,
        "stopPrice": order.stop_price,
        "newClientOrderId": order.client_order_id,
        "newOrderRespType": "FULL",
    }


def told_order(told: ToldOrder, symbol: str) -> tuple[BrokerOrder, OrderType | None]:
    """Read an order that was sent elsewhere, and its type; None where there is no word for it.

    Raises:
        ValidationError, OverflowError: it is of a size that cannot be here.

    """
    order_type = _TYPE_OF.get(told.order_type)
    shown = order_type or OrderType.MARKET
    prices = {
        "limit_price": told.limit if shown in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        "stop_price": told.stop if shown in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
    }
    return (
        BrokerOrder(
            symbol,
            told.side,
            told.quantity or told.filled,  # 0 for one of a sum of money
            shown,
            prices["limit_price"],
            stop_price=prices["stop_price"],
            tif=_TIF_OF.get(told.tif, BrokerTimeInForce.GTC),
            client_order_id=sendable(told.client_order_id),
            post_only=told.order_type == "LIMIT_MAKER",
        ),
        order_type,
    )


def sendable(client_order_id: str) -> str | None:
    """Return a client order id; None for one that nanobook would not send."""
    try:
        return check_client_order_id(client_order_id)
    except NanobookError:
        return None
