"""What a plan's trades were expected to cost, and what they did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Self

from attrs import frozen

from nanobook_core.types import Side
from nanobook_rebalancer.decimal_text import EXACT, decimal_text, money_text, price_text
from nanobook_rebalancer.fee import Fees
from nanobook_rebalancer.history import Window
from nanobook_rebalancer.leg import Leg

_BPS = Decimal(10_000)
_COLUMNS = (
    *("Symbol", "Action", "Filled", "Expected", "Realised", "bps", "Slippage", "Fees"),
    *("Estimate", "Why"),
)
_LEFT = ("Symbol", "Action", "Why")


@frozen(kw_only=True)
class Trade:
    """One leg, and what came of it."""

    leg: Leg
    filled: Decimal
    notional: Decimal
    """Sum of price times quantity of its fills, times the multiplier."""
    fees: Fees
    reason: str
    """Why less was filled than planned, as far as is known."""

    @classmethod
    def of(cls, leg: Leg, window: Window, currency: str, failed: str = "") -> Self:
        """Add up the fills of a leg."""
        attempts = window.attempts_of(leg.number)
        fills = [fill for attempt in attempts for fill in attempt.fills.values()]
        value = sum((EXACT.multiply(fill.shares, fill.price) for fill in fills), Decimal(0))
        filled = window.filled(leg.number)
        why = failed or (attempts[-1].reason if attempts else "not sent")
        return cls(
            leg=leg,
            filled=filled,
            notional=EXACT.multiply(value, leg.multiplier),
            fees=Fees.total((Fees.of(fill, currency) for fill in fills), currency),
            reason="" if filled == leg.quantity else why,
        )

    @property
    def price(self) -> Decimal | None:
        """Average of its fills; None without any."""
        if not self.filled:
            return None
        return EXACT.divide(self.notional, EXACT.multiply(self.filled, self.leg.multiplier))

    @property
    def slippage(self) -> Decimal:
        """Money that the fills cost more than at the plan's mark; below 0 where they cost less."""
        expected = EXACT.multiply(EXACT.multiply(self.filled, self.leg.mark), self.leg.multiplier)
        paid_more = EXACT.subtract(self.notional, expected)
        return paid_more if self.leg.side is Side.BUY else -paid_more

    @property
    def slippage_bps(self) -> Decimal | None:
        """Slippage by the value at the mark, in basis points; None without fills."""
        if self.price is None:
            return None
        return self.slippage / (self.filled * self.leg.mark * self.leg.multiplier) * _BPS


@frozen(kw_only=True)
class ExecutionReport:
    """Every leg of a plan."""

    trades: tuple[Trade, ...]
    currency: str = "USD"
    """What money is in."""

    @classmethod
    def of(
        cls, legs: Iterable[Leg], window: Window, currency: str, failed: Mapping[int, str]
    ) -> Self:
        """Read it from what happened; `failed` says why legs were not sent."""
        trades = (Trade.of(leg, window, currency, failed.get(leg.number, "")) for leg in legs)
        return cls(trades=tuple(trades), currency=currency)

    @property
    def missing(self) -> tuple[Trade, ...]:
        """Legs that did not fill completely."""
        return tuple(trade for trade in self.trades if trade.filled != trade.leg.quantity)

    @property
    def fees(self) -> Fees:
        """Sum over all legs."""
        return Fees.total((trade.fees for trade in self.trades), self.currency)

    @property
    def expected_cost(self) -> Decimal | None:
        """Estimate of fees and slippage of all that was planned; None where a leg has none."""
        estimates = [trade.leg.expected_cost for trade in self.trades]
        known = [estimate for estimate in estimates if estimate is not None]
        return sum(known, Decimal(0)) if len(known) == len(estimates) else None

    @property
    def slippage(self) -> Decimal:
        """Sum over all legs."""
        return sum((trade.slippage for trade in self.trades), Decimal(0))

    def __str__(self) -> str:
        """Return a table with a line for each leg, and one of sums."""
        rows = [_COLUMNS, *(_row(trade, self.currency) for trade in self.trades)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if name in _LEFT else cell.rjust(width)
                for name, cell, width in zip(_COLUMNS, row, widths, strict=True)
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, "", self.summary])

    @property
    def summary(self) -> str:
        """How much was filled, and what it cost."""
        fees, slippage, total = (
            money_text(each, self.currency)
            for each in (self.fees.money, self.slippage, self.fees.money + self.slippage)
        )
        further, expected = self.fees.further, self.expected_cost
        estimate = "" if expected is None else f", estimated {money_text(expected, self.currency)}"
        return (
            f"{len(self.trades) - len(self.missing)} of {len(self.trades)} filled; "
            f"{fees} fees + {slippage} slippage = {total}{estimate}"
            + (f"; further fees: {further}" * bool(further))
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON, numbers as decimal strings."""
        return {
            **self.fees.to_dict(),
            "slippage": decimal_text(self.slippage),
            "expected_cost": _text(self.expected_cost),
            "trades": [
                {
                    "leg": trade.leg.number,
                    "symbol": trade.leg.symbol,
                    "action": trade.leg.action.value,
                    "planned": decimal_text(trade.leg.quantity),
                    "filled": decimal_text(trade.filled),
                    "expected_price": decimal_text(trade.leg.mark),
                    "price": None if trade.price is None else price_text(trade.price, 10),
                    "slippage": decimal_text(trade.slippage),
                    "expected_cost": _text(trade.leg.expected_cost),
                    **trade.fees.to_dict(),
                    "reason": trade.reason,
                }
                for trade in self.trades
            ],
        }


def _text(money: Decimal | None) -> str | None:
    return None if money is None else decimal_text(money)


def _row(trade: Trade, currency: str) -> tuple[str, ...]:
    bps, estimate = trade.slippage_bps, trade.leg.expected_cost
    return (
        trade.leg.symbol,
        trade.leg.action.value,
        f"{decimal_text(trade.filled)}/{decimal_text(trade.leg.quantity)}",
        decimal_text(trade.leg.mark),
        "-" if trade.price is None else price_text(trade.price, 6),
        "-" if bps is None else f"{bps:+.1f}",
        money_text(trade.slippage, currency),
        str(trade.fees),
        "-" if estimate is None else money_text(estimate, currency),
        trade.reason,
    )
