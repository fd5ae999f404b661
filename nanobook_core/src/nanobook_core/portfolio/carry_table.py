"""Carry as tables and mappings, made exact and put on a run's periods and columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.calendar import on_calendar
from nanobook_core.portfolio.carry import Carry, Schedule
from nanobook_core.portfolio.date_column import named
from nanobook_core.portfolio.table import read_table
from nanobook_core.portfolio.unit import is_absent

#: Ratios of splits are read as fractions of small numbers: 1.3333333 is four for three.
_LARGEST = 10_000


@frozen(kw_only=True)
class Axes:
    """What the rows and columns of a run's tables are."""

    symbols: tuple[str, ...]
    dates: NDArray[np.datetime64] | None
    n_periods: int
    symbols_given: Sequence[str] | None
    """Of tables that are arrays."""

    def period(self, key: Any, what: str) -> int:
        """Return the number of the period that a date or number stands for.

        Raises:
            ValidationError: there is no such period.

        """
        if isinstance(key, int | np.integer) and not isinstance(key, bool | np.timedelta64):
            if 0 <= int(key) < self.n_periods:
                return int(key)
            raise ValidationError(f"{what}: period {key} is not from 0 to {self.n_periods - 1}")
        if self.dates is None:
            raise ValidationError(
                f"{what}: the prices have no dates, so a period is given by its number from 0; "
                f"got {shown(key)}"
            )
        try:
            date = np.datetime64(key).astype(self.dates.dtype)
        except (TypeError, ValueError):
            raise ValidationError(f"{what}: {shown(key)} is no date") from None
        found = int(np.searchsorted(self.dates, date))
        if found == len(self.dates) or self.dates[found] != date:
            after = self.dates[found] if found < len(self.dates) else "none"
            raise ValidationError(f"{what}: {key} is not a date of the prices; the next is {after}")
        return found

    def column(self, symbol: Any, what: str) -> int:
        """Return the column of a symbol.

        Raises:
            ValidationError: there is no such symbol.

        """
        if symbol not in self.symbols:
            raise ValidationError(f"{what}: {shown(symbol)} is not among the symbols of the prices")
        return self.symbols.index(symbol)


def scheduled(
    carry: Carry,
    axes: Axes,
    *,
    unit: Fraction,
    amount: Callable[[Any, str], int],
    periods_per_year: float,
) -> Schedule:
    """Carry of a run, exact; `unit` is that of prices, `amount` turns money into whole units.

    Raises:
        ValidationError: a table that does not fit the run, a ratio that is not above 0, a date or
            symbol that the run does not have, or an amount that is not whole.

    """
    year = exact(periods_per_year)
    debit = carry.cash_rate if carry.debit_rate is None else carry.debit_rate
    return Schedule(
        dividends=_cells(carry.dividends, "dividends", axes, lambda paid: paid / unit),
        splits=_cells(carry.splits, "splits", axes, _ratio),
        cash_rate=exact(carry.cash_rate) / year,
        debit_rate=exact(debit) / year,
        borrow_rate=exact(carry.borrow_rate) / year,
        deposits=_deposits(carry.deposits or {}, axes, amount),
        delistings=_delistings(carry.delistings or {}, axes, unit),
    )


def exact(value: Any) -> Fraction:
    """Return a number as it is written: 0.1 is a tenth."""
    return Fraction(value) if isinstance(value, Decimal | Fraction) else Fraction(str(value))


def _ratio(ratio: Fraction) -> Fraction:
    return ratio.limit_denominator(_LARGEST)


def _cells(
    data: Any, noun: str, axes: Axes, convert: Callable[[Fraction], Fraction]
) -> dict[int, dict[int, Fraction]]:
    """Return the cells of a table that say something, by period and column."""
    if data is None:
        return {}
    table = read_table(data, noun, symbols=axes.symbols_given)
    values = on_calendar(table, axes.symbols, axes.dates, axes.n_periods, noun)
    cells: dict[int, dict[int, Fraction]] = {}
    for period, column in np.argwhere(~is_absent(values) & (values != 0)).tolist():
        value = exact(values[period, column])
        if value < 0:
            raise ValidationError(
                f"{noun}, {named(period, axes.dates)}, symbol {axes.symbols[column]!r}: "
                f"{values[period, column]} is negative"
            )
        if noun != "splits" or value != 1:
            cells.setdefault(period, {})[column] = convert(value)
    return cells


def _deposits(
    deposits: Mapping[Any, Any], axes: Axes, amount: Callable[[Any, str], int]
) -> dict[int, int]:
    found: dict[int, int] = {}
    for key, value in deposits.items():
        period = axes.period(key, "deposits")
        found[period] = found.get(period, 0) + amount(value, f"deposits[{key!r}]")
    return found


def _delistings(
    delistings: Mapping[str, tuple[Any, Any]], axes: Axes, unit: Fraction
) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for symbol, (key, worth) in delistings.items():
        what = f"delistings[{symbol!r}]"
        units = exact(worth) / unit
        if units.denominator != 1 or units < 0:
            raise ValidationError(
                f"{what}: a share is worth 0 or more, in whole price units; got {shown(worth)}"
            )
        found.setdefault(axes.period(key, what), {})[axes.column(symbol, what)] = int(units)
    return found
