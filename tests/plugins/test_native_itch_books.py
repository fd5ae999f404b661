"""The compiled `itch_books`, by way of the best one installed: without a compiler the fallback."""

import gc
import mmap
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Thread

import numpy as np
import pytest

from nanobook_core.contracts import ItchMemory
from nanobook_core.contracts.itch import ItchBooks as Contract
from nanobook_core.errors import ConcurrentUseError, ItchError, ValidationError
from nanobook_core.plugin.registry import Registry
from nanobook_itch.fallback.books import ItchBooks as Fallback
from nanobook_itch.testing.day import day_bytes
from nanobook_itch.testing.packing import message
from nanobook_native import COMPILED

ItchBooks = Registry.discover().load("kernel", "itch_books")

TABLES = frozenset({"bbo", "trades", "orders", "depth"})
SETTINGS = {
    "symbols": None,
    "strict": False,
    "tables": TABLES,
    "depth": 3,
    "grid": None,
    "start": 0,
    "end": 2**63 - 1,
}
SYMBOLS = (b"AAPL", b"B", b"  A", b"ABCDEFGH", b"", b"A\0B")
DAY = day_bytes(messages=6_000, symbols=6, seed=2)


def made(kernel=ItchBooks, **settings):
    return kernel(**{**SETTINGS, **settings})


def add(reference, price, shares=1, *, side=b"B", locate=1, symbol=b"A", time=0):
    return message("A", locate, time, reference, side, shares, symbol.ljust(8), price)


def rows(table):
    return table.dtype, [table[name].tobytes() for name in table.dtype.names]


def taken(books):
    return {name: rows(table) for name, table in books.take().items()}


def state(books, locates=range(5)):
    memory = books.memory
    return {
        "orders": rows(books.orders()),
        "levels": [rows(books.levels(at, side)) for at in locates for side in (b"B", b"S")],
        "memory": (memory.sequence, memory.offset, memory.timestamp, memory.symbols.tobytes()),
        "counts": books.counts.tolist(),
        "problems": books.problems,
        "n_problems": books.n_problems,
        "ended": books.ended,
        "len": len(books),
    }


def told(kernel, data, pieces=(), finish=None, **settings):
    """All that a kernel says while it reads some bytes in pieces, and after."""
    books = made(kernel, **settings)
    said, at = [], 0
    for size, until in (*pieces, (len(data), None)):
        try:
            at += books.feed(data[at : at + size], until)
        except ItchError as error:
            said.append((str(error), error.offset, error.type))
        said.append(at)
        said.append(taken(books))
    if finish is not None:
        books.finish(finish)
    return said, taken(books), state(books)


def same(data, pieces=(), finish=None, **settings):
    expected = told(Fallback, data, pieces, finish, **settings)
    assert told(ItchBooks, data, pieces, finish, **settings) == expected
    return expected


def storm(seed, n, prices, references):
    """Messages of orders, nearly sound; few references so that many are wrong."""
    draw = Random(seed)  # noqa: S311 - no secret
    found, time = [], 0
    for _ in range(n):
        time += draw.choice((0, 0, 1, 5)) - (draw.random() < 0.01)
        locate = draw.choice((1, 1, 1, 2, 3))
        reference, other = draw.choice(references), draw.choice(references)
        shares = draw.choice((0, 1, 1, 2, 3, 2**32 - 1))
        entry = (shares, SYMBOLS[locate].ljust(8), draw.choice(prices))
        side = draw.choice((b"B", b"S", b"B", b"S", b"B", b"S", b"x"))
        kind = draw.choice("AAAAAFDDXECUUUPQBS")
        body = {
            "A": (reference, side, *entry),
            "F": (reference, side, *entry, b"MPID"),
            "D": (reference,),
            "X": (reference, shares),
            "E": (reference, shares, 7),
            "C": (reference, shares, 7, draw.choice((b"Y", b"N", b" ")), draw.choice(prices)),
            "U": (reference, other, shares, draw.choice(prices)),
            "P": (reference, side, *entry, 7),
            "Q": (shares, entry[1], entry[2], 7, draw.choice((b"O", b" "))),
            "B": (7,),
            "S": (b"O",),
        }[kind]
        found.append(message(kind, locate, max(time, 0), *body))
    return b"".join(found)


