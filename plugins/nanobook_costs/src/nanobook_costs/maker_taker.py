"""Exchange fees with maker and taker rates in tiers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import products, trades
from nanobook_core.types import INT64_MAX
from nanobook_costs.rate import exact_rate, times_up

_BPS = 10_000


def _tiers(value: object) -> tuple[tuple[Decimal, Decimal, Decimal], ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise TypeError(
            f"tiers are a list of (volume from, maker bps, taker bps), got {shown(value)}"
        )
    tiers = []
    for tier in value:
        if not isinstance(tier, tuple | list) or len(tier) != 3:  # noqa: PLR2004 - as in the message
            raise TypeError(f"a tier is (volume from, maker bps, taker bps), got {shown(tier)}")
        volume, maker, taker = tier
        tiers.append(
            (
                exact_rate(volume, "volume of a tier"),
                exact_rate(maker, "maker_bps of a tier"),
                exact_rate(taker, "taker_bps of a tier"),
            )
        )
    starts = [volume for volume, _, _ in tiers]
    if starts[0] != 0 or any(before >= after for before, after in pairwise(starts)):
        found = ", ".join(map(str, starts))
        raise ValidationError(f"tiers start at volume 0 and rise, got {found}")
    return tuple(tiers)


def _fraction(value: object) -> Decimal:
    fraction = exact_rate(value, "maker_fraction")
    if fraction > 1:
        raise ValidationError(f"maker_fraction must be from 0 to 1, got {value}")
    return fraction


def _volume(value: object) -> Decimal:
    return exact_rate(value, "volume")


@frozen(kw_only=True)
class MakerTaker:
    """Basis points of the notional, by what an account trades and how much of it rests first.

    Assumes that the account's trailing volume, which chooses the tier, stays where it is said to be
    all along; that the same part of every trade adds liquidity; that fees are paid in the money of
    the trade; and that there are no rebates: rates are 0 or more.

    The cost is `(maker_fraction * maker + (1 - maker_fraction) * taker) * |notional| / 10000` in
    exact arithmetic, rounded up once to whole money units, and at most 2^63-1.

    Raises:
        TypeError: a number that is not a Decimal, an int or a string; a float would not be exact.
        ValidationError: a number out of range, tiers that do not start at 0 or do not rise.

    """

    tiers: tuple[tuple[Decimal, Decimal, Decimal], ...] = field(converter=_tiers)
    """`(volume from, maker bps, taker bps)`, rising; the first from 0."""
    volume: Decimal = field(default=Decimal(0), converter=_volume)
    """What the account trades, in the unit of the tiers."""
    maker_fraction: Decimal = field(default=Decimal(0), converter=_fraction)
    """Part of each trade that adds liquidity, from 0 to 1."""

    @property
    def bps(self) -> Fraction:
        """The rate that applies, in basis points."""
        maker, taker = next(
            (maker, taker) for start, maker, taker in reversed(self.tiers) if start <= self.volume
        )
        made = Fraction(self.maker_fraction)
        return made * Fraction(maker) + (1 - made) * Fraction(taker)

    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cost in money units of each trade, shape `(n_trades,)`; 0 where the quantity is 0.

        Raises:
            TypeError: an array that is not of a signed integer dtype.
            ValidationError: arrays that are not vectors of one length.

        """
        quantity, price = trades(quantity, price)
        notional: NDArray[Any] = np.abs(products(quantity, price))
        cost: NDArray[Any] = np.minimum(times_up(notional, self.bps / _BPS), INT64_MAX)
        return cost.astype(np.int64, copy=False)
