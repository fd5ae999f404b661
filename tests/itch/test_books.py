"""Books of a feed, with every row that they write, by every kernel."""

import numpy as np
import pytest

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.errors import ItchError, ValidationError
from nanobook_core.plugin.registry import default_registry, load_target
from nanobook_itch.encode import encode_message

KERNELS = [
    pytest.param(load_target(offer), id=offer.provider)
    for offer in default_registry().capabilities
    if (offer.kind, offer.name) == ("kernel", "itch_books")
]

ALL = frozenset({"bbo", "trades", "orders", "depth"})


@pytest.fixture(params=KERNELS)
def make(request):
    """Make books of a kernel."""

    def make(**options):
        usual = {"symbols": None, "strict": True, "tables": ALL, "depth": 2, "grid": None}
        return request.param(**{**usual, "start": 0, "end": 2**63 - 1, **options})

    return make


def add(time, reference, side, shares, price, *, locate=1, symbol="AAPL"):
    fields = {"reference": reference, "side": side, "shares": shares, "price": price}
    return encode_message("A", locate=locate, timestamp=time, symbol=symbol, **fields)


def msft(time, reference, side, shares, price):
    return add(time, reference, side, shares, price, locate=2, symbol="MSFT")


def attributed(time, reference, side, shares, price):
    fields = {"reference": reference, "side": side, "shares": shares, "price": price}
    return encode_message("F", locate=1, timestamp=time, symbol="AAPL", mpid="NITE", **fields)


def execute(time, reference, shares, match, *, locate=1):
    fields = {"reference": reference, "shares": shares, "match": match}
    return encode_message("E", locate=locate, timestamp=time, **fields)


def execute_at(time, reference, shares, match, *, price, printable):
    fields = {"reference": reference, "shares": shares, "match": match}
    fields |= {"price": price, "printable": printable}
    return encode_message("C", locate=1, timestamp=time, **fields)


def cancel(time, reference, shares, *, locate=1):
    return encode_message("X", locate=locate, timestamp=time, reference=reference, shares=shares)


def delete(time, reference, *, locate=1):
    return encode_message("D", locate=locate, timestamp=time, reference=reference)


def replace(time, reference, new, shares, price, *, locate=1):
    fields = {"reference": reference, "new_reference": new, "shares": shares, "price": price}
    return encode_message("U", locate=locate, timestamp=time, **fields)


def rows(table):
    """Rows as tuples of numbers and bytes, those of several levels as lists."""
    return [
        tuple(value.tolist() if isinstance(value, np.ndarray) else value for value in row)
        for row in table.tolist()
    ]


FEED = [
    add(10, 1, "B", 100, 50_00),
    add(11, 2, "B", 30, 50_00),
    attributed(12, 3, "S", 40, 51_00),
    add(13, 4, "B", 5, 49_00),
    msft(14, 5, "S", 7, 90_00),
    execute(15, 1, 60, 1001),
    execute_at(16, 1, 40, 1002, price=49_99, printable="N"),
    cancel(17, 3, 15),
    replace(18, 2, 6, 20, 50_50),
    delete(19, 6),
]


def test_the_best_of_both_sides_whenever_it_changes(make):
    books = make()
    assert books.feed(b"".join(FEED)) == len(b"".join(FEED))
    assert rows(books.take()["bbo"]) == [
        (0, 10, 50_00, 100, 0, 0, 1, 0, b"AAPL", 1),
        (1, 11, 50_00, 130, 0, 0, 2, 0, b"AAPL", 1),
        (2, 12, 50_00, 130, 51_00, 40, 2, 1, b"AAPL", 1),
        # An order at 49.00 leaves the best as it is.
        (4, 14, 0, 0, 90_00, 7, 0, 1, b"MSFT", 2),
        (5, 15, 50_00, 70, 51_00, 40, 2, 1, b"AAPL", 1),
        (6, 16, 50_00, 30, 51_00, 40, 1, 1, b"AAPL", 1),
        (7, 17, 50_00, 30, 51_00, 25, 1, 1, b"AAPL", 1),
        (8, 18, 50_50, 20, 51_00, 25, 1, 1, b"AAPL", 1),
        (9, 19, 49_00, 5, 51_00, 25, 1, 1, b"AAPL", 1),
    ]


