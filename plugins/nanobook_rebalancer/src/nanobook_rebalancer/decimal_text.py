"""Exact numbers as text that is the same for equal numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

#: Wide enough that no product of a price, a quantity and a rate is ever rounded.
EXACT = Context(prec=200)
_CENT = Decimal("0.01")


def decimal_text(number: Decimal) -> str:
    """Write it without exponent and without zeros that say nothing: `1.50` as `1.5`, `-0` as `0`.

    Equal numbers give equal texts, and `Decimal(text)` equals the number.
    """
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def money_text(amount: Decimal) -> str:
    """Write an amount for people, to the cent, half a cent to the even one: `$1,234.50`."""
    cents = amount.quantize(_CENT, ROUND_HALF_EVEN, context=EXACT)
    return f"{'-' if cents < 0 else ''}${abs(cents):,f}"
