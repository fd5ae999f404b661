"""Tables of prices with another future than their own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.table import read_table


class Form(Protocol):
    """A table as it was given: an array, a frame or a list of rows."""

    def copy(self) -> Any:
        """Return the table as it is, to be changed at will."""
        ...

    def until(self, cut: int) -> Any:
        """Return the periods up to the cut alone."""
        ...

    def after(self, cut: int, prices: NDArray[np.float64]) -> Any:
        """Return the table with these prices after the cut, in its own types.

        Of shape `(n_periods - cut - 1, n_symbols)`; NaN leaves what is there.
        """
        ...


class Prices:
    """Prices as numbers, and as the table that they came in."""

    def __init__(self, given: Any) -> None:
        if isinstance(given, np.ndarray):
            names = [
                f"column {column}" for column in range(given.shape[1] if given.ndim > 1 else 0)
            ]
            table = read_table(given, "prices", symbols=names)
        else:
            table = read_table(given, "prices")
        if table.is_long:
            raise ValidationError("prices are a wide frame here: a column for each symbol")
        self.symbols = table.symbols
        self.values: NDArray[np.float64] = table.values.astype(np.float64)
        """Of shape `(n_periods, n_symbols)`; NaN where there is no price."""
        self.values[self.values == 0.0] = np.nan
        self.form: Form
        if isinstance(given, np.ndarray):
            self.form = _Array(given)
        elif isinstance(given, list | tuple):
            self.form = _Rows(given, table.symbols)
        elif isinstance(given, Mapping):
            raise ValidationError("prices are a frame, an array or a list of rows here")
        else:
            self.form = _Frame(given, table.symbols)

    def futures(self, cut: int, draw: np.random.Generator) -> Iterator[tuple[str, Any]]:
        """What is done to prices after the cut, in words, and the table with that done.

        What is missing stays missing, and what is up to the cut stays as it is.
        """
        after = self.values[cut + 1 :]
        for how, prices in (
            ("tripled", after * 3.0),
            ("drawn at random", after * draw.uniform(0.5, 2.0, after.shape)),
            ("reversed", _reversed(after)),
            ("held constant", np.where(np.isnan(after), np.nan, _first(self.values))),
        ):
            yield how, self.form.after(cut, prices)
        yield "left out", self.form.until(cut)


def _reversed(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column's prices in the other direction, in the rows that have one."""
    turned = prices.copy()
    for column in turned.T:
        is_priced = ~np.isnan(column)
        column[is_priced] = column[is_priced][::-1]
    return turned


def _first(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first price of each column; NaN for one without any."""
    rows = (~np.isnan(prices)).argmax(axis=0)
    first: NDArray[np.float64] = prices[rows, np.arange(prices.shape[1])]
    return first


class _Array:
    def __init__(self, given: NDArray[Any]) -> None:
        self._given = given

    def copy(self) -> NDArray[Any]:
        return self._given.copy()

    def until(self, cut: int) -> NDArray[Any]:
        return self._given[: cut + 1].copy()

    def after(self, cut: int, prices: NDArray[np.float64]) -> NDArray[Any]:
        table = self._given.copy()
        is_new = ~np.isnan(prices)
        table[cut + 1 :][is_new] = _numbers(prices[is_new], table.dtype)
        return table


class _Rows:
    """Lists of `(symbol, price)` pairs, or mappings, whose prices are ints."""

    def __init__(self, given: list[Any] | tuple[Any, ...], symbols: tuple[str, ...]) -> None:
        self._given = given
        self._places = {symbol: place for place, symbol in enumerate(symbols)}

    def copy(self) -> list[Any]:
        return self.until(len(self._given))

    def until(self, cut: int) -> list[Any]:
        return [copy.copy(row) for row in self._given[: cut + 1]]

    def after(self, cut: int, prices: NDArray[np.float64]) -> list[Any]:
        future: list[Any] = []
        for given, new in zip(self._given[cut + 1 :], prices, strict=True):
            symbols = given if isinstance(given, Mapping) else [symbol for symbol, _ in given]
            row = [(symbol, max(1, round(new[self._places[symbol]]))) for symbol in symbols]
            future.append(dict(row) if isinstance(given, Mapping) else row)
        return self.until(cut) + future


class _Frame:
    """A wide frame of pandas, polars or pyarrow."""

    def __init__(self, given: Any, symbols: tuple[str, ...]) -> None:
        import narwhals as nw

        self._frame = nw.from_native(given, eager_only=True)
        self._symbols = symbols

    def copy(self) -> Any:
        return self._frame.clone().to_native()

    def until(self, cut: int) -> Any:
        return self._frame.head(cut + 1).clone().to_native()

    def after(self, cut: int, prices: NDArray[np.float64]) -> Any:
        # Only cells with a price are written, so that nulls, the past and the index stay.
        columns = []
        for symbol, new in zip(self._symbols, prices.T, strict=True):
            rows = np.flatnonzero(~np.isnan(new))
            if rows.size:
                places = (rows + cut + 1).tolist()
                columns.append(self._scattered(self._frame[symbol], places, new[rows]))
        return self._frame.clone().with_columns(*columns).to_native()

    def _scattered(self, column: Any, places: list[int], prices: NDArray[np.float64]) -> Any:
        import narwhals as nw

        old = column[places].to_list()
        values: Any
        if isinstance(old[0], Decimal):
            # The longest price may have all the digits that the column's type has room for.
            most = max(old)
            values = [
                min(most, Decimal(price).quantize(like) or like)
                for price, like in zip(prices.tolist(), old, strict=True)
            ]
        elif column.dtype.is_integer():
            values = _numbers(prices, np.dtype(str(column.dtype).lower()))
        else:
            values = prices
        new = nw.new_series(column.name, values, dtype=column.dtype, backend=column.implementation)
        return column.scatter(places, new)


def _numbers(prices: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Prices in that type; in one of ints rounded, and kept within 1 and what it holds."""
    if dtype.kind == "f":
        return prices.astype(dtype)
    # The largest int64 is no float; the float below it is.
    most = np.nextafter(float(np.iinfo(dtype).max), 0.0)
    return np.clip(np.rint(prices), 1.0, most).astype(dtype)
