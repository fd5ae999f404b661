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
from nanobook_core.errors import ConcurrentUseError, ItchError
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
    with pytest.raises(TypeError, match="data is anything with contiguous bytes"):
        decoded(data)
    with pytest.raises(TypeError, match="data is anything with contiguous bytes"):
        make_books().feed(data)


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
