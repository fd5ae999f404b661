"""The seed's arguments, in cents and pairs, as records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

from nanobook_core.contracts import RiskOrder
from nanobook_core.errors import ValidationError, shown
from nanobook_core.risk.exact import EXACT
from nanobook_core.types import Side, check_price, check_quantity, check_symbol

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]


def from_cents(cents: object, name: str) -> Decimal:
    """Money of a whole number of cents of 64 bits.

    Raises:
        TypeError: it is no whole number.
        OverflowError: it is outside 64 bits.

    """
    return EXACT.scaleb(Decimal(check_price(cents, name)), -2)


def read_order(symbol: object, side: object, quantity: object, price_cents: object) -> RiskOrder:
    """An order at a limit; the price may be 0 or negative, which the checks then refuse.

    Raises:
        TypeError, ValidationError, OverflowError: an argument is none that an order may have.

    """
    return RiskOrder(
        symbol=check_symbol(symbol),
        side=side if isinstance(side, Side) else Side(side),  # type: ignore[arg-type]  # refuses
        quantity=Decimal(check_quantity(quantity)),
        limit_price=from_cents(price_cents, "price_cents"),
    )


def read_orders(orders: Iterable[Any]) -> tuple[RiskOrder, ...]:
    """Orders of (symbol, side, quantity, price in cents).

    Raises:
        TypeError, ValidationError, OverflowError: one is none; the text says which.

    """
    read = []
    for number, order in enumerate(_iterable(orders, "orders")):
        if not isinstance(order, tuple | list) or len(order) != 4:  # noqa: PLR2004 - as in the text
            raise TypeError(
                f"orders[{number}] is (symbol, side, quantity, price_cents), got {shown(order)}"
            )
        try:
            read.append(read_order(*order))
        except (TypeError, ValidationError, OverflowError) as error:
            raise type(error)(f"orders[{number}]: {error}") from error
    return tuple(read)


def read_positions(positions: Pairs, *, last_wins: bool) -> dict[str, Decimal]:
    """Signed quantities by symbol; of a symbol that is repeated the first or the last.

    Raises:
        TypeError, ValidationError, OverflowError: it is no list of (symbol, quantity).

    """
    read: dict[str, Decimal] = {}
    for symbol, quantity in _pairs(positions, "positions", "quantity"):
        if last_wins or symbol not in read:
            read[symbol] = Decimal(check_price(quantity, "quantity of a position"))
    return read


def read_prices(prices: Pairs | None) -> dict[str, Decimal]:
    """Prices by symbol; given in cents.

    Raises:
        TypeError, ValidationError, OverflowError: it is no mapping or list of (symbol, cents).

    """
    if prices is None:
        return {}
    return {
        symbol: from_cents(cents, f"price of {symbol}")
        for symbol, cents in _pairs(prices, "prices", "price_cents")
    }


def read_weights(weights: Pairs) -> dict[str, float]:
    """Target weights by symbol; of a symbol that is repeated the one of the largest magnitude.

    Raises:
        TypeError, ValidationError: it is no list of (symbol, weight).

    """
    read: dict[str, float] = {}
    for symbol, weight in _pairs(weights, "target_weights", "weight"):
        if isinstance(weight, bool) or not isinstance(weight, Real | Decimal):
            raise TypeError(f"target weight of {symbol} is a number, got {shown(weight)}")
        given = float(weight)
        # NaN stays: no comparison with it holds.
        if symbol not in read or math.isnan(given) or abs(given) > abs(read[symbol]):
            read[symbol] = given
    return read


def _pairs(given: Pairs, name: str, what: str) -> Iterable[tuple[str, Any]]:
    items = given.items() if isinstance(given, Mapping) else _iterable(given, name)
    for number, item in enumerate(items):
        if not isinstance(item, tuple | list) or len(item) != 2:  # noqa: PLR2004 - as in the text
            raise TypeError(f"{name}[{number}] is (symbol, {what}), got {shown(item)}")
        yield check_symbol(item[0]), item[1]


def _iterable(given: Any, name: str) -> Iterable[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{name} is a list, got {shown(given)}")
    return given
