"""What is held against what should be held."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nanobook_rebalancer.reconcile import Reconciliation

EQUITY = Decimal(100_000)
HELD = {"AAPL": Decimal(100), "MSFT": Decimal(-20), "OLD": Decimal(5)}
WEIGHTS = {"AAPL": Decimal("0.2"), "MSFT": Decimal("-0.1"), "NEW": Decimal("0.05")}
VALUES = {
    "AAPL": Decimal(190),
    "MSFT": Decimal(420),
    "NEW": Decimal("33.3"),
}


def test_it_is_written_as_in_the_original():
    assert str(Reconciliation.of(EQUITY, HELD, WEIGHTS, VALUES)) == (
        "RECONCILIATION:\n"
        "  Symbol    Target%  Actual%    Diff%    TargetQty    ActualQty\n"
        "  AAPL        20.00    19.00    -1.00          105          100\n"
        "  MSFT       -10.00    -8.40    +1.60          -23          -20\n"
        "  NEW          5.00     0.00    -5.00          150            0\n"
        "  OLD          0.00     0.00    +0.00            0            5\n"
        "Tracking error: 2.672%"
    )


def test_numbers_are_exact_strings():
    found = Reconciliation.of(EQUITY, {"AAPL": Decimal(100)}, {"AAPL": Decimal("0.2")}, VALUES)
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
    (found,) = Reconciliation.of(Decimal(0), {"AAPL": Decimal(1)}, {}, VALUES).holdings
    assert (found.actual_weight, found.target_quantity, found.actual_quantity) == (0, 0, 1)


_quantities = st.decimals(-1000, 1000, places=2)


@given(st.dictionaries(st.sampled_from("ABCDE"), _quantities, min_size=1))
def test_holding_the_target_is_no_error(held):
    values = dict.fromkeys(held, Decimal(8))
    weights = {symbol: quantity * 8 / EQUITY for symbol, quantity in held.items()}
    found = Reconciliation.of(EQUITY, held, weights, values)
    assert found.tracking_error < Decimal("1e-20")
    assert all(abs(each.missing_quantity) < 1 for each in found.holdings)
