"""Performance of a series of returns."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import real

#: Volatility of this fraction of the mean, or less, is the rounding of equal returns.
_ROUNDING = 1e-12


@frozen(kw_only=True, repr=False)
class Metrics:
    """Performance of a series of returns. All ratios are fractions: 0.01 is one percent.

    Attributes:
        total_return: compounded over all periods.
        cagr: compounded growth a year; -1 if everything was lost, infinite if beyond a float.
        volatility: sample standard deviation (ddof 1), annualised; 0 for a single period.
        sharpe: mean excess return over volatility, annualised (Sharpe 1994). 0 if the volatility is
            no more than rounding: a period's is at most 1e-12 of the mean.
        sortino: mean excess return over downside deviation, annualised (Sortino and Price 1994).
            The deviation is the root of the mean square over all periods of what is missing to the
            risk-free return. 0 if nothing is, or for a single period.
        max_drawdown: largest loss from a running peak, as a positive fraction of it; the start is a
            peak.
        calmar: CAGR over maximum drawdown; 0 without a drawdown.
        num_periods: how many returns there are.
        winning_periods: with a return above 0.
        losing_periods: with one below 0.
        cvar_95: mean of the worst returns, as a return (a loss is negative). Historical: of the k =
            floor(0.05 (n - 1)) + 1 worst (Acerbi and Tasche 2002, at the order statistic that
            empyrical takes).
        win_rate: winning periods over all periods.
        profit_factor: sum of gains over sum of losses; infinite with gains only, 0 without gains.
        payoff_ratio: mean gain over mean loss; infinite with gains only, 0 without gains.
        kelly: `win_rate - (1 - win_rate) / payoff_ratio` (Kelly 1956). 0 if the payoff ratio is 0
            or infinite.

    """

    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    sortino: float
    max_drawdown: float
    calmar: float
    num_periods: int
    winning_periods: int
    losing_periods: int
    cvar_95: float
    win_rate: float
    profit_factor: float
    payoff_ratio: float
    kelly: float

    def __repr__(self) -> str:
        return (
            f"Metrics(total_return={self.total_return:.2%}, sharpe={self.sharpe:.2f}, "
            f"max_drawdown={self.max_drawdown:.2%}, win_rate={self.win_rate:.1%})"
        )


def compute_metrics(
    returns: ArrayLike, periods_per_year: float = 252.0, risk_free: float = 0.0
) -> Metrics | None:
    """Performance of a series of returns, one a period; None for an empty one.

    `returns` has shape `(n_periods,)`; `risk_free` is a period's. Sums run from the first return to
    the last, so that the digits are the same on every platform.

    Raises:
        TypeError: `returns` is not a sequence of numbers, or an option is not a number.
        ValidationError: a return is NaN or infinite, `periods_per_year` is not a finite number
            above 0, or `risk_free` is not finite.

    """
    periods = real(periods_per_year, "periods_per_year")
    if not (math.isfinite(periods) and periods > 0):
        raise ValidationError(f"periods_per_year must be finite and > 0, got {periods}")
    free = real(risk_free, "risk_free")
    if not math.isfinite(free):
        raise ValidationError(f"risk_free must be finite, got {free}")
    series = as_series(returns, "returns")
    n = len(series)
    if n == 0:
        return None

    with np.errstate(over="ignore", invalid="ignore"):  # growth beyond a float is infinite
        growth = np.multiply.accumulate(1.0 + series)
        peak = np.maximum.accumulate(np.maximum(growth, 1.0))
        # fmax passes over the NaN of inf / inf.
        drawdown = float(np.fmax.reduce((peak - growth) / peak, initial=0.0))
        mean = _sum(series) / n
        deviation = math.sqrt(_sum(np.square(series - mean)) / (n - 1)) if n > 1 else 0.0
        shortfall = np.minimum(series - free, 0.0)
        downside = math.sqrt(_sum(np.square(shortfall)) / n) if n > 1 else 0.0
    total_return = float(growth[-1]) - 1.0
    cagr = _annualised(total_return, n / periods)
    excess = (mean - free) * math.sqrt(periods)
    gains, losses = series[series > 0.0], series[series < 0.0]
    win_rate = len(gains) / n
    payoff = _ratio(_mean(gains), -_mean(losses))
    worst = np.sort(series)[: (n - 1) // 20 + 1]
    return Metrics(
        total_return=total_return,
        cagr=cagr,
        volatility=deviation * math.sqrt(periods),
        sharpe=excess / deviation if deviation > _ROUNDING * abs(mean) else 0.0,
        sortino=excess / downside if downside > 0.0 else 0.0,
        max_drawdown=drawdown,
        calmar=cagr / drawdown if drawdown > 0.0 else 0.0,
        num_periods=n,
        winning_periods=len(gains),
        losing_periods=len(losses),
        cvar_95=_mean(worst),
        win_rate=win_rate,
        profit_factor=_ratio(_sum(gains), -_sum(losses)),
        payoff_ratio=payoff,
        kelly=win_rate - (1.0 - win_rate) / payoff if 0.0 < payoff < math.inf else 0.0,
    )


def monthly_returns(equity_curve: ArrayLike, dates: Any) -> dict[str, float]:
    """Return of each calendar month that has a period, by `"YYYY-MM"`, in order.

    `equity_curve` has the equity at the start and at the end of each period, so one value more than
    `dates`, which are those of the periods: datetime64[D] or what numpy turns into that (dates, ISO
    strings). A month's return is the last equity in it over the last before it, minus 1; it is 0.0
    where that base is not positive. Without periods the answer is empty.

    Raises:
        TypeError: an equity is not a number.
        ValidationError: lengths that do not fit, an equity that is not finite, dates that are not
            dates or go back.

    """
    equity = as_series(equity_curve, "equity_curve")
    if np.size(dates) and np.asarray(dates).dtype.kind in "biufc":  # numpy would count from 1970
        raise ValidationError(f"dates are dates or ISO strings, not numbers; got {shown(dates)}")
    try:
        days = np.asarray(dates, "datetime64[D]")
    except (TypeError, ValueError) as error:
        raise ValidationError(f"dates must be what numpy reads as datetime64[D]: {error}") from None
    if days.ndim != 1 or len(equity) != len(days) + 1:
        raise ValidationError(
            f"equity_curve has one value more than dates: the start. Got {len(equity)} values and "
            f"dates of shape {days.shape}; give a date a period, none for the start"
        )
    # NaT compares false with everything.
    if not (days[1:] >= days[:-1]).all() or np.isnat(days).any():
        raise ValidationError("dates must be given, and none may be before the one it follows")
    months = days.astype("datetime64[M]")
    last = np.flatnonzero(np.append(months[1:] != months[:-1], True)[: len(months)])
    ends = equity[1:][last].tolist()
    starts = [float(equity[0]), *ends[:-1]]
    return {
        str(month): end / start - 1.0 if start > 0.0 else 0.0
        for month, start, end in zip(months[last], starts, ends, strict=False)
    }


def as_series(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Numbers as a vector of finite float64; money beyond 64 bits is rounded to it.

    Raises:
        TypeError: not a sequence of numbers.
        ValidationError: one of them is NaN or infinite.

    """
    try:
        raw = np.asarray(values)
    except ValueError:  # rows of different lengths
        raw = np.array(None)
    if raw.dtype == object and all(type(value) is int for value in raw.flat):
        raw = raw.astype(np.float64)  # money beyond 64 bits
    if raw.dtype.kind not in "iuf" or raw.ndim != 1:
        raise TypeError(f"{name} is a sequence of numbers, {_what_else(values, raw, name)}")
    series = raw.astype(np.float64)
    if not np.isfinite(series).all():
        index = int(np.flatnonzero(~np.isfinite(series))[0])
        raise ValidationError(f"{name}[{index}] is {series[index]}; all must be finite")
    return series


