"""Performance of the latest periods, again at the end of each."""

from __future__ import annotations

import math

import numpy as np
from attrs import asdict, field, frozen
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.metrics import as_series, compute_metrics
from nanobook_core.portfolio.money import whole
from nanobook_core.portfolio.read_only import read_only

#: Cells that are looked at together, so that a wide window takes little memory.
_CELLS = 2**20

_ROUNDING = 1e-12


@frozen(kw_only=True, repr=False)
class Rolling:
    """Each of shape `(n_periods,)`, NaN until the window is full; defined as in `Metrics`.

    A frame of them is `pandas.DataFrame(attrs.asdict(result.rolling(63)), result.dates)`.
    """

    total_return: NDArray[np.float64] = field(converter=read_only)
    volatility: NDArray[np.float64] = field(converter=read_only)
    sharpe: NDArray[np.float64] = field(converter=read_only)
    sortino: NDArray[np.float64] = field(converter=read_only)
    max_drawdown: NDArray[np.float64] = field(converter=read_only)

    def __repr__(self) -> str:
        columns = asdict(self).items()
        latest = "".join(f", {name}={values[-1]:.4g}" for name, values in columns if len(values))
        return f"Rolling(periods={len(self.sharpe)}{', latest:' if latest else ''}{latest[1:]})"


def rolling(
    returns: ArrayLike, window: int, periods_per_year: float = 252.0, risk_free: float = 0.0
) -> Rolling:
    """Performance of the latest `window` periods at the end of each period.

    Every window is summed by itself: nothing is carried from one to the next, so no rounding is.

    Raises:
        TypeError: `returns` is not a sequence of numbers, the window not an int, or an option not a
            number.
        ValidationError: a return is NaN or infinite, the window is below 2, or an option is not
            what `compute_metrics` takes.

    Runtime complexity: O(n_periods * window).

    """
    series = as_series(returns, "returns")
    size = whole(window, "window")
    if size < 2:  # noqa: PLR2004 - a deviation needs two
        raise ValidationError(f"window must be at least 2 periods, got {size}")
    compute_metrics((), periods_per_year, risk_free)  # refuses wrong options
    found = np.full((5, len(series)), np.nan)
    if len(series) >= size:
        windows = sliding_window_view(series, size)
        step = max(_CELLS // size, 1)
        for start in range(0, len(windows), step):
            block = windows[start : start + step]
            at = slice(start + size - 1, start + size - 1 + len(block))
            found[:, at] = _measured(block, periods_per_year, risk_free)
    total, volatility, sharpe, sortino, drawdown = found
    return Rolling(
        total_return=total,
        volatility=volatility,
        sharpe=sharpe,
        sortino=sortino,
        max_drawdown=drawdown,
    )


def _measured(
    block: NDArray[np.float64], periods_per_year: float, risk_free: float
) -> list[NDArray[np.float64]]:
    size, year = block.shape[1], math.sqrt(periods_per_year)
    with np.errstate(over="ignore", invalid="ignore"):  # growth beyond a float is infinite
        mean = _sum(block) / size
        deviation = np.sqrt(_sum(np.square(block - mean[:, None])) / (size - 1))
        downside = np.sqrt(_sum(np.square(np.minimum(block - risk_free, 0.0))) / size)
        excess = (mean - risk_free) * year
        growth = np.multiply.accumulate(1.0 + block, axis=1)
        peak = np.maximum.accumulate(np.maximum(growth, 1.0), axis=1)
        return [
            growth[:, -1] - 1.0,
            deviation * year,
            _ratio(excess, deviation, deviation > _ROUNDING * np.abs(mean)),
            _ratio(excess, downside, downside > 0.0),
            # fmax passes over the NaN of inf / inf.
            np.fmax.reduce((peak - growth) / peak, axis=1, initial=0.0),
        ]


def _sum(block: NDArray[np.float64]) -> NDArray[np.float64]:
    # Not np.sum, which adds in an order that depends on the platform.
    total: NDArray[np.float64] = np.add.accumulate(block, axis=1)[:, -1]
    return total


def _ratio(
    amount: NDArray[np.float64], risk: NDArray[np.float64], is_risky: NDArray[np.bool_]
) -> NDArray[np.float64]:
    ratio = np.zeros(len(amount))
    np.divide(amount, risk, out=ratio, where=is_risky)
    return ratio
