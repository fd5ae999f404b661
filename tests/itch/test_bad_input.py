"""What is no feed: each way of `bad_input.json` through every kernel, strictly and leniently.

`problems`, `counts`, `live`, `n_messages` and `n_bytes` are of lenient reading; `kernels` are both,
or those of books alone where decoding has nothing to object to, or mixed.
"""

import json
from pathlib import Path

import pytest
from tests.itch.compare import END, booked, decoded, kernels, make_books

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.errors import ItchError
from nanobook_itch.testing.packing import message
from nanobook_itch.testing.strategies import Draft, Step, body_of

ROWS = json.loads((Path(__file__).parents[1] / "data/itch/bad_input.json").read_text("utf-8"))
NAMES = [row["name"] for row in ROWS]
OF_DECODING = [row for row in ROWS if row["kernels"] == "both"]
DECODERS = kernels("itch_decode")
BOOKS = kernels("itch_books")

each_decoder = pytest.mark.parametrize("kernel", DECODERS.values(), ids=DECODERS)
each_books = pytest.mark.parametrize("kernel", BOOKS.values(), ids=BOOKS)
each_row = pytest.mark.parametrize("row", ROWS, ids=NAMES)
each_row_of_decoding = pytest.mark.parametrize(
    "row", OF_DECODING, ids=[row["name"] for row in OF_DECODING]
)


def data_of(row):
    return bytes.fromhex(row["hex"]).ljust(row.get("pad_to", 0), b"\0")


def decode(kernel, data, *, strict, memory=None):
    options = {"symbols": None, "types": None, "start": 0, "end": END, "strict": strict}
    return kernel(data, memory or ItchMemory(), **options)


def told(source):
    problems = [[each.offset, each.type, each.reason, each.detail] for each in source.problems]
    counts = {chr(kind): int(n) for kind, n in enumerate(source.counts) if n}
    return problems, counts, {reason: n for reason, n in source.n_problems.items() if n}


def expected(row):
    reasons = [problem[2] for problem in row["problems"]]
    return row["problems"], row["counts"], {reason: reasons.count(reason) for reason in reasons}


def test_the_table_has_every_type_and_every_reason():
    assert len(ROWS) >= 140
    reasons = {problem[2] for row in ROWS for problem in row["problems"]}
    assert len(reasons) == 11
    wrong = [problem for row in ROWS for problem in row["problems"] if problem[2] == "wrong_length"]
    assert {problem[1] for problem in wrong} == set(MESSAGES)


@each_decoder
@each_row_of_decoding
def test_decoding_leniently_counts_and_reports(kernel, row):
    memory = ItchMemory()
    found = decode(kernel, data_of(row), strict=False, memory=memory)
    assert told(found) == expected(row)
    assert (found.n_messages, found.n_bytes) == (row["n_messages"], row["n_bytes"])
    assert (memory.sequence, memory.offset) == (row["n_messages"], row["n_bytes"])
    assert sum(map(len, found.families.values())) == sum(row["counts"].values())


@each_decoder
@each_row
def test_decoding_strictly_hands_out_nothing_that_is_wrong(kernel, row):
    data = data_of(row)
    if row["kernels"] == "books":
        assert decode(kernel, data, strict=True).n_bytes == len(data)
    elif row["strict"] is None:
        assert decode(kernel, data, strict=True).n_bytes == row["n_bytes"]
    else:
        with pytest.raises(ItchError) as caught:
            decode(kernel, data, strict=True)
        assert {
            "offset": caught.value.offset,
            "type": caught.value.type,
            "text": str(caught.value),
        } == row["strict"]


@each_books
@each_row
def test_books_count_and_report_leniently(kernel, row):
    books = make_books(kernel)
    assert books.feed(data_of(row)) == row["n_bytes"]
    assert told(books) == expected(row)
    live = [
        [reference, locate, side.decode(), price, shares]
        for reference, _, price, shares, locate, side in books.orders().tolist()
    ]
    assert live == row["live"]
    assert books.memory.sequence == row["n_messages"]
    for locate in {order[1] for order in live} | {1, 2}:
        for side in (b"B", b"S"):
            assert all(level[1] > 0 < level[2] for level in books.levels(locate, side).tolist())


