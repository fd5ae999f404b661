"""How trades are cut and priced."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen


@frozen(kw_only=True)
class Rules:
    """How trades are cut and priced."""

    offset_bps: Decimal = Decimal(5)
    """How far beyond the touch a limit is."""
    collar: Decimal = Decimal("0.05")
    """How far a limit may be from the mark, as a fraction of it."""
    min_trade: Decimal = Decimal(0)
    """Smallest value of a trade, in the account's currency; closing a whole position is exempt."""
    splits_flips: bool = False
    """Whether a trade through 0 is two orders."""
