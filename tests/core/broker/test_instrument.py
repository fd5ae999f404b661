"""Steps of price and quantity are exact, whatever their size and the thread's own context."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanobook_core.contracts import BrokerTimeInForce, Instrument, OrderType
from nanobook_core.contracts.cents import to_cents
from nanobook_core.errors import ValidationError

D = Decimal
STEPS = st.sampled_from(["0.01", "0.05", "0.0001", "1E-12", "0.03", "7", "100"]).map(Decimal)
NUMBERS = st.decimals(-(2**63), 2**63, allow_nan=False, allow_infinity=False, places=14)


@example(price=D("-13765742026075845.99021451133001"), tick=D("1E-12"), up=False)
@given(NUMBERS, STEPS, st.booleans())
def test_rounding_a_price_goes_to_the_nearest_step_on_the_side_asked_for(price, tick, up):
    rounded = Instrument(symbol="X", tick=tick).round_price(price, up=up)
    assert Fraction(rounded) % Fraction(tick) == 0
    gap = Fraction(rounded) - Fraction(price)
    assert 0 <= (gap if up else -gap) < Fraction(tick)


@given(NUMBERS, STEPS)
def test_rounding_a_quantity_goes_towards_zero_by_less_than_a_lot(quantity, lot):
    rounded = Instrument(symbol="X", lot=lot).round_quantity(quantity)
    assert Fraction(rounded) % Fraction(lot) == 0
    assert 0 <= abs(Fraction(quantity)) - abs(Fraction(rounded)) < Fraction(lot)
    assert rounded == 0 or (rounded > 0) == (quantity > 0)


@given(st.integers(-(2**63), 2**63), STEPS)
def test_ticks_and_lots_come_back_as_they_went(number, step):
    rules = Instrument(symbol="X", tick=step, lot=step)
    assert rules.to_ticks(rules.from_ticks(number)) == number
    assert rules.to_lots(rules.from_lots(number)) == number


@given(st.integers(0, 400), st.sampled_from([("0.02", "0.05"), ("0.05", "0.02"), ("0.3", "0.5")]))
def test_ticks_of_bands_come_back_as_they_went(steps, ticks):
    low, high = map(Decimal, ticks)
    rules = Instrument(symbol="X", tick=low, tick_bands=((Decimal(3), high),))
    price = steps * low if steps * low < 3 else 3 + steps * high
    assert rules.from_ticks(rules.to_ticks(price)) == price


def test_the_threads_own_context_changes_nothing():
    rules = Instrument(symbol="X", lot=Decimal("1E-8"))
    with localcontext() as narrow:
        narrow.prec = 3
        assert rules.round_price(Decimal("12345.678"), up=False) == Decimal("12345.67")
        assert rules.round_quantity(Decimal("1.234567899")) == Decimal("1.23456789")
        assert rules.to_ticks(Decimal("12345.67")) == 1234567
        assert to_cents(Decimal("12345.675")) == 1234568


@pytest.mark.parametrize(
    ("money", "cents"),
    [
        ("19.99", 1999),
        ("0.005", 1),
        ("-0.005", -1),
        ("0.0049", 0),
        ("-0.0049", 0),
        ("1.115", 112),
        ("123456789012345678901234567890.125", 12345678901234567890123456789013),
    ],
)
def test_cents_are_rounded_half_away_from_zero(money, cents):
    assert to_cents(Decimal(money)) == cents


def test_order_types_and_tifs_are_words_in_any_case():
    assert OrderType("LIMIT") is OrderType.LIMIT
    assert BrokerTimeInForce("Day") is BrokerTimeInForce.DAY
    with pytest.raises(ValidationError, match=r"Invalid order_type 'iceberg'. Use 'market', "):
        OrderType("iceberg")
    with pytest.raises(ValidationError, match=r"Invalid tif 'gtd'. Use 'day', 'gtc', "):
        BrokerTimeInForce("gtd")
    with pytest.raises(TypeError, match=r"order_type is a string, got 7 \(int\)"):
        OrderType(7)
