import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, Portfolio, Position, compute_metrics


def portfolio_of(cash=100_000, bps=0):
    return Portfolio(cash, CostModel(bps))


def state(portfolio):
    return (
        portfolio.cash,
        portfolio.returns(),
        portfolio.equity_curve(),
        portfolio.ruined_at,
        portfolio.positions(),
        repr(portfolio),
    )


def test_the_seeds_example(capsys):
    portfolio = nanobook.Portfolio(1_000_000_00, nanobook.CostModel(commission_bps=5))
    portfolio.rebalance_simple([("AAPL", 0.6)], [("AAPL", 150_00)])
    portfolio.record_return([("AAPL", 155_00)])
    metrics = portfolio.compute_metrics(252.0, 0.0)
    print(f"Sharpe: {metrics.sharpe:.2f}")  # noqa: T201 - the example does
    assert capsys.readouterr().out == "Sharpe: 0.00\n"
    # 4000 shares for 60 000 000 and 30 000 of costs, then 2 000 000 of gain.
    assert portfolio.cash == 39_970_000
    assert portfolio.returns() == [0.0197]
    assert portfolio.equity_curve() == [100_000_000, 101_970_000]


def test_the_seeds_second_example():
    portfolio = nanobook.Portfolio(1_000_000_00, nanobook.CostModel(commission_bps=10))
    portfolio.rebalance_simple([("AAPL", 0.6)], [("AAPL", 150_00)])
    portfolio.record_return([("AAPL", 155_00)])
    metrics = portfolio.compute_metrics(252.0, 0.0)
    assert metrics.total_return == pytest.approx(0.0194)
    assert metrics.num_periods == 1


def test_full_investment_plus_costs_makes_cash_negative():
    portfolio = portfolio_of(bps=50)
    portfolio.rebalance_simple([("A", 1.0)], [("A", 333)])
    assert portfolio.cash == -399
    assert repr(portfolio) == "Portfolio(cash=$-3.99, returns=0)"
    assert (
        repr(portfolio.position("A"))
        == "Position(symbol=A, qty=300, avg_price=333, realized_pnl=0)"
    )
    assert portfolio.snapshot([("A", 333)]) == {
        "cash": -399,
        "equity": 99501,
        "num_positions": 1,
        "total_realized_pnl": 0,
        "weights": {"A": 1.0040100099496487},
    }
    assert list(portfolio.snapshot([])) == [
        "cash",
        "equity",
        "num_positions",
        "total_realized_pnl",
        "weights",
    ]


def test_leverage_is_not_limited():
    portfolio = portfolio_of()
    portfolio.rebalance_simple([("A", 3.0)], [("A", 100)])
    assert portfolio.cash == -200_000


def test_what_is_less_than_a_lot_away_is_not_traded():
    portfolio = portfolio_of()
    portfolio.rebalance_simple([("A", 0.5)], [("A", 333)])
    assert portfolio.position("A").quantity == 150
    # trunc(49 990 - 49 950, over 333) is no lot.
    portfolio.rebalance_simple([("A", 0.4999)], [("A", 333)])
    assert portfolio.position("A").quantity == 150


def test_held_symbols_without_a_target_are_sold_and_stay_listed():
    portfolio = portfolio_of()
    prices = {"B": 100, "A": 200}
    portfolio.rebalance_simple({"B": 0.5, "A": 0.25}, prices)
    portfolio.rebalance_simple([["A", 0.25]], prices)
    assert list(portfolio.positions()) == ["B", "A"]
    assert portfolio.position("B") == Position("B")
    assert portfolio.current_weights(prices) == [("A", 0.25)]
    assert portfolio.snapshot(prices)["num_positions"] == 1
    portfolio.rebalance_simple([], prices)
    assert portfolio.current_weights(prices) == []
    assert portfolio.cash == 100_000


def test_a_held_symbol_without_a_price_is_valued_at_its_last_and_not_traded():
    portfolio = portfolio_of()
    portfolio.rebalance_simple([("A", 0.5)], [("A", 100)])
    portfolio.record_return([("A", 120)])
    assert portfolio.total_equity([]) == 110_000
    assert portfolio.current_weights([]) == [("A", 60_000 / 110_000)]
    portfolio.rebalance_simple([("A", 0.0), ("B", 0.5)], [("B", 55)])
    assert portfolio.position("A").quantity == 500
    assert portfolio.position("B").quantity == 1000
    # Asking with other prices is no news.
    assert portfolio.total_equity([("A", 1)]) == 50_500
    assert portfolio.total_equity([]) == 110_000
    portfolio.record_return([])
    assert portfolio.returns() == [0.1, 0.0]


def test_a_symbol_priced_before_but_not_now_is_not_bought():
    portfolio = portfolio_of()
    portfolio.record_return([("A", 100)])
    portfolio.rebalance_simple([("A", 0.5)], [])
    assert portfolio.position("A") is None


