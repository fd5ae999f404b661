"""What an account must hold, by what was seen of it and by the fills since."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import define, field

from nanobook_rebalancer.decimal_text import decimal_text

_ZERO = Decimal(0)


@define
class Holdings:
    """Positions of one account. A venue may show them late, and a plan must not be made of that."""

    seen: dict[str, Decimal] = field(factory=dict)
    """When they last explained everything."""
    expected: dict[str, Decimal] = field(factory=dict)
    """Of each symbol that was traded since, or of which an order may have been sent."""
    slack: dict[str, Decimal] = field(factory=dict)
    """By how much they may differ, traded or not: fees may be taken out of what is held."""

    def trade(self, symbol: str, quantity: Decimal) -> None:
        """Count a fill in; the quantity is negative where it was sold."""
        before = self.expected.get(symbol, self.seen.get(symbol, _ZERO))
        self.expected[symbol] = before + quantity

    def charge(self, symbol: str, fee: Decimal) -> None:
        """Count a fee in that is in units of what was traded or of something else that is held."""
        self.slack[symbol] = self.slack.get(symbol, _ZERO) + abs(fee)

    def unexplained(self, positions: Mapping[str, Decimal]) -> list[str]:
        """What of these positions the fills do not explain, one line a symbol."""
        return [
            f"{symbol}: {decimal_text(positions.get(symbol, _ZERO))} held, "
            f"{decimal_text(expected)} explained"
            for symbol, expected in self.expected.items()
            if abs(positions.get(symbol, _ZERO) - expected) > self.slack.get(symbol, _ZERO)
        ]

    def see(self, positions: Mapping[str, Decimal], *, is_accepted: bool = False) -> None:
        """Go on from these positions if they explain everything, or if a person says so."""
        if is_accepted or not self.unexplained(positions):
            self.seen = dict(positions)
            self.expected, self.slack = {}, {}
