"""Settings of a cost model by symbol, and by period."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.contracts import CostRequest
from nanobook_core.errors import ValidationError, shown

Numbers = NDArray[np.int64] | NDArray[np.float64]


@frozen(eq=False, repr=False)
class Table:
    """A number for each symbol, the same in all periods or one a period."""

    name: str
    numbers: Mapping[str, Numbers] | Numbers
    """By symbol, of shape `()` or `(n_periods,)`; or all of shape `(n_periods, n_symbols)`."""
    least: int
    """The smallest number that may be used."""

    def of(self, request: CostRequest) -> NDArray[np.float64]:
        """Return the number of each trade's symbol in its period, shape `(n_trades,)`.

        Raises:
            ValidationError: there is none, it is below the least, or it is not finite.

        """
        found = [self._at(request, column) for column in request.column.tolist()]
        return np.array(found, np.float64)

    def _at(self, request: CostRequest, column: int) -> float:
        symbols, period = request.symbols, request.period
        numbers: Any = None
        if isinstance(self.numbers, Mapping):
            numbers = self.numbers.get(symbols[column])
        elif self.numbers.shape[1] == len(symbols):
            numbers = self.numbers[:, column]
        else:
            raise ValidationError(
                f"{self.name} has {self.numbers.shape[1]} columns for {len(symbols)} symbols; give "
                "one a symbol, in their order, or a mapping"
            )
        is_known = numbers is not None and (numbers.ndim == 0 or period < len(numbers))
        number = numbers[period] if is_known and numbers.ndim else numbers
        if not is_known or not (math.isfinite(number) and number >= self.least):
            raise ValidationError(
                f"period {period}, symbol {symbols[column]!r}: {self.name} is "
                f"{number if is_known else 'not given'}. A trade needs one that is finite and at "
                f"least {self.least}."
            )
        return float(number)


def table(value: object, name: str, *, kinds: str, least: int) -> Table:
    """Return a table of what is given: a mapping from symbol, or an array.

    `kinds` are those of the dtypes that may be. Numbers are looked at when they are needed, since
    some of a period in which nothing is traded may be missing.

    Raises:
        TypeError: it is neither, or not of such numbers.

    """
    if isinstance(value, Mapping):
        by_symbol = {
            symbol: _numbers(numbers, f"{name} of {symbol!r}", kinds, (0, 1))
            for symbol, numbers in value.items()
        }
        return Table(name, by_symbol, least)
    if isinstance(value, np.ndarray):
        return Table(name, _numbers(value, name, kinds, (2,)), least)
    raise TypeError(
        f"{name} is one number, a mapping from symbol to a number or to a list with one a period, "
        f"or an array of shape (n_periods, n_symbols); got {shown(value)}"
    )


def _numbers(value: Any, name: str, kinds: str, axes: tuple[int, ...]) -> Any:
    numbers = np.asarray(value)
    # An empty list is one of floats.
    if numbers.ndim not in axes or (numbers.size and numbers.dtype.kind not in kinds):
        what = "numbers" if "f" in kinds else "whole numbers"
        shape = "a row a period" if axes == (2,) else "one, or a list with one a period"
        raise TypeError(f"{name} is {what}, {shape}; got {shown(value)}")
    return numbers.copy()
