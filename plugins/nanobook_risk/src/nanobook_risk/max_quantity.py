"""No order for more than a quantity."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult
from nanobook_core.risk import checked_quantity, each_order, exact, positive
from nanobook_risk.wording import sign, status

_NAME = "Max quantity"


def _max_quantity(value: object) -> Decimal:
    return positive("max_quantity", value)


@frozen(kw_only=True)
class MaxQuantity:
    """Fails an order for more than `max_quantity`; exits too, which go in parts.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is not above 0 and finite.

    """

    max_quantity: Decimal = field(converter=_max_quantity)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order."""

        def judge(order: RiskOrder) -> RiskResult:
            is_within = checked_quantity(order) <= self.max_quantity
            return RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=f"{order.symbol}: {order.quantity} {sign(is_within=is_within)} "
                f"{self.max_quantity} limit",
                symbol=order.symbol,
                value=order.quantity,
                limit=self.max_quantity,
                unit="shares",
            )

        return each_order(_NAME, request.orders, judge)
