"""Numbers as the venue writes them."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")


def plain(number: Decimal) -> str:
    """Return a finite number in full, without idle zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_number(value: object) -> Decimal:
    """Return a number that came in a str, or as one of JSON, without idle zeros.

    Raises:
        ValueError: it is none, or has more digits than any price or quantity.

    """
    is_one = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
    if not is_one or not _NUMBER.fullmatch(text := str(value)):
        raise ValueError(f"{value!r:.40} is no number")
    return Decimal(plain(Decimal(text)))
