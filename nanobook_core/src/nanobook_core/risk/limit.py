"""Limits as they are configured."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from numbers import Real

from nanobook_core.errors import ValidationError, shown

#: From here on a whole number is shown with an exponent.
_LONG = 10**18


def number(name: str, value: object) -> Decimal:
    """Return a setting as the decimal that a person reads: 0.1 is a tenth. It may be NaN.

    Raises:
        TypeError: it is no number.

    """
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is a number, got {shown(value)}")
    return Decimal(int(value)) if hasattr(value, "__index__") else Decimal(repr(float(value)))


def limit(name: str, value: object, allowed: str, is_allowed: Callable[[Decimal], bool]) -> Decimal:
    """Return a setting that is finite and for which `is_allowed` holds.

    Raises:
        TypeError: it is no number.
        ValidationError: it is not what is `allowed`, in words.

    """
    given = number(name, value)
    if not (given.is_finite() and is_allowed(given)):
        raise ValidationError(f"{name} must be {allowed}, got {_plain(given)}")
    return given


def not_negative(name: str, value: object) -> Decimal:
    """Return a finite setting of 0 or more, see `limit`."""
    return limit(name, value, ">= 0 and finite", lambda given: given >= 0)


def positive(name: str, value: object) -> Decimal:
    """Return a finite setting above 0, see `limit`."""
    return limit(name, value, "> 0 and finite", lambda given: given > 0)


def whole(name: str, value: object) -> int:
    """Return a whole setting of 0 or more, such as an amount in cents.

    Raises:
        TypeError: it is no whole number.
        ValidationError: it is negative.

    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is a whole number, got {shown(value)}")
    given = int(value.__index__())
    if given < 0:
        raise ValidationError(f"{name} must be >= 0, got {given}")
    return given


def flag(name: str, value: object) -> bool:
    """Return a setting that is True or False.

    Raises:
        TypeError: it is neither.

    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False, got {shown(value)}")
    return value


def _plain(given: Decimal) -> str:
    if not given.is_finite():
        return "NaN" if given.is_nan() else str(float(given))
    is_short = given == given.to_integral_value() and abs(given) < _LONG
    return str(int(given)) if is_short else str(given)
