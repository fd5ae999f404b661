"""Laws of a cost model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nanobook_core.contracts import CostModel, CostRequest, TradeCostModel
from nanobook_core.errors import ValidationError
from nanobook_core.testing.fill import SYMBOLS
from nanobook_core.testing.law import law
from nanobook_core.types import INT64_MAX

#: Sizes at which models go wrong: one, where minimum fees end, the edge of exact floats, where
#: products and their sums leave 64 bits, and the largest.
_SIZES = (1, 2, 99, 10_000, 2**31, 2**53 + 1, 2**61, 2**62, INT64_MAX)

_sizes = st.sampled_from(_SIZES) | st.integers(1, 10**6)
_quantities = st.just(0) | st.builds(
    lambda size, sign: size * sign, _sizes, st.sampled_from([1, -1])
)
_trades = st.lists(st.tuples(_quantities, _sizes), max_size=6)
_periods = st.integers(0, 3)


def _arrays(trades: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return (
        np.array([quantity for quantity, _ in trades], np.int64),
        np.array([price for _, price in trades], np.int64),
    )


def _request(
    quantity: NDArray[np.int64], price: NDArray[np.int64], *, period: int = 0, first: int = 0
) -> CostRequest:
    column = (first + np.arange(len(quantity))) % len(SYMBOLS)
    return CostRequest(
        period=period, symbols=SYMBOLS, column=column, quantity=quantity, price=price
    )


class CostModelSuite:
    """What a cost model must do.

    One that has `trade_costs` knows the symbols of `nanobook_core.testing.fill.SYMBOLS` in the
    periods from 0 to 3.
    """

    #: Costs depend on period or symbol: only `trade_costs` knows them, and `costs` refuses.
    needs_symbols = False

    #: A purchase costs what the sale of the same quantity at the same price costs.
    charges_both_sides_alike = True
    #: A larger trade at the same price costs no less.
    monotone_in_quantity = True

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Any:
        """Return the model under test."""
        raise NotImplementedError("override the fixture `model`")

    def costs(
        self, model: Any, trades: list[tuple[int, int]], *, period: int = 0, first: int = 0
    ) -> Any:
        """Ask for the costs of trades, of one symbol after another from the `first` on."""
        quantity, price = _arrays(trades)
        if not self.needs_symbols:
            return model.costs(quantity, price)
        return model.trade_costs(_request(quantity, price, period=period, first=first))

    def test_it_fulfils_the_contract(self, model: Any) -> None:
        """It has `costs`, and `trade_costs` where it needs symbols."""
        assert isinstance(model, CostModel)
        assert isinstance(model, TradeCostModel) or not self.needs_symbols

    @law
    @given(trades=_trades, period=_periods)
    def test_period_and_symbol_matter_only_where_they_are_needed(
        self, model: Any, trades: list[tuple[int, int]], period: int
    ) -> None:
        """Told them without need it answers alike; without them in need it refuses."""
        quantity, price = _arrays(trades)
        if self.needs_symbols:
            with pytest.raises(ValidationError):
                model.costs(quantity, price)
        elif isinstance(model, TradeCostModel):
            request = _request(quantity, price, period=period)
            assert model.trade_costs(request).tolist() == model.costs(quantity, price).tolist()

    @law
    @given(trades=_trades)
    def test_it_answers_with_one_int64_for_each_trade(
        self, model: Any, trades: list[tuple[int, int]]
    ) -> None:
        """The answer is an array of shape `(n_trades,)`, also for none."""
        costs = self.costs(model, trades)
        assert isinstance(costs, np.ndarray)
        assert costs.dtype == np.int64
        assert costs.shape == (len(trades),)

    @law
    @given(trades=_trades)
    def test_a_cost_is_never_negative(self, model: Any, trades: list[tuple[int, int]]) -> None:
        """Not for a sale, and not where a product leaves 64 bits."""
        assert (self.costs(model, trades) >= 0).all()

    @law
    @given(prices=st.lists(_sizes, min_size=1, max_size=6))
    def test_no_quantity_costs_nothing(self, model: Any, prices: list[int]) -> None:
        """A minimum fee is for trades, and a quantity of 0 is none."""
        costs = self.costs(model, [(0, price) for price in prices])
        assert costs.tolist() == [0] * len(prices)

    @law
    @given(trades=_trades)
    def test_the_trades_are_not_changed(self, model: Any, trades: list[tuple[int, int]]) -> None:
        """The simulator uses its arrays again."""
        quantity, price = _arrays(trades)
        request = _request(quantity, price)
        if self.needs_symbols:
            model.trade_costs(request)
        else:
            model.costs(quantity, price)
        assert request.column.tolist() == _request(quantity, price).column.tolist()
        assert quantity.tolist() == [lots for lots, _ in trades]
        assert price.tolist() == [paid for _, paid in trades]

    @law
    @given(trades=_trades)
    def test_the_same_trades_cost_the_same(self, model: Any, trades: list[tuple[int, int]]) -> None:
        """It has no memory: volume discounts belong to whoever knows the account."""
        first = self.costs(model, trades).tolist()
        self.costs(model, [(1, 1)], period=1)
        assert self.costs(model, trades).tolist() == first

    @law
    @given(trades=_trades)
    def test_a_trade_costs_the_same_in_any_company(
        self, model: Any, trades: list[tuple[int, int]]
    ) -> None:
        """A batch costs what its trades cost one by one."""
        alone = [self.costs(model, [trade], first=at)[0] for at, trade in enumerate(trades)]
        assert self.costs(model, trades).tolist() == alone

    @law
    @given(trades=_trades)
    def test_both_sides_cost_alike(self, model: Any, trades: list[tuple[int, int]]) -> None:
        """Turning purchases into sales changes nothing."""
        if self.charges_both_sides_alike:
            turned = [(-quantity, price) for quantity, price in trades]
            assert self.costs(model, turned).tolist() == self.costs(model, trades).tolist()

    @law
    @given(price=_sizes, sign=st.sampled_from([1, -1]))
    def test_a_larger_trade_costs_no_less(self, model: Any, price: int, sign: int) -> None:
        """Up to the largest quantity there is: what wraps falls somewhere on the way."""
        if self.monotone_in_quantity:
            sizes = sorted({*_SIZES, *(2**power for power in range(63))})
            # All of one symbol.
            costs = [int(self.costs(model, [(size * sign, price)])[0]) for size in sizes]
            assert costs == sorted(costs)
