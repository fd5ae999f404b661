"""Laws of books of ITCH."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobook_core.contracts.itch import PROBLEMS, ItchBooks, ItchMemory
from nanobook_core.errors import ItchError
from nanobook_core.testing.law import law
from nanobook_itch.testing.book_rows import ItchBookRows
from nanobook_itch.testing.book_state import (
    LOCATES,
    SIDES,
    columns,
    make,
    sides,
    state,
    written,
)
from nanobook_itch.testing.day import TradingDay, day_bytes
from nanobook_itch.testing.planted import PLANTS, planted
from nanobook_itch.testing.strategies import (
    FIRST_REFERENCES,
    SYMBOLS,
    Draft,
    Step,
    days,
    long_lists,
    steps,
)

#: Lenient reading leaves such a message out, and nothing else happens.
LEFT_OUT = (
    *("length_zero", "unknown_type", "wrong_length", "bad_side", "too_large"),
    *("unknown_reference", "no_shares"),
)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Draw a valid day whose live orders are known."""
    draft = Draft(draw(st.sampled_from(FIRST_REFERENCES)))
    for step in draw(long_lists(steps(), 30)):
        draft.add(step)
    return draft


class ItchBooksSuite(ItchBookRows):
    """What a kernel `itch_books` must do."""

    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls) -> Any:
        """Return the class under test."""
        raise NotImplementedError("override the fixture `kernel`")

    def test_it_fulfils_the_contract(self, kernel: Any) -> None:
        """It has every method, and is empty at first."""
        books = make(kernel)
        assert isinstance(books, ItchBooks)
        assert len(books) == 0
        assert books.n_bytes >= 0
        assert books.counts.sum() == 0
        assert books.problems == ()
        assert dict(books.n_problems) == {}

    @settings(law, max_examples=20)
    @given(draft=drafts())
    def test_orders_are_those_that_live(self, kernel: Any, draft: Draft) -> None:
        """By arrival, of one book and of all, with what is left of them."""
        books = make(kernel)
        data = b"".join(draft.messages)
        assert books.feed(data) == len(data)
        orders = books.orders()
        assert {
            (reference, locate, side, shares)
            for reference, _, _, shares, locate, side in orders.tolist()
        } == {
            (reference, order.locate, order.side, order.shares)
            for reference, order in draft.live.items()
        }
        # References of a draft rise, and so do ranks.
        assert orders["reference"].tolist() == sorted(draft.live)
        assert np.all(np.diff(orders["rank"]) > 0)
        assert len(books) == len(draft.live)
        for locate in LOCATES:
            mine = [row for row in orders.tolist() if row[4] == locate]
            assert books.orders(locate).tolist() == mine

    @settings(law, max_examples=20)
    @given(day=days(), n=st.integers(0, 4))
    def test_levels_are_sums_of_orders(self, kernel: Any, day: list[bytes], n: int) -> None:
        """Best first, each with the shares and the number of its orders."""
        books = make(kernel)
        books.feed(b"".join(day))
        for locate in LOCATES:
            for side in SIDES:
                sums: dict[int, list[int]] = {}
                for _, _, price, shares, _, of in books.orders(locate).tolist():
                    if of == side:
                        sums.setdefault(price, []).append(shares)
                prices = sorted(sums, reverse=side == b"B")
                levels = [(price, sum(sums[price]), len(sums[price])) for price in prices]
                assert books.levels(locate, side).tolist() == levels
                assert books.levels(locate, side, n).tolist() == levels[:n]

    @settings(law, max_examples=20)
    @given(day=days(), cuts=st.lists(st.integers(0, 2000), max_size=5))
    def test_runs_are_the_whole(self, kernel: Any, day: list[bytes], cuts: list[int]) -> None:
        """Wherever the bytes are cut, the same rows are written and the same books come out."""
        data = b"".join(day)
        whole, books = make(kernel), make(kernel)
        whole.feed(data)
        read = 0
        for cut in [*sorted(cuts), len(data)]:
            read += books.feed(data[read : max(cut, read)])
        assert read == len(data)
        assert written(books) == written(whole)
        assert state(books) == state(whole)
        assert books.counts.tolist() == whole.counts.tolist()

    @settings(law, max_examples=20)
    @given(day=days(), symbols=st.frozensets(st.sampled_from([b"A", b"AAPL", b"Z"]), min_size=1))
    def test_of_some_symbols_it_has_only_those(
        self, kernel: Any, day: list[bytes], symbols: frozenset[bytes]
    ) -> None:
        """Their rows and orders are as they are among all."""
        everything, books = make(kernel), make(kernel, symbols=symbols)
        # Told first which symbols there are, or those that are not known count as wanted.
        drafts = Draft()
        head = b"".join(drafts.add(Step("R", stock, 0, 0, 0, 0)) for stock in range(len(SYMBOLS)))
        for each in (everything, books):
            each.feed(head + b"".join(day))
        wanted = [
            locate for locate in LOCATES if locate and SYMBOLS[locate - 1].rstrip() in symbols
        ]
        among = everything.take()
        for name, table in books.take().items():
            kept = among[name][np.isin(among[name]["locate"], wanted)]
            assert columns(table) == columns(kept)
        for locate in LOCATES:
            expected = sides(everything, locate) if locate in wanted else [[], []]
            assert sides(books, locate) == expected
        live = [row[:1] + row[2:] for row in everything.orders().tolist() if row[4] in wanted]
        assert [row[:1] + row[2:] for row in books.orders().tolist()] == live

    @settings(law, max_examples=20)
    @given(day=days(), until=st.integers(0, 20))
    def test_it_stops_at_a_time(self, kernel: Any, day: list[bytes], until: int) -> None:
        """Before the first message of a later time; it can then go on."""
        data = b"".join(day)
        books, whole = make(kernel), make(kernel)
        sooner = [message for message in day if int.from_bytes(message[7:13], "big") <= until]
        read = books.feed(data, until=until)
        assert read == sum(map(len, sooner))
        assert books.feed(data[read:], until=until) == 0
        books.feed(data[read:])
        whole.feed(data)
        assert state(books) == state(whole)
        assert written(books) == written(whole)

    @pytest.mark.parametrize("reason", PLANTS)
    @settings(law, max_examples=8)
    @given(data=st.data())
    def test_strict_reading_stops_where_it_is_wrong(
        self, kernel: Any, reason: str, data: st.DataObject
    ) -> None:
        """The error says where and what; all before it has been applied, and nothing else is."""
        day = data.draw(planted(reason))
        books, sound = make(kernel), make(kernel)
        sound.feed(b"".join(day.messages[: day.place]))
        with pytest.raises(ItchError) as caught:
            books.feed(b"".join(day.messages))
        assert str(caught.value).startswith(f"at byte {day.offset}: {PROBLEMS[day.reason]}: ")
        assert (caught.value.offset, caught.value.type) == (day.offset, day.type)
        assert state(books) == state(sound)
        assert written(books) == written(sound)
        assert books.memory.offset == day.offset
        with pytest.raises(ItchError) as again:
            books.feed(b"".join(day.messages[day.place + 1 :]))
        assert str(again.value) == str(caught.value)
        assert state(books) == state(sound)

    @pytest.mark.parametrize("reason", LEFT_OUT)
    @settings(law, max_examples=8)
    @given(data=st.data())
    def test_lenient_reading_leaves_out_what_is_wrong(
        self, kernel: Any, reason: str, data: st.DataObject
    ) -> None:
        """The books are as if it had not been there, and it says where and what it was."""
        day = data.draw(planted(reason))
        books, sound = make(kernel, strict=False), make(kernel)
        books.feed(b"".join(day.messages))
        sound.feed(b"".join(day.messages[: day.place] + day.messages[day.place + 1 :]))
        assert state(books) == state(sound)
        (problem,) = books.problems
        assert (problem.offset, problem.type) == (day.offset, day.type)
        assert problem.reason == day.reason
        assert dict(books.n_problems) == {day.reason: 1}

    @pytest.mark.parametrize("reason", [reason for reason in PLANTS if reason not in LEFT_OUT])
    @settings(law, max_examples=8)
    @given(data=st.data())
    def test_lenient_reading_counts_what_it_takes_all_the_same(
        self, kernel: Any, reason: str, data: st.DataObject
    ) -> None:
        """One problem, at its place; and no order has less than nothing."""
        day = data.draw(planted(reason))
        books = make(kernel, strict=False)
        told = b"".join(day.messages)
        assert books.feed(told) == len(told)
        assert [(problem.offset, problem.reason) for problem in books.problems] == [
            (day.offset, day.reason)
        ]
        assert np.all(books.orders()["shares"] > 0)

    @settings(law, max_examples=20)
    @given(day=days(), more=days())
    def test_restored_books_go_on_as_those_they_were_made_from(
        self, kernel: Any, day: list[bytes], more: list[bytes]
    ) -> None:
        """Orders and what is known of the source are all it takes."""
        data, rest = b"".join(day), b"".join(more)
        books, restored = make(kernel, strict=False), make(kernel, strict=False)
        books.feed(data)
        books.take()
        restored.restore(books.orders(), books.memory)
        assert state(restored) == state(books)
        assert sum(map(len, restored.take().values())) == 0
        for each in (books, restored):
            each.feed(rest)
        assert written(restored) == written(books)
        assert [row[:1] + row[2:] for row in restored.orders().tolist()] == [
            row[:1] + row[2:] for row in books.orders().tolist()
        ]
        for locate in LOCATES:
            assert sides(restored, locate) == sides(books, locate)

    def test_a_day_ends_with_the_orders_that_are_left(self, kernel: Any) -> None:
        """A generated one, of some thousand messages."""
        day = TradingDay(messages=5000, symbols=20, seed=5)
        books = make(kernel, tables=frozenset())
        books.feed(b"".join(day.chunks()))
        assert books.n_bytes > 24 * len(books)
        assert [
            (*row,) for row in books.orders()[["reference", "locate", "side", "price", "shares"]]
        ] == [(*order[:2], order.side.encode(), *order[3:]) for order in day.live()]
        assert {
            chr(kind): books.counts[kind] for kind in np.flatnonzero(books.counts)
        } == day.counts

    def test_it_takes_any_contiguous_bytes(self, kernel: Any) -> None:
        """Of whatever kind they are, and wherever they begin; what it refuses changes nothing."""
        data = day_bytes(messages=400, symbols=3)
        expected = make(kernel)
        expected.feed(data)
        for given_ in (
            *(bytearray(data), memoryview(data), memoryview(b"!" + data)[1:]),
            np.frombuffer(data, np.uint8),
        ):
            books = make(kernel)
            for refused in ("text", None, 5, [1, 2], np.zeros(20, np.uint8)[::2]):
                with pytest.raises(TypeError):
                    books.feed(refused)
            books.feed(given_)
            assert state(books) == state(expected)

    def test_it_keeps_a_thousand_problems_and_counts_all(self, kernel: Any) -> None:
        """However damaged the source is, the list of what is wrong stays short."""
        books = make(kernel, strict=False)
        books.feed(b"\0\1?" * 3000 + b"\0\0" * 500 + b"\0\1S")
        assert dict(books.n_problems) == {
            "unknown_type": 3000,
            "length_zero": 500,
            "wrong_length": 1,
        }
        assert [problem.offset for problem in books.problems] == list(range(0, 3000, 3))

    def test_it_sees_the_mark_of_the_end(self, kernel: Any) -> None:
        """A length of 0 at the end of the bytes is left unread, and said."""
        data = day_bytes(messages=400, symbols=3)
        books = make(kernel)
        assert books.feed(data + b"\0\0") == len(data)
        assert books.ended
        assert books.memory.offset == len(data)
        books = make(kernel)
        books.restore(books.orders(), ItchMemory())
        assert not books.ended