def _what_else(values: object, raw: NDArray[Any], name: str) -> str:
    given = values if isinstance(values, list | tuple) else raw.tolist() if raw.ndim == 1 else ()
    for index, value in enumerate(given):
        if isinstance(value, bool) or not isinstance(value, Real):
            return f"and {name}[{index}] is {shown(value)}"
    hint = ". One series at a time: frame['AAPL'], array[:, 0]" if raw.ndim == 2 else ""  # noqa: PLR2004
    return f"got dtype {raw.dtype} and shape {raw.shape}{hint}"


def _sum(values: NDArray[np.float64]) -> float:
    # Not np.sum, which adds pairwise, nor sum(), which compensates from Python 3.12 on.
    with np.errstate(over="ignore", invalid="ignore"):  # beyond a float it is infinite
        return float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def _mean(values: NDArray[np.float64]) -> float:
    return _sum(values) / len(values) if len(values) else 0.0


def _ratio(gain: float, loss: float) -> float:
    if loss > 0.0:
        return gain / loss
    return math.inf if gain > 0.0 else 0.0


def _annualised(total_return: float, years: float) -> float:
    if total_return <= -1.0:
        return -1.0
    try:
        grown: float = (1.0 + total_return) ** (1.0 / years)
    except OverflowError:
        return math.inf
    return grown - 1.0