def test_what_every_message_does_to_its_order(make):
    books = make()
    books.feed(b"".join(FEED))
    assert rows(books.take()["orders"]) == [
        (0, 10, 1, 0, 50_00, 100, 100, 100, b"AAPL", 1, b"A", b"B"),
        (1, 11, 2, 0, 50_00, 30, 30, 130, b"AAPL", 1, b"A", b"B"),
        (2, 12, 3, 0, 51_00, 40, 40, 40, b"AAPL", 1, b"F", b"S"),
        (3, 13, 4, 0, 49_00, 5, 5, 5, b"AAPL", 1, b"A", b"B"),
        (4, 14, 5, 0, 90_00, 7, 7, 7, b"MSFT", 2, b"A", b"S"),
        (5, 15, 1, 0, 50_00, 60, 40, 70, b"AAPL", 1, b"E", b"B"),
        (6, 16, 1, 0, 50_00, 40, 0, 30, b"AAPL", 1, b"C", b"B"),
        (7, 17, 3, 0, 51_00, 15, 25, 25, b"AAPL", 1, b"X", b"S"),
        (8, 18, 2, 6, 50_50, 20, 20, 20, b"AAPL", 1, b"U", b"B"),
        (9, 19, 6, 0, 50_50, 20, 0, 0, b"AAPL", 1, b"D", b"B"),
    ]


def test_two_levels_whenever_one_changes(make):
    books = make()
    books.feed(b"".join(FEED))
    assert rows(books.take()["depth"])[2:5] == [
        (2, 12, [50_00, 0], [130, 0], [51_00, 0], [40, 0], [2, 0], [1, 0], b"AAPL", 1),
        (3, 13, [50_00, 49_00], [130, 5], [51_00, 0], [40, 0], [2, 1], [1, 0], b"AAPL", 1),
        (4, 14, [0, 0], [0, 0], [90_00, 0], [7, 0], [0, 0], [1, 0], b"MSFT", 2),
    ]


def test_a_level_below_those_asked_for_writes_nothing(make):
    books = make(depth=1)
    books.feed(b"".join(FEED))
    assert 3 not in books.take()["depth"]["sequence"]


def test_trades_with_the_aggressors_side(make):
    place = {"locate": 1, "symbol": "AAPL"}
    books = make()
    books.feed(
        b"".join(
            [
                add(1, 1, "B", 10, 50_00),
                add(2, 2, "S", 10, 51_00),
                execute(3, 1, 4, 1001),
                execute_at(4, 2, 5, 1002, price=50_70, printable="Y"),
                encode_message(
                    "P", **place, timestamp=5, reference=0, side="B", shares=9, price=1, match=1003
                ),
                encode_message(
                    "Q", **place, timestamp=6, shares=2**40, price=2, match=1004, cross="O"
                ),
                encode_message("B", locate=1, timestamp=7, match=1003),
            ]
        )
    )
    assert rows(books.take()["trades"]) == [
        (2, 3, 50_00, 4, 1, 1001, b"AAPL", 1, b"E", b"S", b"", b""),
        (3, 4, 50_70, 5, 2, 1002, b"AAPL", 1, b"C", b"B", b"Y", b""),
        (4, 5, 1, 9, 0, 1003, b"AAPL", 1, b"P", b"", b"", b""),
        (5, 6, 2, 2**40, 0, 1004, b"AAPL", 1, b"Q", b"", b"", b"O"),
        (6, 7, 0, 0, 0, 1003, b"AAPL", 1, b"B", b"", b"", b""),
    ]


def test_rows_are_given_once(make):
    books = make(tables=frozenset({"bbo"}))
    books.feed(FEED[0])
    assert list(books.take()) == ["bbo"]
    books.feed(FEED[1])
    assert books.take()["bbo"]["sequence"].tolist() == [1]
    assert len(books.take()["bbo"]) == 0


def test_rows_of_a_time_only_but_books_of_all(make):
    books = make(start=12, end=15)
    books.feed(b"".join(FEED))
    taken = books.take()
    assert taken["bbo"]["sequence"].tolist() == [2, 4]
    assert taken["orders"]["timestamp"].tolist() == [12, 13, 14]
    assert books.levels(1, b"B").tolist() == [(49_00, 5, 1)]


def test_what_changed_before_the_first_row_is_not_told_later(make):
    books = make(start=12)
    books.feed(b"".join([*FEED[:2], add(20, 9, "B", 1, 49_00)]))
    assert books.take()["bbo"].size == 0


