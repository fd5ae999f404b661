"""Stops of a backtest: which positions are closed in a period, and at which level."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.bar import Bar
from nanobook_core.portfolio.mark import in_new_shares
from nanobook_core.portfolio.money import real, rounded, whole
from nanobook_core.types import INT64_MAX

Reason = Literal["fixed", "trailing", "atr"]

#: The order in which levels are compared, which settles ties.
REASONS: tuple[Reason, ...] = ("fixed", "trailing", "atr")

_KEYS = {
    "fixed_stop_pct": "fixed",
    "trailing_stop_pct": "trailing",
    "atr_multiple": "atr_multiple",
    "atr_period": "atr_period",
}
_NO_LEVEL = -1
_BEYOND = 2.0**63


def _fraction(value: object, key: str) -> float:
    fraction = real(value, key)
    if not 0.0 <= fraction < 1.0:
        # The wording is the original's, in which 0 passes and means off.
        raise ValidationError(
            f"{key} must be finite and in (0, 1), or 0 to turn it off; got {fraction}. "
            "It is a fraction: 10 % is 0.1"
        )
    return fraction


def _fixed(value: object) -> float:
    return _fraction(value, "fixed")


def _trailing(value: object) -> float:
    return _fraction(value, "trailing")


def _multiple(value: object) -> float:
    multiple = real(value, "atr_multiple")
    if not (math.isfinite(multiple) and multiple >= 0.0):
        raise ValidationError(
            f"atr_multiple must be finite and > 0, or 0 to turn it off; got {multiple}"
        )
    return multiple


def _period(value: object) -> int:
    period = whole(value, "atr_period")
    if period < 0:
        raise OverflowError(f"atr_period must be >= 1, got {period}")
    if period == 0:
        raise ValidationError("atr_period must be >= 1, got 0")
    return period


@frozen(kw_only=True)
class Stops:
    """Stops on every position of a backtest. A stop that is 0 is off; `Stops()` stops nothing.

    Tested once a period, after rebalancing, against the period's price, at which a breached
    position is closed; with `Bars` against each bar as well. Of several levels the one nearest to
    the price counts; of equal ones the last of fixed, trailing and ATR for a long position, the
    first of them for a short one. The next period's target weights may open the position again.
    Levels are rounded to whole money units, halves away from zero, and are at least 1.

    Attributes:
        fixed: fraction lost since entry; entry is the price of the period in which the position
            opened, with `Bars` the open if it opened there.
        trailing: fraction lost since the best price of a period while held, with `Bars` the best
            high (of a short position the lowest low).
        atr_multiple: loss since the best price, in mean absolute price changes, with `Bars` in mean
            true ranges. That of the bar at whose open the position opened counts from the open, not
            from the close before.
        atr_period: how many of the latest changes are averaged; fewer until there are as many.
            Changes count from the entry on. There is no such level while the averaged ones are all
            0.

    Raises:
        TypeError: a fraction or multiple is not a number, or the period is not an int.
        ValidationError: a fraction outside [0, 1), a multiple that is negative or not finite, a
            period of 0.
        OverflowError: a negative period.

    """

    fixed: float = field(default=0.0, converter=_fixed)
    trailing: float = field(default=0.0, converter=_trailing)
    atr_multiple: float = field(default=0.0, converter=_multiple)
    atr_period: int = field(default=14, converter=_period)

    @classmethod
    def from_config(cls, stop_cfg: Mapping[str, Any]) -> Stops:
        """Stops from the seed's dict, whose four keys may each be left out.

        Raises:
            TypeError: not a mapping, or a value of the wrong type, None included.
            ValidationError: an unknown key, or a value out of range; here `atr_multiple` may not be
                0.
            OverflowError: a negative period.

        """
        if not isinstance(stop_cfg, Mapping):
            raise TypeError(
                f"stop_cfg is a dict or None, got {stop_cfg!r:.80} ({type(stop_cfg).__name__})"
            )
        if unknown := [key for key in stop_cfg if key not in _KEYS]:
            raise ValidationError(
                f"stop_cfg has no key {unknown[0]!r:.80}; allowed are {', '.join(_KEYS)}"
            )
        for key in ("fixed_stop_pct", "trailing_stop_pct"):
            _fraction(stop_cfg.get(key, 0.0), key)  # by the name that it has here, not in Stops
        stops = cls(**{_KEYS[key]: value for key, value in stop_cfg.items()})
        if stop_cfg.get("atr_multiple") == 0:
            raise ValidationError(
                "atr_multiple must be finite and > 0, got 0; leave it out to have no ATR stop"
            )
        return stops

    @property
    def is_active(self) -> bool:
        """Whether any of them is on."""
        return bool(self.fixed or self.trailing or self.atr_multiple)


@frozen(kw_only=True)
class Breach:
    """Positions to close in one period, in column order; arrays of shape `(n_breached,)`."""

    columns: NDArray[np.intp]
    levels: NDArray[np.int64]
    reasons: tuple[Reason, ...]


class StopTracker:
    """What the stops of all symbols remember while positions are open, column by column."""

    def __init__(self, stops: Stops, n_symbols: int, n_periods: int, highest_price: int) -> None:
        self._stops = stops
        self._side = np.zeros(n_symbols, np.int64)
        self._entry, self._reference, self._last = np.zeros((3, n_symbols), np.int64)
        # The latest changes, overwritten in turn; Python ints where their sum could wrap.
        depth = min(stops.atr_period, n_periods) if stops.atr_multiple else 0
        exact = np.int64 if highest_price * depth <= INT64_MAX else object
        self._changes: NDArray[Any] = np.zeros((depth, n_symbols), exact)
        self._sum: NDArray[Any] = np.zeros(n_symbols, exact)
        self._count = np.zeros(n_symbols, np.int64)

    def update(
        self,
        quantity: NDArray[np.int64],
        price: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
        bar: Bar | None = None,
    ) -> Breach:
        """Take in one period, after its trades, and say which positions to close.

        `quantity` and `price` have shape `(n_symbols,)`. A symbol without a price in this period is
        neither moved nor closed. Say `close` for what of the breached is sold before the next call.
        """
        side = np.sign(quantity)
        is_new = (side != self._side) & is_priced
        is_kept = (side == self._side) & is_priced & (side != 0)
        self._open(is_new, side, price)
        self._move(is_kept, price, bar)
        return self._breached(side, price, price, is_priced)

    def touch(
        self, quantity: NDArray[np.int64], bar: Bar, is_priced: NDArray[np.bool_]
    ) -> tuple[Breach, NDArray[np.int64]]:
        """Say which positions a bar closes before its period's other trades, and at which prices.

        What is new has been opened at the open. The prices, of shape `(n_symbols,)`, are the worse
        of open and level for what is breached, and the open for the rest. Nothing of the bar is
        taken in; say `close` as after `update`.
        """
        side = np.sign(quantity)
        self._open((side != self._side) & is_priced, side, bar.open)
        breach = self._breached(side, bar.low, bar.high, is_priced)
        price, columns = bar.open.copy(), breach.columns
        at_open = price[columns]
        price[columns] = np.where(
            side[columns] > 0,
            np.minimum(at_open, breach.levels),
            np.maximum(at_open, breach.levels),
        )
        return breach, price

    def close(self, columns: NDArray[np.intp]) -> None:
        """Forget the positions of these columns, so that new ones start afresh."""
        self._side[columns] = 0

    def split(self, period: int, column: int, ratio: Fraction, symbol: str) -> None:
        """Go on in new shares, `ratio` of which came for each old one.

        Raises:
            OverflowError: a price that is remembered would be beyond 2^63-1.

        """
        if not self._side[column]:
            return
        for state in (self._entry, self._reference, self._last):
            state[column] = in_new_shares(int(state[column]), ratio, period, symbol)
        n_changes = min(int(self._count[column]), len(self._changes))
        changes = [round(change / ratio) for change in self._changes[:n_changes, column].tolist()]
        self._changes[:n_changes, column] = changes
        self._sum[column] = sum(changes)

    def _open(
        self, is_new: NDArray[np.bool_], side: NDArray[np.int64], price: NDArray[np.int64]
    ) -> None:
        for state, start in (
            (self._side, side),
            (self._entry, price),
            (self._reference, price),
            (self._last, price),
        ):
            np.copyto(state, start, where=is_new)
        self._count[is_new] = 0
        self._sum[is_new] = 0

    def _breached(
        self,
        side: NDArray[np.int64],
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
    ) -> Breach:
        levels, reasons = self._levels()
        is_breached = np.where(side > 0, low <= levels, high >= levels)
        is_breached &= is_priced & (side != 0) & (reasons != _NO_LEVEL)
        columns = np.flatnonzero(is_breached)
        return Breach(
            columns=columns,
            levels=levels[columns],
            reasons=tuple(REASONS[reason] for reason in reasons[columns]),
        )

    def _move(self, is_kept: NDArray[np.bool_], price: NDArray[np.int64], bar: Bar | None) -> None:
        high, low = (price, price) if bar is None else (bar.high, bar.low)
        best = np.where(
            self._side > 0,
            np.maximum(self._reference, high),
            np.minimum(self._reference, low),
        )
        np.copyto(self._reference, best, where=is_kept)
        if depth := len(self._changes):
            columns = np.flatnonzero(is_kept)
            count = self._count[columns]
            slot = (count % depth, columns)
            moved = np.abs(price - self._last) if bar is None else bar.true_range(self._last)
            change = moved[columns]
            # What an earlier position left in the slot does not count.
            self._sum[columns] += change - np.where(count < depth, 0, self._changes[slot])
            self._changes[slot] = change
            self._count[columns] += 1
        np.copyto(self._last, price, where=is_kept)

    def _levels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        mean_change = None
        if depth := len(self._changes):
            mean_change = self._sum.astype(np.float64) / np.clip(self._count, 1, depth)
        return nearest_levels(
            self._stops, self._side > 0, self._entry, self._reference, mean_change
        )


def nearest_levels(
    stops: Stops,
    is_long: NDArray[np.bool_],
    entry: NDArray[Any],
    reference: NDArray[Any],
    mean_change: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The level that counts, and the index of its reason in REASONS or -1, of every position."""
    sign = np.where(is_long, -1.0, 1.0)
    levels = np.where(is_long, 0, INT64_MAX)
    reasons = np.full(len(levels), _NO_LEVEL)

    for reason, values, is_set in _candidates(stops, sign, entry, reference, mean_change):
        level = _whole_levels(values)
        # Ties: the last of them for a long position, the first for a short one.
        is_nearer = np.where(is_long, level >= levels, level < levels) & is_set
        np.copyto(levels, level, where=is_nearer)
        np.copyto(reasons, REASONS.index(reason), where=is_nearer)
    return levels, reasons


def _candidates(
    stops: Stops,
    sign: NDArray[np.float64],
    entry: NDArray[Any],
    reference: NDArray[Any],
    mean_change: NDArray[np.float64] | None,
) -> Iterator[tuple[Reason, NDArray[np.float64], NDArray[np.bool_] | np.bool_]]:
    """Levels of each stop that is on, before rounding, and which of them are there yet."""
    if stops.fixed:
        yield "fixed", entry * (1.0 + sign * stops.fixed), np.True_
    if stops.trailing:
        yield "trailing", reference * (1.0 + sign * stops.trailing), np.True_
    if mean_change is not None:
        with np.errstate(over="ignore"):  # a level out of reach
            distance = stops.atr_multiple * mean_change
        # Without a move there is no distance: the level would be the price itself.
        yield "atr", reference + sign * distance, mean_change > 0.0


def _whole_levels(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round to whole units of at least 1; what int64 cannot hold becomes 2^63-1."""
    whole_values = rounded(np.clip(values, 1.0, _BEYOND))
    fits = whole_values < _BEYOND
    return np.where(fits, np.where(fits, whole_values, 0.0).astype(np.int64), INT64_MAX)
