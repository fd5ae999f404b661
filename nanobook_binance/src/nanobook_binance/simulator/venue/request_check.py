"""What the venue asks of a request before it looks at numbers: what was sent, and its words."""

from __future__ import annotations

import re
from decimal import Decimal

from nanobook_binance.simulator.venue.money import MOST
from nanobook_binance.simulator.venue.order import OrderRequest
from nanobook_binance.simulator.venue.refusal import Refusal
from nanobook_binance.simulator.venue.symbol_rules import SymbolRules
from nanobook_binance.simulator.venue.word import OrderType, SymbolStatus
from nanobook_core.broker.exact import product

#: The vendor's names of what a request has, in its order.
_NAMES = {
    "time_in_force": "timeInForce",
    "quantity": "quantity",
    "quote_order_quantity": "quoteOrderQty",
    "price": "price",
    "stop_price": "stopPrice",
    "trailing_delta": "trailingDelta",
    "iceberg_quantity": "icebergQty",
}
_MANDATORY = {
    OrderType.LIMIT: ("time_in_force", "quantity", "price"),
    OrderType.MARKET: (),
    OrderType.STOP_LOSS: ("quantity",),
    OrderType.STOP_LOSS_LIMIT: ("time_in_force", "quantity", "price"),
    OrderType.TAKE_PROFIT: ("quantity",),
    OrderType.TAKE_PROFIT_LIMIT: ("time_in_force", "quantity", "price"),
    OrderType.LIMIT_MAKER: ("quantity", "price"),
}
_UNSUPPORTED = {
    OrderType.LIMIT: "Limit orders are not supported for this symbol.",
    OrderType.MARKET: "Market orders are not supported for this symbol.",
    OrderType.STOP_LOSS: "Stop loss orders are not supported for this symbol.",
    OrderType.STOP_LOSS_LIMIT: "Stop loss limit orders are not supported for this symbol.",
    OrderType.TAKE_PROFIT: "Take profit orders are not supported for this symbol.",
    OrderType.TAKE_PROFIT_LIMIT: "Take profit limit orders are not supported for this symbol.",
    OrderType.LIMIT_MAKER: "Limit maker orders are not supported for this symbol.",
}
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_CLIENT_ID_SHOWN = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_MOST_TICKS = 2**62
_LEAST_STRATEGY_TYPE = 1_000_000

#: What a symbol has to be for its orders to be cancelled, or amended.
_CANCELLABLE = (SymbolStatus.TRADING, SymbolStatus.CANCEL_ONLY)


def check_request(request: OrderRequest, rules: SymbolRules) -> None:
    """Refuse a request that cannot be one, whatever the market is.

    Raises:
        Refusal: in the vendor's words.

    """
    if request.side not in ("BUY", "SELL"):
        raise Refusal(-1117, "Invalid side.")
    if request.type not in tuple(OrderType):
        raise Refusal(-1116, "Invalid orderType.")
    order_type = OrderType(request.type)
    _check_sent(request, order_type)
    if request.time_in_force not in (None, "GTC", "IOC", "FOK"):
        raise Refusal(-1115, "Invalid timeInForce.")
    check_client_id(request.client_order_id, "newClientOrderId")
    if request.strategy_type is not None and request.strategy_type < _LEAST_STRATEGY_TYPE:
        raise Refusal(-1134, "`strategyType` was less than 1000000.")
    check_precision(request, rules)
    _check_supported(request, order_type, rules)


def check_client_id(client_order_id: str | None, name: str) -> None:
    """Refuse an id that is none; None is one that the venue makes up.

    Raises:
        Refusal: -1100.

    """
    if client_order_id is not None and _CLIENT_ID.fullmatch(client_order_id) is None:
        raise Refusal(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '{_CLIENT_ID_SHOWN}'.",
        )


