"""A cost model from a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import trades
from nanobook_core.types import INT64_MAX
from nanobook_costs.rate import whole_up


def _function(value: object) -> Callable[..., Any]:
    if not callable(value):
        raise TypeError(f"function takes arrays of quantities and prices, got {shown(value)}")
    return value


@frozen
class FromCallable:
    """Costs that a function of quantities and prices gives for all trades of a period at once.

    Assumes that the function is one: the same trades cost the same, whatever was asked before, and
    a trade costs the same in any company. It is handed copies of int64 arrays of shape
    `(n_trades,)`, signed quantities in lots and prices in money units a lot, and gives a number of
    money units for each trade, or one for all: ints, or finite floats, which are rounded up. Costs
    of trades of quantity 0 are taken to be 0, and those beyond 2^63-1 to be that.

    Raises:
        TypeError: what is given cannot be called.

    """

    function: Callable[..., Any] = field(converter=_function)

    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cost in money units of each trade, shape `(n_trades,)`; 0 where the quantity is 0.

        Raises:
            TypeError: the function did not give numbers.
            ValidationError: not one for each trade, or one that is negative or not finite.

        """
        quantity, price = trades(quantity, price)
        given = np.asarray(self.function(quantity.copy(), price.copy()))
        if given.dtype.kind not in "iuf":
            raise TypeError(f"the function gives numbers, got dtype {given.dtype}")
        if given.shape not in ((), quantity.shape):
            raise ValidationError(
                f"the function gives one cost for each of {len(quantity)} trades, got shape "
                f"{given.shape}"
            )
        cost = np.where(quantity == 0, given.dtype.type(0), given)
        is_wrong = ~((cost >= 0) & np.isfinite(cost))
        if is_wrong.any():
            worst = int(np.flatnonzero(is_wrong)[0])
            raise ValidationError(
                f"trade {worst}: the function gives {cost[worst]} for quantity {quantity[worst]} "
                f"at price {price[worst]}; a cost is finite and 0 or more"
            )
        if cost.dtype.kind == "f":
            return whole_up(cost.astype(np.float64))
        return np.minimum(cost, INT64_MAX).astype(np.int64)
