"""No batch worth more than a cap."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import book_of, exact, whole
from nanobook_risk.wording import NO_CAP, money, sign, status

_NAME = "Max batch value"


def _max_batch_value_cents(value: object) -> int:
    return whole("max_batch_value_cents", value)


@frozen(kw_only=True)
class MaxBatchValue:
    """Fails orders that together are worth more than `max_batch_value_cents`; 0 is no cap.

    Purchases and sales add up. A cap on size, so exits count too.

    Raises:
        TypeError: the cap is no whole number.
        ValidationError: it is negative.

    """

    max_batch_value_cents: int = field(default=100_000_000, converter=_max_batch_value_cents)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        book = book_of(request)
        cap = Decimal(self.max_batch_value_cents).scaleb(-2)
        value = sum(map(book.order_value, request.orders), Decimal(0))
        is_within = not cap or value <= cap
        currency = request.account.currency
        return [
            RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=f"{money(value, currency, 0)} {sign(is_within=is_within)} "
                f"{money(cap, currency, 0)} max_batch_value_cents"
                if cap
                else NO_CAP,
                value=value,
                limit=cap,
                unit=currency,
            )
        ]