def test_what_is_compiled_is_what_is_used():
    offer = Registry.discover().get("kernel", "itch_books")
    assert offer.provider == ("nanobook-native" if COMPILED else "nanobook-itch")
    assert isinstance(made(), Contract)


@pytest.mark.parametrize("settings", [{}, {"strict": True}, {"depth": 1}, {"symbols": {b"AAPL"}}])
def test_a_day_equals_the_fallbacks(settings):
    said, _, _ = same(DAY, [(100_001, None)], **settings)
    assert said[2] == len(DAY)


@pytest.mark.parametrize("seed", range(6))
def test_a_storm_of_wrong_messages_equals_the_fallbacks(seed):
    data = storm(seed, 1_500, range(5), range(1, 30))
    _, _, books = same(data, [(7, None), (9_000, 50), (9_000, None)])
    assert set(books["n_problems"]) >= {
        *("time_back", "bad_side", "no_shares"),
        *("unknown_reference", "duplicate_reference", "excess", "wrong_locate"),
    }
    same(data, symbols=frozenset({b"B", b"ABCDEFGH", b"A\0B", b"LONGER THAN ANY"}))
    same(data, start=300, end=900, depth=1)
    same(data, finish=10**6, grid=np.array([0, 1, 7, 7, 300, 301, 5_000]), start=5, end=10_000)
    same(data, strict=True)


@pytest.mark.parametrize(("seed", "depth"), [(1, 1), (2, 10), (3, 150), (4, 400)])
def test_books_of_many_levels_equal_the_fallbacks(seed, depth):
    """As many as do not fit one piece, of which some fill, others run empty."""
    data = storm(seed, 3_000, range(1, 3_000), range(1, 1_500))
    draw = Random(seed)  # noqa: S311 - no secret
    full = [add(10_000 + i, 10_000 + 7 * i) for i in range(600)]
    full += [add(20_000 + i, 90_000 - 7 * i, side=b"S") for i in range(600)]
    draw.shuffle(full)
    gone = [
        message("D", 1, 0, reference)
        for first in (10_000, 20_000)
        for reference in range(first, first + 600)
    ]
    if seed % 2:
        draw.shuffle(gone)
    data = b"".join(full) + data + b"".join(gone)
    half = len(full) * len(full[0])
    same(data, [(half, None)], depth=depth, tables=frozenset({"bbo", "depth"}))
    books = made()
    books.feed(data[:half])
    assert books.levels(1, b"B")["price"].tolist() == [10_000 + 7 * i for i in reversed(range(600))]
    assert books.levels(1, b"S", 2)["price"].tolist() == [90_000 - 7 * 599, 90_000 - 7 * 598]


def test_the_table_of_orders_grows_and_loses_none():
    draw = Random(1)  # noqa: S311 - no secret
    references = [draw.getrandbits(64) for _ in range(30_000)]
    books = made(tables=frozenset())
    empty = books.n_bytes
    books.feed(b"".join(add(each, 1 + each % 5) for each in references))
    assert books.orders()["reference"].tolist() == references
    assert len(books) == 30_000
    assert books.n_bytes >= empty + 24 * 30_000
    draw.shuffle(references)
    books.feed(b"".join(message("D", 1, 0, each) for each in references[100:]))
    assert set(books.orders()["reference"].tolist()) == set(references[:100])
    assert books.n_problems == {}


@pytest.mark.parametrize("step", [1, 8, 2**20, 2**32, 2**56, 0x9E3779B97F4A7C15])
def test_references_in_any_pattern_are_found(step):
    references = [i * step % 2**64 for i in range(8_000)]
    books = made(tables=frozenset())
    books.feed(b"".join(add(each, 7) for each in dict.fromkeys(references)))
    books.feed(b"".join(message("D", 1, 0, each) for each in dict.fromkeys(references)))
    assert (len(books), books.n_problems) == (0, {})


