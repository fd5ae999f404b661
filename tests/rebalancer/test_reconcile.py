"""What is held against what should be held."""

from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.broker import PaperBroker
from nanobook_core.contracts import Instrument
from nanobook_rebalancer.reconcile import Price, Reconciliation, reconcile

EQUITY = Decimal(100_000)
HELD = {"AAPL": Decimal(100), "MSFT": Decimal(-20), "OLD": Decimal(5)}
WEIGHTS = {"AAPL": Decimal("0.2"), "MSFT": Decimal("-0.1"), "NEW": Decimal("0.05")}


def price(symbol, mark, **rules):
    return Price(mark=Decimal(mark), instrument=Instrument(symbol=symbol, **rules))


PRICES = {
    "AAPL": price("AAPL", 190),
    "MSFT": price("MSFT", 420),
    "NEW": price("NEW", "33.3"),
    "OLD": price("OLD", "10.5"),
}


def test_it_is_written_as_in_the_original():
    assert str(Reconciliation.of(EQUITY, HELD, WEIGHTS, PRICES)) == (
        "RECONCILIATION:\n"
        "  Symbol    Target%  Actual%    Diff%    TargetQty    ActualQty\n"
        "  AAPL        20.00    19.00    -1.00          105          100\n"
        "  MSFT       -10.00    -8.40    +1.60          -23          -20\n"
        "  NEW          5.00     0.00    -5.00          150            0\n"
        "  OLD          0.00     0.05    +0.05            0            5\n"
        "Tracking error: 2.672%"
    )


def test_without_a_price_nothing_is_said_of_a_weight():
    prices = {"AAPL": PRICES["AAPL"]}
    found = Reconciliation.of(EQUITY, {"OLD": Decimal(5)}, {"AAPL": Decimal("0.2")}, prices)
    assert str(found) == (
        "RECONCILIATION:\n"
        "  Symbol    Target%  Actual%    Diff%    TargetQty    ActualQty\n"
        "  AAPL        20.00     0.00   -20.00          105            0\n"
        "  OLD          0.00 no price        -            -            5\n"
        "Tracking error: unknown"
    )
    assert found.unpriced == ("OLD",)
    document = found.to_dict()
    assert (document["tracking_error"], document["holdings"][1]) == (
        None,
        {
            "symbol": "OLD",
            "target_weight": "0",
            "actual_weight": None,
            "difference": None,
            "target_quantity": None,
            "actual_quantity": "5",
            "missing_quantity": None,
        },
    )


def test_quantities_are_whole_lots():
    rules = {"lot": Decimal("0.001"), "multiplier": Decimal(2)}
    (found,) = Reconciliation.of(
        EQUITY, {"A": Decimal("0.333")}, {"A": Decimal("0.4")}, {"A": price("A", 60_000, **rules)}
    ).holdings
    assert (found.target_quantity, found.missing_quantity) == (Decimal("0.333"), 0)
    assert found.actual_weight == Decimal("0.3996")


def test_a_position_of_nothing_is_not_listed():
    assert Reconciliation.of(EQUITY, {"OLD": Decimal(0)}, {}, {}).holdings == ()


@pytest.mark.parametrize(
    ("rates", "weights"),
    [
        ({"EUR": Decimal("1.1")}, [Decimal("0.19"), Decimal("0.011"), None, Decimal("0.0001")]),
        ({}, [Decimal("0.19"), None, None, Decimal("0.0001")]),
    ],
)
def test_what_trades_in_another_currency_is_worth_what_the_account_s_rate_says(rates, weights):
    class Venue(PaperBroker):
        def account(self):
            return evolve(super().account(), rates=rates)

    euro = Instrument(symbol="EURO", currency="EUR")
    quotes = {"EURO": (99, 101), "AAPL": (189, 191), "LAST": {"last": 5}}
    held = {"EURO": Decimal(10), "AAPL": Decimal(100), "LAST": Decimal(2), "GONE": Decimal(3)}
    with Venue(cash=EQUITY, instruments=[euro], quotes=quotes) as broker:
        found = reconcile(broker, held, {})
    assert [each.symbol for each in found.holdings] == ["AAPL", "EURO", "GONE", "LAST"]
    assert [each.actual_weight for each in found.holdings] == weights


def test_numbers_are_exact_strings():
    found = Reconciliation.of(EQUITY, {"AAPL": Decimal(100)}, {"AAPL": Decimal("0.2")}, PRICES)
    assert found.to_dict() == {
        "holdings": [
            {
                "symbol": "AAPL",
                "target_weight": "0.2",
                "actual_weight": "0.19",
                "difference": "-0.01",
                "target_quantity": "105",
                "actual_quantity": "100",
                "missing_quantity": "5",
            }
        ],
        "tracking_error": "0.01",
    }


def test_nothing_held_and_nothing_wanted_is_no_error():
    found = Reconciliation.of(EQUITY, {}, {}, {})
    assert (found.holdings, found.tracking_error) == ((), 0)


def test_without_equity_everything_counts_as_nothing():
    (found,) = Reconciliation.of(Decimal(0), {"AAPL": Decimal(1)}, {}, PRICES).holdings
    assert (found.actual_weight, found.target_quantity, found.actual_quantity) == (0, 0, 1)


_quantities = st.decimals(-1000, 1000, places=2)


@given(st.dictionaries(st.sampled_from("ABCDE"), _quantities, min_size=1))
def test_holding_the_target_is_no_error(held):
    prices = {symbol: price(symbol, 8) for symbol in held}
    weights = {symbol: quantity * 8 / EQUITY for symbol, quantity in held.items()}
    found = Reconciliation.of(EQUITY, held, weights, prices)
    assert found.tracking_error < Decimal("1e-20")
    assert all(abs(each.missing_quantity) < 1 for each in found.holdings)
