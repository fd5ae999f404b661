"""A result as a document of plain values, and a document, when it is one, as a result."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.loop import money_array
from nanobook_core.portfolio.metrics import as_series, compute_metrics
from nanobook_core.portfolio.result_check import check_run
from nanobook_core.portfolio.simulation import (
    CUT_REASONS,
    CUTS,
    FLOWS,
    STOPS,
    TRADE_REASONS,
    TRADES,
    Simulation,
)
from nanobook_core.portfolio.unit import unit_of

if TYPE_CHECKING:
    from nanobook_core.portfolio.result import BacktestResult

_Kind = TypeVar("_Kind")

SCHEMA = "nanobook.backtest/1"

#: What has one value, or one row of values, a period.
TABLES = ("equity", "cash", "returns", "quantities", "prices", "marks")

_DATE = re.compile(r"[-+]?\d{4,}(-\d\d){0,2}(T\d\d(:\d\d){0,2}(\.\d+)?)?", re.ASCII)
_RATIO = re.compile(r"[1-9]\d*(/[1-9]\d*)?", re.ASCII)


def document(result: BacktestResult) -> dict[str, Any]:
    """Return all of a result but what follows from the rest, as ints, floats, strings and lists."""
    run: Simulation = result._simulation  # noqa: SLF001 - this is its file format
    return {
        "schema": SCHEMA,
        "symbols": list(run.symbols),
        "dates": None if result.dates is None else [str(date) for date in result.dates],
        "periods_per_year": result.periods_per_year,
        "risk_free": result.risk_free,
        "price_unit": None if result.price_unit is None else str(result.price_unit),
        "money_unit": str(result.money_unit),
        "ruined_at": run.ruined_at,
        "start": int(run.equity[0]),
        "equity": run.equity[1:].tolist(),
        "cash": run.cash.tolist(),
        "returns": run.returns.tolist(),
        "quantities": run.quantities.tolist(),
        "prices": run.prices.tolist(),
        "marks": run.marks.tolist(),
        "trades": _listed(run.trades),
        "cuts": _listed(run.cuts),
        "stops": _listed(run.stops),
        "flows": {name: list(amounts) for name, amounts in run.flows.items()},
        "splits": [
            [period, column, str(ratio)]
            for period, row in run.splits.items()
            for column, ratio in row.items()
        ],
        "symbol_flows": [
            [period, column, amount]
            for period, row in run.symbol_flows.items()
            for column, amount in row.items()
        ],
    }


def _listed(table: NDArray[Any]) -> dict[str, list[int]]:
    return {name: table[name].tolist() for name in table.dtype.names or ()}


def arguments(content: dict[str, Any]) -> dict[str, Any]:
    """Return what a document says, as arguments of `BacktestResult`.

    Raises:
        ValidationError: something is not there, is not what `document` gives, or contradicts the
            rest; says what.
        TypeError: an option or a unit is of another type.
        OverflowError: an option is beyond what a float can hold.

    """
    if content.get("schema") != SCHEMA:
        raise ValidationError(f"its schema is {shown(content.get('schema'))}, not {SCHEMA!r}")
    run = _simulation(content, _symbols(content))
    check_run(run)
    options = {name: _value(content, name) for name in ("periods_per_year", "risk_free")}
    unit = _value(content, "price_unit")
    return {
        "simulation": run,
        "metrics": compute_metrics(run.returns, **options),
        "dates": _dates(content, len(run.returns)),
        **options,
        "price_unit": None if unit is None else _unit(content, "price_unit"),
        # The product of a unit of prices and one of quantities.
        "money_unit": _unit(content, "money_unit", 36),
    }


def _simulation(content: dict[str, Any], symbols: tuple[str, ...]) -> Simulation:
    returns = _returns(content)
    shape = len(returns), len(symbols)
    equity = [_value(content, "start"), *_periods(content, "equity", shape[0])]
    return Simulation(
        symbols=symbols,
        equity=money_array(_ints(equity, "equity")),
        cash=money_array(_ints(_periods(content, "cash", shape[0]), "cash")),
        returns=returns,
        quantities=_table(content, "quantities", shape),
        prices=_table(content, "prices", shape, at_least_0=True),
        marks=_table(content, "marks", shape, at_least_0=True),
        stops=_records(content, "stops", STOPS, (*shape, len(TRADE_REASONS))),
        trades=_records(content, "trades", TRADES, (*shape, len(TRADE_REASONS))),
        cuts=_records(content, "cuts", CUTS, (*shape, len(CUT_REASONS))),
        flows=_flows(content, shape[0]),
        splits=_splits(content, shape),
        symbol_flows=_symbol_flows(content, shape),
        ruined_at=_ruined_at(content, shape[0]),
    )


def _value(content: dict[str, Any], name: str, owner: str = "it") -> Any:
    if name not in content:
        raise ValidationError(f"{owner} has no {name!r}")
    return content[name]


def _of(kind: type[_Kind], value: Any, name: str) -> _Kind:
    # Not isinstance: true is no number.
    if type(value) is not kind:
        raise ValidationError(f"{name} is not of type {kind.__name__}: {shown(value)}")
    return value


def _ints(values: list[Any], name: str) -> list[int]:
    for value in values:
        if type(value) is not int:
            raise ValidationError(f"{name} has a value that is no whole number: {shown(value)}")
    return values


def _periods(content: dict[str, Any], name: str, n_periods: int) -> list[Any]:
    values = _of(list, _value(content, name), name)
    if len(values) != n_periods:
        raise ValidationError(f"{name} has {len(values)} of {n_periods} periods")
    return values


def _symbols(content: dict[str, Any]) -> tuple[str, ...]:
    symbols = _of(list, _value(content, "symbols"), "symbols")
    if any(type(symbol) is not str for symbol in symbols):
        raise ValidationError("its symbols are not strings")
    if len(set(symbols)) != len(symbols):
        raise ValidationError("a symbol is there twice")
    return tuple(symbols)


def _returns(content: dict[str, Any]) -> NDArray[np.float64]:
    returns = _of(list, _value(content, "returns"), "returns")
    for period, value in enumerate(returns):
        if type(value) not in (float, int):
            raise ValidationError(f"returns[{period}] is no number: {shown(value)}")
    return as_series(np.array(returns, np.float64), "returns")


def _dates(content: dict[str, Any], n_periods: int) -> NDArray[np.datetime64] | None:
    dates = _value(content, "dates")
    if dates is None:
        return None
    if len(_of(list, dates, "dates")) != n_periods:
        raise ValidationError(f"it has {len(dates)} dates for {n_periods} periods")
    for date in dates:
        if type(date) is not str or _DATE.fullmatch(date) is None:
            raise ValidationError(f"dates has a value that is no ISO date: {shown(date)}")
    found: NDArray[np.datetime64] = np.array(dates, "datetime64" if dates else "datetime64[D]")
    if (found[1:] <= found[:-1]).any():
        raise ValidationError("its dates do not rise")
    return found


def _unit(content: dict[str, Any], name: str, digits: int = 18) -> Decimal:
    return unit_of(_of(str, _value(content, name), name), name, digits)


def _ruined_at(content: dict[str, Any], n_periods: int) -> int | None:
    ruined_at = _value(content, "ruined_at")
    if ruined_at is None:
        return None
    return _below(n_periods, _of(int, ruined_at, "ruined_at"), "ruined_at")


def _below(limit: int, value: int, name: str) -> int:
    if not 0 <= value < limit:
        raise ValidationError(f"{name} is {value}; there are {limit}")
    return value


def _table(
    content: dict[str, Any], name: str, shape: tuple[int, int], *, at_least_0: bool = False
) -> NDArray[np.int64]:
    rows = _periods(content, name, shape[0])
    if any(type(row) is not list or len(row) != shape[1] for row in rows):
        raise ValidationError(f"{name} is not a table of {shape[0]} periods and {shape[1]} symbols")
    table = _int64([_ints(row, name) for row in rows], name).reshape(shape)
    if at_least_0 and (table < 0).any():
        raise ValidationError(f"{name} has a number below 0")
    return table


def _int64(values: list[Any], name: str) -> NDArray[np.int64]:
    try:
        return np.array(values, np.int64)
    except OverflowError:
        raise ValidationError(f"{name} has a number beyond 64 bits") from None


def _column(values: Any, name: str) -> NDArray[np.int64]:
    return _int64(_ints(_of(list, values, name), name), name)


def _records(
    content: dict[str, Any], name: str, dtype: np.dtype[Any], limits: tuple[int, int, int]
) -> NDArray[Any]:
    columns = _of(dict, _value(content, name), name)
    fields = {
        field: _column(_value(columns, field, name), f"{name}.{field}")
        for field in dtype.names or ()
    }
    lengths = {len(values) for values in fields.values()}
    if len(lengths) != 1:
        raise ValidationError(f"{name} has columns of different lengths")
    records = np.zeros(lengths.pop(), dtype)
    for field, limit in zip(("period", "column", "reason"), limits, strict=True):
        for value in (fields[field].min(initial=0), fields[field].max(initial=0)):
            if len(records):
                _below(limit, int(value), f"{name}.{field}")
    for field, values in fields.items():
        records[field] = values
    return records


def _flows(content: dict[str, Any], n_periods: int) -> dict[str, tuple[int, ...]]:
    flows = _of(dict, _value(content, "flows"), "flows")
    for name in flows:
        if name not in FLOWS:
            raise ValidationError(f"flows has {shown(name)}; there are {', '.join(FLOWS)}")
    return {name: tuple(_ints(_periods(flows, name, n_periods), name)) for name in flows}


def _cells(
    content: dict[str, Any], name: str, shape: tuple[int, int]
) -> list[tuple[int, int, Any]]:
    """Return rows of a period, a column and a value."""
    cells = []
    for row in _of(list, _value(content, name), name):
        if type(row) is not list or len(row) != 3:  # noqa: PLR2004 - as many as it says
            raise ValidationError(f"{name} has a row that is no period, column and value")
        for limit, place in zip(shape, _ints(row[:2], name), strict=True):
            _below(limit, place, f"a period or column of {name}")
        cells.append((row[0], row[1], row[2]))
    return cells


def _splits(content: dict[str, Any], shape: tuple[int, int]) -> dict[int, dict[int, Fraction]]:
    splits: dict[int, dict[int, Fraction]] = {}
    for period, column, ratio in _cells(content, "splits", shape):
        if type(ratio) is not str or _RATIO.fullmatch(ratio) is None:
            raise ValidationError(f"splits has a value that is no ratio: {shown(ratio)}")
        splits.setdefault(period, {})[column] = Fraction(ratio)
    return splits


def _symbol_flows(content: dict[str, Any], shape: tuple[int, int]) -> dict[int, dict[int, int]]:
    flows: dict[int, dict[int, int]] = {}
    for period, column, amount in _cells(content, "symbol_flows", shape):
        flows.setdefault(period, {})[column] = _ints([amount], "symbol_flows")[0]
    return flows
