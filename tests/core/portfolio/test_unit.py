"""`to_units` and `money`: prices and amounts in whole units, exact or refused."""

import builtins
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nanobook_core import errors
from nanobook_core.portfolio.unit import is_absent, money, to_units, unit_of

BAD = Path(__file__).parents[2] / "data" / "portfolio" / "bad_tables.json"
NAN = float("nan")
BASIS_POINT = Fraction(1, 10_000)


def decimals(rows):
    table = np.empty((len(rows), len(rows[0])), object)
    table[:] = [[None if cell != cell else Decimal(str(cell)) for cell in row] for row in rows]  # noqa: PLR0124
    return table


def units(prices, price_unit=None):
    table = prices if isinstance(prices, np.ndarray) else np.array(prices)
    symbols = tuple("ABCDEF"[: table.shape[1]])
    dates = np.datetime64("2024-01-01") + np.arange(len(table))
    found, unit = to_units(table, price_unit, symbols, dates)
    assert found.dtype == np.int64
    assert found.shape == table.shape
    assert found.flags.c_contiguous
    return found.tolist(), unit


# Without a unit


def test_ints_are_units_and_not_copied():
    prices = np.array([[0, 7], [2**63 - 1, 1]])
    found, unit = to_units(prices, None, ("A", "B"), None)
    assert found is prices
    assert unit is None


def test_ints_by_columns_are_laid_out_by_rows():
    assert units(np.asfortranarray([[1, 2], [3, 4]])) == ([[1, 2], [3, 4]], None)


def test_decimals_without_a_unit_are_refused():
    with pytest.raises(TypeError, match=r'prices are Decimals: give price_unit="auto"'):
        units(decimals([[1.5]]))


# With a unit


@pytest.mark.parametrize("table", [np.array, decimals])
@pytest.mark.parametrize(
    ("prices", "price_unit", "counts", "unit"),
    [
        ([[1.25, NAN], [100.0, 3.5]], "0.01", [[125, 0], [10000, 350]], "0.01"),
        ([[1.25, 3.5]], "0.25", [[5, 14]], "0.25"),
        ([[5000.5, 5001.5, 5002.5]], "1", [[5000, 5002, 5002]], "1"),
        ([[12345.6]], "5", [[2469]], "5"),
        ([[2.0, NAN], [3.0, 4.5]], "exact", [[200, 0], [300, 450]], "0.01"),
        ([[2.0, 300.0]], "exact", [[200, 30000]], "0.01"),
        ([[0.1, 123.456, 7.0]], "exact", [[100, 123456, 7000]], "0.001"),
        ([[1e-18]], "exact", [[1]], "1e-18"),
        ([[0.5, 100.004]], "auto", [[50, 10000]], "0.01"),
        ([[123.456]], "auto", [[12346]], "0.01"),
        ([[98765.4]], "auto", [[9876540]], "0.01"),
        ([[0.00012345, 60000.0]], "auto", [[12345, 6000000000000]], "1e-8"),
        ([[NAN, NAN]], "auto", [[0, 0]], "0.01"),
        ([[NAN, NAN]], "exact", [[0, 0]], "0.01"),
    ],
)
def test_prices_are_whole_units(table, prices, price_unit, counts, unit):
    assert units(table(prices), price_unit) == (counts, Decimal(unit))


def test_ints_take_a_unit_too_and_0_is_absent():
    assert units([[3, 0]], "0.01") == ([[300, 0]], Decimal("0.01"))
    assert units([[3, 0]], "auto") == ([[300, 0]], Decimal("0.01"))


