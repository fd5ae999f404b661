"""The compiled kernels, by way of the best ones installed: without a compiler those of the core.

So everything here runs on every installation, and none of it is skipped.
"""

import gc
import os
import shutil
import signal
import subprocess
import sys
from enum import IntEnum
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook_native
from nanobook_core.plugin.registry import Registry
from nanobook_core.portfolio import schedule as core
from nanobook_core.testing import PluginSuite, ScheduleToDenseSuite
from nanobook_core.testing.kernel import REFUSED, gaps, schedules
from nanobook_native import COMPILED

schedule_to_dense = Registry.discover().load("kernel", "schedule_to_dense")

either = st.sampled_from(["weight", "price"])


class TestPlugin(PluginSuite):
    offers_something = COMPILED

    @pytest.fixture
    def distribution(self):
        return "nanobook-native"


class TestKernel(ScheduleToDenseSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls):
        return schedule_to_dense


def outcome(kernel, schedule, values):
    """All there is to see of a call."""
    try:
        symbols, table = kernel(schedule, values)
    except Exception as error:  # noqa: BLE001 - what a kernel raises is its outcome
        return type(error), str(error)
    return symbols, table.dtype, table.tobytes(), table.shape


def test_what_is_compiled_is_what_is_used():
    offer = Registry.discover().get("kernel", "schedule_to_dense")
    if COMPILED:
        assert offer.provider == "nanobook-native"
        assert schedule_to_dense is import_module("nanobook_native._kernels").schedule_to_dense
    else:
        assert offer.provider == "nanobook-core"
        assert schedule_to_dense is core.schedule_to_dense


