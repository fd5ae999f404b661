from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nanobook_core.contracts import Run

def simulate(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    symbols: Sequence[str],
    /,
    *,
    initial_cash: int,
    cost_bps: int,
    minimum_fee: int,
    fixed: float,
    trailing: float,
    atr_multiple: float,
    atr_period: int,
    scale_to_cash: bool,
) -> Run: ...
