import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel
from nanobook_core.portfolio.cost import charge

bps = st.integers(0, 200) | st.integers(0, 2**32 - 1)
models = st.builds(CostModel, bps, bps, st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 500))
quantities = st.integers(-(10**6), 10**6) | st.integers(-(2**63), 2**63 - 1)
prices = st.integers(1, 10**6) | st.integers(1, 2**63 - 1)


@pytest.mark.parametrize(
    ("notional", "cost"),
    [(1_000_000, 1500), (0, 100), (1, 100), (-1_000_000, 1500), (66_666, 100), (66_667, 100)],
)
def test_the_originals_checks(notional, cost):
    assert CostModel(10, 5, 100).compute_cost(notional) == cost


@pytest.mark.parametrize(("notional", "cost"), [(0, 0), (1, 0), (66_666, 99), (66_667, 100)])
def test_a_negative_minimum_fee_has_no_effect(notional, cost):
    assert CostModel(10, 5, -100).compute_cost(notional) == cost


def test_a_cost_is_capped_at_the_largest_64_bit_number():
    model = CostModel(2**32 - 1, 2**32 - 1)
    assert model.compute_cost(2**63 - 1) == 2**63 - 1
    assert model.compute_cost(-(2**200)) == 2**63 - 1
    assert CostModel().compute_cost(2**200) == 0


@given(models, st.lists(st.tuples(quantities, prices), max_size=6))
def test_an_array_costs_what_its_trades_cost_one_by_one(model, trades):
    quantity, price = np.array(trades, np.int64).reshape(-1, 2).T
    expected = [model.compute_cost(lots * paid) if lots else 0 for lots, paid in trades]
    costs = model.costs(quantity, price)
    assert costs.dtype == np.int64
    assert costs.tolist() == expected
    assert charge(model, quantity, price) == sum(expected)


@given(models, st.integers(-(2**130), 2**130))
def test_a_cost_is_the_floored_rate_or_the_minimum(model, notional):
    rate = model.commission_bps + model.slippage_bps
    cost = model.compute_cost(notional)
    assert 0 <= cost <= 2**63 - 1
    if model.min_trade_fee < cost < 2**63 - 1:
        assert cost * 10_000 <= abs(notional) * rate < (cost + 1) * 10_000


def test_settings_are_positional_or_keywords_and_shown():
    model = CostModel(10, 5, 100)
    assert model == CostModel(commission_bps=10, slippage_bps=5, min_trade_fee=100)
    assert repr(model) == "CostModel(commission_bps=10, slippage_bps=5, min_trade_fee=100)"
    assert CostModel(np.int64(5)) == CostModel(5)
    assert type(CostModel(np.int64(5)).commission_bps) is int
    assert CostModel.zero() == CostModel(0, 0, 0)
    assert pickle.loads(pickle.dumps(model)) == copy.copy(model) == model  # noqa: S301 - our own bytes
    assert hash(model) == hash(copy.copy(model))


@pytest.mark.parametrize("value", [5.0, True, "5", None, np.float64(5)])
@pytest.mark.parametrize("setting", ["commission_bps", "slippage_bps", "min_trade_fee"])
def test_settings_are_integers(setting, value):
    with pytest.raises(TypeError, match=f"{setting} is (an int|whole basis points)"):
        CostModel(**{setting: value})


@pytest.mark.parametrize("value", [-1, 2**32, 2**63])
@pytest.mark.parametrize("setting", ["commission_bps", "slippage_bps"])
def test_basis_points_are_unsigned_32_bit_numbers(setting, value):
    with pytest.raises(OverflowError, match=f"{setting} must"):
        CostModel(**{setting: value})


def test_a_minimum_fee_fits_into_64_bits():
    with pytest.raises(OverflowError, match="min_trade_fee must fit into 64 bits"):
        CostModel(min_trade_fee=2**63)


@pytest.mark.parametrize("notional", [1.0, True, "1", None])
def test_a_notional_is_an_integer(notional):
    with pytest.raises(TypeError, match="notional is an int"):
        CostModel(5).compute_cost(notional)


class Answers:
    """A cost model with a fixed answer."""

    def __init__(self, answer):
        self.answer = answer

    def costs(self, quantity, price):
        return self.answer


@pytest.mark.parametrize("answer", [None, [1], np.array([1.0]), np.array([1, 2]), np.int64(1)])
def test_a_model_that_does_not_answer_with_an_int64_for_each_trade_is_refused(answer):
    with pytest.raises(TypeError, match="costs are an int64 array"):
        charge(Answers(answer), np.array([7]), np.array([100]))


def test_a_model_that_pays_is_refused():
    with pytest.raises(ValidationError, match="negative cost, -3, for quantity 7 at price 100"):
        charge(Answers(np.array([2, -3])), np.array([1, 7]), np.array([100, 100]))


def test_costs_of_many_trades_are_added_beyond_64_bits():
    fee = CostModel(min_trade_fee=2**63 - 1)
    assert charge(fee, np.array([1, 1, 1]), np.array([1, 1, 1])) == 3 * (2**63 - 1)
