"""The fill models that nanobook-fills offers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.plugin import default_registry
from nanobook_core.testing import FillModelSuite, PluginSuite
from nanobook_core.testing.fill import SYMBOLS, request
from nanobook_fills.order_book import OrderBook
from nanobook_fills.participation import Participation
from nanobook_fills.simple import Simple


class TestPlugin(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "nanobook-fills"


class TestSimple(FillModelSuite):
    def make(self):
        return default_registry().create("fill_model", "simple")


class TestParticipation(FillModelSuite):
    def make(self):
        volume = {"D": 1000, "B": [50, 0, 7], "A": 3}
        return default_registry().create(
            "fill_model", "participation", volume=volume, max_fraction=0.5
        )


def books(_period):
    made = nanobook.MultiExchange()
    for symbol in SYMBOLS[:3]:
        for away in range(1, 4):
            made.submit_limit(symbol, "buy", 100 - away, 40)
            made.submit_limit(symbol, "sell", 100 + away, 40)
    return made


class TestOrderBookOfEachPeriod(FillModelSuite):
    def make(self):
        return default_registry().create("fill_model", "order_book", books=books)


class TestOrderBookThroughout(FillModelSuite):
    def make(self):
        return OrderBook(books(0))


def filled(model, orders, period=0):
    fills = model.fill(request(period, orders))
    return list(
        zip(fills.order.tolist(), fills.quantity.tolist(), fills.price.tolist(), strict=True)
    )


def test_participation_fills_a_part_of_the_volume():
    model = Participation(volume={"D": [105, 9], "B": 10}, max_fraction=0.1)
    asked = {0: (50, 1, 100), 1: (5, -1, 90), 2: (1, 1, 80)}
    assert filled(model, asked) == [(0, 10, 100), (1, -1, 90)]
    assert filled(model, asked, period=1) == [(1, -1, 90)]
    assert filled(model, asked, period=2) == [(1, -1, 90)]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"volume": 5}, TypeError, "volume is a mapping"),
        ({"volume": {"A": 1.5}}, TypeError, "volume of 'A' is whole lots"),
        ({"volume": {"A": [1, -2]}}, ValidationError, "'A' is negative in period 1"),
        ({"volume": {}, "max_fraction": 0}, ValidationError, "max_fraction must be above 0"),
        ({"volume": {}, "max_fraction": "all"}, TypeError, "max_fraction is a number"),
    ],
)
def test_wrong_settings_of_participation_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        Participation(**settings)


def test_a_book_fills_at_its_own_prices_and_is_used_up():
    model = OrderBook(books(0))
    assert filled(model, {0: (60, 1, 100), 1: (10, -1, 100)}) == [
        (0, 40, 101),
        (0, 20, 102),
        (1, -10, 99),
    ]
    assert filled(model, {0: (100, 1, 100)}, period=1) == [(0, 20, 102), (0, 40, 103)]
    with pytest.raises(TypeError, match="books is a function"):
        OrderBook(5)


def simulate(fills, **options):
    prices = np.full((4, 3), 100)
    weights = np.array([[0.5, 0.25, 0.25], [np.nan] * 3, [0.0, 0.5, 0.5], [0.0] * 3])
    return nanobook.simulate(
        weights,
        prices,
        symbols=SYMBOLS[:3],
        cash=10_000,
        costs=nanobook.Bps(10),
        fills=fills,
        **options,
    )


def test_a_simulation_that_fills_simply_is_one_without_a_model():
    plain, filled_simply = simulate(nanobook.SameBar()), simulate(nanobook.SameBar(Simple()))
    assert filled_simply == plain
    assert filled_simply.trades.tolist() == plain.trades.tolist()
    assert filled_simply.skipped.tolist() == plain.skipped.tolist()


def test_what_the_volume_does_not_allow_is_recorded():
    result = simulate(nanobook.SameBar(Participation(volume={"D": 200, "B": 9}, max_fraction=0.1)))
    assert result.quantities[0].tolist() == [20, 0, 0]
    assert ("unfilled" in result.skipped["reason"].tolist()) is True
    first = result.skipped[result.skipped["period"] == 0]
    assert dict(zip(first["symbol"].tolist(), first["quantity"].tolist(), strict=False))["D"] == 29


def test_fills_in_books_cost_what_the_books_ask():
    result = simulate(nanobook.SameBar(OrderBook(books)))
    first = result.trades[result.trades["period"] == 0]
    assert first["price"].tolist() == [101, 102, 101, 101]
    paid = int((first["quantity"] * first["price"] + first["cost"]).sum())
    assert result.cash[0] == 10_000 - paid


def test_rebalancing_in_books_books_every_print():
    portfolio = nanobook.Portfolio(10_000, nanobook.CostModel(0, 0, 1))
    exchanges = books(0)
    portfolio.rebalance_lob([("D", 0.5)], exchanges)
    # 50 lots at the middle of 100: 40 at 101, 10 at 102, one unit of cost for each.
    assert portfolio.cash == 10_000 - 40 * 101 - 10 * 102 - 2
    assert exchanges["D"].best_bid_ask() == (99, 102)
    portfolio.rebalance_lob({"B": 0.1}, exchanges)
    assert portfolio.position("D").quantity == 0
    assert portfolio.position("B").quantity == 9
    assert exchanges["D"].best_bid_ask() == (98, 102)


def test_what_no_book_has_is_valued_at_its_last_price_and_kept():
    portfolio = nanobook.Portfolio(10_000, nanobook.CostModel())
    portfolio.rebalance_simple({"X": 0.5}, {"X": 50})
    portfolio.rebalance_lob({"D": 0.5}, books(0))
    assert portfolio.position("X").quantity == 100
    assert portfolio.position("D").quantity == 50
    with pytest.raises(ValidationError, match=r"symbol 'Y': weight 0\.5 for a symbol"):
        portfolio.rebalance_lob({"Y": 0.5}, books(0))


@given(st.lists(st.dictionaries(st.sampled_from(SYMBOLS[:3]), st.floats(-1, 1)), max_size=4))
def test_cash_and_positions_are_what_the_books_traded(rows):
    portfolio, exchanges = nanobook.Portfolio(10_000, nanobook.CostModel()), books(0)
    for targets in rows:
        portfolio.rebalance_lob(targets, exchanges)
    held, cash = dict.fromkeys(SYMBOLS[:3], 0), 10_000
    for symbol in held:
        for trade in exchanges[symbol].trades():
            sign = 1 if str(trade.aggressor_side) == "buy" else -1
            held[symbol] += sign * trade.quantity
            cash -= sign * trade.quantity * trade.price
    assert portfolio.cash == cash
    positions = portfolio.positions()
    assert {s: positions[s].quantity if s in positions else 0 for s in held} == held
