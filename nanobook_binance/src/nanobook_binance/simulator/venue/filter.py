"""The vendor's filters, in its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from nanobook_binance.simulator.venue import trigger
from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.order import OrderRequest
from nanobook_binance.simulator.venue.refusal import Refusal, filter_failure
from nanobook_binance.simulator.venue.word import OrderType
from nanobook_core.broker.exact import EXACT, product, total

_Limits = Mapping[str, Any]


@frozen(kw_only=True)
class Applicant:
    """An order that asks to pass: what it wants, and of whom and where."""

    request: OrderRequest
    account: Account
    market: Market
    now_ms: int

    @property
    def type(self) -> OrderType:
        """Its type, which has been found to be one."""
        return OrderType(self.request.type)

    @property
    def prices(self) -> list[Decimal]:
        """Limit and stop price, as far as it has them."""
        return [each for each in (self.request.price, self.request.stop_price) if each is not None]

    def reference(self, minutes: int) -> Decimal | None:
        """Mean price of so many minutes."""
        return self.market.tape.average(self.now_ms, minutes)


def check_filters(applicant: Applicant) -> None:
    """Refuse an order that does not pass a filter of its symbol, by the first of them.

    Raises:
        Refusal: -1013, with the name of the filter.

    """
    limits = applicant.market.rules.limits
    for name, passes in _FILTERS.items():
        if name in limits and not passes(applicant, limits[name]):
            raise filter_failure(name)


def check_amendment(applicant: Applicant, amendments: int) -> None:
    """Refuse a smaller quantity that its symbol does not allow.

    Raises:
        Refusal: -1013 for a filter, -2038 for an order that was amended too often.

    """
    limits = applicant.market.rules.limits
    for name in ("LOT_SIZE", "NOTIONAL", "MIN_NOTIONAL"):
        if name in limits and not _FILTERS[name](applicant, limits[name]):
            raise filter_failure(name)
    most = applicant.market.rules.number("MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends")
    if most is not None and amendments >= most:
        raise Refusal(-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")


def _in_range(number: Decimal, least: Decimal, most: Decimal, step: Decimal) -> bool:
    return (
        number >= least
        and (not most or number <= most)
        and (not step or EXACT.remainder(number, step) == 0)
    )


def _price(applicant: Applicant, limits: _Limits) -> bool:
    return all(
        _in_range(price, limits["minPrice"], limits["maxPrice"], limits["tickSize"])
        for price in applicant.prices
    )


def _percent(applicant: Applicant, limits: _Limits) -> bool:
    return _near(applicant, limits, "multiplierUp", "multiplierDown")


def _percent_by_side(applicant: Applicant, limits: _Limits) -> bool:
    side = "bid" if applicant.request.side == "BUY" else "ask"
    return _near(applicant, limits, f"{side}MultiplierUp", f"{side}MultiplierDown")


def _near(applicant: Applicant, limits: _Limits, up: str, down: str) -> bool:
    price, reference = applicant.request.price, applicant.reference(limits["avgPriceMins"])
    if price is None or reference is None:
        return True
    return product(reference, limits[down]) <= price <= product(reference, limits[up])


def _lot(applicant: Applicant, limits: _Limits) -> bool:
    quantity = applicant.request.quantity
    return quantity is None or _in_range(
        quantity, limits["minQty"], limits["maxQty"], limits["stepSize"]
    )


def _market_lot(applicant: Applicant, limits: _Limits) -> bool:
    return applicant.type is not OrderType.MARKET or _lot(applicant, limits)


def _notional(applicant: Applicant, limits: _Limits) -> bool:
    worth, is_market = _worth(applicant, limits["avgPriceMins"]), not applicant.type.has_price
    if worth is None:
        return True
    is_enough = worth >= limits["minNotional"] or (is_market and not limits["applyMinToMarket"])
    return is_enough and (
        worth <= limits["maxNotional"] or (is_market and not limits["applyMaxToMarket"])
    )


def _min_notional(applicant: Applicant, limits: _Limits) -> bool:
    worth = _worth(applicant, limits["avgPriceMins"])
    is_free = not applicant.type.has_price and not limits["applyToMarket"]
    return worth is None or is_free or worth >= limits["minNotional"]


def _worth(applicant: Applicant, minutes: int) -> Decimal | None:
    request = applicant.request
    if request.quantity is None:
        return request.quote_order_quantity
    price = request.price or applicant.reference(minutes)
    return None if price is None else product(request.quantity, price)


def _open_orders(applicant: Applicant, limits: _Limits) -> bool:
    most: int = limits["maxNumOrders"]
    return _count(applicant, lambda _: True) <= most


def _algo_orders(applicant: Applicant, limits: _Limits) -> bool:
    if not applicant.type.is_contingent:
        return True
    algos = _count(applicant, lambda order_type: order_type.is_contingent)
    most: int = limits["maxNumAlgoOrders"]
    return algos <= most


def _count(applicant: Applicant, counts: Callable[[OrderType], bool]) -> int:
    """How many such orders there will be with it."""
    orders = applicant.account.open_on(applicant.market.rules.symbol)
    return 1 + sum(counts(each.order.type) for each in orders)


def _position(applicant: Applicant, limits: _Limits) -> bool:
    if applicant.request.side != "BUY":
        return True
    held = applicant.account.bought(applicant.market.rules.base_asset)
    position = total(held, applicant.request.quantity or Decimal(0))
    most: Decimal = limits["maxPosition"]
    return position <= most


def _trailing(applicant: Applicant, limits: _Limits) -> bool:
    request = applicant.request
    if request.trailing_delta is None:
        return True
    side = "Above" if trigger.is_above(request.type, request.side) else "Below"
    least, most = limits[f"minTrailing{side}Delta"], limits[f"maxTrailing{side}Delta"]
    return bool(least <= request.trailing_delta <= most)


_FILTERS: dict[str, Callable[[Applicant, _Limits], bool]] = {
    "PRICE_FILTER": _price,
    "PERCENT_PRICE": _percent,
    "PERCENT_PRICE_BY_SIDE": _percent_by_side,
    "LOT_SIZE": _lot,
    "MARKET_LOT_SIZE": _market_lot,
    "NOTIONAL": _notional,
    "MIN_NOTIONAL": _min_notional,
    "MAX_NUM_ORDERS": _open_orders,
    "MAX_NUM_ALGO_ORDERS": _algo_orders,
    "MAX_POSITION": _position,
    "TRAILING_DELTA": _trailing,
}
