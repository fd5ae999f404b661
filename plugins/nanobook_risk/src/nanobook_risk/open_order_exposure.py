"""Gross exposure if orders fill in the worst way."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import exact, positive
from nanobook_risk.wording import against_equity, times

_NAME = "Open order exposure"


def _max_leverage(value: object) -> Decimal:
    return positive("max_leverage", value)


@frozen(kw_only=True)
class OpenOrderExposure:
    """Fails orders with which positions could come to more than `max_leverage` times equity.

    Of the orders, open and new, those fill that make each position largest: a sale that would pay
    for a purchase does not. Orders that all only reduce pass.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is not above 0 and finite.

    """

    max_leverage: Decimal = field(converter=_max_leverage)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        return [
            against_equity(
                _NAME, request, lambda book: book.exposure.worst, self.max_leverage, times
            )
        ]
