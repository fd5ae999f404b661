"""Arithmetic of money that rounds nothing, whatever the thread's own context is."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation

#: Products and sums of anything that an order can have; a result that does not fit raises.
EXACT = Context(prec=400, Emin=-4000, Emax=4000, traps=[Inexact, InvalidOperation, DivisionByZero])
#: Quotients, to 28 digits, half-even.
QUOTIENT = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero])


def product(*factors: Decimal) -> Decimal:
    """Multiply them exactly."""
    result = Decimal(1)
    for factor in factors:
        result = EXACT.multiply(result, factor)
    return result


def total(*terms: Decimal) -> Decimal:
    """Add them exactly."""
    result = Decimal(0)
    for term in terms:
        result = EXACT.add(result, term)
    return result
