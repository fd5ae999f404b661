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
    """An estimate, in the account's currency; exact, and rounded to the cent only in its text."""

    commission: Decimal
    slippage: Decimal

    @property
    def total(self) -> Decimal:
        """Both."""
        return EXACT.add(self.commission, self.slippage)

    def __str__(self) -> str:
        commission, slippage = money_text(self.commission), money_text(self.slippage)
        return f"{commission} commission + {slippage} slippage = {money_text(self.total)}"

    @classmethod
    def of(
        cls,
        legs: Iterable[Leg],
        *,
        per_share: Decimal,
        minimum: Decimal,
        slippage_bps: Decimal,
    ) -> Self:
        """Estimate: per leg `max(quantity * per_share, minimum)`, and so many bps of its notional.

        Without legs both are 0.
        """
        commission = slippage = Decimal(0)
        rate = EXACT.multiply(slippage_bps, _BPS)
        for leg in legs:
            fee = max(EXACT.multiply(leg.quantity, per_share), minimum)
            commission = EXACT.add(commission, fee)
            slippage = EXACT.add(slippage, EXACT.multiply(leg.notional, rate))
        return cls(commission, slippage)
