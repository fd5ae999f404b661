"""The words that every layer shares."""

from __future__ import annotations

from enum import StrEnum

from nanobook_core.errors import ValidationError, shown

SYMBOL_BYTES = 8
INT64_MAX = 2**63 - 1


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


def check_symbol(symbol: object) -> str:
    """Return the symbol as a plain string if it is one of at most 8 ASCII bytes.

    Raises:
        TypeError: it is not a string.
        ValidationError: it is longer, or has a character outside ASCII.

    """
    if not isinstance(symbol, str):
        raise TypeError(
            f"a symbol is a string of at most {SYMBOL_BYTES} bytes, got {shown(symbol)}"
        )
    # As a plain string: a subclass, an enum's for one, may measure and print itself as another.
    plain = str.__str__(symbol)
    if len(plain.encode(errors="surrogatepass")) > SYMBOL_BYTES:
        raise ValidationError(
            f"Symbol {plain!r:.40} exceeds {SYMBOL_BYTES} bytes. Use a shorter symbol."
        )
    if not plain.isascii():
        raise ValidationError(f"Symbol {plain!r} has characters outside ASCII. Spell it in ASCII.")
    return plain
