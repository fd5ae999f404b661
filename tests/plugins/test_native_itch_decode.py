"""The compiled `itch_decode`, by way of the best one installed: without a compiler the fallback."""

import mmap
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts import ItchMemory
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.errors import ItchError, ValidationError
from nanobook_core.plugin.registry import Registry
from nanobook_itch.fallback import decode as fallback
from nanobook_itch.testing.day import day_bytes
from nanobook_native import COMPILED

itch_decode = Registry.discover().load("kernel", "itch_decode")

ALL = {"symbols": None, "types": None, "start": 0, "end": 2**63 - 1, "strict": True}
LENIENT = {**ALL, "strict": False}
DAY = day_bytes(messages=4_000, symbols=6, seed=9)
SYMBOLS = (b"AAPL", b"B", b"  A", b"ABCDEFGH", b"", b"A\0B")


def remembered(memory):
    return memory.symbols.tobytes(), memory.sequence, memory.offset, memory.timestamp


def outcome(kernel, data, memory=None, **settings):
    """All that a kernel says about some bytes, as plain Python."""
    memory = memory or ItchMemory()
    try:
        found = kernel(data, memory, **{**LENIENT, **settings})
    except ItchError as error:
        return str(error), error.offset, error.type, remembered(memory)
    tables = {name: (rows.dtype, rows.tolist()) for name, rows in found.families.items()}
    return (
        tables,
        (found.index.dtype, found.index.tolist()),
        (found.n_bytes, found.n_messages, found.ended),
        found.counts.tolist(),
        (found.problems, dict(found.n_problems)),
        remembered(memory),
    )


def framed(message):
    return len(message).to_bytes(2) + message


def example(kind, **fields):
    """A message whose every number has bytes that differ, and whose text is full."""
    message = bytearray(ord(kind).to_bytes())
    for field in MESSAGES[kind].fields:
        if field.name in fields:
            message += fields[field.name]
        elif field.name == "side":
            message += b"S"
        elif field.is_text:
            message += b"ABCDEFGH"[: field.length]
        else:
            message += bytes(range(1, field.length + 1))
    return bytes(message)


@st.composite
def messages(draw):
    """A message of any type, sound or nearly so."""
    kind = draw(st.sampled_from(sorted(MESSAGES)))
    fields = {
        "locate": draw(st.integers(0, 3)).to_bytes(2),
        "timestamp": draw(st.integers(0, 3)).to_bytes(6),
        "symbol": draw(st.sampled_from(SYMBOLS)).ljust(8),
        "side": draw(st.sampled_from([b"B", b"S", b"S", b" "])),
        "shares": draw(st.binary(min_size=8, max_size=8))[: 8 if kind == "Q" else 4],
        "mpid": draw(st.sampled_from([b"    ", b"AB  ", b" X  "])),
        "level_2": draw(st.sampled_from([b"\x7f" + 7 * b"\xff", b"\x80" + 7 * b"\0"])),
        "printable": draw(st.sampled_from([b"Y", b"N", b" "])),
    }
    message = example(kind, **fields)
    cut = draw(st.integers(0, 40))
    return framed(message[:-cut] if 0 < cut < 3 else message)


runs = st.lists(st.one_of(*[messages()] * 9, st.binary(max_size=12)), max_size=20).map(b"".join)
settings_of_runs = st.fixed_dictionaries(
    {
        "symbols": st.none() | st.frozensets(st.sampled_from([*SYMBOLS, b"A\0", b"ABCDEFGHI"])),
        "types": st.none() | st.frozensets(st.sampled_from(sorted(MESSAGES))),
        "start": st.integers(-1, 3),
        "end": st.integers(0, 2**70),
        "strict": st.booleans(),
    }
)


def test_what_is_compiled_is_what_is_used():
    offer = Registry.discover().get("kernel", "itch_decode")
    assert offer.provider == ("nanobook-native" if COMPILED else "nanobook-itch")


def test_a_day_equals_the_fallbacks():
    found = outcome(itch_decode, DAY)
    assert found == outcome(fallback.itch_decode, DAY)
    assert found[2][1] == 4_000


@given(runs, settings_of_runs)
def test_anything_equals_the_fallbacks(data, settings):
    assert outcome(itch_decode, data, **settings) == outcome(fallback.itch_decode, data, **settings)


