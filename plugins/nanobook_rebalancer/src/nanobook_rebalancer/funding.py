"""Purchases cut to the money that there is, where no money is lent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from attrs import evolve, frozen

from nanobook_core.contracts import Instrument
from nanobook_core.types import Side
from nanobook_rebalancer.decimal_text import EXACT, decimal_text
from nanobook_rebalancer.leg import Leg, Phase, Skipped
from nanobook_rebalancer.order_limit import order_limit


@frozen(kw_only=True)
class Funding:
    """What a cash account can pay for at the limits: cash, and what it sells before it buys."""

    cash: Decimal
    commission: Callable[[Leg], Decimal]
    """Expected of an order."""
    instruments: Mapping[str, Instrument]
    min_trade: Decimal
    """Smallest value of a trade, in the account's currency."""
    tolerance: Decimal
    """By which fraction purchases may be cut without the weights counting as missed."""

    def cut(self, legs: Sequence[Leg]) -> tuple[tuple[Leg, ...], tuple[Skipped, ...]]:
        """Cut all purchases by one ratio, down to whole lots, and name what that changes.

        Nothing changes where the money suffices. A purchase of which less than a least order is
        left is not made. What only reduces is never cut.
        """
        needed = sum((Fraction(_at_limit(leg)) for leg in legs if _is_purchase(leg)), Fraction(0))
        money = Fraction(self.cash) - sum(Fraction(self.commission(leg)) for leg in legs)
        for leg in legs:
            if leg.phase is Phase.REDUCE:
                money += Fraction(_at_limit(leg)) * (1 if leg.side is Side.SELL else -1)
        if needed <= money:
            return tuple(legs), ()
        ratio = max(money, Fraction(0)) / needed
        is_hindered = ratio < 1 - Fraction(self.tolerance)
        kept: list[Leg] = []
        skipped: list[Skipped] = []
        for leg in legs:
            if not _is_purchase(leg):
                kept.append(leg)
                continue
            rules = self.instruments[leg.symbol]
            lots = Fraction(leg.quantity) * ratio / Fraction(rules.lot)
            quantity = rules.from_lots(int(lots))
            if self._is_enough(leg, quantity, rules):
                kept.append(evolve(leg, quantity=quantity))
            else:
                quantity = Decimal(0)
            skipped.append(
                Skipped(
                    symbol=leg.symbol,
                    reason=f"cash pays for {decimal_text(quantity)} of {decimal_text(leg.quantity)}"
                    f" at {decimal_text(leg.limit)}",
                    is_hindered=is_hindered,
                )
            )
        return tuple(kept), tuple(skipped)

    def _is_enough(self, leg: Leg, quantity: Decimal, rules: Instrument) -> bool:
        """Whether an order of so little is still one."""
        if not quantity or order_limit(rules, quantity, leg.limit):
            return False
        worth = EXACT.multiply(EXACT.multiply(quantity, leg.mark), leg.multiplier)
        return worth >= self.min_trade


def _is_purchase(leg: Leg) -> bool:
    """Whether it spends money on more of something."""
    return leg.phase is Phase.INCREASE and leg.side is Side.BUY


def _at_limit(leg: Leg) -> Decimal:
    """What it costs at most, or brings at least, without commission."""
    return EXACT.multiply(EXACT.multiply(leg.quantity, leg.limit), leg.multiplier)
