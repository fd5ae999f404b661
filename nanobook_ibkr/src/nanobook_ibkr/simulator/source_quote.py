"""What the liquidity source offers."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side


@frozen(kw_only=True)
class SourceQuote:
    """What the liquidity source offers; a size of None is any quantity."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None

    def side(self, side: Side) -> tuple[Decimal | None, Decimal | None]:
        """Price and size to buy, or to sell."""
        return (self.bid, self.bid_size) if side is Side.BUY else (self.ask, self.ask_size)

    def check(self, rules: Instrument) -> None:
        """Refuse what cannot be.

        Raises:
            ValidationError: prices cross, or are not above 0 or off the tick; sizes are not above
                0 or off the lot.

        """
        for price, size in (self.side(Side.BUY), self.side(Side.SELL)):
            if price is not None and (rules.to_ticks(price) <= 0):
                raise ValidationError(f"{rules.symbol}: a price is above 0, got {price}")
            if size is not None and rules.to_lots(size) <= 0:
                raise ValidationError(f"{rules.symbol}: a size is above 0, got {size}")
        if self.bid is not None and self.ask is not None and self.bid >= self.ask:
            raise ValidationError(
                f"{rules.symbol}: the bid is below the ask, got {self.bid} and {self.ask}"
            )
