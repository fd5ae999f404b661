import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import (
    dot,
    products,
    quotient,
    real,
    rounded,
    trades,
    truncated,
    whole,
)

int64s = st.integers(-(2**63), 2**63 - 1)
prices = st.integers(1, 2**63 - 1)


@given(st.lists(st.tuples(int64s, prices), max_size=5))
def test_products_are_those_of_python_ints_at_any_size(pairs):
    quantity, price = np.array(pairs, np.int64).reshape(-1, 2).T
    values = products(quantity, price)
    assert values.tolist() == [lots * paid for lots, paid in pairs]
    assert dot(quantity, price) == sum(lots * paid for lots, paid in pairs)


@given(st.lists(st.tuples(int64s, prices), max_size=5))
def test_int64_products_can_be_added_without_wrapping(pairs):
    quantity, price = np.array(pairs, np.int64).reshape(-1, 2).T
    size = sum(abs(lots * paid) for lots, paid in pairs)
    values = products(quantity, price)
    if values.dtype == np.int64:
        assert size < 2**62
    else:
        assert values.dtype == object
        assert size > 2**60


@given(st.integers(-(2**62), 2**62), prices)
def test_a_quotient_is_truncated_towards_zero_on_both_paths(amount, divisor):
    expected = math.trunc(Fraction(amount, divisor))
    assert quotient(amount, divisor) == expected
    for dtype in (np.int64, object):
        got = quotient(np.array([amount], dtype), np.array([divisor], np.int64))
        assert got.tolist() == [expected]


@pytest.mark.parametrize(("amount", "expected"), [(-7, -3), (7, 3), (-8, -4), (-1, 0), (0, 0)])
def test_half_of_a_negative_amount_goes_towards_zero(amount, expected):
    assert quotient(amount, 2) == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4))
def test_floats_are_truncated_exactly_beyond_64_bits(values):
    assert truncated(np.array(values, float)).tolist() == [math.trunc(value) for value in values]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 1.0),
        (-0.5, -1.0),
        (1.5, 2.0),
        (2.5, 3.0),
        (-2.5, -3.0),
        (0.49999999999999994, 0.0),
        (-0.49999999999999994, 0.0),
        (4503599627370496.5, 4503599627370496.0),  # 2^52: the literal itself is even
        (4503599627370497.0, 4503599627370497.0),
        (9007199254740993.0, 9007199254740992.0),  # 2^53 + 1 is no float
        (1e300, 1e300),
    ],
)
def test_halves_are_rounded_away_from_zero(value, expected):
    assert rounded(np.array([value])).tolist() == [expected]


@given(st.floats(-1e18, 1e18))
def test_rounding_is_exact(value):
    size = math.floor(abs(Fraction(value)) + Fraction(1, 2))
    assert rounded(np.array([value])).tolist() == [math.copysign(size, value)]


@pytest.mark.parametrize("value", [7, np.int8(7), np.uint64(7)])
def test_a_whole_number_may_be_any_integer_and_becomes_an_int(value):
    assert whole(value, "x") == 7
    assert type(whole(value, "x")) is int


@pytest.mark.parametrize(
    "value", [7.0, True, np.True_, np.float64(7), "7", None, np.timedelta64(7)]
)
def test_what_is_no_integer_is_no_whole_number(value):
    with pytest.raises(TypeError, match="x is an int or numpy integer, got"):
        whole(value, "x")


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, 1 << 20_000], ids=["2^63", "-2^63-1", "2^20000"]
)
def test_a_whole_number_fits_into_64_bits(value):
    with pytest.raises(OverflowError, match="x must fit into 64 bits"):
        whole(value, "x")


@pytest.mark.parametrize("value", [7, 7.0, np.float32(7), np.int64(7)])
def test_a_real_number_becomes_a_float(value):
    assert real(value, "x") == 7.0
    assert type(real(value, "x")) is float


@pytest.mark.parametrize("value", [True, np.True_, "7", None, 7j, np.timedelta64(7)])
def test_what_is_no_number_is_no_real_number(value):
    with pytest.raises(TypeError, match="x is a number, got"):
        real(value, "x")


def test_trades_of_a_narrower_integer_become_int64():
    quantity, price = trades(np.array([-1], np.int8), np.array([100], np.int16))
    assert quantity.dtype == price.dtype == np.int64


@pytest.mark.parametrize("wrong", [[1.0], [True], [2**64], ["1"], np.array([1], np.uint64)])
def test_trades_are_signed_integers(wrong):
    with pytest.raises(TypeError, match="quantities and prices are int64 arrays"):
        trades(wrong, [1])


@pytest.mark.parametrize(("quantity", "price"), [([1, 2], [1]), ([[1]], [[1]]), (1, 1)])
def test_trades_are_vectors_of_one_length(quantity, price):
    with pytest.raises(ValidationError, match="vectors of one length, got shapes"):
        trades(quantity, price)
