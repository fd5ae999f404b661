"""Equity curves and their drawdowns as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import (
    AutoLocator,
    LogLocator,
    NullFormatter,
    PercentFormatter,
    ScalarFormatter,
)

from nanobook_core.errors import ValidationError, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

# Told apart by people who do not see all colours (Okabe and Ito, 2008).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

# From this factor between the lowest and the highest value on, a logarithmic axis has at least two
# labels of the series 1, 2, 5; below it looks like a linear one anyway.
_WIDE = 4.0
# Beyond this one, labels at 2 and 5 too would not fit.
_HUGE = 1000.0


def plot_equity(
    curves: Mapping[str, ArrayLike],
    dates: ArrayLike,
    path: str | PathLike[str],
    *,
    title: str = "",
) -> Path:
    """Draw equity and drawdown against time into a PNG file, and return its absolute path.

    `curves` maps a name to equity, one positive value for each of `dates`; each is drawn as growth
    of 1, on a logarithmic axis if the growth spans a factor of 4 or more, else on a linear one. A
    backtest's `equity_curve` starts before its first period, so its dates are one day more; they
    are datetime64[D] or what numpy turns into that (dates, ISO strings). The lower panel is the
    fall from the running maximum, 0 or negative. Names and title are shown as they are spelt. A
    file of that name is replaced.

    Raises:
        TypeError: `curves` is no mapping.
        ValidationError: nothing to draw, dates that are not dates or go back, lengths that differ,
            equity that is not a positive number, or a path that does not end in `.png`.
        OSError: the file cannot be written.

    """
    target = Path(fspath(path)).absolute()
    if target.suffix.lower() != ".png":
        raise ValidationError(f"path must end in .png, got {target.name!r}")
    if not isinstance(curves, Mapping):
        raise TypeError(f"curves is a mapping from name to equity, got {shown(curves)}")
    if not curves:
        raise ValidationError("curves is empty; give at least one name with its equity")
    days = _checked_dates(dates)
    values = {name: _checked(name, curve, days.size) for name, curve in curves.items()}
    _figure(days, values, title).savefig(target, format="png")
    return target


def _figure(
    days: NDArray[np.datetime64], values: Mapping[str, NDArray[np.float64]], title: str
) -> Figure:
    # A Figure of its own, without pyplot: no state shared with the caller's plots, no display.
    figure = Figure(figsize=(10, 6.5), dpi=120, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    growths = {name: equity / equity[0] for name, equity in values.items()}
    lines = []
    for number, growth in enumerate(growths.values()):
        colour = _COLOURS[number % len(_COLOURS)]
        drawdown = growth / np.maximum.accumulate(growth) - 1
        # A line of one point is none.
        lines += upper.plot(
            days, growth, color=colour, linewidth=1.4, marker="o" if days.size == 1 else ""
        )
        lower.plot(days, drawdown, color=colour, linewidth=0.8)
        lower.fill_between(days, drawdown, 0, color=colour, alpha=0.25, linewidth=0)
    _scale(upper, np.concatenate(list(growths.values())))
    upper.set_ylabel("growth of 1")
    upper.set_title(title, parse_math=False)
    lower.set_ylabel("drawdown")
    lower.set_ylim(top=0.0)
    lower.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    # By default hours are labelled on less than five days.
    locator = AutoDateLocator(minticks=3)  # type: ignore[no-untyped-call]  # matplotlib's own
    lower.xaxis.set_major_locator(locator)
    lower.xaxis.set_major_formatter(
        ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # matplotlib's own
    )
    for axes in (upper, lower):
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    # Handed over as text, or a name that starts with _ would be left out.
    labels = [f"{name}: {growth[-1]:.2f}" for name, growth in growths.items()]
    for text in upper.legend(lines, labels, frameon=False, loc="best").get_texts():
        text.set_parse_math(False)
    return figure


def _scale(axes: Axes, growth: NDArray[np.float64]) -> None:
    """Choose the axis on which what is there can be read."""
    span = growth.max() / growth.min()
    if span < _WIDE:
        axes.yaxis.set_major_locator(AutoLocator())
        axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span < _HUGE else (1.0,)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _checked_dates(dates: ArrayLike) -> NDArray[np.datetime64]:
    if np.size(dates) and np.asarray(dates).dtype.kind in "biufc":  # numpy would count from 1970
        raise ValidationError(f"dates are dates or ISO strings, not numbers; got {dates!r:.80}")
    try:
        days = np.asarray(dates, dtype="datetime64[D]")
    except (TypeError, ValueError) as error:
        raise ValidationError(f"dates must be what numpy reads as datetime64[D]: {error}") from None
    if days.ndim != 1:
        raise ValidationError(f"dates has shape {days.shape}; give one date a value")
    # NaT compares false with everything.
    if not (days[1:] >= days[:-1]).all() or np.isnat(days).any():
        raise ValidationError("dates must be given, and none may be before the one it follows")
    return days


def _checked(name: str, curve: ArrayLike, length: int) -> NDArray[np.float64]:
    equity = np.asarray(curve, dtype=np.float64)
    if equity.shape != (length,) or length == 0:
        raise ValidationError(
            f"{name!r} has shape {equity.shape}, dates has {length}; give one equity a date"
        )
    wrong = np.flatnonzero(~(np.isfinite(equity) & (equity > 0)))
    if wrong.size:
        at = int(wrong[0])
        raise ValidationError(f"{name!r} is {equity[at]} at index {at}; equity must be positive")
    return equity