def test_a_locate_that_becomes_a_wanted_stock_is_read_again(make):
    books = make(symbols=frozenset({b"MSFT"}))
    books.feed(FEED[0] + add(11, 2, "B", 1, 1, symbol="MSFT"))
    assert books.orders()["reference"].tolist() == [2]


def test_a_refused_message_teaches_no_symbol(make):
    books = make()
    books.feed(FEED[0])
    with pytest.raises(ItchError, match="order 2 of 0 at 1"):
        books.feed(add(11, 2, "B", 0, 1, symbol="MSFT"))
    assert books.memory.symbols[1] == b"AAPL"


def test_levels_and_live_orders(make):
    books = make()
    books.feed(b"".join(FEED[:5]))
    assert books.levels(1, b"B").tolist() == [(50_00, 130, 2), (49_00, 5, 1)]
    assert books.levels(1, b"B", 1).tolist() == [(50_00, 130, 2)]
    assert books.levels(1, b"B", 0).tolist() == books.levels(7, b"S").tolist() == []
    assert books.orders(1).tolist() == [
        (1, 0, 50_00, 100, 1, b"B"),
        (2, 1, 50_00, 30, 1, b"B"),
        (3, 2, 51_00, 40, 1, b"S"),
        (4, 3, 49_00, 5, 1, b"B"),
    ]
    assert books.orders()["reference"].tolist() == [1, 2, 3, 4, 5]
    assert len(books) == 5
    assert books.n_bytes > make().n_bytes > 0


def test_a_replace_arrives_anew(make):
    books = make()
    books.feed(b"".join([*FEED[:2], replace(20, 1, 1, 100, 50_00)]))
    assert books.orders(1)[["reference", "rank"]].tolist() == [(2, 1), (1, 2)]
    # Nothing that can be seen of the levels has changed.
    assert books.take()["bbo"]["sequence"].tolist() == [0, 1]


def test_a_grid_has_the_books_after_all_messages_at_each_time(make):
    books = make(grid=np.array([9, 11, 13, 14, 30]))
    books.feed(b"".join(FEED[:5]))
    one = (1, 11, [50_00, 0], [130, 0], [0, 0], [0, 0], [2, 0], [0, 0], b"AAPL", 1)
    two = (3, 13, [50_00, 49_00], [130, 5], [51_00, 0], [40, 0], [2, 1], [1, 0], b"AAPL", 1)
    assert rows(books.take()["depth"]) == [one, two]
    books.finish(29)
    taken = rows(books.take()["depth"])
    assert [row[:2] for row in taken] == [(4, 14), (4, 14)]
    assert [row[-2:] for row in taken] == [(b"AAPL", 1), (b"MSFT", 2)]
    books.finish(30)
    assert books.take()["depth"]["timestamp"].tolist() == [30, 30]


def test_reading_stops_before_a_later_time(make):
    books = make()
    data = b"".join(FEED)
    read = books.feed(data, until=12)
    assert read == len(b"".join(FEED[:3]))
    assert books.memory.timestamp == 12
    assert books.feed(data[read:], until=12) == 0
    assert books.feed(data[read:]) == len(data) - read
    assert books.memory.offset == len(data)


def test_only_the_orders_of_wanted_symbols_are_kept(make):
    books = make(symbols=frozenset({b"MSFT"}))
    books.feed(b"".join(FEED))
    assert books.orders()["reference"].tolist() == [5]
    taken = books.take()
    assert taken["bbo"]["symbol"].tolist() == [b"MSFT"]
    assert taken["trades"].size == 0
    assert books.counts.sum() == len(FEED)
    assert books.memory.symbols[1] == b"AAPL"


def test_books_that_were_restored_go_on(make):
    first, second = make(), make()
    first.feed(b"".join(FEED[:6]))
    second.restore(first.orders(), first.memory)
    first.take()
    for books in (first, second):
        books.feed(b"".join(FEED[6:]))
    assert rows(second.take()["bbo"]) == rows(first.take()["bbo"])
    assert second.orders().tolist() == first.orders().tolist()
    assert second.memory.offset == len(b"".join(FEED))


