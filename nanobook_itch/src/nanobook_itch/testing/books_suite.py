"""Laws of books of ITCH."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts.itch import PROBLEMS, ItchBooks, ItchMemory
from nanobook_core.contracts.itch_table import BBO, LEVEL, LIVE, ORDERS, TRADES, depth_columns
from nanobook_core.errors import ItchError
from nanobook_core.testing.law import law
from nanobook_itch.testing.day import TradingDay, day_bytes
from nanobook_itch.testing.planted import PLANTS, Planted, planted
from nanobook_itch.testing.strategies import FIRST_REFERENCES, SYMBOLS, Draft, Step, days, steps

MOST = 2**63 - 1
TABLES = frozenset({"bbo", "trades", "orders", "depth"})
LOCATES = range(len(SYMBOLS) + 1)
SIDES = (b"B", b"S")

#: Lenient reading leaves such a message out, and nothing else happens.
LEFT_OUT = (
    *("length_zero", "unknown_type", "wrong_length", "bad_side", "too_large"),
    *("unknown_reference", "no_shares"),
)


def make(kernel: Any, **options: Any) -> Any:
    """Make strict books that write everything, unless options say otherwise."""
    everything = {"symbols": None, "strict": True, "tables": TABLES, "depth": 3}
    rest = {"grid": None, "start": 0, "end": MOST}
    return kernel(**{**everything, **rest, **options})


def columns(table: Any) -> dict[str, list[Any]]:
    """Return a table as plain values."""
    return {name: table[name].tolist() for name in table.dtype.names}


def written(books: Any) -> dict[str, dict[str, list[Any]]]:
    """What the books have written since they were last asked."""
    return {name: columns(table) for name, table in books.take().items()}


def sides(books: Any, locate: int, n: int | None = None) -> list[Any]:
    """Levels of both sides of a book."""
    return [books.levels(locate, side, n).tolist() for side in SIDES]


def state(books: Any) -> list[Any]:
    """Everything that is in the books."""
    return [books.orders().tolist(), *(sides(books, locate) for locate in LOCATES), len(books)]


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Draw a valid day whose live orders are known."""
    draft = Draft(draw(st.sampled_from(FIRST_REFERENCES)))
    for step in draw(st.lists(steps(), max_size=40)):
        draft.add(step)
    return draft


