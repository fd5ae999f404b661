"""Returns that portfolios are made of: real ones, and drawn ones from a fixed seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from attrs import frozen
from lob.stream import CACHE
from numpy.typing import NDArray

from nanobook.demo import load_closes

Floats = NDArray[np.float64]

DAYS = 1000
N_FACTORS = 6


@frozen
class Panel:
    """Returns of one kind."""

    title: str
    draw: Callable[[], Floats]

    def write(self, name: str) -> tuple[Path, Floats]:
        """Leave them where children read them."""
        CACHE.mkdir(exist_ok=True)
        where, returns = CACHE / f"panel-{name}.npy", self.draw()
        np.save(where, returns)
        return where, returns


def real() -> Floats:
    """Daily returns of 20 large caps, of the last 1000 days that the demo ships."""
    closes = load_closes()[2][-DAYS - 1 :]
    return np.asarray(closes[1:] / closes[:-1] - 1.0)


def factors(n_periods: int, n_assets: int) -> Floats:
    """Returns of a market, of five smaller factors, and of each asset on its own."""
    chance = np.random.default_rng(5)
    volatility = np.r_[0.010, np.full(N_FACTORS - 1, 0.004)]
    common = chance.standard_t(5, (n_periods, N_FACTORS)) * volatility
    loadings = chance.normal(0.0, 1.0, (N_FACTORS, n_assets))
    loadings[0] = chance.uniform(0.4, 1.6, n_assets)
    own = chance.standard_t(5, (n_periods, n_assets)) * chance.uniform(0.006, 0.025, n_assets)
    return np.asarray(chance.normal(0.0004, 0.0003, n_assets) + common @ loadings + own)


PANELS = {
    "real": Panel("real returns, T = 1000, N = 20", real),
    "factors_100": Panel("six factors, T = 1000, N = 100", lambda: factors(DAYS, 100)),
    "factors_500": Panel("six factors, T = 1000, N = 500", lambda: factors(DAYS, 500)),
    "short": Panel("six factors, T = 60, N = 100", lambda: factors(60, 100)),
}
