"""What a simulation's tables say, as the rows and records of a result."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from nanobook_core.portfolio.money import SAFE
from nanobook_core.portfolio.simulation import TRADE_REASONS, Simulation
from nanobook_core.portfolio.stop import Reason

Rows: TypeAlias = list[list[tuple[str, float]]]


class StopRow(TypedDict):
    """One entry of `stop_events`."""

    period_index: int
    symbol: str
    trigger_price: int
    exit_price: int
    reason: Reason


def rows(
    symbols: tuple[str, ...], table: NDArray[np.float64], is_listed: NDArray[np.bool_]
) -> Rows:
    """Rows of `(symbol, value)` pairs, sorted by symbol, of the cells to list."""
    order = sorted(range(len(symbols)), key=symbols.__getitem__)
    names = [symbols[column] for column in order]
    return [
        [(name, value) for name, value, listed in zip(names, *lists, strict=True) if listed]
        for lists in zip(table[:, order].tolist(), is_listed[:, order].tolist(), strict=True)
    ]


def held_weights(run: Simulation) -> NDArray[np.float64]:
    """Value held over equity at the end of each period, by symbol; NaN where equity is 0.

    Values are exact before they are rounded to a float.
    """
    equity = run.equity[1:].astype(np.float64)[:, None]
    size = np.abs(run.quantities.astype(np.float64)) * run.marks
    values: NDArray[Any] = run.quantities * run.marks
    if size.max(initial=0.0) >= SAFE:
        values = (run.quantities.astype(object) * run.marks.astype(object)).astype(np.float64)
    weights = np.full(size.shape, np.nan)
    np.divide(values, equity, out=weights, where=equity != 0.0)
    return weights


def symbol_returns(run: Simulation) -> NDArray[np.float64]:
    """Change of each price since the period before over it; NaN where one of them is missing.

    What one share has become counts: a price after a split is that of all its new shares.
    Dividends do not.
    """
    returns = np.full(run.prices.shape, np.nan)
    before, now = run.prices[:-1], run.prices[1:]
    np.divide(now - before, before, out=returns[1:], where=(before > 0) & (now > 0))
    for period, ratios in run.splits.items():
        for column, ratio in ratios.items():
            if not np.isnan(returns[period, column]):
                old, new = (int(run.prices[at, column]) for at in (period - 1, period))
                returns[period, column] = float(Fraction(new * ratio - old) / old)
    return returns


def stop_rows(run: Simulation) -> list[dict[str, Any]]:
    """Return what each stop did, as a `StopRow`, in the order in which they fired."""
    return [
        {
            "period_index": period,
            "symbol": run.symbols[column],
            "trigger_price": level,
            "exit_price": exit_price,
            "reason": TRADE_REASONS[reason],
        }
        for period, column, level, exit_price, reason, _ in run.stops.tolist()
    ]


def labelled(
    table: NDArray[Any], symbols: tuple[str, ...], reasons: tuple[str, ...]
) -> NDArray[Any]:
    """Return a table of trades or cuts with names for columns and reasons."""
    fields = {
        name: table[name] for name in table.dtype.names or () if name not in ("column", "reason")
    }
    fields["symbol"] = np.array(symbols or ("",))[table["column"]]
    fields["reason"] = np.array(reasons)[table["reason"]]
    order = [n for n in ("period", "symbol", "quantity", "price", "cost", "reason") if n in fields]
    found = np.empty(len(table), [(name, fields[name].dtype) for name in order])
    for name in order:
        found[name] = fields[name]
    return found
