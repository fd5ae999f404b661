"""The cost models that nanobook-costs offers."""

import contextlib
import io
import re
from decimal import Decimal
from fractions import Fraction
from math import ceil, isqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.contracts import CostRequest
from nanobook_core.errors import ValidationError
from nanobook_core.plugin import default_registry
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.testing import CostModelSuite, PluginSuite
from nanobook_costs.from_callable import FromCallable
from nanobook_costs.maker_taker import MakerTaker
from nanobook_costs.per_share import PerShare
from nanobook_costs.square_root_impact import SquareRootImpact

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


TIERS = [(0, "10", "20"), (1_000_000, "4", "10"), (10**9, 0, "5.5")]


class TestMakerTaker(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return default_registry().create(
            "cost_model", "maker_taker", tiers=TIERS, volume=2_000_000, maker_fraction="0.25"
        )


class TestMakerTakerAtItsLargest(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return MakerTaker(
            tiers=[(0, "0.000000000000000001", 2**63 - 1)], maker_fraction="0.000000000000000001"
        )


class TestSquareRootImpact(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return default_registry().create(
            "cost_model", "square_root_impact", volume=10_000, volatility=0.02, half_spread_bps=2.5
        )


class TestSquareRootImpactAtItsLargest(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return SquareRootImpact(volume=1, volatility=1e308, coefficient=1e308)


class TestSquareRootImpactWhereBothPartsMatter(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return SquareRootImpact(
            volume=2**63 - 1, volatility=0.3, half_spread_bps=1e-9, commission_bps=1e300
        )


class TestFromCallableOfInts(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FromCallable(lambda quantity, _: np.maximum(abs(quantity), 50))


class TestFromCallable(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return default_registry().create(
            "cost_model", "from_callable", function=lambda _, price: 1.5 + 0.0 * price
        )


def test_the_tier_of_the_volume_and_the_mix_of_rates_apply():
    model = MakerTaker(tiers=TIERS, volume=2_000_000, maker_fraction="0.25")
    assert model.bps == Fraction("8.5")
    assert costs_of(model, [(100, 10_000), (-1, 1), (0, 5)]) == [850, 1, 0]
    assert MakerTaker(tiers=TIERS).bps == 20
    assert MakerTaker(tiers=TIERS, volume=10**9, maker_fraction=1).bps == 0


@pytest.mark.parametrize(
    ("volume", "bps"), [(0, 20), (999_999, 20), ("999999.99", 20), (1_000_000, 10), (10**12, "5.5")]
)
def test_a_tier_begins_at_its_volume(volume, bps):
    assert MakerTaker(tiers=TIERS, volume=volume).bps == Fraction(bps)


@given(
    maker=st.decimals(0, 100, places=3),
    taker=st.decimals(0, 100, places=3),
    made=st.decimals(0, 1, places=4),
    trades=st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**63 - 1))
        | st.tuples(st.integers(-1000, 1000), st.integers(1, 1000)),
        max_size=5,
    ),
)
def test_a_maker_taker_fee_is_the_mixed_rate_rounded_up(maker, taker, made, trades):
    model = MakerTaker(tiers=[(0, maker, taker)], maker_fraction=made)
    rate = (Fraction(made) * Fraction(maker) + (1 - Fraction(made)) * Fraction(taker)) / 10_000
    expected = [min(ceil(rate * abs(lots * price)), 2**63 - 1) for lots, price in trades]
    assert costs_of(model, trades) == expected


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"tiers": []}, TypeError, "tiers are a list"),
        ({"tiers": [(0, 1)]}, TypeError, "a tier is"),
        ({"tiers": [(0, 0.1, 1)]}, TypeError, "maker_bps of a tier is a Decimal"),
        ({"tiers": [(1, 1, 1)]}, ValidationError, "start at volume 0 and rise, got 1"),
        ({"tiers": [(0, 1, 1), (0, 1, 1)]}, ValidationError, "rise, got 0, 0"),
        ({"tiers": TIERS, "maker_fraction": "1.5"}, ValidationError, "from 0 to 1"),
        ({"tiers": TIERS, "volume": -1}, ValidationError, "volume must be from 0"),
    ],
)
def test_wrong_tiers_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        MakerTaker(**settings)


