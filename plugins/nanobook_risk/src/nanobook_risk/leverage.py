"""No more gross exposure than a multiple of equity."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import exact, limit
from nanobook_risk.wording import against_equity, times

_NAME = "Leverage"


def _max_leverage(value: object) -> Decimal:
    return limit("max_leverage", value, ">= 1.0 and finite", lambda given: given >= 1)


@frozen(kw_only=True)
class Leverage:
    """Fails orders after which all positions are worth more than `max_leverage` times equity.

    Every position that is held or ordered counts, priced at its mark, or without one at the highest
    limit ordered, and as if those open orders fill that make it larger. Orders that all only reduce
    pass.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is below 1 or not finite.

    """

    max_leverage: Decimal = field(
        default=Decimal("1.5"),
        converter=_max_leverage,
    )

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        return [
            against_equity(
                _NAME, request, lambda book: book.exposure.gross, self.max_leverage, times
            )
        ]