def test_a_weight_for_a_symbol_that_never_had_a_price_is_refused():
    portfolio = portfolio_of()
    before = state(portfolio)
    with pytest.raises(
        ValidationError, match=r"symbol 'B': weight 0\.5 for a symbol that has had no price"
    ):
        portfolio.rebalance_simple([("A", 0.5), ("B", 0.5)], [("A", 100)])
    assert state(portfolio) == before
    # Not even the price of A has become known.
    with pytest.raises(ValidationError, match=r"symbol 'A': weight 0\.5"):
        portfolio.rebalance_simple([("A", 0.5)], [])
    portfolio.rebalance_simple([("B", 0.0)], [])
    assert state(portfolio) == before


def test_a_position_can_be_closed_by_itself():
    portfolio = portfolio_of(bps=10)
    portfolio.rebalance_simple([("A", -0.5)], [("A", 100)])
    assert portfolio.close_position_at("A", 110) is True
    assert portfolio.position("A").quantity == 0
    assert portfolio.position("A").realized_pnl == -5000
    # 50 on the sale, 55 on the purchase.
    assert portfolio.cash == 100_000 - 5000 - 50 - 55
    assert portfolio.close_position_at("A", 110) is False
    assert portfolio.close_position_at("B", 110) is False
    with pytest.raises(ValidationError, match="symbol 'A': price 0 is below 1"):
        portfolio.close_position_at("A", 0)


def test_ruin_ends_rebalancing_but_neither_lists_nor_closing():
    portfolio = portfolio_of(100)
    portfolio.rebalance_simple([("A", 2.0)], [("A", 100)])
    portfolio.record_return([("A", 100)])
    portfolio.record_return([("A", 40)])
    assert portfolio.ruined_at == 1
    portfolio.rebalance_simple([], [("A", 90)])
    portfolio.record_return([("A", 90)])
    portfolio.record_return([("A", 60)])
    assert portfolio.equity_curve() == [100, 100, -20, 80, 20]
    assert portfolio.returns() == [0.0, -1.2, 0.0, -0.75]
    assert portfolio.position("A").quantity == 2
    assert portfolio.ruined_at == 1
    assert portfolio.close_position_at("A", 60)


def test_a_portfolio_that_starts_without_equity_is_ruined_at_its_first_rebalancing():
    portfolio = portfolio_of(-5)
    assert repr(portfolio) == "Portfolio(cash=$-0.05, returns=0)"
    assert portfolio.ruined_at is None
    portfolio.rebalance_simple([("A", 1.0)], [("A", 1)])
    assert portfolio.ruined_at == 0
    assert portfolio.positions() == {}


def test_weights_of_no_equity_are_none():
    assert portfolio_of(0).current_weights([]) == []
    portfolio = portfolio_of(100)
    portfolio.rebalance_simple([("A", 2.0)], [("A", 100)])
    assert portfolio.current_weights([("A", 50)]) == []


def test_what_it_hands_out_are_copies():
    portfolio = portfolio_of()
    portfolio.rebalance_simple([("A", 0.5)], [("A", 100)])
    portfolio.record_return([("A", 100)])
    before = state(portfolio)
    portfolio.returns().append(1.0)
    portfolio.equity_curve().clear()
    portfolio.position("A").apply_fill(5, 5)
    portfolio.positions()["A"].apply_fill(5, 5)
    portfolio.positions().clear()
    assert state(portfolio) == before


def test_without_returns_there_are_no_metrics():
    assert portfolio_of().compute_metrics(252.0, 0.0) is None


@given(st.lists(st.integers(90, 110), min_size=1, max_size=8))
def test_its_metrics_are_those_of_its_returns(path):
    portfolio = portfolio_of()
    for price in path:
        portfolio.rebalance_simple([("A", 1.0)], [("A", price)])
        portfolio.record_return([("A", price)])
    assert portfolio.compute_metrics(12.0, 0.001) == compute_metrics(
        portfolio.returns(), 12.0, 0.001
    )


def test_cash_shows_in_full_at_any_size():
    assert repr(portfolio_of(2**63 - 1)) == "Portfolio(cash=$92233720368547758.07, returns=0)"
    assert repr(portfolio_of(0)) == "Portfolio(cash=$0.00, returns=0)"
    assert repr(portfolio_of(1_000_000_00)) == "Portfolio(cash=$1000000.00, returns=0)"


def test_any_cost_model_of_the_contract_will_do():
    class TenEach:
        def costs(self, quantity, price):
            return np.full(len(quantity), 10)

    portfolio = Portfolio(1000, TenEach())
    portfolio.rebalance_simple({"A": 0.5, "B": 0.5}, {"A": 100, "B": 100})
    assert portfolio.cash == -20
    with pytest.raises(TypeError, match="cost_model needs a method `costs`, got 5"):
        Portfolio(1000, 5)


class Greedy:
    """A cost model whose answer is no cost."""

    def costs(self, quantity, price):
        return -quantity * price


PRICES = [("A", 100), ("B", 50)]


