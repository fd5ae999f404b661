"""No orders for more than a part of what trades in a day."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult
from nanobook_core.risk import CannotJudgeError, book_of, each_order, exact, positive, ratio
from nanobook_risk.wording import fine_percent, sign, status

_NAME = "Average daily volume"


def _max_pct(value: object) -> Decimal:
    return positive("max_pct", value)


@frozen(kw_only=True)
class AverageDailyVolume:
    """Fails orders that with all others of their symbol are over `max_pct` of its daily volume.

    Purchases and sales, open ones too, add up. A volume that is missing or not above 0 fails. A
    limit of size, so exits count too.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is not above 0 and finite.

    """

    max_pct: Decimal = field(converter=_max_pct)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order."""
        book = book_of(request)

        def judge(order: RiskOrder) -> RiskResult:
            line = book.lines[order.symbol]
            if line.fault:
                raise CannotJudgeError(line.fault)
            volume = request.volumes.get(order.symbol)
            if volume is None or not (volume.is_finite() and volume > 0):
                raise CannotJudgeError(
                    f"average daily volume of {order.symbol} must be finite and above 0, "
                    f"got {volume}"
                )
            quantity = line.buys + line.sells + line.open_buys + line.open_sells
            is_within = quantity <= self.max_pct * volume
            share = ratio(quantity, volume)
            return RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=f"{order.symbol}: {fine_percent(share)} {sign(is_within=is_within)} "
                f"{fine_percent(self.max_pct)} limit",
                symbol=order.symbol,
                value=share,
                limit=self.max_pct,
            )

        return each_order(_NAME, request.orders, judge)
