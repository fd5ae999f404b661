"""Columns of frames and mappings, as arrays of dates, labels and numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.date_column import zoned
from nanobook_core.types import INT64_MAX

#: What the index of a pandas frame is called among its columns.
INDEX = "(index)"
_EXACT = 2**53
_NUMBER = (int, float, np.integer, np.floating, Decimal)


def read_columns(data: Any, noun: str) -> dict[str, NDArray[Any]]:
    """Columns by name, all of one length, in their order; an index of dates or text comes first.

    Ints with nulls are a masked array; nulls of other columns are NaN, NaT or None.

    Raises:
        TypeError: no frame and no mapping, or a name that is no string.
        ValidationError: a name that is there twice, a column that is no sequence of single values,
            columns of different lengths, or an index of several levels or of another kind.

    """
    found = _of_mapping(data, noun) if isinstance(data, Mapping) else _of_frame(data, noun)
    lengths = {name: len(column) for name, column in found.items()}
    if len(set(lengths.values())) > 1:
        (first, rows), *others = lengths.items()
        name, other = next(item for item in others if item[1] != rows)
        raise ValidationError(
            f"{noun}: columns of different lengths: {first!r} has {rows} rows, {name!r} {other}"
        )
    return found


def _of_mapping(data: Mapping[Any, Any], noun: str) -> dict[str, NDArray[Any]]:
    _check_names(list(data), noun)
    found = {}
    for name, column in data.items():
        try:
            values = column if isinstance(column, np.ma.MaskedArray) else np.asarray(column)
        except ValueError:
            values = np.zeros((0, 0))  # ragged
        # Numpy makes floats of ints that stand beside floats, and that floats may not hold.
        is_mixed = values.dtype.kind == "f" and isinstance(column, list | tuple)
        if is_mixed and any(map(_is_long, column)):
            values = np.array(column, object)
        if values.ndim != 1:
            hint = ""
            if noun == "weights" and values.ndim == 0:
                hint = ". Weights by symbol are one row: [weights], or [weights, None, …]"
            raise ValidationError(
                f"{noun}: column {name!r} is not a sequence of single values, got "
                f"{shown(column)}{hint}"
            )
        found[name] = values
    return found


def _of_frame(data: Any, noun: str) -> dict[str, NDArray[Any]]:
    import narwhals as nw

    try:
        frame = nw.from_native(data, eager_only=True)
        names = frame.columns
    except nw.exceptions.DuplicateError:
        _check_names(list(getattr(data, "column_names", data.columns)), noun)
        raise
    except TypeError:
        hint = ""
        if hasattr(data, "to_frame"):
            levels = getattr(getattr(data, "index", None), "nlevels", 1)
            way = "reset_index(name=…)" if levels > 1 else "to_frame(…) with its symbol"
            hint = f". Make a frame of a series: {way}"
        raise TypeError(
            f"{noun}: a frame of pandas, polars or pyarrow (a lazy one collected), a mapping of "
            f"columns, an array or a list of rows; got {shown(data)}{hint}"
        ) from None
    _check_names(names, noun)
    index = _index(data, noun)
    found = {} if index is None else {INDEX: index}
    return found | {name: _values(frame[name]) for name in names}


def _check_names(names: Sequence[Any], noun: str) -> None:
    for name in names:
        if not isinstance(name, str):
            hint = ". Name the columns by their symbols"
            if isinstance(name, tuple):
                hint = '. Of several levels take one, like table["Close"]'
            elif isinstance(name, dt.date | np.datetime64):
                hint = ". Dates are rows and symbols columns: transpose, as table.T"
            raise TypeError(f"{noun}: names of columns are strings, got {shown(name)}{hint}")
        if name == INDEX or names.count(name) > 1:
            raise ValidationError(f"{noun}: column {name!r} is there twice")


def _index(data: Any, noun: str) -> NDArray[Any] | None:
    """Return what an index of pandas says about rows; None if it only counts them."""
    index: Any = getattr(data, "index", None)  # of pandas alone
    kind = getattr(getattr(index, "dtype", None), "kind", "")
    if not kind or kind in "iufb":
        return None
    if kind == "M" and getattr(index, "tz", None) is not None:
        times = (index.tz_localize(None), index.tz_convert("UTC").tz_localize(None))
        return zoned(*(time.to_numpy() for time in times))
    if kind == "M":
        return np.asarray(index.to_numpy())
    if not len(index):
        return np.zeros(0, "datetime64[D]")
    if not isinstance(index[0], str | dt.date):
        way = "dates of it: to_timestamp()"
        raise ValidationError(
            f"{noun}: an index of dates, or one that only counts rows; got a "
            f"{type(index).__name__}. "
            f"Make {way if hasattr(index, 'to_timestamp') else 'columns of it: reset_index()'}"
        )
    return np.asarray(index, object)


def check_index(data: Any, noun: str) -> None:
    """Refuse an index of pandas that is of numbers and does not count rows from 0."""
    index: Any = getattr(data, "index", None)
    if getattr(getattr(index, "dtype", None), "kind", "") not in tuple("iufb"):
        return
    is_other = index.to_numpy(np.float64, na_value=np.nan) != np.arange(len(index))
    if is_other.any():
        row = int(is_other.argmax())
        raise ValidationError(
            f"{noun}: an index of numbers counts rows from 0, and is {index[row]} in row {row}. "
            "Make dates of it, with pd.to_datetime(index.astype(str)), or drop it: "
            "reset_index(drop=True)"
        )


def _values(series: Any) -> NDArray[Any]:
    import narwhals as nw

    dtype = series.dtype
    if dtype == nw.Date or getattr(dtype, "time_zone", None):
        return _dates(series)
    if not series.null_count():
        return np.asarray(series.to_numpy())
    is_null = series.is_null().to_numpy()
    if is_null.all():
        return np.ma.array(np.zeros(len(is_null), np.int64), mask=True)
    if dtype.is_integer():
        # Not by way of floats, which have 53 bits.
        return np.ma.array(series.fill_null(0).to_numpy(), mask=is_null)
    if dtype.is_float():
        return np.asarray(series.cast(nw.Float64).to_numpy())
    values = np.array(series.to_numpy())
    if values.dtype.kind == "O":
        values[is_null] = None
    return values


def _dates(series: Any) -> NDArray[Any]:
    if getattr(series.dtype, "time_zone", None):
        times = (series, series.dt.convert_time_zone("UTC"))
        return zoned(*(time.dt.replace_time_zone(None).to_numpy() for time in times))
    days = np.asarray(series.to_numpy())
    if days.dtype.kind == "M":
        return days
    # Days of Arrow in pandas are objects.
    rows = zip(days.tolist(), series.is_null().to_list(), strict=True)
    return np.array([None if gone else day for day, gone in rows], "datetime64[D]")


def numbers(column: NDArray[Any], noun: str, name: str) -> NDArray[Any]:
    """Return a column as float64, as int64, masked where null, or as Decimals and None.

    Raises:
        TypeError: a value that is no number; bools are none.
        OverflowError: an int beyond 64 bits.

    """
    if column.dtype.kind == "O":
        return _of_objects(column.tolist(), noun, name)
    if column.dtype.kind == "f":
        return np.ma.filled(column, np.nan).astype(np.float64, copy=False)
    if column.dtype.kind == "U" and len(column):
        raise TypeError(f"{noun}: column {name!r} is not numeric, it has {_text(str(column[0]))}")
    if column.dtype.kind not in "iu":
        raise TypeError(f"{noun}: column {name!r} is not numeric, its type is {column.dtype}")
    return to_int64(column, f"{noun}: column {name!r}")


def _text(value: Any) -> str:
    hint = ". Make numbers of text, in pandas with pd.to_numeric(…)" * isinstance(value, str)
    return shown(value) + hint


def to_int64(values: NDArray[Any], what: str) -> NDArray[np.int64]:
    """Return ints as int64, not copied if they are; OverflowError if one does not fit."""
    if values.dtype.kind == "u" and values.size and int(values.max()) > INT64_MAX:
        raise OverflowError(f"{what}: {values.max()} is above 2^63-1")
    return values.astype(np.int64, copy=False)


def _of_objects(values: list[Any], noun: str, name: str) -> NDArray[Any]:
    is_null = [_is_null(value) for value in values]
    given = [value for value, gone in zip(values, is_null, strict=True) if not gone]
    for value in given:
        if isinstance(value, bool) or not isinstance(value, _NUMBER):
            raise TypeError(f"{noun}: column {name!r} is not numeric, it has {_text(value)}")
    is_float = any(isinstance(value, float | np.floating) for value in given)
    if any(isinstance(value, Decimal) for value in given) or (
        noun != "weights" and is_float and any(_is_long(value) for value in given)
    ):
        return np.array([None if _is_null(value) else _decimal(value) for value in values], object)
    if is_float:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    for value in given:
        if not -INT64_MAX - 1 <= value <= INT64_MAX:
            raise OverflowError(
                f"{noun}: column {name!r}: {shown(value)} does not fit into 64 bits"
            )
    ints = [0 if gone else value for value, gone in zip(values, is_null, strict=True)]
    return np.ma.array(np.array(ints, np.int64), mask=is_null)


def _is_long(value: Any) -> bool:
    """Whether a number is an int that a float may not hold."""
    return isinstance(value, int | np.integer) and abs(int(value)) > _EXACT


def _is_null(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def _decimal(value: Any) -> Decimal:
    """Return a number as it is written: 0.1 is a tenth."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def stacked(columns: Sequence[NDArray[Any]], n_rows: int, *, zero_is_absent: bool) -> NDArray[Any]:
    """Return columns of `numbers` as one table, of shape `(n_rows, n_columns)`.

    It is of Decimals where one of them is, else of floats where one is, else int64. Nulls are None,
    NaN, and, in ints with `zero_is_absent`, 0; without it, ints with nulls make a table of floats.
    Ints beyond 2^53 and floats are Decimals together, with `zero_is_absent`.
    """
    is_whole = bool(columns) and all(column.dtype.kind == "i" for column in columns)
    is_long = not is_whole and any(
        column.dtype.kind == "i" and _is_long(np.ma.filled(column, 0).max(initial=0))
        for column in columns
    )
    if any(column.dtype.kind == "O" for column in columns) or (is_long and zero_is_absent):
        table = np.empty((n_rows, len(columns)), object)
        for place, column in enumerate(columns):
            table[:, place] = [None if _is_null(v) else _decimal(v) for v in column.tolist()]
        return table
    if is_whole and not zero_is_absent:
        is_whole = not any(np.ma.is_masked(column) for column in columns)
    table = np.empty((n_rows, len(columns)), np.int64 if is_whole else np.float64)
    for place, column in enumerate(columns):
        values = column if is_whole else column.astype(np.float64, copy=False)
        table[:, place] = np.ma.filled(values, 0 if is_whole else np.nan)
    return table
