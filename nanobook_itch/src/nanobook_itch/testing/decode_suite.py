"""Laws of decoders of ITCH."""

from __future__ import annotations

import signal
import threading
from _thread import interrupt_main
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobook_core.contracts.itch import PROBLEMS, ItchDecode, ItchMemory
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import FAMILIES, INDEX
from nanobook_core.errors import ItchError
from nanobook_core.testing.law import law
from nanobook_itch.testing.day import day_bytes
from nanobook_itch.testing.planted import PLANTS, planted
from nanobook_itch.testing.strategies import days

if TYPE_CHECKING:
    from nanobook_core.contracts.itch import ItchDecoded

MOST = 2**63 - 1

#: What decoding itself finds wrong.
OF_DECODING = ("length_zero", "unknown_type", "wrong_length", "bad_side", "too_large", "time_back")

#: What only books find.
OF_BOOKS = tuple(reason for reason in PLANTS if reason not in OF_DECODING)


def decode(kernel: Any, data: Any, memory: ItchMemory | None = None, **options: Any) -> ItchDecoded:
    """Decode everything, strictly, unless options say otherwise."""
    everything = {"symbols": None, "types": None, "start": 0, "end": MOST, "strict": True}
    found: ItchDecoded = kernel(data, memory or ItchMemory(), **{**everything, **options})
    return found


def rows(found: ItchDecoded) -> list[tuple[Any, ...]]:
    """What was decoded, in the order of the source: sequence, type and all columns."""
    names = list(FAMILIES)
    return [
        (sequence, kind, *found.families[names[family]][row].tolist())
        for sequence, row, family, kind in found.index.tolist()
    ]


def bytes_of(found: ItchDecoded) -> list[bytes]:
    """Make the messages again from what their columns hold."""
    names = list(FAMILIES)
    made = []
    for _, place, family, kind in found.index.tolist():
        row = found.families[names[family]][place]
        layout = MESSAGES[kind.decode()]
        message = layout.length.to_bytes(2, "big") + kind
        for field in layout.fields:
            value = row[field.name]
            if field.is_text:
                message += bytes(value).ljust(field.length)
            else:
                message += int(value).to_bytes(field.length, "big")
        made.append(message)
    return made


def state(memory: ItchMemory) -> tuple[Any, ...]:
    """Return all that a memory holds."""
    return memory.symbols.tolist(), memory.sequence, memory.offset, memory.timestamp


