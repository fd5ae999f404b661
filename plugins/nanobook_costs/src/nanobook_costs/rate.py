"""Rates that are exact, amounts times a rate, and rounding up."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.types import INT64_MAX

_DECIMALS = 18
_SAFE = 2**62
_BEYOND = 2.0**63


def exact_rate(value: object, name: str) -> Decimal:
    """Return a setting as an exact number from 0 to 2^63-1.

    Raises:
        TypeError: it is not a Decimal, an int or a string; a float would not be exact.
        ValidationError: it is out of range, not finite, or has more than 18 decimals.

    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(
            f"{name} is a Decimal, an int or a string, so that it is exact; "
            f"got {value!r:.80} ({type(value).__name__})"
        )
    try:
        rate = Decimal(value)
    except InvalidOperation:
        raise ValidationError(f"{name} must be a decimal number, got {value!r:.80}") from None
    exponent = rate.as_tuple().exponent
    # What is not finite has a letter for an exponent.
    if isinstance(exponent, str) or exponent < -_DECIMALS or not 0 <= rate <= INT64_MAX:
        raise ValidationError(
            f"{name} must be from 0 to 2^63-1 with at most {_DECIMALS} decimals, got {value!r:.80}"
        )
    return rate


def times_up(amounts: NDArray[Any], rate: Decimal | Fraction) -> NDArray[Any]:
    """Amounts of at least 0 times a rate, rounded up: int64 where that is exact, else Python ints.

    Below 2^62 nothing wraps, neither the product nor, in rounding it up, what is added to it.
    """
    above, below = Fraction(rate).as_integer_ratio()
    if max(int(amounts.max(initial=0)), 1) * above + below >= _SAFE:
        amounts = amounts.astype(object)
    return -(-amounts * above // below)


def whole_up(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Floats of at least 0, rounded up; those above 2^63-1 are that."""
    up = np.ceil(costs)
    fits = up < _BEYOND
    return np.where(fits, np.where(fits, up, 0.0).astype(np.int64), INT64_MAX)
