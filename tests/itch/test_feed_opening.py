"""What books were just before the rows of a table: flows over parts are that of the whole."""

from itertools import pairwise

import numpy as np
import pytest
from tests.itch.feeds import day

import nanobook

WHOLE = ("00:00", "24:00")
CUTS = ["00:00", "09:30", "10:15", "10:15:00.000000001", "15:59:59", "24:00"]


def flow_of(tables):
    """The order flow imbalance of each symbol."""
    flow = nanobook.order_flow_imbalance(tables.bbo, tables.opening)
    return sum_of(zip(tables.bbo["symbol"].tolist(), flow.tolist(), strict=True), {})


def sum_of(pairs, total):
    for symbol, flow in pairs:
        total[symbol] = total.get(symbol, 0) + flow
    return total


def added(parts):
    total = {}
    for part in parts:
        sum_of(flow_of(part).items(), total)
    return total


@pytest.fixture(params=[None, ["AAPL", "NVDA"]])
def feed(request):
    return nanobook.ItchFeed(day(), symbols=request.param)


def test_order_flow_of_windows_is_that_of_the_whole(feed):
    whole = flow_of(feed.books("bbo"))
    parts = [feed.books("bbo", start=start, end=end) for start, end in pairwise(CUTS)]
    assert sum(bool(len(part.bbo)) for part in parts) >= 3
    assert any(whole.values())
    assert added(parts) == whole


@pytest.mark.parametrize("n_bytes", [3000, 20_000])
@pytest.mark.parametrize("start", [None, "10:15"])
def test_order_flow_of_chunks_is_that_of_the_whole(feed, start, n_bytes):
    whole = flow_of(feed.books("bbo", start=start))
    assert any(whole.values())
    assert added(feed.book_chunks("bbo", start=start, n_bytes=n_bytes)) == whole


def test_order_flow_of_intervals_begins_with_the_books_of_before(feed):
    whole = feed.books("bbo")
    part = feed.books("bbo", start="10:00")
    flow = nanobook.order_flow(whole.bbo, "00:30", whole.opening)
    later = nanobook.order_flow(part.bbo, "00:30", part.opening)
    assert later.tolist() == flow[flow["timestamp"] >= 10 * 3600 * 10**9].tolist()
    assert len(later)


def test_an_opening_is_the_books_just_before(feed):
    start = 10 * 3600 * 10**9
    books = feed.at(start - 1)
    opening = feed.books("bbo", start=start).opening
    assert opening["locate"].tolist() == sorted(opening["locate"].tolist())
    assert set(opening["timestamp"].tolist()) == {start}
    assert len(opening) == len(books)
    for row in opening:
        book = books.depth(row["symbol"].decode(), 1)
        for side, levels in (("bid", book.bids), ("ask", book.asks)):
            best = [(level.price, level.quantity, level.order_count) for level in levels]
            found = tuple(int(row[name]) for name in (side, f"{side}_shares", f"{side}_count"))
            assert [found] == (best or [(0, 0, 0)])
    assert feed.books("bbo", start="24:00").opening.tolist()
    assert feed.books("bbo").opening.tolist() == []
    assert feed.books("trades", start="10:00").opening.tolist() == []


def test_means_over_time_count_from_the_start(feed):
    tables = feed.books("bbo", start="10:00", end="10:30")
    rows = np.concatenate([tables.opening, tables.bbo])
    spread = nanobook.time_weighted_mean(rows, nanobook.quoted_spread(rows), end="10:30")
    grid = feed.books("bbo", end="10:30").bbo
    for symbol, duration, mean in spread[["symbol", "duration", "mean"]].tolist():
        lasting = naive_mean(grid[grid["symbol"] == symbol], 10 * 3600 * 10**9, 1800 * 10**9)
        assert (duration, pytest.approx(mean, nan_ok=True)) == lasting


def naive_mean(rows, start, length):
    """How long there was a spread in a window, and its mean, row by row."""
    duration = total = 0
    ends = [*rows["timestamp"].tolist()[1:], start + length]
    for row, end in zip(rows.tolist(), ends, strict=True):
        named = dict(zip(rows.dtype.names, row, strict=True))
        time = max(0, end - max(start, named["timestamp"]))
        if named["bid"] and named["ask"]:
            duration += time
            total += time * (named["ask"] - named["bid"])
    return duration, total / duration if duration else float("nan")


def test_order_flow_by_hand_from_an_opening():
    bbo = nanobook.ItchFeed(day()).books("bbo").bbo[:2].copy()
    bbo["locate"] = 1, 2
    for name in ("bid", "ask", "bid_shares", "ask_shares"):
        bbo[name] = {"bid": 100, "ask": 110, "bid_shares": 5, "ask_shares": 7}[name]
    opening = bbo[:1].copy()
    opening["bid"], opening["bid_shares"] = 99, 3
    # The bid of one rises; nothing was there of the other.
    assert nanobook.order_flow_imbalance(bbo, opening).tolist() == [5, 5 - 7]
    assert nanobook.order_flow_imbalance(bbo[:0], opening).tolist() == []
    assert nanobook.order_flow_imbalance(bbo).tolist() == [0, 0]


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize(
    "measure",
    [
        nanobook.order_flow_imbalance,
        lambda table: nanobook.order_flow(table, "00:05"),
        nanobook.book_imbalance,
        nanobook.quoted_spread,
        nanobook.mid_price,
        nanobook.weighted_mid,
        nanobook.trade_volumes,
        lambda table: nanobook.time_weighted_mean(table, [1]),
    ],
)
def test_a_measure_refuses_what_is_no_table_of_its_own(measure, backend):
    tables = nanobook.ItchFeed(day()).books(("bbo", "status"))
    with pytest.raises(TypeError, match="this measures a table, an array such as"):
        measure(tables.frame("bbo", backend))
    with pytest.raises(TypeError, match="several tables; got ItchTables"):
        measure(tables)
    with pytest.raises(TypeError, match="the table has no column"):
        measure(np.zeros(3, [("a", "i8")]))