@pytest.mark.parametrize(
    ("price_unit", "beside", "unit"),
    [
        ("auto", {}, "0.01"),
        ("auto", {"opens": [[0.5]]}, "0.01"),
        ("auto", {"opens": [[0.5]], "highs": [[12.345]]}, "0.001"),
        ("exact", {"opens": [[0.5]], "highs": [[1.2345]]}, "0.0001"),
        ("exact", {"opens": [[1.2345]], "highs": [[0.5]]}, "0.0001"),
        ("1", {"opens": [[1.2345]]}, "1"),
    ],
)
def test_tables_beside_the_prices_may_need_a_finer_unit(price_unit, beside, unit):
    tables = {name: np.array(table) for name, table in beside.items()}
    found = to_units(np.array([[7.0]]), price_unit, ("A",), None, beside=tables)
    assert found[1] == Decimal(unit)
    assert found[0].tolist() == [[int(7 / Decimal(unit))]]


def test_a_wrong_price_beside_the_prices_is_named():
    beside = {"opens": np.array([[-1.5]])}
    with pytest.raises(errors.ValidationError, match=r"^period 0, symbol 'A': open -1\.5 is not"):
        to_units(np.array([[7.0]]), "auto", ("A",), None, beside=beside)


@pytest.mark.parametrize("price_unit", [Decimal("0.5"), "0.5", " 0.5", "5e-1"])
def test_a_unit_may_be_a_decimal_or_text(price_unit):
    assert units([[1.5]], price_unit) == ([[3]], Decimal("0.5"))


def test_an_int_is_a_unit():
    assert units([[1500.0]], 500) == ([[3]], Decimal(500))


def test_prices_of_more_units_than_floats_can_tell_apart_count_as_they_are_written():
    assert units([[1.1, 4.35, 1e-17]], "exact") == (
        [[110000000000000000, 435000000000000000, 1]],
        Decimal("1e-17"),
    )
    assert units([[1.1, 4.35]], "1e-17") == (
        [[110000000000000000, 435000000000000000]],
        Decimal("1e-17"),
    )
    assert units([[1.1, 1e-12]], "auto")[1] == Decimal("1e-12")


def test_decimals_are_exact_beyond_floats():
    prices = np.array([[Decimal("90071992547409.93")]], object)
    assert units(prices, "exact") == ([[9007199254740993]], Decimal("0.01"))


def test_the_largest_price_is_the_largest_int():
    prices = np.array([[Decimal("92233720368547758.07")]], object)
    assert units(prices, "0.01") == ([[2**63 - 1]], Decimal("0.01"))
    with pytest.raises(OverflowError, match=r"92233720368547758\.08 is more than 2\^63-1 units"):
        units(prices + Decimal("0.01"), "0.01")


@pytest.mark.parametrize("price", [2.0**63, 1e300])
def test_a_float_beyond_the_largest_int_is_named(price):
    with pytest.raises(
        OverflowError, match=r"symbol 'B': price .* is more than 2\^63-1 units of 1;"
    ):
        units([[1.0, price]], "1")
    assert units([[1.0, 9.223372036854775e18]], "1")[0] == [[1, 9223372036854775000]]


def test_a_price_that_moves_by_a_basis_point_is_taken_and_one_that_moves_further_is_not():
    exactly = np.array([[Decimal("1.0001") / Decimal("1.0001") * Decimal(10000)]], object)
    assert units(exactly + 1, "10001") == ([[1]], Decimal(10001))
    assert units(np.array([[Decimal(10000)]], object), "9999") == ([[1]], Decimal(9999))
    with pytest.raises(errors.ValidationError, match="moved by more than a basis point"):
        units(np.array([[Decimal("10000.0001")]], object), "9999")


