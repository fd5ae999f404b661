import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.itch.feeds import day

import nanobook
from nanobook_core.contracts.itch_table import BBO, TRADES, depth_columns
from nanobook_core.testing.law import law
from nanobook_itch.layout import table_dtype

SECOND = 10**9
NAN = float("nan")


def bbo(*rows):
    """A table of locate, time, bid, its shares, ask, its shares."""
    table = np.zeros(len(rows), table_dtype(BBO))
    for row, (locate, time, bid, bid_shares, ask, ask_shares) in zip(table, rows, strict=True):
        row["symbol"], row["locate"], row["timestamp"] = f"S{locate}".encode(), locate, time
        row["bid"], row["bid_shares"], row["ask"], row["ask_shares"] = (
            *(bid, bid_shares if bid else 0),
            *(ask, ask_shares if ask else 0),
        )
    return table


prices, shares = st.integers(0, 4), st.integers(1, 5)
rows = st.lists(
    st.tuples(st.integers(1, 3), st.just(0), prices, shares, prices, shares), max_size=30
)


@st.composite
def tables(draw):
    table = bbo(*draw(rows))
    table["timestamp"] = sorted(draw(st.integers(0, 50)) for _ in table)
    return table


def naive_flow(table):
    """Cont, Kukanov and Stoikov's e_n, one row after the other."""
    last, found = {}, []
    for row in table:
        flow = 0
        if row["locate"] in last:
            then = last[row["locate"]]
            worst = {"bid": -1, "ask": 10**9}
            for side, sign in (("bid", 1), ("ask", -1)):
                now_price = int(row[side]) or worst[side]
                then_price = int(then[side]) or worst[side]
                if sign * now_price >= sign * then_price:
                    flow += sign * int(row[f"{side}_shares"])
                if sign * now_price <= sign * then_price:
                    flow -= sign * int(then[f"{side}_shares"])
        last[row["locate"]] = row
        found.append(flow)
    return found


@law
@given(table=tables())
def test_order_flow_is_that_of_a_loop(table):
    assert nanobook.order_flow_imbalance(table).tolist() == naive_flow(table)


@law
@given(table=tables(), step=st.integers(1, 20))
def test_order_flow_of_intervals_adds_up(table, step):
    expected = {}
    for row, flow in zip(table, naive_flow(table), strict=True):
        key = int(row["locate"]), int(row["timestamp"]) // step * step
        expected[key] = expected.get(key, 0) + flow
    found = nanobook.order_flow(table, f"{step}ns")
    keys = zip(found["locate"].tolist(), found["timestamp"].tolist(), strict=True)
    assert dict(zip(keys, found["imbalance"].tolist(), strict=True)) == expected
    assert found["symbol"].tolist() == [f"S{locate}".encode() for locate in found["locate"]]


@law
@given(table=tables())
def test_sides_mirror_each_other(table):
    mirrored = table.copy()
    for what in ("", "_shares", "_count"):
        mirrored[f"bid{what}"], mirrored[f"ask{what}"] = table[f"ask{what}"], table[f"bid{what}"]
    # Prices turn around, so that the better stay better; what is not there stays so.
    for side in ("bid", "ask"):
        mirrored[side] = np.where(mirrored[side] > 0, 10 - mirrored[side], 0)
    flow = nanobook.order_flow_imbalance(table)
    assert nanobook.order_flow_imbalance(mirrored).tolist() == (-flow).tolist()
    balance = nanobook.book_imbalance(table)
    np.testing.assert_array_equal(nanobook.book_imbalance(mirrored), -balance)
    np.testing.assert_array_equal(nanobook.mid_price(mirrored), 10 - nanobook.mid_price(table))
    np.testing.assert_array_equal(nanobook.quoted_spread(mirrored), nanobook.quoted_spread(table))


def test_order_flow_by_hand():
    table = bbo(
        (1, 0, 100, 5, 110, 7),
        (2, 0, 100, 9, 110, 9),
        (1, 1, 101, 3, 110, 7),  # a better bid: its shares come
        (1, 2, 100, 4, 110, 7),  # the bid falls: the shares of the better go
        (1, 3, 100, 6, 109, 2),  # two more to buy, and two to sell at a better price
        (1, 4, 100, 6, 0, 0),  # all asks go
        (1, 5, 0, 0, 0, 0),
    )
    assert nanobook.order_flow_imbalance(table).tolist() == [0, 0, 3, -3, 0, 2, -6]
    assert nanobook.order_flow_imbalance(table[:0]).tolist() == []


def test_an_interval_without_a_unit_is_nanoseconds_and_not_seconds():
    assert nanobook.order_flow(bbo((1, 0, 1, 1, 2, 1)), 300 * SECOND)["timestamp"].tolist() == [0]
    with pytest.raises(nanobook.ValidationError, match='nanoseconds: write "300s" for seconds'):
        nanobook.order_flow(bbo((1, 0, 1, 1, 2, 1)), 300)


def test_the_touch_by_hand():
    table = bbo(
        (1, 0, 100, 1, 110, 3), (1, 1, 0, 0, 110, 3), (1, 2, 100, 1, 0, 0), (1, 3, 5, 1, 4, 1)
    )
    np.testing.assert_array_equal(nanobook.quoted_spread(table), [10, NAN, NAN, -1])
    np.testing.assert_array_equal(nanobook.mid_price(table), [105, NAN, NAN, 4.5])
    np.testing.assert_array_equal(nanobook.weighted_mid(table), [102.5, NAN, NAN, 4.5])
    np.testing.assert_array_equal(nanobook.book_imbalance(table), [-0.5, -1, 1, 0])
    assert np.isnan(nanobook.book_imbalance(bbo((1, 0, 0, 0, 0, 0)))).all()
    for measure in (nanobook.quoted_spread, nanobook.mid_price, nanobook.weighted_mid):
        assert measure(table[:0]).tolist() == []


