"""Prices and money in whole units."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Rational
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.date_column import named
from nanobook_core.types import INT64_MAX

_FEWEST, _FINEST = 2, 18
_COARSEST_UNIT = Decimal("1e18")
_BASIS_POINT = Fraction(1, 10_000)
_TOLERANCE = 1e-4
_BEYOND = 2.0**63
#: Below, a float tells decimals apart: only one of that many digits is read as it.
_DISTINCT = 1e15
_EXACT = 2**53
#: Beyond 10 to this, and below 10 to minus it, no amount is a number of units.
_REACH = 60


def to_units(
    prices: NDArray[Any],
    price_unit: Any,
    symbols: tuple[str, ...],
    dates: NDArray[np.datetime64] | None,
    noun: str = "prices",
    *,
    beside: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> tuple[NDArray[np.int64], Decimal | None]:
    """Prices as whole units, 0 where absent, and the unit; None as `price_unit` asks for ints.

    A unit, a Decimal, int or str, rounds each price to the nearest multiple, halves to even; a
    float of 10^15 units or more counts as it is written. "exact" is the coarsest power of ten,
    from 0.01 to 1e-18, of which all prices are multiples as they are written; "auto" the coarsest
    that moves none by more than a basis point. Both look at the tables `beside` the prices as well,
    and stop at 0.01 because costs, which are counted in the unit too, would be lost in a coarser.
    NaN and None are absent, and 0 is among ints. `noun` is what the prices are in messages, and
    names of `beside` are what those are.

    Raises, naming period, symbol and value:
        TypeError: prices that are not ints, without a unit.
        ValidationError: a price that is not above 0 or is infinite, one that the unit moves by more
            than a basis point (the one that is moved most), or a unit that is not allowed.
        OverflowError: a price of more than 2^63-1 units.

    """
    cells = _Cells(symbols, dates, noun.removesuffix("s"))
    if price_unit is None:
        if prices.dtype.kind == "i":
            return _whole(prices, cells), None
        raise TypeError(
            f"{noun} are {'Decimals' if prices.dtype == object else 'floats'}: give "
            'price_unit="auto", or a unit like Decimal("0.01"); cash is then in the same currency'
        )
    if isinstance(price_unit, str) and price_unit in {"auto", "exact"}:
        values, exactly = _positive(prices, cells), price_unit == "exact"
        unit = _coarsest(values, cells, exactly=exactly)
        for name, table in beside.items():
            other = _Cells(symbols, dates, name.removesuffix("s"))
            unit = min(unit, _coarsest(_positive(table, other), other, exactly=exactly))
    else:
        unit = unit_of(price_unit)
        values = _positive(prices, cells)
    return _rounded(values, unit, cells), unit


def unit_of(value: Any, name: str = "price_unit", digits: int = _FINEST) -> Decimal:
    """Return a unit of prices or of a quantity as a Decimal.

    Raises:
        TypeError: not a Decimal, an int or a string.
        ValidationError: not a number from 1e-18, or with another number of digits, to 1e18.

    """
    what = f'{name} is a Decimal, an int or a string like "0.01"'
    if name == "price_unit":
        what += ', or "auto" or "exact"'
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        hint = f'; give Decimal("{value}")' if isinstance(value, float) else ""
        raise TypeError(f"{what}, got {shown(value)}{hint}")
    try:
        unit = Decimal(value)
    except InvalidOperation:
        raise ValidationError(f"{what}, got {shown(value)}") from None
    if not (unit.is_finite() and unit > 0):
        raise ValidationError(f"{name} must be above 0, got {shown(value)}")
    if not Decimal(1).scaleb(-digits) <= unit <= _COARSEST_UNIT:
        raise ValidationError(f"{name} must be from 1e-{digits} to 1e18, got {shown(value)}")
    return unit


def money(amount: Any, unit: Fraction, name: str) -> int:
    """Return an amount in whole units, exact; a float counts as it is written.

    Raises:
        TypeError: not a number.
        ValidationError: not finite, or not a multiple of the unit.
        OverflowError: more than 2^63-1 units.

    """
    check_amount(amount, name)
    units = exact(amount) / unit
    if units.denominator != 1:
        raise ValidationError(
            f"{name}: {amount} is not a multiple of {_decimal(unit)}, in which money is counted"
        )
    if abs(units) > INT64_MAX:
        raise OverflowError(
            f"{name}: {shown(amount)} is more than 2^63-1 units of {_decimal(unit)}"
            + (", in which money is counted: give a coarser price_unit or quantity_step")
            * (unit < 1)
        )
    return int(units)


def check_amount(amount: Any, name: str) -> None:
    """Refuse what is no finite number.

    Raises:
        TypeError: not a number.
        ValidationError: not finite.

    """
    # Strings are no amounts, though Decimal reads them.
    if isinstance(amount, bool | np.timedelta64) or not isinstance(
        amount, Rational | Decimal | float | np.integer | np.floating
    ):
        raise TypeError(f"{name} is an int, a Decimal or a float, got {shown(amount)}")
    is_finite = amount.is_finite() if isinstance(amount, Decimal) else _is_finite(amount)
    if not is_finite:
        raise ValidationError(f"{name} must be finite, got {amount}")


def _is_finite(amount: Any) -> bool:
    return not isinstance(amount, float | np.floating) or bool(np.isfinite(amount))


def exact(value: Any) -> Fraction:
    """Return a finite number as it is written; a Decimal beyond reach as one just beyond it.

    That one is refused for the same reason, and has digits that memory holds.
    """
    if isinstance(value, Decimal) and value and abs(value.adjusted()) > _REACH:
        reach = Fraction(10) ** (_REACH if value.adjusted() > 0 else -_REACH)
        return -reach if value < 0 else reach
    if isinstance(value, np.integer):
        return Fraction(int(value))
    return Fraction(str(value)) if isinstance(value, float | np.floating) else Fraction(value)


def _decimal(unit: Fraction) -> str:
    return str(Decimal(unit.numerator) / Decimal(unit.denominator))


class _Cells:
    """Names cells of a table in messages."""

    def __init__(
        self, symbols: tuple[str, ...], dates: NDArray[np.datetime64] | None, noun: str
    ) -> None:
        self._symbols, self._dates, self.noun = symbols, dates, noun

    def fault(
        self, kind: type[Exception], is_wrong: NDArray[np.bool_], prices: NDArray[Any], what: str
    ) -> Exception:
        period, column = np.argwhere(is_wrong)[0].tolist()
        price = prices[period, column]
        return kind(
            f"{named(period, self._dates)}, symbol {self._symbols[column]!r}: "
            f"{self.noun} {price} {what}"
        )


def _whole(prices: NDArray[Any], cells: _Cells) -> NDArray[np.int64]:
    if prices.size and prices.min() < 0:
        raise cells.fault(
            ValidationError, prices < 0, prices, "is negative. Give 0 where there is none."
        )
    return np.ascontiguousarray(prices.astype(np.int64, copy=False))


def _positive(prices: NDArray[Any], cells: _Cells) -> NDArray[Any]:
    """Prices above 0, and NaN or None where absent."""
    if prices.dtype.kind == "i" and prices.max(initial=0) > _EXACT:
        whole = [None if price == 0 else Decimal(price) for price in prices.ravel().tolist()]
        prices = np.array(whole, object).reshape(prices.shape)
    if prices.dtype == object:
        values: NDArray[Any] = prices.copy()
        values[is_absent(prices)] = None
        is_wrong = np.array([v is not None and not (v > 0 and v.is_finite()) for v in values.flat])
        is_wrong = is_wrong.reshape(prices.shape)
    else:
        values = prices.astype(np.float64)
        if prices.dtype.kind == "i":
            values[prices == 0] = np.nan
        is_wrong = ~(np.isnan(values) | ((values > 0) & np.isfinite(values)))
    if is_wrong.any():
        raise cells.fault(
            ValidationError,
            is_wrong,
            prices,
            "is not a finite number above 0. Leave it out (NaN, null) where there is none.",
        )
    return values


def _coarsest(values: NDArray[Any], cells: _Cells, *, exactly: bool) -> Decimal:
    for digits in range(_FEWEST, _FINEST + 1):
        unit = Decimal(1).scaleb(-digits)
        units = _nearest(values, unit)
        if (_is_exact if exactly else _is_near)(values, units, unit).all():
            return unit
    how = "exact" if exactly else "within a basis point"
    wrong = ~(_is_exact if exactly else _is_near)(values, units, unit)
    raise cells.fault(ValidationError, wrong, values, f"is not {how} in units of 1e-{_FINEST}")


def _rounded(values: NDArray[Any], unit: Decimal, cells: _Cells) -> NDArray[np.int64]:
    units = _nearest(values, unit)
    is_gone = is_absent(values)
    is_far = ~_is_near(values, units, unit)
    if is_far.any():
        raise cells.fault(
            ValidationError,
            _worst(values, units, unit, is_far),
            values,
            f"is moved by more than a basis point in units of {unit}; use a finer unit, or "
            'price_unit="auto"',
        )
    is_large = ~is_gone & (units >= _BEYOND if units.dtype != object else units > INT64_MAX)
    if is_large.any():
        raise cells.fault(
            OverflowError, is_large, values, f"is more than 2^63-1 units of {unit}; use a coarser"
        )
    whole: NDArray[np.int64] = np.where(is_gone, 0, units).astype(np.int64)
    if units.dtype != object:
        for cell in map(tuple, np.argwhere(units >= _DISTINCT).tolist()):
            whole[cell] = round(exact(values[cell]) / Fraction(unit))
    return whole


def _worst(
    values: NDArray[Any], units: NDArray[Any], unit: Decimal, is_far: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The cell, of those that are far off, which the unit moves by the largest part."""
    far = np.argwhere(is_far)
    given = np.array([float(value) for value in values[is_far]])
    moved = np.array([float(count) for count in units[is_far]]) * float(unit)
    with np.errstate(divide="ignore", invalid="ignore"):  # a Decimal below the floats is 0
        parts = np.abs(moved - given) / given
    worst = np.zeros_like(is_far)
    worst[tuple(far[np.argmax(parts)])] = True
    return worst


