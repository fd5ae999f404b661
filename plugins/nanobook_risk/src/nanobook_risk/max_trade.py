"""A warning about large trades."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import book_of, each_order, exact, not_negative
from nanobook_risk.wording import money, sign

_CENT = Decimal("0.01")


def _max_trade_usd(value: object) -> Decimal:
    return not_negative("max_trade_usd", value)


@frozen(kw_only=True)
class MaxTrade:
    """Warns of an order worth more than `max_trade_usd`, cut to whole cents; 0 warns of all.

    Named `Order size`, and `Max trade size` in a batch with target weights, where only orders that
    are warned of are listed. An order without a usable price fails.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is negative or not finite.

    """

    max_trade_usd: Decimal = field(default=Decimal(100_000), converter=_max_trade_usd)

    @exact("Order size")
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order, or of a batch one an offending order."""
        book = book_of(request)
        currency = request.account.currency
        limit = self.max_trade_usd.scaleb(2).to_integral_value(ROUND_DOWN) * _CENT
        in_batch = request.targets is not None
        name, places = ("Max trade size", 0) if in_batch else ("Order size", 2)
        shown = money(self.max_trade_usd, currency, places)

        def judge(order: RiskOrder) -> RiskResult | None:
            value = book.order_value(order)
            is_within = value <= limit
            if is_within and in_batch:
                return None
            compared = f"{money(value, currency, places)} {sign(is_within=is_within)} {shown}"
            return RiskResult(
                name=name,
                status=RiskStatus.PASS if is_within else RiskStatus.WARN,
                detail=f"{order.symbol}: {compared} max_trade_usd"
                if in_batch
                else f"{compared} max",
                symbol=order.symbol,
                value=value,
                limit=limit,
                unit=currency,
            )

        found = list(each_order(name, request.orders, judge))
        if found or not in_batch:
            return found
        return [
            RiskResult(
                name=name,
                status=RiskStatus.PASS,
                detail=f"none above {shown} max_trade_usd",
                limit=limit,
                unit=currency,
            )
        ]
