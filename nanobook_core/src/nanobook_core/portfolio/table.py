"""Tables that people have: frames, arrays, mappings of columns, lists of pairs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.plugin.registry import default_registry

_SYMBOL = ("symbol", "ticker")
_DATE = ("date", "time", "timestamp", "datetime")


@frozen(kw_only=True)
class Table:
    """Values by period and symbol."""

    symbols: tuple[str, ...]
    """In order of first appearance, one a column."""
    dates: NDArray[np.datetime64] | None
    """Rising, one a row; None where the rows have none."""
    values: NDArray[Any]
    """Of shape `(n_periods, n_symbols)`: float64, int64, or Decimals (object).

    What is absent is NaN or None, and 0 where the table is int64.
    """
    is_long: bool = False
    """Whether a cell that is absent in a row that is there was left out on purpose."""


def read_table(
    data: Any,
    noun: str,
    *,
    symbols: Sequence[str] | None = None,
) -> Table:
    """Read a frame, wide or long, a mapping of columns, an array with `symbols`, or lists of pairs.

    `noun` names the table in messages; "weights" are read as such, all else as prices.

    A frame is long if it has a column `symbol` or `ticker`, with one of dates and one of values
    beside it. Else each column but that of dates is a symbol. Dates are the index of pandas, if it
    is one of dates, or the only column of dates; strings in a first column, or in one called
    `date`, are read as ISO dates. Times with a zone become those of UTC. An array of float64 or
    int64 is not copied.

    Raises:
        TypeError: something else, or values that are no numbers.
        ValidationError: an array without symbols or of another shape, dates that are missing or do
            not rise, a symbol that is empty or there twice, columns that fit neither form.

    """
    if isinstance(data, np.ndarray):
        return _from_array(data, noun, symbols)
    if isinstance(data, list | tuple):
        return _from_lists(data, noun)
    return _from_columns(_columns(data, noun), noun)


def _from_array(data: NDArray[Any], noun: str, symbols: Sequence[str] | None) -> Table:
    if symbols is None:
        raise ValidationError(f"{noun}: an array needs symbols=, the names of its columns")
    names = _names(symbols, noun)
    if data.dtype.kind not in "iuf":
        raise TypeError(f"{noun}: an array of floats or ints, got dtype {data.dtype}")
    if data.ndim != 2 or data.shape[1] != len(names):  # noqa: PLR2004 - rows and columns
        raise ValidationError(
            f"{noun}: shape (n_periods, {len(names)}), one column a symbol; got {data.shape}"
        )
    dtype = np.float64 if data.dtype.kind == "f" else np.int64
    return Table(symbols=names, dates=None, values=data.astype(dtype, copy=False))


def _from_lists(data: Sequence[Any], noun: str) -> Table:
    kernel = default_registry().load("kernel", "schedule_to_dense")
    symbols, values = kernel(data, "weight" if noun == "weights" else "price")
    return Table(symbols=symbols, dates=None, values=values)


def _columns(data: Any, noun: str) -> dict[str, Any]:
    """Columns of a frame or mapping by name, as arrays; a pandas index of dates is one of them."""
    if isinstance(data, Mapping):
        found = {name: np.asarray(column) for name, column in data.items()}
    else:
        import narwhals as nw

        try:
            frame = nw.from_native(data, eager_only=True)
        except TypeError:
            raise TypeError(
                f"{noun}: a frame of pandas, polars or pyarrow, a mapping of columns, an array or "
                f"a list of rows; got {shown(data)}"
            ) from None
        if len(set(frame.columns)) != len(frame.columns):
            raise ValidationError(f"{noun}: a column is there twice")
        found = {} if (index := _index(data)) is None else {"": index}
        found |= {name: _values(frame[name]) for name in frame.columns}
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"{noun}: names of columns are strings, got {shown(name)}")
    if len({len(column) for column in found.values()}) > 1:
        raise ValidationError(f"{noun}: columns of different lengths")
    return found


def _index(data: Any) -> NDArray[np.datetime64] | None:
    index: Any = getattr(data, "index", None)  # of pandas alone
    if getattr(getattr(index, "dtype", None), "kind", "") != "M":
        return None
    if getattr(index, "tz", None) is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    return np.asarray(index.to_numpy(), "datetime64[ns]")


def _values(series: Any) -> NDArray[Any]:
    import narwhals as nw

    dtype = series.dtype
    if dtype == nw.Datetime and getattr(dtype, "time_zone", None):
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if dtype == nw.Date:
        return np.array(series.to_list(), "datetime64[D]")
    if dtype.is_numeric() and not isinstance(dtype, nw.Decimal) and series.null_count():
        series = series.cast(nw.Float64)
    return np.asarray(series.to_numpy())


def _from_columns(columns: dict[str, Any], noun: str) -> Table:
    label = next((name for name in columns if name.lower() in _SYMBOL), None)
    dates = _date_column(columns, noun)
    others = [name for name in columns if name not in (label, dates)]
    if label is None:
        names = _names(others, noun)
        values = [_numbers(columns[name], noun, name) for name in others]
        table = _stacked(values, len(next(iter(columns.values()), ())))
        when = None if dates is None else _rising(_dates(columns[dates], noun), noun)
        return Table(symbols=names, dates=when, values=table)
    if dates is None or len(others) != 1:
        raise ValidationError(
            f"{noun}: beside {label!r} a long table has a column of dates and one of values; "
            f"got {', '.join(map(repr, columns))}"
        )
    return _pivoted(
        columns[label],
        _dates(columns[dates], noun),
        _numbers(columns[others[0]], noun, others[0]),
        noun,
    )


def _date_column(columns: dict[str, Any], noun: str) -> str | None:
    found = [name for name, column in columns.items() if column.dtype.kind == "M"]
    if not found:
        found = [
            name
            for place, (name, column) in enumerate(columns.items())
            if column.dtype.kind in "OU"
            and (place == 0 or name.lower() in _DATE)
            and name.lower() not in _SYMBOL
            and len(column)
            and isinstance(column[0], str | dt.date)
        ]
    if len(found) > 1:
        raise ValidationError(f"{noun}: one column of dates, got {', '.join(map(repr, found))}")
    return found[0] if found else None


def _dates(column: NDArray[Any], noun: str) -> NDArray[np.datetime64]:
    try:
        dates: NDArray[np.datetime64] = (
            column if column.dtype.kind == "M" else np.array(column.tolist(), "datetime64")
        )
    except (TypeError, ValueError) as error:
        raise ValidationError(
            f"{noun}: a column of dates that are not ISO dates: {error}"
        ) from None
    if dates.dtype.kind != "M":
        raise ValidationError(f"{noun}: a column of dates, got {shown(column[:1])}")
    if np.isnat(dates).any():
        row = int(np.flatnonzero(np.isnat(dates))[0])
        raise ValidationError(f"{noun}: row {row} has no date")
    is_daily = len(dates) and (dates == dates.astype("datetime64[D]")).all()
    return dates.astype("datetime64[D]" if is_daily else "datetime64[ns]")


def _rising(dates: NDArray[np.datetime64], noun: str) -> NDArray[np.datetime64]:
    is_back = np.flatnonzero(dates[1:] <= dates[:-1])
    if is_back.size:
        row = int(is_back[0])
        raise ValidationError(
            f"{noun}: dates must rise, and {dates[row + 1]} comes after {dates[row]}"
        )
    return dates


def _numbers(column: NDArray[Any], noun: str, name: str) -> NDArray[Any]:
    if column.dtype.kind == "O":
        from decimal import Decimal

        values = column.tolist()
        if all(value is None or isinstance(value, Decimal) for value in values):
            return column
        if all(
            value is None or (isinstance(value, int | float) and not isinstance(value, bool))
            for value in values
        ):
            return np.array([np.nan if value is None else value for value in values], np.float64)
    if column.dtype.kind not in "iuf":
        raise TypeError(f"{noun}: column {name!r} is not numeric, its type is {column.dtype}")
    return column


def _stacked(columns: Sequence[NDArray[Any]], n_rows: int) -> NDArray[Any]:
    if not columns:
        return np.zeros((n_rows, 0))
    if any(column.dtype.kind == "O" for column in columns):
        return np.stack([column.astype(object) for column in columns], axis=1)
    dtype = np.int64 if all(column.dtype.kind in "iu" for column in columns) else np.float64
    table = np.empty((n_rows, len(columns)), dtype)
    for place, column in enumerate(columns):
        table[:, place] = column
    return table


def _pivoted(
    labels: NDArray[Any], dates: NDArray[np.datetime64], values: NDArray[Any], noun: str
) -> Table:
    symbols = _names(list(dict.fromkeys(labels.tolist())), noun)
    days, row = np.unique(dates, return_inverse=True)
    _rising_blocks(dates, noun)
    place = {symbol: column for column, symbol in enumerate(symbols)}
    column = np.array([place[label] for label in labels.tolist()], np.intp)
    cell = row * max(len(symbols), 1) + column
    once, first = np.unique(cell, return_index=True)
    if len(once) != len(cell):
        twice = np.setdiff1d(np.arange(len(cell)), first)[0]
        raise ValidationError(f"{noun}: {labels[twice]!r} is there twice on {dates[twice]}")
    table: NDArray[Any]
    if values.dtype.kind == "O":
        table = np.full((len(days), len(symbols)), None, object)
    else:
        table = np.full((len(days), len(symbols)), np.nan)
        if values.dtype.kind in "iu" and (len(values) == table.size or noun != "weights"):
            table = np.zeros(table.shape, np.int64)
    table[row, column] = values
    return Table(symbols=symbols, dates=days, values=table, is_long=True)


def _rising_blocks(dates: NDArray[np.datetime64], noun: str) -> None:
    is_back = np.flatnonzero(dates[1:] < dates[:-1])
    if is_back.size:
        row = int(is_back[0])
        raise ValidationError(
            f"{noun}: dates must not go back, and {dates[row + 1]} comes after {dates[row]}; "
            "sort the table by date"
        )


def _names(symbols: Sequence[Any], noun: str) -> tuple[str, ...]:
    for symbol in symbols:
        if not isinstance(symbol, str):
            raise TypeError(f"{noun}: a symbol is a string, got {shown(symbol)}")
        if not symbol:
            raise ValidationError(f"{noun}: a symbol is empty")
    names = tuple(symbols)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValidationError(f"{noun}: symbol {twice!r} is there twice")
    return names
