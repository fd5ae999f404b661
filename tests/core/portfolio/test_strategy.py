import os
import pty
import subprocess
import sys

import pytest

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, EqualWeight, run_backtest
from nanobook_core.portfolio.history import History

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
        (5, TypeError, "a strategy answers"),
        ("AB", TypeError, "a strategy answers"),
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


def test_copies_of_a_history_share_it_until_they_differ():
    first = History([1, 2])
    second, third = first.copy(), first.copy()
    second.append(3)
    first.append(4)
    third.append(5)
    assert (first.to_list(), second.to_list(), third.to_list()) == ([1, 2, 4], [1, 2, 3], [1, 2, 5])
    assert (first.last, len(second)) == (4, 3)


SLOW = """
import time, nanobook
def strategy(bar, prices, portfolio):
    time.sleep(0.4)
    return {"A": 1.0}
nanobook.run_backtest(strategy, [{"A": 100}] * 5, 1000, nanobook.CostModel.zero())
print("done")
"""


def test_long_runs_draw_progress_on_a_terminal_only():
    piped = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, check=True)
    assert (piped.stdout, piped.stderr) == ("done\n", "")
    terminal, end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=end, env=environment
    ) as run_there:
        os.close(end)
        drawn = b""
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            drawn += chunk
        assert run_there.stdout.read() == b"done\n"
    os.close(terminal)
    assert b"simulating" in drawn
