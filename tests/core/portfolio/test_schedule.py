"""The core's `schedule_to_dense`: laws, literal results, and what its errors say."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.schedule import schedule_to_dense
from nanobook_core.testing import ScheduleToDenseSuite


class TestKernel(ScheduleToDenseSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls):
        return schedule_to_dense


def test_weights_become_a_table_of_floats():
    symbols, table = schedule_to_dense(
        [
            [("AAPL", 0.6), ("MSFT", 0.4)],
            None,
            (["MSFT", np.float32(0.5)], ("NVDA", 1)),
            OrderedDict(NVDA=-0.25),
            [],
        ],
        "weight",
    )
    assert symbols == ("AAPL", "MSFT", "NVDA")
    assert table.dtype == np.float64
    np.testing.assert_array_equal(
        table,
        [
            [0.6, 0.4, 0.0],
            [np.nan, np.nan, np.nan],
            [0.0, 0.5, 1.0],
            [0.0, 0.0, -0.25],
            [0.0, 0.0, 0.0],
        ],
    )


def test_prices_become_a_table_of_integers():
    symbols, table = schedule_to_dense(
        ([("B", 2**63 - 1)], {"A": 1, "B": np.uint8(255)}, [["A", np.int64(2**53 + 1)]]), "price"
    )
    assert symbols == ("B", "A")
    assert table.dtype == np.int64
    assert table.tolist() == [[9223372036854775807, 0], [255, 1], [0, 9007199254740993]]


@pytest.mark.parametrize(
    ("schedule", "values", "error", "message"),
    [
        (
            [[("AAPL", "0.5")]],
            "weight",
            TypeError,
            (
                "period 0, symbol 'AAPL': a weight is an int, a float or a real numpy scalar, "
                "got '0.5' (str)"
            ),
        ),
        (
            [[], [("AAPL", float("nan"))]],
            "weight",
            ValidationError,
            (
                "period 1, symbol 'AAPL': weight nan (float) is not a finite float. "
                "Leave the symbol out to hold none of it, or give None as the row to trade nothing."
            ),
        ),
        (
            [[("AAPL", 101.25)]],
            "price",
            TypeError,
            (
                "period 0, symbol 'AAPL': a price is an int or a numpy integer, in whole units of "
                "money, got 101.25 (float). Scale and round it first, or give "
                "`simulate` a price_unit."
            ),
        ),
        (
            [[("AAPL", 0)]],
            "price",
            ValidationError,
            (
                "period 0, symbol 'AAPL': price 0 (int) is below 1. "
                "Leave the symbol out where it has no price."
            ),
        ),
        (
            [[("AAPL", 2**63)]],
            "price",
            OverflowError,
            (
                "period 0, symbol 'AAPL': price 9223372036854775808 (int) is above "
                "9223372036854775807, the highest. Use a coarser unit of money."
            ),
        ),
        (
            [[("AAPL", 0.5), ("MSFT", 0.25), ("AAPL", 0.1)]],
            "weight",
            ValidationError,
            (
                "period 0: 'AAPL' is there twice, with 0.5 (float) and 0.1 (float). "
                "Give every symbol once."
            ),
        ),
        (
            [[("NINECHARS", 1)]],
            "weight",
            ValidationError,
            "period 0: Symbol 'NINECHARS' exceeds 8 bytes. Use a shorter symbol.",
        ),
        (
            [[(7, 1)]],
            "price",
            TypeError,
            "period 0: a symbol is a string of at most 8 bytes, got 7 (int)",
        ),
        (
            [[("AAPL", 1, 2)]],
            "price",
            TypeError,
            "period 0: a pair is a tuple or list (symbol, price), got ('AAPL', 1, 2) (tuple)",
        ),
        (
            [5],
            "weight",
            TypeError,
            (
                "period 0: a row is a list or tuple of (symbol, weight) pairs, or a mapping, "
                "or None to hold; got 5 (int)"
            ),
        ),
        (
            [None],
            "price",
            TypeError,
            (
                "period 0: a row is a list or tuple of (symbol, price) pairs, or a mapping; "
                "got None (NoneType)"
            ),
        ),
        (
            {"AAPL": 0.5},
            "weight",
            TypeError,
            "a schedule is a list or tuple of rows, got {'AAPL': 0.5} (dict)",
        ),
        ([], "volume", ValidationError, "values is 'weight' or 'price', got 'volume' (str)"),
    ],
)
def test_an_error_says_what_was_given_and_what_is_allowed(schedule, values, error, message):
    with pytest.raises(error) as caught:
        schedule_to_dense(schedule, values)
    assert type(caught.value) is error
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("values", "error"), [("weight", ValidationError), ("price", OverflowError)]
)
def test_an_int_too_long_to_print_is_refused_like_a_shorter_one(values, error):
    with pytest.raises(error, match=r"period 0, symbol 'A': .* \(int, too odd to print\)"):
        schedule_to_dense([[("A", 10**5000)]], values)


def test_a_long_value_is_abridged():
    with pytest.raises(TypeError) as caught:
        schedule_to_dense([[("A", ["x" * 10_000])]], "weight")
    assert len(str(caught.value)) < 250


def with_schedule(change):
    """The real kernel on a schedule that was changed beforehand."""
    return lambda schedule, values: schedule_to_dense(change(schedule), values)


def with_rows(change):
    """The real kernel on rows that were changed beforehand."""
    return with_schedule(
        lambda schedule: (
            [change(row) for row in schedule] if isinstance(schedule, list | tuple) else schedule
        )
    )


def with_pairs(change):
    """The real kernel on pairs that were changed beforehand."""
    return with_rows(
        lambda row: (
            [change(*pair) if type(pair) is tuple and pair else pair for pair in row]
            if type(row) in (list, tuple)
            else row
        )
    )


def with_result(change):
    """The real kernel, its result changed afterwards."""
    return lambda schedule, values: change(*schedule_to_dense(schedule, values))


def sorted_symbols(symbols, table):
    order = sorted(range(len(symbols)), key=symbols.__getitem__)
    return tuple(symbols[column] for column in order), np.ascontiguousarray(table[:, order])


def held_in_known_columns_only(schedule, values):
    symbols, table = schedule_to_dense(schedule, values)
    for period in (period for period, row in enumerate(schedule) if row is None):
        known, _ = schedule_to_dense(schedule[:period], values)
        table[period, len(known) :] = 0.0
    return symbols, table


def in_place_of_the_row_before(schedule, values):
    """Symbols are taken from the row before, without a look at those that are there."""
    rows = []
    for row in schedule:
        before = rows[-1] if rows else ()
        alike = type(row) is list and type(before) is list and len(row) == len(before)
        rows.append(
            [(symbol, pair[1]) for (symbol, _), pair in zip(before, row, strict=True)]
            if alike
            else row
        )
    return schedule_to_dense(rows, values)


def known_by_identity():
    known = {}

    def renamed(symbol, *value):
        first = known.setdefault(symbol, symbol) if isinstance(symbol, str) else symbol
        return (symbol if first is symbol else f"{symbol[:7]}2", *value)

    return with_pairs(renamed)


def remembered():
    known = {}

    def kernel(schedule, values):
        result = schedule_to_dense(schedule, values)
        return known.setdefault((repr(schedule), values), result)

    return kernel


def used_up(schedule, values):
    result = schedule_to_dense(schedule, values)
    for row in schedule:
        if isinstance(row, list):
            row.clear()
    return result


def last_fault_first(schedule, values):
    for row in reversed(schedule):
        schedule_to_dense([row], values)
    return schedule_to_dense(schedule, values)


def periods_from_1(schedule, values):
    schedule_to_dense([{}, *schedule], values)
    return schedule_to_dense(schedule, values)


def repetition_allowed(row):
    plain = type(row) is list and all(type(pair) is tuple and len(pair) == 2 for pair in row)
    return dict(row) if plain and all(isinstance(symbol, str) for symbol, _ in row) else row


def wrapped(symbol, value=None, *rest):
    return (symbol, value - 2**62 if type(value) is int and value >= 2**63 else value, *rest)


@pytest.mark.parametrize(
    ("kernel", "law"),
    [
        (object(), "it_fulfils_the_contract"),
        (with_result(sorted_symbols), "it_gives_every_cell_to_the_last_bit"),
        (
            with_result(lambda symbols, table: (symbols, np.nan_to_num(table))),
            "it_gives_every_cell_to_the_last_bit",
        ),
        (
            with_result(lambda symbols, table: (symbols, table + 0)),
            "it_gives_every_cell_to_the_last_bit",
        ),
        (known_by_identity(), "it_gives_every_cell_to_the_last_bit"),
        (in_place_of_the_row_before, "it_gives_every_cell_to_the_last_bit"),
        (
            with_result(lambda symbols, table: (symbols, np.asfortranarray(table))),
            "it_gives_plain_symbols_and_a_table_of_its_own",
        ),
        (
            with_result(lambda symbols, table: (symbols, table[:])),
            "it_gives_plain_symbols_and_a_table_of_its_own",
        ),
        (
            with_result(lambda symbols, table: (symbols, table.astype(np.float64))),
            "it_gives_plain_symbols_and_a_table_of_its_own",
        ),
        (
            with_result(lambda symbols, table: (tuple(map(np.str_, symbols)), table)),
            "it_gives_plain_symbols_and_a_table_of_its_own",
        ),
        (remembered(), "it_leaves_the_schedule_alone_and_remembers_nothing"),
        (used_up, "it_leaves_the_schedule_alone_and_remembers_nothing"),
        (
            with_schedule(lambda schedule: [row for row in schedule if row]),
            "it_takes_nothing",
        ),
        (held_in_known_columns_only, "a_row_to_hold_is_nan_for_symbols_that_come_later_too"),
        (
            with_result(lambda symbols, table: (symbols[:256], table[:, :256].copy())),
            "it_takes_any_number_of_symbols",
        ),
        (
            with_pairs(lambda symbol, value=None, *rest: (symbol, value or 1, *rest)),
            "a_value_that_is_not_allowed_is_refused_by_name",
        ),
        (with_pairs(wrapped), "a_value_that_is_not_allowed_is_refused_by_name"),
        (last_fault_first, "a_value_that_is_not_allowed_is_refused_by_name"),
        (periods_from_1, "a_value_that_is_not_allowed_is_refused_by_name"),
        (
            with_pairs(lambda symbol, *value: (str(symbol)[:8], *value)),
            "a_symbol_that_is_not_allowed_is_refused_by_name",
        ),
        (with_rows(repetition_allowed), "a_symbol_twice_in_a_row_is_refused_by_name"),
        (with_pairs(lambda *pair: pair[:2]), "what_is_no_pair_is_refused"),
        (
            with_rows(lambda row: sorted(row) if isinstance(row, set) else row),
            "what_is_no_row_is_refused",
        ),
        (with_rows(lambda row: row or []), "what_is_no_row_is_refused"),
        (
            with_schedule(lambda schedule: schedule if schedule is None else list(schedule)),
            "what_is_no_schedule_is_refused",
        ),
        (
            lambda schedule, values: schedule_to_dense(
                schedule, values if values == "weight" else "price"
            ),
            "values_of_another_kind_are_refused",
        ),
    ],
)
def test_the_suite_catches_a_kernel_that_breaks_a_law(kernel, law):
    check = getattr(ScheduleToDenseSuite, f"test_{law}")
    if hasattr(check, "hypothesis"):
        check = without_shrinking(check.hypothesis.inner_test)
    with pytest.raises((AssertionError, ExceptionGroup)):
        check(ScheduleToDenseSuite(), kernel)


def without_shrinking(law):
    """The law on as many examples; that one breaks it is enough to know here."""

    @settings(deadline=None, phases=[Phase.generate], derandomize=True)
    @given(data=st.data(), values=st.sampled_from(["weight", "price"]))
    def check(suite, kernel, data, values):
        law(suite, kernel, data=data, values=values)

    return check


def test_what_is_no_word_for_values_is_refused():
    with pytest.raises(ValidationError, match="values is 'weight' or 'price', got"):
        schedule_to_dense([], [])


def test_a_symbol_that_cannot_be_printed_is_refused_by_its_type():
    with pytest.raises(TypeError, match=r"period 0: a symbol is a string .* got \(int, too odd"):
        schedule_to_dense([[(10**5000, 0.5)]], "weight")
