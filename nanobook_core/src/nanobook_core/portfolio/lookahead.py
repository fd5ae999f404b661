"""Weights that know the future, found by changing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.errors import NanobookError, ValidationError, shown
from nanobook_core.portfolio.future import Prices
from nanobook_core.portfolio.money import real, whole
from nanobook_core.portfolio.table import Table, read_table


class LookaheadError(NanobookError):
    """Weights depend on prices of later periods."""


@frozen(kw_only=True)
class Leak:
    """A weight that changed with prices of later periods only.

    Attributes:
        cut: prices were changed after this period.
        period: of the weight; at most `cut`.
        symbol: `column 3` in an array without symbols.
        weight: before prices were changed.
        changed: after it.
        how: what was done to the prices.

    """

    cut: int
    period: int
    symbol: str
    weight: float
    changed: float
    how: str

    def __repr__(self) -> str:
        return (
            f"the weight of {self.symbol} in period {self.period} depends on prices after period "
            f"{self.cut}: {self.weight:.6g} became {self.changed:.6g} when they were {self.how}"
        )


@frozen(kw_only=True)
class LookaheadReport:
    """What was found; it is clean if nothing was.

    Attributes:
        n_checks: how often weights were computed from a changed future.
        leaks: the first of each cut and change.

    """

    n_checks: int
    leaks: tuple[Leak, ...]

    @property
    def is_clean(self) -> bool:
        """Whether no weight changed."""
        return not self.leaks

    def raise_if_leaking(self) -> None:
        """Raise LookaheadError, with the first leak in words, unless it is clean."""
        if self.leaks:
            raise LookaheadError(str(self.leaks[0]))

    def __repr__(self) -> str:
        if self.is_clean:
            return f"no look-ahead found in {self.n_checks} checks"
        more = len(self.leaks) - 1
        rest = f"\nand {more} more, in .leaks, of {self.n_checks} checks" if more else ""
        return f"{self.leaks[0]!r}{rest}"


def check_lookahead(
    weight_fn: Callable[[Any], Any],
    prices: Any,
    *,
    n_cuts: int = 12,
    seed: int = 0,
    rtol: float = 1e-9,
) -> LookaheadReport:
    """Compute weights again and again with another future, and see whether the past stays.

    `weight_fn` takes prices and gives weights for all periods, each an array of shape `(n_periods,
    n_symbols)`, a wide frame of pandas, polars or pyarrow, or a list of rows. After each of
    `n_cuts` periods from the first to the last but one, and of up to as many that a price is
    missing in and there in the next, prices are tripled, multiplied at random (from `seed`),
    reversed, held constant and left out; types, dates and what is missing stay. Weights up to the
    cut must stay as they were, within `rtol` and as much absolutely; NaN equals NaN. A clean report
    is no proof: a dependence that none of these changes touches is not seen. Prices that are left
    out take their dates along: weights on the last day of each month of `prices.index` depend on
    which days follow, and are reported, although a calendar is known beforehand; take days from a
    calendar of the exchange.

    Raises, besides what the function raises, which comes with a note of what it was given:
        TypeError: `weight_fn` cannot be called, or prices or weights are no table.
        ValidationError: fewer than 2 periods, weights with another number of rows, weights that
            differ when nothing was changed, or an option out of range.

    """
    if not callable(weight_fn):
        raise TypeError(f"weight_fn is a function of prices, got {shown(weight_fn)}")
    wanted, tolerance, start = whole(n_cuts, "n_cuts"), real(rtol, "rtol"), whole(seed, "seed")
    if wanted < 1 or not 0.0 <= tolerance < 1.0 or start < 0:
        raise ValidationError(
            "n_cuts is at least 1, rtol in [0, 1) and seed at least 0; "
            f"got {wanted}, {tolerance} and {start}"
        )
    table = Prices(prices)
    n_periods = len(table.values)
    if n_periods < 2:  # noqa: PLR2004 - a past and a future
        raise ValidationError(f"look-ahead needs at least 2 periods of prices, got {n_periods}")
    weights = _weights(weight_fn(table.form.copy()), table.symbols, n_periods)
    again = _weights(weight_fn(table.form.copy()), table.symbols, n_periods)
    if _first_change(weights, again, n_periods, 0.0) is not None:
        raise ValidationError(
            "weight_fn gives other weights for the same prices; make it deterministic first"
        )
    draw = np.random.default_rng(start)
    leaks, n_checks = [], 0
    for cut in _cuts(table.values, wanted):
        for how, changed in table.futures(cut, draw):
            n_checks += 1
            n_rows = cut + 1 if how == "left out" else n_periods
            try:
                # Prices that do not move, or one row of them, have no variance to divide by.
                with np.errstate(divide="ignore", invalid="ignore"):
                    other = _weights(weight_fn(changed), table.symbols, n_rows)
            except Exception as error:
                error.add_note(f"in check_lookahead, when prices after period {cut} were {how}")
                raise
            found = _first_change(weights, other, cut + 1, tolerance)
            if found is not None:
                period, symbol, weight, new = found
                leaks.append(
                    Leak(cut=cut, period=period, symbol=symbol, weight=weight, changed=new, how=how)
                )
    return LookaheadReport(n_checks=n_checks, leaks=tuple(leaks))


def _cuts(prices: NDArray[np.float64], wanted: int) -> list[int]:
    """Periods to change the future after, rising."""
    spread = np.linspace(len(prices) - 2, 0, wanted).round().astype(int)
    # What is filled from behind shows only where a gap ends.
    is_missing = np.isnan(prices)
    ends = np.flatnonzero((is_missing[:-1] & ~is_missing[1:]).any(axis=1))
    some = np.linspace(0, len(ends) - 1, min(len(ends), wanted)).round().astype(int)
    return sorted({*spread.tolist(), *ends[some].tolist()})


def _weights(weights: Any, symbols: tuple[str, ...], n_periods: int) -> Table:
    if isinstance(weights, np.ndarray):
        n_columns = weights.shape[1] if weights.ndim > 1 else 0
        if n_columns != len(symbols):
            symbols = tuple(f"column {column}" for column in range(n_columns))
        table = read_table(weights, "weights", symbols=symbols)
    else:
        table = read_table(weights, "weights")
    if len(table.values) != n_periods:
        raise ValidationError(
            f"weight_fn gives a row of weights for each of {n_periods} periods; got "
            f"{len(table.values)}. Of a rebalance calendar make such rows: "
            "weights.reindex(prices.index), NaN where it holds"
        )
    return table


def _first_change(
    weights: Table, other: Table, n_periods: int, rtol: float
) -> tuple[int, str, float, float] | None:
    """Period and symbol of the first weight in these periods that is not the other, and both."""
    symbols = tuple(dict.fromkeys(weights.symbols + other.symbols))
    before, after = (_columns(table, symbols, n_periods) for table in (weights, other))
    places = np.argwhere(~np.isclose(before, after, rtol=rtol, atol=rtol, equal_nan=True))
    if not len(places):
        return None
    period, column = places[0].tolist()
    return period, symbols[column], float(before[period, column]), float(after[period, column])


def _columns(table: Table, symbols: tuple[str, ...], n_periods: int) -> NDArray[np.float64]:
    """Weights of these symbols; 0 for one without a column."""
    values = np.zeros((n_periods, len(symbols)))
    places = [symbols.index(symbol) for symbol in table.symbols]
    values[:, places] = table.values[:n_periods]
    return values
