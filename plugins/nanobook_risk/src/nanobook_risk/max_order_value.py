"""No order worth more than a cap."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import book_of, each_order, exact, whole
from nanobook_risk.wording import NO_CAP, money, sign, status

_NAME = "Max order value"


def _max_order_value_cents(value: object) -> int:
    return whole("max_order_value_cents", value)


@frozen(kw_only=True)
class MaxOrderValue:
    """Fails an order worth more than `max_order_value_cents`; 0 is no cap.

    A cap on size, not on exposure: an exit larger than the cap fails too, and goes in parts.
    Orders are valued at the higher of limit and mark. Of a batch with target weights only orders
    that fail are listed.

    Raises:
        TypeError: the cap is no whole number.
        ValidationError: it is negative.

    """

    max_order_value_cents: int = field(default=10_000_000, converter=_max_order_value_cents)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order, or of a batch one an offending order."""
        book = book_of(request)
        cap = Decimal(self.max_order_value_cents).scaleb(-2)
        currency = request.account.currency
        shown = f"{money(cap, currency, 0)} max_order_value_cents"
        in_batch = request.targets is not None

        def judge(order: RiskOrder) -> RiskResult | None:
            value = book.order_value(order)
            is_within = not cap or value <= cap
            if is_within and in_batch:
                return None
            return RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=f"{f'{order.symbol}: ' if in_batch else ''}{money(value, currency, 0)} "
                f"{sign(is_within=is_within)} {shown}",
                symbol=order.symbol,
                value=value,
                limit=cap,
                unit=currency,
            )

        found = list(each_order(_NAME, request.orders, judge))
        if found or not in_batch:
            return found
        return [
            RiskResult(
                name=_NAME,
                status=RiskStatus.PASS,
                detail=f"none above {shown}" if cap else NO_CAP,
                limit=cap,
                unit=currency,
            )
        ]
