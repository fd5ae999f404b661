"""Simulation of target weights on a table of prices."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import cmp_using, field, frozen
from numpy.typing import NDArray

from nanobook_core import contracts
from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.cost import charge
from nanobook_core.portfolio.money import dot, products, quotient, truncated, whole
from nanobook_core.portfolio.stop import StopEvent, Stops, StopTracker
from nanobook_core.types import INT64_MAX


def _same(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return np.array_equal(first, second, equal_nan=True)


_table: Any = field(eq=cmp_using(eq=_same))


@frozen(kw_only=True)
class Simulation:
    """What a simulation gave, period by period. Money is in Python ints; tables are not copied."""

    symbols: tuple[str, ...]
    """Names of the columns of all tables."""
    equity: tuple[int, ...]
    """At the start and at the end of each period: `n_periods + 1` values."""
    returns: tuple[float, ...]
    """Change of equity over equity before; 0.0 where that is not positive."""
    quantities: NDArray[np.int64] = _table
    """Held at the end of each period, signed, in lots; shape `(n_periods, n_symbols)`."""
    weights: NDArray[np.float64] = _table
    """Value held over equity at the end of each period, same shape; NaN where equity is 0."""
    symbol_returns: NDArray[np.float64] = _table
    """Price over the previous period's, minus 1, same shape; NaN where either is absent."""
    stop_events: tuple[StopEvent, ...]
    """By period, then by column."""
    final_cash: int
    ruined_at: int | None
    """First period in which equity was 0 or less; from there on nothing was traded."""


def simulate(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    *,
    symbols: tuple[str, ...],
    initial_cash: int,
    cost_model: contracts.CostModel,
    stops: Stops | None = None,
) -> Simulation:
    """Hold target weights period by period, in whole lots, trading at the period's price.

    `weights` and `prices` have shape `(n_periods, n_symbols)`. A row of weights all NaN trades
    nothing; a price of 0 is absent: the symbol is valued at its last price and not traded. In each
    period equity is fixed, then every holding is moved towards `trunc(equity * weight)` by
    `trunc((target - value) / price)` lots, then stops are tested, then the period is marked at the
    same price. So 100 % invested plus costs makes cash negative; cash and leverage are not limited.
    Equity of 0 or less, before the trades of a period or at its mark, ends trading and stops;
    positions stay and are marked on.

    Raises, naming period and symbol where there are any:
        TypeError: a table that is not an array of the dtype above. ValidationError: symbols that
            repeat, a row of weights that is partly NaN, an infinite weight, a negative price,
            a weight other than 0 for a symbol that has had no price yet, or tables of another
            shape.
        OverflowError: a quantity beyond +-(2^63-1).

    Runtime complexity: O(n_periods * n_symbols), vectorised over symbols.
    """
    n_periods, n_symbols = _shape(weights, prices, symbols)
    holds = np.logical_and.reduce(np.isnan(weights), axis=1)
    _check(weights, prices, symbols, holds)
    marks = _carried(prices)
    account = _Account(symbols, whole(initial_cash, "initial_cash"), cost_model)
    tracker = None
    if stops is not None and stops.is_active:
        tracker = StopTracker(stops, n_symbols, n_periods, int(prices.max(initial=0)))

    equity = [account.cash]
    returns: list[float] = []
    events: list[StopEvent] = []
    quantities = np.zeros((n_periods, n_symbols), np.int64)
    held = np.zeros((n_periods, n_symbols))
    ruined_at = None
    for period in range(n_periods):
        price, is_priced = marks[period], prices[period] > 0
        if ruined_at is None:
            values, before = account.value(price)
            if before <= 0:
                ruined_at = period
            else:
                if not holds[period]:
                    account.rebalance(period, weights[period], values, before, price, is_priced)
                if tracker is not None:
                    events += account.stop(period, tracker, price, is_priced)
        values, after = account.value(price)
        if after <= 0 and ruined_at is None:
            ruined_at = period
        returns.append(change(equity[-1], after))
        equity.append(after)
        quantities[period] = account.quantity
        held[period] = values.astype(np.float64) / float(after) if after else np.nan
    return Simulation(
        symbols=symbols,
        equity=tuple(equity),
        returns=tuple(returns),
        quantities=quantities,
        weights=held,
        symbol_returns=_symbol_returns(prices),
        stop_events=tuple(events),
        final_cash=account.cash,
        ruined_at=ruined_at,
    )


def change(before: int, after: int) -> float:
    """Return on equity of a period; 0.0 where there was none to earn it on."""
    # Both rounded to float64 first, as the original does; int / int would be exact.
    return float(after - before) / float(before) if before > 0 else 0.0


