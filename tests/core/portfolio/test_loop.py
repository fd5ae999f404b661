"""Laws and examples of the loop in its plainest form; the naive simulator is in test_dense."""

import math
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.portfolio.markets import NAMES, cash, cost_models, markets, stops

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import BacktestResult, CostModel, Portfolio, Stops
from nanobook_core.portfolio.loop import simulate_tables


class StopEvent(NamedTuple):
    period_index: int
    symbol: str
    trigger_price: int
    exit_price: int
    reason: str


# How fast it is belongs in a benchmark.
untimed = settings(deadline=None)


def simulate(weights, prices, **options):
    """The run, and what a user sees of it."""
    run = simulate_tables(weights, prices, **options)
    seen = BacktestResult(run, metrics=None)
    returns = np.full(prices.shape, np.nan)
    for period, row in enumerate(seen["symbol_returns"]):
        for symbol, value in row:
            returns[period, run.symbols.index(symbol)] = value
    return SimpleNamespace(
        run=run,
        equity=tuple(seen["equity_curve"]),
        returns=tuple(seen["returns"]),
        final_cash=seen["final_cash"],
        quantities=run.quantities,
        weights=seen.weights,
        symbol_returns=returns,
        stop_events=tuple(StopEvent(**event) for event in seen["stop_events"]),
        ruined_at=run.ruined_at,
    )


def run(market, initial_cash=1000, cost_model=None, stops=None, symbols=NAMES):
    weight, price = market
    return simulate(
        weight,
        price,
        symbols=symbols[: price.shape[1]],
        initial_cash=initial_cash,
        cost_model=cost_model or CostModel(),
        stops=stops,
    )


class Recorder:
    """A cost model that notes every trade, and charges 3 for each."""

    def __init__(self):
        self.trades = []

    def costs(self, quantity, price):
        self.trades += zip(quantity.tolist(), price.tolist(), strict=True)
        return np.full(len(quantity), 3)


@untimed
@given(markets(), cash, stops)
def test_cash_and_holdings_account_for_every_trade(market, initial_cash, stops):
    recorder = Recorder()
    simulation = run(market, initial_cash, recorder, stops)
    spent = sum(quantity * price + 3 for quantity, price in recorder.trades)
    assert simulation.final_cash == initial_cash - spent
    assert all(quantity for quantity, _ in recorder.trades)
    bought = sum(quantity for quantity, _ in recorder.trades)
    assert int(simulation.quantities[-1:].sum()) == bought


@untimed
@given(markets(), cash, cost_models, stops)
def test_equity_is_cash_and_holdings_at_their_last_prices(market, initial_cash, model, stops):
    _, price = market
    simulation = run(market, initial_cash, model, stops)
    last = [0] * price.shape[1]
    for period, row in enumerate(price.tolist()):
        last = [now or before for now, before in zip(row, last, strict=True)]
        held = simulation.quantities[period].tolist()
        value = sum(lots * p for lots, p in zip(held, last, strict=True))
        equity = simulation.equity[period + 1]
        assert (
            run(
                (market[0][: period + 1], price[: period + 1]), initial_cash, model, stops
            ).final_cash
            == equity - value
        )
        weights = [
            lots * p / equity if equity else np.nan for lots, p in zip(held, last, strict=True)
        ]
        assert np.array_equal(simulation.weights[period], weights, equal_nan=True)


@untimed
@given(markets(), cash, cost_models, stops, st.data())
def test_truncating_the_future_never_changes_the_past(market, initial_cash, model, stops, data):
    weight, price = market
    kept = data.draw(st.integers(0, len(price)))
    whole = run(market, initial_cash, model, stops)
    part = run((weight[:kept], price[:kept]), initial_cash, model, stops)
    assert part.equity == whole.equity[: kept + 1]
    assert part.returns == whole.returns[:kept]
    for table in ("quantities", "weights", "symbol_returns"):
        assert np.array_equal(getattr(part, table), getattr(whole, table)[:kept], equal_nan=True)
    assert part.stop_events == tuple(e for e in whole.stop_events if e.period_index < kept)
    if whole.ruined_at is not None and whole.ruined_at < kept:
        assert part.ruined_at == whole.ruined_at
    else:
        assert part.ruined_at is None


