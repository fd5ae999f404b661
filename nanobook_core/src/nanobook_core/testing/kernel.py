"""Laws of accelerated functions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from math import inf, nan
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts import ScheduleToDense
from nanobook_core.errors import ValidationError
from nanobook_core.testing.law import law

Values: TypeAlias = Literal["weight", "price"]
Schedule: TypeAlias = list[Any] | tuple[Any, ...]

#: Values that are taken, at the limits above all.
SOUND: dict[Values, tuple[Any, ...]] = {
    "weight": (
        *(0.0, -0.0, 0.1, -1.5, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308),
        *(0, 1, -3, 2**53 + 1, 10**300),
        *(np.float64(0.1), np.float32(0.1), np.float16(-2), np.longdouble(0.25)),
        *(np.int8(-128), np.int64(2**53 + 1), np.uint64(2**64 - 1)),
    ),
    "price": (
        *(1, 2, 101_25, 2**31, 2**53 + 1, 2**63 - 1),
        *(np.int8(127), np.int32(5), np.int64(2**63 - 1), np.uint8(255), np.uint64(2**63 - 1)),
    ),
}

#: Values that are refused, and how.
REFUSED: dict[Values, tuple[tuple[Any, type[Exception]], ...]] = {
    "weight": (
        *((value, ValidationError) for value in (nan, inf, -inf, 10**400, -(10**400))),
        *((value, ValidationError) for value in (np.float64(nan), np.float32(inf))),
        *((value, TypeError) for value in (True, False, None, "1", b"1", 1j, Decimal(1), [1.0])),
        *((value, TypeError) for value in (np.True_, np.complex128(1), np.timedelta64(1, "D"))),
        *((value, TypeError) for value in (np.array(0.5), np.array([0.5]), np.str_("1"))),
    ),
    "price": (
        *((value, ValidationError) for value in (0, -1, -(2**63), -(2**63) - 1, -(10**400))),
        *((value, ValidationError) for value in (np.int64(0), np.int8(-1), np.uint8(0))),
        *((value, OverflowError) for value in (2**63, 10**400, np.uint64(2**63))),
        *((value, TypeError) for value in (True, False, None, "1", 1.0, nan, 1j, Decimal(1), [1])),
        *((value, TypeError) for value in (np.True_, np.float64(1), np.timedelta64(1, "D"))),
        *((value, TypeError) for value in (np.array(1), np.array([1]), np.str_("1"))),
    ),
}

REFUSED_SYMBOLS: tuple[tuple[Any, type[Exception]], ...] = (
    *((symbol, TypeError) for symbol in (1, None, b"AAPL", ("A",), ["A"], nan)),
    *((symbol, ValidationError) for symbol in ("NINECHARS", "A" * 1000, "\N{BLACK STAR}" * 3)),
    *((symbol, ValidationError) for symbol in ("\N{EURO SIGN}", "A\x80", "\ud800")),
)

REFUSED_PAIRS: tuple[Any, ...] = (
    *("AB", b"AB", 1, None, (), ("A",), ("A", 1, 1), ["A"], {"A", "B"}, {"A": 1, "B": 2}),
    np.array(["A", "B"]),
)

REFUSED_ROWS: tuple[Any, ...] = (
    *(1, "AB", b"AB", nan, {("A", 1)}, {"A": 1}.items(), np.array([[1, 2]])),
)


class Ticker(str, Enum):  # noqa: UP042 - a StrEnum would print as its value
    """Strings that print as something else: `str(Ticker.ENUM)` is "Ticker.ENUM"."""

    ENUM = "ENUM"


class Pair(NamedTuple):
    """A tuple with names."""

    symbol: str
    value: Any


#: One object each, and few: so that the same one often comes again, in its place or elsewhere.
SYMBOLS = ("A", "B", "AAPL", "BRK.B", "ABCDEFGH", "", Ticker.ENUM, np.str_("NUMPY"))

Make: TypeAlias = Callable[[Any], Any]

# What is usual is drawn most, so that rows which a kernel may read in a shorter way come up.
_as_pair: st.SearchStrategy[Make] = st.sampled_from([*(tuple,) * 6, list, Pair._make])
_as_row: st.SearchStrategy[Make] = st.sampled_from(
    [*(list,) * 8, tuple, tuple, dict, OrderedDict, lambda row: MappingProxyType(dict(row))]
)
_as_schedule: st.SearchStrategy[Make] = st.sampled_from([list, tuple])

#: Makes another string of one, plain or of a subclass.
_spelt: st.SearchStrategy[Make] = st.sampled_from(
    ["".join, "".join, lambda symbol: np.str_("".join(symbol))]
)

_symbols = st.lists(st.sampled_from(SYMBOLS), unique=True)
_values = {values: st.sampled_from(sound) for values, sound in SOUND.items()}
_both: st.SearchStrategy[Values] = st.sampled_from(["weight", "price"])


@st.composite
def pairs(
    draw: st.DrawFn, values: Values, symbols: st.SearchStrategy[list[str]] = _symbols
) -> list[Any]:
    """Sound pairs with every symbol once: the same object, an equal one, or one of a subclass."""
    return [
        draw(_as_pair)(
            (symbol if draw(st.booleans()) else draw(_spelt)(symbol), draw(_values[values]))
        )
        for symbol in draw(symbols)
    ]


@st.composite
def schedules(draw: st.DrawFn, values: Values) -> Schedule:
    """Sound schedules, most rows of which have the symbols of one before, or nearly."""
    usual = draw(_symbols.filter(len) | _symbols)
    symbols = st.just(usual) | st.just(usual[1:]) | st.permutations(usual) | _symbols
    rows: st.SearchStrategy[Any] = st.builds(
        lambda kind, row: kind(row), _as_row, pairs(values, symbols)
    )
    if values == "weight":
        rows |= st.none()
    schedule: Schedule = draw(_as_schedule)(
        draw(st.lists(rows, max_size=6) | st.lists(rows, min_size=4, max_size=8))
    )
    return schedule


@st.composite
def gaps(draw: st.DrawFn, values: Values) -> tuple[Callable[[object], list[Any]], int]:
    """A function that puts a fault in the place of a pair of a schedule; and that pair's period.

    What stands before is sound; after it, in reading order, another fault may come.
    """
    before = list(draw(schedules(values)))
    row = draw(pairs(values))
    place = draw(st.integers(0, len(row)))
    another = ("LATER", draw(st.sampled_from(REFUSED[values]))[0])
    rest = row[place:] + draw(st.sampled_from([[], [another]]))
    after: list[Any] = draw(st.sampled_from([[], [[another]], [5]]))
    return lambda fault: [*before, [*row[:place], fault, *rest], *after], len(before)


def expected(schedule: Schedule, values: Values) -> tuple[tuple[str, ...], list[list[float]]]:
    """Symbols and rows that a sound schedule must give, by way of a dict of dicts."""
    number: type[float] = float if values == "weight" else int
    cells = {
        period: {"".join(symbol): number(value) for symbol, value in dict(row).items()}
        for period, row in enumerate(schedule)
        if row is not None
    }
    symbols = tuple(dict.fromkeys(symbol for row in cells.values() for symbol in row))
    rows = [
        [cells[period].get(symbol, number()) if period in cells else nan for symbol in symbols]
        for period in range(len(schedule))
    ]
    return symbols, rows


def refusal(kernel: Any, schedule: Any, values: Any) -> Exception:
    """The exception that the kernel raises."""
    try:
        given_ = kernel(schedule, values)
    except Exception as error:  # noqa: BLE001 - whatever it is, the law judges it
        return error
    raise AssertionError(f"{schedule!r:.200} was accepted: {given_}")


def names(error: Exception, *words: object) -> bool:
    """Whether the message has every word; of a long one, the start."""
    return all(str(word)[:20] in str(error) for word in words)


class ScheduleToDenseSuite:
    """What a kernel `schedule_to_dense` must do."""

    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls) -> Any:
        """Return the kernel under test."""
        raise NotImplementedError("override the fixture `kernel`")

    def test_it_fulfils_the_contract(self, kernel: Any) -> None:
        """It can be called."""
        assert isinstance(kernel, ScheduleToDense)

    @law
    @given(data=st.data(), values=_both)
    def test_it_gives_every_cell_to_the_last_bit(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """Symbols come in order of first appearance; absent is 0, and a row to hold is NaN."""
        schedule = data.draw(schedules(values))
        symbols, table = kernel(schedule, values)
        # Compared as text, which tells -0.0 from 0.0 and finds NaN equal to itself.
        assert repr((symbols, table.tolist())) == repr(expected(schedule, values))

    @law
    @given(data=st.data(), values=_both)
    def test_it_gives_plain_symbols_and_a_table_of_its_own(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """Symbols are a tuple of `str`; the table is a C-contiguous array that owns its data."""
        schedule = data.draw(schedules(values))
        symbols, table = kernel(schedule, values)
        assert type(symbols) is tuple
        assert all(type(symbol) is str for symbol in symbols)
        assert type(table) is np.ndarray
        assert table.dtype == (np.float64 if values == "weight" else np.int64)
        assert table.shape == (len(schedule), len(symbols))
        assert table.flags.c_contiguous
        assert table.flags.owndata
        assert table.flags.writeable

    @law
    @given(data=st.data(), values=_both)
    def test_it_leaves_the_schedule_alone_and_remembers_nothing(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """What it was given is as before; a second call gives the same, in another table."""
        schedule = data.draw(schedules(values))
        before = repr(schedule)
        symbols, table = kernel(schedule, values)
        once = repr((symbols, table.tolist()))
        table.fill(7)
        symbols, table = kernel(schedule, values)
        assert repr((symbols, table.tolist())) == once
        assert repr(schedule) == before

    def test_it_takes_nothing(self, kernel: Any) -> None:
        """Without pairs there are no columns, but still a row a period."""
        for schedule, n_periods in (([], 0), ((), 0), ([[]], 1), ([[], (), {}], 3)):
            for values in ("weight", "price"):
                symbols, table = kernel(schedule, values)
                assert symbols == ()
                assert table.shape == (n_periods, 0)
        assert kernel([None, None], "weight")[1].shape == (2, 0)

    def test_a_row_to_hold_is_nan_for_symbols_that_come_later_too(self, kernel: Any) -> None:
        """NaN stands all along the row, not only where symbols are known by then."""
        symbols, table = kernel([None, [("A", 0.5)], None, [("B", 1)], {}], "weight")
        assert symbols == ("A", "B")
        assert repr(table.tolist()) == repr(
            [[nan, nan], [0.5, 0.0], [nan, nan], [0.0, 1.0], [0.0, 0.0]]
        )

    def test_it_takes_any_number_of_symbols(self, kernel: Any) -> None:
        """Symbols that appear one a period, or all at once, each get their column."""
        many = [f"S{number}" for number in range(300)]
        symbols, table = kernel([[(symbol, 1)] for symbol in many], "price")
        assert symbols == tuple(many)
        assert np.array_equal(table, np.eye(300, dtype=np.int64))
        symbols, table = kernel(
            [[(many[0], 0.5)], [(symbol, 0.25) for symbol in reversed(many)]], "weight"
        )
        assert symbols == (many[0], *reversed(many[1:]))
        assert np.array_equal(table, [[0.5] + [0.0] * 299, [0.25] * 300])

    @law
    @given(data=st.data(), values=_both)
    def test_a_value_that_is_not_allowed_is_refused_by_name(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """Wherever it stands; the message has its period and symbol, and the value."""
        place, period = data.draw(gaps(values))
        as_pair, symbol = data.draw(_as_pair), data.draw(_spelt)("FAULT")
        for value, error in REFUSED[values]:
            raised = refusal(kernel, place(as_pair((symbol, value))), values)
            assert type(raised) is error
            assert names(raised, f"period {period}", "FAULT", repr(value))

    @law
    @given(data=st.data(), values=_both)
    def test_a_symbol_that_is_not_allowed_is_refused_by_name(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """A symbol is a string of at most 8 ASCII bytes."""
        place, period = data.draw(gaps(values))
        as_pair, value = data.draw(_as_pair), data.draw(_values[values])
        for symbol, error in REFUSED_SYMBOLS:
            raised = refusal(kernel, place(as_pair((symbol, value))), values)
            assert type(raised) is error
            assert names(raised, f"period {period}", repr(symbol)[:9])

    @law
    @given(data=st.data(), values=_both)
    def test_a_symbol_twice_in_a_row_is_refused_by_name(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """Also where the second is another string, equal to the first."""
        symbol = data.draw(st.sampled_from(SYMBOLS))
        again = data.draw(_spelt)(symbol)
        row = [pair for pair in data.draw(pairs(values)) if pair[0] != symbol]
        for twin in (symbol, again):
            place = data.draw(st.integers(0, len(row)))
            row.insert(place, (twin, data.draw(_values[values])))
        before = list(data.draw(schedules(values)))
        raised = refusal(kernel, [*before, row], values)
        assert type(raised) is ValidationError
        assert names(raised, f"period {len(before)}", repr("".join(symbol)))

    def test_a_symbol_twice_is_refused_where_rows_before_had_it_in_both_places(
        self, kernel: Any
    ) -> None:
        """What rows before had in which place is no proof of anything."""
        for before in ([["A", "B"], ["B"]], [["B", "A"], ["A", "B"]], [["A", "B"], ["B"], []]):
            schedule = [[(symbol, 1) for symbol in row] for row in [*before, ["B", "B"]]]
            for values in ("weight", "price"):
                assert type(refusal(kernel, schedule, values)) is ValidationError

    @law
    @given(data=st.data(), values=_both)
    def test_what_is_no_pair_is_refused(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """A pair is a tuple or list of two; a string of two characters is none."""
        place, period = data.draw(gaps(values))
        for fault in REFUSED_PAIRS:
            raised = refusal(kernel, place(fault), values)
            assert type(raised) is TypeError
            assert names(raised, f"period {period}", repr(fault))

    @law
    @given(data=st.data(), values=_both)
    def test_what_is_no_row_is_refused(
        self, kernel: Any, data: st.DataObject, values: Values
    ) -> None:
        """A row is a list, tuple or mapping; among prices it cannot be None."""
        before = list(data.draw(schedules(values)))
        for fault in REFUSED_ROWS if values == "weight" else (*REFUSED_ROWS, None):
            raised = refusal(kernel, [*before, fault, []], values)
            assert type(raised) is TypeError
            assert names(raised, f"period {len(before)}", repr(fault))

    def test_what_is_no_schedule_is_refused(self, kernel: Any) -> None:
        """A schedule is a list or tuple: no mapping, no generator, no array."""
        for values in ("weight", "price"):
            for schedule in (
                *(None, 1, "AB", b"AB", {0: [("A", 1)]}, {("A", 1)}, np.array([[1, 2]])),
                *(iter([[("A", 1)]]), ([("A", 1)] for _ in range(2))),
            ):
                assert type(refusal(kernel, schedule, values)) is TypeError

    def test_values_of_another_kind_are_refused(self, kernel: Any) -> None:
        """Weights and prices are what there is."""
        for values in ("weights", "", "WEIGHT", None, 1):
            assert type(refusal(kernel, [], values)) is ValidationError
