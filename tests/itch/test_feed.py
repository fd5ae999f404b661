import pickle
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.itch.feeds import day, plain, put_together

import nanobook
from nanobook_core.contracts.itch import PROBLEMS
from nanobook_core.testing.law import law
from nanobook_itch.testing.packing import message
from nanobook_itch.testing.planted import planted, rough
from nanobook_itch.testing.strategies import days

ALL = ("bbo", "trades", "orders", "depth", "status", "imbalance", "collar", "ipo", "system")
SECOND = 10**9

#: What is wrong with messages, whatever the books are.
DECODING = tuple(PROBLEMS)[: tuple(PROBLEMS).index("time_back") + 1]

sizes = st.sampled_from([30, 50, 120, 300])

feeds = st.one_of(days(), rough(), planted().map(lambda planted: planted.messages)).map(b"".join)


def add(reference, time, *, locate=1, symbol=b"AAPL    ", side=b"B", shares=100, price=10_000):
    return message("A", locate, time, reference, side, shares, symbol, price)


def outcome(call):
    """The rows and what was wrong, or what was raised."""
    try:
        found = list(call())
    except nanobook.ItchError as error:
        return str(error), error.offset, error.type
    # Problems of chunks of messages are their own, those of chunks of books all so far.
    parts = found if hasattr(found[0], "index") else found[-1:]
    n_problems = sum((Counter(part.n_problems) for part in parts), Counter())
    return put_together(found), [problem for part in parts for problem in part.problems], n_problems


def same_by_run(feed, n_bytes, **options):
    whole = outcome(lambda: [feed.messages(**options)])
    assert outcome(lambda: feed.chunks(n_bytes=n_bytes, **options)) == whole
    books = outcome(lambda: [feed.books(ALL, **options)])
    assert outcome(lambda: feed.book_chunks(ALL, n_bytes=n_bytes, **options)) == books
    return whole, books


def test_the_messages_of_a_day():
    messages = nanobook.ItchFeed(day()).messages()
    assert len(messages.index) == sum(map(len, messages.values())) == 3000
    assert messages.index["sequence"].tolist() == list(range(3000))
    names = list(messages)
    for sequence, row, family, kind in messages.index.tolist():
        found = messages[names[family]][row]
        assert (found["sequence"], found["type"]) == (sequence, kind)
    assert messages.is_clean
    assert messages.order is messages["order"]


@pytest.mark.parametrize("n_bytes", [100, 5000, 1 << 20])
def test_chunks_are_the_messages(n_bytes):
    feed = nanobook.ItchFeed(day())
    parts = list(feed.chunks(n_bytes=n_bytes))
    whole = feed.messages()
    assert put_together(parts) == put_together([whole])
    assert len(parts) == len(day()) // n_bytes + 1
    for part in parts:
        for name, table in part.items():
            here = part.index["family"] == list(part).index(name)
            assert part.index["row"][here].tolist() == list(range(len(table)))


@pytest.mark.parametrize("n_bytes", [100, 5000, 1 << 20])
def test_chunks_of_books_are_the_books(n_bytes):
    feed = nanobook.ItchFeed(day())
    whole = feed.books(ALL, depth=3)
    parts = feed.book_chunks(ALL, depth=3, n_bytes=n_bytes)
    assert put_together(parts) == put_together([whole])
    order = "bbo trades orders depth imbalance status ipo collar system"
    assert list(whole) == order.split()


@settings(law, max_examples=40)
@given(data=feeds, n_bytes=sizes, strict=st.booleans(), cut=st.integers(0, 30))
def test_no_result_depends_on_the_size_of_a_run(data, n_bytes, strict, cut):
    same_by_run(nanobook.ItchFeed(data[: len(data) - cut], strict=strict), n_bytes)


ends = st.sampled_from([0, 1, 5, 8, 30, SECOND + 7, 10**12, 2 * 10**12])


@settings(law, max_examples=40)
@given(data=feeds, n_bytes=sizes, strict=st.booleans(), end=ends)
def test_nothing_is_looked_at_from_the_end_on(data, n_bytes, strict, end):
    feed = nanobook.ItchFeed(data, strict=strict)
    messages, books = same_by_run(feed, n_bytes, end=end)
    for reason in DECODING:  # the books stop at the same message
        assert strict or messages[2][reason] == books[2][reason]