class TestSquareRootImpactBySymbol(CostModelSuite):
    needs_symbols = True

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        volume = {"D": 10_000, "B": [1, 2, 3, 4], "A": 2**62, "C": np.full(4, 7)}
        return SquareRootImpact(volume=volume, volatility=0.02, half_spread_bps=2.5)


class TestSquareRootImpactInTables(CostModelSuite):
    needs_symbols = True

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        volatility = np.arange(16).reshape(4, 4) / 100
        return SquareRootImpact(volume=np.arange(1, 17).reshape(4, 4), volatility=volatility)


def asked(model, period, trades, symbols=("A", "B")):
    """Costs of trades, each a column, a quantity and a price."""
    column, quantity, price = np.array(trades, np.int64).reshape(-1, 3).T
    request = CostRequest(
        period=period, symbols=symbols, column=column, quantity=quantity, price=price
    )
    return model.trade_costs(request).tolist()


def test_impact_grows_with_the_part_of_the_symbols_own_volume():
    trades = [(0, 100, 10_000), (1, -100, 10_000), (1, 400, 10_000)]
    # Roots of 100/10000, 100/40000 and 400/40000, times 2 % of 1,000,000 or 4,000,000; and 5 bps.
    model = SquareRootImpact(
        volume={"A": 10_000, "B": [0, 40_000]}, volatility=0.02, half_spread_bps=5
    )
    assert asked(model, 1, trades) == [2500, 1500, 10_000]
    # By symbol too, 2 % and 4 %.
    model = SquareRootImpact(
        volume=np.array([[0, 0], [10_000, 40_000]]), volatility={"A": 0.02, "B": [np.nan, 0.04]}
    )
    assert asked(model, 1, trades) == [2000, 2000, 16_000]
    one = SquareRootImpact(volume=10_000, volatility=np.array([[0.02, 0.04]]))
    assert asked(one, 0, trades[:2]) == [2000, 4000]


def test_a_volume_for_all_symbols_is_asked_alike_with_and_without_them():
    model = SquareRootImpact(volume=10_000, volatility=0.02)
    assert asked(model, 7, [(0, 100, 10_000)]) == costs_of(model, [(100, 10_000)]) == [2000]


def test_a_table_is_copied():
    volume = np.array([[10_000, 10_000]])
    model = SquareRootImpact(volume=volume, volatility=0.02)
    volume[:] = 1
    assert asked(model, 0, [(0, 100, 10_000)]) == [2000]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"volume": {"A": 1}}, "period 2, symbol 'B': volume is not given"),
        ({"volume": {"B": [1, 2]}}, "period 2, symbol 'B': volume is not given"),
        ({"volume": {"B": [1, 2, 0]}}, "period 2, symbol 'B': volume is 0. .* at least 1"),
        ({"volume": np.ones((2, 2), int)}, "period 2, symbol 'B': volume is not given"),
        ({"volume": np.ones((3, 1), int)}, "volume has 1 columns for 2 symbols"),
        ({"volume": 1, "volatility": {"B": np.nan}}, "period 2, symbol 'B': volatility is nan"),
        ({"volume": 1, "volatility": {"B": np.inf}}, "period 2, symbol 'B': volatility is inf"),
        ({"volume": 1, "volatility": {"B": -0.5}}, "symbol 'B': volatility is -0.5. .* least 0"),
    ],
)
def test_what_a_table_has_no_number_for_cannot_be_traded(settings, message):
    with pytest.raises(ValidationError, match=message):
        asked(SquareRootImpact(**settings), 2, [(1, 5, 100)])


