"""What books begin with: live orders, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nanobook_core.contracts.itch_table import LIVE
from nanobook_core.errors import ValidationError, shown
from nanobook_itch.layout import SIDES, table_dtype

if TYPE_CHECKING:
    from nanobook_core.contracts.itch import ItchMemory
    from nanobook_itch.layout import Table

#: The least and the most of each number, as far as a message could make it.
_LIMITS = {"rank": (0, 2**32 - 2), "price": (1, 2**32 - 1), "shares": (1, 2**32 - 1)}
_MOST = {"sequence": 2**62, "offset": 2**62, "timestamp": 2**48 - 1}

LOCATES = 65536


def check_live(orders: Table) -> None:
    """Refuse what no feed leads to.

    Raises:
        ValidationError: the columns are not those of `LIVE`, a number is none that an order can
            have, a side is neither B nor S, or two orders have one reference or one rank.

    """
    names = table_dtype(LIVE).names
    if orders.ndim != 1 or orders.dtype.names != names:
        raise ValidationError(f"live orders have the columns {names}, got {orders.dtype.names}")
    for name, (least, most) in _LIMITS.items():
        column = orders[name]
        if (odd := column[(column < least) | (column > most)]).size:
            raise ValidationError(f"{name} of a live order is {least} to {most}, got {odd[0]}")
    if (odd := orders["side"][~np.isin(orders["side"], SIDES)]).size:
        raise ValidationError(f"side of a live order is b'B' or b'S', got {odd[0]!r}")
    for name in ("reference", "rank"):
        column = np.sort(orders[name])
        if (again := column[1:][column[1:] == column[:-1]]).size:
            raise ValidationError(f"two live orders have the {name} {again[0]}")


def check_memory(memory: ItchMemory) -> None:
    """Refuse what no feed leads to.

    Raises:
        ValidationError: a number is none that a feed can have reached, or there are not as many
            symbols as locates.

    """
    for name, most in _MOST.items():
        value = getattr(memory, name)
        if not 0 <= value <= most:
            raise ValidationError(f"{name} of a memory is 0 to {most}, got {shown(value)}")
    if len(memory.symbols) != LOCATES:
        raise ValidationError(
            f"a memory has the symbols of {LOCATES} locates, got {len(memory.symbols)}"
        )
