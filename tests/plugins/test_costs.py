"""The cost models that nanobook-costs offers."""

import contextlib
import io
import re
from decimal import Decimal
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import ValidationError
from nanobook_core.plugin import default_registry
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.testing import CostModelSuite, PluginSuite
from nanobook_costs.per_share import PerShare

README = Path(__file__).parents[2] / "plugins" / "nanobook_costs" / "README.md"


def costs_of(model, trades):
    quantity, price = np.array(trades, np.int64).reshape(-1, 2).T
    return model.costs(quantity, price).tolist()


class TestPlugin(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "nanobook-costs"


class TestBps(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return default_registry().create(
            "cost_model", "bps", commission_bps=10, slippage_bps=5, min_trade_fee=100
        )


class TestBpsAtItsLargest(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return CostModel(2**32 - 1, 2**32 - 1, 2**63 - 1)


class TestFree(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return CostModel.zero()


class TestPerShare(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return default_registry().create(
            "cost_model", "per_share", per_share="0.35", minimum=100, cap="0.01"
        )


class TestPerShareAtItsLargest(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return PerShare(
            per_share="9223372036854775806.5", minimum="0.000000000000000001", cap=2**63 - 1
        )


@pytest.mark.parametrize(
    ("trade", "cost"),
    [
        ((1000, 15000), 500),
        ((-1000, 15000), 500),
        ((30, 15000), 100),
        ((201, 15000), 101),  # 100.5 rounded up
        ((10, 20), 2),  # the cap of 1 % beats the minimum
        ((1, 1), 1),  # 0.01 rounded up
        ((0, 15000), 0),
        ((2**63 - 1, 1), 92233720368547759),  # ceil of 1 % of the notional
        ((2**63 - 1, 2**63 - 1), 4611686018427387904),  # ceil of half of 2^63-1
    ],
)
def test_half_a_cent_a_share_with_a_minimum_of_a_dollar_and_a_cap_of_one_percent(trade, cost):
    model = PerShare(per_share="0.5", minimum=100, cap=Decimal("0.01"))
    assert costs_of(model, [trade]) == [cost]


def test_a_cost_beyond_64_bits_is_capped_there():
    assert costs_of(PerShare(per_share=2), [(2**63 - 1, 1)]) == [2**63 - 1]
    assert costs_of(PerShare(per_share=0, minimum=2**63 - 1), [(1, 1)]) == [2**63 - 1]


def test_without_a_cap_the_minimum_is_charged_on_any_trade():
    assert costs_of(PerShare(per_share="0.5", minimum="99.5"), [(1, 1), (-1, 2)]) == [100, 100]


@given(
    rate=st.decimals(0, 10**6, places=4),
    minimum=st.decimals(0, 1000, places=2),
    cap=st.none() | st.decimals(0, 2, places=6),
    trades=st.lists(
        st.tuples(
            st.integers(-(10**6), 10**6) | st.integers(-(2**63), 2**63 - 1),
            st.integers(1, 10**6) | st.integers(1, 2**63 - 1),
        ),
        max_size=5,
    ),
)
def test_a_cost_per_share_is_the_published_formula_rounded_up(rate, minimum, cap, trades):
    expected = []
    for quantity, price in trades:
        cost = max(Fraction(rate) * abs(quantity), Fraction(minimum))
        if cap is not None:
            cost = min(cost, Fraction(cap) * abs(quantity) * price)
        expected.append(min(ceil(cost), 2**63 - 1) if quantity else 0)
    assert costs_of(PerShare(per_share=rate, minimum=minimum, cap=cap), trades) == expected


@pytest.mark.parametrize("value", [0.5, True, None, b"1", [1]])
def test_a_rate_of_another_type_is_refused(value):
    with pytest.raises(TypeError, match="per_share is a Decimal, an int or a string"):
        PerShare(per_share=value)


@pytest.mark.parametrize(
    "value", ["-1", "NaN", "Infinity", "1e-19", "1e999999999", 2**63, "half", "", Decimal("-0.01")]
)
def test_a_rate_out_of_range_is_refused(value):
    with pytest.raises(ValidationError, match="minimum must be"):
        PerShare(per_share=1, minimum=value)
    with pytest.raises(ValidationError, match="cap must be"):
        PerShare(per_share=1, cap=value)


@pytest.mark.parametrize("model", [CostModel(5), PerShare(per_share=1)])
def test_trades_that_are_no_integers_or_do_not_match_are_refused(model):
    with pytest.raises(TypeError, match="dtype float64"):
        model.costs(np.array([1.0]), np.array([100]))
    with pytest.raises(TypeError, match="dtype bool"):
        model.costs(np.array([1]), np.array([True]))
    with pytest.raises(ValidationError, match=r"shapes \(2,\) and \(1,\)"):
        model.costs(np.array([1, 2]), np.array([100]))
    with pytest.raises(ValidationError, match="one length"):
        model.costs(np.array([[1]]), np.array([[100]]))


def test_the_example_in_the_readme_prints_what_it_says():
    text = README.read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    printed = re.search(r"```text\n(.*?)```", text, re.DOTALL).group(1)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {})  # noqa: S102 - our own README
    assert said.getvalue() == printed


def test_a_fine_rate_costs_nothing_where_nothing_is_traded():
    empty = np.zeros(0, np.int64)
    for settings in (
        {"per_share": "10.123456789012345678"},
        {"per_share": 1, "cap": "10.000000000000000001"},
    ):
        model = PerShare(**settings)
        assert model.costs(empty, empty).tolist() == []
        assert costs_of(model, [(0, 5)]) == [0]