def test_the_imbalance_of_levels():
    table = np.zeros(2, table_dtype(depth_columns(3)))
    table["bid_shares"] = [[1, 2, 3], [0, 0, 0]]
    table["ask_shares"] = [[3, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(nanobook.book_imbalance(table), [1 / 3, NAN])
    np.testing.assert_array_equal(nanobook.book_imbalance(table, 1), [-0.5, NAN])
    np.testing.assert_array_equal(nanobook.book_imbalance(table, 2), [0, NAN])
    for levels in (0, 4, -1):
        with pytest.raises(
            nanobook.ValidationError, match=rf"levels are 1 to 3 here, got {levels}"
        ):
            nanobook.book_imbalance(table, levels)


def test_measures_are_those_of_the_books():
    feed = nanobook.ItchFeed(day())
    depth = feed.books("depth", depth=4, every="01:00").depth
    for row in depth[::5]:
        book = feed.at(int(row["timestamp"])).depth(row["symbol"].decode(), 4)
        one = depth[(depth["timestamp"] == row["timestamp"]) & (depth["locate"] == row["locate"])]
        expected = (book.spread(), book.mid_price(), book.weighted_mid(), book.imbalance())
        found = (
            nanobook.quoted_spread(one)[0],
            nanobook.mid_price(one)[0],
            nanobook.weighted_mid(one)[0],
            nanobook.book_imbalance(one)[0],
        )
        np.testing.assert_array_equal(
            found, [NAN if value is None else value for value in expected]
        )


@law
@given(table=tables(), values=st.lists(st.integers(-9, 9) | st.just(NAN), min_size=30, max_size=30))
def test_time_weighted_means_are_those_of_a_loop(table, values):
    values = values[: len(table)]
    expected = {}
    for locate in sorted({int(locate) for locate in table["locate"]}):
        own = [
            (int(row["timestamp"]), value)
            for row, value in zip(table, values, strict=True)
            if row["locate"] == locate
        ]
        ends = [time for time, _ in own[1:]] + [60]
        lasting = [
            (end - time, value)
            for (time, value), end in zip(own, ends, strict=True)
            if value == value  # noqa: PLR0124 - not NaN
        ]
        duration = sum(time for time, _ in lasting)
        total = sum(time * value for time, value in lasting)
        expected[locate] = duration, total / duration if duration else NAN
    found = nanobook.time_weighted_mean(table, values, end=60)
    assert found["locate"].tolist() == list(expected)
    assert found["duration"].tolist() == [duration for duration, _ in expected.values()]
    np.testing.assert_allclose(found["mean"], [mean for _, mean in expected.values()], rtol=1e-12)


def test_a_time_weighted_mean_by_hand():
    table = bbo(
        (1, 0, 100, 1, 110, 1), (1, 10, 100, 1, 120, 1), (2, 10, 1, 1, 0, 0), (1, 40, 1, 1, 2, 1)
    )
    found = nanobook.time_weighted_mean(table, nanobook.quoted_spread(table))
    assert found["duration"].tolist() == [40, 0]
    np.testing.assert_array_equal(found["mean"], [17.5, NAN])
    assert len(nanobook.time_weighted_mean(table[:0], [])) == 0
    with pytest.raises(
        nanobook.ValidationError, match=r"end 39 \(int\) is before the last row, at 40"
    ):
        nanobook.time_weighted_mean(table, [1, 2, 3, 4], end=39)
    with pytest.raises(nanobook.ValidationError, match="4 rows have one value each"):
        nanobook.time_weighted_mean(table, [1, 2, 3])


def trades(*rows):
    table = np.zeros(len(rows), table_dtype(TRADES))
    for match, (row, (kind, side, count, price, printable)) in enumerate(
        zip(table, rows, strict=True), 1
    ):
        row["type"], row["side"], row["shares"], row["price"] = kind, side, count, price
        row["printable"], row["match"], row["locate"], row["symbol"] = printable, match, 1, b"A"
    return table


def test_volumes_by_hand():
    table = trades(
        (b"E", b"B", 10, 2, b""),
        (b"C", b"S", 20, 3, b"Y"),
        (b"C", b"S", 40, 3, b"N"),  # a cross tells it again
        (b"P", b"", 80, 1, b""),
        (b"Q", b"", 160, 1, b""),
        (b"E", b"B", 320, 1, b""),
        (b"B", b"", 0, 0, b""),
    )
    table["match"][-1] = 6
    found = nanobook.trade_volumes(table)
    assert found.tolist() == [(10, 20, 80, 160, 320, 4, b"A", 1)]
    assert len(nanobook.trade_volumes(table[:0])) == 0
    assert len(nanobook.trade_volumes(table[-1:])) == 0
    table["price"], table["shares"] = 2**32 - 1, 2**32 - 1
    with pytest.raises(OverflowError, match="ask for a shorter time"):
        nanobook.trade_volumes(table)


def test_volumes_of_a_day_are_those_of_its_messages():
    feed = nanobook.ItchFeed(day())
    found = nanobook.trade_volumes(feed.books("trades").trades)
    messages = feed.messages()
    broken = set(messages.trade["match"][messages.trade["type"] == b"B"].tolist())
    executed = [
        row
        for table in (messages.order, messages.trade)
        for row in table
        if row["type"] in {b"E", b"C", b"P", b"Q"} and int(row["match"]) not in broken
    ]
    shares = sum(
        int(row["shares"]) for row in executed if row["type"] != b"C" or row["printable"] == b"Y"
    )
    columns = ("bought", "sold", "hidden", "crossed")
    assert sum(int(found[name].sum()) for name in columns) == shares