@given(runs, settings_of_runs, st.integers(0, 2**40), st.integers(0, 2))
def test_a_memory_of_anything_equals_the_fallbacks(data, settings, before, timestamp):
    memories = []
    for kernel in (itch_decode, fallback.itch_decode):
        memory = ItchMemory()
        memory.symbols[1], memory.symbols[3] = b"AAPL", b"XYZ"
        memory.sequence, memory.offset, memory.timestamp = before, before + 1, timestamp
        memories.append((outcome(kernel, data, memory, **settings), remembered(memory)))
    assert memories[0] == memories[1]


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_a_type_has_its_own_row_and_place_in_the_index(kind):
    found = itch_decode(framed(example(kind)), ItchMemory(), **ALL)
    family = MESSAGES[kind].family
    assert [name for name, rows in found.families.items() if len(rows)] == [family]
    (row,) = found.families[family]
    for field in MESSAGES[kind].fields:
        if field.name == "side":
            assert row["side"] == b"S"
        elif field.is_text:
            assert row[field.name] == b"ABCDEFGH"[: field.length]
        else:
            assert row[field.name] == int.from_bytes(bytes(range(1, field.length + 1)))
    others = set(row.dtype.names) - {field.name for field in MESSAGES[kind].fields}
    for name in others - {"type", "sequence"}:
        assert row[name] in (0, b"")
    assert (row["type"], row["sequence"]) == (kind.encode(), 0)
    number = list(found.families).index(family)
    assert found.index.tolist() == [(0, 0, number, kind.encode())]
    assert found.counts[ord(kind)] == found.counts.sum() == 1


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_of_a_type_every_length_but_its_own_is_wrong(kind):
    for length in range(1, 60):
        data = framed(example(kind)[:length].ljust(length, b"\1"))
        if length == MESSAGES[kind].length:
            assert itch_decode(data, ItchMemory(), **ALL).n_messages == 1
            continue
        with pytest.raises(ItchError, match=f"{length} bytes, {kind} has") as caught:
            itch_decode(data, ItchMemory(), **ALL)
        assert (caught.value.offset, caught.value.type) == (0, kind)


def test_a_run_cut_at_any_byte_goes_on_in_the_next_one():
    data = b"".join(framed(example(kind)) for kind in MESSAGES) + b"\0\0"
    whole = outcome(itch_decode, data)
    for cut in range(len(data) + 1):
        memory = ItchMemory()
        first = itch_decode(data[:cut], memory, **ALL)
        assert memory.offset == first.n_bytes <= cut
        second = itch_decode(data[first.n_bytes :], memory, **ALL)
        assert first.n_messages + second.n_messages == len(MESSAGES)
        assert remembered(memory) == whole[-1]
        for name, rows in first.families.items():
            assert [*rows.tolist(), *second.families[name].tolist()] == whole[0][name][1]


def test_a_name_learnt_in_one_run_is_known_in_the_next():
    memory = ItchMemory()
    itch_decode(framed(example("R", symbol=b"MSFT    ")), memory, **ALL)
    found = itch_decode(framed(example("D")), memory, **{**ALL, "symbols": frozenset([b"MSFT"])})
    assert found.families["order"]["symbol"].tolist() == [b"MSFT"]


def test_rows_are_those_of_the_symbols_types_and_times_that_are_wanted():
    apple, other = b"\0\1", b"\0\2"
    data = b"".join(
        framed(example(kind, timestamp=time.to_bytes(6), **fields))
        for time, kind, fields in [
            (10, "S", {}),
            (20, "A", {"locate": apple, "symbol": b"AAPL    "}),
            (30, "A", {"locate": other, "symbol": b"MSFT    "}),
            (40, "D", {"locate": apple}),
            (50, "D", {"locate": other}),
            (60, "P", {"locate": apple, "symbol": b"AAPL    "}),
            (70, "D", {"locate": b"\0\3"}),
        ]
    )

    def times(**wanted):
        found = itch_decode(data, ItchMemory(), **{**ALL, **wanted})
        rows = [found.families[list(found.families)[at["family"]]][at["row"]] for at in found.index]
        assert found.n_messages == found.counts.sum() == 7
        return [int(row["timestamp"]) for row in rows]

    assert times(symbols=frozenset([b"AAPL"])) == [10, 20, 40, 60, 70]
    assert times(symbols=frozenset()) == [10, 70]
    assert times(types=frozenset("AP")) == [20, 30, 60]
    assert times(start=30, end=50) == [30, 40]
    assert times(symbols=frozenset([b"MSFT"]), types=frozenset("D"), end=60) == [50]


