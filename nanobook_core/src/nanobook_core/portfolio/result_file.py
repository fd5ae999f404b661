"""Results in files, JSON or Arrow: all that was found, exact."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.loop import money_array
from nanobook_core.portfolio.simulation import CUTS, FLOWS, STOPS, TRADES, Simulation
from nanobook_core.portfolio.whole_file import write_whole

if TYPE_CHECKING:
    from nanobook_core.portfolio.result import BacktestResult

SCHEMA = "nanobook.backtest/1"

_ARROW = (".arrow", ".feather")
#: What an Arrow file has as columns, one row a period.
_TABLES = ("equity", "cash", "returns", "quantities", "prices", "marks")


def save(result: BacktestResult, path: Path) -> None:
    """Write a result; the suffix says how, `.json`, `.arrow` or `.feather`.

    Raises:
        ValidationError: another suffix.
        ImportError: an Arrow file, and pyarrow is not installed.
        OSError: it cannot be written.

    """
    content = (_to_arrow if _is_arrow(path) else _to_json)(_document(result))
    write_whole(path, content)


def load(path: Path) -> dict[str, Any]:
    """Arguments of the result in a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValidationError: it is not what `save` writes, or another suffix.
        ImportError: an Arrow file, and pyarrow is not installed.

    """
    read = _from_arrow if _is_arrow(path) else _from_json
    content = path.read_bytes()
    try:
        return _arguments(read(content))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, InvalidOperation) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise ValidationError(f"{path} is not a saved result: {what}") from error


def _is_arrow(path: Path) -> bool:
    if path.suffix not in (".json", *_ARROW):
        raise ValidationError(f"{path}: a result is saved as .json, .arrow or .feather")
    return path.suffix in _ARROW


def _document(result: BacktestResult) -> dict[str, Any]:
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


def _to_json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, allow_nan=False).encode()


def _from_json(content: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValidationError(f"{constant} is no number here")

    document = json.loads(content, parse_constant=refuse, object_pairs_hook=_once)
    if not isinstance(document, dict):
        raise ValidationError("it is not a JSON object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValidationError("a key is there twice")
    return document


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(
            "Arrow files need pyarrow: python3 -m pip install pyarrow, or save as .json"
        ) from error
    return pa


def _to_arrow(document: dict[str, Any]) -> bytes:
    pa = _arrow()
    columns = {name: document.pop(name) for name in _TABLES}
    for name in ("equity", "cash"):  # as text: they may be beyond 64 bits
        columns[name] = [str(amount) for amount in columns[name]]
    kinds = {
        "equity": pa.string(),
        "cash": pa.string(),
        "returns": pa.float64(),
        **dict.fromkeys(("quantities", "prices", "marks"), pa.list_(pa.int64())),
    }
    arrays = [pa.array(columns[name], kinds[name]) for name in _TABLES]
    table = pa.table(arrays, names=list(_TABLES), metadata={"nanobook": _to_json(document)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _from_arrow(content: bytes) -> dict[str, Any]:
    pa = _arrow()
    try:
        table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
    except (pa.ArrowException, OSError) as error:
        raise ValidationError(str(error)) from error
    document = _from_json((table.schema.metadata or {})[b"nanobook"])
    columns = {name: table.column(name).to_pylist() for name in _TABLES}
    for name in ("equity", "cash"):
        columns[name] = [int(amount) for amount in columns[name]]
    return document | columns


def _arguments(document: dict[str, Any]) -> dict[str, Any]:
    if document["schema"] != SCHEMA:
        raise ValidationError(f"its schema is {document['schema']!r}, not {SCHEMA!r}")
    symbols = document["symbols"]
    if not all(isinstance(symbol, str) for symbol in symbols):
        raise ValidationError("its symbols are not strings")
    dates, unit = document["dates"], document["price_unit"]
    run = _simulation(document, tuple(symbols))
    if dates is not None and len(dates) != len(run.returns):
        raise ValidationError(f"it has {len(dates)} dates for {len(run.returns)} periods")
    return {
        "simulation": run,
        "dates": None if dates is None else np.array(dates, "datetime64"),
        "periods_per_year": float(document["periods_per_year"]),
        "risk_free": float(document["risk_free"]),
        "price_unit": None if unit is None else Decimal(unit),
        "money_unit": Decimal(document["money_unit"]),
    }


def _simulation(document: dict[str, Any], symbols: tuple[str, ...]) -> Simulation:
    returns = np.array(document["returns"], np.float64)
    n_periods = len(returns)
    shape = n_periods, len(symbols)
    for name in ("equity", "cash"):
        if len(document[name]) != n_periods:
            raise ValidationError(f"{name} has {len(document[name])} of {n_periods} periods")
    ruined_at = document["ruined_at"]
    if ruined_at is not None and not 0 <= ruined_at < n_periods:
        raise ValidationError(f"ruined_at is {ruined_at}, of {n_periods} periods")
    return Simulation(
        symbols=symbols,
        equity=money_array(_ints([document["start"], *document["equity"]], "equity")),
        cash=money_array(_ints(document["cash"], "cash")),
        returns=returns,
        quantities=_table(document, "quantities", shape),
        prices=_table(document, "prices", shape),
        marks=_table(document, "marks", shape),
        stops=_records(document, "stops", STOPS, shape),
        trades=_records(document, "trades", TRADES, shape),
        cuts=_records(document, "cuts", CUTS, shape),
        flows={
            name: tuple(_ints(document["flows"][name], name))
            for name in FLOWS
            if name in document["flows"]
        },
        splits=_nested(document["splits"], Fraction),
        symbol_flows=_nested(document["symbol_flows"], int),
        ruined_at=ruined_at,
    )


def _ints(values: list[Any], name: str) -> list[int]:
    if any(type(value) is not int for value in values):
        raise ValidationError(f"{name} has a value that is no whole number")
    return values


def _table(document: dict[str, Any], name: str, shape: tuple[int, int]) -> NDArray[np.int64]:
    rows = document[name]
    if len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
        raise ValidationError(f"{name} is not a table of {shape[0]} periods and {shape[1]} symbols")
    return np.array([_ints(row, name) for row in rows], np.int64).reshape(shape)


def _records(
    document: dict[str, Any], name: str, dtype: np.dtype[Any], shape: tuple[int, int]
) -> NDArray[Any]:
    columns = document[name]
    lengths = {len(columns[field]) for field in dtype.names or ()}
    if len(lengths) != 1:
        raise ValidationError(f"{name} has columns of different lengths")
    records = np.zeros(lengths.pop(), dtype)
    for field in dtype.names or ():
        records[field] = _ints(columns[field], name)
    for field, limit in zip(("period", "column"), shape, strict=True):
        if len(records) and not 0 <= records[field].min() <= records[field].max() < limit:
            raise ValidationError(f"{name} has a {field} beyond {limit - 1}")
    return records


def _nested(rows: list[list[Any]], kind: Callable[[Any], Any]) -> dict[int, dict[int, Any]]:
    nested: dict[int, dict[int, Any]] = {}
    for period, column, value in rows:
        nested.setdefault(period, {})[column] = kind(value)
    return nested
