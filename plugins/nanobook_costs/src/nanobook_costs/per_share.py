"""Commission by the share, as US retail brokers publish it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.portfolio.money import products, trades
from nanobook_core.types import INT64_MAX
from nanobook_costs.rate import exact_rate, times_up


def _per_share(value: object) -> Decimal:
    return exact_rate(value, "per_share")


def _minimum(value: object) -> Decimal:
    return exact_rate(value, "minimum")


def _cap(value: object) -> Decimal | None:
    return None if value is None else exact_rate(value, "cap")


@frozen(kw_only=True)
class PerShare:
    """A rate a share, with a minimum a trade and an optional cap as a fraction of its notional.

    Assumes that every trade is one order, filled at once; that a lot is one share; that purchases
    and sales cost alike, without exchange, clearing and regulatory fees; that nothing is discounted
    by monthly volume; and, as in the published schedules, that the cap beats the minimum: a trade
    worth little costs the cap.

    The cost is `min(max(per_share * |quantity|, minimum), cap * |quantity| * price)` in exact
    arithmetic, rounded up once to whole money units, and at most 2^63-1.

    Raises:
        TypeError: a rate is not a Decimal, an int or a string; a float would not be exact.
        ValidationError: a rate is negative, not finite, above 2^63-1, or has more than 18 decimals.

    """

    per_share: Decimal = field(converter=_per_share)
    """In money units a share: half a cent is `"0.5"` where the unit is a cent."""
    minimum: Decimal = field(default=Decimal(0), converter=_minimum)
    """In money units a trade."""
    cap: Decimal | None = field(default=None, converter=_cap)
    """Fraction of the notional, `"0.01"` for one percent; None for no cap."""

    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cost in money units of each trade, shape `(n_trades,)`; 0 where the quantity is 0.

        Raises:
            TypeError: an array that is not of a signed integer dtype.
            ValidationError: arrays that are not vectors of one length.

        """
        quantity, price = trades(quantity, price)
        # Not abs(quantity): that of -2^63 wraps.
        shares = np.abs(products(quantity, np.ones_like(price)))
        # Rounding up keeps order, so each part may be rounded before they are compared.
        cost = times_up(shares, self.per_share)
        cost = np.maximum(cost, _up(self.minimum))
        if self.cap is not None:
            cost = np.minimum(cost, times_up(np.abs(products(quantity, price)), self.cap))
        return np.where(quantity == 0, 0, np.minimum(cost, INT64_MAX)).astype(np.int64)


def _up(rate: Decimal) -> int:
    return -(-Fraction(rate) // 1)
