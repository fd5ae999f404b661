"""Losses from a running peak."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.metrics import as_series


@frozen(kw_only=True)
class Drawdown:
    """One fall below a peak, until the peak is reached again.

    Moments count from the start: 0 is before the first period, 1 the end of the first, and so on,
    as in `equity_curve`. Dates are None without dates, and of the start, which has none.

    Attributes:
        depth: largest loss, as a positive fraction of the peak.
        peak: the last moment at it.
        trough: the first moment of the largest loss.
        recovery: the first moment at or above the peak again; None if there was none.
        length: periods from the peak to the recovery, or to the end without one.
        peak_date, trough_date, recovery_date: dates of these moments.

    """

    depth: float
    peak: int
    trough: int
    recovery: int | None
    length: int
    peak_date: np.datetime64 | None = None
    trough_date: np.datetime64 | None = None
    recovery_date: np.datetime64 | None = None


def underwater(returns: ArrayLike) -> NDArray[np.float64]:
    """Loss from the running peak at the end of each period, as a fraction of it; 0 at a peak.

    Compounded from 1.0, which is a peak; shape `(n_periods,)`, like the returns.

    Raises:
        TypeError: `returns` is not a sequence of numbers.
        ValidationError: a return is NaN or infinite.

    """
    with np.errstate(over="ignore", invalid="ignore"):  # growth beyond a float is infinite
        growth = np.multiply.accumulate(1.0 + as_series(returns, "returns"))
        return _loss(np.concatenate([[1.0], growth]))[1:]


def drawdowns(
    returns: ArrayLike, dates: NDArray[np.datetime64] | None = None
) -> tuple[Drawdown, ...]:
    """All drawdowns of a series of returns, the deepest first, of equal ones the earlier.

    `dates` are those of the periods, one a return.

    Raises:
        TypeError: `returns` is not a sequence of numbers.
        ValidationError: a return is NaN or infinite, or there are more or fewer dates.

    Runtime complexity: O(n_periods).

    """
    loss = np.concatenate([[0.0], underwater(returns)])
    if dates is not None and len(dates) != len(loss) - 1:
        raise ValidationError(f"got {len(dates)} dates for {len(loss) - 1} returns; one a return")
    return tuple(sorted(_found(loss, dates), key=lambda drawdown: -drawdown.depth))


def drawdown_series(equity: ArrayLike) -> list[dict[str, Any]]:
    """All drawdowns of an equity curve, in order, each a dict as the newest original has them.

    `drawdown_pct` is the largest loss as a positive fraction of the peak (0.1 is ten percent),
    `underwater_periods` how many values are below the peak. `peak_index`, `trough_index` and
    `recovery_index` are the places in `equity` of the last peak, the first largest loss and the
    first value at or above the peak again, None where there is none. Without dates,
    `underwater_days`, `peak_date`, `trough_date` and `recovery_date` say the same again. An empty
    curve, and one that never falls, has no drawdown.

    Raises:
        TypeError: `equity` is not a sequence of numbers.
        ValidationError: a value is NaN, infinite or not above 0.

    Runtime complexity: O(n).

    """
    values = as_series(equity, "equity")
    if (wrong := np.flatnonzero(values <= 0.0)).size:
        raise ValidationError(
            f"equity[{wrong[0]}] is {values[wrong[0]]}; a drawdown is a fraction of a peak, so "
            "equity must be above 0"
        )
    found = _found(_loss(values), None)
    return [_document(drawdown) for drawdown in found]


def _document(drawdown: Drawdown) -> dict[str, Any]:
    periods = drawdown.length - (drawdown.recovery is not None)
    return {
        "drawdown_pct": drawdown.depth,
        "underwater_periods": periods,
        "underwater_days": periods,
        "peak_index": drawdown.peak,
        "peak_date": drawdown.peak,
        "trough_index": drawdown.trough,
        "trough_date": drawdown.trough,
        "recovery_index": drawdown.recovery,
        "recovery_date": drawdown.recovery,
    }


def _loss(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Loss from the running peak, as a fraction of it; 0 where both are infinite."""
    peak = np.maximum.accumulate(equity)
    loss: NDArray[np.float64] = np.nan_to_num((peak - equity) / peak, nan=0.0)
    return loss


def _found(loss: NDArray[np.float64], dates: NDArray[np.datetime64] | None) -> list[Drawdown]:
    """All of them, in order."""
    is_under = np.concatenate([loss > 0.0, [False]])
    starts = np.flatnonzero(is_under[1:] & ~is_under[:-1])
    ends = np.flatnonzero(is_under[:-1] & ~is_under[1:])
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    return [_drawdown(loss, peak, end, dates) for peak, end in spans]


def _drawdown(
    loss: NDArray[np.float64], peak: int, end: int, dates: NDArray[np.datetime64] | None
) -> Drawdown:
    """Return the one that is below its peak up to and including the moment `end`."""
    trough = peak + 1 + int(loss[peak + 1 : end + 1].argmax())
    recovery = end + 1 if end + 1 < len(loss) else None
    return Drawdown(
        depth=float(loss[trough]),
        peak=peak,
        trough=trough,
        recovery=recovery,
        length=(end if recovery is None else recovery) - peak,
        peak_date=_date(dates, peak),
        trough_date=_date(dates, trough),
        recovery_date=_date(dates, recovery),
    )


def _date(dates: NDArray[np.datetime64] | None, moment: int | None) -> np.datetime64 | None:
    if dates is None or not moment:
        return None
    date: np.datetime64 = dates[moment - 1]
    return date