def test_a_portfolio_which_knows_no_period_refuses_volumes_by_symbol():
    portfolio = nanobook.Portfolio(1000, SquareRootImpact(volume={"A": 100}))
    with pytest.raises(ValidationError, match="volume and volatility by symbol are for simula"):
        portfolio.rebalance_simple([("A", 1.0)], [("A", 10)])


def test_a_simulation_tells_period_and_symbol_of_its_trades():
    model = SquareRootImpact(volume={"A": [100, 10_000], "B": [400, 400]}, volatility=1 / 8)
    result = nanobook.simulate(
        np.array([[0.5, 0.5], [0.0, 0.5]]),
        np.array([[100, 100], [100, 100]]),
        symbols=["A", "B"],
        cash=20_000,
        costs=model,
        constraints=nanobook.Constraints(scale_to_cash=False),
    )
    # sqrt(100 / 100) and sqrt(100 / 400) of an eighth of 10,000; then sqrt(100 / 10,000) of that,
    # and sqrt(9 / 400) of an eighth of 900, which is 16.875.
    assert result.trades[["period", "symbol", "quantity", "cost"]].tolist() == [
        (0, "A", 100, 1250),
        (0, "B", 100, 625),
        (1, "A", -100, 125),
        (1, "B", -9, 17),
    ]


def test_cash_is_scaled_by_the_costs_of_each_symbol():
    model = SquareRootImpact(volume={"A": 100, "B": 10**18}, volatility=1.0)
    result = nanobook.simulate(
        np.array([[1.0, 0.0]]), np.array([[10, 10]]), symbols=["A", "B"], cash=1000, costs=model
    )
    other = nanobook.simulate(
        np.array([[0.0, 1.0]]), np.array([[10, 10]]), symbols=["A", "B"], cash=1000, costs=model
    )
    # 100 lots cost 1000 more, so half of them; what of B costs less than a unit costs 1.
    assert result.quantities.tolist() == [[50, 0]]
    assert other.quantities.tolist() == [[0, 99]]


def test_impact_is_the_square_root_of_the_part_of_the_volume():
    model = SquareRootImpact(volume=10_000, volatility=0.02, half_spread_bps=5, commission_bps=1)
    # sqrt(100 / 10000) = 0.1, so 6 bps and 20 bps of 1,000,000.
    assert costs_of(model, [(100, 10_000), (-100, 10_000)]) == [2600, 2600]
    # sqrt(4) = 2: twice a 64th of 40,000.
    alone = SquareRootImpact(volume=10_000, volatility=1 / 64)
    assert costs_of(alone, [(40_000, 1)]) == [1250]


def test_basis_points_of_impact_are_exact_as_they_are_written():
    # 0.1 + 0.2 is 0.30000000000000004 in floats.
    model = SquareRootImpact(volume=1, half_spread_bps=0.1, commission_bps=0.2)
    assert costs_of(model, [(1, 100_000), (1, 100_001), (2**63 - 1, 1)]) == [3, 4, 276701161105644]
    most = SquareRootImpact(volume=1, half_spread_bps=10_000, volatility=1)
    assert costs_of(most, [(2**63 - 1, 1)]) == [2**63 - 1]


