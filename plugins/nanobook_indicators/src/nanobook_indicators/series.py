"""Series and panels of numbers, read from any form and given back in the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown

Series = TypeVar("Series")
"""A list, array, series or frame; what comes back is one too, of floats."""

Floats = NDArray[np.float64]

#: Squares of it, and sums of them, are floats: no result is infinite, or NaN, for its size alone.
_LARGEST = 1e100


@frozen(kw_only=True)
class Given:
    """One input, as numbers."""

    values: Floats
    """Of shape `(n_periods,)`, or `(n_periods, n_names)` for a panel; NaN where missing."""
    give_back: Callable[[Floats], Any]
    """Puts a result of that shape into the form that the input came in."""
    labels: tuple[Any, ...] | None = None
    """Names of the columns of a frame."""
    index: tuple[NDArray[Any], ...] = ()
    """What a frame says about its rows: its index, and columns of dates."""


def read(inputs: Mapping[str, Any]) -> tuple[list[Floats], Callable[[Floats], Any]]:
    """Numbers of each input, and what puts a result into the form of the first.

    A list or tuple of numbers, or of rows; an array of one or two dimensions; a series or a wide
    frame of pandas, polars or pyarrow, whose columns of dates are kept. Ints and narrow floats
    become float64; nulls are NaN.

    Raises:
        TypeError: something else, or values that are no numbers.
        ValidationError: a value infinite or beyond 1e100, rows of different lengths, more than two
            dimensions, inputs that differ in length, columns or index, or a high below its low.

    """
    (first_name, first), *others = ((name, _given(data, name)) for name, data in inputs.items())
    for name, other in others:
        _check_alike(first_name, first, name, other)
    found = {first_name: first, **dict(others)}
    if "high" in found and "low" in found:
        _check_range(found["high"], found["low"])
    return [first.values, *(other.values for _, other in others)], first.give_back


def _given(data: Any, name: str) -> Given:
    if isinstance(data, list | tuple):
        given = Given(values=_of_list(data, name), give_back=lambda result: result.tolist())
    elif isinstance(data, np.ndarray):
        given = Given(values=_of_array(data, name), give_back=lambda result: result)
    else:
        given = _of_frame(data, name)
    is_beyond = np.abs(given.values) > _LARGEST
    if is_beyond.any():
        place = tuple(np.argwhere(is_beyond)[0].tolist())
        where = f"{name}[{', '.join(map(str, place))}]"
        if given.labels is not None and len(place) > 1:
            where = f"{name}, column {given.labels[place[1]]!r}, row {place[0]}"
        raise ValidationError(
            f"{where} is {given.values[place]}; a value is at most {_LARGEST:g} in size, or NaN "
            "where there is none"
        )
    return given


def _of_list(data: list[Any] | tuple[Any, ...], name: str) -> Floats:
    try:
        values = np.asarray(data)
    except ValueError:
        raise ValidationError(
            f"{name}: a list of numbers, or of rows of one length; got {shown(data)}"
        ) from None
    return _of_array(values if values.size else values.astype(np.float64), name)


def _of_array(data: NDArray[Any], name: str) -> Floats:
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError(f"{name}: an array without a mask; fill it with NaN")
    if data.dtype.kind not in "iuf":
        raise TypeError(
            f"{name}: numbers, NaN where there is none; got dtype {data.dtype}: {shown(data)}"
        )
    if data.ndim not in (1, 2):
        raise ValidationError(
            f"{name}: shape (n_periods,) or (n_periods, n_names), got {data.shape}"
        )
    return data.astype(np.float64, copy=False)


def _of_frame(data: Any, name: str) -> Given:
    import narwhals as nw

    # Names of columns are no strings in every frame of pandas: ints, or tuples of two levels.
    names = data.columns if nw.dependencies.is_pandas_dataframe(data) else None
    if names is not None and names.is_unique:
        data = data.set_axis([str(place) for place in range(len(names))], axis=1)
    try:
        native = nw.from_native(data, eager_only=True, allow_series=True)
        columns = {} if isinstance(native, nw.Series) else native.to_dict(as_series=True)
    except nw.exceptions.DuplicateError:
        raise ValidationError(f"{name}: a column is there twice") from None
    except TypeError:
        raise TypeError(
            f"{name}: a list, an array, or a series or frame of pandas, polars or pyarrow; "
            f"got {shown(data)}"
        ) from None
    if isinstance(native, nw.Series):
        return _of_series(native, name)
    labels = dict(zip(columns, columns if names is None else names, strict=True))
    numeric = [key for key, column in columns.items() if not column.dtype.is_temporal()]
    values = np.empty((len(native), len(numeric)), order="F")
    for place, key in enumerate(numeric):
        values[:, place] = _numbers(columns[key], f"{name}, column {labels[key]!r}")

    def give_back(result: Floats) -> Any:
        frame = native.with_columns(
            *(
                nw.new_series(key, column, backend=native.implementation)
                for key, column in zip(numeric, result.T, strict=True)
            )
        ).to_native()
        return frame if names is None else frame.set_axis(names, axis=1)

    dates = [column.to_numpy() for key, column in columns.items() if key not in numeric]
    return Given(
        values=values,
        give_back=give_back,
        labels=tuple(labels[key] for key in numeric),
        index=(*_index(native), *dates),
    )


def _of_series(series: Any, name: str) -> Given:
    import narwhals as nw

    def give_back(result: Floats) -> Any:
        # By way of a frame, which keeps the index of pandas.
        label = "values"
        new = nw.new_series(label, result, backend=series.implementation)
        frame = series.alias(label).to_frame().with_columns(new)
        return frame[label].alias(series.name).to_native()

    return Given(values=_numbers(series, name), give_back=give_back, index=_index(series))


def _numbers(series: Any, where: str) -> Floats:
    import narwhals as nw

    if len(series) and series.null_count() == len(series):  # which has no type
        return np.full(len(series), np.nan)
    if not series.dtype.is_numeric():
        raise TypeError(f"{where} is not numeric, its type is {series.dtype}")
    return np.asarray(series.cast(nw.Float64).to_numpy(), np.float64)


def _index(native: Any) -> tuple[NDArray[Any], ...]:
    import narwhals as nw

    index = nw.maybe_get_index(native)
    return () if index is None else (np.asarray(index),)


def _check_range(high: Given, low: Given) -> None:
    is_below = high.values < low.values
    if is_below.any():
        place = tuple(np.argwhere(is_below)[0].tolist())
        where = f"row {place[0]}"
        if len(place) > 1:
            label = place[1] if high.labels is None else repr(high.labels[place[1]])
            where = f"column {label}, row {place[0]}"
        raise ValidationError(
            f"{where}: high {high.values[place]} is below low {low.values[place]}"
        )


def _check_alike(first_name: str, first: Given, name: str, other: Given) -> None:
    if first.values.shape != other.values.shape:
        raise ValidationError(
            f"{first_name} and {name} must be of one shape; {first_name} has "
            f"{first.values.shape}, {name} {other.values.shape}"
        )
    if first.labels is not None and other.labels is not None and first.labels != other.labels:
        raise ValidationError(
            f"{first_name} and {name} must have the same columns in the same order; {first_name} "
            f"has {shown(first.labels)}, {name} {shown(other.labels)}"
        )
    if len(first.index) == len(other.index):
        for one, two in zip(first.index, other.index, strict=True):
            differs = (one != two) & ((one == one) | (two == two))  # noqa: PLR0124 - NaT, NaN
            if differs.any():
                row = int(np.flatnonzero(differs)[0])
                raise ValidationError(
                    f"{first_name} and {name} must have the same index; in row {row} "
                    f"{first_name} has {one[row]}, {name} {two[row]}"
                )