def test_what_is_named_has_no_date_where_there_are_none():
    with pytest.raises(errors.ValidationError, match=r"^period 1, symbol 'A': price -2\.0 is not"):
        to_units(np.array([[1.5], [-2.0]]), "auto", ("A",), None)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("-1.5", errors.ValidationError, "price -1.5 is not a finite number above 0"),
        ("0", errors.ValidationError, "price 0 is not a finite number above 0"),
        ("Infinity", errors.ValidationError, "price Infinity is not a finite number above 0"),
        ("1.004", errors.ValidationError, "price 1.004 is moved by more than a basis point"),
        ("1e-400", errors.ValidationError, "price 1E-400 is moved by more than a basis point"),
        ("1e400", OverflowError, "price 1E+400 is more than 2^63-1 units of 0.01"),
        ("1e-999999", errors.ValidationError, "price 1E-999999 is moved by more than a basis"),
        ("1e999999", OverflowError, "price 1E+999999 is more than 2^63-1 units of 0.01"),
        ("1e-999999999999", errors.ValidationError, "price 1E-999999999999 is moved by more"),
        ("1e999999999999", OverflowError, "price 1E+999999999999 is more than 2^63-1 units"),
    ],
)
def test_a_bad_decimal_is_named(value, error, message):
    with pytest.raises(error) as caught:
        units(np.array([[Decimal("1.5"), Decimal(value)]], object), "0.01")
    assert str(caught.value).startswith(f"period 0 (2024-01-01), symbol 'B': {message}")


@pytest.mark.parametrize(
    ("price_unit", "value", "error", "message"),
    [
        ("auto", "1e-999999999999", errors.ValidationError, "is not within a basis point in units"),
        ("exact", "1e-999999999999", errors.ValidationError, "is not exact in units of 1e-18"),
        ("auto", "1e999999999999", OverflowError, "is more than 2^63-1 units of 0.01"),
        ("exact", "1e999999999999", OverflowError, "is more than 2^63-1 units of 0.01"),
        ("1e18", "1e999999999999", OverflowError, "is more than 2^63-1 units of 1E+18"),
        ("1e-18", "1e-999999999999", errors.ValidationError, "is moved by more than a basis"),
    ],
)
def test_a_decimal_of_an_absurd_exponent_is_refused_whatever_the_unit(
    price_unit, value, error, message
):
    with pytest.raises(error) as caught:
        units(np.array([[Decimal(value)]], object), price_unit)
    assert str(caught.value).startswith("period 0 (2024-01-01), symbol 'A': price 1E")
    assert message in str(caught.value)


def test_the_largest_and_the_smallest_prices_of_the_coarsest_and_the_finest_unit():
    largest = np.array([[Decimal(2**63 - 1) * 10**18]], object)
    assert units(largest, "1e18") == ([[2**63 - 1]], Decimal("1e18"))
    smallest = np.array([[Decimal("1.00005e-18")]], object)
    assert units(smallest, "1e-18") == ([[1]], Decimal("1e-18"))


@pytest.mark.parametrize(
    ("price_unit", "scale", "unit"), [("1", 1, "1"), ("auto", 100, "0.01"), ("exact", 100, "0.01")]
)
def test_ints_that_floats_cannot_tell_apart_are_exact_with_a_unit(price_unit, scale, unit):
    highest = (2**63 - 1) // scale
    counts = [[(2**53 + 1) * scale, 0], [highest * scale, 7 * scale]]
    assert units(np.array([[2**53 + 1, 0], [highest, 7]]), price_unit) == (counts, Decimal(unit))
    assert units(np.array([[2**53 + 1]]), "0.5")[0] == [[2**54 + 2]]
    with pytest.raises(errors.ValidationError, match=r"symbol 'B': price -3 is not a finite"):
        units(np.array([[2**53 + 1, -3]]), price_unit)


@pytest.mark.parametrize("table", [np.array, decimals])
def test_of_several_prices_that_move_too_far_the_worst_is_named(table):
    prices = table([[5.004, 1.001], [0.014, 2.003]])
    with pytest.raises(errors.ValidationError, match=r"period 1 .*symbol 'A': price 0\.014 is"):
        units(prices, "0.01")


@pytest.mark.parametrize(
    "row", json.loads(BAD.read_text())["to_units"], ids=lambda row: row["says"][:60]
)
def test_a_bad_price_or_unit_is_refused_with_the_reason(row):
    error = getattr(errors, row["error"], None) or getattr(builtins, row["error"])
    with pytest.raises(error) as caught:
        units(row["prices"], row["price_unit"])
    assert type(caught.value) is error
    assert row["says"] in str(caught.value)


