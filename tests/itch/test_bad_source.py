"""Sources that end too soon, that are damaged, or none at all, through `ItchFeed`."""

import gzip
import io
import os

import pytest
from tests.itch.compare import plain
from tests.itch.test_bad_input import flip, small_file

import nanobook
from nanobook_core.errors import ItchError

MESSAGES = small_file()
DATA = b"".join(MESSAGES)
ENDS = [sum(map(len, MESSAGES[:n])) for n in range(len(MESSAGES) + 1)]


def feed(source, *, strict):
    return nanobook.ItchFeed(source, strict=strict, progress=False)


def asked(feed):
    """Every way of asking for everything."""
    return (
        feed.messages,
        feed.books,
        feed.info,
        lambda: list(feed.chunks()),
        lambda: list(feed.book_chunks()),
    )


@pytest.mark.parametrize("size", range(1, len(DATA), 11))
def test_a_source_cut_in_a_message_is_never_taken_for_a_whole_one(size):
    data = DATA[:size]
    whole = max(end for end in ENDS if end <= size)
    if whole == size:
        assert len(feed(data, strict=True).messages().index) == ENDS.index(size)
        return
    found = size - whole
    length = int.from_bytes(DATA[whole : whole + 2], "big")
    text = (
        f"at byte {whole}: the source ends within a message: "
        f"{found} bytes are there, {2 if found < 2 else 2 + length} are needed"
    )
    for ask in asked(feed(data, strict=True)):
        with pytest.raises(ItchError) as caught:
            ask()
        assert str(caught.value) == text
        assert caught.value.offset == whole
        assert caught.value.type == (chr(DATA[whole + 2]) if found > 2 else "")
    lenient = feed(data, strict=False).messages()
    assert dict(lenient.n_problems) == {"truncated": 1}
    assert not lenient.is_clean
    assert len(lenient.index) == ENDS.index(whole)
    assert dict(feed(data, strict=False).books().n_problems) == {"truncated": 1}


@pytest.mark.parametrize("empty", [b"", gzip.compress(b"")], ids=["plain", "packed"])
def test_an_empty_source_is_no_feed(empty, tmp_path):
    path = tmp_path / "empty"
    path.write_bytes(empty)
    for source in (empty, path, io.BytesIO(empty)):
        for ask in asked(feed(source, strict=True)):
            with pytest.raises(ItchError, match="it is empty, there is no message in it"):
                ask()
        tables = feed(source, strict=False).messages()
        assert len(tables.index) == 0
        assert dict(tables.n_problems) == {"truncated": 1}


def test_a_directory_and_a_file_that_is_not_there_are_said_as_open_says_them(tmp_path):
    with pytest.raises(IsADirectoryError):
        feed(tmp_path, strict=True)
    with pytest.raises(FileNotFoundError):
        feed(tmp_path / "nothing", strict=True)


def test_a_mark_of_the_end_is_one_at_the_end_only():
    assert feed(DATA + b"\0\0", strict=True).info().ended
    for ask in asked(feed(DATA + b"\0\0" + MESSAGES[-1], strict=True)):
        with pytest.raises(ItchError) as caught:
            ask()
        assert caught.value.offset == len(DATA)
        assert "a message of length 0, after which there are others" in str(caught.value)


def test_gzip_is_known_by_how_it_begins(tmp_path):
    path = tmp_path / "a name without an ending"
    path.write_bytes(gzip.compress(DATA[:300]) + gzip.compress(DATA[300:]))
    for source in (path, path.read_bytes()):
        assert len(feed(source, strict=True).messages().index) == len(MESSAGES)


def test_gzip_cut_anywhere_is_never_taken_for_a_whole_one():
    packed = gzip.compress(DATA, mtime=0)
    for size in (2, 3, 9, 10, 11, *range(12, len(packed), 23), len(packed) - 1):
        for ask in asked(feed(packed[:size], strict=True))[:2]:
            with pytest.raises(ItchError, match=r"its gzip is incomplete|it is empty"):
                ask()
        lenient = feed(packed[:size], strict=False).messages()
        assert lenient.n_problems["truncated"] == 1
        assert not lenient.is_clean


def test_gzip_with_any_flipped_bit_is_said_or_gives_the_whole():
    """The header holds bits that mean nothing here, such as the time when it was packed."""
    packed = gzip.compress(DATA, mtime=0)
    whole = feed(DATA, strict=True).messages()
    n_refused = n_read = 0
    # From the third byte on: without its mark it is no gzip, but a feed that is none.
    for bit in range(16, 8 * len(packed), 157):
        try:
            found = feed(flip(packed, bit), strict=True).messages()
        except ItchError:
            n_refused += 1
        else:
            n_read += 1
            assert plain(found.order) == plain(whole.order)
            assert plain(found.index) == plain(whole.index)
        feed(flip(packed, bit), strict=False).messages()
    assert n_refused > n_read


def test_a_pipe_that_breaks_off_is_never_taken_for_a_whole_one():
    read, write = os.pipe()
    with os.fdopen(write, "wb") as end:
        end.write(DATA[:-3])
    with os.fdopen(read, "rb") as pipe, pytest.raises(ItchError, match="ends within a message"):
        feed(pipe, strict=True).books()
