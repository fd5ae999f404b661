"""What a plan is expected to cost."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Self

from attrs import frozen

from nanobook_rebalancer.decimal_text import EXACT, money_text
from nanobook_rebalancer.leg import Leg

_BPS = Decimal("0.0001")


@frozen
class Cost:
    """An estimate, in the account's currency; exact, and rounded only in its text."""

    commission: Decimal
    slippage: Decimal
    currency: str = "USD"

    @property
    def total(self) -> Decimal:
        """Both."""
        return EXACT.add(self.commission, self.slippage)

    def __str__(self) -> str:
        commission, slippage, total = (
            money_text(each, self.currency) for each in (self.commission, self.slippage, self.total)
        )
        return f"{commission} commission + {slippage} slippage = {total}"

    @classmethod
    def of(
        cls,
        legs: Iterable[Leg],
        *,
        per_share: Decimal,
        minimum: Decimal,
        commission_bps: Decimal | None = None,
        slippage_bps: Decimal,
        currency: str = "USD",
    ) -> Self:
        """Estimate: per leg `max(quantity * per_share, minimum)`, and so many bps of its notional.

        With `commission_bps` the commission is so many of its notional instead. Without legs both
        are 0.
        """
        commission = slippage = Decimal(0)
        rate = EXACT.multiply(slippage_bps, _BPS)
        for leg in legs:
            commission = EXACT.add(
                commission,
                max(EXACT.multiply(leg.quantity, per_share), minimum)
                if commission_bps is None
                else EXACT.multiply(leg.notional, EXACT.multiply(commission_bps, _BPS)),
            )
            slippage = EXACT.add(slippage, EXACT.multiply(leg.notional, rate))
        return cls(commission, slippage, currency)