def test_what_is_restored_is_not_told_as_a_change(make):
    first, second = make(), make()
    first.feed(b"".join(FEED[:3]))
    second.restore(first.orders(), first.memory)
    second.feed(add(20, 9, "B", 1, 49_00))
    taken = second.take()
    assert taken["bbo"].size == 0
    assert taken["depth"]["sequence"].tolist() == [3]


def test_orders_that_are_not_wanted_are_not_restored_but_keep_their_ranks(make):
    first, second = make(), make(symbols=frozenset({b"AAPL"}))
    first.feed(b"".join(FEED[:5]))
    second.restore(first.orders(), first.memory)
    second.feed(add(20, 9, "B", 1, 49_00))
    assert second.orders()[["reference", "rank"]].tolist() == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 3),
        (9, 5),
    ]


def test_orders_that_cannot_be_ranked_any_more_are_refused(make):
    books = make(strict=False)
    books.feed(FEED[0])
    orders = books.orders()
    orders["rank"] = 2**32 - 3
    books = make(strict=False)
    books.restore(orders, ItchMemory())
    assert books.feed(FEED[1]) == len(FEED[1])
    for data in (replace(12, 1, 9, 1, 1), FEED[2], delete(13, 1)):
        with pytest.raises(ItchError, match="at byte 38: more than 4294967295 orders"):
            books.feed(data)
    assert books.orders()["rank"].tolist() == [2**32 - 3, 2**32 - 2]


@pytest.mark.parametrize(
    ("column", "value"),
    [("price", 0), ("price", 2**32), ("shares", 0), ("shares", -1), ("rank", -1), ("side", b"X")],
)
def test_orders_that_no_feed_leads_to_are_not_restored(make, column, value):
    books = make()
    books.feed(FEED[0])
    orders = books.orders()
    orders[column] = value
    with pytest.raises(ValidationError):
        make().restore(orders, ItchMemory())


def test_what_cannot_be_restored(make):
    books = make()
    books.feed(FEED[0])
    with pytest.raises(ValidationError, match="read nothing yet"):
        books.restore(books.orders(), books.memory)
    with pytest.raises(ValidationError, match=r"two live orders have .*reference 1"):
        make().restore(np.concatenate([books.orders(), books.orders()]), ItchMemory())
    with pytest.raises(ValidationError, match="live orders have"):
        make().restore(books.take()["bbo"], ItchMemory())


@pytest.mark.parametrize("locate", [-1, 65536])
def test_a_locate_that_there_cannot_be(make, locate):
    with pytest.raises(ValidationError):
        make().levels(locate, b"B")
    with pytest.raises(ValidationError):
        make().orders(locate)


def test_a_side_that_there_is_not(make):
    with pytest.raises(ValidationError):
        make().levels(1, b"X")


# What is wrong, one row each: a message after the first five of FEED; the problem; whether the book
# is as before; and how it is then.

AS_BEFORE = [(1, 100), (2, 30), (3, 40), (4, 5), (5, 7)]

WRONG = {
    "an unknown execution": (execute(20, 99, 1, 1), "unknown_reference", "order 99", AS_BEFORE),
    "an unknown cancel": (cancel(20, 99, 1), "unknown_reference", "order 99", AS_BEFORE),
    "an unknown delete": (delete(20, 99), "unknown_reference", "order 99", AS_BEFORE),
    "an unknown replace": (
        replace(20, 99, 98, 1, 1),
        "unknown_reference",
        "order 99",
        AS_BEFORE,
    ),
    "a duplicate": (
        add(20, 2, "S", 8, 52_00),
        "duplicate_reference",
        "order 2",
        [(1, 100), (3, 40), (4, 5), (5, 7), (2, 8)],
    ),
    "a replace by a live reference": (
        replace(20, 1, 5, 8, 52_00),
        "duplicate_reference",
        "order 5",
        [(2, 30), (3, 40), (4, 5), (5, 8)],
    ),
    "too much executed": (
        execute(20, 2, 31, 1),
        "excess",
        "31 of order 2, which has 30",
        [(1, 100), (3, 40), (4, 5), (5, 7)],
    ),
    "too much cancelled": (
        cancel(20, 2, 2**32 - 1),
        "excess",
        "4294967295 of order 2, which has 30",
        [(1, 100), (3, 40), (4, 5), (5, 7)],
    ),
    "no shares": (add(20, 9, "B", 0, 1), "no_shares", "order 9 of 0 at 1", AS_BEFORE),
    "no price": (add(20, 9, "B", 1, 0), "no_shares", "order 9 of 1 at 0", AS_BEFORE),
    "a replace by no shares": (
        replace(20, 1, 9, 0, 1),
        "no_shares",
        "order 9 of 0 at 1",
        AS_BEFORE,
    ),
    "a wrong locate": (
        execute(20, 1, 60, 1, locate=2),
        "wrong_locate",
        "2, order 1 has 1",
        [(1, 40), (2, 30), (3, 40), (4, 5), (5, 7)],
    ),
    "time going back": (
        cancel(9, 1, 60),
        "time_back",
        "9 ns after 14 ns",
        [(1, 40), (2, 30), (3, 40), (4, 5), (5, 7)],
    ),
}


