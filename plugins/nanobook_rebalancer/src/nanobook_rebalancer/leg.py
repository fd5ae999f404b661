"""One trade of a plan."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from attrs import Attribute, field, frozen, validators

from nanobook_core.errors import ValidationError
from nanobook_core.types import Side
from nanobook_rebalancer.decimal_text import EXACT, decimal_text

_decimal = validators.instance_of(Decimal)


class Action(StrEnum):
    """What is written on the order."""

    BUY = "BUY"
    SELL = "SELL"
    SELL_SHORT = "SELL SHORT"
    BUY_COVER = "BUY COVER"

    @property
    def side(self) -> Side:
        """Which way it goes."""
        return Side.BUY if self in (Action.BUY, Action.BUY_COVER) else Side.SELL


class Phase(StrEnum):
    """When a leg may be sent: every one that reduces is done before one that increases is."""

    REDUCE = "reduce"
    """It brings a position nearer to 0 and never through it."""
    INCREASE = "increase"
    """It opens, adds, or goes through 0 in one order."""


def _positive(_: object, attribute: Attribute[Decimal], value: Decimal) -> None:
    if not (value.is_finite() and value > 0):
        raise ValidationError(f"{attribute.name} of a leg is finite and above 0, got {value}")


@frozen(kw_only=True)
class Leg:
    """One order that a plan calls for. What is planned is a ceiling: never more is traded."""

    number: int
    """Rises within a window, over all of its plans."""
    symbol: str
    action: Action = field(converter=Action)
    description: str
    """`open`, `increase`, `decrease short`, `close long`, `flip to short` and so on."""
    phase: Phase = field(converter=Phase)
    quantity: Decimal = field(validator=[_decimal, _positive])
    """In whole lots; the action says which way."""
    limit: Decimal = field(validator=[_decimal, _positive])
    """Worst price, on the tick."""
    mark: Decimal = field(validator=[_decimal, _positive])
    """Price at which the plan valued it."""
    multiplier: Decimal = field(default=Decimal(1), validator=[_decimal, _positive])
    """Money per unit of price and of quantity."""
    after: int | None = None
    """Number of the leg that must have filled completely before this one is sent."""
    expected_cost: Decimal | None = None
    """Estimate of commission and slippage of all of it, in the account's currency; None where none
    was made."""

    @property
    def side(self) -> Side:
        """Which way it goes."""
        return self.action.side

    @property
    def signed_quantity(self) -> Decimal:
        """Change of the position once all of it has filled."""
        return self.quantity if self.side is Side.BUY else self.quantity.copy_negate()

    @property
    def notional(self) -> Decimal:
        """Its value at the mark; exact, never negative."""
        return EXACT.multiply(EXACT.multiply(self.quantity, self.mark), self.multiplier)

    def __str__(self) -> str:
        return (
            f"{self.action} {decimal_text(self.quantity)} {self.symbol} "
            f"at {decimal_text(self.limit)} ({self.description})"
        )


@frozen(kw_only=True)
class Skipped:
    """A trade that the weights ask for and that is not made."""

    symbol: str
    reason: str
    is_hindered: bool = False
    """The venue's rules are in the way, so that the weights are not reached; else it is not worth
    an order."""