def test_a_failed_run_leaves_the_memory():
    memory = ItchMemory()
    itch_decode(framed(example("R", symbol=b"MSFT    ")), memory, **ALL)
    before = remembered(memory)
    data = framed(example("R")) + framed(example("A", side=b"?"))
    with pytest.raises(ItchError, match="a side other than B and S: '\\?', allowed are"):
        itch_decode(data, memory, **ALL)
    assert remembered(memory) == before


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\0\0\0", "at byte 7: a message of length 0, after which there are others: only"),
        (framed(b"\0abc"), r"ITCH 5.0 does not have: '\x00', of 4 bytes"),
        (framed(b"S"), "of this type do not have: 1 bytes, S has 12"),
        (framed(example("V", level_3=b"\x80" + bytes(7))), "level_3 is 9223372036854775808"),
        (framed(example("W", timestamp=bytes(6))), "the message before: 0 ns after 5 ns"),
    ],
)
def test_a_problem_says_where_it_is_and_what_was_found(data, told):
    memory = ItchMemory()
    memory.offset, memory.timestamp = 7, 5
    with pytest.raises(ItchError) as caught:
        itch_decode(data, memory, **ALL)
    assert told in str(caught.value)
    assert caught.value.offset == 7


def test_of_many_problems_a_thousand_are_kept_and_all_counted():
    data = framed(b"?") * 1_500 + framed(example("S")) + b"\0\0" * 3
    found = itch_decode(data, ItchMemory(), **LENIENT)
    assert len(found.problems) == 1_000
    assert dict(found.n_problems) == {"unknown_type": 1_500, "length_zero": 2}
    assert (found.n_messages, found.n_bytes, found.ended) == (1_503, len(data) - 2, True)
    assert found.families["system"]["sequence"].tolist() == [1_500]


def test_rows_have_no_bytes_of_other_memory():
    found = itch_decode(DAY, ItchMemory(), **ALL)
    for rows in (*found.families.values(), found.index):
        whole = np.zeros(rows.shape, rows.dtype)
        for name in rows.dtype.names:
            whole[name] = rows[name]
        assert rows.tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    "given", [bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)]
)
def test_any_contiguous_bytes_are_decoded(given):
    assert outcome(itch_decode, given(DAY)) == outcome(itch_decode, DAY)


def test_a_file_that_is_mapped_for_reading_is_decoded(tmp_path):
    path = tmp_path / "day.itch"
    path.write_bytes(DAY)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert outcome(itch_decode, mapped) == outcome(itch_decode, DAY)


@pytest.mark.parametrize(
    "data",
    [memoryview(DAY)[::2], np.frombuffer(DAY[:4096], np.uint8).reshape(64, 64).T, "AAPL", 7, None],
)
def test_what_has_no_contiguous_bytes_is_a_type_error(data):
    memory = ItchMemory()
    with pytest.raises(TypeError, match="bytes"):
        itch_decode(data, memory, **ALL)
    assert remembered(memory) == remembered(ItchMemory())


@pytest.mark.parametrize("symbol", [b"AAPL\0", b"AAPL ", b"AAPL \0 "])
def test_symbols_are_wanted_without_what_stands_on_their_right(symbol):
    expected = outcome(itch_decode, DAY, symbols=frozenset({b"AAPL"}))
    assert outcome(itch_decode, DAY, symbols=frozenset({symbol})) == expected


@pytest.mark.parametrize(
    ("name", "value"), [("sequence", -1), ("offset", 2**63 - 1), ("timestamp", 2**48)]
)
def test_a_memory_that_no_feed_leads_to_is_refused(name, value):
    memory = ItchMemory()
    setattr(memory, name, value)
    with pytest.raises(ValidationError, match=f"{name} of a memory is 0 to"):
        itch_decode(DAY, memory, **ALL)


def test_threads_decode_data_of_their_own():
    days = [day_bytes(messages=2_000, symbols=4, seed=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda data: outcome(itch_decode, data), days * 4))
    assert found == [outcome(itch_decode, data) for data in days] * 4


def decode_until_interrupted(run, after):
    """What is remembered of the last of many decodings, by when Ctrl-C has ended it."""
    memory = ItchMemory()
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        while True:
            itch_decode(run, memory, **LENIENT)
            memory = ItchMemory()
    except KeyboardInterrupt:
        return remembered(memory)


@pytest.mark.parametrize("data", [framed(example("D")), framed(b"?")], ids=["sound", "garbage"])
def test_ctrl_c_ends_a_long_run_and_leaves_the_memory(data):
    run = data * 300_000
    whole = ItchMemory()
    itch_decode(run, whole, **LENIENT)
    states = set()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        # Now and then it comes when all has been read: until it has come sooner once.
        for n in range(1, 100):
            states.add(decode_until_interrupted(run, 0.003 * n))
            if n >= 3 and remembered(ItchMemory()) in states:
                break
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert remembered(ItchMemory()) in states
    # What comes once all has been read is heard by Python, when the kernel has returned.
    assert states <= {remembered(ItchMemory()), remembered(whole)}