def cross(shares):
    message = bytearray.fromhex("0028 51 0001 0000 000000000014 0000000000000000")
    message[13:] = shares.to_bytes(8)
    return bytes(message) + b"AAPL    " + bytes(12) + b"O"


def test_the_largest_amount_is_taken_and_a_larger_one_left_out(make):
    books = make(strict=False)
    books.feed(cross(2**63 - 1) + cross(2**63))
    assert books.take()["trades"]["shares"].tolist() == [2**63 - 1]
    assert [each.detail for each in books.problems] == ["shares is 9223372036854775808"]
    assert books.memory.sequence == 2
    assert books.counts[ord("Q")] == 1


@pytest.mark.parametrize(("message", "reason", "detail", "live"), WRONG.values(), ids=WRONG)
def test_lenient_books_go_on(make, message, reason, detail, live):
    books = make(strict=False)
    before = b"".join(FEED[:5])
    books.feed(before + message)
    assert [(each.reason, each.detail) for each in books.problems] == [(reason, detail)]
    assert books.problems[0].offset == len(before)
    assert books.problems[0].type == chr(message[2])
    assert books.n_problems == {reason: 1}
    assert books.orders()[["reference", "shares"]].tolist() == live
    assert len(books) == len(live)
    assert books.memory.sequence == 6
    for locate in (1, 2):
        orders = books.orders(locate)
        for side in (b"B", b"S"):
            levels = books.levels(locate, side)
            assert levels["count"].sum() == (orders["side"] == side).sum()
            assert levels["shares"].sum() == orders["shares"][orders["side"] == side].sum()


@pytest.mark.parametrize(
    ("message", "detail"),
    [(message, detail) for message, _, detail, _ in WRONG.values()],
    ids=WRONG,
)
def test_strict_books_stay_as_before_the_message(make, message, detail):
    books = make()
    before = b"".join(FEED[:5])
    books.feed(before)
    for data in (message + FEED[5], FEED[5]):  # the error stays
        with pytest.raises(ItchError, match=detail) as caught:
            books.feed(data)
        assert (caught.value.offset, caught.value.type) == (len(before), chr(message[2]))
    assert books.orders()[["reference", "shares"]].tolist() == AS_BEFORE
    assert (books.memory.sequence, books.memory.offset) == (5, len(before))
    assert books.counts[ord("A")] == 4
    assert books.problems == ()


def test_a_duplicate_in_one_book_is_one_change(make):
    books = make(strict=False)
    books.feed(FEED[0] + FEED[0])
    taken = books.take()
    assert taken["bbo"]["sequence"].tolist() == taken["depth"]["sequence"].tolist() == [0]
    assert taken["orders"]["level_shares"].tolist() == [100, 100]
    assert books.orders()["rank"].tolist() == [1]


def test_an_older_order_of_another_stock_is_seen_to_go(make):
    books = make(strict=False)
    books.feed(b"".join([*FEED[:5], add(20, 5, "B", 1, 50_01)]))
    assert rows(books.take()["bbo"])[-2:] == [
        (5, 20, 0, 0, 0, 0, 0, 0, b"MSFT", 2),
        (5, 20, 50_01, 1, 51_00, 40, 1, 1, b"AAPL", 1),
    ]


def test_the_mark_of_the_end_is_left(make):
    books = make()
    assert books.feed(FEED[0] + b"\0\0") == len(FEED[0])
    assert books.ended
    assert books.feed(b"") == 0
    assert not books.ended
    with pytest.raises(ItchError, match="a message of length 0"):
        books.feed(b"\0\0" + FEED[1])
