"""What is asked of a forecaster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@runtime_checkable
class Forecaster(Protocol):
    """Forecasts the next period of a series.

    Kind `forecaster`; the target is the function itself.
    """

    def __call__(self, series: ArrayLike, /, **options: Any) -> float:
        """Forecast of the period after the last, a finite float.

        `series` is a sequence or a vector of numbers, oldest first, and is not changed. What is
        forecast, and in which unit, is the forecaster's to document; a volatility is a standard
        deviation of one period in the unit of the series, so that it is never negative and grows
        with the series. Every option has a default. The same series always gets the same forecast.

        Raises:
            TypeError: `series` is not a sequence of numbers.
            ValueError: a value is NaN or infinite, which the message names by its position, or
                there are too few.

        """
        ...