def test_without_its_compiled_module_the_plugin_offers_nothing(tmp_path):
    package = tmp_path / "nanobook_native"
    shutil.copytree(
        Path(nanobook_native.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"),
    )
    code = "from nanobook_native import plugin as p; print(p.__file__, p.nanobook_kernels())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{package / 'plugin.py'} []\n"


def test_it_was_compiled_where_that_was_demanded():
    assert COMPILED or os.environ.get("NANOBOOK_REQUIRE_COMPILED", "") in ("", "0")


@given(data=st.data(), values=either)
def test_a_fault_is_reported_in_the_words_of_the_core(data, values):
    place, _ = data.draw(gaps(values))
    for value, _ in REFUSED[values]:
        faulty = place(("FAULT", value))
        assert outcome(schedule_to_dense, faulty, values) == outcome(
            core.schedule_to_dense, faulty, values
        )


@pytest.mark.parametrize("values", ["weight", "price"])
def test_an_int_too_long_to_print_is_refused_in_the_words_of_the_core(values):
    faulty = [[("A", 10**5000)]]
    assert outcome(schedule_to_dense, faulty, values) == outcome(
        core.schedule_to_dense, faulty, values
    )


@given(data=st.data(), values=either)
def test_no_sound_schedule_is_left_to_the_core(data, values):
    schedule = data.draw(schedules(values))
    called = set()
    before = sys.getprofile()
    sys.setprofile(lambda frame, _event, _argument: called.add(frame.f_code))
    try:
        schedule_to_dense(schedule, values)
    finally:
        sys.setprofile(before)
    assert (core.schedule_to_dense.__code__ in called) is not COMPILED


@pytest.mark.parametrize("values", ["weight", "price"])
def test_a_long_history_with_listings_and_delistings_is_as_the_core_reads_it(values, monkeypatch):
    draw = np.random.default_rng(7)
    names = [f"S{number:03d}" for number in range(400)]
    schedule = []
    for period in range(250):
        listed = names[period // 2 : 100 + period]
        if period % 50 == 49:
            draw.shuffle(listed)
        # Of every second period the strings are equal to those of the one before, not identical.
        spelt = listed if period % 2 else ["".join(name) for name in listed]
        numbers = draw.integers(1, 2**62, len(listed)).tolist()
        schedule.append(list(zip(spelt, numbers, strict=True)))
    expected = outcome(core.schedule_to_dense, schedule, values)
    if COMPILED:
        monkeypatch.setattr(core, "schedule_to_dense", None)
    assert outcome(schedule_to_dense, schedule, values) == expected


def test_columns_follow_the_symbols_where_their_places_change():
    symbols, table = schedule_to_dense(
        [
            [("A", 1), ("B", 2), ("C", 3)],
            [("A", 4), ("C", 5), ("B", 6)],
            [("A", 7), ("C", 8), ("B", 9)],
            [("B", 10), ("C", 11)],
            [("D", 12), ("C", 13), ("A", 14), ("B", 15)],
            [("D", 16), ("C", 17), ("A", 18), ("B", 19)],
        ],
        "price",
    )
    assert symbols == ("A", "B", "C", "D")
    assert table.tolist() == [
        [1, 2, 3, 0],
        [4, 6, 5, 0],
        [7, 9, 8, 0],
        [0, 10, 11, 0],
        [14, 15, 13, 12],
        [18, 19, 17, 16],
    ]


def test_every_kind_of_real_number_that_numpy_has_is_read():
    for code in np.typecodes["AllInteger"]:
        one = np.dtype(code).type(1)
        assert schedule_to_dense([[("A", one)]], "price")[1].tolist() == [[1]]
        assert schedule_to_dense([[("A", one)]], "weight")[1].tolist() == [[1.0]]
    for code in np.typecodes["Float"]:
        half = np.dtype(code).type(0.5)
        assert schedule_to_dense([[("A", half)]], "weight")[1].tolist() == [[0.5]]


class Lot(IntEnum):
    HUNDRED = 100


class Twice(float):
    def __float__(self):
        return 2 * super().__float__()


def test_numbers_of_other_classes_are_read_by_their_own_rules():
    _, table = schedule_to_dense([[("A", Twice(0.5)), ("B", Lot.HUNDRED)]], "weight")
    assert table.tolist() == [[1.0, 100.0]]
    _, table = schedule_to_dense([[("A", Lot.HUNDRED)]], "price")
    assert table.tolist() == [[100]]


class Emptying(list):
    """A pair that empties the row that it stands in as soon as it is read."""

    def __init__(self, pair, row):
        super().__init__(pair)
        self.row = row

    def __iter__(self):
        self.row.clear()
        return super().__iter__()


def test_a_row_that_shrinks_while_it_is_read_ends_there():
    row = [("A", 0.5)]
    row += [Emptying(("B", 0.25), row), ("C", 0.25)]
    schedule = [[("A", 1.0), ("B", 1.0), ("C", 1.0)], row, [("C", 1.0)]]
    symbols, table = schedule_to_dense(schedule, "weight")
    assert symbols == ("A", "B", "C")
    assert table.tolist() == [[1.0, 1.0, 1.0], [0.5, 0.25, 0.0], [0.0, 0.0, 1.0]]


class Vanishing(float):
    """A weight that takes everything around it away as soon as it is read."""

    schedule = None

    def __float__(self):
        for row in self.schedule:
            row.clear()
        self.schedule.clear()
        return 1.0


def test_a_schedule_that_vanishes_while_it_is_read_harms_nothing():
    schedule = [[(f"S{number}", 0.5) for number in range(100)] for _ in range(100)]
    weight = Vanishing(0.5)
    weight.schedule = schedule
    schedule[50][50] = ("S50", weight)
    symbols, table = schedule_to_dense(schedule, "weight")
    assert table.shape[1] == len(symbols) == 100
    assert table[50, 50] == 1.0


@pytest.fixture
def alarm():
    """Calls a function the way Ctrl-C would, once this process has worked for so many seconds."""
    before = signal.getsignal(signal.SIGPROF)

    # What a handler raises is lost if it happens to run inside a callback of the collector.
    gc.disable()

    def set_alarm(handler, seconds):
        signal.signal(signal.SIGPROF, lambda _number, _frame: handler())
        signal.setitimer(signal.ITIMER_PROF, seconds)

    yield set_alarm
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    gc.enable()


@pytest.mark.parametrize("turned", [False, True], ids=["in the same places", "moving"])
def test_a_signal_is_answered_in_the_middle_of_a_call(alarm, turned):
    # One row many times, emptied by the handler: full and empty only for a call still under way.
    # So few symbols that a first row, whose symbols are checked in Python, is read long before;
    # where the machine was busy with something else it is not, and the alarm comes later.
    for seconds in (0.008, 0.016, 0.032, 0.064):
        row = [(f"S{number}", 1) for number in range(200)]
        other = row[::-1] if turned else row[:]
        alarm(row.clear, seconds)
        _, table = schedule_to_dense([row, other] * 30_000, "price")
        if table[0].all():
            break
    assert table[0].all()
    assert table[1].all()
    assert not table[-2].any()
    assert table[-1].all()


def test_what_a_signal_handler_raises_ends_the_call(alarm):
    def interrupt():
        raise KeyboardInterrupt

    alarm(interrupt, 0.01)
    with pytest.raises(KeyboardInterrupt):
        schedule_to_dense([[(f"S{number}", 1) for number in range(200)]] * 40_000, "price")


@pytest.mark.parametrize("row", [None, []], ids=["held", "empty"])
def test_a_signal_is_answered_where_rows_have_no_pairs(alarm, row):
    # A list that the handler empties: the table is as long as the list was at the start.
    schedule = [[("A", 1.0)], *([row] * 3_000_000)]
    answered = []

    def interrupt():
        answered.append(True)
        raise KeyboardInterrupt

    alarm(interrupt, 0.005)
    with pytest.raises(KeyboardInterrupt):
        schedule_to_dense(schedule, "weight")
    assert answered == [True]


def test_a_row_of_repetitions_before_a_long_history_is_refused_without_the_room_for_it():
    schedule = [[("A", 1)] * 10**5, *([[]] * 10**6)]
    with pytest.raises(ValueError, match="period 0: 'A' is there twice"):
        schedule_to_dense(schedule, "price")


@pytest.mark.parametrize("values", ["weight", "price"])
def test_a_value_whose_class_cannot_be_hashed_is_refused_in_the_words_of_the_core(values):
    class Unhashable(type):
        __hash__ = None

    class Odd(metaclass=Unhashable):
        pass

    schedule = [[("A", Odd())]]
    assert outcome(schedule_to_dense, schedule, values) == outcome(
        core.schedule_to_dense, schedule, values
    )
