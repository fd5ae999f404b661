"""What the paper broker charges for a fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any, TypeAlias

from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total
from nanobook_core.broker.paper_model import created
from nanobook_core.broker.paper_quotes import to_decimal
from nanobook_core.contracts.broker_order import Fill
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.contracts.portfolio import CostModel
from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import INT64_MAX

#: Fee of a fill: its instrument, signed quantity and price, in the instrument's currency.
Fee: TypeAlias = Callable[[Instrument, Decimal, Decimal], Decimal]
Costs: TypeAlias = int | Decimal | str | Mapping[str, Any] | CostModel | None

_CENT = Decimal("0.01")
_BPS = Decimal("0.0001")


def fee_of(costs: Costs) -> Fee:
    """Return what is charged: nothing, basis points of the notional, or what a cost model says.

    Basis points are exact, nothing is rounded. A cost model counts in cents: where a lot's price is
    no whole number of cents, its cost is on the straight line through those at the cents beside it.

    Raises:
        TypeError: it is none of these.
        ValidationError: basis points below 0.
        CapabilityNotFoundError: there is no cost model of that name.

    """
    if costs is None:
        return _nothing
    if isinstance(costs, str | Mapping):
        costs = created("cost_model", costs)
    if isinstance(costs, CostModel):
        return _Modelled(costs)
    if isinstance(costs, bool) or not isinstance(costs, int | Decimal):
        raise TypeError(
            f"costs are basis points, the name of a cost model, or one itself, got {shown(costs)}"
        )
    rate = product(to_decimal(costs, "costs"), _BPS)
    if rate < 0:
        raise ValidationError(f"costs are basis points from 0 on, got {costs}")
    return lambda rules, quantity, price: product(
        quantity.copy_abs(), price, rules.multiplier, rate
    )


def fee_of_fill(
    fee: Fee, rules: Instrument, before: Sequence[Fill], quantity: Decimal, price: Decimal
) -> Decimal:
    """Return what an execution is charged after others of its order.

    A cost model charges an order and not each of its executions: what all of it costs at its
    average price, less what was charged before, and never less than nothing.
    """
    if not (before and isinstance(fee, _Modelled)):
        return fee(rules, quantity, price)
    lots = total(quantity.copy_abs(), *(fill.quantity for fill in before))
    paid = total(
        product(quantity.copy_abs(), price),
        *(product(fill.quantity, fill.price) for fill in before),
    )
    charged = total(*(fill.fee for fill in before))
    whole = fee(rules, lots.copy_sign(quantity), QUOTIENT.divide(paid, lots))
    return max(EXACT.subtract(whole, charged), Decimal(0))


def _nothing(_: Instrument, __: Decimal, ___: Decimal) -> Decimal:
    return Decimal(0)


class _Modelled:
    def __init__(self, model: CostModel) -> None:
        self._model = model

    def __call__(self, rules: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
        lots = rules.to_lots(quantity)
        cents = EXACT.divide(product(price, rules.lot, rules.multiplier), _CENT)
        below = max(cents.to_integral_value(ROUND_FLOOR, EXACT), Decimal(1))
        cost = self._cost(rules, lots, below)
        if cents != below:
            step = EXACT.subtract(self._cost(rules, lots, EXACT.add(below, 1)), cost)
            cost = total(cost, product(step, EXACT.subtract(cents, below)))
        if cents < below:  # beyond what the model was asked about, and never below its least
            cost = max(cost, self._cost(rules, 1 if lots > 0 else -1, below))
        return product(cost, _CENT)

    def _cost(self, rules: Instrument, lots: int, cents: Decimal) -> Decimal:
        import numpy as np

        if abs(lots) > INT64_MAX or cents > INT64_MAX:
            raise ValidationError(
                f"{rules.symbol}: {lots} lots at {cents} cents are too much to price"
            )
        cost = self._model.costs(np.array([lots], np.int64), np.array([int(cents)], np.int64))
        if getattr(cost, "dtype", None) != np.int64 or cost.shape != (1,) or cost[0] < 0:
            raise ValidationError(
                f"{self._model!r:.80} gave {cost!r:.80} for one trade; costs are an int64 array "
                "with one from 0 on for each trade"
            )
        return Decimal(int(cost[0]))
