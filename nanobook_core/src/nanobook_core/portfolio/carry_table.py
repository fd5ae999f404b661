"""Carry as tables and mappings, made exact and put on a run's periods and columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.calendar import on_calendar
from nanobook_core.portfolio.carry import Carry, Schedule
from nanobook_core.portfolio.date_column import named, time_of, unknown
from nanobook_core.portfolio.table import read_table
from nanobook_core.portfolio.unit import exact, is_absent, money
from nanobook_core.types import INT64_MAX

#: Ratios of splits are read as fractions of small numbers: 1.3333333 is four for three.
_LARGEST = 10_000
_BASIS_POINT = Fraction(1, 10_000)
_MEANING = {
    "dividends": "give what a holder is paid a share, which is what a short position pays",
    "splits": "give new shares for one old share",
}


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
            raise ValidationError(
                f"{what}: there is no period {key}; the prices have {self.n_periods}, from 0 on"
            )
        if self.dates is None:
            raise ValidationError(
                f"{what}: the prices have no dates, so a period is given by its number from 0; "
                f"got {shown(key)}"
            )
        try:
            date, utc = time_of(key)
        except (TypeError, ValueError):
            date, utc = np.datetime64("NaT"), None
        if np.isnat(date):
            raise ValidationError(
                f"{what}: {shown(key)} is no date and no number of a period; a date is one, or ISO "
                "text like 2024-01-31"
            )
        # As in a table: midnight of a zone is its date among days.
        is_day = self.dates.dtype == "M8[D]" and date == date.astype("M8[D]")
        if utc is not None and not is_day:
            date = utc
        found = int(np.searchsorted(self.dates, date))
        if found == len(self.dates) or self.dates[found] != date:
            raise ValidationError(f"{what}: {unknown(date, self.dates)}")
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
        TypeError: an amount that is no number, or a delisting that is no pair.
        ValidationError: a table that does not fit the run, a value that is negative or not finite,
            a ratio that is none of small numbers, a date or symbol that the run does not have, or
            an amount that is not whole.
        OverflowError: an amount of more than 2^63-1 units.

    """
    year = exact(periods_per_year)
    debit = carry.cash_rate if carry.debit_rate is None else carry.debit_rate
    return Schedule(
        dividends=_cells(carry.dividends, "dividends", axes, lambda paid: _dividend(paid / unit)),
        splits=_cells(carry.splits, "splits", axes, _ratio),
        cash_rate=exact(carry.cash_rate) / year,
        debit_rate=exact(debit) / year,
        borrow_rate=exact(carry.borrow_rate) / year,
        deposits=_deposits(carry.deposits or {}, axes, amount),
        delistings=_delistings(carry.delistings or {}, axes, unit),
    )


def _finite(value: Any, noun: str) -> Fraction:
    if value in {math.inf, -math.inf}:
        raise ValidationError("is not finite; leave it out (NaN, null) where there is none")
    if value < 0:
        raise ValidationError(f"is negative; {_MEANING[noun]}")
    return exact(value)


def _dividend(units: Fraction) -> Fraction:
    if units > INT64_MAX:
        raise OverflowError("is more than 2^63-1 units of prices")
    return units


def _ratio(ratio: Fraction) -> Fraction:
    found = ratio.limit_denominator(_LARGEST)
    if ratio > _LARGEST or abs(found - ratio) > _BASIS_POINT * ratio:
        raise ValidationError(
            f"is no ratio of new shares to old ones, which is of numbers up to {_LARGEST}"
        )
    return found


def _cells(
    data: Any, noun: str, axes: Axes, convert: Callable[[Fraction], Fraction]
) -> dict[int, dict[int, Fraction]]:
    """Return the cells of a table that say something, by period and column."""
    if data is None:
        return {}
    table = read_table(data, noun, symbols=axes.symbols_given, is_whole=False)
    values = on_calendar(table, axes.symbols, axes.dates, axes.n_periods, noun)
    cells: dict[int, dict[int, Fraction]] = {}
    for period, column in np.argwhere(~is_absent(values) & (values != 0)).tolist():
        value = values[period, column]
        try:
            found = convert(_finite(value, noun))
        except (ValidationError, OverflowError) as error:
            where = f"{noun}, {named(period, axes.dates)}, symbol {axes.symbols[column]!r}"
            raise type(error)(f"{where}: {value} {error}") from None
        if noun != "splits" or found != 1:
            cells.setdefault(period, {})[column] = found
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
    for symbol, ending in delistings.items():
        what = f"delistings[{symbol!r}]"
        if not isinstance(ending, tuple | list) or len(ending) != 2:  # noqa: PLR2004 - a pair
            raise TypeError(
                f"{what} is a pair of the last period and what a share was worth, like "
                f'("2024-01-31", 0), got {shown(ending)}'
            )
        key, worth = ending
        units = money(worth, unit, f"{what}[1]")
        if units < 0:
            raise ValidationError(f"{what}[1]: a share is worth 0 or more, got {shown(worth)}")
        found.setdefault(axes.period(key, what), {})[axes.column(symbol, what)] = units
    return found
