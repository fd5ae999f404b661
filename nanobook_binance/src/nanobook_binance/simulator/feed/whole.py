"""Prices and quantities of others, as multiples of a symbol's steps."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from nanobook_core.broker.exact import product

_FLOOR = Context(prec=400, rounding=ROUND_FLOOR)
_CEILING = Context(prec=400, rounding=ROUND_CEILING)


def whole_steps(number: Decimal, step: Decimal, *, up: bool = False) -> Decimal:
    """Round to a multiple of the step, down unless it is to go up. Exact."""
    context = _CEILING if up else _FLOOR
    return product(context.divide(number, step).to_integral_value(context.rounding), step)
