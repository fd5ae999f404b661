"""No order twice."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import checked, checked_quantity, exact
from nanobook_core.types import Side
from nanobook_risk.window import seconds, sent_within

_NAME = "Duplicate order"


def _window(value: object) -> dt.timedelta:
    return seconds("seconds", value)


def _same(order: RiskOrder) -> tuple[str, Side, Decimal, Decimal | None]:
    limit = None if order.limit_price is None else checked(order, order.limit_price)
    return order.symbol, order.side, checked_quantity(order), limit


@frozen(kw_only=True)
class DuplicateOrder:
    """Fails an order that was sent already, or stands in the request twice.

    One of a client order id that was ever sent or is open; and one of the symbol, side, quantity
    and price of another that was sent at most `seconds` ago. Exits too.

    Raises:
        TypeError: `seconds` is no number.
        ValidationError: it is not above 0 or longer than a year.

    """

    seconds: dt.timedelta = field(default=dt.timedelta(seconds=10), converter=_window)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order that is a duplicate; one that passes if there is none."""
        ids = Counter(
            order.client_order_id
            for order in (
                *(sent.order for sent in request.sent),
                *request.open_orders,
            )
        )
        used = {name for name in ids if name}
        mine = Counter(order.client_order_id for order in request.orders if order.client_order_id)
        recent = Counter(_same(sent.order) for sent in sent_within(request, self.seconds))
        recent.update(map(_same, request.orders))
        found = []
        for order in request.orders:
            name = order.client_order_id
            if name in used or mine[name] > 1:
                found.append(_duplicate(order, f"client order id {name} has been used"))
            elif recent[_same(order)] > 1:
                found.append(
                    _duplicate(
                        order,
                        f"{order.side} {order.quantity} at {order.limit_price or 'market'} was "
                        f"sent within {self.seconds.total_seconds():g} s",
                    )
                )
        return found or [
            RiskResult(name=_NAME, status=RiskStatus.PASS, detail="no order was sent before")
        ]


def _duplicate(order: RiskOrder, why: str) -> RiskResult:
    return RiskResult(
        name=_NAME,
        status=RiskStatus.FAIL,
        detail=f"{order.symbol}: {why}",
        symbol=order.symbol,
    )
