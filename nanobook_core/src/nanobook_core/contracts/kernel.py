"""Accelerated functions.

Each has a fallback in the core with the same signature and the same results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from attrs import frozen

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


@frozen(kw_only=True, eq=False)
class Run:
    """What a `Simulate` kernel found, period by period.

    Money is an int64 array where everything fits, else an array of Python ints (dtype object).
    """

    equity: NDArray[Any]
    """At the start and at the end of each period, shape `(n_periods + 1,)`."""
    cash: NDArray[Any]
    """At the end of each period, shape `(n_periods,)`."""
    quantities: NDArray[np.int64]
    """Held at the end of each period, signed, in lots; shape `(n_periods, n_symbols)`."""
    stop_period: NDArray[np.int64]
    """Period of each stop that was fired, by period and then by column; shape `(n_stops,)`."""
    stop_column: NDArray[np.int64]
    stop_level: NDArray[np.int64]
    """The level that was breached, in money units."""
    stop_quantity: NDArray[np.int64]
    """What was traded, signed: the opposite of what had been held."""
    stop_reason: NDArray[np.int64]
    """0 fixed, 1 trailing, 2 atr."""
    ruined_at: int | None
    """First period in which equity was 0 or less, before its trades or at its end."""


@runtime_checkable
class Simulate(Protocol):
    """Holds target weights on prices, with costs in basis points and stops.

    Kind `kernel`, name `simulate`; the target is the function.
    """

    def __call__(
        self,
        weights: NDArray[np.float64],
        prices: NDArray[np.int64],
        symbols: Sequence[str],
        /,
        *,
        initial_cash: int,
        cost_bps: int,
        minimum_fee: int,
        fixed: float,
        trailing: float,
        atr_multiple: float,
        atr_period: int,
        scale_to_cash: bool,
    ) -> Run:
        """Simulate all periods; nothing that was given is changed.

        Both tables have shape `(n_periods, n_symbols)`. A row of weights all NaN trades nothing; a
        price of 0 is absent. Costs are `max(notional * cost_bps // 10000, minimum_fee)` a trade. A
        stop that is 0 is off. `scale_to_cash` cuts what opens long positions so that cash does not
        become negative. The rules are those of `docs/simulation.md`, to the last unit.

        Raises, naming period and symbol where there are any:
            TypeError: a table of another dtype.
            ValidationError: tables of another shape, a row of weights that is partly NaN, an
                infinite weight, a negative price, or a weight other than 0 for a symbol that has
                had no price yet.
            OverflowError: a quantity beyond +-(2^63-1).
        """
        ...