@untimed
@given(markets(), cash, cost_models, stops, st.randoms())
def test_permuting_symbols_permutes_the_results(market, initial_cash, model, stops, random):
    weight, price = market
    order = list(range(price.shape[1]))
    random.shuffle(order)
    straight = run(market, initial_cash, model, stops)
    turned = run(
        (weight[:, order], price[:, order]),
        initial_cash,
        model,
        stops,
        symbols=tuple(NAMES[column] for column in order),
    )
    assert turned.equity == straight.equity
    assert turned.final_cash == straight.final_cash
    assert turned.ruined_at == straight.ruined_at
    assert turned.quantities.tolist() == straight.quantities[:, order].tolist()
    assert np.array_equal(turned.weights, straight.weights[:, order], equal_nan=True)
    by_column = sorted(
        straight.stop_events,
        key=lambda event: (event.period_index, turned.run.symbols.index(event.symbol)),
    )
    assert list(turned.stop_events) == by_column


@untimed
@given(markets(), cash, cost_models)
def test_a_portfolio_rebalanced_by_hand_agrees_to_the_last_unit(market, initial_cash, model):
    weight, price = market
    simulation = run(market, initial_cash, model)
    portfolio = Portfolio(initial_cash, model)
    for period in range(len(price)):
        now = [(s, p) for s, p in zip(NAMES, price[period].tolist(), strict=False) if p]
        if not np.isnan(weight[period]).any():
            portfolio.rebalance_simple(list(zip(NAMES, weight[period].tolist(), strict=False)), now)
        portfolio.record_return(now)
        held = {
            s: lots
            for s, lots in zip(NAMES, simulation.quantities[period].tolist(), strict=False)
            if lots
        }
        positions = portfolio.positions()
        assert {s: p.quantity for s, p in positions.items() if p.quantity} == held
    assert portfolio.equity_curve() == list(simulation.equity)
    assert portfolio.returns() == list(simulation.returns)
    assert portfolio.cash == simulation.final_cash
    assert portfolio.ruined_at == simulation.ruined_at


@untimed
@given(markets(), cash, cost_models, stops)
def test_nothing_is_traded_in_held_rows_but_by_stops(market, initial_cash, model, stops):
    simulation = run(market, initial_cash, model, stops)
    stopped = {(event.period_index, event.symbol) for event in simulation.stop_events}
    previous = np.zeros(market[1].shape[1], np.int64)
    for period, row in enumerate(simulation.quantities):
        if np.isnan(market[0][period]).any():
            for column in np.flatnonzero(row != previous):
                assert (period, NAMES[column]) in stopped
                assert row[column] == 0
        previous = row


@untimed
@given(markets(), cash, cost_models, stops)
def test_no_list_is_shortened_and_ruin_ends_trading(market, initial_cash, model, stops):
    simulation = run(market, initial_cash, model, stops)
    n_periods = len(market[1])
    assert len(simulation.returns) == len(simulation.equity) - 1 == n_periods
    for before, after, change in zip(
        simulation.equity, simulation.equity[1:], simulation.returns, strict=False
    ):
        assert change == ((after - before) / before if before > 0 else 0.0)
    ruined = simulation.ruined_at
    if ruined is None:
        assert min(simulation.equity) > 0
    else:
        assert (simulation.quantities[ruined:] == simulation.quantities[ruined]).all()
        assert all(event.period_index <= ruined for event in simulation.stop_events)


@untimed
@given(markets())
def test_inputs_are_not_changed(market):
    weight, price = (table.copy() for table in market)
    run(market, stops=Stops(trailing=0.1, atr_multiple=1.0))
    assert np.array_equal(weight, market[0], equal_nan=True)
    assert np.array_equal(price, market[1])


def column(*values):
    return np.array(values).reshape(-1, 1)


def test_ruin_at_a_mark_leaves_the_position_and_marks_it_on():
    # 2 lots on 100 of equity, then a price of 40: equity -20.
    simulation = run((column(2.0, 2.0, 0.0, 0.0), column(100, 40, 90, 60)), 100)
    assert simulation.quantities.ravel().tolist() == [2, 2, 2, 2]
    assert simulation.equity == (100, 100, -20, 80, 20)
    assert simulation.returns == (0.0, -1.2, 0.0, -0.75)
    assert simulation.weights.ravel().tolist() == [2.0, -4.0, 2.25, 6.0]
    assert simulation.ruined_at == 1
    assert simulation.final_cash == -100


def test_costs_alone_can_ruin():
    simulation = run((column(1.0, 0.0), column(1, 1)), 1, CostModel(min_trade_fee=1))
    assert simulation.equity == (1, 0, 0)
    assert simulation.ruined_at == 0
    assert simulation.quantities.ravel().tolist() == [1, 1]
    assert np.isnan(simulation.weights).all()


def test_stops_end_with_ruin():
    simulation = run((column(3.0, 3.0, 3.0), column(100, 10, 5)), 100, stops=Stops(fixed=0.5))
    assert simulation.ruined_at == 1
    assert simulation.stop_events == ()


