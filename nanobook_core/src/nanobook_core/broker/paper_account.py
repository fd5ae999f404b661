"""What a fill does to a holding, and what an account may still buy."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve, frozen

from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total
from nanobook_core.broker.paper_state import Holding
from nanobook_core.types import Side


def traded(holding: Holding, side: Side, quantity: Decimal, price: Decimal) -> Holding:
    """Return the holding after a fill.

    The average cost is that of what is held now: it moves when the position grows, stays when it
    shrinks, and is the fill's price for what is left of a fill that goes through 0. It is a
    quotient, rounded half-even to 28 digits; fees are no part of it.
    """
    change = quantity if side is Side.BUY else quantity.copy_negate()
    held = holding.quantity
    after = total(held, change)
    if not after:
        cost = Decimal(0)
    elif not held or (held > 0) == (change > 0):
        paid = total(product(held.copy_abs(), holding.avg_cost), product(quantity, price))
        cost = price if not held else QUOTIENT.divide(paid, after.copy_abs())
    else:
        cost = holding.avg_cost if (after > 0) == (held > 0) else price
    return evolve(holding, quantity=after, avg_cost=cost, last_price=price)


@frozen
class Exposure:
    """One symbol's part in the use of buying power, in the base currency."""

    held: Decimal = Decimal(0)
    """Value of the position, negative when short."""
    buys: Decimal = Decimal(0)
    """Notional and fees of what open orders to buy open, beyond what they close."""
    sells: Decimal = Decimal(0)
    """The same of open orders to sell."""

    @property
    def worst(self) -> Decimal:
        """Gross value if the open orders of one side fill, whichever side makes it larger."""
        if self.held < 0:
            return max(total(self.held.copy_negate(), self.sells), self.buys)
        return max(total(self.held, self.buys), self.sells)


def buying_power(equity: Decimal, leverage: Decimal, exposures: list[Exposure]) -> Decimal:
    """Return what may still be bought: leverage times equity, less what is held and ordered.

    In a cash account, which has no shorts and a leverage of 1, it is cash less open orders to buy.
    """
    used = total(*(exposure.worst for exposure in exposures))
    return EXACT.subtract(product(equity, leverage), used)
