"""Cash and holdings of a simulation, and the trades that change them."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core import contracts
from nanobook_core.portfolio.cost import charges, trade_charges
from nanobook_core.portfolio.fill import fills_of
from nanobook_core.portfolio.money import dot, products, quotient, truncated
from nanobook_core.portfolio.simulation import CUT_REASONS, CUTS, TRADES
from nanobook_core.types import INT64_MAX

SCALE = 32
# Sums of two, and products with a factor of up to 2^32, stay below 2^63.
_SAFE_SUM = 2**62
_SAFE_FACTOR = 2**30


@frozen
class Orders:
    """What is to be traded in one period, or was; arrays of shape `(n_orders,)`, by column."""

    column: NDArray[np.int64]
    quantity: NDArray[np.int64]
    price: NDArray[np.int64]


class Account:
    """Cash, quantities, and a record of all that was traded and cut."""

    def __init__(
        self,
        symbols: tuple[str, ...],
        cash: int,
        cost_model: contracts.CostModel,
        fill_model: contracts.FillModel | None = None,
    ) -> None:
        self.symbols = symbols
        self.cash = cash
        self.quantity = np.zeros(len(symbols), np.int64)
        self._cost_model = cost_model
        self._trade_cost_model = (
            cost_model if isinstance(cost_model, contracts.TradeCostModel) else None
        )
        self._fill_model = fill_model
        self._asked_in = -1
        self._trades: list[tuple[Any, ...]] = []
        self._cuts: list[tuple[Any, ...]] = []

    def value(self, mark: NDArray[np.int64]) -> tuple[NDArray[Any], int]:
        """Value of each holding, and equity."""
        values = products(self.quantity, mark)
        return values, self.cash + int(values.sum())

    def wanted(
        self,
        period: int,
        weights: NDArray[np.float64],
        values: NDArray[Any],
        equity: int,
        mark: NDArray[np.int64],
    ) -> NDArray[Any]:
        """Lots that move each holding towards its target weight, truncated towards zero."""
        with np.errstate(over="ignore"):  # said better below
            targets = float(equity) * weights
        if not np.isfinite(targets).all():
            column = int(np.flatnonzero(~np.isfinite(targets))[0])
            raise beyond(period, self.symbols[column], f"weight {weights[column]}")
        lots: NDArray[Any] = quotient(truncated(targets) - values, np.maximum(mark, 1))
        return lots

    def cut(self, period: int, quantity: NDArray[Any], reason: str) -> None:
        """Record what will not be traded, where it is not 0."""
        columns = np.flatnonzero(quantity)
        if columns.size:
            row = (period, columns, quantity[columns], CUT_REASONS.index(reason))
            self._cuts.append(row)

    def trade(
        self,
        period: int,
        lots: NDArray[Any],
        price: NDArray[np.int64],
        reason: NDArray[np.uint8] | int = 0,
        *,
        scale_to_cash: bool = False,
    ) -> Orders:
        """Trade these lots, or what the cash and the fill model allow of them, and say what."""
        lots = self.int64(period, lots)
        # What the whole order would give is refused before any of it is done.
        self.int64(period, total(self.quantity, lots))
        columns = np.flatnonzero(lots)
        orders = Orders(columns, lots[columns], price[columns])
        if scale_to_cash:
            orders = self._affordable(period, orders)
        if self._fill_model is not None and orders.column.size:
            orders = self._filled(period, orders, reason, self._fill_model)
        self._book(period, orders, reason)
        return orders

    def _book(self, period: int, orders: Orders, reason: NDArray[np.uint8] | int) -> None:
        column, bought, paid = orders.column, orders.quantity, orders.price
        costs = self._costs(period, column, bought, paid)
        # Parts of an order have one sign, so no sum on the way is beyond that of all of them.
        np.add.at(self.quantity, column, bought)
        self.cash -= dot(bought, paid) + sum(costs.tolist())
        if column.size:
            why = reason if isinstance(reason, int) else reason[column]
            self._trades.append((period, column, bought, paid, costs, why))

    def _costs(
        self,
        period: int,
        column: NDArray[np.int64],
        quantity: NDArray[np.int64],
        price: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        if self._trade_cost_model is None:
            return charges(self._cost_model, quantity, price)
        request = contracts.CostRequest(
            period=period, symbols=self.symbols, column=column, quantity=quantity, price=price
        )
        return trade_charges(self._trade_cost_model, request)

    def _affordable(self, period: int, orders: Orders) -> Orders:
        """Cut what opens long positions, all by one factor, until cash pays for it.

        The factor starts at what would do if costs were proportional, rounded up, and gives way
        faster with every step in which that was too much; it ends at 0.
        """
        column, lots, price = orders.column, orders.quantity, orders.price

        def spend(quantity: NDArray[np.int64]) -> int:
            costs: list[int] = self._costs(period, column, quantity, price).tolist()
            return dot(quantity, price) + sum(costs)

        if spend(lots) <= self.cash:
            return orders
        short = np.maximum(-self.quantity[column], 0)
        opening = np.where(lots > 0, np.maximum(lots - short, 0), 0)
        fixed = lots - opening
        base = spend(fixed)
        available = self.cash - base
        factor = 1 << SCALE
        for step in range(SCALE + 1):
            scaled = fixed + _scaled(opening, factor)
            spent = spend(scaled) - base
            if spent <= available or factor == 0:
                break
            factor = smaller_factor(factor, step, available, spent)
        scaled = fixed + _scaled(opening, factor)
        lost = np.zeros_like(self.quantity)
        lost[column] = lots - scaled
        self.cut(period, lost, "cash")
        kept = np.flatnonzero(scaled)
        return Orders(column[kept], scaled[kept], price[kept])

    def _filled(
        self,
        period: int,
        orders: Orders,
        reason: NDArray[np.uint8] | int,
        model: contracts.FillModel,
    ) -> Orders:
        why = np.broadcast_to(reason, self.quantity.shape)[orders.column]
        is_first, self._asked_in = period != self._asked_in, period
        fills = fills_of(
            model,
            contracts.FillRequest(
                period=period,
                is_first=is_first,
                symbols=self.symbols,
                column=orders.column,
                quantity=orders.quantity,
                price=orders.price,
                is_stop=why > 0,
                filled=self._traded(period)[orders.column],
            ),
        )
        done = np.zeros_like(orders.quantity)
        np.add.at(done, fills.order, fills.quantity)
        for is_cut, name in ((why == 0, "unfilled"), (why > 0, "stop_unfilled")):
            lost = np.zeros_like(self.quantity)
            lost[orders.column] = np.where(is_cut, orders.quantity - done, 0)
            self.cut(period, lost, name)
        return Orders(orders.column[fills.order], fills.quantity, fills.price)

    def _traded(self, period: int) -> NDArray[np.int64]:
        """Lots of each symbol, without a sign, that have been traded in this period so far."""
        traded = np.zeros_like(self.quantity)
        for when, column, quantity, *_ in reversed(self._trades):
            if when != period:
                break
            np.add.at(traded, column, np.abs(quantity))
        return traded

    def int64(self, period: int, lots: NDArray[Any]) -> NDArray[np.int64]:
        """Lots of all symbols as int64; an OverflowError that names the first that does not fit."""
        if lots.dtype == object:
            for symbol, lot in zip(self.symbols, lots.tolist(), strict=True):
                if abs(lot) > INT64_MAX:
                    raise beyond(period, symbol, f"quantity {lot}")
        return lots.astype(np.int64, copy=False)

    def set_quantity(self, period: int, column: int, quantity: int) -> None:
        """Hold this without a trade, as after a split."""
        if abs(quantity) > INT64_MAX:
            raise beyond(period, self.symbols[column], f"quantity {quantity}")
        self.quantity[column] = quantity

    def settle(self, period: int, column: int, worth: int, reason: int) -> None:
        """Turn a position into money, without costs."""
        held = int(self.quantity[column])
        if held:
            self.cash += held * worth
            self.quantity[column] = 0
            one = np.array([column])
            sold, paid = np.array([-held]), np.array([worth])
            self._trades.append((period, one, sold, paid, np.zeros(1, np.int64), reason))

    def records(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """All fills, of dtype TRADES, and all that was cut, of dtype CUTS."""
        return _table(self._trades, TRADES), _table(self._cuts, CUTS)


def total(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[Any]:
    """Sum of quantities, exact: Python ints where one of them could wrap."""
    if max(np.abs(first).max(initial=0), np.abs(second).max(initial=0)) < _SAFE_SUM:
        return first + second
    exact: NDArray[Any] = first.astype(object) + second.astype(object)
    return exact


def smaller_factor(factor: int, step: int, available: int, spent: int) -> int:
    """The factor of 2^-SCALE to try after this one, which spent too much; 0 after SCALE steps."""
    if available <= 0:
        return 0
    if step == 0:
        return -(-factor * available // spent)
    less = factor >> (SCALE - step)
    return max(0, factor * available // spent - less)


def _scaled(quantity: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Quantities of at least 0 times `factor / 2^32`, rounded down."""
    if quantity.max(initial=0) < _SAFE_FACTOR:
        return quantity * factor >> SCALE
    return (quantity.astype(object) * factor >> SCALE).astype(np.int64)


def _table(parts: list[tuple[Any, ...]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Parts of (period, columns, …) as one structured array."""
    lengths = [len(part[1]) for part in parts]
    table = np.zeros(sum(lengths), dtype)
    if parts:
        table["period"] = np.repeat([part[0] for part in parts], lengths)
        for place, name in enumerate(dtype.names or ()):
            if place:
                table[name] = np.concatenate(
                    [np.broadcast_to(part[place], len(part[1])) for part in parts]
                )
    return table


def beyond(period: int, symbol: str, what: str) -> OverflowError:
    """Say which symbol would be held in a quantity that does not fit."""
    return OverflowError(
        f"period {period}, symbol {symbol!r}: {what} gives a quantity beyond +-(2^63-1). "
        "Use a smaller weight or less cash."
    )
