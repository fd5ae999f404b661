"""Amounts of an asset: exact, with eight places at most."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from nanobook_core.broker.exact import EXACT, product

ZERO = Decimal(0)
#: The smallest amount of any asset.
SATOSHI = Decimal("0.00000001")
#: The most of an asset that an account can be given at once.
MOST = Decimal(10**15)

_FLOOR = Context(prec=400, rounding=ROUND_FLOOR)
_CEILING = Context(prec=400, rounding=ROUND_CEILING)


def floored(amount: Decimal) -> Decimal:
    """Round down to eight places."""
    return amount.quantize(SATOSHI, context=_FLOOR)


def notional(quantity: Decimal, price: Decimal) -> Decimal:
    """What a trade moves of the quote asset, rounded down to eight places."""
    return floored(product(quantity, price))


def reserve(quantity: Decimal, price: Decimal) -> Decimal:
    """What an order to buy locks of the quote asset, rounded up to eight places.

    However its fills are cut, what they cost together with what the rest locks is never more.
    """
    return product(quantity, price).quantize(SATOSHI, context=_CEILING)


def is_amount(number: object) -> bool:
    """Whether it is a finite Decimal with eight places at most."""
    return (
        isinstance(number, Decimal)
        and number.is_finite()
        and EXACT.compare(abs(number), MOST) <= 0
        and number == floored(number)
    )
