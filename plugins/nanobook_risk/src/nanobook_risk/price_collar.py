"""No limit far from the market."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import (
    CannotJudgeError,
    checked,
    each_order,
    exact,
    not_negative,
    ratio,
    whole,
)
from nanobook_risk.wording import fine_percent, sign, status

_NAME = "Price collar"


def _max_pct(value: object) -> Decimal:
    return not_negative("max_pct", value)


def _ticks(value: object) -> int:
    return whole("ticks", value)


@frozen(kw_only=True)
class PriceCollar:
    """Fails a limit further from the mark than `max_pct` of it, and than so many `ticks`.

    The wider of the two rules; ticks are those of the instrument, and none where it is not known.
    Both ways, exits too. An order without a limit passes where there is a mark.

    Raises:
        TypeError: `max_pct` is no number, `ticks` no whole number.
        ValidationError: one is negative or not finite.

    """

    max_pct: Decimal = field(default=Decimal("0.05"), converter=_max_pct)
    ticks: int = field(default=0, converter=_ticks)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order."""

        def judge(order: RiskOrder) -> RiskResult:
            mark = request.marks.get(order.symbol)
            if mark is None:
                raise CannotJudgeError(f"no price of {order.symbol}")
            checked(order, mark)
            if order.limit_price is None:
                return RiskResult(
                    name=_NAME,
                    status=RiskStatus.PASS,
                    detail=f"{order.symbol}: no limit",
                    symbol=order.symbol,
                    limit=self.max_pct,
                )
            away = abs(checked(order, order.limit_price) - mark)
            instrument = request.instruments.get(order.symbol)
            allowed = self.max_pct * mark
            if instrument is not None:
                allowed = max(allowed, self.ticks * instrument.tick_at(mark))
            is_within = away <= allowed
            share, most = ratio(away, mark), ratio(allowed, mark)
            return RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=f"{order.symbol}: {order.limit_price} is {fine_percent(share)} from {mark} "
                f"{sign(is_within=is_within)} {fine_percent(most)} limit",
                symbol=order.symbol,
                value=share,
                limit=most,
            )

        return each_order(_NAME, request.orders, judge)