def test_in_pieces_of_any_size_it_is_the_same():
    data = storm(5, 400, range(4), range(1, 20))
    whole = made()
    whole.feed(data)
    expected = taken(whole), state(whole)
    for size in (1, 3, 40, 1_000):
        books = made()
        left = b""
        tables = {name: [] for name in TABLES}
        for start in range(0, len(data), size):
            left += data[start : start + size]
            left = left[books.feed(left) :]
            for name, table in books.take().items():
                tables[name].append(table)
        joined = {name: rows(np.concatenate(parts)) for name, parts in tables.items()}
        assert (joined, state(books)) == expected


def test_until_stops_before_the_first_later_message():
    data = add(1, 5, time=10) + add(2, 6, time=10) + add(3, 7, time=11)
    books = made()
    assert books.feed(data, 9) == 0
    assert books.feed(data, 10) == 76
    assert books.take()["bbo"]["bid"].tolist() == [5, 6]
    assert books.feed(data[76:], 2**70) == 38
    assert books.feed(data, -(2**70)) == 0


def test_a_restored_book_goes_on_as_the_one_before():
    cut = DAY.index(message("S", 0, 0, b"M")[2:3], 150_000)
    first, at = made(), 0
    at = first.feed(DAY[:cut])
    first.take()
    second = made()
    second.restore(first.orders(), first.memory)
    assert state(second, ())["orders"] == state(first, ())["orders"]
    for books in (first, second):
        books.feed(DAY[at:])
    assert taken(second) == taken(first)
    expected, found = state(first, range(8)), state(second, range(8))
    assert found.pop("counts") != expected.pop("counts")
    assert found == expected


def test_restored_books_keep_wanted_orders_only_and_count_on():
    first = made()
    first.feed(add(1, 5) + add(2, 6, symbol=b"B", locate=2))
    second = made(symbols=frozenset({b"A"}))
    second.restore(first.orders()[::-1], first.memory)
    second.feed(add(3, 7) + add(4, 7, symbol=b"B", locate=2))
    assert second.orders()[["reference", "rank"]].tolist() == [(1, 0), (3, 2)]


def live(**changes):
    orders = np.zeros(2, made().orders().dtype)
    orders[:] = [(1, 0, 5, 1, 1, b"B"), (2, 1, 6, 1, 1, b"S")]
    for name, value in changes.items():
        orders[name][1] = value
    return orders


@pytest.mark.parametrize(
    "orders",
    [
        live(reference=1),
        live(rank=0),
        live(rank=-1),
        live(rank=2**32 - 1),
        live(price=0),
        live(price=2**32),
        live(shares=0),
        live(shares=-1),
        live(side=b"b"),
        live()[["reference", "price"]],
        live().reshape(2, 1),
        np.zeros(3),
    ],
)
def test_orders_that_no_feed_leads_to_are_not_restored(orders):
    books = made()
    with pytest.raises(ValidationError, match="live order"):
        books.restore(orders, ItchMemory())
    assert len(books) == 0
    assert books.feed(add(1, 5)) == 38


@pytest.mark.parametrize(
    ("name", "value"), [("sequence", -1), ("offset", 2**63 - 1), ("timestamp", 2**48)]
)
def test_a_memory_that_no_feed_leads_to_is_not_restored(name, value):
    books, memory = made(), ItchMemory()
    setattr(memory, name, value)
    with pytest.raises(ValidationError, match=f"{name} of a memory is 0 to"):
        books.restore(live(), memory)
    books.restore(live(), ItchMemory())
    assert len(books) == 2


def test_tables_that_there_are_not_are_refused():
    with pytest.raises(ValidationError, match="'orders' and 'depth', got 'bbos'"):
        made(tables=frozenset({"bbo", "bbos"}))


def test_symbols_are_wanted_without_what_stands_on_their_right():
    books = made(symbols=frozenset({b"A\0", b"B ", b"LONGER THAN ANY"}))
    for locate, symbol in enumerate((b"A", b"B", b"C", b"LONGER T"), 1):
        books.feed(add(locate, 5, symbol=symbol, locate=locate))
    assert books.orders()["reference"].tolist() == [1, 2]


def test_times_of_a_grid_may_be_any():
    data = add(1, 5, time=3) + add(2, 6, time=2**48 - 1)
    grid = np.array([-5, 3, 2**48 - 1, 2**48, 2**62])
    same(data, grid=grid, finish=2**62, start=-10, tables=frozenset({"depth"}))


class Late:
    """Garbage that feeds books when it is collected."""

    def __init__(self, books, data):
        self.itself, self.books, self.data = self, books, data

    def __del__(self):
        with suppress(ConcurrentUseError):
            self.books.feed(self.data)


@pytest.mark.parametrize("threshold", range(1, 12))
def test_a_finalizer_cannot_feed_books_that_are_being_read(threshold):
    books = made(tables=frozenset({"bbo", "orders"}))
    books.feed(b"".join(add(i, i) for i in range(1, 10)))
    before = gc.get_threshold()
    found = []
    gc.freeze()  # or all that the tests hold is looked at again and again
    for first, read in ((10, books.take), (3_000, books.orders)):
        gc.collect()
        gc.disable()
        Late(books, b"".join(add(i, i) for i in range(first, first + 2_990)))
        gc.set_threshold(threshold)
        gc.enable()
        found.append(read())
        gc.set_threshold(*before)
        gc.collect()
    gc.unfreeze()
    later = books.take()
    n = len(books)
    assert len(found[0]["orders"]) + len(later["orders"]) == n
    assert len(found[0]["bbo"]) == len(found[0]["orders"])
    assert len(found[1]) <= n


def test_books_that_have_read_something_are_not_restored():
    books = made()
    books.feed(message("S", 0, 0, b"O"))
    with pytest.raises(ValidationError, match="read nothing"):
        books.restore(live(), ItchMemory())


@pytest.mark.parametrize(
    "entry", [add(3, 7), message("U", 1, 0, 1, 3, 7, 7)], ids=["add", "replace"]
)
def test_more_orders_than_ranks_are_refused_before_anything_changes(entry):
    books = made()
    books.restore(live(rank=2**32 - 2), ItchMemory())
    books.feed(message("S", 0, 0, b"O"))
    before = state(books)
    for _ in range(2):
        with pytest.raises(ItchError, match="at byte 14: more than 4294967295 orders") as caught:
            books.feed(entry)
        assert caught.value.type == chr(entry[2])
    assert state(books) == before


def test_sums_of_a_level_are_of_64_bits():
    books = made()
    books.feed(b"".join(add(i, 7, 2**32 - 1) for i in range(5)))
    assert books.levels(1, b"B").tolist() == [(7, 5 * (2**32 - 1), 5)]
    assert books.take()["orders"]["level_shares"].tolist() == [i * (2**32 - 1) for i in range(1, 6)]


def test_what_was_wrong_is_raised_again_and_books_stay_as_before():
    sound, wrong = add(1, 5), message("D", 1, 0, 9)
    books = made(strict=True)
    for data in (sound + wrong + sound, wrong, b""):
        with pytest.raises(ItchError, match=r"at byte 38: .*: order 9") as caught:
            books.feed(data)
        assert (caught.value.offset, caught.value.type) == (38, "D")
    assert books.orders()["reference"].tolist() == [1]
    assert (books.memory.offset, books.memory.sequence) == (38, 1)
    assert (books.problems, books.n_problems) == ((), {})
    assert len(books.take()["orders"]) == 1


def test_a_symbol_in_a_refused_message_is_not_learnt():
    books = made(strict=True)
    with pytest.raises(ItchError):
        books.feed(add(1, 0, symbol=b"WRONG"))
    assert not books.memory.symbols.any()


def test_anything_with_contiguous_bytes_is_read(tmp_path):
    data = add(1, 5) + add(2, 6)
    (tmp_path / "day").write_bytes(data)
    expected = told(ItchBooks, data)
    with (tmp_path / "day").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with mapped:
            for each in (bytearray(data), memoryview(data), np.frombuffer(data, np.uint8), mapped):
                books = made()
                books.feed(each)
                assert (taken(books), state(books)) == (expected[0][1], expected[2])


@pytest.mark.parametrize(
    "data", [None, 7, "text", [1, 2], memoryview(b"abcd")[::2], np.zeros((4, 4), "u1")[:, 1]]
)
def test_what_has_no_contiguous_bytes_is_a_type_error(data):
    books = made()
    with pytest.raises(TypeError, match="bytes"):
        books.feed(data)
    assert books.feed(add(1, 5)) == 38


def test_the_mark_of_the_end_is_left():
    books = made()
    assert books.feed(add(1, 5) + b"\0\0") == 38
    assert books.ended
    assert books.feed(b"\0\0" + add(2, 5)) == 40
    assert not books.ended
    assert books.n_problems == {"length_zero": 1}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda books: books.levels(65_536, b"B"), "locate is from 0 to 65535"),
        (lambda books: books.orders(-1), "locate is from 0 to 65535"),
        (lambda books: books.levels(1, b"b"), "side is b'B' or b'S'"),
    ],
)
def test_places_that_are_none_are_refused(ask, said):
    with pytest.raises(ValidationError, match=said):
        ask(made())


def test_two_threads_cannot_be_inside_at_once():
    books = made(tables=frozenset())
    data = message("S", 0, 0, b"O") * 2_000_000
    refused = []

    def ask():
        while not refused and thread.is_alive():
            try:
                len(books)
            except ConcurrentUseError as error:
                refused.append(error)

    while not refused:
        books = made(tables=frozenset())
        thread = Thread(target=books.feed, args=(data,))
        thread.start()
        ask()
        thread.join()
    assert len(books) == 0
    assert books.memory.sequence == 2_000_000 if COMPILED else True


def test_threads_have_books_of_their_own():
    days = [day_bytes(messages=2_000, symbols=4, seed=seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda data: told(ItchBooks, data), days * 3))
    assert found == [told(ItchBooks, data) for data in days] * 3


def test_ctrl_c_ends_a_long_run_after_a_whole_message():
    """What is read before and after it is the same as what is read at once."""
    run = storm(3, 20_000, range(1, 9), range(1, 50)) * 5
    whole = made()
    whole.feed(run)
    expected, tables = state(whole), taken(whole)
    n_interrupted = 0
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        while n_interrupted < 3:
            books, at, parts = made(), 0, []
            while at < len(run):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.002 * (1 + n_interrupted))
                    books.feed(memoryview(run)[at:])
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    n_interrupted += books.memory.offset > at
                at = books.memory.offset
                parts.append(books.take())
            joined = {name: rows(np.concatenate([each[name] for each in parts])) for name in TABLES}
            assert (joined, state(books)) == (tables, expected)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


FULL = """
import resource
from nanobook_core.plugin.registry import Registry
from nanobook_itch.testing.packing import message

books = Registry.discover().load("kernel", "itch_books")(
    symbols=None, strict=True, tables=frozenset(), depth=1, grid=None, start=0, end=2**63 - 1
)
with open("/proc/self/statm") as sizes:
    pages = int(sizes.read().split()[0])
limit = pages * resource.getpagesize() + 2**26
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
n = 0
try:
    while True:
        orders = range(n, n + 1_000)
        books.feed(b"".join(message("A", 1, 0, i, b"B", 1, b"A".ljust(8), i + 1) for i in orders))
        n += 1_000
except MemoryError as error:
    print(n > 10_000)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="no limits for other processes here"
)
def test_full_memory_is_a_memory_error():
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_memory_of_levels_comes_and_goes():
    def told(n):
        books = made(tables=frozenset())
        empty = books.n_bytes
        books.feed(b"".join(add(i, i) for i in range(1, n + 1)))
        full = books.n_bytes
        books.feed(b"".join(message("D", 1, 0, i) for i in range(1, n + 1)))
        return empty, full, books.n_bytes

    empty, full, left = told(2_000)
    assert full >= empty + 16 * 2_000
    assert left == told(128)[2]


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled here")
def test_ctrl_c_leaves_no_time_of_a_grid_half_written():
    settings = {"grid": np.arange(30_000), "tables": frozenset({"depth"}), "depth": 20}
    data = b"".join(add(i, 5, locate=i) for i in range(1, 9))
    whole = made(**settings)
    whole.feed(data)
    whole.finish(30_000)
    (expected,) = taken(whole).values()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    n_interrupted = 0
    try:
        while n_interrupted < 2:
            books = made(**settings)
            books.feed(data)
            is_done = False
            while not is_done:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.003)
                    books.finish(30_000)
                    is_done = True
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    n_interrupted += 1
            (found,) = taken(books).values()
            assert found == expected
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