class ItchBooksSuite:
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

    @law
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

    @law
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

    @law
    @given(day=days(), depth=st.sampled_from([1, 2, 10]))
    def test_it_writes_the_books_as_they_change(
        self, kernel: Any, day: list[bytes], depth: int
    ) -> None:
        """After each message a row has what the book then is, and there is none without a change.

        Of the best of both sides in `bbo`, of the first levels in `depth`.
        """
        books = make(kernel, depth=depth)
        before = {locate: sides(books, locate, depth) for locate in LOCATES}
        for sequence, message in enumerate(day):
            books.feed(message)
            rows = books.take()
            after = {locate: sides(books, locate, depth) for locate in LOCATES}
            changed = [locate for locate in LOCATES if after[locate] != before[locate]]
            assert rows["depth"]["locate"].tolist() == changed
            best = [
                locate
                for locate in changed
                if [side[:1] for side in after[locate]] != [side[:1] for side in before[locate]]
            ]
            assert rows["bbo"]["locate"].tolist() == best
            for name in ("bbo", "depth"):
                for row in rows[name]:
                    assert row["sequence"] == sequence
                    assert row["timestamp"] == int.from_bytes(message[7:13], "big")
                    assert row["symbol"].ljust(8) == SYMBOLS[row["locate"] - 1]
            for row in rows["bbo"]:
                bid, ask = (side[0] if side else (0, 0, 0) for side in after[int(row["locate"])])
                assert (row["bid"], row["bid_shares"], row["bid_count"]) == bid
                assert (row["ask"], row["ask_shares"], row["ask_count"]) == ask
            for row in rows["depth"]:
                for side, levels in zip(("bid", "ask"), after[int(row["locate"])], strict=True):
                    padded = [*levels, *[(0, 0, 0)] * (depth - len(levels))]
                    shown = zip(
                        row[side].tolist(),
                        row[f"{side}_shares"].tolist(),
                        row[f"{side}_count"].tolist(),
                        strict=True,
                    )
                    assert list(shown) == padded
            before = after

    @law
    @given(day=days())
    def test_it_writes_what_happens_to_orders(self, kernel: Any, day: list[bytes]) -> None:
        """A row an order message, with what the order and its level have after it."""
        books = make(kernel)
        for sequence, message in enumerate(day):
            before = {row[0]: row for row in books.orders().tolist()}
            books.feed(message)
            after = {row[0]: row for row in books.orders().tolist()}
            rows = books.take()["orders"]
            if message[2:3] not in (b"A", b"F", b"E", b"C", b"X", b"D", b"U"):
                assert len(rows) == 0
                continue
            (row,) = rows
            assert row["sequence"] == sequence
            kept = int(row["new_reference"] if row["type"] == b"U" else row["reference"])
            _, _, price, _, locate, side = after.get(kept) or before[kept]
            remaining = after[kept][3] if kept in after else 0
            assert (row["price"], row["locate"], row["side"]) == (price, locate, side)
            assert row["remaining"] == remaining
            if row["type"] in (b"A", b"F", b"U"):
                assert row["shares"] == remaining
            else:
                assert row["shares"] == before[kept][3] - remaining
            levels = {level[0]: level[1] for level in books.levels(locate, side).tolist()}
            assert row["level_shares"] == levels.get(price, 0)

    @law
    @given(day=days(kinds="AAAEEECCPQB"))
    def test_it_writes_trades(self, kernel: Any, day: list[bytes]) -> None:
        """With the aggressor's side, where an order in the book was executed."""
        books = make(kernel)
        for message in day:
            before = {row[0]: row for row in books.orders().tolist()}
            books.feed(message)
            rows = books.take()["trades"]
            kind = message[2:3]
            if kind not in (b"E", b"C", b"P", b"Q", b"B"):
                assert len(rows) == 0
                continue
            (row,) = rows
            assert row["type"] == kind
            if kind in (b"E", b"C"):
                order = before[int(row["reference"])]
                assert row["side"] == {b"B": b"S", b"S": b"B"}[order[5]]
                price = order[2] if kind == b"E" else int.from_bytes(message[34:38], "big")
                assert row["price"] == price
                assert row["shares"] == int.from_bytes(message[21:25], "big")
                assert row["printable"] == (message[33:34] if kind == b"C" else b"")
            else:
                assert row["side"] == b""
                assert row["cross"] == (message[41:42].strip() if kind == b"Q" else b"")

    @law
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

    @law
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

    @law
    @given(day=days(), until=st.integers(0, 60))
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

    @law
    @given(day=days(), grid=st.lists(st.integers(0, 60), max_size=5, unique=True).map(sorted))
    def test_on_a_grid_it_writes_the_books_of_those_times(
        self, kernel: Any, day: list[bytes], grid: list[int]
    ) -> None:
        """A row a time and symbol that has had an order, as after all up to that time."""
        data = b"".join(day)
        books = make(kernel, grid=np.array(grid, np.int64))
        books.feed(data)
        books.finish(MOST - 1)
        rows = books.take()["depth"].tolist()
        follower = make(kernel, depth=3)
        expected = []
        had: set[int] = set()
        read = 0
        for time in grid:
            read += follower.feed(data[read:], until=time)
            had |= set(follower.take()["orders"]["locate"].tolist())
            expected += [(time, locate, sides(follower, locate, 3)) for locate in sorted(had)]
        found = []
        names = [name for name, *_ in depth_columns(3)]
        for row in rows:
            of = dict(zip(names, row, strict=True))
            shown = [
                [
                    level
                    for level in zip(
                        of[side].tolist(),
                        of[f"{side}_shares"].tolist(),
                        of[f"{side}_count"].tolist(),
                        strict=True,
                    )
                    if level[2]
                ]
                for side in ("bid", "ask")
            ]
            found.append((of["timestamp"], of["locate"], shown))
        assert found == expected

    @law
    @given(day=days(), window=st.tuples(*[st.integers(0, 60)] * 2))
    def test_rows_are_of_a_window_and_books_of_all(
        self, kernel: Any, day: list[bytes], window: tuple[int, int]
    ) -> None:
        """From `start` to before `end`."""
        start, end = window
        whole, books = make(kernel), make(kernel, start=start, end=end)
        for each in (whole, books):
            each.feed(b"".join(day))
        assert state(books) == state(whole)
        among = whole.take()
        for name, table in books.take().items():
            times = among[name]["timestamp"]
            assert columns(table) == columns(among[name][(start <= times) & (times < end)])

    @law
    @given(day=planted())
    def test_strict_reading_stops_where_it_is_wrong(self, kernel: Any, day: Planted) -> None:
        """The error says where and what; all before it has been applied, and nothing else is."""
        books, sound = make(kernel), make(kernel)
        sound.feed(b"".join(day.messages[: day.place]))
        data = b"".join(day.messages)
        with pytest.raises(ItchError) as caught:
            books.feed(data)
        assert str(caught.value).startswith(f"at byte {day.offset}: {PROBLEMS[day.reason]}: ")
        assert (caught.value.offset, caught.value.type) == (day.offset, day.type)
        assert state(books) == state(sound)
        assert written(books) == written(sound)
        assert books.memory.offset == day.offset
        with pytest.raises(ItchError) as again:
            books.feed(data[day.offset :])
        assert str(again.value) == str(caught.value)
        assert state(books) == state(sound)

    @law
    @given(day=planted(LEFT_OUT))
    def test_lenient_reading_leaves_out_what_is_wrong(self, kernel: Any, day: Planted) -> None:
        """The books are as if it had not been there, and it says where and what it was."""
        books, sound = make(kernel, strict=False), make(kernel)
        books.feed(b"".join(day.messages))
        sound.feed(b"".join(day.messages[: day.place] + day.messages[day.place + 1 :]))
        assert state(books) == state(sound)
        (problem,) = books.problems
        assert (problem.offset, problem.type) == (day.offset, day.type)
        assert problem.reason == day.reason
        assert dict(books.n_problems) == {day.reason: 1}

    @law
    @given(day=planted([reason for reason in PLANTS if reason not in LEFT_OUT]))
    def test_lenient_reading_counts_what_it_takes_all_the_same(
        self, kernel: Any, day: Planted
    ) -> None:
        """One problem, at its place; and no order has less than nothing."""
        books = make(kernel, strict=False)
        data = b"".join(day.messages)
        assert books.feed(data) == len(data)
        assert [(problem.offset, problem.reason) for problem in books.problems] == [
            (day.offset, day.reason)
        ]
        assert np.all(books.orders()["shares"] > 0)

    @law
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

    @law
    @given(day=days(max_size=10), tables=st.frozensets(st.sampled_from(sorted(TABLES))))
    def test_tables_are_as_the_contract_has_them(
        self, kernel: Any, day: list[bytes], tables: frozenset[str]
    ) -> None:
        """Those that were asked for, with aligned columns; they are the caller's own."""
        books = make(kernel, tables=tables, depth=2)
        books.feed(b"".join(day))
        taken = books.take()
        layout = {"bbo": BBO, "trades": TRADES, "orders": ORDERS, "depth": depth_columns(2)}
        assert set(taken) == tables
        for name, table in taken.items():
            assert table.dtype == np.dtype([*layout[name]], align=True)
            table.view(np.uint8).fill(7)
        assert {name: len(table) for name, table in books.take().items()} == dict.fromkeys(
            tables, 0
        )
        assert books.orders().dtype == np.dtype([*LIVE], align=True)
        assert books.levels(1, b"B").dtype == np.dtype([*LEVEL], align=True)
        memory = books.memory
        memory.symbols[:] = b"X"
        memory.sequence = memory.offset = 5
        assert books.memory.sequence == len(day)
        assert b"X" not in books.memory.symbols[:3].tolist()

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
