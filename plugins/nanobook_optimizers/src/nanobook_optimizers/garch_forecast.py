"""One name for both GARCH forecasts, and the seed's deprecated one for the first."""

from __future__ import annotations

import math
import warnings
from functools import cache
from typing import Literal

from numpy.typing import ArrayLike

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import whole
from nanobook_optimizers.garch import garch_fit
from nanobook_optimizers.garch_ewma import garch_ewma_forecast


def garch_forecast(
    returns: ArrayLike,
    p: int = 1,
    q: int = 1,
    mean: str = "zero",
    *,
    method: Literal["ewma", "mle"] | None = None,
) -> float:
    """Volatility of the next period: a standard deviation, in the unit of the returns.

    Args:
        returns: of each period, oldest first.
        p: lags of squared returns; 1 with `"mle"`.
        q: lags of the variance; 1 with `"mle"`.
        mean: `"zero"`, or `"constant"` (also `"mean"`).
        method: `"ewma"` is `garch_ewma_forecast`, with parameters that are given; `"mle"` is the
            first period of `garch_fit(returns, mean).forecast()`, with parameters that are fitted.
            None is `"ewma"` under the seed's deprecated name, with a DeprecationWarning at the
            first call of a process.

    Raises:
        TypeError: an argument is of the wrong type.
        ValidationError: another method, p or q other than 1 with `"mle"`, or what the function of
            the method refuses.
        OverflowError: as the function of the method.
        OptimizationError: as `garch_fit`.

    """
    if method is None:
        _warn_once()
    elif method == "mle":
        for lags, name in ((p, "p"), (q, "q")):
            if whole(lags, name) != 1:
                raise ValidationError(f"{name} is 1 with method='mle', got {lags}")
        return math.sqrt(garch_fit(returns, mean).forecast()[0])
    elif method != "ewma":
        raise ValidationError(f"method is 'ewma' or 'mle', got {shown(method)}")
    return garch_ewma_forecast(returns, p, q, mean)


def py_garch_forecast(returns: ArrayLike, p: int = 1, q: int = 1, mean: str = "zero") -> float:
    """`garch_ewma_forecast` under a deprecated name of the seed; warns at each call."""
    warnings.warn(
        "nanobook.py_garch_forecast is deprecated; use py_garch_ewma_forecast",
        DeprecationWarning,
        stacklevel=2,
    )
    return garch_ewma_forecast(returns, p, q, mean)


@cache
def _warn_once() -> None:
    warnings.warn(
        "nanobook.garch_forecast is deprecated; use garch_ewma_forecast",
        DeprecationWarning,
        stacklevel=3,
    )