@each_books
@each_row
def test_books_stop_strictly(kernel, row):
    books = make_books(kernel, strict=True)
    if row["strict"] is None:
        assert books.feed(data_of(row)) == row["n_bytes"]
        return
    for _ in range(2):
        with pytest.raises(ItchError) as caught:
            books.feed(data_of(row))
        assert {
            "offset": caught.value.offset,
            "type": caught.value.type,
            "text": str(caught.value),
        } == row["strict"]
    assert books.memory.offset == row["strict"]["offset"]


def small_file():
    """A message of every type, and every way in which an order ends; about 900 bytes."""
    draft = Draft()
    for kind in ("S", "R", "A", "F", "A", "A", "A", "U", "X", "E", "C", "D"):
        draft.add(Step(kind, 0, 2, 0 if kind == "X" else 3, 0, 5))
    told = [*draft.messages]
    for kind in MESSAGES:
        if kind not in "SRAFUECXD":
            draft.now += 5
            step = Step(kind, 1, 4, 4, 1, 0)
            told.append(message(kind, 2, draft.now, *body_of(kind, b"MSFT    ", step)))
    return told


def test_the_small_file_has_every_type():
    assert {chr(each[2]) for each in small_file()} == set(MESSAGES)


def sizes_of(ends):
    """Where a file is cut: within, before and behind every length, and now and then between."""
    near = {end + by for end in ends for by in (-1, 0, 1, 2)}
    return sorted((near | {*range(0, ends[-1], 7)}) & {*range(ends[-1] + 1)})


@pytest.mark.parametrize("strict", [True, False])
@each_decoder
def test_a_file_cut_anywhere_is_read_up_to_the_last_whole_message(kernel, strict):
    """That something is left is for who knows that nothing follows: see `ItchFeed`."""
    messages = small_file()
    data = b"".join(messages)
    ends = [sum(map(len, messages[:n])) for n in range(len(messages) + 1)]
    for size in sizes_of(ends):
        found = decode(kernel, data[:size], strict=strict)
        assert found.n_bytes == max(end for end in ends if end <= size)
        assert found.n_messages == ends.index(found.n_bytes) == len(found.index)
        assert found.problems == ()


@pytest.mark.parametrize("strict", [True, False])
@each_books
def test_books_of_a_file_cut_anywhere_are_those_of_its_whole_messages(kernel, strict):
    messages = small_file()
    data = b"".join(messages)
    ends = [sum(map(len, messages[:n])) for n in range(len(messages) + 1)]
    whole = make_books(kernel, strict=strict)
    place = 0
    for size in sizes_of(ends)[::2]:
        books = make_books(kernel, strict=strict)
        read = books.feed(data[:size])
        assert read == max(end for end in ends if end <= size)
        whole.feed(data[place:read])
        place = read
        assert books.orders().tolist() == whole.orders().tolist()
        assert books.problems == ()


def flip(data, bit):
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def check_flips(data, bits):
    """Every kernel does the same, and raises nothing but `ItchError`."""
    n_refused = 0
    for bit in bits:
        flipped = flip(data, bit)
        for strict in (True, False):
            wanted = decoded(DECODERS["model"], flipped, strict=strict)
            for name, kernel in DECODERS.items():
                assert decoded(kernel, flipped, strict=strict) == wanted, (name, bit)
            wanted = booked(BOOKS["model"], flipped, strict=strict)
            for name, kernel in BOOKS.items():
                assert booked(kernel, flipped, strict=strict) == wanted, (name, bit)
            n_refused += strict and "error" in wanted[0]
    return n_refused


def test_some_flipped_bits_do_the_same_everywhere():
    data = b"".join(small_file())
    # In every 26th byte, each time another of its bits.
    assert check_flips(data, range(0, 8 * len(data), 205)) > 7


@pytest.mark.slow
def test_flipped_bits_of_every_byte_do_the_same_everywhere():
    data = b"".join(small_file())
    # One or two of each byte, in turn; all of them take minutes.
    assert check_flips(data, range(0, 8 * len(data), 7)) > 140