def is_absent(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which cells are None or NaN."""
    if values.dtype == object:
        gone = [value is None or value.is_nan() for value in values.flat]
        return np.array(gone, bool).reshape(values.shape)
    is_nan: NDArray[np.bool_] = np.isnan(values)
    return is_nan


def _nearest(values: NDArray[Any], unit: Decimal) -> NDArray[Any]:
    """Nearest numbers of units, halves to even; 0 where absent."""
    if values.dtype == object:
        ratio = Fraction(unit)
        counts = [0 if value is None else round(exact(value) / ratio) for value in values.flat]
        return np.array(counts, object).reshape(values.shape)
    above, below = Fraction(unit).as_integer_ratio()
    # Powers of ten up to 22 are exact in float64, so that a price is scaled with one rounding.
    units = np.rint(values * float(below) / float(above))
    whole: NDArray[np.float64] = np.nan_to_num(units, nan=0.0, posinf=_BEYOND)
    return whole


def _is_near(values: NDArray[Any], units: NDArray[Any], unit: Decimal) -> NDArray[np.bool_]:
    if values.dtype == object:
        near = [
            value is None
            or abs(count * Fraction(unit) - exact(value)) <= _BASIS_POINT * exact(value)
            for value, count in zip(values.flat, units.flat, strict=True)
        ]
        return np.array(near, bool).reshape(values.shape)
    above, below = Fraction(unit).as_integer_ratio()
    off = np.abs(units * float(above) / float(below) - values)
    is_near: NDArray[np.bool_] = np.isnan(values) | (off <= _TOLERANCE * values)
    return is_near


def _is_exact(values: NDArray[Any], units: NDArray[Any], unit: Decimal) -> NDArray[np.bool_]:
    if values.dtype == object:
        same = [
            value is None or count * Fraction(unit) == exact(value)
            for value, count in zip(values.flat, units.flat, strict=True)
        ]
        return np.array(same, bool).reshape(values.shape)
    above, below = Fraction(unit).as_integer_ratio()
    # The nearest float to a decimal of few digits is what it was written as.
    is_same: NDArray[np.bool_] = units * float(above) / float(below) == values
    is_same |= np.isnan(values)
    # The product may have been rounded to a neighbour of the number that was written.
    is_doubtful = ~is_same & (units >= _DISTINCT)
    if is_doubtful.any() and (is_same | is_doubtful).all():
        for cell in map(tuple, np.argwhere(is_doubtful).tolist()):
            if (exact(values[cell]) / Fraction(unit)).denominator != 1:
                break  # one is enough to need a finer unit
            is_same[cell] = True
    return is_same
