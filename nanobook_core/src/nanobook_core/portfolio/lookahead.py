"""Weights that know the future, found by changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import NanobookError, ValidationError, shown
from nanobook_core.portfolio.money import real, whole
from nanobook_core.portfolio.table import read_table


class LookaheadError(NanobookError):
    """Weights depend on prices of later periods."""


@frozen(kw_only=True)
class Leak:
    """A weight that changed with prices of later periods only."""

    cut: int
    """Prices were changed after this period."""
    period: int
    """Of the weight; at most `cut`."""
    symbol: str
    weight: float
    changed: float
    how: str
    """What was done to the prices."""

    def __str__(self) -> str:
        return (
            f"the weight of {self.symbol} in period {self.period} depends on prices after period "
            f"{self.cut}: {self.weight:.6g} became {self.changed:.6g} when they were {self.how}"
        )


@frozen(kw_only=True)
class LookaheadReport:
    """What was found; it is clean if nothing was."""

    n_checks: int
    """How often weights were computed from a changed future."""
    leaks: tuple[Leak, ...]
    """The first of each cut and change."""

    @property
    def is_clean(self) -> bool:
        """Whether no weight changed."""
        return not self.leaks

    def raise_if_leaking(self) -> None:
        """Raise LookaheadError, with the first leak in words, unless it is clean."""
        if self.leaks:
            raise LookaheadError(str(self.leaks[0]))

    def __str__(self) -> str:
        if self.is_clean:
            return f"no look-ahead found in {self.n_checks} checks"
        return "\n".join(map(str, self.leaks))


def check_lookahead(
    weight_fn: Callable[[Any], Any],
    prices: Any,
    *,
    n_cuts: int = 12,
    seed: int = 0,
    rtol: float = 1e-9,
) -> LookaheadReport:
    """Compute weights again and again with another future, and see whether the past stays.

    `weight_fn` takes prices and gives weights for all periods: an array of shape `(n_periods,
    n_symbols)` each, or wide frames of pandas, polars or pyarrow. After each of `n_cuts` periods,
    the last but one among them, prices are scaled, replaced at random (from `seed`), reversed and
    left out; weights up to the cut must stay as they were, within `rtol`. A clean report is no
    proof: a dependence that none of these changes touches is not seen.

    Raises, besides what the function raises:
        TypeError: `weight_fn` cannot be called, or prices are neither an array nor a frame.
        ValidationError: fewer than 3 periods, weights with another number of rows, weights that
            differ when nothing was changed, or an option out of range.

    """
    if not callable(weight_fn):
        raise TypeError(f"weight_fn is a function of prices, got {shown(weight_fn)}")
    cuts_wanted, tolerance = whole(n_cuts, "n_cuts"), real(rtol, "rtol")
    if cuts_wanted < 1 or not 0.0 <= tolerance < 1.0:
        raise ValidationError(f"n_cuts is at least 1 and rtol in [0, 1); got {n_cuts} and {rtol}")
    table = _Prices(prices)
    n_periods = len(table.values)
    if n_periods < 3:  # noqa: PLR2004 - a past, a cut and a future
        raise ValidationError(f"look-ahead needs at least 3 periods of prices, got {n_periods}")
    symbols, weights = _weights(weight_fn(prices), n_periods)
    _, again = _weights(weight_fn(prices), n_periods)
    if _first_change(weights, again, 0.0) is not None:
        raise ValidationError(
            "weight_fn gives other weights for the same prices; make it deterministic first"
        )
    draw = np.random.default_rng(seed)
    cuts = sorted(set(np.linspace(1, n_periods - 2, cuts_wanted).round().astype(int).tolist()))
    leaks, n_checks = [], 0
    for cut in cuts:
        for how, changed in _futures(table, cut, draw):
            n_checks += 1
            _, other = _weights(weight_fn(changed), None if how == "left out" else n_periods)
            found = _first_change(weights[: cut + 1], other[: cut + 1], tolerance)
            if found is not None:
                period, column = found
                leaks.append(
                    Leak(
                        cut=cut,
                        period=period,
                        symbol=symbols[column],
                        weight=float(weights[period, column]),
                        changed=float(other[period, column]),
                        how=how,
                    )
                )
    return LookaheadReport(n_checks=n_checks, leaks=tuple(leaks))


class _Prices:
    """A table of prices, and the same with another future."""

    def __init__(self, prices: Any) -> None:
        self._given = prices
        if isinstance(prices, np.ndarray):
            names = [str(column) for column in range(prices.shape[1] if prices.ndim > 1 else 0)]
            self.values = read_table(prices, "prices", symbols=names).values
            return
        if isinstance(prices, list | tuple):
            raise TypeError("prices are an array or a wide frame here, got a list of rows")
        table = read_table(prices, "prices")
        if table.is_long:
            raise ValidationError("prices are a wide frame here: a column for each symbol")
        self._names, self.values = table.symbols, table.values

    def changed(self, values: NDArray[Any]) -> Any:
        """Return these values in the form that was given."""
        values = values.astype(self.values.dtype)
        if isinstance(self._given, np.ndarray):
            return values
        import narwhals as nw

        frame = nw.from_native(self._given, eager_only=True)
        columns = [
            nw.new_series(name, values[:, place].copy(), backend=frame.implementation)
            for place, name in enumerate(self._names)
        ]
        if frame.implementation.is_pandas():  # which keeps to its index
            native = self._given.copy()
            for name, place in zip(self._names, range(len(self._names)), strict=True):
                native[name] = values[:, place]
            return native
        return frame.with_columns(*columns).to_native()

    def until(self, cut: int) -> Any:
        """Return the past alone."""
        if isinstance(self._given, np.ndarray):
            return self._given[: cut + 1].copy()
        import narwhals as nw

        return nw.from_native(self._given, eager_only=True).head(cut + 1).to_native()


def _futures(table: _Prices, cut: int, draw: np.random.Generator) -> Iterator[tuple[str, Any]]:
    after = table.values[cut + 1 :]
    for how, other in (
        ("tripled", after * 3),
        ("drawn at random", after * draw.uniform(0.5, 2.0, after.shape)),
        ("reversed", after[::-1]),
    ):
        values = table.values.astype(np.float64)
        values[cut + 1 :] = other
        if table.values.dtype.kind == "i":
            values = np.maximum(np.rint(values), table.values > 0)
        yield how, table.changed(values)
    yield "left out", table.until(cut)


def _weights(weights: Any, n_periods: int | None) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    if isinstance(weights, np.ndarray):
        names = [str(column) for column in range(weights.shape[1] if weights.ndim > 1 else 0)]
        table = read_table(weights, "weights", symbols=names)
    else:
        table = read_table(weights, "weights")
    if n_periods is not None and len(table.values) != n_periods:
        raise ValidationError(
            f"weight_fn gives a row of weights for each of {n_periods} periods; "
            f"got {len(table.values)}"
        )
    return table.symbols, table.values.astype(np.float64)


def _first_change(
    weights: NDArray[np.float64], other: NDArray[np.float64], rtol: float
) -> tuple[int, int] | None:
    if weights.shape != other.shape:
        raise ValidationError(
            f"weight_fn gives weights of shape {other.shape} for the periods up to a cut, and gave "
            f"{weights.shape} before"
        )
    is_same = np.isclose(weights, other, rtol=rtol, atol=rtol, equal_nan=True)
    if is_same.all():
        return None
    period, column = np.argwhere(~is_same)[0].tolist()
    return period, column
