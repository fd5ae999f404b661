"""No orders on old or impossible quotes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult
from nanobook_core.risk import each_order, exact, flag, positive
from nanobook_risk.wording import sign, status

_NAME = "Stale quote"


def _max_age(value: object) -> Decimal:
    return positive("max_age", value)


def _allow_delayed(value: object) -> bool:
    return flag("allow_delayed", value)


@frozen(kw_only=True)
class StaleQuote:
    """Fails an order in a symbol without a usable quote of at most `max_age` seconds.

    Usable: both sides above 0, not crossed, not halted, and not delayed unless `allow_delayed`.
    The age is by the monotonic clock; one that is not known fails. Exits too.

    Raises:
        TypeError: a setting is of the wrong type.
        ValidationError: `max_age` is not above 0 and finite.

    """

    max_age: Decimal = field(default=Decimal(5), converter=_max_age)
    allow_delayed: bool = field(default=False, converter=_allow_delayed)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order."""
        return each_order(_NAME, request.orders, lambda order: self._judge(request, order))

    def _judge(self, request: RiskRequest, order: RiskOrder) -> RiskResult:
        symbol = order.symbol
        quote, now = request.quotes.get(symbol), request.monotonic
        age: Decimal | None = None
        is_within = False
        if quote is None:
            detail = "no quote"
        elif not quote.is_usable:
            state = ", halted" if quote.is_halted else ""
            detail = f"bid {quote.bid}, ask {quote.ask}{state}"
        elif quote.is_delayed and not self.allow_delayed:
            detail = "the quote is delayed"
        elif now is None or quote.received is None:
            detail = "the age of the quote is not known"
        else:
            age = Decimal(now) - Decimal(quote.received)
            is_within = age.is_finite() and 0 <= age <= self.max_age
            detail = (
                f"{float(age):.1f} s old {sign(is_within=is_within)} "
                f"{float(self.max_age):.1f} s limit"
            )
        return RiskResult(
            name=_NAME,
            status=status(is_within=is_within),
            detail=f"{symbol}: {detail}",
            symbol=symbol,
            value=age,
            limit=self.max_age,
            unit="seconds",
        )