@given(
    volume=st.integers(1, 10**12),
    volatility=st.integers(0, 64),
    bps=st.integers(0, 100),
    lots=st.integers(-(10**12), 10**12),
    price=st.integers(1, 10**6),
)
def test_impact_is_that_of_exact_numbers(volume, volatility, bps, lots, price):
    model = SquareRootImpact(volume=volume, volatility=volatility / 64, half_spread_bps=bps)
    notional = abs(lots) * price
    flat = ceil(Fraction(notional * bps, 10_000))
    # The root of (volatility / 64 * notional)^2 * |lots| / volume, to a 2^40th.
    square = (volatility * notional) ** 2 * abs(lots) << 80
    impact = Fraction(isqrt(square // (64**2 * volume)), 1 << 40)
    least = flat + ceil(impact * (1 - Fraction(1, 10**15)))
    most = flat + ceil((impact + Fraction(1, 1 << 40)) * (1 + Fraction(1, 10**15)))
    cost = costs_of(model, [(lots, price)])[0]
    if lots and volatility:
        assert min(least, 2**63 - 1) <= cost <= min(most, 2**63 - 1)
    else:
        assert cost == flat


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"volume": 0}, ValidationError, "volume must be at least 1 lot"),
        ({"volume": 1.5}, TypeError, "volume is an int"),
        ({"volume": 1, "volatility": -0.1}, ValidationError, "volatility must be finite"),
        ({"volume": 1, "coefficient": float("nan")}, ValidationError, "coefficient must be finite"),
        ({"volume": 1, "half_spread_bps": "1"}, TypeError, "half_spread_bps is a number"),
    ],
)
def test_wrong_settings_of_impact_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        SquareRootImpact(**settings)


def test_what_a_function_gives_is_rounded_up_and_capped():
    assert costs_of(FromCallable(lambda q, p: abs(q) * p * 0.001), [(3, 1001), (0, 9)]) == [4, 0]
    assert costs_of(FromCallable(lambda *_: 7), [(3, 1), (0, 9), (-1, 1)]) == [7, 0, 7]
    assert costs_of(FromCallable(lambda *_: 1e300), [(1, 1)]) == [2**63 - 1]
    # The largest float below 2^63, and 2^63 itself.
    assert costs_of(FromCallable(lambda *_: 2.0**63 - 1024), [(1, 1)]) == [2**63 - 1024]
    assert costs_of(FromCallable(lambda *_: 2.0**63), [(1, 1)]) == [2**63 - 1]
    assert costs_of(FromCallable(lambda *_: np.float16(1.5)), [(1, 1)]) == [2]
    assert costs_of(FromCallable(lambda q, _: [3, 2.5][: len(q)]), [(1, 1), (2, 1)]) == [3, 3]
    assert costs_of(FromCallable(lambda *_: np.uint64(2**64 - 1)), [(1, 1)]) == [2**63 - 1]


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda *_: -1.0, ValidationError, "trade 0: .* gives -1.0 for quantity 5 at price 2"),
        (lambda *_: -1, ValidationError, "trade 0: .* gives -1 for quantity 5"),
        (lambda *_: np.inf, ValidationError, "gives inf for quantity 5"),
        (lambda *_: [[1]], ValidationError, r"got shape \(1, 1\)"),
        (lambda *_: None, TypeError, "gives numbers"),
        (lambda q, _: q > 0, TypeError, "gives numbers, got dtype bool"),
        (lambda q, _: q * np.nan, ValidationError, "gives nan for quantity 5"),
        (lambda *_: np.zeros(2), ValidationError, r"each of 1 trades, got shape \(2,\)"),
        (lambda *_: "free", TypeError, "gives numbers"),
    ],
)
def test_what_a_function_may_not_give_is_refused(function, error, message):
    with pytest.raises(error, match=message):
        costs_of(FromCallable(function), [(5, 2)])
    with pytest.raises(TypeError, match="function takes arrays"):
        FromCallable(3)


def test_a_wrong_cost_is_named_by_its_trade():
    model = FromCallable(lambda quantity, _: np.where(quantity == 3, np.nan, 1.0))
    with pytest.raises(ValidationError, match="trade 2: the function gives nan for quantity 3"):
        costs_of(model, [(1, 1), (0, 1), (3, 7)])


def test_a_function_cannot_change_the_trades():
    def spoil(quantity, price):
        quantity[:] = price[:] = 0
        return 1

    quantity, price = np.array([5]), np.array([2])
    assert FromCallable(spoil).costs(quantity, price).tolist() == [1]
    assert (quantity.tolist(), price.tolist()) == ([5], [2])
