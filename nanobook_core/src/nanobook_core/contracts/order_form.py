"""The two ways to say what is ordered: a record, or the arguments of the original."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.contracts.broker_order import (
    BrokerOrder,
    BrokerTimeInForce,
    OrderType,
    check_client_order_id,
    to_quantity,
)
from nanobook_core.contracts.cents import WIDE
from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import Side, check_price


def read_order(
    order: BrokerOrder | str,
    side: Side | str | None = None,
    quantity: int | Decimal | None = None,
    *,
    order_type: OrderType | str = "market",
    limit_price_cents: int | None = None,
    limit_price: Decimal | None = None,
    client_order_id: str | None = None,
    usual_tif: BrokerTimeInForce = BrokerTimeInForce.DAY,
) -> BrokerOrder:
    """Return the order as a record; arguments are looked at in the original's order.

    `usual_tif` is that of an order that is not given as a record.

    Raises:
        TypeError, ValidationError, OverflowError: an argument.

    """
    given = (side, quantity, limit_price_cents, limit_price, client_order_id)
    if isinstance(order, BrokerOrder):
        if order_type != "market" or any(value is not None for value in given):
            raise TypeError(
                "a BrokerOrder says everything itself; give no other arguments beside it"
            )
        return order
    if not isinstance(order, str):
        raise TypeError(f"order is a BrokerOrder or a symbol, got {shown(order)}")
    if not order:
        raise ValidationError("symbol is not empty")
    return BrokerOrder(
        order,
        Side(side),  # type: ignore[arg-type]  # refuses what is no string
        to_quantity(quantity),
        *_price(OrderType(order_type), limit_price_cents, limit_price),
        tif=usual_tif,
        client_order_id=None if client_order_id is None else check_client_order_id(client_order_id),
    )


def _price(
    order_type: OrderType, cents: int | None, price: Decimal | None
) -> tuple[OrderType, Decimal | None]:
    if cents is not None and price is not None:
        raise ValidationError(
            f"give limit_price_cents or limit_price, got both: {cents!r:.40} and {price!r:.40}"
        )
    if cents is not None:
        price = Decimal(check_price(cents, "limit_price_cents")).scaleb(-2, WIDE)
    if order_type is OrderType.LIMIT and price is None:
        raise ValidationError("limit_price_cents required for limit orders")
    return order_type, price
