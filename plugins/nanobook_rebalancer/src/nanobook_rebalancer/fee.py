"""What fills have cost, each currency by itself: there are no rates here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Self

from attrs import field, frozen

from nanobook_rebalancer.decimal_text import EXACT, decimal_text, money_text
from nanobook_rebalancer.history import Execution

_ZERO = Decimal(0)


@frozen(kw_only=True)
class Fees:
    """Sums of fees."""

    money: Decimal = _ZERO
    """In the account's currency, and where the venue did not say in which."""
    currency: str = "USD"
    """The account's."""
    others: Mapping[str, Decimal] = field(factory=dict)
    """In other currencies, by currency."""
    unknown: int = 0
    """Number of fills whose fee the venue did not tell, or told as no number."""

    @classmethod
    def of(cls, fill: Execution, currency: str) -> Self:
        """Return the fee of one fill in an account of that currency."""
        if not fill.fee.is_finite():
            return cls(currency=currency, unknown=1)
        if fill.fee and fill.fee_currency not in ("", currency):
            return cls(currency=currency, others={fill.fee_currency: fill.fee})
        return cls(currency=currency, money=fill.fee)

    @classmethod
    def total(cls, each: Iterable[Fees], currency: str) -> Self:
        """Add some up of an account of that currency; nothing is 0."""
        money, unknown, others = _ZERO, 0, dict[str, Decimal]()
        for fees in each:
            money, unknown = EXACT.add(money, fees.money), unknown + fees.unknown
            for name, fee in fees.others.items():
                others[name] = EXACT.add(others.get(name, _ZERO), fee)
        return cls(
            money=money, currency=currency, others=dict(sorted(others.items())), unknown=unknown
        )

    @property
    def further(self) -> str:
        """What cannot be added to money, as text: `0.5 BTC, 1 unknown`; may be blank."""
        parts = [f"{decimal_text(fee)} {currency}" for currency, fee in self.others.items()]
        return ", ".join([*parts, *([f"{self.unknown} unknown"] if self.unknown else [])])

    def __str__(self) -> str:
        # Where all was taken in other currencies, none in money says nothing.
        is_told = self.money or not self.others
        money = money_text(self.money, self.currency) if is_told else ""
        return ", ".join(part for part in (money, self.further) if part)

    def to_dict(self) -> dict[str, Any]:
        """Return them for JSON, numbers as decimal strings."""
        return {
            "fees": decimal_text(self.money),
            "other_fees": {name: decimal_text(fee) for name, fee in self.others.items()},
            "unknown_fees": self.unknown,
        }
