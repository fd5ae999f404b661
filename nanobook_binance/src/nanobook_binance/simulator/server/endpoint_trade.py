"""Endpoints that place, cancel and change orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanobook_binance.simulator.server import answer_order, parameter
from nanobook_binance.simulator.server.endpoint import Asked, Endpoint, PartlyDone, costs
from nanobook_binance.simulator.server.parameter import Parameter
from nanobook_binance.simulator.server.security import Security
from nanobook_binance.simulator.venue import OrderRequest, Refusal, Replacement, VenueOrder

_SYMBOL = Parameter("symbol", parameter.symbol, is_required=True)
_NEW = (
    _SYMBOL,
    Parameter("side", parameter.text, is_required=True),
    Parameter("type", parameter.text, is_required=True),
    Parameter("timeInForce", parameter.text),
    Parameter("quantity", parameter.decimal),
    Parameter("quoteOrderQty", parameter.decimal),
    Parameter("price", parameter.decimal),
    Parameter("newClientOrderId", parameter.client_order_id),
    Parameter("strategyId", parameter.long),
    Parameter("strategyType", parameter.integer),
    Parameter("stopPrice", parameter.decimal),
    Parameter("trailingDelta", parameter.long),
    Parameter("icebergQty", parameter.decimal),
    Parameter("newOrderRespType", parameter.one_of(("ACK", "RESULT", "FULL"))),
    Parameter("selfTradePreventionMode", parameter.text),
    Parameter("pegPriceType", parameter.one_of(("PRIMARY_PEG", "MARKET_PEG"))),
    Parameter("pegOffsetValue", parameter.integer),
    Parameter("pegOffsetType", parameter.one_of(("PRICE_LEVEL",))),
)
_RESTRICTIONS = Parameter(
    "cancelRestrictions",
    parameter.one_of(("ONLY_NEW", "ONLY_PARTIALLY_FILLED"), -1145, "Invalid cancelRestrictions"),
)
_WHICH = (
    Parameter("orderId", parameter.long),
    Parameter("origClientOrderId", parameter.client_order_id),
)


def _request(asked: Asked) -> OrderRequest:
    if asked.get("pegPriceType") is not None:
        raise Refusal(-1020, "Pegged orders are not modelled by this simulator.")
    return OrderRequest(
        symbol=asked["symbol"],
        side=asked["side"],
        type=asked["type"],
        time_in_force=asked.get("timeInForce"),
        quantity=asked.get("quantity"),
        quote_order_quantity=asked.get("quoteOrderQty"),
        price=asked.get("price"),
        stop_price=asked.get("stopPrice"),
        trailing_delta=asked.get("trailingDelta"),
        iceberg_quantity=asked.get("icebergQty"),
        client_order_id=asked.get("newClientOrderId"),
        self_trade_prevention_mode=asked.get("selfTradePreventionMode"),
        strategy_id=asked.get("strategyId"),
        strategy_type=asked.get("strategyType"),
    )


def _placed(asked: Asked, order: VenueOrder) -> dict[str, Any]:
    usual = "FULL" if order.type in ("LIMIT", "MARKET") else "ACK"
    match asked.get("newOrderRespType", usual):
        case "ACK":
            return answer_order.acknowledged(order)
        case "RESULT":
            return answer_order.placed(order)
        case _:
            which = (asked.owner, order.symbol, order.order_id)
            return answer_order.filled(
                order, asked.venue.trades(*which), asked.venue.prevented_by(*which)
            )


def _count_order(asked: Asked) -> None:
    limits, account = asked.server.limits, asked.owner
    limits.count_order(account)
    asked.headers.update(limits.order_headers(account))


def _place(asked: Asked) -> dict[str, Any]:
    request, limits = _request(asked), asked.server.limits
    limits.check_order(asked.owner)
    _count_order(asked)
    try:
        order = asked.venue.place(asked.owner, request)
    except Refusal:
        limits.count_order(asked.owner, -1)
        raise
    return _placed(asked, order)


def _test(asked: Asked) -> dict[str, Any]:
    asked.venue.test(asked.owner, _request(asked))
    if not asked.get("computeCommissionRates"):
        return {}
    rates = {
        "maker": answer_order.amount(asked.venue.commission),
        "taker": answer_order.amount(asked.venue.commission),
    }
    nothing = {"maker": "0.00000000", "taker": "0.00000000"}
    return {
        "standardCommissionForOrder": rates,
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": nothing,
        "discount": discount(asked),
    }


def discount(asked: Asked) -> dict[str, Any]:
    """What an account saves where it pays in BNB."""
    return {
        "enabledForAccount": asked.venue.bnb_discount,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": "0.25000000",
    }


def _which(asked: Asked) -> dict[str, Any]:
    if "orderId" not in asked.values and "origClientOrderId" not in asked.values:
        raise parameter.missing_both("origClientOrderId", "orderId")
    return {
        "order_id": asked.get("orderId"),
        "client_order_id": asked.get("origClientOrderId"),
    }


def _cancel(asked: Asked) -> dict[str, Any]:
    order = asked.venue.cancel(
        asked.owner,
        asked["symbol"],
        **_which(asked),
        new_client_order_id=asked.get("newClientOrderId"),
        restriction=asked.get("cancelRestrictions"),
    )
    return answer_order.cancelled(order)


def _cancel_all(asked: Asked) -> list[dict[str, Any]]:
    cancelled = asked.venue.cancel_all(asked.owner, asked["symbol"])
    return [answer_order.cancelled(order) for order in cancelled]


def _half(done: VenueOrder | Exception | None, body: Mapping[str, Any] | None) -> tuple[str, Any]:
    if done is None:
        return "NOT_ATTEMPTED", None
    if isinstance(done, Refusal):
        return "FAILURE", {"code": done.code, "msg": done.message}
    return "SUCCESS", body


def _replaced(asked: Asked) -> dict[str, Any]:
    return {
        "order_id": asked.get("cancelOrderId"),
        "client_order_id": asked.get("cancelOrigClientOrderId"),
        "restriction": asked.get("cancelRestrictions"),
    }


def _cancel_only(asked: Asked, too_many: Refusal) -> Replacement:
    """Cancel, where there are too many orders for another one."""
    try:
        cancelled: VenueOrder | Refusal = asked.venue.cancel(
            asked.owner,
            asked["symbol"],
            **_replaced(asked),
            new_client_order_id=asked.get("cancelNewClientOrderId"),
        )
    except Refusal as refusal:
        is_attempted = asked["cancelReplaceMode"] != "STOP_ON_FAILURE"
        return Replacement(cancelled=refusal, placed=too_many if is_attempted else None)
    return Replacement(cancelled=cancelled, placed=too_many)


def _cancel_replace(asked: Asked) -> dict[str, Any]:
    """Cancel and place; what was done of it is in the answer, with 409 where it is one of both."""
    if "cancelOrderId" not in asked.values and "cancelOrigClientOrderId" not in asked.values:
        raise parameter.missing_both("cancelOrigClientOrderId", "cancelOrderId")
    request, limits, account = _request(asked), asked.server.limits, asked.owner
    too_many: Refusal | None = None
    try:
        limits.check_order(account)
    except Refusal as refused:
        if asked.get("orderRateLimitExceededMode") != "CANCEL_ONLY":
            raise
        too_many = refused
    else:
        _count_order(asked)
    if too_many is not None:
        done = _cancel_only(asked, too_many)
    else:
        try:
            done = asked.venue.replace(
                account,
                request,
                **_replaced(asked),
                cancel_client_order_id=asked.get("cancelNewClientOrderId"),
                stop_on_failure=asked["cancelReplaceMode"] == "STOP_ON_FAILURE",
            )
        except Refusal:
            limits.count_order(account, -1)
            raise
    cancelled, placed = done.cancelled, done.placed
    cancel_result, cancel_response = _half(
        cancelled,
        answer_order.cancelled(cancelled) if isinstance(cancelled, VenueOrder) else None,
    )
    order_result, order_response = _half(
        placed, _placed(asked, placed) if isinstance(placed, VenueOrder) else None
    )
    body = {
        "cancelResult": cancel_result,
        "newOrderResult": order_result,
        "cancelResponse": cancel_response,
        "newOrderResponse": order_response,
    }
    results = {cancel_result, order_result}
    if results == {"SUCCESS"}:
        return body
    if "SUCCESS" in results:
        status = 409 if too_many is None else 429
        raise PartlyDone(-2021, "Order cancel-replace partially failed.", status, body)
    status = 400 if too_many is None else 429
    raise PartlyDone(-2022, "Order cancel-replace failed.", status, body)


def _amend(asked: Asked) -> dict[str, Any]:
    order, amendment = asked.venue.amend(
        asked.owner,
        asked["symbol"],
        **_which(asked),
        quantity=asked["newQty"],
        new_client_order_id=asked.get("newClientOrderId"),
    )
    return answer_order.amended(order, amendment)


def _endpoint(method: str, path: str, **how: Any) -> Endpoint:
    return Endpoint(
        method=method, path=f"/api/v3/{path}", security=Security.TRADE, is_free=True, **how
    )


TRADE = (
    _endpoint("POST", "order", weight=costs(1), parameters=_NEW, answer=_place),
    Endpoint(
        method="POST",
        path="/api/v3/order/test",
        security=Security.TRADE,
        weight=lambda sent: 20 if sent.get("computeCommissionRates", "").lower() == "true" else 1,
        parameters=(*_NEW, Parameter("computeCommissionRates", parameter.boolean)),
        answer=_test,
    ),
    _endpoint(
        "DELETE",
        "order",
        weight=costs(1),
        parameters=(
            _SYMBOL,
            *_WHICH,
            Parameter("newClientOrderId", parameter.client_order_id),
            _RESTRICTIONS,
        ),
        answer=_cancel,
    ),
    _endpoint("DELETE", "openOrders", weight=costs(1), parameters=(_SYMBOL,), answer=_cancel_all),
    _endpoint(
        "POST",
        "order/cancelReplace",
        weight=costs(1),
        parameters=(
            *_NEW,
            Parameter(
                "cancelReplaceMode",
                parameter.one_of(("STOP_ON_FAILURE", "ALLOW_FAILURE")),
                is_required=True,
            ),
            Parameter("cancelNewClientOrderId", parameter.client_order_id),
            Parameter("cancelOrigClientOrderId", parameter.client_order_id),
            Parameter("cancelOrderId", parameter.long),
            _RESTRICTIONS,
            Parameter(
                "orderRateLimitExceededMode", parameter.one_of(("DO_NOTHING", "CANCEL_ONLY"))
            ),
        ),
        answer=_cancel_replace,
    ),
    _endpoint(
        "PUT",
        "order/amend/keepPriority",
        weight=costs(4),
        parameters=(
            _SYMBOL,
            *_WHICH,
            Parameter("newClientOrderId", parameter.client_order_id),
            Parameter("newQty", parameter.decimal, is_required=True),
        ),
        answer=_amend,
    ),
)
