"""Numbers as the venue writes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_binance.number import plain, to_number


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("0.00001234", "0.00001234"),
        ("50000.00000000", "50000"),
        ("-1.50", "-1.5"),
        ("0.00000000", "0"),
        (7, "7"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E+3"), "1000"),
        ("1e-8", "0.00000001"),
    ],
)
def test_a_number_is_read_exactly_and_without_idle_zeros(written, text):
    assert to_number(written) == Decimal(text)
    assert plain(to_number(written)) == text


TEXTS = ["", " 1", "1 ", "1_000", "NaN", "Infinity", "1e999", "\uff11", "0x1", ".5", "5.", "--1"]
VALUES = ["1" * 41, True, None, 0.5, [], [0, [1], 0], Decimal("NaN"), Decimal("1E+999999")]


@pytest.mark.parametrize("odd", TEXTS + VALUES)
def test_what_is_none_is_refused(odd):
    with pytest.raises(ValueError, match=r"is no number$"):
        to_number(odd)


@given(st.decimals(min_value=0, max_value=10**18, places=8, allow_nan=False))
def test_what_is_written_is_read_back(number):
    assert to_number(plain(number)) == number
