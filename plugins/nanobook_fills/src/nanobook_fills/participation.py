"""No more is filled than a part of what the market trades."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from nanobook_core.contracts import FillRequest, Fills
from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import real, whole


def _fraction(value: object) -> float:
    fraction = real(value, "max_fraction")
    if not 0.0 < fraction <= 1.0:
        raise ValidationError(f"max_fraction must be above 0 and at most 1, got {fraction}")
    return fraction


def _volumes(value: object) -> dict[str, NDArray[np.int64]]:
    if not isinstance(value, Mapping):
        raise TypeError(
            f"volume is a mapping from symbol to lots a period, a list or one number; got "
            f"{shown(value)}"
        )
    return {symbol: _volume(symbol, lots) for symbol, lots in value.items()}


def _volume(symbol: str, lots: Any) -> NDArray[np.int64]:
    given = np.atleast_1d(np.asarray(lots))
    if given.dtype.kind not in "iu" or given.ndim != 1:
        raise TypeError(f"volume of {symbol!r} is whole lots, one number or one a period")
    numbers = [whole(int(number), f"volume of {symbol!r}") for number in given.tolist()]
    if min(numbers, default=0) < 0:
        raise ValidationError(f"volume of {symbol!r} is negative in period {np.argmin(numbers)}")
    return np.array(numbers, np.int64)


@define
class Participation:
    """Fills up to a fraction of each period's volume, at the price; the rest is not filled.

    Assumes that a period's volume is known when its orders are sent to be a limit, not a forecast;
    that our orders are in that volume and do not move the price; and that what is not filled is
    dropped: the next row of weights asks for it again.

    The most that is filled is `floor(max_fraction * volume)` lots, the fraction as it is written.
    A symbol without a volume, and a period beyond its list, fills nothing.

    Raises:
        TypeError: a volume that is not whole lots, a fraction that is not a number.
        ValidationError: a negative volume, a fraction that is not above 0 and at most 1.

    """

    volume: dict[str, NDArray[np.int64]] = field(converter=_volumes)
    """Lots by symbol: a list with one number a period, or one number for all periods."""
    max_fraction: float = field(default=0.1, converter=_fraction)

    def fill(self, request: FillRequest) -> Fills:
        """The orders, each cut to what the volume allows."""
        part = Fraction(str(self.max_fraction))
        most = np.array(
            [
                math.floor(part * self._lots(request.symbols[column], request.period))
                for column in request.column.tolist()
            ],
            np.int64,
        )
        done = np.minimum(np.abs(request.quantity), most) * np.sign(request.quantity)
        order = np.flatnonzero(done)
        return Fills(order=order, quantity=done[order], price=request.price[order])

    def _lots(self, symbol: str, period: int) -> int:
        volumes = self.volume.get(symbol)
        if volumes is None:
            return 0
        if len(volumes) == 1:
            return int(volumes[0])
        return int(volumes[period]) if period < len(volumes) else 0
