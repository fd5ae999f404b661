"""Accelerated functions.

Each has a fallback in the core with the same signature and the same results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class ScheduleToDense(Protocol):
    """Turns a schedule of (symbol, value) pairs into a table.

    Kind `kernel`, name `schedule_to_dense`; the target is the function.
    """

    def __call__(
        self, schedule: Sequence[Any], values: Literal["weight", "price"], /
    ) -> tuple[tuple[str, ...], NDArray[np.float64] | NDArray[np.int64]]:
        """Symbols in order of first appearance, and the table of shape `(n_periods, n_symbols)`.

        `schedule` is a list or tuple with one row a period; a row is a list or tuple of `(symbol,
        value)` pairs, or a mapping from symbol to value. Weights give float64 with 0.0 where a
        symbol is absent; a row `None` means "hold" and gives a row of NaN. Prices give int64 with 0
        where a symbol is absent; `None` is refused.

        Raises, naming period, symbol and value:
            TypeError: a row, a pair, a symbol or a value of the wrong type (a price is an int,
                never a float or bool).
            ValidationError: a weight that is not finite, a price below 1, a symbol twice in one
                row, or one that is longer than 8 ASCII bytes.
            OverflowError: a price above 2^63-1.
        """
        ...