# Laws

prices_in_decimals = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(1, 10**12),
    st.integers(0, 8),
)
floats = st.floats(1e-3, 1e9)


def is_coarsest(unit, is_enough):
    return unit == Decimal("0.01") or not is_enough(Fraction(unit) * 10)


@given(st.lists(prices_in_decimals, min_size=1, max_size=5), st.booleans())
def test_exact_is_exact_and_the_coarsest(given_prices, is_float):
    written = [[float(price) if is_float else price for price in given_prices]]
    table = np.array(written, float if is_float else object)
    try:
        found, unit = units(table, "exact")
    except OverflowError:
        assert max(given_prices) * 10**8 > 2**63
        return
    assert [count * unit for count in found[0]] == given_prices
    assert is_coarsest(unit, lambda coarser: all(Fraction(p) % coarser == 0 for p in given_prices))


@given(st.lists(st.floats(1e-3, 9e3), min_size=1, max_size=5))
@example([4096.343163060262, 8192.0838291357])
@example([2048.449343325172, 8192.44283020133])
@example([0.004408261280743155])
def test_exact_takes_all_the_digits_that_floats_are_written_with(given_prices):
    written = [Decimal(repr(price)) for price in given_prices]
    finest = max(0, *(-price.as_tuple().exponent for price in written))
    assume(finest <= 18 and max(written).scaleb(finest) < 2**63)
    [found], unit = units([given_prices], "exact")
    assert [count * unit for count in found] == written


@given(st.lists(floats, min_size=1, max_size=5))
def test_auto_keeps_each_price_within_a_basis_point_and_is_the_coarsest(given_prices):
    [found], unit = units([given_prices], "auto")
    exact = [Fraction(price) for price in given_prices]
    slack = 1 + Fraction(1, 10**9)
    for count, price in zip(found, exact, strict=True):
        assert abs(count * Fraction(unit) - price) <= BASIS_POINT * price * slack

    def is_enough(coarser):
        return all(
            abs(round(price / coarser) * coarser - price) <= BASIS_POINT * price / slack
            for price in exact
        )

    assert is_coarsest(unit, is_enough)


@given(st.integers(10_000, 10**11), st.sampled_from(["0.01", "0.05", "0.25", "1e-6", "2"]))
def test_a_float_comes_back_as_the_unit_it_was_made_of(count, unit):
    price = float(count * Decimal(unit))
    assert units([[price]], unit) == ([[count]], Decimal(unit))


@given(st.fractions(1, 10**6, max_denominator=10**6), st.sampled_from(["0.01", "0.05", "7"]))
def test_a_decimal_is_rounded_to_the_nearest_unit_halves_to_even(price, unit):
    written = Decimal(price.numerator) / Decimal(price.denominator)
    exact, step = Fraction(written), Fraction(unit)
    count = round(exact / step)
    assume(abs(count * step - exact) <= BASIS_POINT * exact)
    assert units(np.array([[written]], object), unit) == ([[count]], Decimal(unit))


# What is absent


def test_nan_and_none_are_absent():
    assert is_absent(np.array([[NAN, 0.0, float("inf")]])).tolist() == [[True, False, False]]
    values = np.array([[None, Decimal("NaN"), Decimal("sNaN"), Decimal(0)]], object)
    assert is_absent(values).tolist() == [[True, True, True, False]]
    assert units(values[:, :3], "auto") == ([[0, 0, 0]], Decimal("0.01"))


# Money


