"""Smallest and largest orders that a venue takes."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.contracts import Instrument
from nanobook_core.types import INT64_MAX
from nanobook_rebalancer.decimal_text import EXACT, decimal_text, money_text

_MOST = Decimal(INT64_MAX)


def order_limit(rules: Instrument, quantity: Decimal, limit: Decimal) -> str:
    """Why the venue would not take an order of that size at that limit; empty if it would."""
    if rules.min_quantity is not None and quantity < rules.min_quantity:
        return f"an order is of at least {decimal_text(rules.min_quantity)}"
    most = _MOST if rules.max_quantity is None else rules.max_quantity
    if quantity > most:
        return f"an order is of at most {decimal_text(most)}"
    value = EXACT.multiply(EXACT.multiply(quantity, limit), rules.multiplier)
    if rules.min_notional is not None and value < rules.min_notional:
        return f"an order is worth at least {money_text(rules.min_notional, rules.currency)}"
    if rules.max_notional is not None and value > rules.max_notional:
        return f"an order is worth at most {money_text(rules.max_notional, rules.currency)}"
    return ""
