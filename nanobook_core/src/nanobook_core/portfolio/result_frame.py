"""The tables of a result, as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.contracts.frame import to_frame
from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.drawdown import underwater

if TYPE_CHECKING:
    from nanobook_core.portfolio.result import BacktestResult


#: Digits of the largest amount that each can hold; pandas keeps Decimals as they are.
_DIGITS = {"polars": 38, "pyarrow": 76}


def frame(result: BacktestResult, table: str, backend: str) -> Any:
    """Return a table of a result, `date` or `period` first; an empty one has types too.

    Money is int64 where all of a column fits, else Decimals.

    Raises:
        ValidationError: there is no table of that name, or a symbol is named as its first column.
        OverflowError: the backend has no numbers as large as an amount is.
        ImportError: the backend is not installed.

    """
    make = TABLES.get(table) if isinstance(table, str) else None
    if make is None:
        raise ValidationError(f"table is one of {', '.join(TABLES)}; got {shown(table)}")
    columns = make(result)
    if backend in _DIGITS:
        _check_digits(columns, backend)
    made = to_frame(columns, backend)
    if backend == "pandas" and table == "drawdowns":  # would be floats where one is absent
        made["recovery"] = made["recovery"].astype("Int64")
    return made


def _check_digits(columns: Mapping[str, Any], backend: str) -> None:
    for name, column in columns.items():
        if isinstance(column, list) and column and isinstance(column[0], Decimal):
            digits = max(amount.adjusted() for amount in column) + 1
            if digits > _DIGITS[backend]:
                raise OverflowError(
                    f"column {name!r} has an amount of {digits} digits, and {backend} takes "
                    f"{_DIGITS[backend]}; to_pandas takes any"
                )


def _when(result: BacktestResult, period: NDArray[np.int64] | None = None) -> dict[str, Any]:
    periods = np.arange(len(result["returns"])) if period is None else period
    if result.dates is None:
        return {"period": periods}
    return {"date": _stamps(result.dates)[periods]}


def _stamps(dates: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    # As pandas has them; nanoseconds end in 2262, and numpy wraps beyond without a word.
    stamps = dates.astype("datetime64[ns]")
    fits = (stamps.astype(dates.dtype) == dates) | np.isnat(dates)
    return stamps if fits.all() else dates.astype("datetime64[us]")


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
        fields = [field for field in rows.dtype.names or () if field != "period"]
        return _when(result, rows["period"]) | {field: rows[field].copy() for field in fields}

    return table


def _stop_events(result: BacktestResult) -> dict[str, Any]:
    rows = result["stop_events"]
    period = np.array([row["period_index"] for row in rows], np.int64)
    return _when(result, period) | {
        "symbol": np.array([row["symbol"] for row in rows], np.str_),
        "trigger_price": np.array([row["trigger_price"] for row in rows], np.int64),
        "exit_price": np.array([row["exit_price"] for row in rows], np.int64),
        "reason": np.array([row["reason"] for row in rows], np.str_),
    }


def _holdings(result: BacktestResult) -> dict[str, Any]:
    period, column = np.nonzero(result.quantities)
    return _when(result, period) | {
        "symbol": np.array(result.symbols, np.str_)[column],
        "quantity": result.quantities[period, column],
        "weight": result.weights[period, column],
    }


def _contributions(result: BacktestResult) -> dict[str, Any]:
    when, table = _when(result), result.contributions
    (first,) = when
    if first in result.symbols:
        raise ValidationError(
            f"the table's first column is named {first!r}, and so is a symbol; the attribute "
            "`contributions` has the same as an array"
        )
    return when | {symbol: table[:, place].copy() for place, symbol in enumerate(result.symbols)}


def _drawdowns(result: BacktestResult) -> dict[str, Any]:
    found = result.drawdowns
    recovery = [drawdown.recovery for drawdown in found]
    table: dict[str, Any] = {
        "depth": np.array([drawdown.depth for drawdown in found], np.float64),
        "peak": np.array([drawdown.peak for drawdown in found], np.int64),
        "trough": np.array([drawdown.trough for drawdown in found], np.int64),
        "recovery": recovery if None in recovery else np.array(recovery, np.int64),
        "length": np.array([drawdown.length for drawdown in found], np.int64),
    }
    if result.dates is not None:
        for name in ("peak_date", "trough_date", "recovery_date"):
            dates = [getattr(drawdown, name) for drawdown in found]
            table[name] = _stamps(np.array(dates, result.dates.dtype))
    return table


def _months(result: BacktestResult) -> dict[str, Any]:
    months = result.monthly_returns
    return {
        "month": np.array(list(months), np.str_),
        "return": np.array(list(months.values()), np.float64),
    }


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
