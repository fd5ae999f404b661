"""The tables of a result, as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.drawdown import underwater

if TYPE_CHECKING:
    from nanobook_core.portfolio.result import BacktestResult


def columns(result: BacktestResult, table: str) -> dict[str, Any]:
    """Return a table of a result, column by column; `date` or `period` first.

    Raises:
        ValidationError: there is no table of that name.

    """
    make = TABLES.get(table) if isinstance(table, str) else None
    if make is None:
        raise ValidationError(f"table is one of {', '.join(TABLES)}; got {shown(table)}")
    return make(result)


def _when(result: BacktestResult, period: NDArray[np.int64] | None = None) -> dict[str, Any]:
    periods = np.arange(len(result["returns"])) if period is None else period
    if result.dates is None:
        return {"period": periods}
    return {"date": result.dates.astype("datetime64[ns]")[periods]}


def _periods(result: BacktestResult) -> dict[str, Any]:
    returns = np.array(result["returns"], np.float64)
    return _when(result) | {
        "equity": _money(result["equity_curve"][1:]),
        "return": returns,
        "cash": _money(result.cash),
        "drawdown": underwater(returns),
        "turnover": result.turnover.gross,
    }


def _money(amounts: list[int]) -> Any:
    if max(amounts, default=0) < 2**63 and min(amounts, default=0) >= -(2**63):
        return np.array(amounts, np.int64)
    return [Decimal(amount) for amount in amounts]


def _events(name: str) -> Callable[[BacktestResult], dict[str, Any]]:
    def table(result: BacktestResult) -> dict[str, Any]:
        rows: NDArray[Any] = getattr(result, name)
        named = {
            field: rows[field].tolist() if rows[field].dtype.kind == "U" else rows[field].copy()
            for field in rows.dtype.names or ()
            if field != "period"
        }
        return _when(result, rows["period"]) | named

    return table


def _stop_events(result: BacktestResult) -> dict[str, Any]:
    rows = result["stop_events"]
    period = np.array([row["period_index"] for row in rows], np.int64)
    names = ("symbol", "trigger_price", "exit_price", "reason")
    return _when(result, period) | {
        name: [row[name] for row in rows]  # type: ignore[literal-required]  # names of its fields
        for name in names
    }


def _holdings(result: BacktestResult) -> dict[str, Any]:
    period, column = np.nonzero(result.quantities)
    return _when(result, period) | {
        "symbol": [result.symbols[place] for place in column.tolist()],
        "quantity": result.quantities[period, column],
        "weight": result.weights[period, column],
    }


def _contributions(result: BacktestResult) -> dict[str, Any]:
    return _when(result) | _by_symbol(result, result.contributions)


def _by_symbol(result: BacktestResult, table: NDArray[Any]) -> dict[str, Any]:
    return {symbol: table[:, place].copy() for place, symbol in enumerate(result.symbols)}


def _drawdowns(result: BacktestResult) -> dict[str, Any]:
    names = ("depth", "peak", "trough", "recovery")
    return {name: [getattr(found, name) for found in result.drawdowns] for name in names}


def _months(result: BacktestResult) -> dict[str, Any]:
    months = result.monthly_returns
    return {"month": list(months), "return": list(months.values())}


TABLES: Mapping[str, Callable[[BacktestResult], dict[str, Any]]] = {
    "periods": _periods,
    "trades": _events("trades"),
    "skipped": _events("skipped"),
    "stop_events": _stop_events,
    "holdings": _holdings,
    "contributions": _contributions,
    "drawdowns": _drawdowns,
    "monthly_returns": _months,
}
