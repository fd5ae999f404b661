"""What is held against what should be held, at the market's prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Self

from attrs import frozen

from nanobook_core.contracts import Broker, NoQuoteError, UnknownSymbolError
from nanobook_rebalancer.decimal_text import EXACT, decimal_text

_PERCENT = Decimal(100)
_ZERO = Decimal(0)


@frozen(kw_only=True)
class Holding:
    """One symbol."""

    symbol: str
    target_weight: Decimal
    """0 where there is no target."""
    actual_weight: Decimal
    """Value at the mark by equity; 0 without a mark, or where equity is not above 0."""
    target_quantity: Decimal
    """Cut towards 0 to whole units."""
    actual_quantity: Decimal

    @property
    def difference(self) -> Decimal:
        """Actual less target weight."""
        return self.actual_weight - self.target_weight

    @property
    def missing_quantity(self) -> Decimal:
        """Target less actual quantity: what is still to be bought, or sold where below 0."""
        return self.target_quantity - self.actual_quantity


@frozen(kw_only=True)
class Reconciliation:
    """Every symbol that is held or should be, in alphabetical order."""

    holdings: tuple[Holding, ...]
    tracking_error: Decimal
    """Root of the mean square of all differences of weight; 0 where there is no symbol."""

    @classmethod
    def of(
        cls,
        equity: Decimal,
        positions: Mapping[str, Decimal],
        targets: Mapping[str, Decimal],
        unit_values: Mapping[str, Decimal],
    ) -> Self:
        """Compare positions with target weights.

        `unit_values` are what one unit is worth at the mark, in the currency of the equity; where
        one is missing, as where equity is not above 0, the symbol counts as worth nothing.
        """
        holdings = tuple(
            _holding(symbol, equity, positions, targets, unit_values)
            for symbol in sorted(positions.keys() | targets.keys())
        )
        squares = sum((each.difference**2 for each in holdings), _ZERO)
        error = (squares / len(holdings)).sqrt() if holdings else _ZERO
        return cls(holdings=holdings, tracking_error=error)

    def __str__(self) -> str:
        """Return the table of the original."""
        head = f"  {'Symbol':<8} {'Target%':>8} {'Actual%':>8} {'Diff%':>8}"
        lines = ["RECONCILIATION:", f"{head} {'TargetQty':>12} {'ActualQty':>12}"]
        lines += [
            f"  {each.symbol:<8} {each.target_weight * _PERCENT:>8.2f} "
            f"{each.actual_weight * _PERCENT:>8.2f} {each.difference * _PERCENT:>+8.2f} "
            f"{decimal_text(each.target_quantity):>12} {decimal_text(each.actual_quantity):>12}"
            for each in self.holdings
        ]
        return "\n".join([*lines, f"Tracking error: {self.tracking_error * _PERCENT:.3f}%"])

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON: numbers as decimal strings, weights as fractions."""
        return {
            "holdings": [
                {
                    "symbol": each.symbol,
                    "target_weight": _rounded(each.target_weight),
                    "actual_weight": _rounded(each.actual_weight),
                    "difference": _rounded(each.difference),
                    "target_quantity": decimal_text(each.target_quantity),
                    "actual_quantity": decimal_text(each.actual_quantity),
                    "missing_quantity": decimal_text(each.missing_quantity),
                }
                for each in self.holdings
            ],
            "tracking_error": _rounded(self.tracking_error),
        }


def unit_values(broker: Broker, symbols: Iterable[str]) -> dict[str, Decimal]:
    """What one unit of each symbol is worth at the mark; without those that have no price."""
    values: dict[str, Decimal] = {}
    for symbol in symbols:
        try:
            mark = broker.quote(symbol).mark
            multiplier = broker.instrument(symbol).multiplier
        except (NoQuoteError, UnknownSymbolError):
            continue
        if mark is not None:
            values[symbol] = EXACT.multiply(mark, multiplier)
    return values


def _holding(
    symbol: str,
    equity: Decimal,
    positions: Mapping[str, Decimal],
    targets: Mapping[str, Decimal],
    unit_values: Mapping[str, Decimal],
) -> Holding:
    weight, quantity = targets.get(symbol, _ZERO), positions.get(symbol, _ZERO)
    value = unit_values.get(symbol, _ZERO)
    is_valued = value > 0 and equity > 0
    wanted = EXACT.divide(EXACT.multiply(equity, weight), value) if is_valued else _ZERO
    return Holding(
        symbol=symbol,
        target_weight=weight,
        actual_weight=EXACT.divide(EXACT.multiply(quantity, value), equity) if is_valued else _ZERO,
        target_quantity=wanted.to_integral_value(ROUND_DOWN) + 0,
        actual_quantity=quantity,
    )


def _rounded(ratio: Decimal) -> str:
    return decimal_text(round(ratio, 8))