@pytest.mark.parametrize(
    ("targets", "prices", "error", "message"),
    [
        ([("A", math.nan)], PRICES, ValidationError, "symbol 'A': weight nan is not finite"),
        ([("A", math.inf)], PRICES, ValidationError, "symbol 'A': weight inf is not finite"),
        ([("A", 0.5), ("A", 0.5)], PRICES, ValidationError, "'A' is there twice, with weight 0.5"),
        ([("A", "0.5")], PRICES, TypeError, "symbol 'A': a weight is a number"),
        ([("A", True)], PRICES, TypeError, "symbol 'A': a weight is a number"),
        ([("A", None)], PRICES, TypeError, "symbol 'A': a weight is a number"),
        ([("ABCDEFGHI", 0.5)], PRICES, ValidationError, "exceeds 8 bytes"),
        ([(5, 0.5)], PRICES, TypeError, "a symbol is a string"),
        (["A1"], PRICES, TypeError, r"a pair is a tuple or list \(symbol, weight\), got 'A1'"),
        ([("A", 0.5, 1)], PRICES, TypeError, "a pair is a tuple or list"),
        (None, PRICES, TypeError, "weights are a list or tuple"),
        ("A", PRICES, TypeError, "weights are a list or tuple"),
        (iter([("A", 0.5)]), PRICES, TypeError, "weights are a list or tuple"),
        ([("A", 0.5)], [("A", 0)], ValidationError, "symbol 'A': price 0 is below 1"),
        ([("A", 0.5)], [("A", -1)], ValidationError, "symbol 'A': price -1 is below 1"),
        ([("A", 0.5)], [("A", 100.0)], TypeError, "symbol 'A': a price is an int or numpy integer"),
        ([("A", 0.5)], [("A", 2**63)], OverflowError, "symbol 'A': a price must fit into 64 bits"),
        ([("A", 0.5)], [("A", 1), ("A", 1)], ValidationError, "'A' is there twice, with price 1"),
        ([("A", 0.5)], None, TypeError, "prices are a list or tuple"),
        (
            [("A", 1e300)],
            PRICES,
            OverflowError,
            r"symbol 'A': a target value of [\d.e+]+ gives a quantity",
        ),
        ([("A", 1e308)], [("A", 2**62)], OverflowError, "symbol 'A': a target value of inf"),
    ],
)
def test_wrong_targets_and_prices_are_refused_and_change_nothing(targets, prices, error, message):
    portfolio = portfolio_of()
    portfolio.rebalance_simple([("B", 0.5)], [("B", 50)])
    before = state(portfolio)
    with pytest.raises(error, match=message):
        portfolio.rebalance_simple(targets, prices)
    assert state(portfolio) == before


def test_a_cost_model_that_fails_changes_nothing():
    portfolio = Portfolio(1000, Greedy())
    before = state(portfolio)
    with pytest.raises(ValidationError, match="negative cost"):
        portfolio.rebalance_simple([("A", 0.5)], [("A", 100)])
    assert state(portfolio) == before
    with pytest.raises(ValidationError, match=r"symbol 'A': weight 0\.5 for a symbol"):
        portfolio.rebalance_simple([("A", 0.5)], [])


@pytest.mark.parametrize("ask", ["total_equity", "current_weights", "snapshot", "record_return"])
def test_wrong_prices_are_refused_wherever_they_are_given(ask):
    portfolio = portfolio_of()
    before = state(portfolio)
    with pytest.raises(ValidationError, match="symbol 'A': price -1 is below 1"):
        getattr(portfolio, ask)([("A", -1)])
    assert state(portfolio) == before


@pytest.mark.parametrize(
    ("cash", "error"),
    [(1.0, TypeError), (True, TypeError), ("1", TypeError), (2**63, OverflowError)],
)
def test_cash_is_a_64_bit_integer(cash, error):
    with pytest.raises(error, match="initial_cash"):
        Portfolio(cash, CostModel())
    assert portfolio_of(np.int64(7)).cash == 7


def test_the_flip_that_trades_more_than_64_bits_is_refused():
    portfolio = portfolio_of(2**62)
    portfolio.rebalance_simple([("A", 1.9)], [("A", 1)])
    with pytest.raises(OverflowError, match="symbol 'A': a target value of -"):
        portfolio.rebalance_simple([("A", -1.9)], [("A", 1)])


def test_symbols_become_plain_strings_whatever_class_they_had():
    class Ticker(str):
        __slots__ = ()

        def encode(self, *_, **__):
            return b""

        def __repr__(self):
            return "shown as something else"

    portfolio = portfolio_of()
    portfolio.rebalance_simple([(Ticker("A"), 1.0)], [(Ticker("A"), 10)])
    assert [type(symbol) for symbol in portfolio.positions()] == [str]
    assert portfolio.position(Ticker("A")).symbol == "A"
    with pytest.raises(ValidationError, match="Symbol 'TOOLONGNAME' exceeds 8 bytes"):
        portfolio.rebalance_simple([(Ticker("TOOLONGNAME"), 1.0)], [])


def test_a_weight_beyond_a_float_is_refused_by_its_symbol():
    with pytest.raises(OverflowError, match="symbol 'A': a weight is beyond what a float can hold"):
        portfolio_of().rebalance_simple([("A", 10**400)], [("A", 1)])
    with pytest.raises(TypeError, match=r"a pair is .* got \(tuple, too odd to print\)"):
        portfolio_of().rebalance_simple([("A", 1, 10**5000)], [("A", 1)])