class _Account:
    """Cash and quantities, and the steps that change them."""

    def __init__(
        self, symbols: tuple[str, ...], cash: int, cost_model: contracts.CostModel
    ) -> None:
        self.symbols = symbols
        self.cash = cash
        self.quantity = np.zeros(len(symbols), np.int64)
        self._cost_model = cost_model

    def value(self, price: NDArray[np.int64]) -> tuple[NDArray[Any], int]:
        """Value of each holding, and equity."""
        values = products(self.quantity, price)
        return values, self.cash + int(values.sum())

    def rebalance(  # noqa: PLR0917 - all that the step depends on
        self,
        period: int,
        weights: NDArray[np.float64],
        values: NDArray[Any],
        equity: int,
        price: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
    ) -> None:
        with np.errstate(over="ignore"):
            wanted = float(equity) * weights
        if not np.isfinite(wanted).all():
            column = int(np.flatnonzero(~np.isfinite(wanted))[0])
            raise _beyond(period, self.symbols[column], f"weight {weights[column]}")
        lots = quotient(truncated(wanted) - values, np.maximum(price, 1))
        self._trade(period, np.where(is_priced, lots, 0), price)

    def stop(
        self,
        period: int,
        tracker: StopTracker,
        price: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
    ) -> list[StopEvent]:
        breach = tracker.update(self.quantity, price, is_priced)
        if not breach.columns.size:
            return []
        lots = np.zeros_like(self.quantity)
        lots[breach.columns] = -self.quantity[breach.columns]
        self._trade(period, lots, price)
        tracker.close(breach.columns)
        return [
            StopEvent(
                period_index=period,
                symbol=self.symbols[column],
                trigger_price=level,
                exit_price=exit_price,
                reason=reason,
            )
            for column, level, exit_price, reason in zip(
                breach.columns.tolist(),
                breach.levels.tolist(),
                price[breach.columns].tolist(),
                breach.reasons,
                strict=True,
            )
        ]

    def _trade(self, period: int, lots: NDArray[Any], price: NDArray[np.int64]) -> None:
        quantity = self._int64(period, self.quantity + lots)
        traded = np.flatnonzero(lots)
        bought, paid = self._int64(period, lots)[traded], price[traded]
        self.cash -= dot(bought, paid) + charge(self._cost_model, bought, paid)
        self.quantity = quantity

    def _int64(self, period: int, lots: NDArray[Any]) -> NDArray[np.int64]:
        if lots.dtype == object:
            for symbol, lot in zip(self.symbols, lots.tolist(), strict=True):
                if abs(lot) > INT64_MAX:
                    raise _beyond(period, symbol, f"quantity {lot}")
        return lots.astype(np.int64, copy=False)


def _beyond(period: int, symbol: str, what: str) -> OverflowError:
    return OverflowError(
        f"period {period}, symbol {symbol!r}: {what} gives a quantity beyond +-(2^63-1). "
        "Use a smaller weight or less cash."
    )


def _shape(
    weights: NDArray[np.float64], prices: NDArray[np.int64], symbols: tuple[str, ...]
) -> tuple[int, int]:
    for name, table, dtype in (("weights", weights, np.float64), ("prices", prices, np.int64)):
        if not isinstance(table, np.ndarray) or table.dtype != dtype:
            given = table.dtype if isinstance(table, np.ndarray) else type(table).__name__
            raise TypeError(f"{name} is an array of {np.dtype(dtype)}, got one of {given}")
    if len(set(symbols)) != len(symbols):
        raise ValidationError(f"symbols must differ from one another, got {shown(symbols)}")
    if not weights.shape == prices.shape == (len(prices), len(symbols)):
        raise ValidationError(
            f"weights and prices have shape (n_periods, {len(symbols)}), one column a symbol; "
            f"got {weights.shape} and {prices.shape}"
        )
    return len(prices), len(symbols)


def _check(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    symbols: tuple[str, ...],
    holds: NDArray[np.bool_],
) -> None:
    targets = np.where(holds[:, None], 0.0, weights)
    is_known = np.logical_or.accumulate(prices > 0, axis=0)
    for is_wrong, table, fault in (
        (prices < 0, prices, "price {} is negative. Give 0 where there is none."),
        (
            ~np.isfinite(targets),
            weights,
            "weight {} is not finite. Only a row all NaN has a meaning: hold.",
        ),
        (
            (targets != 0.0) & ~is_known,
            weights,
            "weight {} for a symbol that has had no price yet. Give a price, or weight 0.",
        ),
    ):
        if is_wrong.any():
            period, column = np.argwhere(is_wrong)[0].tolist()
            what = fault.format(table[period, column])
            raise ValidationError(f"period {period}, symbol {symbols[column]!r}: {what}")


def _carried(prices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Prices with the last one carried into gaps; 0 before the first."""
    if (prices > 0).all():
        return prices
    source = np.where(prices > 0, np.arange(len(prices))[:, None], 0)
    return np.take_along_axis(prices, np.maximum.accumulate(source, axis=0), axis=0)


def _symbol_returns(prices: NDArray[np.int64]) -> NDArray[np.float64]:
    returns = np.full(prices.shape, np.nan)
    before, now = prices[:-1], prices[1:]
    np.divide(now - before, before, out=returns[1:], where=(before > 0) & (now > 0))
    return returns
