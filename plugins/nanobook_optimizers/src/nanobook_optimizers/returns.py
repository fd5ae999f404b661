"""Returns that people have, as a matrix with or without names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.table import read_table

Floats: TypeAlias = NDArray[np.float64]
#: An array in the order of the columns, or weights by symbol.
Weights: TypeAlias = Any

_MATRIX = 2


@frozen(eq=False)
class Returns:
    """Returns by period and asset."""

    values: Floats
    """Of shape `(n_periods, n_assets)`, finite, at least 2 periods and 1 asset."""
    symbols: tuple[str, ...] | None
    """One a column, or None where the columns have no names."""

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What messages call the assets."""
        if self.symbols is None:
            return tuple(f"column {column}" for column in range(self.values.shape[1]))
        return tuple(map(repr, self.symbols))

    def answer(self, weights: Floats) -> Weights:
        """The weights as an array, or by symbol where there are symbols."""
        if self.symbols is None:
            return weights
        return dict(zip(self.symbols, weights.tolist(), strict=True))


def read_returns(returns: Any, symbols: Sequence[str] | None = None) -> Returns:
    """Read a matrix, rows of lists, or a frame; the names of a frame's columns are its symbols.

    Raises:
        TypeError: something else, or values that are no numbers.
        ValidationError: fewer than 2 periods, no asset, rows of different lengths, a value that is
            not finite, values that are all above 1, symbols that are not one a column, or not those
            of a frame.

    """
    if isinstance(returns, np.ndarray | list | tuple):
        values = _matrix(returns)
        names = None if symbols is None else _names(symbols, values.shape[1])
    else:
        table = read_table(returns, "returns")
        values, names = np.asarray(table.values, np.float64), table.symbols
        if symbols is not None and _names(symbols, len(names)) != names:
            raise ValidationError(
                f"symbols: a frame has names of its own, {shown(names)}; give its values or no "
                "symbols"
            )
    read = Returns(values, names)
    n_periods, n_assets = values.shape
    if n_assets == 0:
        raise ValidationError(f"returns: no asset, the shape is {values.shape}")
    if n_periods < 2:  # noqa: PLR2004 - a single one has no variance
        raise ValidationError(f"returns: at least 2 periods, got {n_periods}")
    if not np.isfinite(values).all():
        period, column = np.argwhere(~np.isfinite(values))[0]
        raise ValidationError(
            f"returns: period {period}, {read.labels[column]}: {values[period, column]} is not "
            "finite; leave the period or the asset out, or fill it in"
        )
    refuse_prices(values)
    return read


def _matrix(returns: Any) -> Floats:
    if isinstance(returns, np.ma.MaskedArray):
        raise TypeError("returns: an array without a mask")
    if not isinstance(returns, np.ndarray):
        _check_rows(returns)
    matrix = np.asarray(returns)
    if matrix.ndim != _MATRIX:
        raise TypeError(
            f"returns: a matrix, one row a period and one column an asset; got {matrix.ndim} "
            "dimensions"
        )
    if matrix.dtype.kind not in "iuf":
        raise TypeError(f"returns: floats, got dtype {matrix.dtype}")
    return matrix.astype(np.float64, copy=False)


def _check_rows(rows: Sequence[Any]) -> None:
    if not rows:
        raise ValidationError("returns: at least 2 periods, got 0")
    for period, row in enumerate(rows):
        if not isinstance(row, list | tuple | np.ndarray):
            raise TypeError(
                f"returns: a matrix, one row a period and one column an asset; period {period} is "
                f"{shown(row)}"
            )
        if len(row) != len(rows[0]):
            raise ValidationError(
                f"returns: period {period} has {len(row)} values, period 0 has {len(rows[0])}"
            )
        for column, value in enumerate(row):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise TypeError(
                    f"returns: period {period}, column {column}: a number, got {shown(value)}"
                )


def _names(symbols: Sequence[str], n_assets: int) -> tuple[str, ...]:
    if isinstance(symbols, str | Mapping) or not isinstance(symbols, Sequence | np.ndarray):
        raise TypeError(f"symbols: a sequence of strings, got {shown(symbols)}")
    names = tuple(symbols)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"symbols: strings, got {shown(name)}")
        if not name.strip():
            raise ValidationError(f"symbols: one is blank, {name!r}")
        if names.count(name) > 1:
            raise ValidationError(f"symbols: {name!r} is there twice")
    if len(names) != n_assets:
        raise ValidationError(f"symbols: {len(names)} for returns of {n_assets} assets")
    return tuple(map(str, names))


def refuse_prices(values: Floats) -> None:
    """Refuse values that are all above 1: in whatever unit, returns fall too."""
    if values.size and float(values.min()) > 1.0:
        raise ValidationError(
            "returns: every value is above 1; these look like prices: give "
            "prices.pct_change().dropna()"
        )


def unit_of(values: Floats) -> float:
    """Return a power of two near the largest size of a value, to divide by exactly; 1 of zeros."""
    largest = float(max(values.max(), -values.min()))
    return float(2.0 ** np.floor(np.log2(largest))) if largest > 0.0 else 1.0


def mean_of(values: Floats) -> Floats:
    """Return the mean of each column, that of a constant without a rounding."""
    is_constant = np.ptp(values, axis=0) == 0.0
    return np.asarray(np.where(is_constant, values[0], values.mean(axis=0)))


def number(value: Any, name: str) -> float:
    """Return a setting as a finite float.

    Raises:
        TypeError: it is no number.
        ValidationError: it is not finite.

    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name}: a number, got {shown(value)}")
    if not np.isfinite(value):
        raise ValidationError(f"{name}: a finite number, got {value}")
    return float(value)
