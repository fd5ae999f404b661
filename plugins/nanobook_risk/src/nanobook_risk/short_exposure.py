"""Short positions, forbidden or limited."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import book_of, exact, flag, not_negative
from nanobook_core.types import Side
from nanobook_risk.wording import against_equity, percent

_NAME = "Short exposure"


def _allow_short(value: object) -> bool:
    return flag("allow_short", value)


def _max_short_pct(value: object) -> Decimal:
    return not_negative("max_short_pct", value)


@frozen(kw_only=True)
class ShortExposure:
    """Fails sales of more than is held, or short positions worth too much of equity.

    Without `allow_short`, a sale that could turn a position short fails as `Short selling`; the
    others of its symbol and side count, the open ones too. Else short positions are limited to
    `max_short_pct` of equity, as if open sales fill. Orders that all only reduce pass.

    Raises:
        TypeError: a setting is of the wrong type.
        ValidationError: `max_short_pct` is negative or not finite.

    """

    allow_short: bool = field(default=True, converter=_allow_short)
    max_short_pct: Decimal = field(default=Decimal("0.3"), converter=_max_short_pct)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        book = book_of(request)
        if not self.allow_short and any(order.side is Side.SELL for order in book.increases):
            return [
                RiskResult(
                    name="Short selling",
                    status=RiskStatus.FAIL,
                    detail="short selling not allowed",
                )
            ]
        return [
            against_equity(
                _NAME, request, lambda book: book.exposure.short, self.max_short_pct, percent
            )
        ]
