import gc
import gzip
import io
import os
import random
import signal
import subprocess
import sys
import threading
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from tests.itch.feeds import day, plain, put_together

import nanobook
from nanobook_itch.testing.packing import message

ADD = message("A", 1, 5, 1, b"B", 100, b"AAPL    ", 10_000)


def packed(data, members=1):
    size = len(data) // members + 1
    return b"".join(
        gzip.compress(data[at : at + size], 1, mtime=0) for at in range(0, len(data), size)
    )


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "nanobook-inflate"]


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    gc.freeze()  # what was there before need not be looked at again and again
    yield
    gc.collect()
    gc.unfreeze()
    assert threads() == []


@pytest.fixture(scope="module")
def expected():
    feed = nanobook.ItchFeed(day())
    return plain(feed.messages()), plain(feed.books())


def written(tmp_path, data, name="day.itch"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


class ReadOnly:
    """A file object that knows nothing but `read`, and gives little at a time."""

    def __init__(self, data):
        self.data = io.BytesIO(data)

    def read(self, n):
        return self.data.read(min(n, 777))


PACKINGS = {
    "raw": lambda data: data,
    "gzip": packed,
    "members": lambda data: packed(data, 7),
    "padded": lambda data: packed(data, 2) + b"\0" * 512,
}

SOURCES = {
    "path": written,
    "str": lambda tmp_path, data: str(written(tmp_path, data, "raw.gz")),
    "bytes": lambda _, data: data,
    "bytearray": lambda _, data: bytearray(data),
    "memoryview": lambda _, data: memoryview(b"x" + data)[1:],
    "BytesIO": lambda _, data: io.BytesIO(data),
    "file": lambda tmp_path, data: written(tmp_path, data).open("rb"),
    "unbuffered": lambda tmp_path, data: written(tmp_path, data).open("rb", buffering=0),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("source", SOURCES)
def test_all_sources_give_the_same_again_and_again(tmp_path, expected, source, packing):
    given = SOURCES[source](tmp_path, PACKINGS[packing](day()))
    feed = nanobook.ItchFeed(given)
    for _ in range(2):
        assert plain(feed.messages()) == expected[0]
        assert plain(feed.books()) == expected[1]
    assert put_together(feed.chunks(n_bytes=5000)) == put_together([feed.messages()])
    if isinstance(given, io.IOBase):
        assert not given.closed
        given.close()


@pytest.mark.parametrize("packing", PACKINGS)
def test_pipes(expected, packing):
    data = PACKINGS[packing](day())
    end, begin = os.pipe()

    def write():
        with os.fdopen(begin, "wb", buffering=0) as pipe:
            for at in range(0, len(data), 1000):
                pipe.write(data[at : at + 1000])

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(end, "rb") as pipe:
        feed = nanobook.ItchFeed(pipe)
        assert plain(feed.books()) == expected[1]
        with pytest.raises(
            nanobook.ValidationError, match=r"^file descriptor \d+ can be read once"
        ):
            feed.messages()
    writer.join()


@pytest.mark.parametrize("packing", PACKINGS)
def test_objects_that_only_read(expected, packing):
    feed = nanobook.ItchFeed(ReadOnly(PACKINGS[packing](day())))
    assert plain(feed.messages()) == expected[0]
    with pytest.raises(nanobook.ValidationError, match="ReadOnly can be read once only"):
        feed.info()


@pytest.mark.parametrize("packing", ["raw", "gzip"])
def test_standard_input(expected, packing):
    code = (
        "import sys, nanobook; feed = nanobook.ItchFeed('-'); "
        "print(feed.name, len(feed.messages().order)); "
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=PACKINGS[packing](day()),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == f"standard input {len(expected[0][0]['order'])}\n"
    assert done.stderr == b""


WRITES = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"


def test_a_named_pipe(tmp_path, expected):
    path = tmp_path / "pipe"
    try:
        os.mkfifo(path)
    except (AttributeError, OSError):
        pytest.skip("no pipes with a name here")
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(path)],
        stdin=subprocess.PIPE,
    )
    child.stdin.write(packed(day()))
    child.stdin.close()
    feed = nanobook.ItchFeed(path)
    assert plain(feed.messages()) == expected[0]
    assert child.wait() == 0
    with pytest.raises(nanobook.ValidationError, match="once only"):
        feed.at("12:00")


def test_a_file_object_is_read_from_where_it_stands(expected):
    file = io.BytesIO(b"header" + day())
    file.seek(6)
    feed = nanobook.ItchFeed(file)
    assert plain(feed.messages()) == expected[0]
    assert plain(feed.messages()) == expected[0]
    with closing(feed.chunks(n_bytes=100)) as chunks:
        next(chunks)
        with pytest.raises(nanobook.ValidationError, match="is being read already: give its path"):
            feed.messages()
    assert plain(feed.messages()) == expected[0]


def test_readers_that_stop_early_leave_nothing(tmp_path):
    path = written(tmp_path, packed(day(20_000)))
    feed = nanobook.ItchFeed(path)
    chunks = feed.chunks(n_bytes=1000)
    next(chunks)
    assert len(threads()) == 1
    chunks.close()
    assert threads() == []
    books = feed.book_chunks(n_bytes=1000)
    next(books)
    del books
    gc.collect()
    assert threads() == []
    feed.messages(end="09:00")
    assert threads() == []

    def fails():
        for _ in feed.chunks(n_bytes=1000):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    gc.collect()
    assert threads() == []


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (None, TypeError, "a source is a path"),
        (5, TypeError, r"a source is a path, .* got 5 \(int\)"),
        (io.StringIO("x"), TypeError, 'a file opened with "rb"'),
        (memoryview(b"abcd")[::2], TypeError, "contiguous bytes"),
        ("no/such/file", FileNotFoundError, "no/such/file"),
        (Path("no/such/file"), FileNotFoundError, "no/such/file"),
        (".", IsADirectoryError, "directory"),
    ],
)
def test_what_is_no_source_is_refused_at_once(given, error, text):
    with pytest.raises(error, match=text):
        nanobook.ItchFeed(given)


