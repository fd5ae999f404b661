"""Volatility that was realised, measured from open, high, low and close."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Literal, overload

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.metrics import as_series
from nanobook_core.portfolio.money import real, whole

Method = Literal["close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang"]

#: Cells that are looked at together, so that a wide window takes little memory.
_CELLS = 2**20

_Array = NDArray[np.float64]


@overload
def realized_vol(
    open: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    method: Method = ...,
    *,
    window: None = None,
    periods_per_year: float = ...,
) -> float: ...
@overload
def realized_vol(
    open: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    method: Method = ...,
    *,
    window: int,
    periods_per_year: float = ...,
) -> NDArray[np.float64]: ...
def realized_vol(
    open: ArrayLike,  # noqa: A002 - the field's word, and the original's
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    method: Method = "close_to_close",
    *,
    window: int | None = None,
    periods_per_year: float = 1.0,
) -> float | NDArray[np.float64]:
    """Volatility of log prices over the whole series, or over the latest `window` periods of each.

    A standard deviation, 0.01 for 1 %, of one period, times `sqrt(periods_per_year)`. Without a
    window a float; with one an array of shape `(n_periods,)` that is NaN before the window is full
    and then at each period what the last `window` rows alone would give. Of a period `u`, `d` and
    `c` are the logarithms of high, low and close over open, `o` that of the open over the close
    before, and a mean is over the `n` periods that have all that is asked of them:

    - `close_to_close`: `sum((o + c - mean(o + c))^2) / (n - 1)`;
    - `parkinson`: `mean((u - d)^2) / (4 ln 2)`, without drift;
    - `garman_klass`: `mean((u - d)^2 / 2 - (2 ln 2 - 1) c^2)`, without drift;
    - `rogers_satchell`: `mean(u (u - c) + d (d - c))`, with any drift;
    - `yang_zhang`: `var(o) + k var(c) + (1 - k) rogers_satchell`, each var as the first, any drift,

    with `k = 0.34 / (1.34 + (n + 1) / (n - 1))`. `close_to_close` and `yang_zhang` need the close
    before, so their n is one less than the rows, the first of which gives its close alone. The
    other three leave out what the price moves between a close and the next open. A price that never
    moves gives 0.0.

    Sources: Parkinson 1980, The extreme value method for estimating the variance of the rate of
    return; Garman and Klass 1980, On the estimation of security price volatilities from historical
    data, whose practical estimator without cross terms it is; Rogers and Satchell 1991, Estimating
    variance from high, low and closing prices; Yang and Zhang 2000, Drift-independent volatility
    estimation based on high, low, open, and close prices.

    Args:
        open: of each period, oldest first, positive, in any unit.
        high: no less than open and close.
        low: no more than open and close.
        close: of each period.
        method: one of the five.
        window: at least 1 row, or 3 with `close_to_close` and `yang_zhang`.
        periods_per_year: 252 annualises daily prices.

    Raises:
        TypeError: prices that are not a sequence of numbers, or an option of the wrong type.
        ValidationError: series of different lengths or indexes, too few rows, a price that is not
            positive and finite, a high or low on the wrong side of another price, or another
            option.

    Runtime complexity: O(n_periods), with a window O(n_periods * window).

    """
    if not isinstance(method, str):
        raise TypeError(f"method is a string, got {shown(method)}")
    if method not in _METHODS:
        raise ValidationError(f"method is one of {', '.join(_METHODS)}; got {method!r:.80}")
    variance, least = _METHODS[method]
    year = real(periods_per_year, "periods_per_year")
    if not (math.isfinite(year) and year > 0.0):
        raise ValidationError(f"periods_per_year must be finite and above 0, got {year}")
    prices = _prices(open, high, low, close)
    rows = len(prices[0])
    size = rows if window is None else whole(window, "window")
    if size < least:
        noun = "rows" if window is None else "window"
        raise ValidationError(f"{noun}: {method} needs at least {least} periods, got {size}")
    logs = [np.log(price) for price in prices]
    if window is None:
        return math.sqrt(float(variance(*logs)) * year)
    found = np.full(rows, np.nan)
    if rows >= size:
        windows = [sliding_window_view(log, size) for log in logs]
        step = max(_CELLS // size, 1)
        for start in range(0, rows - size + 1, step):
            block = variance(*(view[start : start + step] for view in windows))
            found[start + size - 1 : start + size - 1 + len(block)] = np.sqrt(block * year)
    return found


def _prices(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> list[_Array]:
    given = {"open": open_, "high": high, "low": low, "close": close}
    prices = {name: as_series(values, name) for name, values in given.items()}
    lengths = {name: len(series) for name, series in prices.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValidationError(f"open, high, low and close are of one length, got {listed}")
    _check_index(given)
    for name, series in prices.items():
        if (wrong := np.flatnonzero(series <= 0.0)).size:
            row = int(wrong[0])
            raise ValidationError(f"{name}[{row}] is {series[row]}; a price is above 0")
    for name, other, sign in (
        ("high", "open", 1),
        ("high", "close", 1),
        ("high", "low", 1),
        ("low", "open", -1),
        ("low", "close", -1),
    ):
        if (wrong := np.flatnonzero(sign * (prices[name] - prices[other]) < 0.0)).size:
            row = int(wrong[0])
            raise ValidationError(
                f"row {row}: {name} {prices[name][row]} is {'below' if sign > 0 else 'above'} "
                f"{other} {prices[other][row]}"
            )
    return list(prices.values())


def _check_index(given: Mapping[str, ArrayLike]) -> None:
    """Refuse series of pandas whose rows are not of the same periods."""
    found = {name: getattr(series, "index", None) for name, series in given.items()}
    indexes = [(name, np.asarray(i)) for name, i in found.items() if hasattr(i, "dtype")]
    for (first, one), (name, two) in pairwise(indexes):
        differs = (one != two) & ((one == one) | (two == two))  # noqa: PLR0124 - NaT, NaN
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            raise ValidationError(
                f"{first} and {name} must have the same index; in row {row} {first} has "
                f"{one[row]}, {name} {two[row]}"
            )


def _close_to_close(_: _Array, __: _Array, ___: _Array, close: _Array) -> _Array:
    return np.asarray(np.var(np.diff(close), axis=-1, ddof=1))


def _parkinson(_: _Array, high: _Array, low: _Array, __: _Array) -> _Array:
    return np.asarray(np.mean((high - low) ** 2, axis=-1) / (4.0 * math.log(2.0)))


def _garman_klass(open_: _Array, high: _Array, low: _Array, close: _Array) -> _Array:
    terms = 0.5 * (high - low) ** 2 - (2.0 * math.log(2.0) - 1.0) * (close - open_) ** 2
    return np.asarray(np.mean(terms, axis=-1))


def _rogers_satchell(open_: _Array, high: _Array, low: _Array, close: _Array) -> _Array:
    terms = (high - open_) * (high - close) + (low - open_) * (low - close)
    return np.asarray(np.mean(terms, axis=-1))


def _yang_zhang(open_: _Array, high: _Array, low: _Array, close: _Array) -> _Array:
    overnight = open_[..., 1:] - close[..., :-1]
    open_, high, low, close = (log[..., 1:] for log in (open_, high, low, close))
    n = close.shape[-1]
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    opening = np.var(overnight, axis=-1, ddof=1)
    closing = np.var(close - open_, axis=-1, ddof=1)
    return np.asarray(opening + k * closing + (1.0 - k) * _rogers_satchell(open_, high, low, close))


#: With the rows that each needs.
_METHODS: dict[str, tuple[Callable[[_Array, _Array, _Array, _Array], _Array], int]] = {
    "close_to_close": (_close_to_close, 3),
    "parkinson": (_parkinson, 1),
    "garman_klass": (_garman_klass, 1),
    "rogers_satchell": (_rogers_satchell, 1),
    "yang_zhang": (_yang_zhang, 3),
}