def test_a_symbol_without_a_price_is_valued_at_its_last_and_not_traded():
    weight = np.array([[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]])
    price = np.array([[100, 50], [0, 60], [70, 60]])
    simulation = run((weight, price))
    # Equity of 1000 buys 5 at 100 and 10 at 50; of 1100 another 8 at 60, on credit; of 950 sells
    # 130 / 60 of those 18, truncated.
    assert simulation.quantities.tolist() == [[5, 10], [5, 18], [0, 16]]
    assert simulation.equity == (1000, 1000, 1100, 950)
    assert simulation.symbol_returns[1:].tolist() == [
        [pytest.approx(math.nan, nan_ok=True), 0.2],
        [pytest.approx(math.nan, nan_ok=True), 0.0],
    ]


def test_a_held_row_trades_nothing_and_an_empty_one_sells_everything():
    simulation = run((column(0.5, np.nan, 0.0), column(100, 200, 300)))
    assert simulation.quantities.ravel().tolist() == [5, 5, 0]
    assert simulation.equity == (1000, 1000, 1500, 2000)


def test_after_a_stop_a_symbol_stays_flat_until_the_next_explicit_row():
    simulation = run(
        (column(1.0, np.nan, np.nan, 1.0), column(100, 80, 90, 90)), stops=Stops(fixed=0.1)
    )
    assert simulation.quantities.ravel().tolist() == [10, 0, 0, 8]
    assert simulation.stop_events == (
        StopEvent(period_index=1, symbol="D", trigger_price=90, exit_price=80, reason="fixed"),
    )


def test_simulations_compare_by_value():
    market = (column(1.0, 1.0), column(100, 80))
    assert run(market).run == run(market).run
    assert run(market).run != run(market, 2000).run


@pytest.mark.parametrize(
    ("weight", "price", "message"),
    [
        (
            [[0.5, math.nan]],
            [[1, 1]],
            "period 0, symbol 'B': weight nan is not finite. Only a row all NaN",
        ),
        ([[0.5, math.inf]], [[1, 1]], "period 0, symbol 'B': weight inf is not finite"),
        (
            [[0.0, 0.0], [0.5, 0.25]],
            [[1, 0], [1, 0]],
            "period 1, symbol 'B': weight 0.25 for a symbol that",
        ),
        ([[0.5, 0.0], [0.5, 0.0]], [[1, 1], [1, -4]], "period 1, symbol 'B': price -4 is negative"),
        ([[0.5, 0.5]], [[1, 1], [1, 1]], r"got \(1, 2\) and \(2, 2\)"),
        ([[0.5]], [[1]], r"got \(1, 1\) and \(1, 1\)"),
        ([0.5, 0.5], [1, 1], r"got \(2,\) and \(2,\)"),
    ],
)
def test_wrong_tables_are_refused(weight, price, message):
    with pytest.raises(ValidationError, match=message):
        simulate(
            np.array(weight),
            np.array(price),
            symbols=("A", "B"),
            initial_cash=1000,
            cost_model=CostModel(),
        )


@pytest.mark.parametrize("weight", [1e300, -1e300, 1e18, -1e18])
def test_a_quantity_beyond_64_bits_is_refused_by_period_and_symbol(weight):
    market = (np.array([[0.5, 0.5], [0.5, weight]]), np.array([[1, 1], [1, 1]]))
    with pytest.raises(
        OverflowError, match=r"period 1, symbol 'B': (weight|quantity) -?[\de.+]+ gives"
    ):
        run(market, symbols=("A", "B"))
    with pytest.raises(OverflowError, match="period 0, symbol 'A': weight 1e\\+308"):
        run((np.array([[1e308]]), np.array([[1]])), symbols=("A",))


@pytest.mark.parametrize(
    ("weights", "prices", "message"),
    [
        (np.array([[1]]), np.array([[1]]), "weights is an array of float64, got one of int64"),
        (np.array([[1.0]]), np.array([[1.0]]), "prices is an array of int64, got one of float64"),
        (np.array([[1.0]]), np.array([[1]], np.uint32), "got one of uint32"),
        (np.array([[1.0]]), np.array([[2**63]], np.uint64), "got one of uint64"),
        ([[1.0]], np.array([[1]]), "weights is an array of float64, got one of list"),
    ],
)
def test_tables_of_another_type_are_refused(weights, prices, message):
    with pytest.raises(TypeError, match=message):
        simulate(weights, prices, symbols=("A",), initial_cash=1, cost_model=CostModel())


def test_symbols_that_repeat_are_refused():
    with pytest.raises(ValidationError, match="symbols must differ"):
        simulate(
            np.zeros((1, 2)),
            np.ones((1, 2), np.int64),
            symbols=("A", "A"),
            initial_cash=1,
            cost_model=CostModel(),
        )
