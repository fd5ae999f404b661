"""What positions and cash earn and cost while they are held."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.account import Account
from nanobook_core.portfolio.money import real
from nanobook_core.portfolio.simulation import FLOWS

#: Equity is a float where returns are taken, and these end at 2^1024.
_MOST = 2**1000


def _rate(value: object, name: str) -> float:
    rate = real(value, name)
    if not math.isfinite(rate):
        raise ValidationError(f"{name} must be finite, got {rate}")
    return rate


def _rate_field(name: str, default: float | None) -> Any:
    return field(
        default=default,
        converter=lambda value: None if value is None and default is None else _rate(value, name),
    )


def _mapping_field(what: str) -> Any:
    def check(_instance: object, attribute: Any, value: object) -> None:
        if not isinstance(value, Mapping | None):
            raise TypeError(f"{attribute.name} is a mapping {what}, or None; got {shown(value)}")

    return field(default=None, validator=check)


@frozen(kw_only=True)
class Carry:
    """What happens to holdings and cash at the start of a period, before its trades.

    In this order: interest and borrow fees for the time since the period before, splits, dividends,
    deposits, delistings. Rates are fractions a year, a period being a year over `periods_per_year`.
    Amounts are rounded once to whole money units, halves to even, and fees up.

    Attributes:
        dividends: table in the form and unit of the prices: paid a share to who holds it at the
            start of the period, after a split; who is short pays it.
        splits: table of new shares for one old share, 2.0 for a two-for-one; absent, 0 or 1 for
            none. Quantities are multiplied by it. What is not a whole lot is settled at the
            period's price; with fills at the open at the open, or without one at the last price.
        cash_rate: earned on cash above 0; paid where negative.
        debit_rate: paid on cash below 0; the cash rate unless given.
        borrow_rate: paid on the value of each short position at the end of the period before.
        deposits: money paid in, or out where negative, by date or by number of the period. In the
            money of `cash`. Not a return: a period's is on equity before it and its deposits.
        delistings: of each symbol that ends, the date or number of its last period and what a share
            was worth. What is held is settled at that without costs, and from there on nothing is
            traded.

    Raises:
        TypeError: a rate is not a number, or deposits or delistings are no mapping.
        ValidationError: a rate is not finite.

    """

    dividends: Any = None
    splits: Any = None
    cash_rate: float = _rate_field("cash_rate", 0.0)
    debit_rate: float | None = _rate_field("debit_rate", None)
    borrow_rate: float = _rate_field("borrow_rate", 0.0)
    deposits: Mapping[Any, Any] | None = _mapping_field(
        "from a date, or the number of a period, to money"
    )
    delistings: Mapping[str, tuple[Any, Any]] | None = _mapping_field(
        "from a symbol to its last period and what a share was worth"
    )


@frozen(kw_only=True)
class Schedule:
    """Carry by period and column, exact."""

    dividends: dict[int, dict[int, Fraction]] = field(factory=dict)
    """In money units a lot."""
    splits: dict[int, dict[int, Fraction]] = field(factory=dict)
    cash_rate: Fraction = Fraction(0)
    """A period, as the two that follow."""
    debit_rate: Fraction = Fraction(0)
    borrow_rate: Fraction = Fraction(0)
    deposits: dict[int, int] = field(factory=dict)
    delistings: dict[int, dict[int, int]] = field(factory=dict)

    def flows(self) -> tuple[str, ...]:
        """Kinds of flows that there can be."""
        is_there = (
            self.deposits,
            self.dividends,
            self.cash_rate or self.debit_rate,
            self.borrow_rate,
            self.splits,
        )
        return tuple(name for name, there in zip(FLOWS, is_there, strict=True) if there)

    def most_in_new_shares(self, price: int) -> int:
        """No price up to this one is more after all splits of one symbol."""
        growth: dict[int, Fraction] = {}
        for row in self.splits.values():
            for column, ratio in row.items():
                growth[column] = growth.get(column, Fraction(1)) * max(1 / ratio, Fraction(1))
        return math.ceil(price * max(growth.values(), default=Fraction(1)))


class CarryLedger:
    """Applies a schedule to an account and keeps what it came to."""

    def __init__(self, schedule: Schedule, n_periods: int) -> None:
        self.schedule = schedule
        self.flows = {name: [0] * n_periods for name in schedule.flows()}
        self.symbol_flows: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))

    def apply(
        self, period: int, account: Account, last: NDArray[np.int64], mark: NDArray[np.int64]
    ) -> None:
        """Start a period; `last` and `mark` value holdings in the one before and in this one.

        Cash in lieu is paid at `mark`, in new shares.
        """
        if period:
            self._interest(period, account)
            self._borrow(period, account, last)
        for column, ratio in self.schedule.splits.get(period, {}).items():
            self._split(period, account, column, ratio, int(mark[column]))
        for column, amount in self.schedule.dividends.get(period, {}).items():
            paid = round(amount * int(account.quantity[column]))
            self._pay(period, account, "dividends", column, paid)
        if period in self.schedule.deposits:
            paid = self.schedule.deposits[period]
            account.cash += paid
            self.flows["deposits"][period] = paid
        if abs(account.cash) > _MOST:
            raise OverflowError(
                f"period {period}: interest and fees have taken cash beyond 2^1000 units of money; "
                "rates are fractions a year, 0.02 for two percent"
            )

    def _interest(self, period: int, account: Account) -> None:
        rate = self.schedule.cash_rate if account.cash > 0 else self.schedule.debit_rate
        if rate:
            earned = round(account.cash * rate)
            account.cash += earned
            self.flows["interest"][period] = earned

    def _borrow(self, period: int, account: Account, last: NDArray[np.int64]) -> None:
        rate = self.schedule.borrow_rate
        if rate:
            for column in np.flatnonzero(account.quantity < 0).tolist():
                value = -int(account.quantity[column]) * int(last[column])
                self._pay(period, account, "borrow_fees", column, -math.ceil(value * rate))

    def _split(
        self, period: int, account: Account, column: int, ratio: Fraction, mark: int
    ) -> None:
        shares = int(account.quantity[column]) * ratio
        lots = math.trunc(shares)
        account.set_quantity(period, column, lots)
        self._pay(period, account, "in_lieu", column, round((shares - lots) * mark))

    def _pay(self, period: int, account: Account, flow: str, column: int, amount: int) -> None:
        if amount:
            account.cash += amount
            self.flows[flow][period] += amount
            self.symbol_flows[period][column] += amount

    def result(self) -> dict[str, Any]:
        """Return what a `Simulation` records of it."""
        return {
            "flows": {name: tuple(amounts) for name, amounts in self.flows.items()},
            "splits": self.schedule.splits,
            "symbol_flows": {period: dict(row) for period, row in self.symbol_flows.items()},
        }
