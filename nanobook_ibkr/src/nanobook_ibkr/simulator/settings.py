"""What a venue can be set up with."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.order_check import is_number

#: The wire has 32 bits for them.
_MOST_PERM_ID = 2_000_000_000


def check_settings(
    cash: Mapping[str, Decimal],
    leverage: Decimal,
    rates: Mapping[str, Decimal],
    max_active_orders: int | None,
    first_perm_id: int,
) -> None:
    """Refuse accounts, money and limits that cannot be.

    Raises:
        ValidationError: one of them cannot.

    """
    if not cash:
        raise ValidationError("a venue has at least one account; `cash` is empty")
    for name, money in cash.items():
        if not name or not name.isprintable() or "," in name:  # the wire puts commas between them
            raise ValidationError(f"an account has a name without commas, got {name!r:.40}")
        if not _is_money(money):
            raise ValidationError(f"the cash of {name} is a finite Decimal, got {money!r:.40}")
    if not (_is_money(leverage) and leverage >= 1):
        raise ValidationError(f"the leverage is a Decimal of at least 1, got {leverage!r:.40}")
    for currency, rate in rates.items():
        if not (_is_money(rate) and rate > 0):
            raise ValidationError(f"the rate of {currency} is a Decimal above 0, got {rate!r:.40}")
    if max_active_orders is not None and max_active_orders < 1:
        raise ValidationError(f"the most active orders are at least 1, got {max_active_orders}")
    if not 0 < first_perm_id < _MOST_PERM_ID:
        raise ValidationError(
            f"the first perm id is from 1 to {_MOST_PERM_ID - 1}, got {first_perm_id}"
        )


def _is_money(number: Decimal) -> bool:
    return isinstance(number, Decimal | int) and is_number(Decimal(number))
