"""Equity curves and their drawdowns as one picture."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from nanobook_core.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

# Told apart by people who do not see all colours (Okabe and Ito, 2008).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def plot_equity(
    curves: Mapping[str, ArrayLike],
    dates: ArrayLike,
    path: str | PathLike[str],
    *,
    title: str = "",
) -> Path:
    """Draw equity and drawdown against time into a PNG file, and return its absolute path.

    `curves` maps a name to equity, one positive value for each of `dates`; each is drawn as growth
    of 1, on a logarithmic axis. A backtest's `equity_curve` starts before its first period, so its
    dates are one day more. The lower panel is the fall from the running maximum, 0 or negative. A
    file of that name is replaced.

    Raises:
        ValidationError: nothing to draw, lengths that differ, equity that is not a positive
            number, or a path that does not end in `.png`.

    """
    target = Path(fspath(path)).absolute()
    if target.suffix.lower() != ".png":
        raise ValidationError(f"path must end in .png, got {target.name!r}")
    if not curves:
        raise ValidationError("curves is empty; give at least one name with its equity")
    days = np.asarray(dates, dtype="datetime64[D]")
    values = {name: _checked(name, curve, days.size) for name, curve in curves.items()}

    # A Figure of its own, without pyplot: no state shared with the caller's plots, no display.
    figure = Figure(figsize=(10, 6.5), dpi=120, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for number, (name, equity) in enumerate(values.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        growth = equity / equity[0]
        drawdown = equity / np.maximum.accumulate(equity) - 1
        upper.plot(days, growth, color=colour, linewidth=1.4, label=f"{name}: {growth[-1]:.2f}")
        lower.plot(days, drawdown, color=colour, linewidth=0.8)
        lower.fill_between(days, drawdown, 0, color=colour, alpha=0.25, linewidth=0)
    upper.set(yscale="log", ylabel="growth of 1", title=title)
    upper.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    upper.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    upper.yaxis.set_minor_formatter(NullFormatter())
    upper.legend(frameon=False, loc="upper left")
    lower.set(ylabel="drawdown")
    lower.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    for axes in (upper, lower):
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, format="png")
    return target


def _checked(name: str, curve: ArrayLike, length: int) -> np.ndarray[Any, np.dtype[np.float64]]:
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