def test_a_problem_after_the_end_is_not_looked_at():
    data = add(1, 5) + add(2, 9) + b"\x00\x03zzz"
    feed = nanobook.ItchFeed(data)
    assert feed.messages(end=9).order["reference"].tolist() == [1]
    assert len(feed.books("orders", end=9).orders) == 1
    assert len(feed.at(8).orders("AAPL")) == 1
    for call in (feed.messages, lambda: feed.messages(end=10), feed.books, lambda: feed.at(9)):
        with pytest.raises(nanobook.ItchError, match=r"at byte 76: .* type that ITCH 5.0 .*'z'"):
            call()


def test_times_symbols_and_types_are_filters():
    feed = nanobook.ItchFeed(day(), symbols=["NVDA", "AAPL"])
    every = nanobook.ItchFeed(day()).messages().order
    wanted = every[np.isin(every["symbol"], [b"NVDA", b"AAPL"])]
    assert feed.messages().order.tolist() == wanted.tolist()
    some = feed.messages("AX", start="10:00", end="11:00:00.5").order
    kept = (wanted["timestamp"] >= 36_000 * SECOND) & (wanted["timestamp"] < 39_600_500_000_000)
    assert some.tolist() == wanted[kept & np.isin(wanted["type"], [b"A", b"X"])].tolist()
    assert feed.symbols == ("AAPL", "NVDA")
    assert set(feed.books().books) == {"AAPL", "NVDA"}
    assert nanobook.ItchFeed(day(), symbols="NVDA").symbols == ("NVDA",)


def test_a_symbol_is_known_without_a_directory():
    data = add(1, 1) + add(2, 2, locate=2, symbol=b"MSFT    ") + message("D", 1, 3, 1)
    feed = nanobook.ItchFeed(data, symbols=["AAPL"])
    assert feed.messages().order["type"].tolist() == [b"A", b"D"]
    assert feed.books("orders").orders["symbol"].tolist() == [b"AAPL"] * 2
    assert list(feed.at(2)) == ["AAPL"]


def test_auctions_and_halts_come_beside_the_books():
    feed = nanobook.ItchFeed(day())
    tables, messages = feed.books(ALL), feed.messages()
    for name in ("status", "imbalance", "collar", "ipo", "system"):
        assert tables[name].tolist() == messages[name].tolist()
        assert len(tables[name])
    some = nanobook.ItchFeed(day(), symbols="NVDA").books(("status", "bbo"), start="12:00")
    assert set(some.status["symbol"].tolist()) <= {b"NVDA"}
    assert some.bbo["timestamp"].min() >= 43_200 * SECOND