class ItchDecodeSuite:
    """What a kernel `itch_decode` must do."""

    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls) -> Any:
        """Return the kernel under test."""
        raise NotImplementedError("override the fixture `kernel`")

    def test_it_fulfils_the_contract(self, kernel: Any) -> None:
        """It can be called."""
        assert isinstance(kernel, ItchDecode)

    @settings(law, max_examples=20)
    @given(day=days())
    def test_no_field_is_lost(self, kernel: Any, day: list[bytes]) -> None:
        """The messages can be made again from the columns, each as it was."""
        assert bytes_of(decode(kernel, b"".join(day))) == day

    def test_all_types_occur_on_a_day_and_none_is_lost(self, kernel: Any) -> None:
        """Of a generated day too, which has all 23 of them."""
        data = day_bytes(messages=2000, symbols=8)
        found = decode(kernel, data)
        assert b"".join(bytes_of(found)) == data
        assert {chr(kind) for kind in np.flatnonzero(found.counts)} == set(MESSAGES)

    @settings(law, max_examples=20)
    @given(day=days())
    def test_every_row_is_found_by_the_index(self, kernel: Any, day: list[bytes]) -> None:
        """It has one row a message, in their order, and each table's rows in theirs."""
        found = decode(kernel, b"".join(day))
        assert found.index["sequence"].tolist() == list(range(len(day)))
        for number, table in enumerate(found.families.values()):
            mine = found.index[found.index["family"] == number]
            assert mine["row"].tolist() == list(range(len(table)))
            assert mine["sequence"].tolist() == table["sequence"].tolist()
            assert mine["type"].tolist() == table["type"].tolist()

    @settings(law, max_examples=20)
    @given(day=days(max_size=8))
    def test_tables_are_as_the_contract_has_them(self, kernel: Any, day: list[bytes]) -> None:
        """All families are there, with aligned columns; they are the caller's own."""
        found = decode(kernel, b"".join(day))
        assert list(found.families) == list(FAMILIES)
        for table, columns in (
            *zip(found.families.values(), FAMILIES.values(), strict=True),
            (found.index, INDEX),
        ):
            assert type(table) is np.ndarray
            assert table.dtype == np.dtype([*columns], align=True)
            assert table.ndim == 1
            assert table.flags.c_contiguous
            assert table.flags.writeable

    @settings(law, max_examples=20)
    @given(day=days(), tail=st.binary(max_size=3))
    def test_it_counts(self, kernel: Any, day: list[bytes], tail: bytes) -> None:
        """All messages by type, wanted or not; what is not whole is left."""
        memory = ItchMemory()
        data = b"".join(day)
        tail = tail and b"\1" + tail  # so that a message of 256 bytes or more begins
        found = decode(kernel, data + tail, memory, types=frozenset())
        assert found.n_bytes == memory.offset == len(data)
        assert found.n_messages == memory.sequence == len(day)
        counts = Counter(message[2] for message in day)
        assert {kind: int(found.counts[kind]) for kind in np.flatnonzero(found.counts)} == counts
        assert found.counts.shape == (256,)
        assert len(found.index) == 0
        assert not found.ended

    def test_it_sees_the_mark_of_the_end(self, kernel: Any) -> None:
        """A length of 0 at the end of the bytes is left unread, and said."""
        data = day_bytes(messages=400, symbols=3)
        found = decode(kernel, data + b"\0\0")
        assert found.ended
        assert found.n_bytes == len(data)
        assert not decode(kernel, b"").ended
        assert decode(kernel, b"\0\0").ended

    @settings(law, max_examples=20)
    @given(day=days(), cuts=st.lists(st.integers(0, 2000), max_size=5))
    def test_runs_are_the_whole(self, kernel: Any, day: list[bytes], cuts: list[int]) -> None:
        """Wherever the bytes are cut, the same rows come, and at the end the same is known."""
        data = b"".join(day)
        memory, whole_memory = ItchMemory(), ItchMemory()
        got, read = [], 0
        for cut in [*sorted(cuts), len(data)]:
            found = decode(kernel, data[read : max(cut, read)], memory)
            got += rows(found)
            read += found.n_bytes
        assert got == rows(decode(kernel, data, whole_memory))
        assert state(memory) == state(whole_memory)

    @settings(law, max_examples=20)
    @given(
        day=days(),
        types=st.frozensets(st.sampled_from("ADEUXRQS")),
        symbols=st.frozensets(st.sampled_from([b"A", b"AAPL", b"Z"])),
        times=st.tuples(*[st.sampled_from([0, 1, 2, 3, 5, 8, 13, 2**62])] * 2),
    )
    def test_filters_leave_the_rest_out(
        self,
        kernel: Any,
        day: list[bytes],
        types: frozenset[str],
        symbols: frozenset[bytes],
        times: tuple[int, int],
    ) -> None:
        """Rows are as without a filter, of these types, stocks and times only."""
        data = b"".join(day)
        all_rows = decode(kernel, data)

        def kept(column: str, wanted: Any) -> list[tuple[Any, ...]]:
            flags = []
            for _, place, family, _ in all_rows.index.tolist():
                flags.append(wanted(all_rows.families[list(FAMILIES)[family]][place][column]))
            return [row for row, flag in zip(rows(all_rows), flags, strict=True) if flag]

        by_type = decode(kernel, data, types=types)
        assert rows(by_type) == kept("type", lambda kind: kind.decode() in types)
        by_time = decode(kernel, data, start=times[0], end=times[1])
        assert rows(by_time) == kept("timestamp", lambda time: times[0] <= time < times[1])
        by_symbol = decode(kernel, data, symbols=symbols)
        everybodys = [row for row in rows(all_rows) if row[1] in (b"S", b"V", b"W")]
        stocks = kept("symbol", lambda symbol: symbol in symbols or symbol == b"")
        assert rows(by_symbol) == sorted({*everybodys, *stocks})

    @pytest.mark.parametrize("reason", OF_DECODING)
    @settings(law, max_examples=8)
    @given(data=st.data())
    def test_strict_reading_stops_where_it_is_wrong(
        self, kernel: Any, reason: str, data: st.DataObject
    ) -> None:
        """The error says where and what; nothing is handed out, and nothing remembered."""
        day = data.draw(planted(reason))
        memory = ItchMemory()
        decode(kernel, day.messages[0], memory)
        before = state(memory)
        with pytest.raises(ItchError) as caught:
            decode(kernel, b"".join(day.messages[1:]), memory)
        assert str(caught.value).startswith(f"at byte {day.offset}: {PROBLEMS[day.reason]}: ")
        assert (caught.value.offset, caught.value.type) == (day.offset, day.type)
        assert state(memory) == before

    @pytest.mark.parametrize("reason", OF_DECODING)
    @settings(law, max_examples=8)
    @given(data=st.data())
    def test_lenient_reading_goes_on(self, kernel: Any, reason: str, data: st.DataObject) -> None:
        """It says what strict reading says, and has all other messages as they are."""
        day = data.draw(planted(reason))
        found = decode(kernel, b"".join(day.messages), strict=False)
        (problem,) = found.problems
        assert (problem.offset, problem.type) == (day.offset, day.type)
        assert problem.reason == day.reason
        assert found.n_problems == {day.reason: 1}
        assert found.n_messages == len(day.messages)
        sound = [*day.messages]
        if day.reason != "time_back":
            del sound[day.place]
        assert bytes_of(found) == sound

    @pytest.mark.parametrize("reason", OF_BOOKS)
    @settings(law, max_examples=5)
    @given(data=st.data())
    def test_what_is_of_books_is_no_problem(
        self, kernel: Any, reason: str, data: st.DataObject
    ) -> None:
        """A reference that no order has, or shares that it has not, can be decoded."""
        day = data.draw(planted(reason))
        assert bytes_of(decode(kernel, b"".join(day.messages))) == day.messages

    def test_it_keeps_a_thousand_problems_and_counts_all(self, kernel: Any) -> None:
        """However damaged the source is, the list of what is wrong stays short."""
        found = decode(kernel, b"\0\1?" * 3000 + b"\0\0" * 500 + b"\0\1S", strict=False)
        assert found.n_problems == {"unknown_type": 3000, "length_zero": 500, "wrong_length": 1}
        assert [problem.offset for problem in found.problems] == list(range(0, 3000, 3))

    def test_it_takes_any_contiguous_bytes_and_leaves_them_alone(self, kernel: Any) -> None:
        """Of whatever kind they are, and wherever they begin."""
        data = day_bytes(messages=400, symbols=3)
        expected = rows(decode(kernel, data))
        spaced = np.zeros(2 * len(data), np.uint8)
        for given_ in (
            *(bytearray(data), memoryview(data), memoryview(b"!" + data)[1:]),
            *(np.frombuffer(data, np.uint8), np.frombuffer(data, np.int8)),
        ):
            assert rows(decode(kernel, given_)) == expected
            assert bytes(given_) == data
        for refused in ("text", None, 5, [1, 2], spaced[::2]):
            with pytest.raises(TypeError):
                decode(kernel, refused)

    @settings(law, max_examples=20)
    @given(day=days(max_size=8))
    def test_it_remembers_nothing_but_what_it_is_given(self, kernel: Any, day: list[bytes]) -> None:
        """A second call gives the same, in tables of its own."""
        data = b"".join(day)
        found = decode(kernel, data)
        once = rows(found)
        for table in (*found.families.values(), found.index):
            table.view(np.uint8).fill(7)
        assert rows(decode(kernel, data)) == once

    def test_ctrl_c_stops_it_and_leaves_the_memory_as_it_was(self, kernel: Any) -> None:
        """However long it would have taken."""
        data = day_bytes(messages=20_000, symbols=5) * 10
        memory = ItchMemory()
        read = decode(kernel, data, memory, strict=False, types=frozenset())
        symbols = memory.symbols.tolist()
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        timer = threading.Timer(0.05, interrupt_main)
        try:
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - some may be done before
                timer.start()
                while True:
                    decode(kernel, data, memory, strict=False, types=frozenset())
        finally:
            timer.join()
            signal.signal(signal.SIGINT, handler)
        # Of whole runs only, however many were done.
        n_runs, rest = divmod(memory.sequence, read.n_messages)
        assert (n_runs > 0, rest) == (True, 0)
        assert memory.offset == n_runs * read.n_bytes
        assert memory.symbols.tolist() == symbols
