"""Laws of an optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nanobook_core.contracts import Optimizer
from nanobook_core.testing.law import law


def _drawn(n_assets: int, n_periods: int, seed: int) -> NDArray[np.float64]:
    chance = np.random.default_rng(seed)
    market = chance.normal(0.0004, 0.01, (n_periods, 1))
    own = chance.normal(0.0002, 0.01, (n_periods, n_assets))
    return np.asarray((market + own) * chance.uniform(0.5, 2.0, n_assets))


_returns = st.builds(
    _drawn, st.integers(1, 6), st.sampled_from([20, 60]), st.integers(0, 2**32 - 1)
)


def _awkward(kind: str, returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns as data vendors have them: rounded, of the same asset twice, of other sizes."""
    if kind == "rounded":
        return np.round(returns, 3)
    if kind == "twin":
        return np.column_stack([returns, returns[:, 0]])
    return np.asarray(returns * 10.0 ** -np.arange(0.0, 6.0)[: returns.shape[1]])


_panels = st.builds(_awkward, st.sampled_from(["rounded", "twin", "sizes"]), _returns)


class OptimizerSuite:
    """What an optimizer must do, with the options that it has by default."""

    #: No weight is below 0.
    long_only = True
    #: Columns in another order give the same weights in that order.
    permutation_equivariant = True
    #: Returns a thousand times as large give the same weights.
    scale_free = True
    #: By how much weights may differ that the laws above say are the same.
    tolerance = 1e-7

    @pytest.fixture(scope="class")
    @classmethod
    def optimizer(cls) -> Any:
        """Return the function under test."""
        raise NotImplementedError("override the fixture `optimizer`")

    def test_it_fulfils_the_contract(self, optimizer: Any) -> None:
        """It can be called."""
        assert isinstance(optimizer, Optimizer)

    @law
    @given(returns=st.one_of(_returns, _panels))
    def test_weights_are_finite_and_sum_to_1(
        self, optimizer: Any, returns: NDArray[np.float64]
    ) -> None:
        """They are an array of float64, one a column."""
        weights = optimizer(returns)
        assert isinstance(weights, np.ndarray)
        assert weights.dtype == np.float64
        assert weights.shape == (returns.shape[1],)
        assert abs(float(weights.sum()) - 1.0) <= 1e-9
        if self.long_only:
            assert weights.min() >= 0.0

    @law
    @given(returns=_returns)
    def test_with_symbols_the_same_weights_are_a_dict(
        self, optimizer: Any, returns: NDArray[np.float64]
    ) -> None:
        """In the order of the symbols, as floats of Python."""
        symbols = ["D", "B", "A long name", "C", "F", "E"][: returns.shape[1]]
        weights = optimizer(returns, symbols)
        assert list(weights) == symbols
        assert all(type(weight) is float for weight in weights.values())
        assert list(weights.values()) == optimizer(returns).tolist()

    @law
    @given(returns=_returns)
    def test_the_same_returns_give_the_same_weights_and_stay_as_they_are(
        self, optimizer: Any, returns: NDArray[np.float64]
    ) -> None:
        """To the last bit."""
        kept = returns.copy()
        first = optimizer(returns).tolist()
        assert returns.tolist() == kept.tolist()
        assert optimizer(kept).tolist() == first

    @law
    @given(returns=_returns)
    def test_columns_in_another_order_give_weights_in_that_order(
        self, optimizer: Any, returns: NDArray[np.float64]
    ) -> None:
        """Where the optimizer is one to which order means nothing."""
        if self.permutation_equivariant:
            turned = optimizer(returns[:, ::-1])[::-1]
            assert np.abs(turned - optimizer(returns)).max() <= self.tolerance

    @law
    @given(returns=_returns)
    def test_the_scale_of_returns_does_not_matter(
        self, optimizer: Any, returns: NDArray[np.float64]
    ) -> None:
        """Where the optimizer is one to which it means nothing."""
        if self.scale_free:
            small = optimizer(returns / 1000.0)
            assert np.abs(small - optimizer(returns)).max() <= self.tolerance

    def test_one_asset_has_all(self, optimizer: Any) -> None:
        """Whatever it returned."""
        assert optimizer(np.array([[0.01], [-0.02], [0.03]])).tolist() == [1.0]

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_a_value_that_is_not_finite_is_refused(self, optimizer: Any, value: float) -> None:
        """As a ValueError, never by weights that are NaN."""
        returns = _drawn(3, 20, 1)
        returns[7, 1] = value
        with pytest.raises(ValueError, match=r"\b7\b"):
            optimizer(returns)

    @pytest.mark.parametrize("shape", [(0, 2), (1, 2), (20, 0)])
    def test_too_little_is_refused(self, optimizer: Any, shape: tuple[int, int]) -> None:
        """Two periods and one asset are the least."""
        with pytest.raises(ValueError, match="returns"):
            optimizer(np.zeros(shape))