def test_a_grid_has_each_book_at_each_time():
    minute = 60 * SECOND
    data = (
        add(1, 5 * minute)
        + add(2, 20 * minute, side=b"S", price=10_100)
        + message("X", 1, 30 * minute, 1, 60)
    )
    feed = nanobook.ItchFeed(data)

    def minutes(**options):
        return (feed.books("depth", depth=1, **options).depth["timestamp"] // minute).tolist()

    times = ["00:04", "00:05", "00:19:59.999999999", "00:20", 30 * minute, "01:39"]
    depth = feed.books("depth", depth=1, grid=times).depth
    assert minutes(grid=times) == [5, 19, 20, 30, 99]
    assert depth["bid_shares"][:, 0].tolist() == [100, 100, 100, 40, 40]
    assert depth["ask"][:, 0].tolist() == [0, 0, 10_100, 10_100, 10_100]
    # Every so often, as long as the feed goes on.
    assert minutes(every="00:10") == [10, 20, 30]
    assert minutes(every="00:10", start="00:15") == [20, 30]
    # At the end that was asked for it stops, though the feed does not.
    assert minutes(every="00:10", end="00:25") == [10, 20]
    assert minutes(grid=times, end="00:20") == [5, 19]


def test_every_and_the_same_grid_are_equal():
    feed = nanobook.ItchFeed(day())
    last = feed.info().last_time
    times = range(0, last + 1, 3600 * SECOND)
    assert plain(feed.books("depth", depth=2, every="01:00")) == plain(
        feed.books("depth", depth=2, grid=times)
    )


def test_the_info_of_a_day():
    info = nanobook.ItchFeed(day()).info()
    assert (info.n_messages, info.n_bytes) == (3000, len(day()) - 2)
    assert sum(info.counts.values()) == 3000
    assert info.is_clean
    assert info.is_complete
    assert info.ended
    assert info.market_hours == (34_200 * SECOND, 57_600 * SECOND)
    assert info.first_time == 10_800 * SECOND
    assert info.last_time == 72_300 * SECOND
    messages = nanobook.ItchFeed(day()).messages()
    per_symbol = dict.fromkeys(info.symbols, 0)
    for table in messages.values():
        for symbol in table["symbol"].tolist():
            if symbol:
                per_symbol[symbol.decode()] += 1
    assert info.symbols == per_symbol


def test_the_info_of_a_part_of_a_day():
    info = nanobook.ItchFeed(add(1, 5) + add(2, 7)).info()
    assert not info.ended
    assert not info.is_complete
    assert info.market_hours == (None, None)
    assert (info.first_time, info.last_time) == (5, 7)
    assert (info.counts, info.symbols) == ({"A": 2}, {"AAPL": 2})


def test_lenient_results_say_what_was_wrong():
    data = add(1, 5) + message("D", 1, 6, 9) + add(2, 4) + b"\x00\x00" + add(3, 8)[:-1]
    feed = nanobook.ItchFeed(data, strict=False)
    messages = feed.messages()
    assert not messages.is_clean
    assert messages.n_problems == {"time_back": 1, "length_zero": 1, "truncated": 1}
    assert [problem.offset for problem in messages.problems] == [59, 97, 99]
    books = feed.books()
    assert books.n_problems == {
        "unknown_reference": 1,
        "time_back": 1,
        "length_zero": 1,
        "truncated": 1,
    }
    assert books.problems[-1].detail == "37 bytes are there, 38 are needed"
    assert repr(books) == "ItchTables(bbo: 2; 4 problems)"
    info = feed.info()
    assert info.n_problems == messages.n_problems
    assert info.problems == messages.problems


def test_problems_are_kept_up_to_a_thousand_and_counted_beyond():
    feed = nanobook.ItchFeed(b"\x00\x01z" * 5000, strict=False)
    for found in (feed.messages(), feed.books(), feed.info()):
        assert len(found.problems) == 1000
        assert found.n_problems == {"unknown_type": 5000}
    chunks = list(feed.chunks(n_bytes=30))
    assert [problem.offset for chunk in chunks for problem in chunk.problems] == list(
        range(0, 15_000, 3)
    )


def test_strict_chunks_end_at_the_problem():
    data = add(1, 5) + add(2, 6) + b"\x00\x01z"
    chunks = nanobook.ItchFeed(data).chunks(n_bytes=38)
    assert len(next(chunks).order) == 1
    assert len(next(chunks).order) == 1
    with pytest.raises(nanobook.ItchError, match="at byte 76"):
        next(chunks)


def test_two_feeds_and_one_feed_in_two_threads(tmp_path):
    path = tmp_path / "day.itch"
    path.write_bytes(day())
    shared = nanobook.ItchFeed(path)
    expected = plain(shared.books(ALL))
    found = []

    def read(feed):
        found.append(plain(feed.books(ALL)) == expected)
        found.append(plain(feed.messages()) == messages)

    messages = plain(shared.messages())
    feeds = [shared, shared, nanobook.ItchFeed(path), nanobook.ItchFeed(day())]
    threads = [threading.Thread(target=read, args=(feed,)) for feed in feeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_reprs():
    feed = nanobook.ItchFeed(day(), symbols=["NVDA"], strict=False)
    assert repr(feed) == f"ItchFeed('{len(day()):,} bytes', symbols=['NVDA'], strict=False)"
    assert repr(nanobook.ItchFeed(add(1, 5)).messages("D")) == "ItchMessages(no rows)"
    assert repr(nanobook.ItchFeed(add(1, 5)).books()) == "ItchTables(bbo: 1)"


def test_what_is_no_table_is_said():
    tables = nanobook.ItchFeed(day()).books()
    with pytest.raises(AttributeError, match="no attribute 'depth'; its tables are bbo, trades"):
        _ = tables.depth
    with pytest.raises(KeyError, match="no table 'depth'; there are bbo, trades"):
        tables["depth"]
    messages = nanobook.ItchFeed(day()).messages()
    assert plain(pickle.loads(pickle.dumps(messages))) == plain(messages)  # noqa: S301 - our own


def test_a_symbol_of_two_locates_has_no_book_to_be_told():
    books = nanobook.ItchFeed(add(1, 5) + add(2, 6, locate=2)).books().books
    for ask in (lambda: books["AAPL"], lambda: books.depth("AAPL", 1), lambda: list(books)):
        with pytest.raises(nanobook.ItchError, match="'AAPL' has two locates, 1 and 2"):
            ask()
