"""What trades cost."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core import contracts
from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import SAFE, products, trades, whole
from nanobook_core.types import INT64_MAX

BPS = 10_000
_BPS_MAX = 2**32 - 1


def _basis_points(value: object, name: str) -> int:
    if isinstance(value, float | Decimal):
        raise TypeError(
            f"{name} is whole basis points, got {shown(value)}. For parts of one: "
            'registry().create("cost_model", "maker_taker", tiers=[(0, "1.5", "1.5")])'
        )
    bps = whole(value, name)
    if not 0 <= bps <= _BPS_MAX:
        raise OverflowError(f"{name} must be from 0 to {_BPS_MAX}, got {bps}")
    return bps


def _commission_bps(value: object) -> int:
    return _basis_points(value, "commission_bps")


def _slippage_bps(value: object) -> int:
    return _basis_points(value, "slippage_bps")


def _min_trade_fee(value: object) -> int:
    return whole(value, "min_trade_fee")


@frozen
class CostModel:
    """Commission and slippage in basis points of the notional, with a minimum fee a trade.

    Charged in full on every fill, so a purchase and its sale cost twice the rate. Fractions of a
    money unit are rounded down.

    Attributes:
        commission_bps: whole, from 0 to 2^32-1; added to slippage before anything is rounded. The
            cost model `maker_taker` takes parts of a basis point.
        slippage_bps: charged as a cost; the price of the trade stays as it is.
        min_trade_fee: in money units; a negative one has no effect.

    Raises:
        TypeError: a setting is not an int or numpy integer.
        OverflowError: basis points are negative or above 2^32-1, or the fee does not fit into
            64 bits.

    """

    commission_bps: int = field(default=0, converter=_commission_bps)
    slippage_bps: int = field(default=0, converter=_slippage_bps)
    min_trade_fee: int = field(default=0, converter=_min_trade_fee)

    @classmethod
    def zero(cls) -> CostModel:
        """Return the model in which trading is free."""
        return cls()

    def compute_cost(self, notional: int) -> int:
        """Cost in money units of one trade of that notional, whose sign does not matter.

        A notional of 0 costs the minimum fee. At most 2^63-1.

        Raises:
            TypeError: the notional is not an int or numpy integer.

        """
        if isinstance(notional, bool) or not isinstance(notional, int):
            notional = whole(notional, "notional")
        proportional = abs(notional) * (self.commission_bps + self.slippage_bps) // BPS
        return min(max(proportional, self.min_trade_fee), INT64_MAX)

    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cost in money units of each trade, shape `(n_trades,)`; 0 where the quantity is 0.

        Equal to `compute_cost(quantity * price)` trade by trade, also where that product does not
        fit into 64 bits. At most 2^63-1.

        Raises:
            TypeError: an array that is not of a signed integer dtype.
            ValidationError: arrays that are not vectors of one length.

        """
        quantity, price = trades(quantity, price)
        bps = self.commission_bps + self.slippage_bps
        notional = np.abs(products(quantity, price))
        if int(notional.max(initial=0)) * bps >= SAFE:
            notional = notional.astype(object)
        cost = np.maximum(notional * bps // BPS, self.min_trade_fee)
        return np.where(quantity == 0, 0, np.minimum(cost, INT64_MAX)).astype(np.int64)


def charges(
    model: contracts.CostModel, quantity: NDArray[np.int64], price: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return what a cost model asks for each of these trades.

    Raises:
        TypeError: it did not answer with an int64 vector of their length.
        ValidationError: a cost is negative.

    """
    return _checked(model, model.costs(quantity, price), quantity, price)


def trade_charges(
    model: contracts.TradeCostModel, request: contracts.CostRequest
) -> NDArray[np.int64]:
    """Return what a cost model asks for each trade of a period, as `charges`."""
    return _checked(model, model.trade_costs(request), request.quantity, request.price)


def _checked(
    model: contracts.CostModel,
    costs: NDArray[np.int64],
    quantity: NDArray[np.int64],
    price: NDArray[np.int64],
) -> NDArray[np.int64]:
    if getattr(costs, "dtype", None) != np.int64 or costs.shape != quantity.shape:
        raise TypeError(
            f"{model!r:.80} gave {costs!r:.80} for {len(quantity)} trades; "
            "costs are an int64 array with one for each trade"
        )
    if costs.min(initial=0) < 0:
        worst = int(costs.argmin())
        raise ValidationError(
            f"{model!r:.80} gave a negative cost, {costs[worst]}, for quantity {quantity[worst]} "
            f"at price {price[worst]}; a cost is 0 or more"
        )
    return costs


def charge(
    model: contracts.CostModel, quantity: NDArray[np.int64], price: NDArray[np.int64]
) -> int:
    """Return what a cost model asks for these trades together, as `charges`."""
    return sum(charges(model, quantity, price).tolist())
