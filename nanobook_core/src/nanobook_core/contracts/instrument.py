"""What may be traded, and in which steps of price and quantity."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from attrs import Attribute, field, frozen, validators

from nanobook_core.errors import ValidationError

_decimal = validators.instance_of(Decimal)
#: Wide enough that no price or quantity that any venue quotes is ever rounded by it; whatever the
#: thread's own context is.
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation])


def _positive(_: Any, attribute: Attribute[Any], value: Decimal) -> None:
    if not (value.is_finite() and value > 0):
        raise ValidationError(f"{attribute.name} is finite and above 0, got {value}")


def _bands(bands: Iterable[tuple[Decimal, Decimal]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((edge, tick) for edge, tick in bands)


@frozen(kw_only=True)
class Instrument:
    """An instrument as its venue trades it; exact in Decimal, so that nothing is ever cut silently.

    Steps are those of prices and quantities in the venue's own units.
    """

    symbol: str = field(validator=validators.instance_of(str))
    currency: str = field(default="USD", validator=validators.instance_of(str))
    """What its prices are in."""
    tick: Decimal = field(default=Decimal("0.01"), validator=[_decimal, _positive])
    """Smallest step of a price, below the first edge of `tick_bands` where there are any."""
    tick_bands: tuple[tuple[Decimal, Decimal], ...] = field(default=(), converter=_bands)
    """Rising (edge, tick): from that price on, that tick."""
    lot: Decimal = field(default=Decimal(1), validator=[_decimal, _positive])
    """Smallest step of a quantity; below 1 where fractions trade."""
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    multiplier: Decimal = field(default=Decimal(1), validator=[_decimal, _positive])
    """Money per unit of price and of quantity: 1 for shares, 100 for an equity option."""
    venue_symbol: str = ""
    """What the venue calls it, where that differs."""
    shortable: bool = True
    tradable: bool = True

    @tick_bands.validator
    def _rising(self, _: Any, bands: tuple[tuple[Decimal, Decimal], ...]) -> None:
        edge = Decimal(0)
        for start, tick in bands:
            if not (start.is_finite() and start > edge and tick.is_finite() and tick > 0):
                raise ValidationError(
                    f"{self.symbol}: tick_bands are (edge, tick) with rising edges and ticks "
                    f"above 0, got {start}, {tick}"
                )
            edge = start

    def tick_at(self, price: Decimal) -> Decimal:
        """Smallest step of a price there."""
        found = self.tick
        for edge, tick in self.tick_bands:
            if price.copy_abs() < edge:
                break
            found = tick
        return found

    def round_price(self, price: Decimal, *, up: bool) -> Decimal:
        """Nearest valid price at or above it, or at or below it.

        Raises:
            ValidationError: it is not finite.

        """
        if not price.is_finite():
            raise ValidationError(f"{self.symbol}: a price is finite, got {price}")
        tick = self.tick_at(price)
        steps, rest = _EXACT.divmod(price, tick)  # towards 0
        if rest and up == (rest > 0):
            steps = _EXACT.add(steps, 1 if up else -1)
        return _EXACT.multiply(steps, tick)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """The quantity cut towards 0 to whole lots.

        Raises:
            ValidationError: it is not finite.

        """
        if not quantity.is_finite():
            raise ValidationError(f"{self.symbol}: a quantity is finite, got {quantity}")
        return _EXACT.multiply(_EXACT.divide_int(quantity, self.lot), self.lot)

    def to_ticks(self, price: Decimal) -> int:
        """Whole number of ticks that a price is; where there are bands, of what all ticks share.

        Raises:
            ValidationError: it is off the tick; the message says the valid prices on either side.

        """
        if not price.is_finite() or _EXACT.remainder(price, self.tick_at(price)):
            beside = (
                f"; nearest are {self.round_price(price, up=False)} "
                f"and {self.round_price(price, up=True)}"
                if price.is_finite()
                else ""
            )
            raise ValidationError(
                f"{self.symbol}: prices move in steps of {self.tick_at(price)}, got {price}{beside}"
                if price.is_finite()
                else f"{self.symbol}: a price is finite, got {price}"
            )
        return int(_EXACT.divide_int(price, self._finest))

    def from_ticks(self, ticks: int) -> Decimal:
        """Price of so many ticks, the inverse of `to_ticks`."""
        return _EXACT.multiply(Decimal(ticks), self._finest)

    def to_lots(self, quantity: Decimal) -> int:
        """Whole number of lots that a quantity is.

        Raises:
            ValidationError: it is not whole lots.

        """
        if not quantity.is_finite() or _EXACT.remainder(quantity, self.lot):
            raise ValidationError(
                f"{self.symbol}: quantities move in steps of {self.lot}, got {quantity}"
            )
        return int(_EXACT.divide_int(quantity, self.lot))

    def from_lots(self, lots: int) -> Decimal:
        """Quantity of so many lots, the inverse of `to_lots`."""
        return _EXACT.multiply(Decimal(lots), self.lot)

    @property
    def _finest(self) -> Decimal:
        """Largest step of which every tick is a multiple."""
        finest = self.tick
        for _, tick in self.tick_bands:
            rest = tick
            while rest:
                finest, rest = rest, _EXACT.remainder(finest, rest)
        return finest
