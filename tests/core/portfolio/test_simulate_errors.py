"""What `simulate` refuses, it names by period and, where the prices have dates, by date."""

import sys
from decimal import Decimal

import numpy as np
import pytest

import nanobook
from nanobook_core.contracts import Fills
from nanobook_core.plugin import PluginPolicy, Registry

DATES = np.array(["2020-01-02", "2020-01-03", "2020-01-06"], "M8[D]")


@pytest.fixture(params=["compiled", "core"], autouse=True)
def kernel(request, monkeypatch):
    """The kernel that is used: the best one, or the core's own."""
    if request.param == "core":
        registry = Registry.discover(PluginPolicy(block=frozenset({"nanobook-native"})))
        module = sys.modules["nanobook_core.portfolio.simulate"]
        monkeypatch.setattr(module, "default_registry", lambda: registry)


class Odd:
    """Fills what it is told to, whatever was asked."""

    def __init__(self, answer):
        self.answer = answer

    def __repr__(self):
        return "Odd()"

    def fill(self, _request):
        return self.answer


def fills(order, quantity, price, dtype=np.int64):
    return Fills(
        **{
            name: np.array(column, dtype)
            for name, column in (("order", order), ("quantity", quantity), ("price", price))
        }
    )


def message(weights, prices, dates=DATES, error=nanobook.ValidationError, **options):
    columns = {} if dates is None else {"date": dates}
    with pytest.raises(error) as caught:
        nanobook.simulate(
            columns | {"A": np.array(weights, float)},
            columns | {"A": np.array(prices)},
            **{"cash": 1000, "costs": nanobook.CostModel.zero()} | options,
        )
    assert type(caught.value) is error
    return str(caught.value)


BEYOND = {
    "weights": [0.5, 0.5, 1e300],
    "prices": [100, 100, 100],
    "error": OverflowError,
    "constraints": nanobook.Constraints(scale_to_cash=False, max_leverage=1e300),
}


@pytest.mark.parametrize("fills", [nanobook.SameBar(), nanobook.NextBar()])
def test_a_quantity_beyond_64_bits_names_its_date(fills):
    found = message(**BEYOND, fills=fills)
    assert found.startswith("period 2 (2020-01-06), symbol 'A': quantity 1000000000000000")
    assert found.endswith(" gives a quantity beyond +-(2^63-1). Use a smaller weight or less cash.")


def test_without_dates_it_is_a_period():
    assert message(**BEYOND, dates=None).startswith("period 2, symbol 'A': quantity 1000000000")


def test_moments_are_named_as_they_are():
    moments = np.array(["2020-01-06T10:00", "2020-01-06T10:05", "2020-01-06T10:10"], "M8[m]")
    found = message(**BEYOND, dates=moments)
    assert found.startswith("period 2 (2020-01-06T10:10:00.000000000), symbol 'A': quantity 1000")


def test_a_weight_without_a_price_names_its_date():
    assert message([0.0, 0.5, 0.5], [0, 0, 100]) == (
        "period 1 (2020-01-03), symbol 'A': weight 0.5 for a symbol that has had no price yet. "
        "Give a price, or weight 0."
    )


def test_a_gap_that_is_refused_names_its_date():
    found = message([0.5, 0.5, 0.5], [100, 0, 100], missing_price="raise")
    assert found == (
        "period 1 (2020-01-03), symbol 'A': held, and without a price. "
        'Give one, or missing_price="carry"'
    )


def test_a_symbol_that_is_delisted_in_the_period_in_which_its_price_ends_is_no_gap():
    result = nanobook.simulate(
        {"date": DATES, "A": np.array([1.0, np.nan, np.nan])},
        {"date": DATES, "A": np.array([10, 0, 0])},
        cash=1000,
        costs=nanobook.Bps(0),
        missing_price="raise",
        carry=nanobook.Carry(delistings={"A": (1, 4)}),
    )
    assert result["equity_curve"] == [1000, 1000, 400, 400]
    found = message(
        [1.0, np.nan, np.nan],
        [10, 0, 0],
        missing_price="raise",
        carry=nanobook.Carry(delistings={"A": (2, 4)}),
    )
    assert found.startswith("period 1 (2020-01-03), symbol 'A': held, and without a price. ")


