"""No more is filled than a part of what the market trades."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.contracts import FillRequest, Fills
from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import real, whole
from nanobook_core.portfolio.table import read_table

Lots: TypeAlias = NDArray[np.int64]

_BEYOND = 2.0**63


def _fraction(value: object) -> float:
    fraction = real(value, "max_fraction")
    if not 0.0 < fraction <= 1.0:
        raise ValidationError(f"max_fraction must be above 0 and at most 1, got {fraction}")
    return fraction


def _volumes(value: object) -> dict[str, Lots] | Lots:
    if isinstance(value, Mapping):
        return {symbol: _volume(lots, f"volume of {symbol!r}", 1) for symbol, lots in value.items()}
    if isinstance(value, np.ndarray) and value.ndim == 2:  # noqa: PLR2004 - rows and columns
        return _volume(value, "volume", 2)
    if hasattr(value, "columns"):
        table = read_table(value, "volume")
        return {
            symbol: _volume(_whole_lots(column), f"volume of {symbol!r}", 1)
            for symbol, column in zip(table.symbols, table.values.T, strict=True)
        }
    raise TypeError(
        "volume is a frame with a column a symbol, an array of shape (n_periods, n_symbols), or a "
        f"mapping from symbol to a list with lots a period, or to one number; got {shown(value)}"
    )


def _whole_lots(lots: NDArray[Any]) -> NDArray[Any]:
    """Lots of a frame, whose ints are floats where some are missing; these are 0."""
    if lots.dtype.kind != "f":
        return lots
    known = np.where(np.isnan(lots), 0.0, lots)
    is_whole = (np.abs(known) < _BEYOND) & (known == np.trunc(known))
    return known.astype(np.int64) if is_whole.all() else known


def _volume(lots: Any, name: str, most_axes: int) -> Lots:
    given = np.asarray(lots)
    # An empty list is one of floats.
    if given.ndim > most_axes or (given.size and given.dtype.kind not in "iu"):
        raise TypeError(f"{name} is whole lots, one number or one a period; got {shown(lots)}")
    if (given < 0).any():
        period = int(np.argwhere(given < 0)[0, 0]) if given.ndim else 0
        raise ValidationError(f"{name} is negative in period {period}; it is 0 or more lots")
    whole(int(given.max(initial=0)), name)
    return given.astype(np.int64)


@frozen(eq=False)
class Participation:
    """Fills up to a fraction of each period's volume, at the price; the rest is not filled.

    Assumes that a period's volume is known when its orders are sent to be a limit, not a forecast;
    that our orders are in that volume and do not move the price; and that what is not filled is
    dropped: the next row of weights asks for it again.

    The most that is filled of a symbol in a period, for weights and for stops together, is
    `floor(max_fraction * volume)` lots, the fraction as it is written.

    Raises:
        TypeError: a volume that is not whole lots, a fraction that is not a number.
        ValidationError: a negative volume, a fraction that is not above 0 and at most 1, a frame of
            volumes that `simulate` would not take as prices.
        OverflowError: a volume above 2^63-1.

    """

    volume: dict[str, Lots] | Lots = field(converter=_volumes)
    """Lots: a frame with a row a period, as `simulate` takes prices, in which a missing volume is
    0; rows are taken in turn, so give it the dates of the prices: `volume.reindex(prices.index)`.
    An array of shape `(n_periods, n_symbols)`, columns in the order of the run's symbols. Or by
    symbol, a list with one number a period, or one number for all periods."""
    max_fraction: float = field(default=0.1, converter=_fraction)

    def fill(self, request: FillRequest) -> Fills:
        """The orders, each cut to what the volume allows and earlier requests have left of it.

        Raises:
            ValidationError: a symbol that is asked for has no volume, not even 0, or the period is
                beyond the last one given; an array of volumes has not one column a symbol.

        """
        part = Fraction(str(self.max_fraction))
        most = [math.floor(part * self._lots(request, c)) for c in request.column.tolist()]
        # Not abs: that of -2^63 wraps.
        limit = np.maximum(np.array(most, np.int64) - request.filled, 0)
        done = np.clip(request.quantity, -limit, limit)
        order = np.flatnonzero(done)
        return Fills(order=order, quantity=done[order], price=request.price[order])

    def _lots(self, request: FillRequest, column: int) -> int:
        volume, symbols, period = self.volume, request.symbols, request.period
        if isinstance(volume, dict):
            if symbols[column] not in volume:
                raise ValidationError(
                    f"period {period}, symbol {symbols[column]!r}: volume has only "
                    f"{', '.join(map(repr, volume)):.80}. Give lots of it too, 0 where none trade."
                )
            lots = volume[symbols[column]]
        elif volume.shape[1] == len(symbols):
            lots = volume[:, column]
        else:
            raise ValidationError(
                f"volume has {volume.shape[1]} columns for {len(symbols)} symbols; give one a "
                "symbol, in their order, or a mapping"
            )
        if lots.ndim == 0:
            return int(lots)
        if period >= len(lots):
            raise ValidationError(
                f"period {period}, symbol {symbols[column]!r}: volume stops after {len(lots)} of "
                "the periods. Give a row for each one of the prices."
            )
        return int(lots[period])
