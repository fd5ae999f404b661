"""TA-Lib on every column of a panel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import real, whole
from nanobook_indicators.series import Floats, Series, read

#: The longest period that TA-Lib takes.
MAX_PERIOD = 100_000


def checked_period(value: object, name: str = "period", least: int = 2) -> int:
    """Check a number of periods.

    Raises:
        TypeError: it is no int.
        ValidationError: it is not in TA-Lib's range.

    """
    number = whole(value, name)
    if not least <= number <= MAX_PERIOD:
        raise ValidationError(f"{name} must be {least} to {MAX_PERIOD} periods, got {number}")
    return number


def checked_width(value: object, name: str) -> float:
    """Check a number of deviations.

    Raises:
        TypeError: it is no number.
        ValidationError: it is NaN, infinite or below 0.

    """
    number = real(value, name)
    if not 0.0 <= number < np.inf:
        raise ValidationError(f"{name} must be finite and >= 0, got {number}")
    return number


def run(
    function: str, inputs: Mapping[str, Series], *options: float, bridges_gaps: bool = False
) -> Series:
    """Result of a function of TA-Lib, in the form of the first input.

    A column starts where all inputs have a value, and ends before the first value that is missing
    after that: from there on the result is NaN. TA-Lib itself gives numbers there in many
    indicators, wrong ones: its comparisons pass over NaN. Where no more than two values are used,
    and the answer is right again as soon as both are there, a function `bridges_gaps`.
    """
    (result,) = _run(function, inputs, options, 1, bridges_gaps=bridges_gaps)
    return result


def run_all(
    function: str, inputs: Mapping[str, Series], *options: float, n_outputs: int
) -> list[Series]:
    """Results of a function of TA-Lib that has several; else as `run`."""
    return _run(function, inputs, options, n_outputs, bridges_gaps=False)


def _run(
    function: str,
    inputs: Mapping[str, Series],
    options: tuple[float, ...],
    n_outputs: int,
    *,
    bridges_gaps: bool,
) -> list[Series]:
    arrays, give_back = read(inputs)
    import talib  # not before: it imports pandas and polars, where they are installed

    call = getattr(talib, function)
    shape = arrays[0].shape
    columns = [np.ascontiguousarray(np.atleast_2d(array.T)) for array in arrays]
    found = np.empty((n_outputs, *columns[0].shape))
    for place, column in enumerate(zip(*columns, strict=True)):
        result = call(*column, *options)
        for output, values in enumerate(result if n_outputs > 1 else (result,)):
            found[output, place] = values
    if not bridges_gaps:
        _blank(found, columns)
    return [give_back(table.T if len(shape) > 1 else table[0]) for table in found]


def _blank(found: Floats, columns: list[Floats]) -> None:
    is_missing: NDArray[np.bool_] = np.isnan(columns[0])
    for other in columns[1:]:
        is_missing |= np.isnan(other)
    if is_missing.any():
        has_started = np.logical_or.accumulate(~is_missing, axis=1)
        found[:, is_missing | np.logical_or.accumulate(is_missing & has_started, axis=1)] = np.nan
