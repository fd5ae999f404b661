"""Rebalancing by market orders in order books."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, Portfolio

SYMBOLS = ("D", "B", "A")
DEEP = 2**62


def book(bids=(), asks=()):
    exchange = nanobook.Exchange()
    for price, quantity in bids:
        exchange.submit_limit("buy", price, quantity)
    for price, quantity in asks:
        exchange.submit_limit("sell", price, quantity)
    return exchange


def books(symbols=SYMBOLS):
    """Three levels of 40 lots on each side, one unit apart, around 100."""
    made = nanobook.MultiExchange()
    for symbol in symbols:
        for away in range(1, 4):
            made.submit_limit(symbol, "buy", 100 - away, 40)
            made.submit_limit(symbol, "sell", 100 + away, 40)
    return made


def holding(quantities, cash=10_000, cost_model=None):
    """A portfolio that bought these lots at 100 and has that cash left."""
    whole = cash + 100 * sum(quantities.values())
    portfolio = Portfolio(whole, cost_model or CostModel())
    # Half a lot more, or rounding may take one away.
    targets = {s: (q + (0.5 if q > 0 else -0.5)) * 100 / whole for s, q in quantities.items()}
    portfolio.rebalance_simple(targets, dict.fromkeys(quantities, 100))
    assert held(portfolio) == quantities
    return portfolio


def held(portfolio):
    return {s: p.quantity for s, p in portfolio.positions().items() if p.quantity}


def state(portfolio):
    return (
        portfolio.cash,
        portfolio.positions(),
        portfolio.ruined_at,
        portfolio.equity_curve(),
        portfolio.total_equity([]),  # at last prices
    )


def tapes(exchanges):
    return {s: [(t.price, t.quantity) for t in exchanges[s].trades()] for s in exchanges}


def test_every_print_is_booked_at_its_own_price_with_a_cost_of_its_own():
    portfolio, exchanges = Portfolio(10_000, CostModel(0, 0, 1)), books()
    portfolio.rebalance_lob([("D", 0.5)], exchanges)
    # 50 lots at the middle of 100: 40 at 101, 10 at 102, one unit of cost for each.
    assert tapes(exchanges) == {"D": [(101, 40), (102, 10)], "B": [], "A": []}
    assert portfolio.cash == 10_000 - 40 * 101 - 10 * 102 - 2
    position = portfolio.position("D")
    assert (position.quantity, position.total_cost, position.avg_entry_price) == (50, 5060, 101)
    assert exchanges["D"].best_bid_ask() == (99, 102)


def test_a_short_is_sold_into_the_bids_and_bought_back_from_the_asks():
    portfolio, exchanges = Portfolio(10_000, CostModel()), books()
    portfolio.rebalance_lob([("D", -0.5)], exchanges)
    assert held(portfolio) == {"D": -50}
    assert portfolio.cash == 10_000 + 40 * 99 + 10 * 98
    portfolio.rebalance_lob([], exchanges)
    assert held(portfolio) == {}
    assert portfolio.cash == 10_000 + 40 * 99 + 10 * 98 - 40 * 101 - 10 * 102


@pytest.mark.parametrize(
    ("bids", "asks", "price"),
    [
        ([(99, 1)], [(101, 900)], 100),
        ([(99, 1)], [(102, 900)], 100),  # 100.5, towards the bid
        ([(99, 1)], [(100, 900)], 99),
        ([], [(70, 900)], 70),
        ([(-9, 1)], [(12, 900)], 1),  # 1.5
    ],
)
def test_a_price_is_the_middle_towards_the_bid_or_the_one_side_there_is(bids, asks, price):
    portfolio = Portfolio(10_000, CostModel())
    portfolio.rebalance_lob({"A": 0.05}, {"A": book(bids, asks)})
    assert held(portfolio) == {"A": 500 // price}


def test_a_price_may_be_that_of_a_single_bid():
    exchange = book(bids=[(70, 5), (60, 5)])
    portfolio = Portfolio(10_000, CostModel())
    portfolio.rebalance_lob({"A": 0.5}, {"A": exchange})  # nobody sells
    assert held(portfolio) == {}
    portfolio.rebalance_lob({"A": -0.05}, {"A": exchange})
    assert (held(portfolio), portfolio.cash) == ({"A": -7}, 10_000 + 5 * 70 + 2 * 60)


def test_what_a_book_cannot_fill_is_dropped_and_nothing_rests():
    portfolio, exchanges = Portfolio(100_000, CostModel()), books()
    portfolio.rebalance_lob({"D": 1.0}, exchanges)
    assert held(portfolio) == {"D": 120}
    assert exchanges["D"].best_bid_ask() == (99, None)
    assert portfolio.cash == 100_000 - 40 * (101 + 102 + 103)


def test_equity_is_fixed_at_the_middles_before_any_trade():
    portfolio, exchanges = holding({"B": 40}, cash=6_000), books()
    # Closing B gives 3960, not the 4000 that it is valued at; A is still half of 10,000.
    portfolio.rebalance_lob({"A": 0.5}, exchanges)
    assert held(portfolio) == {"A": 50}
    assert portfolio.cash == 6_000 + 40 * 99 - 40 * 101 - 10 * 102


class Notes:
    """A cost model that keeps what it was asked."""

    def __init__(self):
        self.seen = []

    def costs(self, quantity, price):
        self.seen += zip(quantity.tolist(), price.tolist(), strict=True)
        return np.zeros(len(quantity), np.int64)


def test_positions_without_a_target_are_closed_first_and_then_targets_are_traded_in_their_order():
    notes = Notes()
    portfolio = holding({"B": 3, "D": 5, "A": 2}, cost_model=notes)
    notes.seen.clear()
    portfolio.rebalance_lob([("C", 0.07), ("D", 0.1)], books(("A", "B", "C", "D")))
    # Equity is 11,000: C 770, D 1100 of which 500 are there.
    assert notes.seen == [(-3, 99), (-2, 99), (7, 101), (6, 101)]
    assert held(portfolio) == {"D": 11, "C": 7}


def test_the_least_that_is_traded_is_one_lot():
    portfolio, exchanges = holding({"D": 10}, cash=9_000), books()
    portfolio.rebalance_lob({"D": 0.1099}, exchanges)
    assert tapes(exchanges)["D"] == []
    portfolio.rebalance_lob({"D": 0.11}, exchanges)
    assert tapes(exchanges)["D"] == [(101, 1)]


def test_a_position_whose_book_is_empty_is_sent_to_it_and_kept():
    portfolio, exchanges = holding({"D": 10}), {"D": book()}
    portfolio.rebalance_lob([], exchanges)
    assert held(portfolio) == {"D": 10}
    assert str(exchanges["D"].events()) == "[SubmitMarket { side: Sell, quantity: 10 }]"


def test_what_no_book_has_is_valued_at_its_last_price_and_kept():
    portfolio = holding({"X": 50}, cash=5_000)
    portfolio.rebalance_lob({"D": 0.5}, books())
    assert held(portfolio) == {"X": 50, "D": 50}
    # A target is not traded either, and asks for nothing that is not there.
    portfolio.rebalance_lob({"X": 0.1, "D": 0.5}, {})
    assert held(portfolio) == {"X": 50, "D": 50}


def test_the_prices_of_books_are_last_prices_from_then_on():
    portfolio = Portfolio(10_000, CostModel())
    portfolio.rebalance_lob({"D": 0.5}, books())
    assert portfolio.total_equity([]) == portfolio.cash + 50 * 100
    portfolio.record_return([])
    assert portfolio.equity_curve() == [10_000, 10_000 - 40 - 20]


def test_equity_of_0_trades_nothing_then_and_ever_after():
    portfolio, exchanges = holding({"D": -100}, cash=20_000), books()
    portfolio.rebalance_simple({"D": -1}, {"D": 200})
    assert portfolio.ruined_at == 0
    before = held(portfolio)
    portfolio.rebalance_lob({"B": 0.5}, exchanges)
    assert held(portfolio) == before
    assert tapes(exchanges) == {"D": [], "B": [], "A": []}


def test_equity_of_0_at_the_prices_of_books_is_ruin():
    portfolio = Portfolio(0, CostModel())
    portfolio.rebalance_lob({"D": 1.0}, books())
    assert (portfolio.ruined_at, held(portfolio)) == (0, {})


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        ({"D": 0.5, "Y": 0.5}, ValidationError, r"symbol 'Y': weight 0\.5 for a symbol that has"),
        ([("B", 0.5), ("B", 0.1)], ValidationError, "'B' is there twice"),
        ({"B": float("nan")}, ValidationError, "symbol 'B': weight nan is not finite"),
        ({"B": "1"}, TypeError, "symbol 'B': a weight is a number"),
        ({"B": 0.1, "D": 1e300}, OverflowError, "symbol 'D': a target value"),
        ({"B": 0.1, "NINE_BYTE": 1.0}, ValidationError, "NINE_BYTE"),
        (5, TypeError, "weights are a list"),
    ],
)
def test_what_is_refused_changes_neither_portfolio_nor_books(targets, error, message):
    portfolio, exchanges = holding({"A": 7}), books()
    before = state(portfolio)
    with pytest.raises(error, match=message):
        portfolio.rebalance_lob(targets, exchanges)
    assert state(portfolio) == before
    assert tapes(exchanges) == {"D": [], "B": [], "A": []}
    assert exchanges["A"].best_bid_ask() == (99, 101)


@pytest.mark.parametrize("value", [5, None, "ABC", [("A", 1)], (book(),)])
def test_what_has_no_books_by_symbol_is_refused(value):
    with pytest.raises(TypeError, match="exchanges is a MultiExchange, or a mapping from symbol"):
        Portfolio(10_000, CostModel()).rebalance_lob({"A": 0.5}, value)


@pytest.mark.parametrize(
    ("bids", "asks", "targets", "price"),
    [
        ([(0, 5)], [], [], 0),
        ([(-5, 5)], [(4, 5)], [], -1),
        ([(1, 4), (0, 5)], [], [], 0),
        ([(2, 4), (1, 2), (-3, 1)], [], {"A": -0.001}, -3),
    ],
)
def test_a_book_that_would_trade_below_1_is_refused_before_anything_is_sent(
    bids, asks, targets, price
):
    portfolio = holding({"D": 3, "A": 7})
    exchanges = {"D": book([(90, 9)]), "A": book(bids, asks)}
    before = state(portfolio)
    with pytest.raises(ValidationError, match=f"symbol 'A': its book would trade at {price};"):
        portfolio.rebalance_lob(targets, exchanges)
    assert state(portfolio) == before
    assert tapes(exchanges) == {"D": [], "A": []}


def test_bids_below_1_that_are_not_reached_do_not_matter():
    portfolio, exchange = holding({"A": 7}), book([(1, 7), (0, 5)])
    portfolio.rebalance_lob([], {"A": exchange})
    assert (held(portfolio), portfolio.cash) == ({}, 10_007)


class Fails:
    def costs(self, quantity, price):
        if (price == 102).any():
            raise ArithmeticError("no fee for 102")
        return np.zeros(len(quantity), np.int64)


def test_a_cost_model_that_fails_leaves_the_portfolio_as_it_was():
    portfolio = holding({"A": 7}, cost_model=Fails())
    before = state(portfolio)
    with pytest.raises(ArithmeticError, match="no fee for 102"):
        portfolio.rebalance_lob({"D": 0.5}, books())
    assert state(portfolio) == before


weights = st.floats(-1.5, 1.5) | st.sampled_from([0.0, 0.5, 1.0])
rows = st.lists(st.dictionaries(st.sampled_from(SYMBOLS), weights), min_size=1, max_size=5)


@given(rows=rows, fee=st.integers(0, 3))
@example(rows=[{"D": 1.0}, {"B": -1.5}, {}], fee=2)
def test_cash_and_positions_are_what_the_books_traded(rows, fee):
    portfolio, exchanges = Portfolio(10_000, CostModel(0, 0, fee)), books()
    for targets in rows:
        portfolio.rebalance_lob(targets, exchanges)
    lots, cash = dict.fromkeys(SYMBOLS, 0), 10_000
    for symbol in SYMBOLS:
        for trade in exchanges[symbol].trades():
            sign = 1 if trade.aggressor_side == "buy" else -1
            lots[symbol] += sign * trade.quantity
            cash -= sign * trade.quantity * trade.price + fee
    assert portfolio.cash == cash
    assert held(portfolio) == {symbol: lot for symbol, lot in lots.items() if lot}


@given(
    rows=rows,
    prices=st.lists(st.tuples(*[st.integers(1, 10**6)] * 3), min_size=5, max_size=5),
    bps=st.integers(0, 50),
)
@example(rows=[{"D": 1.0}, {"B": -1.5}, {}], prices=[(7, 99, 3)] * 5, bps=15)
def test_in_deep_books_of_one_price_it_is_rebalance_simple(rows, prices, bps):
    simple = Portfolio(10**9, CostModel(bps, 0, 3))
    matched = Portfolio(10**9, CostModel(bps, 0, 3))
    for targets, now in zip(rows, prices, strict=False):
        quotes = dict(zip(SYMBOLS, now, strict=True))
        before = held(simple)
        simple.rebalance_simple(targets, quotes)
        after, exchanges = held(simple), nanobook.MultiExchange()
        for symbol, price in quotes.items():
            side = "sell" if after.get(symbol, 0) > before.get(symbol, 0) else "buy"
            exchanges.submit_limit(symbol, side, price, DEEP)
        matched.rebalance_lob(targets, exchanges)
        for portfolio in (simple, matched):
            portfolio.record_return(quotes)
        assert state(matched) == state(simple)
        assert held(matched) == held(simple)
