"""Exact numbers as text that is the same for equal numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

#: Wide enough that no product of a price, a quantity and a rate is ever rounded.
EXACT = Context(prec=200)
_CENT = Decimal("0.01")
#: Parts of a coin, which is the smallest that venues of coins account for.
_SMALLEST = Decimal("1e-8")
#: Digits that say something, which a price shows at least.
_DIGITS = 8


def decimal_text(number: Decimal) -> str:
    """Write it without exponent and without zeros that say nothing: `1.50` as `1.5`, `-0` as `0`.

    Equal numbers give equal texts, and `Decimal(text)` equals the number.
    """
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def money_text(amount: Decimal, currency: str) -> str:
    """Write an amount for people.

    Dollars to the cent, half a cent to the even one: `$1,234.50`. Any other currency with its name
    and with at least two places, and with up to eight where there is something in them, as coins
    are not counted in cents: `1,234.50 USDT`, `0.00001234 BTC`.
    """
    if currency == "USD":
        cents = amount.quantize(_CENT, ROUND_HALF_EVEN, context=EXACT)
        return f"{'-' if cents < 0 else ''}${abs(cents):,f}"
    exact = amount.quantize(_SMALLEST, ROUND_HALF_EVEN, context=EXACT)
    whole, _, parts = f"{EXACT.plus(exact):,f}".rstrip("0").partition(".")
    if whole == "-0" and not parts:
        whole = "0"
    return f"{whole}.{parts:0<2} {currency}"


def account_text(amount: Decimal, currency: str) -> str:
    """Write an amount with the name of its currency, dollars too: `$1,234.50 USD`."""
    return money_text(amount, currency) + " USD" * (currency == "USD")


def price_text(price: Decimal, places: int) -> str:
    """Write a price that is not exact with so many places, and with more where it is small.

    Eight digits that say something are left of each, so that none becomes 0.
    """
    if not price:
        return "0"
    if price.adjusted() < 0:
        places = max(places, _DIGITS - 1 - price.adjusted())
    return decimal_text(round(price, places))