def test_files_that_give_text_or_nothing():
    class Text:
        def read(self, n):
            return "x" * n

    class Nothing:
        def read(self, n):
            return None

    with pytest.raises(TypeError, match="this one gave str"):
        nanobook.ItchFeed(Text()).messages()
    with pytest.raises(BlockingIOError, match="does not wait"):
        nanobook.ItchFeed(Nothing()).messages()


@pytest.mark.parametrize("data", [b"", packed(b""), b"\0\0"], ids=["empty", "packed", "end mark"])
def test_an_empty_source(data):
    feed = nanobook.ItchFeed(data)
    for call in (feed.messages, feed.books, feed.info, feed.lifecycles, lambda: feed.at("12:00")):
        with pytest.raises(nanobook.ItchError, match="it is empty, there is no message in it"):
            call()
    lenient = nanobook.ItchFeed(data, strict=False)
    for found in (lenient.messages(), lenient.books(), lenient.info()):
        assert found.n_problems == {"truncated": 1}
    assert [len(table) for table in lenient.messages().values()] == [0] * 12
    assert list(lenient.books().books) == []
    assert (lenient.info().first_time, lenient.info().last_time) == (None, None)


@pytest.mark.parametrize("size", [1, 2, 3, 37])
def test_a_truncated_source(size):
    data = ADD + ADD[:size]
    needed = 2 if size == 1 else 38
    text = f"at byte 38: .*: {size} bytes are there, {needed} are needed"
    for read in (data, packed(data)):
        feed = nanobook.ItchFeed(read)
        for call in (feed.messages, feed.books, feed.info):
            with pytest.raises(nanobook.ItchError, match=text):
                call()
        lenient = nanobook.ItchFeed(read, strict=False)
        assert len(lenient.messages().order) == len(lenient.books().bbo) == 1
        assert lenient.messages().problems[0].offset == 38


