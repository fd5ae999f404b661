"""Endpoints that tell an account what it has and what it has ordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from nanobook_binance.simulator.server import answer_order, parameter
from nanobook_binance.simulator.server.answer_order import amount
from nanobook_binance.simulator.server.endpoint import Asked, Endpoint, Weight, costs
from nanobook_binance.simulator.server.endpoint_trade import discount
from nanobook_binance.simulator.server.parameter import Parameter
from nanobook_binance.simulator.server.security import Security
from nanobook_binance.simulator.venue import Balance, Refusal, VenueOrder

_DAY_MS = 86_400_000
_SYMBOL = Parameter("symbol", parameter.symbol, is_required=True)
_ORDER_ID = Parameter("orderId", parameter.long)
_LIMIT = Parameter("limit", parameter.limit(1000))
_SPAN = (Parameter("startTime", parameter.long), Parameter("endTime", parameter.long))
_NO_RATES = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0.00000000")


def _rates(asked: Asked) -> dict[str, str]:
    rate = amount(asked.venue.commission)
    return {**_NO_RATES, "maker": rate, "taker": rate}


def _balances(asked: Asked) -> dict[str, Balance]:
    """Of all assets that are traded, those that the account has had first."""
    listed = [asset for rules in asked.venue.symbols for asset in rules.assets]
    had = asked.venue.balances(asked.owner)
    return {**had, **{asset: Balance() for asset in listed if asset not in had}}


def _account(asked: Asked) -> dict[str, Any]:
    venue, owner = asked.venue, asked.owner
    hundredths = int(venue.commission * Decimal(10000))
    return {
        "makerCommission": hundredths,
        "takerCommission": hundredths,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(asked),
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": venue.update_time(owner),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": amount(balance.free), "locked": amount(balance.locked)}
            for asset, balance in _balances(asked).items()
            if balance.free or balance.locked or not asked.get("omitZeroBalances")
        ],
        "permissions": ["SPOT"],
        "uid": venue.uid(owner),
    }


def _is_indexed(asked: Asked) -> Callable[[int], bool]:
    """Whether what happened at that time can be found by now."""
    lag = asked.server.index_lag_ms()
    latest = asked.venue.time_ms() - lag
    return lambda time: not lag or time <= latest


def _order(asked: Asked) -> dict[str, Any]:
    if "orderId" not in asked.values and "origClientOrderId" not in asked.values:
        raise parameter.missing_both("origClientOrderId", "orderId")
    order = asked.venue.order(
        asked.owner,
        asked["symbol"],
        order_id=asked.get("orderId"),
        client_order_id=asked.get("origClientOrderId"),
    )
    if not _is_indexed(asked)(order.time):
        raise Refusal(-2013, "Order does not exist.")
    return answer_order.queried(order)


def _open_orders(asked: Asked) -> list[dict[str, Any]]:
    is_indexed = _is_indexed(asked)
    orders = asked.venue.open_orders(asked.owner, asked.get("symbol"))
    return [answer_order.queried(order) for order in orders if is_indexed(order.time)]


def _check_span(asked: Asked) -> None:
    start, end = asked.get("startTime"), asked.get("endTime")
    if start is None or end is None:
        return
    if start > end:
        raise parameter.not_valid("startTime")
    if end - start > _DAY_MS:
        raise Refusal(-1127, "More than 24 hours between startTime and endTime.")


def _within(asked: Asked, found: list[Any], time: str = "time") -> list[Any]:
    """Those of the span that is asked for: from its start the first, else the last of them."""
    start, end = asked.get("startTime"), asked.get("endTime")
    limit = asked.get("limit", 500)
    kept = [
        each
        for each in found
        if (start is None or getattr(each, time) >= start)
        and (end is None or getattr(each, time) <= end)
    ]
    return kept[-limit:] if start is None else kept[:limit]


def _all_orders(asked: Asked) -> list[dict[str, Any]]:
    _check_span(asked)
    is_indexed, first = _is_indexed(asked), asked.get("orderId")

    def pick(orders: list[VenueOrder]) -> list[VenueOrder]:
        found = [order for order in orders if is_indexed(order.time)]
        if first is None:
            return _within(asked, found)
        return [order for order in found if order.order_id >= first][: asked.get("limit", 500)]

    found = asked.venue.all_orders(asked.owner, asked["symbol"], pick)
    return [answer_order.queried(order) for order in found]


def _my_trades(asked: Asked) -> list[dict[str, Any]]:
    _check_span(asked)
    given = {name for name in ("orderId", "startTime", "endTime", "fromId") if name in asked.values}
    if given & {"startTime", "endTime"} and given & {"orderId", "fromId"}:
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    is_indexed = _is_indexed(asked)
    trades = [
        trade
        for trade in asked.venue.trades(asked.owner, asked["symbol"], order_id=asked.get("orderId"))
        if is_indexed(trade.time)
    ]
    first = asked.get("fromId")
    if first is not None:
        trades = [trade for trade in trades if trade.trade_id >= first]
        found = trades[: asked.get("limit", 500)]
    else:
        found = _within(asked, trades)
    return [answer_order.own_trade(trade) for trade in found]


def _order_counts(asked: Asked) -> list[dict[str, Any]]:
    return asked.server.limits.order_counts(asked.owner)


def _commission(asked: Asked) -> dict[str, Any]:
    asked.venue.rules(asked["symbol"])
    return {
        "symbol": asked["symbol"],
        "standardCommission": _rates(asked),
        "specialCommission": _NO_RATES,
        "taxCommission": _NO_RATES,
        "discount": discount(asked),
    }


def _prevented(asked: Asked) -> list[dict[str, Any]]:
    match_id, order_id = asked.get("preventedMatchId"), asked.get("orderId")
    if (match_id is None) is (order_id is None):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    found = [
        match
        for match in asked.venue.prevented_matches(asked.owner, asked["symbol"])
        if (match_id is None or match.match_id == match_id)
        and (order_id is None or order_id in (match.taker_order_id, match.maker_order_id))
        and match.match_id >= asked.get("fromPreventedMatchId", 0)
    ]
    return [
        {
            "symbol": match.symbol,
            "preventedMatchId": match.match_id,
            "takerOrderId": match.taker_order_id,
            "makerSymbol": match.symbol,
            "makerOrderId": match.maker_order_id,
            "tradeGroupId": -1,
            "selfTradePreventionMode": match.mode,
            "price": amount(match.price),
            **(
                {}
                if match.taker_quantity is None
                else {"takerPreventedQuantity": amount(match.taker_quantity)}
            ),
            **(
                {}
                if match.maker_quantity is None
                else {"makerPreventedQuantity": amount(match.maker_quantity)}
            ),
            "transactTime": match.time,
        }
        for match in found[: asked.get("limit", 500)]
    ]


def _amendments(asked: Asked) -> list[dict[str, Any]]:
    first = asked.get("fromExecutionId", 0)
    found = [
        amendment
        for amendment in asked.venue.amendments(asked.owner, asked["symbol"], asked["orderId"])
        if amendment.execution_id >= first
    ]
    return [
        {
            "symbol": amendment.symbol,
            "orderId": amendment.order_id,
            "executionId": amendment.execution_id,
            "origClientOrderId": amendment.former_client_order_id,
            "newClientOrderId": amendment.client_order_id,
            "origQty": amount(amendment.former_quantity),
            "newQty": amount(amendment.quantity),
            "time": amendment.time,
        }
        for amendment in found[: asked.get("limit", 500)]
    ]


def _endpoint(
    path: str, weight: Weight, answer: Callable[[Asked], Any], *parameters: Parameter
) -> Endpoint:
    return Endpoint(
        method="GET",
        path=f"/api/v3/{path}",
        security=Security.USER_DATA,
        weight=weight,
        parameters=parameters,
        answer=answer,
    )


def _with(name: str, weight: int, otherwise: int) -> Weight:
    def price(sent: Mapping[str, str]) -> int:
        return weight if name in sent else otherwise

    return price


ACCOUNT = (
    _endpoint("account", costs(20), _account, Parameter("omitZeroBalances", parameter.boolean)),
    _endpoint("account/commission", costs(20), _commission, _SYMBOL),
    _endpoint(
        "order",
        costs(4),
        _order,
        _SYMBOL,
        _ORDER_ID,
        Parameter("origClientOrderId", parameter.client_order_id),
    ),
    _endpoint(
        "openOrders",
        _with("symbol", 6, 80),
        _open_orders,
        Parameter("symbol", parameter.symbol),
    ),
    _endpoint("allOrders", costs(20), _all_orders, _SYMBOL, _ORDER_ID, *_SPAN, _LIMIT),
    _endpoint(
        "myTrades",
        _with("orderId", 5, 20),
        _my_trades,
        _SYMBOL,
        _ORDER_ID,
        *_SPAN,
        Parameter("fromId", parameter.long),
        _LIMIT,
    ),
    _endpoint("rateLimit/order", costs(40), _order_counts),
    _endpoint(
        "myPreventedMatches",
        _with("orderId", 20, 2),
        _prevented,
        _SYMBOL,
        Parameter("preventedMatchId", parameter.long),
        _ORDER_ID,
        Parameter("fromPreventedMatchId", parameter.long),
        _LIMIT,
    ),
    _endpoint(
        "order/amendments",
        costs(4),
        _amendments,
        _SYMBOL,
        Parameter("orderId", parameter.long, is_required=True),
        Parameter("fromExecutionId", parameter.long),
        _LIMIT,
    ),
)
