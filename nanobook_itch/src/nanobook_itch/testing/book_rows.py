"""Laws of what books of ITCH write."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobook_core.contracts.itch_table import BBO, LEVEL, LIVE, ORDERS, TRADES, depth_columns
from nanobook_core.testing.law import law
from nanobook_itch.testing.book_state import (
    LOCATES,
    MOST,
    TABLES,
    columns,
    make,
    sides,
    state,
)
from nanobook_itch.testing.strategies import SYMBOLS, days


class ItchBookRows:
    """What the tables of a kernel `itch_books` must have; its suite inherits these laws."""

    @settings(law, max_examples=20)
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

    @settings(law, max_examples=20)
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

    @settings(law, max_examples=20)
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

    @settings(law, max_examples=20)
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

    @settings(law, max_examples=20)
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

    @settings(law, max_examples=20)
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
