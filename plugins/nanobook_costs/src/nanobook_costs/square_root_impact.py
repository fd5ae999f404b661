"""Market impact that grows with the square root of the part of the volume that is traded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.contracts import CostRequest
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import products, real, trades, whole
from nanobook_core.types import INT64_MAX
from nanobook_costs.rate import times_up, whole_up
from nanobook_costs.table import Table, table

_BPS = 10_000


def _positive(value: object, name: str) -> float:
    number = real(value, name)
    if not (math.isfinite(number) and number >= 0.0):
        raise ValidationError(f"{name} must be finite and at least 0, got {number}")
    return number


def _setting(name: str, default: float) -> Any:
    return field(default=default, converter=lambda value: _positive(value, name))


def _volume(value: object) -> int | Table:
    if isinstance(value, Mapping | np.ndarray):
        return table(value, "volume", kinds="iu", least=1)
    volume = whole(value, "volume")
    if volume < 1:
        raise ValidationError(f"volume must be at least 1 lot, got {volume}")
    return volume


def _volatility(value: object) -> float | Table:
    if isinstance(value, Mapping | np.ndarray):
        return table(value, "volatility", kinds="iuf", least=0)
    return _positive(value, "volatility")


@frozen(kw_only=True)
class SquareRootImpact:
    """Half the spread, and `coefficient * volatility * sqrt(|quantity| / volume)`, of the notional.

    Assumes the square-root law of market impact (Tóth et al. 2011, Anomalous price impact and the
    critical nature of liquidity in financial markets; Almgren, Thum, Hauptmann and Li 2005, Direct
    estimation of equity market impact, find an exponent of 0.6); that each trade is alone in its
    period and that its impact is paid in full and gone before the next; and that a trade may be
    larger than the volume.

    Volume and volatility are each one number, for all symbols and periods; or a mapping from symbol
    to a number, or to a list with one a period; or an array of shape `(n_periods, n_symbols)`, its
    columns in the order of the run's symbols. With other than one number costs are known in a
    simulation only, which says period and symbol of its trades. What a table has no sound number
    for, a volume of at least 1 and a finite volatility of at least 0, cannot be traded.

    Basis points are exact, as they are written. The impact is computed in float64, correctly
    rounded in each step: the same on every platform, and good to 15 digits. Each of the two is
    rounded up to whole money units; together they are at most 2^63-1.

    Raises:
        TypeError: a setting is not a number or a table of numbers, or a volume not an int.
        ValidationError: a setting is negative or not finite, or the volume is below 1.

    """

    volume: int | Table = field(converter=_volume)
    """Lots that are traded in the market in a period."""
    volatility: float | Table = field(default=0.0, converter=_volatility)
    """Of a period, as a fraction: 0.02 is 2 %."""
    coefficient: float = _setting("coefficient", 1.0)
    """Impact, in volatilities, of a trade as large as the volume; of order 1."""
    half_spread_bps: float = _setting("half_spread_bps", 0.0)
    """Half of ask less bid, in basis points of the price."""
    commission_bps: float = _setting("commission_bps", 0.0)
    """Of the notional."""

    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cost in money units of each trade, shape `(n_trades,)`; 0 where the quantity is 0.

        Raises:
            TypeError: an array that is not of a signed integer dtype.
            ValidationError: arrays that are not vectors of one length; or volume or volatility are
                by symbol.

        """
        if isinstance(self.volume, Table) or isinstance(self.volatility, Table):
            raise ValidationError(
                "volume and volatility by symbol are for simulations, which say which symbol is "
                "traded in which period; give one number for all"
            )
        return self._costs(quantity, price, self.volume, self.volatility)

    def trade_costs(self, request: CostRequest) -> NDArray[np.int64]:
        """Cost in money units of each trade, by the volume and volatility of its own symbol.

        Raises:
            ValidationError: there is none in this period, naming period and symbol; or an array of
                them has not one column a symbol.

        """
        volume, volatility = (
            setting.of(request) if isinstance(setting, Table) else setting
            for setting in (self.volume, self.volatility)
        )
        return self._costs(request.quantity, request.price, volume, volatility)

    def _costs(
        self,
        quantity: NDArray[np.int64],
        price: NDArray[np.int64],
        volume: float | NDArray[np.float64],
        volatility: float | NDArray[np.float64],
    ) -> NDArray[np.int64]:
        quantity, price = trades(quantity, price)
        notional = np.abs(products(quantity, price))
        bps = Fraction(str(self.half_spread_bps)) + Fraction(str(self.commission_bps))
        flat: NDArray[np.int64] = np.minimum(times_up(notional, bps / _BPS), INT64_MAX).astype(
            np.int64
        )
        part = np.abs(quantity.astype(np.float64)) / np.float64(volume)
        value = notional.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # a cost beyond the largest
            rate = self.coefficient * np.float64(volatility) * np.sqrt(part)
            impact = whole_up(np.where(value > 0.0, value * rate, 0.0))
        return flat + np.minimum(impact, INT64_MAX - flat)
