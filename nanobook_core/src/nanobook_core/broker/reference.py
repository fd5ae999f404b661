"""How an order and a scope are referred to."""

from __future__ import annotations

from operator import index

from nanobook_core.contracts.broker import OrderReference
from nanobook_core.errors import ValidationError, shown


def check_reference(order: object) -> OrderReference:
    """Return an order's number, or its client order id.

    Raises:
        TypeError: it is neither.

    """
    if isinstance(order, str):
        return order
    if isinstance(order, bool) or not hasattr(order, "__index__"):
        raise TypeError(f"an order is its number or its client order id, got {shown(order)}")
    return index(order)


def check_scope(scope: object) -> None:
    """Refuse a scope that is neither `own` nor `all`."""
    if scope not in ("own", "all"):
        raise ValidationError(f"scope is 'own' or 'all', got {shown(scope)}")
