"""The change of one position, as one order or two."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from attrs import evolve, frozen

from nanobook_core.contracts import Instrument, Quote
from nanobook_core.types import Side
from nanobook_rebalancer.decimal_text import decimal_text, money_text
from nanobook_rebalancer.errors import PlanError
from nanobook_rebalancer.leg import Action, Phase, Skipped
from nanobook_rebalancer.limit import limit_price
from nanobook_rebalancer.order_limit import order_limit
from nanobook_rebalancer.rules import Rules


@frozen
class Part:
    """A leg before it has a number and a limit."""

    trade: Trade
    action: Action
    description: str
    phase: Phase
    quantity: Decimal


@frozen
class Trade:
    """What is held of a symbol, and by which rules and at which price it is changed."""

    symbol: str
    held: Decimal
    quote: Quote
    mark: Decimal
    instrument: Instrument
    rules: Rules

    def parts(self, equity: Decimal, weight: Decimal | None) -> Iterator[Part | Skipped]:
        """One part, two of a flip that is split, or none; without weight the position is closed."""
        whole = self.instrument.round_quantity(self.held)
        if weight is None:
            yield from self._close(whole)
            return
        if weight < 0 <= self.held and not self.instrument.shortable:
            raise self._no_short()
        change, is_close = self._change(equity, weight), False
        value = self._value(change)
        if change and change != -whole and value < self.rules.min_trade:
            worth, least = (
                money_text(each, self.instrument.currency) for each in (value, self.rules.min_trade)
            )
            yield self._skipped(f"{worth} is below the least of {least}", is_hindered=False)
            is_close, change = True, -whole if self._is_flip(change) else Decimal(0)
        if change and self._is_flip(change) and self.rules.splits_flips:
            yield from self._flip(whole, change)
        elif change:
            yield self._part(change, is_close=is_close)

    def _close(self, whole: Decimal) -> Iterator[Part | Skipped]:
        """All of it that can be traded; what cannot is named, and stays."""
        left, reason = self.held - whole, f"a lot is {decimal_text(self.instrument.lot)}"
        if whole:
            part = self._part(-whole, is_close=True)
            if isinstance(part, Skipped):
                left, reason = self.held, part.reason
            else:
                yield part
        if left:
            yield self._skipped(
                f"{decimal_text(left)} stays, as {reason}", is_hindered=self._matters(left)
            )

    def _change(self, equity: Decimal, weight: Decimal) -> Decimal:
        # As fractions, because a quotient of Decimals is rounded, and that before it is cut.
        price = Fraction(self.mark) * Fraction(self.instrument.multiplier)
        missing = Fraction(equity) * Fraction(weight) / price - Fraction(self.held)
        return self.instrument.from_lots(int(missing / Fraction(self.instrument.lot)))

    def _flip(self, whole: Decimal, change: Decimal) -> Iterator[Part | Skipped]:
        closing = self._part(-whole, is_close=True)
        yield closing
        if isinstance(closing, Skipped) or whole != self.held:
            yield self._skipped("the opposite position waits until this one can be closed")
        else:
            flat = evolve(self, held=Decimal(0))
            yield flat._part(change + whole, is_close=False)  # noqa: SLF001 - our own

    def _part(self, change: Decimal, *, is_close: bool) -> Part | Skipped:
        if reason := self._hindrance(change):
            is_new = self.held == 0
            return self._skipped(reason, is_hindered=is_new or self._matters(change))
        action, description = self._words(change, is_close=is_close)
        reduces = self.held * change < 0 and not self._is_flip(change)
        phase = Phase.REDUCE if reduces else Phase.INCREASE
        return Part(self, action, description, phase, abs(change))

    def _words(self, change: Decimal, *, is_close: bool) -> tuple[Action, str]:
        buys, flips = change > 0, self._is_flip(change)
        if self.held == 0:
            return (Action.BUY, "open") if buys else (Action.SELL_SHORT, "open short")
        if self.held > 0:
            if buys:
                return Action.BUY, "increase"
            words = "flip to short" if flips else "close long" if is_close else "decrease"
            return Action.SELL, words
        if not buys:
            return Action.SELL_SHORT, "increase short"
        words = "flip to long" if flips else "close short" if is_close else "decrease short"
        return Action.BUY_COVER, words

    def _hindrance(self, change: Decimal) -> str:
        """Why the venue would refuse such an order; empty if it would not."""
        rules = self.instrument
        if self.held + change < 0 and change < 0 and not rules.shortable:
            raise self._no_short()
        if not rules.tradable:
            return "it is not traded"
        side = Side.BUY if change > 0 else Side.SELL
        return order_limit(rules, abs(change), limit_price(side, self.quote, rules, self.rules))

    def _no_short(self) -> PlanError:
        return PlanError(f"{self.symbol}: the target is short, and it cannot be sold short here")

    def _matters(self, change: Decimal) -> bool:
        """Whether it is worth an order, by the config and by the venue's least."""
        least = max(self.rules.min_trade, self.instrument.min_notional or Decimal(0))
        return self._value(change) >= least

    def _is_flip(self, change: Decimal) -> bool:
        return self.held * change < 0 and abs(change) > abs(self.held)

    def _value(self, change: Decimal) -> Decimal:
        return abs(change) * self.mark * self.instrument.multiplier

    def _skipped(self, reason: str, *, is_hindered: bool = True) -> Skipped:
        return Skipped(symbol=self.symbol, reason=reason, is_hindered=is_hindered)