def test_a_truncated_gzip():
    data = packed(day(), 2)
    whole = nanobook.ItchFeed(day()).messages()
    for cut in (3, 9, 11, 300, len(data) // 2 + 5, len(data) - 8, len(data) - 1):
        for call in (nanobook.ItchFeed(data[:cut]).messages, nanobook.ItchFeed(data[:cut]).books):
            with pytest.raises(nanobook.ItchError, match="its gzip is incomplete"):
                call()
        found = nanobook.ItchFeed(data[:cut], strict=False).messages()
        assert found.n_problems == {"truncated": 1}
        assert found.order.tolist() == whole.order[: len(found.order)].tolist()
    assert len(found.order) == len(whole.order)  # only the checksum's end is missing


@pytest.mark.parametrize(
    "damaged",
    [
        lambda data: data[:-8] + bytes([data[-8] ^ 1]) + data[-7:],  # the checksum
        lambda data: data + b"garbage",
        lambda data: data[:40] + b"\xff" * 40 + data[80:],
        lambda data: data[:2] + b"\x07" + data[3:],
    ],
)
def test_a_damaged_gzip(damaged):
    data = damaged(packed(day()))
    with pytest.raises(nanobook.ItchError, match="its gzip is damaged") as raised:
        nanobook.ItchFeed(data).messages()
    assert "truncated" not in raised.value.type
    found = nanobook.ItchFeed(data, strict=False).books()
    assert found.n_problems["truncated"] == 1


@pytest.mark.parametrize(("at", "garbage"), [(-8, b"\xff"), (-4, b"\xff"), (None, b"garbage")])
def test_what_could_be_unpacked_of_a_damaged_gzip_is_there(at, garbage):
    data = packed(day())
    data = data + garbage if at is None else data[:at] + garbage + data[len(data) + at + 1 :]
    found = nanobook.ItchFeed(data, strict=False).messages()
    assert found.order.tolist() == nanobook.ItchFeed(day()).messages().order.tolist()
    assert found.problems[-1].offset >= len(day()) - 2


def test_a_packed_file_that_is_read_as_it_is():
    # Twice packed: what is inside is no ITCH.
    with pytest.raises(nanobook.ItchError, match="at byte 0"):
        nanobook.ItchFeed(packed(packed(day()))).messages()


MEMORY = """
import resource, sys, nanobook
kind, path = sys.argv[1:]
feed = nanobook.ItchFeed(path, strict=False)
def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def read(feed):
    for _ in getattr(feed, kind)(n_bytes=1 << 18):
        pass
read(nanobook.ItchFeed(sys.stdin.buffer, strict=False))
before = peak()
read(feed)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal here")
@pytest.mark.parametrize("kind", ["chunks", pytest.param("book_chunks", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "packing",
    [
        "gzip",
        pytest.param("raw", marks=pytest.mark.slow),
        pytest.param("bomb", marks=pytest.mark.slow),
    ],
)
def test_memory_is_bounded(tmp_path, kind, packing):
    small = day(20_000)
    data = small * 60  # times go back now and then
    if packing == "gzip":
        data = packed(data)
    if packing == "bomb":
        data = packed(ADD * 1_000_000)
    path = written(tmp_path, data)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, kind, str(path)],
        input=packed(small) if packing != "raw" else small,
        capture_output=True,
        check=True,
    )
    # The feed is 38 MB, unpacked.
    assert int(done.stdout) < 32_000_000


INTERRUPTED = """
import gzip, signal, sys, threading, nanobook
signal.signal(signal.SIGINT, signal.default_int_handler)
feed = nanobook.ItchFeed(sys.argv[2], strict=False)
call = getattr(feed, sys.argv[1])
print("begins", flush=True)
try:
    while True:
        found = call()
        if "chunks" in sys.argv[1]:
            for _ in found:
                pass
except KeyboardInterrupt:
    found = None  # between two chunks it waits, and so does its thread
    left = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    print(left, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal here")
@pytest.mark.parametrize(
    ("call", "packing"),
    [
        ("chunks", "gzip"),
        ("books", "raw"),
        *(
            pytest.param(call, packing, marks=pytest.mark.slow)
            for call, packing in (
                *(("chunks", "raw"), ("books", "gzip"), ("info", "gzip")),
                *(("messages", "raw"), ("messages", "gzip"), ("lifecycles", "gzip")),
            )
        ),
    ],
)
def test_ctrl_c_leaves_no_thread(tmp_path, call, packing):
    path = written(tmp_path, PACKINGS[packing](day(20_000) * 10))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, call, str(path)], stdout=subprocess.PIPE, text=True
    ) as reads:
        signal.signal(signal.SIGINT, before)
        assert reads.stdout.readline() == "begins\n"
        threading.Event().wait(random.uniform(0.3, 1))  # noqa: S311 - any moment will do
        reads.send_signal(signal.SIGINT)
        assert reads.stdout.read() == "[]\n"
    assert reads.returncode == 0


WAITS = INTERRUPTED.replace("nanobook.ItchFeed(sys.argv[2]", "nanobook.ItchFeed('-'")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal here")
@pytest.mark.parametrize("packing", ["raw", "gzip"])
def test_ctrl_c_while_a_pipe_gives_nothing(packing):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, "messages", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as reads:
        signal.signal(signal.SIGINT, before)
        assert reads.stdout.readline() == b"begins\n"
        reads.stdin.write(PACKINGS[packing](day())[:-100])
        reads.stdin.flush()
        threading.Event().wait(0.5)
        reads.send_signal(signal.SIGINT)
        assert reads.stdout.readline() == b"[]\n"
    assert reads.returncode == 0


def test_what_a_live_gzip_gives_is_not_held_back():
    end, begin = os.pipe()
    packer = zlib.compressobj(wbits=31)
    with os.fdopen(end, "rb", buffering=0) as pipe, os.fdopen(begin, "wb", buffering=0) as other:
        chunks = nanobook.ItchFeed(pipe).chunks(n_bytes=38)
        for _ in range(3):
            other.write(packer.compress(ADD) + packer.flush(zlib.Z_SYNC_FLUSH))
            assert len(next(chunks).order) == 1
        other.write(packer.flush())
        other.close()
        assert [len(chunk.order) for chunk in chunks] == [0]