def check_named(order_id: int | None, client_order_id: str | None) -> None:
    """Refuse a request that does not say which order it means.

    Raises:
        Refusal: -1102.

    """
    if order_id is None and client_order_id is None:
        raise Refusal(
            -1102,
            "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
        )


def check_tradable(status: SymbolStatus) -> None:
    """Refuse a new order where nothing trades.

    Raises:
        Refusal: -1013.

    """
    if status is not SymbolStatus.TRADING:
        raise Refusal(-1013, "Market is closed.")


def check_cancellable(status: SymbolStatus) -> None:
    """Refuse to end or to amend an order where the book stands still.

    Raises:
        Refusal: -2011.

    """
    if status not in _CANCELLABLE:
        raise Refusal(-2011, "Market is closed.")


def _check_sent(request: OrderRequest, order_type: OrderType) -> None:
    mandatory = _MANDATORY[order_type]
    for field in mandatory:
        if getattr(request, field) is None:
            raise Refusal(
                -1102,
                f"Mandatory parameter '{_NAMES[field]}' was not sent, was empty/null, or "
                "malformed.",
            )
    optional: tuple[str, ...] = ()
    if order_type is OrderType.MARKET:
        optional = ("quantity", "quote_order_quantity")
        _check_either(request, *optional)
        if request.quantity is not None and request.quote_order_quantity is not None:
            raise Refusal(-1128, "Combination of optional parameters invalid.")
    elif order_type.is_contingent:
        optional = ("stop_price", "trailing_delta")
        _check_either(request, *optional)
    if order_type.has_price:
        optional = (*optional, "iceberg_quantity")
    for field, name in _NAMES.items():
        if getattr(request, field) is not None and field not in mandatory + optional:
            raise Refusal(-1106, f"Parameter '{name}' sent when not required.")


def _check_either(request: OrderRequest, one: str, other: str) -> None:
    if getattr(request, one) is None and getattr(request, other) is None:
        raise Refusal(
            -1102,
            f"Param '{_NAMES[one]}' or '{_NAMES[other]}' must be sent, but both were empty/null!",
        )


def check_precision(request: OrderRequest, rules: SymbolRules) -> None:
    """Refuse numbers that are not above 0, or too large or too fine for the book.

    Raises:
        Refusal: -1013, -1108 or -1111.

    """
    base, quote = rules.base_asset_precision, rules.quote_asset_precision
    most_price = product(rules.tick, Decimal(_MOST_TICKS))
    for field, places, most in (
        ("quantity", base, MOST),
        ("quote_order_quantity", quote, MOST),
        ("price", quote, most_price),
        ("stop_price", quote, most_price),
    ):
        number: Decimal | None = getattr(request, field)
        if number is None:
            continue
        what = _NAMES[field]
        if not number.is_finite() or number <= 0:
            raise Refusal(-1013, f"Invalid {what}.")
        if number > most:
            raise Refusal(-1108, f"Parameter '{what}' overflowed.")
        if _places(number) > places:
            raise Refusal(-1111, f"Parameter '{what}' has too much precision.")


def _places(number: Decimal) -> int:
    _, digits, exponent = number.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return -(int(exponent) + zeros)


def _check_supported(request: OrderRequest, order_type: OrderType, rules: SymbolRules) -> None:
    if order_type not in rules.order_types:
        raise Refusal(-1013, _UNSUPPORTED[order_type])
    if request.quote_order_quantity is not None and not rules.quote_order_quantity_allowed:
        raise Refusal(-1013, "Quote order qty market orders are not support for this symbol.")
    if request.iceberg_quantity is not None:
        raise Refusal(-1013, "Iceberg orders are not supported for this symbol.")
    if request.trailing_delta is not None and not rules.trailing_stop_allowed:
        raise Refusal(-1013, "Trailing stop orders are not supported for this symbol.")
    mode = request.self_trade_prevention_mode
    if mode is not None and mode not in rules.allowed_stp_modes:
        raise Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")