MOST, SIDE = "no more is filled than was asked", "a fill is not 0, and has the sign of its order"
ORDERS = "which it was not given; orders are from 0 to 0"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (fills([0], [6], [100]), f"filled 6 at 100 of an order of 5; {MOST}"),
        (fills([0, 0], [3, 3], [90, 91]), f"filled 6 at 90 of an order of 5; {MOST}"),
        (fills([0] * 2, [2**62] * 2, [1, 1]), f"filled {2**63} at 1 of an order of 5; {MOST}"),
        (fills([0, 0], [5, -5], [100, 99]), f"filled -5 at 99 of an order of 5; {SIDE}"),
        (fills([0], [0], [100]), f"filled 0 at 100 of an order of 5; {SIDE}"),
        (fills([0], [5], [0]), "filled 5 at 0 of an order of 5; a price is at least 1"),
        (fills([0, 1], [4, 1], [100, 100]), f"filled order 1, {ORDERS}"),
        (fills([-1], [5], [100]), f"filled order -1, {ORDERS}"),
    ],
)
def test_what_a_fill_model_must_not_do_is_named(answer, says):
    found = message([np.nan, 0.5, 0.5], [100] * 3, fills=nanobook.SameBar(Odd(answer)))
    symbol = "" if says.endswith(ORDERS) else ", symbol 'A'"
    assert found == f"period 1 (2020-01-03){symbol}: Odd() {says}"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [(0, 5, 100)],
        Fills(order=[0], quantity=[5], price=[100]),
        fills([0], [5], [100], np.float64),
        fills([0], [5], [100, 101]),
        fills([[0]], [[5]], [[100]]),
        fills(0, 5, 100),
        fills([], [], [], np.float64),
    ],
    ids=repr,
)
def test_what_is_no_fills_is_refused(answer):
    found = message([0.5] * 3, [100] * 3, error=TypeError, fills=nanobook.SameBar(Odd(answer)))
    assert found.startswith("period 0: Odd() gave ")
    assert found.endswith(
        " for 1 orders; a fill model gives Fills(order, quantity, price), int64 arrays with one "
        "number a fill"
    )


def test_a_negative_dividend_names_its_date():
    dividends = {"date": DATES[1:2], "A": np.array([-1])}
    found = message([0.5] * 3, [100] * 3, carry=nanobook.Carry(dividends=dividends))
    assert found == (
        "dividends, period 1 (2020-01-03), symbol 'A': -1 is negative; give what a holder is paid "
        "a share, which is what a short position pays"
    )


def test_a_negative_price_names_its_date():
    assert message([0.5] * 3, [100, 100, -1]) == (
        "period 2 (2020-01-06), symbol 'A': price -1 is negative. Give 0 where there is none."
    )


def test_weights_that_sum_to_20_or_have_a_leverage_are_no_percentages():
    tables = {"A": [20.0]}, {"A": [100]}
    options = {"cash": 1000, "costs": nanobook.CostModel.zero()}
    assert nanobook.simulate(*tables, **options)["final_cash"] == 0
    levered = nanobook.Constraints(max_leverage=0.5)
    percentages = {"A": [50.0]}, {"A": [100]}
    assert nanobook.simulate(*percentages, constraints=levered, **options)["final_cash"] == 500


def test_rows_of_floats_and_decimals_are_prices_in_a_currency():
    prices = [[("A", 1.5)], [("A", Decimal("1.6"))]]
    costs = nanobook.CostModel.zero()
    weights = [[("A", 1.0)], None]
    result = nanobook.simulate(weights, prices, cash=1000, costs=costs, price_unit="0.01")
    assert result["equity_curve"] == [100_000, 100_000, 106_660]
