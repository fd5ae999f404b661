"""Weights, prices and options to simulate with, as hypothesis strategies."""

import numpy as np
from hypothesis import strategies as st

from nanobook_core.portfolio import CostModel, Stops

NAMES = ("D", "B", "A", "C")


@st.composite
def markets(draw, prices=None, targets=None, *, min_symbols=0, min_periods=0, max_periods=12):
    """Weights and prices aimed at trouble: few prices, gaps, side flips, leverage, held rows."""
    n_symbols = draw(st.integers(min_symbols, len(NAMES)))
    n_periods = draw(st.integers(min_periods, max_periods))
    cells = n_symbols * n_periods
    if prices is None:
        middle = draw(st.sampled_from([2, 10, 100, 10_000]))
        prices = st.sampled_from(
            [0, *(max(1, middle * k // 20) for k in (1, 10, 18, 19, 20, 21, 30))]
        )
    table = draw(st.lists(prices, min_size=cells, max_size=cells))
    price = np.array(table, np.int64).reshape(n_periods, n_symbols)
    if targets is None:
        targets = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0, -0.25, -0.5, 1.7]) | st.floats(-2, 2)
    weight = np.array(draw(st.lists(targets, min_size=cells, max_size=cells)), float)
    weight = weight.reshape(n_periods, n_symbols)
    weight[~np.logical_or.accumulate(price > 0, axis=0)] = 0.0
    held = draw(
        st.lists(st.sampled_from([False, False, True]), min_size=n_periods, max_size=n_periods)
    )
    weight[np.array(held, bool)] = np.nan
    return weight, price


stop_settings = st.fixed_dictionaries(
    {
        "fixed": st.sampled_from([0.0, 0.0, 0.0, 0.05, 0.1, 0.5]),
        "trailing": st.sampled_from([0.0, 0.0, 0.0, 0.05, 0.1, 0.5]),
        "atr_multiple": st.sampled_from([0.0, 0.5, 0.5, 1.0, 2.0]),
        "atr_period": st.sampled_from([1, 2, 3, 14]),
    }
)
stops = stop_settings.map(lambda settings: Stops(**settings))
cost_models = st.builds(
    CostModel, st.sampled_from([0, 15, 1000]), st.just(0), st.sampled_from([0, 1, 7])
)
cash = st.sampled_from([1, 1000, 99_999, 10**8 + 7])

# Where products, and sums, leave 64 bits.
big = st.sampled_from([0, 1, 1, 2**53 + 1, 2**61, 2**62 - 1, 2**62])
big_targets = st.sampled_from([0.0, 0.1, 0.4, 0.9, -0.9, 1.9])
big_cash = st.sampled_from([2**53 + 1, 2**62, 2**63 - 1, 2**63 - 1])
