import numpy as np
import pytest

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, EqualWeight, Portfolio, run_backtest

BARS = [{"B": 100, "A": 50}, {"B": 110, "A": 50}, {"B": 99, "A": 60}]


def run(strategy, bars=BARS, cash=100_000, **options):
    return run_backtest(strategy, bars, cash, CostModel(10), **options)


def test_the_seeds_example_runs():
    result = nanobook.run_backtest(
        strategy=lambda bar, prices, portfolio: [("AAPL", 0.5), ("GOOG", 0.5)],  # noqa: ARG005 - the seed's words
        price_series=[{"AAPL": 150_00, "GOOG": 280_00}] * 252,
        initial_cash=1_000_000_00,
        cost_model=nanobook.CostModel.zero(),
    )
    assert result.metrics.num_periods == 252
    assert result.portfolio.equity_curve() == [1_000_000_00] * 253


def test_the_originals_equal_weight_example_gives_its_numbers():
    bars = [{"A": 10000}, {"A": 11000}, {"A": 10500}]
    metrics = run_backtest(EqualWeight(), bars, 100_000_000, CostModel.zero(), 12.0).metrics
    assert metrics.sharpe == 0.8464147390303178
    assert metrics.total_return == pytest.approx(0.05, rel=1e-14)


def test_a_strategy_sees_prices_in_their_order_and_the_portfolio_before_its_trades():
    seen = []

    def strategy(bar, prices, portfolio):
        seen.append((bar, list(prices.items()), portfolio.cash, len(portfolio.returns())))
        return {"A": 0.5}

    result = run(strategy)
    assert seen[0] == (0, [("B", 100), ("A", 50)], 100_000, 0)
    assert seen[1] == (1, [("B", 110), ("A", 50)], 49_950, 1)
    assert [bar for bar, *_ in seen] == [0, 1, 2]
    assert result.weights == ({"A": 0.5},) * 3


def test_what_a_strategy_does_to_its_copies_changes_nothing():
    def meddler(_, prices, portfolio):
        portfolio.rebalance_simple([("B", 0.9)], prices)
        portfolio.record_return(prices)
        prices.clear()
        return [("A", 0.5)]

    assert (
        run(meddler).portfolio.equity_curve()
        == run(lambda *_: [("A", 0.5)]).portfolio.equity_curve()
    )


def test_none_holds_and_an_empty_answer_sells():
    answers = iter([[("A", 1.0)], None, []])
    result = run(lambda *_: next(answers))
    position = result.portfolio.position("A")
    assert position.quantity == 0
    assert result.portfolio.equity_curve()[2] == result.portfolio.equity_curve()[1]
    assert result.weights == ({"A": 1.0}, None, {})


def test_what_a_strategy_raises_comes_through_with_its_period():
    def strategy(bar, *_):
        if bar == 1:
            raise KeyError("signal")
        return []

    with pytest.raises(KeyError, match="signal") as caught:
        run(strategy)
    assert caught.value.__notes__ == ["in period 1 of run_backtest"]


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (5, TypeError, r"period 0: a strategy answers .*; got 5 \(int\)"),
        (np.ones((1, 2)), TypeError, r"got array\(.*\(ndarray\)"),
        ("AB", TypeError, r"period 0: a strategy answers .*; got 'AB' \(str\)"),
        ([("A", "0.5")], TypeError, "a weight is a number"),
        ([("A", float("nan"))], ValidationError, "weight nan is not finite"),
        ([("C", 0.5)], ValidationError, "has had no price yet"),
        ([("TOOLONGNAME", 0.5)], ValidationError, "exceeds 8 bytes"),
        ([("A", 0.1), ("A", 0.2)], ValidationError, "is there twice"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_period(answer, error, message):
    with pytest.raises(error, match=message) as caught:
        run(lambda *_: answer)
    assert caught.value.__notes__ == ["in period 0 of run_backtest"]


@pytest.mark.parametrize(
    ("bars", "error", "message"),
    [
        ({"A": 1}, TypeError, "price_series is a list"),
        ([{"A": 1.5}], TypeError, "symbol 'A': a price is an int"),
        ([{"A": 0}], ValidationError, "price 0 is below 1"),
        ([5], TypeError, "prices are a list or tuple"),
    ],
)
def test_wrong_prices_are_refused(bars, error, message):
    with pytest.raises(error, match=message):
        run(EqualWeight(), bars)


def test_what_is_no_strategy_is_refused():
    with pytest.raises(TypeError, match="a strategy is a function"):
        run("momentum")


def test_no_periods_have_no_metrics():
    result = run(EqualWeight(), [])
    assert result.metrics is None
    assert result.portfolio.equity_curve() == [100_000]


def test_equal_weight_holds_the_same_of_each_symbol_that_has_a_price():
    portfolio = Portfolio(100, CostModel.zero())
    answer = EqualWeight().compute_weights(0, {"B": 1, "A": 2, "C": 3, "D": 4}, portfolio)
    assert answer == [("B", 0.25), ("A", 0.25), ("C", 0.25), ("D", 0.25)]
    assert EqualWeight().compute_weights(0, {}, portfolio) == []
    assert EqualWeight() == EqualWeight()


def test_mappings_and_pairs_of_any_kind_give_the_same_run():
    answers = [{"A": 0.5, "B": -0.25}, [("A", 0.5), ("B", -0.25)], (["A", 0.5], ["B", -0.25])]
    pairs = [list(bar.items()) for bar in BARS]
    curves = [
        run(lambda *_, answer=answer: answer, bars).portfolio.equity_curve()
        for answer in answers
        for bars in (BARS, pairs, tuple(map(tuple, pairs)))
    ]
    assert curves == [curves[0]] * 9
    assert curves[0][0] == 100_000


def test_an_answer_that_is_changed_afterwards_changes_nothing():
    kept = {"A": 0.5}

    def strategy(bar, *_):
        kept["A"] = 0.25 * bar
        return kept

    assert run(strategy).weights == ({"A": 0.0}, {"A": 0.25}, {"A": 0.5})


def test_portfolios_that_a_strategy_keeps_stay_as_they_were():
    kept = []

    def strategy(bar, _, portfolio):
        kept.append(portfolio)
        if bar == 1:
            portfolio.record_return({"A": 1, "B": 1})
        return [("A", 0.5)]

    result = run(strategy)
    curve = result.portfolio.equity_curve()
    assert [len(portfolio.returns()) for portfolio in kept] == [0, 2, 2]
    assert kept[0].equity_curve() == curve[:1]
    assert kept[1].equity_curve()[:2] == curve[:2]
    assert kept[2].equity_curve() == curve[:3]


def test_wrong_options_are_refused_before_the_strategy_is_asked():
    def strategy(*_):
        raise AssertionError

    with pytest.raises(ValidationError, match="periods_per_year"):
        run(strategy, periods_per_year=0.0)


def test_a_result_is_shown_without_its_weights():
    result = run(lambda *_: [("A", 0.5)])
    assert (
        repr(result)
        == f"StrategyResult(portfolio={result.portfolio!r}, metrics={result.metrics!r})"
    )
