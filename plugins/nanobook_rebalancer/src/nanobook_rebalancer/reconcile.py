"""What is held against what should be held, at the market's prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from attrs import frozen

from nanobook_core.contracts import Broker, Instrument, NoQuoteError, UnknownSymbolError
from nanobook_rebalancer.decimal_text import EXACT, decimal_text

_PERCENT = Decimal(100)
_ZERO = Decimal(0)


@frozen(kw_only=True)
class Price:
    """What a symbol is valued by."""

    mark: Decimal
    instrument: Instrument
    rate: Decimal = Decimal(1)
    """Of the account's currency for one of the instrument's."""

    @property
    def unit(self) -> Decimal:
        """Value of one unit, in the account's currency."""
        return EXACT.multiply(EXACT.multiply(self.mark, self.instrument.multiplier), self.rate)

    def quantity(self, value: Decimal) -> Decimal:
        """How much has that value, cut towards 0 to whole lots."""
        lots = Fraction(value) / Fraction(self.unit) / Fraction(self.instrument.lot)
        return self.instrument.from_lots(int(lots))


@frozen(kw_only=True)
class Holding:
    """One symbol."""

    symbol: str
    target_weight: Decimal
    """0 where there is no target."""
    actual_weight: Decimal | None
    """Value at the mark by equity; 0 where equity is not above 0, None without a price."""
    target_quantity: Decimal | None
    """Cut towards 0 to whole lots; None without a price."""
    actual_quantity: Decimal

    @property
    def difference(self) -> Decimal | None:
        """Actual less target weight; None without a price."""
        return None if self.actual_weight is None else self.actual_weight - self.target_weight

    @property
    def missing_quantity(self) -> Decimal | None:
        """Target less actual quantity: what is still to be bought, or sold where below 0."""
        wanted = self.target_quantity
        return None if wanted is None else EXACT.subtract(wanted, self.actual_quantity)

    def __str__(self) -> str:
        actual, difference, wanted = f"{'no price':>8}", f"{'-':>8}", "-"
        if self.actual_weight is not None and self.difference is not None:
            actual = f"{self.actual_weight * _PERCENT:>8.2f}"
            difference = f"{self.difference * _PERCENT:>+8.2f}"
        if self.target_quantity is not None:
            wanted = decimal_text(self.target_quantity)
        return (
            f"  {self.symbol:<8} {self.target_weight * _PERCENT:>8.2f} {actual} {difference} "
            f"{wanted:>12} {decimal_text(self.actual_quantity):>12}"
        )


@frozen(kw_only=True)
class Reconciliation:
    """Every symbol that is held or should be, in alphabetical order."""

    holdings: tuple[Holding, ...]
    tracking_error: Decimal | None
    """Root of the mean square of all differences of weight; 0 where there is no symbol, None where
    one has no price."""

    @classmethod
    def of(
        cls,
        equity: Decimal,
        positions: Mapping[str, Decimal],
        targets: Mapping[str, Decimal],
        prices: Mapping[str, Price],
    ) -> Self:
        """Compare positions with target weights."""
        held = {symbol for symbol, quantity in positions.items() if quantity}
        holdings = tuple(
            _holding(
                symbol,
                equity,
                positions.get(symbol, _ZERO),
                targets.get(symbol, _ZERO),
                prices.get(symbol),
            )
            for symbol in sorted(held | targets.keys())
        )
        differences = [each.difference for each in holdings if each.difference is not None]
        error: Decimal | None = _ZERO
        if len(differences) < len(holdings):
            error = None
        elif differences:
            squares = sum((each**2 for each in differences), _ZERO)
            error = (squares / len(differences)).sqrt()
        return cls(holdings=holdings, tracking_error=error)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Symbols without a price."""
        return tuple(each.symbol for each in self.holdings if each.actual_weight is None)

    def __str__(self) -> str:
        """Return the table of the original."""
        head = f"  {'Symbol':<8} {'Target%':>8} {'Actual%':>8} {'Diff%':>8}"
        lines = ["RECONCILIATION:", f"{head} {'TargetQty':>12} {'ActualQty':>12}"]
        error = self.tracking_error
        ending = "unknown" if error is None else f"{error * _PERCENT:.3f}%"
        return "\n".join([*lines, *map(str, self.holdings), f"Tracking error: {ending}"])

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON: numbers as decimal strings, weights as fractions; null for None."""
        return {
            "holdings": [
                {
                    "symbol": each.symbol,
                    "target_weight": _rounded(each.target_weight),
                    "actual_weight": _rounded(each.actual_weight),
                    "difference": _rounded(each.difference),
                    "target_quantity": _text(each.target_quantity),
                    "actual_quantity": decimal_text(each.actual_quantity),
                    "missing_quantity": _text(each.missing_quantity),
                }
                for each in self.holdings
            ],
            "tracking_error": _rounded(self.tracking_error),
        }


def reconcile(
    broker: Broker, positions: Mapping[str, Decimal], targets: Mapping[str, Decimal]
) -> Reconciliation:
    """Compare positions with target weights at a connected broker's equity and prices.

    Without a price is a symbol that the broker does not know, of which it has none, or that trades
    in a currency of which the account has no rate.

    Raises:
        BrokerError: the broker does not answer.

    """
    account = broker.account()
    prices: dict[str, Price] = {}
    for symbol in sorted({*positions, *targets}):
        try:
            mark, instrument = broker.quote(symbol).mark, broker.instrument(symbol)
        except (NoQuoteError, UnknownSymbolError):
            continue
        is_own = instrument.currency == account.currency
        rate = Decimal(1) if is_own else account.rates.get(instrument.currency)
        if mark is not None and mark > 0 and rate is not None:
            prices[symbol] = Price(mark=mark, instrument=instrument, rate=rate)
    return Reconciliation.of(account.equity, positions, targets, prices)


def _holding(
    symbol: str, equity: Decimal, held: Decimal, weight: Decimal, price: Price | None
) -> Holding:
    actual_weight: Decimal | None = _ZERO
    wanted: Decimal | None = _ZERO
    if price is None:
        actual_weight = wanted = None
    elif equity > 0:
        actual_weight = EXACT.divide(EXACT.multiply(held, price.unit), equity)
        wanted = price.quantity(EXACT.multiply(equity, weight))
    return Holding(
        symbol=symbol,
        target_weight=weight,
        actual_weight=actual_weight,
        target_quantity=wanted,
        actual_quantity=held,
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else decimal_text(number)


def _rounded(ratio: Decimal | None) -> str | None:
    return None if ratio is None else decimal_text(round(ratio, 8))
