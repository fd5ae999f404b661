"""What a broker is made with, checked."""

from __future__ import annotations

import math
from decimal import Decimal

from nanobook_core.errors import ValidationError, shown


def to_word(value: object, name: str) -> str:
    """Return a word that is not empty.

    Raises:
        TypeError: it is no string.
        ValidationError: it is empty.

    """
    if not isinstance(value, str):
        raise TypeError(f"{name} is a string, got {shown(value)}")
    if not value.strip():
        raise ValidationError(f"{name} is not empty")
    return value


def to_choice(value: object, name: str, allowed: tuple[str, ...]) -> str:
    """Return one of the words that are allowed.

    Raises:
        TypeError: it is no string.
        ValidationError: it is another word.

    """
    word = to_word(value, name)
    if word not in allowed:
        raise ValidationError(f"{name} is one of {', '.join(allowed)}, got {shown(value)}")
    return word


def to_whole(value: object, name: str, least: int, most: int) -> int:
    """Return a whole number in that range.

    Raises:
        TypeError: it is no int.
        OverflowError: it is outside.

    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is a whole number, got {shown(value)}")
    if not least <= value <= most:
        raise OverflowError(f"{name} is from {least} to {most}, got {value}")
    return value


def to_seconds(value: object, name: str = "timeout") -> float:
    """Return a time in seconds.

    Raises:
        TypeError: it is no number.
        ValidationError: it is not above 0, or not finite.

    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds, got {shown(value)}")
    if not (value > 0 and math.isfinite(value)):
        raise ValidationError(f"{name} is a number of seconds above 0, got {value}")
    return float(value)


def to_cap(value: object) -> Decimal:
    """Return basis points from 0 to 10000.

    Raises:
        TypeError: it is neither an int nor a Decimal.
        ValidationError: it is outside.

    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"market_cap_bps is an int or a Decimal, or None, got {shown(value)}")
    cap = Decimal(value)
    if not (cap.is_finite() and 0 <= cap < 10_000):  # noqa: PLR2004 - a whole price
        raise ValidationError(f"market_cap_bps is from 0 to less than 10000, got {value}")
    return cap
