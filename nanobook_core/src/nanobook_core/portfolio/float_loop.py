"""Simulation in floats, three times as fast as `loop`, while all of them are exact integers.

For basis points as costs, fixed and trailing stops, and nothing else; what is beyond that, and any
amount that could be rounded, is left to `loop`. There is no second meaning: where both can, they
give the same to the last unit, and tests hold them to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.contracts import Run
from nanobook_core.portfolio.account import SCALE, smaller_factor
from nanobook_core.portfolio.cost import BPS
from nanobook_core.portfolio.mark import carried, check_tables
from nanobook_core.portfolio.stop import Stops, nearest_levels

#: Integers below 2^53 are exact, and so are their sums, products and quotients that stay below it;
#: bounds are estimated in floats, so they stop short of it. What is not a whole quotient lies too
#: far from the next whole number to be rounded to it.
_EXACT = 2.0**52
#: Times a factor of up to 2^SCALE, it is exact.
_FEW = _EXACT / 2**SCALE


def simulate_floats(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    symbols: tuple[str, ...],
    *,
    initial_cash: int,
    cost_bps: int,
    minimum_fee: int,
    stops: Stops,
    scale_to_cash: bool,
) -> Run | None:
    """All periods, as `loop.simulate_tables`, or None where that has to do it.

    Runtime complexity: O(n_periods * n_symbols), vectorised over symbols.
    """
    holds = check_tables(weights, prices, symbols)
    fee = max(minimum_fee, 0)
    if (
        not prices.size
        or stops.atr_multiple
        or max(int(prices.max()), abs(initial_cash), fee * len(symbols)) >= _EXACT
    ):
        return None
    book = _Book(float(initial_cash), len(symbols), float(cost_bps), float(fee), stops)
    with np.errstate(over="ignore"):  # what is infinite is not exact
        exposure = np.abs(weights).sum(axis=1)
    exposure[holds] = 0.0
    marks = carried(prices, {}, symbols).astype(np.float64)
    divisors = np.maximum(marks, 1.0)
    is_gapless: NDArray[np.bool_] = np.logical_and.reduce(prices > 0, axis=1)
    equity_curve, cash_curve = [float(initial_cash)], []
    quantities = np.empty(prices.shape, np.int64)
    ruined_at = None
    for period, mark in enumerate(marks):
        values = book.quantity * mark
        equity = book.cash + float(values.sum())
        size = float(np.abs(values).sum()) + abs(equity) * float(exposure[period])
        # Of the orders, and of what they cost; not exact where it matters, nor a number.
        if not (size + abs(book.cash)) * max(cost_bps, 1) < _EXACT:
            return None
        if ruined_at is None and equity > 0.0:
            if not holds[period]:
                lots = np.trunc(equity * weights[period])
                lots -= values
                lots /= divisors[period]
                np.trunc(lots, out=lots)
                if not is_gapless[period]:
                    lots *= prices[period] > 0
                if scale_to_cash and not book.afford(lots, mark):
                    return None
                equity -= book.trade(lots, mark)
            if stops.is_active:
                equity -= book.stop(period, mark)
        if ruined_at is None and equity <= 0.0:
            ruined_at = period
        equity_curve.append(equity)
        cash_curve.append(book.cash)
        quantities[period] = book.quantity
    column, level, quantity, reason = (
        np.concatenate([np.zeros(0, np.int64), *parts]) for parts in book.stopped[1:]
    )
    return Run(
        equity=np.array(equity_curve).astype(np.int64),
        cash=np.array(cash_curve).astype(np.int64),
        quantities=quantities,
        stop_period=np.repeat(
            np.array(book.stopped[0], np.int64), [len(part) for part in book.stopped[1]]
        ),
        stop_column=column,
        stop_level=level,
        stop_quantity=quantity,
        stop_reason=reason,
        ruined_at=ruined_at,
    )


class _Book:
    """Cash and holdings, and what stops remember of them: signs, entries and best prices."""

    def __init__(
        self, cash: float, n_symbols: int, cost_bps: float, minimum_fee: float, stops: Stops
    ) -> None:
        self.cash = cash
        self.quantity = np.zeros(n_symbols)
        self.stopped: tuple[list[Any], ...] = ([], [], [], [], [])
        """Periods, and of each of them columns, levels, quantities traded and reasons."""
        self._cost_bps, self._minimum_fee = cost_bps, minimum_fee
        self._stops = stops
        self._side, self._entry, self._best = np.zeros((3, n_symbols))

    def trade(self, lots: NDArray[np.float64], price: NDArray[np.float64]) -> float:
        """Trade these lots and return what that costs."""
        self.quantity += lots
        return self._pay(lots, price)

    def _pay(self, lots: NDArray[np.float64], price: NDArray[np.float64]) -> float:
        moved, costs = self._bill(lots, price)
        self.cash -= moved + costs
        return costs

    def _bill(self, lots: NDArray[np.float64], price: NDArray[np.float64]) -> tuple[float, float]:
        """What these lots move from cash into holdings, and what they cost."""
        notional = lots * price
        moved = float(notional.sum())
        costs = np.abs(notional, out=notional)
        costs *= self._cost_bps
        costs /= BPS
        np.floor(costs, out=costs)
        if self._minimum_fee:
            np.maximum(costs, self._minimum_fee, out=costs, where=lots != 0.0)
        return moved, float(costs.sum())

    def afford(self, lots: NDArray[np.float64], price: NDArray[np.float64]) -> bool:
        """Cut lots to what cash pays for, as `Account` does; False where they are too many."""
        spent = sum(self._bill(lots, price))
        if spent <= self.cash:
            return True
        short = np.maximum(-self.quantity, 0.0)
        opening = np.maximum(lots - short, 0.0)
        if opening.max() >= _FEW:
            return False
        fixed = np.minimum(lots, short)
        base = sum(self._bill(fixed, price))
        factor = 1 << SCALE
        for step in range(SCALE + 1):
            factor = smaller_factor(factor, step, int(self.cash - base), int(spent - base))
            lots[:] = fixed + np.floor(opening * factor / (1 << SCALE))
            spent = sum(self._bill(lots, price))
            if spent <= self.cash or factor == 0:
                break
        return True

    def stop(self, period: int, price: NDArray[np.float64]) -> float:
        """Close what is breached at the price, and return what that costs.

        A symbol without a price is at its last, at which it has been tested: nothing is closed.
        """
        side = np.sign(self.quantity)
        is_new = side != self._side
        self._side = side
        np.copyto(self._entry, price, where=is_new)
        np.copyto(self._best, price, where=is_new)
        is_short = side < 0.0
        has_short = bool(is_short.any())
        lower = np.minimum(self._best, price) if has_short else price
        np.maximum(self._best, price, out=self._best)
        np.copyto(self._best, lower, where=is_short)
        columns = np.flatnonzero(self._is_near(price, has_short=has_short))
        if not columns.size:
            return 0.0
        levels, reasons = nearest_levels(
            self._stops, side[columns] > 0.0, self._entry[columns], self._best[columns]
        )
        is_breached = np.where(
            side[columns] > 0.0, price[columns] <= levels, price[columns] >= levels
        )
        columns = columns[is_breached]
        lots = -self.quantity[columns]
        self.stopped[0].append(period)
        for kept, part in zip(
            self.stopped[1:],
            (columns, levels[is_breached], lots.astype(np.int64), reasons[is_breached]),
            strict=True,
        ):
            kept.append(part)
        self.quantity[columns] = self._side[columns] = 0.0
        return self._pay(lots, price[columns])

    def _is_near(self, price: NDArray[np.float64], *, has_short: bool) -> NDArray[np.bool_]:
        """Whether a price may be beyond a level, which rounding moves by less than 1."""
        near = (price - 1.0 <= self._outermost(-1.0, np.maximum)) & (self._side > 0.0)
        if has_short:
            near |= (price + 1.0 >= self._outermost(1.0, np.minimum)) & (self._side < 0.0)
        return near

    def _outermost(self, sign: float, nearer: np.ufunc) -> NDArray[np.float64]:
        """Of the levels of one side the nearer ones, not rounded."""
        stops = self._stops
        fixed: NDArray[np.float64] = self._entry * (1.0 + sign * stops.fixed)
        trailing: NDArray[np.float64] = self._best * (1.0 + sign * stops.trailing)
        if not stops.fixed:
            return trailing
        level: NDArray[np.float64] = nearer(fixed, trailing) if stops.trailing else fixed
        return level
