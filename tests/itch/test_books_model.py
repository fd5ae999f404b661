"""All books of every kernel are the model's, after every message, and so is all they write."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.itch.compare import ALL, booked, kernels, make_books, of_books, of_error, of_memory
from tests.itch.test_decode_model import anything, cuts, some_symbols, times

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.errors import ItchError
from nanobook_core.testing.law import law
from nanobook_itch.testing.day import day_bytes
from nanobook_itch.testing.packing import message

KERNELS = kernels("itch_books")

depths = st.sampled_from([1, 2, 3, 10])
some_tables = st.frozensets(st.sampled_from(sorted(ALL)))
grids = st.lists(times | st.integers(0, 40), max_size=6).map(sorted)


def equal(act):
    """What `act` does with every kernel, which must be what it does with the model."""
    outcomes = {name: act(kernel) for name, kernel in KERNELS.items()}
    for name, outcome in outcomes.items():
        assert outcome == outcomes["model"], name


def test_there_is_something_to_compare_with():
    assert len(KERNELS) >= 2


@settings(law, max_examples=15)
@given(data=anything, strict=st.booleans(), depth=depths)
def test_message_by_message(data, strict, depth):
    place, sizes = 0, []
    while place < len(data):
        sizes.append(2 + int.from_bytes(data[place : place + 2], "big"))
        place += sizes[-1]
    equal(lambda kernel: booked(kernel, data, sizes, strict=strict, depth=depth))


@settings(law, max_examples=25)
@given(data=anything, tail=st.binary(max_size=4), tables=some_tables, symbols=some_symbols)
def test_whole(data, tail, tables, symbols):
    equal(lambda kernel: booked(kernel, data + tail, tables=tables, symbols=symbols))


@settings(law, max_examples=25)
@given(data=anything, sizes=cuts, strict=st.booleans(), start=times, end=times)
def test_in_pieces_of_any_size(data, sizes, strict, start, end):
    equal(lambda kernel: booked(kernel, data, sizes, strict=strict, start=start, end=end))


@settings(law, max_examples=25)
@given(data=anything, grid=grids, finish=times, rows=st.tuples(times, times))
def test_on_a_grid(data, grid, finish, rows):
    options = {"grid": grid, "finish": finish, "start": rows[0], "end": rows[1]}
    equal(lambda kernel: booked(kernel, data, **options))


@settings(law, max_examples=25)
@given(data=anything, stops=st.lists(times, max_size=4), strict=st.booleans())
def test_until_a_time(data, stops, strict):
    def act(kernel):
        books, left, told = make_books(kernel, strict=strict), data, []
        for stop in [*sorted(stops), None]:
            try:
                read = books.feed(left, until=stop)
            except ItchError as error:
                told.append(of_error(error))
                break
            left = left[read:]
            told.append((read, of_books(books)))
        return told

    equal(act)


@settings(law, max_examples=25)
@given(data=anything, more=anything, symbols=some_symbols, grid=st.none() | grids)
def test_restored(data, more, symbols, grid):
    def act(kernel):
        books = make_books(kernel, symbols=symbols)
        books.feed(data)
        other = make_books(kernel, symbols=symbols, grid=grid)
        other.restore(books.orders(), books.memory)
        told = [of_books(other), of_memory(other.memory)]
        other.feed(more)
        other.finish(10**13)
        return [*told, of_books(other), of_memory(other.memory)]

    equal(act)


@settings(law, max_examples=25)
@given(data=st.binary(max_size=200), strict=st.booleans())
def test_bytes_of_any_kind(data, strict):
    equal(lambda kernel: booked(kernel, data, strict=strict))


@settings(law, max_examples=25)
@given(data=anything)
def test_an_error_stays(data):
    def act(kernel):
        books, told = make_books(kernel, strict=True), []
        for run in (data, data, b""):
            try:
                told.append(books.feed(run))
            except ItchError as error:
                told.append(of_error(error))
        return told

    equal(act)


@pytest.mark.parametrize("seed", range(3))
def test_a_generated_day(seed):
    data = day_bytes(messages=600, symbols=1 + 5 * seed, seed=seed, end_mark=seed % 2 == 1)
    sizes = (3000, 64, 1) if seed else ()
    equal(lambda kernel: booked(kernel, data, sizes, strict=True, depth=5))
    grid = range(0, 86_400 * 10**9, 600 * 10**9)
    equal(lambda kernel: booked(kernel, data, strict=True, grid=grid, finish=10**14))


def test_nothing_to_restore_is_nothing():
    def act(kernel):
        books = make_books(kernel)
        books.restore(np.zeros(0, books.orders().dtype), ItchMemory())
        return of_books(books)

    equal(act)


def test_restored_books_know_nothing_of_symbols_whose_orders_had_gone():
    """On a grid these have rows in the books that have read all, but not in restored ones."""
    gone = message("A", 1, 1, 1, b"B", 5, b"A       ", 100) + message("D", 1, 2, 1)
    live = message("A", 2, 3, 2, b"S", 5, b"AAPL    ", 100)
    for kernel in KERNELS.values():
        books = make_books(kernel)
        books.feed(gone + live)
        restored = make_books(kernel, grid=[10, 20])
        restored.restore(books.orders(), books.memory)
        restored.feed(message("A", 1, 15, 3, b"B", 5, b"A       ", 100))
        restored.finish(20)
        rows = restored.take()["depth"]
        assert rows["timestamp"].tolist() == [10, 20, 20]
        assert rows["locate"].tolist() == [2, 1, 2]
        whole = make_books(kernel, grid=[10])
        whole.feed(gone + live)
        whole.finish(10)
        assert whole.take()["depth"]["locate"].tolist() == [1, 2]
