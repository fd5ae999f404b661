"""What the venue takes for an order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from nanobook_core.broker.exact import product

#: What an order that has filled so much, for so much money, has cost in all; never falls as they
#: grow. An execution costs the difference.
Commission: TypeAlias = Callable[[Decimal, Decimal], Decimal]

_PER_SHARE, _LEAST, _MOST = Decimal("0.005"), Decimal(1), Decimal("0.01")


def per_share(quantity: Decimal, notional: Decimal) -> Decimal:
    """0.005 a share, at least 1 an order, at most 1 % of the order's value; not rounded."""
    return min(max(product(quantity, _PER_SHARE), _LEAST), product(notional, _MOST))


def bps(rate: Decimal) -> Commission:
    """So many hundredths of a percent of the order's value; not rounded."""

    def commission(quantity: Decimal, notional: Decimal) -> Decimal:  # noqa: ARG001 - of a kind
        return product(notional, rate, Decimal("0.0001"))

    return commission
