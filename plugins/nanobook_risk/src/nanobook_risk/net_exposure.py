"""No more difference between long and short positions than a multiple of equity."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import exact, not_negative
from nanobook_risk.wording import against_equity, times

_NAME = "Net exposure"


def _max_net_leverage(value: object) -> Decimal:
    return not_negative("max_net_leverage", value)


@frozen(kw_only=True)
class NetExposure:
    """Fails orders after which |long - short| is more than `max_net_leverage` times equity.

    Positions are valued as for leverage, with those open orders filled that make it worse. Orders
    that all only reduce pass.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is negative or not finite.

    """

    max_net_leverage: Decimal = field(converter=_max_net_leverage)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        return [
            against_equity(
                _NAME, request, lambda book: book.exposure.net, self.max_net_leverage, times
            )
        ]
