"""What the liquidity source offers."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side
from nanobook_ibkr.simulator.order_check import MOST, is_number

_MOST_VOLUME = Decimal(10**18)


@frozen(kw_only=True)
class SourceQuote:
    """What the liquidity source offers; a size of None is any quantity."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    """Said to have been the last price; on no tick, since others print in fractions of one."""
    volume: Decimal | None = None

    def side(self, side: Side) -> tuple[Decimal | None, Decimal | None]:
        """Price and size to buy, or to sell."""
        return (self.bid, self.bid_size) if side is Side.BUY else (self.ask, self.ask_size)

    def check(self, rules: Instrument) -> None:
        """Refuse what cannot be.

        Raises:
            ValidationError: prices cross, or are not above 0 or off the tick; sizes are not above
                0 or off the lot; the last price is not above 0, the volume is below; or any of
                them is no number that a market has.

        """
        most_price, most_size = rules.from_ticks(MOST), rules.from_lots(MOST)
        for price, size in (self.side(Side.BUY), self.side(Side.SELL)):
            _check(rules, "price", price, most_price)
            _check(rules, "size", size, most_size)
            if price is not None:
                rules.to_ticks(price)
            if size is not None:
                rules.to_lots(size)
        _check(rules, "last price", self.last, most_price)
        if self.volume != 0:
            _check(rules, "volume", self.volume, _MOST_VOLUME)
        if self.bid is not None and self.ask is not None and self.bid >= self.ask:
            raise ValidationError(
                f"{rules.symbol}: the bid must be below the ask, got {self.bid} and {self.ask}"
            )


def _check(rules: Instrument, name: str, number: Decimal | None, most: Decimal) -> None:
    if number is not None and not (is_number(number) and 0 < number <= most):
        raise ValidationError(
            f"{rules.symbol}: a {name} is above 0 and at most {most:f}, got {number!s:.40}"
        )
