"""Laws of a `simulate` kernel: the core's own is the measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nanobook_core.contracts import Run, Simulate
from nanobook_core.portfolio import dense
from nanobook_core.testing.law import law
from nanobook_core.types import INT64_MAX

_NAMES = ("D", "B", "A", "C")

_settings = st.fixed_dictionaries(
    {
        "initial_cash": st.sampled_from([1, 1000, 99_999, 10**8 + 7, 2**61, INT64_MAX]),
        "cost_bps": st.sampled_from([0, 15, 1000, 10_000]),
        "minimum_fee": st.sampled_from([0, 0, 1, 7, 500, -5]),
        "fixed": st.sampled_from([0.0, 0.0, 0.05, 0.5]),
        "trailing": st.sampled_from([0.0, 0.0, 0.05, 0.1]),
        "atr_multiple": st.sampled_from([0.0, 0.0, 0.5, 2.0]),
        "atr_period": st.sampled_from([1, 2, 3, 14, 10**12]),
        "scale_to_cash": st.booleans(),
    }
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[str, ...]]:
    """Weights and prices aimed at trouble: few prices, gaps, side flips, leverage, held rows."""
    n_symbols, n_periods = draw(st.integers(0, len(_NAMES))), draw(st.integers(0, 14))
    size = n_symbols * n_periods
    middle = draw(st.sampled_from([2, 10, 100, 10_000, 2**53 + 1, 2**61]))
    price = st.sampled_from(
        [*([0] if draw(st.booleans()) else []), 1, *(middle * k // 20 for k in (18, 19, 20, 21))]
    )
    weight = st.sampled_from([0.0, 0.25, 0.5, 1.0, -0.25, -0.5, 1.7]) | st.floats(-2, 2)
    shape = n_periods, n_symbols
    prices = np.array(draw(st.lists(price, min_size=size, max_size=size)), np.int64).reshape(shape)
    drawn = draw(st.lists(weight, min_size=size, max_size=size))
    weights = np.array(drawn, np.float64).reshape(shape)
    weights[~np.logical_or.accumulate(prices > 0, axis=0)] = 0.0
    held = st.lists(st.sampled_from([False, False, True]), min_size=n_periods, max_size=n_periods)
    weights[np.array(draw(held), np.bool_)] = np.nan
    return weights, prices, _NAMES[:n_symbols]


def outcome(kernel: Any, *given: Any, **settings: Any) -> Any:
    """All there is to see of a run: its arrays with their types, or the error and its message."""
    try:
        run = kernel(*given, **settings)
    except Exception as error:  # noqa: BLE001 - what a kernel raises is its outcome
        return type(error), str(error)
    assert isinstance(run, Run)
    seen = {field.name: getattr(run, field.name) for field in fields(Run)}
    return {
        name: (value.dtype.str, value.shape, value.tolist())
        if isinstance(value, np.ndarray)
        else value
        for name, value in seen.items()
    }


class SimulateSuite:
    """What a `simulate` kernel must do."""

    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls) -> Any:
        """Return the kernel under test."""
        raise NotImplementedError("override the fixture `kernel`")

    def test_it_fulfils_the_contract(self, kernel: Any) -> None:
        """It can be called."""
        assert isinstance(kernel, Simulate)

    @law
    @given(tables(), _settings)
    def test_it_gives_what_the_core_gives(
        self, kernel: Any, market: Any, settings: dict[str, Any]
    ) -> None:
        """Every array to the last unit, and the same error where there is one."""
        assert outcome(kernel, *market, **settings) == outcome(dense.simulate, *market, **settings)

    @law
    @given(
        tables(),
        st.integers(0, 10**6),
        st.tuples(
            st.sampled_from([np.nan, np.inf, -np.inf, 1e300, 5e18]),
            st.sampled_from([-1, -(2**63), 1]),
        ),
        _settings,
    )
    def test_it_refuses_what_the_core_refuses(
        self,
        kernel: Any,
        market: Any,
        cell: int,
        wrong: tuple[float, int],
        settings: dict[str, Any],
    ) -> None:
        """One wrong cell anywhere, in weights and in prices, after ruin and in held rows too."""
        weights, prices, symbols = market
        if weights.size:
            for table, value in zip((weights, prices), wrong, strict=True):
                table.flat[cell % table.size] = value
                assert outcome(kernel, weights, prices, symbols, **settings) == outcome(
                    dense.simulate, weights, prices, symbols, **settings
                )

    @law
    @given(tables(), _settings)
    def test_what_is_given_stays_as_it_is(
        self, kernel: Any, market: Any, settings: dict[str, Any]
    ) -> None:
        """Read-only and strided tables are taken, and none is changed."""
        weights, prices, symbols = market
        expected = outcome(dense.simulate, *market, **settings)
        strided = np.repeat(weights, 2, axis=1)[:, ::2], np.asfortranarray(prices)
        for table in strided:
            table.flags.writeable = False
        assert outcome(kernel, *strided, symbols, **settings) == expected
        before = weights.tobytes(), prices.tobytes()
        kernel_outcome = outcome(kernel, weights, prices, symbols, **settings)
        assert kernel_outcome == expected
        assert (weights.tobytes(), prices.tobytes()) == before

    @pytest.mark.parametrize(
        ("weights", "prices"),
        [
            (np.zeros((1, 2)), np.ones((2, 2), np.int64)),
            (np.zeros((2, 1)), np.ones((2, 1), np.int64)),
            (np.zeros(2), np.ones(2, np.int64)),
            (np.zeros((1, 2), np.float32), np.ones((1, 2), np.int64)),
            (np.zeros((1, 2)), np.ones((1, 2))),
            ([[0.0, 0.0]], np.ones((1, 2), np.int64)),
        ],
    )
    def test_tables_that_do_not_fit_are_refused(
        self, kernel: Any, weights: Any, prices: Any
    ) -> None:
        """With the core's words."""
        settings = dict.fromkeys(("fixed", "trailing", "atr_multiple"), 0.0) | {
            "initial_cash": 1000,
            "cost_bps": 0,
            "minimum_fee": 0,
            "atr_period": 14,
            "scale_to_cash": True,
        }
        found = outcome(kernel, weights, prices, ("A", "B"), **settings)
        assert isinstance(found, tuple)
        assert found == outcome(dense.simulate, weights, prices, ("A", "B"), **settings)