@pytest.mark.parametrize(
    ("amount", "unit", "count"),
    [
        (1_000_000, 1, 1_000_000),
        (np.int32(7), 1, 7),
        (-3, 1, -3),
        (0, 1, 0),
        (10_000, "0.01", 1_000_000),
        (0.1, "0.01", 10),
        (1234.56, "0.01", 123456),
        (np.float32(0.1), "0.1", 1),
        (np.float64(-2.5), "0.5", -5),
        (Decimal("0.000001"), "1e-6", 1),
        (Fraction(3, 4), "0.25", 3),
        (2**63 - 1, 1, 2**63 - 1),
        (Decimal("92233720368547758.07"), "0.01", 2**63 - 1),
        (Decimal("0e999999999999"), "0.01", 0),
        (Decimal("1e54"), "1e36", 10**18),
        (Decimal("1e-36"), "1e-36", 1),
    ],
)
def test_an_amount_is_whole_units_exactly(amount, unit, count):
    found = money(amount, Fraction(unit), "cash")
    assert type(found) is int
    assert found == count


@pytest.mark.parametrize(
    ("amount", "error", "message"),
    [
        (0.005, errors.ValidationError, "cash: 0.005 is not a multiple of 0.01, in which money is"),
        (Decimal("0.001"), errors.ValidationError, "cash: 0.001 is not a multiple of 0.01"),
        (Fraction(1, 3), errors.ValidationError, "cash: 1/3 is not a multiple of 0.01"),
        (NAN, errors.ValidationError, "cash must be finite, got nan"),
        (float("-inf"), errors.ValidationError, "cash must be finite, got -inf"),
        (np.float32("inf"), errors.ValidationError, "cash must be finite, got inf"),
        (Decimal("sNaN"), errors.ValidationError, "cash must be finite, got sNaN"),
        (Decimal("Infinity"), errors.ValidationError, "cash must be finite, got Infinity"),
        (2**63, OverflowError, "cash: 9223372036854775808 (int) is more than 2^63-1 units of 0.01"),
        (1e300, OverflowError, "cash: 1e+300 (float) is more than 2^63-1 units of 0.01"),
        pytest.param(
            10**5000,
            OverflowError,
            "cash: (int, too odd to print) is more than 2^63-1 units",
            id="an int of 5001 digits",
        ),
        (
            Decimal("1e999999999999"),
            OverflowError,
            "cash: Decimal('1E+999999999999') (Decimal) is more than 2^63-1 units of 0.01",
        ),
        (Decimal("-1e999999999999"), OverflowError, "cash: Decimal('-1E+999999999999') (Decimal)"),
        (
            Decimal("1e-999999999999"),
            errors.ValidationError,
            "cash: 1E-999999999999 is not a multiple of 0.01",
        ),
        ("1000", TypeError, "cash is an int, a Decimal or a float, got '1000' (str)"),
        (True, TypeError, "cash is an int, a Decimal or a float, got True (bool)"),
        (None, TypeError, "cash is an int, a Decimal or a float, got None (NoneType)"),
        (1 + 0j, TypeError, "cash is an int, a Decimal or a float, got (1+0j) (complex)"),
        (np.timedelta64(5, "D"), TypeError, "cash is an int, a Decimal or a float, got"),
        (np.bool_(True), TypeError, "cash is an int, a Decimal or a float, got"),  # noqa: FBT003
    ],
)
def test_an_amount_that_is_no_whole_units_is_refused(amount, error, message):
    with pytest.raises(error) as caught:
        money(amount, Fraction("0.01"), "cash")
    assert type(caught.value) is error
    assert str(caught.value).startswith(message)


@given(prices_in_decimals, st.sampled_from([1, -1]))
def test_an_amount_as_a_float_is_that_of_the_decimal_it_is_written_as(amount, sign):
    unit = Fraction(1, 10**8)
    assume(amount * 10**8 < 2**63)
    written = sign * amount
    assert money(float(written), unit, "cash") == money(written, unit, "cash") == written * 10**8


def test_a_unit_is_kept_as_it_is_written():
    assert str(unit_of("0.010")) == "0.010"
    assert unit_of(Decimal("1e-18")) == Decimal("1e-18")
    assert unit_of("1e18") == Decimal("1e18")
