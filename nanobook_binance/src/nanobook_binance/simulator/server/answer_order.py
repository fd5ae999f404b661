"""Orders, fills and cancels as the venue's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_DOWN, Decimal
from typing import Any

from nanobook_binance.simulator.venue import Amendment, PreventedMatch, VenueOrder, VenueTrade

_EIGHT = Decimal("0.00000001")


def amount(number: Decimal) -> str:
    """With the eight decimals that all amounts and prices have."""
    return f"{number.quantize(_EIGHT, rounding=ROUND_DOWN):f}"


def _conditional(order: VenueOrder) -> Iterator[tuple[str, Any]]:
    """Fields that only some orders have."""
    if order.type.is_contingent:
        yield "stopPrice", amount(order.stop_price)
    if order.trailing_delta is not None:
        yield "trailingDelta", order.trailing_delta
        yield "trailingTime", -1 if order.trailing_time is None else order.trailing_time
    if order.strategy_id is not None:
        yield "strategyId", order.strategy_id
    if order.strategy_type is not None:
        yield "strategyType", order.strategy_type
    if order.prevented_match_id is not None:
        yield "preventedMatchId", order.prevented_match_id
        yield "preventedQuantity", amount(order.prevented)
    if order.expiry_reason is not None:
        yield "expiryReason", str(order.expiry_reason)


def _state(order: VenueOrder) -> dict[str, Any]:
    return {
        "price": amount(order.price),
        "origQty": amount(order.quantity),
        "executedQty": amount(order.executed),
        "origQuoteOrderQty": amount(order.quote_order_quantity),
        "cummulativeQuoteQty": amount(order.quote_executed),
        "status": str(order.status),
        "timeInForce": order.time_in_force,
        "type": str(order.type),
        "side": order.side,
    }


def _working_time(order: VenueOrder) -> int:
    return -1 if order.working_time is None else order.working_time


def acknowledged(order: VenueOrder) -> dict[str, Any]:
    """A new order: that it is one."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.update_time,
    }


def placed(order: VenueOrder) -> dict[str, Any]:
    """A new order: what has become of it at once."""
    return {
        **acknowledged(order),
        **_state(order),
        **dict(_conditional(order)),
        "workingTime": _working_time(order),
        "selfTradePreventionMode": str(order.self_trade_prevention_mode),
    }


def _prevented(match: PreventedMatch) -> Iterator[tuple[str, Any]]:
    yield "preventedMatchId", match.match_id
    yield "makerOrderId", match.maker_order_id
    yield "price", amount(match.price)
    if match.taker_quantity is not None:
        yield "takerPreventedQuantity", amount(match.taker_quantity)
    if match.maker_quantity is not None:
        yield "makerPreventedQuantity", amount(match.maker_quantity)


def filled(
    order: VenueOrder, trades: Iterable[VenueTrade], prevented: Iterable[PreventedMatch]
) -> dict[str, Any]:
    """A new order: what has become of it, each fill, and each trade with itself that was not."""
    fills = [
        {
            "price": amount(trade.price),
            "qty": amount(trade.quantity),
            "commission": amount(trade.commission),
            "commissionAsset": trade.commission_asset,
            "tradeId": trade.trade_id,
        }
        for trade in trades
    ]
    matches = [dict(_prevented(match)) for match in prevented]
    return {
        **placed(order),
        "fills": fills,
        **({"preventedMatches": matches} if matches else {}),
    }


def cancelled(order: VenueOrder) -> dict[str, Any]:
    """An order that has just been cancelled: the client id is that of the cancel."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.cancel_client_order_id,
        "transactTime": order.update_time,
        **_state(order),
        **dict(_conditional(order)),
        "selfTradePreventionMode": str(order.self_trade_prevention_mode),
    }


def queried(order: VenueOrder) -> dict[str, Any]:
    """An order that somebody asks for."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        **_state(order),
        "stopPrice": amount(order.stop_price),
        "icebergQty": amount(Decimal(0)),
        "time": order.time,
        "updateTime": order.update_time,
        "isWorking": order.is_working,
        "workingTime": _working_time(order),
        **dict(_conditional(order)),
        "selfTradePreventionMode": str(order.self_trade_prevention_mode),
    }


def amended(order: VenueOrder, amendment: Amendment) -> dict[str, Any]:
    """An order whose quantity has just become smaller."""
    return {
        "transactTime": amendment.time,
        "executionId": amendment.execution_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.order_id,
            "orderListId": -1,
            "origClientOrderId": amendment.former_client_order_id,
            "clientOrderId": order.client_order_id,
            "price": amount(order.price),
            "qty": amount(order.quantity),
            "executedQty": amount(order.executed),
            "preventedQty": amount(order.prevented),
            "quoteOrderQty": amount(order.quote_order_quantity),
            "cumulativeQuoteQty": amount(order.quote_executed),
            "status": str(order.status),
            "timeInForce": order.time_in_force,
            "type": str(order.type),
            "side": order.side,
            "workingTime": _working_time(order),
            "selfTradePreventionMode": str(order.self_trade_prevention_mode),
        },
    }


def own_trade(trade: VenueTrade) -> dict[str, Any]:
    """One side of a trade, as its account sees it."""
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "quoteQty": amount(trade.quote_quantity),
        "commission": amount(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time,
        "isBuyer": trade.side == "BUY",
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }
