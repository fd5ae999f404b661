"""The kernels without a compiler are found, take any bytes, and stop when they are told to."""

import array
import io
import itertools
import mmap
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from nanobook_core.contracts.itch import ItchBooks as Contract
from nanobook_core.contracts.itch import ItchDecode, ItchMemory
from nanobook_core.errors import ConcurrentUseError, ItchError, ValidationError
from nanobook_itch.encode import encode_message
from nanobook_itch.fallback import walk
from nanobook_itch.fallback.books import ItchBooks
from nanobook_itch.fallback.decode import itch_decode
from nanobook_itch.testing.day import day_bytes

WANTED = {"symbols": None, "start": 0, "end": 2**63 - 1, "strict": True}


def decoded(data, memory=None, **options):
    return itch_decode(data, memory or ItchMemory(), **{**WANTED, "types": None, **options})


def make_books(**options):
    usual = {"tables": frozenset({"bbo"}), "depth": 1, "grid": None}
    return ItchBooks(**{**WANTED, **usual, **options})


def delete(time, reference=1):
    return encode_message("D", locate=1, timestamp=time, reference=reference)


def add(time, reference, symbol="AAPL", locate=1):
    fields = {"reference": reference, "side": "B", "shares": 1, "price": 1}
    return encode_message("A", locate=locate, timestamp=time, symbol=symbol, **fields)


def test_they_are_what_the_contract_says():
    assert isinstance(itch_decode, ItchDecode)
    assert isinstance(make_books(), Contract)


NO_COMPILED = """
import numpy, nanobook
from nanobook_core.contracts.itch import ItchMemory
from nanobook_itch.testing.day import day_bytes
data = day_bytes(messages=400, symbols=3, seed=1)
wanted = {"symbols": None, "start": 0, "end": 2**63 - 1, "strict": True}
decode = nanobook.registry().load("kernel", "itch_decode")
make = nanobook.registry().load("kernel", "itch_books")
books = make(tables=frozenset({"bbo"}), depth=1, grid=None, **wanted)
print(decode.__module__, make.__module__)
print(decode(data, ItchMemory(), types=None, **wanted).n_messages, books.feed(data) == len(data))
"""


def test_no_compiler_is_needed():
    done = subprocess.run(
        [sys.executable, "-c", NO_COMPILED],
        env={**os.environ, "NANOBOOK_BLOCK": "nanobook-native"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "nanobook_itch.fallback.decode nanobook_itch.fallback.books",
        "400 True",
    ]


# Bytes.


def mapped(data):
    area = mmap.mmap(-1, len(data))
    area.write(data)
    return area


BUFFERS = {
    "bytearray": bytearray,
    "memoryview": memoryview,
    "read-only memoryview": lambda data: memoryview(bytearray(data)).toreadonly(),
    "mmap": mapped,
    "numpy bytes": lambda data: np.frombuffer(data, np.uint8),
    "numpy signed": lambda data: np.frombuffer(data, np.int8),
    "numpy square": lambda data: np.frombuffer(data, np.uint8).reshape(2, -1),
    "numpy numbers": lambda data: np.frombuffer(data, np.uint16),
    "array": lambda data: array.array("B", data),
    "BytesIO": lambda data: io.BytesIO(data).getbuffer(),
}


@pytest.mark.parametrize("make", BUFFERS.values(), ids=BUFFERS)
def test_bytes_of_any_kind_are_read(make):
    data = add(1, 1) + delete(2) + add(3, 2)
    data = data if len(data) % 2 == 0 else data + b"\0"
    found = decoded(make(data))
    assert found.families["order"]["type"].tolist() == [b"A", b"D", b"A"]
    assert make_books().feed(make(data)) == found.n_bytes


@pytest.mark.parametrize(
    "data",
    ["AAPL", 5, None, [1, 2], np.zeros((4, 4), np.uint8)[:, 1], memoryview(b"abcdef")[::2]],
    ids=["text", "number", "None", "list", "column", "every second"],
)
def test_what_has_no_contiguous_bytes_is_refused(data):
    with pytest.raises(TypeError, match=r"contiguous bytes|bytes-like"):
        decoded(data)
    with pytest.raises(TypeError, match=r"contiguous bytes|bytes-like"):
        make_books().feed(data)


def test_bytes_of_times_are_read():
    data = np.frombuffer(b"".join(map(delete, range(8))), "M8[ns]")
    assert decoded(data).n_messages == 8
    assert make_books(strict=False).feed(data) == 8 * 21


@pytest.mark.parametrize("data", [b"", bytearray(), memoryview(b""), np.zeros(0, np.uint8)])
def test_no_bytes_are_no_messages(data):
    found = decoded(data)
    assert (found.n_bytes, found.n_messages, found.ended) == (0, 0, False)
    assert make_books().feed(data) == 0


# Memory.


def test_a_refused_run_leaves_the_memory_as_it_was():
    memory = ItchMemory()
    decoded(add(5, 1), memory)
    with pytest.raises(ItchError, match="1 ns after 6 ns"):
        decoded(add(6, 2, "MSFT") + delete(1), memory)
    assert (memory.sequence, memory.timestamp, memory.offset) == (1, 5, len(add(5, 1)))
    assert memory.symbols[1] == b"AAPL"


def test_the_memory_goes_from_run_to_run():
    memory = ItchMemory()
    data = add(5, 1) + add(6, 2, "MSFT", locate=65535) + delete(7)
    rows = []
    for place in (slice(0, 38), slice(38, 76), slice(76, None)):
        rows += decoded(data[place], memory).families["order"][["sequence", "symbol"]].tolist()
    assert rows == [(0, b"AAPL"), (1, b"MSFT"), (2, b"AAPL")]
    assert (memory.sequence, memory.timestamp, memory.offset) == (3, 7, len(data))
    assert memory.symbols[65535] == b"MSFT"


def test_a_locate_is_the_last_stock_that_it_was_told_to_be():
    data = [delete(1), add(2, 1), delete(3), add(4, 2, "MSFT"), delete(5), add(6, 3, ""), delete(7)]
    symbols = [b"", b"AAPL", b"AAPL", b"MSFT", b"MSFT", b"", b""]
    assert decoded(b"".join(data)).families["order"]["symbol"].tolist() == symbols


@pytest.mark.parametrize("size", [65_540, 70_001, 100_000])
def test_blocks_of_any_size_give_the_same(size, monkeypatch):
    data = day_bytes(messages=6000, symbols=5, seed=3)
    assert len(data) > 2 * size or size == 100_000
    whole = decoded(data)
    monkeypatch.setattr(walk, "BLOCK", size)
    pieces = decoded(data)
    assert whole.index.tobytes() == pieces.index.tobytes()
    for name, table in whole.families.items():
        assert table.tobytes() == pieces.families[name].tobytes()
    assert whole.n_bytes == pieces.n_bytes == len(data)


def test_the_longest_message_fits_a_block():
    longest = (65_535).to_bytes(2) + bytes([1]) * 65_535
    assert len(longest) <= walk.BLOCK
    found = decoded(longest * 40 + add(1, 1), strict=False)
    assert (found.n_messages, found.n_problems) == (41, {"unknown_type": 40})


def test_the_first_thousand_problems_are_told():
    found = decoded(b"\0\1z" * 1500 + add(1, 1), strict=False)
    assert len(found.problems) == 1000
    assert found.n_problems == {"unknown_type": 1500}
    assert (found.problems[-1].offset, found.problems[-1].detail) == (2997, "'z', of 1 bytes")
    assert len(found.families["order"]) == 1


# In the middle of it.


@contextmanager
def at_call(name, turn, act):
    """Act when a function of that name is called for the `turn`-th time."""
    calls = itertools.count(1)

    def profile(frame, event, _):
        if event == "call" and frame.f_code.co_name == name and next(calls) == turn:
            act()

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.fixture
def interrupt():
    """Press Ctrl-C."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, handler)


def test_an_interrupt_comes_after_a_whole_message(interrupt):
    feed = [add(time, time) for time in range(1, 51)]
    books = make_books()
    with pytest.raises(KeyboardInterrupt), at_call("change", 20, interrupt):
        books.feed(b"".join(feed))
    assert books.memory.sequence == len(books) == 20
    assert books.memory.offset == 20 * len(feed[0])
    assert books.levels(1, b"B").tolist() == [(1, 20, 20)]
    assert books.feed(b"".join(feed[20:])) == 30 * len(feed[0])
    assert books.take()["bbo"]["bid_shares"].tolist() == list(range(1, 51))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_leaves_the_memory_of_a_decoder_as_it_was(interrupt, monkeypatch):
    memory = ItchMemory()
    monkeypatch.setattr(walk, "BLOCK", 70_000)
    with pytest.raises(KeyboardInterrupt), at_call("_check", 2, interrupt):
        decoded(day_bytes(messages=6000, symbols=2, seed=1), memory)
    assert (memory.sequence, memory.offset) == (0, 0)
    assert not memory.symbols.astype(bool).any()


def test_one_thread_at_a_time():
    books = make_books()
    refused = []

    def look():
        for act in (lambda: len(books), books.take, books.orders, lambda: books.memory):
            with pytest.raises(ConcurrentUseError, match="another thread is inside") as caught:
                act()
            refused.append(caught.value)

    def look_from_another_thread():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    with at_call("change", 1, look_from_another_thread):
        books.feed(add(1, 1))
    assert len(refused) == 4
    assert len(books) == 1


def test_an_interrupt_leaves_no_half_of_what_a_decoder_remembers(interrupt):
    memory = ItchMemory()
    with pytest.raises(KeyboardInterrupt), at_call("remember", 1, interrupt):
        decoded(add(5, 1), memory)
    assert (memory.sequence, memory.offset, memory.timestamp) == (1, 38, 5)
    assert memory.symbols[1] == b"AAPL"


def test_a_memory_serves_one_thread_at_a_time():
    memory = ItchMemory()

    def decode_more():
        decoded(add(5, 1), memory)

    with at_call("index", 1, decode_more), pytest.raises(ConcurrentUseError, match="its own"):
        decoded(add(5, 1), memory)
    assert (memory.sequence, memory.offset) == (1, 38)


def test_what_holds_the_symbols_of_a_memory_sees_them_as_they_were():
    memory = ItchMemory()
    held = memory.symbols
    decoded(add(5, 1), memory)
    assert (held[1], memory.symbols[1]) == (b"", b"AAPL")


def test_an_interrupted_grid_loses_no_row(interrupt):
    grid = np.array([1, 2, 3, 4, 9])
    books = make_books(tables=frozenset({"depth"}), grid=grid)
    books.feed(add(0, 1) + add(0, 2, "MSFT", locate=2))
    with pytest.raises(KeyboardInterrupt), at_call("see", 3, interrupt):
        books.finish(4)
    books.finish(9)
    rows = books.take()["depth"][["timestamp", "locate"]].tolist()
    assert rows == [(time, locate) for time in (1, 2, 3, 4, 9) for locate in (1, 2)]


def test_an_interrupted_restoration_is_whole(interrupt):
    before, after = make_books(), make_books()
    before.feed(b"".join(add(time, time) for time in range(1, 9)))
    with pytest.raises(KeyboardInterrupt), at_call("change", 3, interrupt):
        after.restore(before.orders(), before.memory)
    assert after.orders().tolist() == before.orders().tolist()
    assert (after.memory.sequence, after.memory.offset) == (8, 8 * 38)


def test_books_that_do_not_fit_in_memory_are_not_used_again():
    """Between an order's end and that of its replacement there would be one order too few."""
    books = make_books()
    books.feed(add(1, 1))
    fields = {"reference": 1, "new_reference": 2, "shares": 1, "price": 7}
    replace = encode_message("U", locate=1, timestamp=2, **fields)

    def fill():
        raise MemoryError

    with at_call("_displace", 1, fill), pytest.raises(MemoryError, match="no longer be used"):
        books.feed(replace)
    asks = (
        lambda: books.feed(add(3, 3)),
        lambda: books.finish(5),
        lambda: books.levels(1, b"B"),
        lambda: books.memory,
        lambda: len(books),
        books.take,
        books.orders,
    )
    for ask in asks:
        with pytest.raises(MemoryError, match="no longer be used"):
            ask()


# What is refused as the compiled kernels refuse it.


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sequence", -1, "sequence of a memory is 0 to 4611686018427387904, got -1"),
        ("offset", 2**63 - 1, "offset of a memory is 0 to 4611686018427387904"),
        ("timestamp", 2**48, "timestamp of a memory is 0 to 281474976710655"),
        ("symbols", np.zeros(9, "S8"), "a memory has the symbols of 65536 locates, got 9"),
    ],
)
def test_a_memory_that_no_feed_leads_to_is_refused(name, value, said):
    memory = ItchMemory()
    setattr(memory, name, value)
    books = make_books()
    with pytest.raises(ValidationError, match=said):
        books.restore(books.orders(), memory)
    with pytest.raises(ValidationError, match=said):
        decoded(add(1, 1), memory)


def test_two_orders_of_one_rank_are_not_restored():
    books = make_books()
    books.feed(add(1, 1) + add(1, 2))
    orders = books.orders()
    orders["rank"] = 7
    with pytest.raises(ValidationError, match="two live orders have the rank 7"):
        make_books().restore(orders, books.memory)


def test_tables_that_there_are_not_are_refused():
    with pytest.raises(ValidationError, match="'orders' and 'depth', got 'bbos'"):
        make_books(tables=frozenset({"bbo", "bbos"}))


def test_symbols_are_wanted_without_what_stands_on_their_right():
    wanted = frozenset({b"A\0", b"B ", b"LONGER THAN ANY"})
    symbols = enumerate(("A", "B", "C", "LONGER T"), 1)
    data = b"".join(add(1, locate, symbol, locate) for locate, symbol in symbols)
    books = make_books(symbols=wanted)
    books.feed(data)
    assert books.orders()["reference"].tolist() == [1, 2]
    found = decoded(data, symbols=wanted).families["order"]
    assert found["symbol"].tolist() == [b"A", b"B"]


def test_any_number_of_levels_may_be_asked_for():
    books = make_books()
    books.feed(add(1, 1))
    assert books.levels(1, b"B", 2**70).tolist() == [(1, 1, 1)]
