"""No more orders than so many in some seconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import exact, whole
from nanobook_risk.window import seconds, sent_within
from nanobook_risk.wording import sign, status

_NAME = "Rate throttle"


def _max_orders(value: object) -> int:
    return whole("max_orders", value)


def _window(value: object) -> dt.timedelta:
    return seconds("seconds", value)


@frozen(kw_only=True)
class RateThrottle:
    """Fails orders that would be more than `max_orders` in any `seconds` long, both ends counted.

    Exits count too. Cancels are no orders, and are never kept back.

    Raises:
        TypeError: `max_orders` is no whole number, `seconds` no number.
        ValidationError: `max_orders` is negative, `seconds` not above 0 or longer than a year.

    """

    max_orders: int = field(converter=_max_orders)
    seconds: dt.timedelta = field(default=dt.timedelta(seconds=1), converter=_window)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        count = len(sent_within(request, self.seconds)) + len(request.orders)
        is_within = count <= self.max_orders
        return [
            RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=f"{count} orders in {self.seconds.total_seconds():g} s "
                f"{sign(is_within=is_within)} {self.max_orders} limit",
                value=Decimal(count),
                limit=Decimal(self.max_orders),
                unit="orders",
            )
        ]
