"""No symbol ordered again and again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import exact, whole
from nanobook_risk.window import seconds, sent_within
from nanobook_risk.wording import sign, status

_NAME = "Repeat throttle"


def _max_orders(value: object) -> int:
    return whole("max_orders", value)


def _window(value: object) -> dt.timedelta:
    return seconds("seconds", value)


@frozen(kw_only=True)
class RepeatThrottle:
    """Fails, and halts trading, at more than `max_orders` of one symbol in `seconds`.

    Both ends of the time count, and exits too: a loop that sells is one as well.

    Raises:
        TypeError: `max_orders` is no whole number, `seconds` no number.
        ValidationError: `max_orders` is negative, `seconds` not above 0 or longer than a year.

    """

    max_orders: int = field(converter=_max_orders)
    seconds: dt.timedelta = field(default=dt.timedelta(seconds=60), converter=_window)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding a symbol that is ordered."""
        ordered = Counter(order.symbol for order in request.orders)
        count = ordered + Counter(sent.order.symbol for sent in sent_within(request, self.seconds))
        return [self._finding(symbol, count[symbol]) for symbol in ordered]

    def _finding(self, symbol: str, count: int) -> RiskResult:
        is_within = count <= self.max_orders
        return RiskResult(
            name=_NAME,
            status=status(is_within=is_within),
            detail=f"{symbol}: {count} orders in {self.seconds.total_seconds():g} s "
            f"{sign(is_within=is_within)} {self.max_orders} limit",
            symbol=symbol,
            value=Decimal(count),
            limit=Decimal(self.max_orders),
            unit="orders",
            halts=not is_within,
        )
