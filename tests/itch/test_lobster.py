"""LOBSTER's files, read and written."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.itch.wire import add, order

import nanobook
from nanobook_core.contracts import Event
from nanobook_core.errors import ItchError, ValidationError
from nanobook_core.lob.multi import MultiExchange
from nanobook_core.testing.law import law
from nanobook_core.testing.parser import ParserSuite
from nanobook_itch.lobster_parse import parse_lobster
from nanobook_itch.lobster_write import write_lobster
from nanobook_itch.testing.day import day_bytes
from nanobook_itch.testing.strategies import days

DAY = dt.date(2012, 6, 21)
NAME = "AAPL_2012-06-21_34200000_57600000_{}_{}.csv"

#: In the form of LOBSTER's samples; every type occurs.
MESSAGES = """\
34200.004241176,1,16113575,18,5853300,1
34200.025551909,1,16113584,18,5853600,-1
34200.2,7,0,0,-1,-1
34200.201743,2,16113575,5,5853300,1
34200.201743001,4,16113584,8,5853600,-1
34200.3,5,0,7,5853500,1
34201,6,-1,100,5853400,-1
34201.5,3,16113584,10,5853600,-1
34201.500000000,7,0,0,0,-1
34201.6,7,0,0,1,-1
"""

EXPECTED = [
    (0, 34_200_004_241_176, 16113575, Event("submit_limit", "buy", 5_853_300, 18, "gtc")),
    (1, 34_200_025_551_909, 16113584, Event("submit_limit", "sell", 5_853_600, 18, "gtc")),
    (3, 34_200_201_743_000, 16113575, Event("reduce", quantity=5, order_id=1)),
    (4, 34_200_201_743_001, 16113584, Event("reduce", quantity=8, order_id=2)),
    (7, 34_201_500_000_000, 16113584, Event("cancel", order_id=2)),
]


@pytest.fixture
def write(tmp_path):
    def write(messages, orderbook=None, levels=2):
        path = tmp_path / NAME.format("message", levels)
        path.write_text(messages)
        if orderbook is not None:
            (tmp_path / NAME.format("orderbook", levels)).write_text(orderbook)
        return path

    return write


def rows(events):
    columns = (events.sequences, events.timestamps, events.references)
    return [
        (*numbers, event)
        for *numbers, (_, event) in zip(*(c.tolist() for c in columns), events, strict=True)
    ]


def test_each_type_of_message_is_a_request_or_none(write):
    events = nanobook.parse_lobster(write(MESSAGES))
    assert rows(events) == EXPECTED
    assert {symbol for symbol, _ in events} == {"AAPL"}
    assert (events.n_held, events.is_clean) == (0, True)


def test_lines_may_end_as_windows_has_them(write):
    assert rows(parse_lobster(write(MESSAGES.replace("\n", "\r\n")))) == EXPECTED


def test_decimals_beyond_nanoseconds_are_cut_off(write):
    events = parse_lobster(
        write("34200.0174596179,1,1,1,1,1\n34200.017459,3,1,1,1,1\n"), strict=False
    )
    assert events.timestamps.tolist() == [34_200_017_459_617, 34_200_017_459_000]
    assert dict(events.n_problems) == {"time_back": 1}


def test_the_symbol_may_be_given(tmp_path):
    path = tmp_path / "messages.csv"
    path.write_text(MESSAGES)
    assert parse_lobster(str(path), symbol="MSFT")[0][0] == "MSFT"
    with pytest.raises(ValidationError, match='symbol="AAPL" says whose it is'):
        parse_lobster(path)
    with pytest.raises(ValidationError, match="TOO LONG A"):
        parse_lobster(path, symbol="TOO LONG A NAME")


#: The files begin within a day: of two bids and an ask the messages say nothing.
BEGUN = """\
34200.1,1,10,50,1000,1
34200.2,4,7,30,1000,1
34200.3,3,8,40,990,1
34200.4,2,10,20,1000,1
"""
BEGUN_BOOK = """\
1010,5,1000,130,9999999999,0,990,40
1010,5,1000,100,9999999999,0,990,40
1010,5,1000,100,9999999999,0,980,70
1010,5,1000,80,9999999999,0,980,70
"""


def test_orders_that_no_message_names_are_one_order_a_price(write):
    events = parse_lobster(write(BEGUN, BEGUN_BOOK))
    assert [(*row[:3:2], row[3]) for row in rows(events)] == [
        (0, 2**64 - 1, Event("submit_limit", "sell", 1010, 5, "gtc")),
        (0, 2**64 - 2, Event("submit_limit", "buy", 1000, 80, "gtc")),
        (0, 2**64 - 3, Event("submit_limit", "buy", 990, 40, "gtc")),
        (0, 10, Event("submit_limit", "buy", 1000, 50, "gtc")),
        (1, 2**64 - 2, Event("reduce", quantity=30, order_id=2)),
        (2, 2**64 - 3, Event("reduce", quantity=40, order_id=3)),
        (2, 2**64 - 4, Event("submit_limit", "buy", 980, 70, "gtc")),
        (3, 10, Event("reduce", quantity=20, order_id=4)),
    ]


def test_without_the_orderbook_file_such_orders_are_unknown(write, tmp_path):
    path = write(BEGUN)
    with pytest.raises(ItchError, match="row 2, at byte 23: order 7 was not entered before"):
        parse_lobster(path)
    events = parse_lobster(path, strict=False)
    assert dict(events.n_problems) == {"unknown_reference": 2}
    assert len(events) == 2
    book = tmp_path / "book.csv"
    book.write_text(BEGUN_BOOK)
    assert len(parse_lobster(path, orderbook=book)) == 8


def test_an_order_that_went_out_of_sight_may_have_changed_there(write):
    messages = (
        "34200.1,1,1,50,1000,1\n34200.2,1,2,60,1001,1\n34200.3,1,3,70,1002,1\n"
        "34200.4,3,2,60,1001,1\n34200.5,3,1,45,1000,1\n"
    )
    orderbook = (
        "9999999999,0,1000,50,9999999999,0,-9999999999,0\n"
        "9999999999,0,1001,60,9999999999,0,1000,50\n"
        "9999999999,0,1002,70,9999999999,0,1001,60\n"
        "9999999999,0,1002,70,9999999999,0,1000,90\n"
        "9999999999,0,1002,70,9999999999,0,1000,45\n"
    )
    events = parse_lobster(write(messages, orderbook))
    multi = MultiExchange()
    for symbol, event in events:
        assert getattr(multi.get_or_create(symbol).submit(event), "success", True)
    bids = multi["AAPL"].full_book().bids
    assert [(level.price, level.quantity) for level in bids] == [(1002, 70), (1000, 45)]
    assert events.is_clean


def test_a_book_other_than_the_messages_is_refused(write):
    path = write(MESSAGES.split("\n", maxsplit=1)[0] + "\n34200.1,1,5,10,5853200,1\n",
                 "9999999999,0,5853300,18\n9999999999,0,5853300,17\n", 1)  # fmt: skip
    words = "row 2, at byte 40: messages lead to 18 shares at 5853300, the orderbook file has 17"
    with pytest.raises(ItchError, match=words) as raised:
        parse_lobster(path)
    assert raised.value.offset == 40
    events = parse_lobster(path, strict=False)
    assert dict(events.n_problems) == {"other_book": 1}
    assert events[-1][1] == Event("reduce", quantity=1, order_id=1)


ADD = "34200.1,1,5,10,100,1\n"


@pytest.mark.parametrize(
    ("messages", "orderbook", "words"),
    [
        ("", None, "is empty"),
        ("Time,Type\n", None, "row is time,type,order id,size,price,direction, got 'Time"),
        ("34200.1,1,5,10,100\n", None, "at byte 0: a row is"),
        ("34200.1,8,5,10,100,1\n", None, "a row is"),
        ("34200.1,1,5,10,100,0\n", None, "a row is"),
        ("34200.1,1,5,1_0,100,1\n", None, "a row is"),
        ("34200.1,1,5,10,1e2,1\n", None, "a row is"),
        ("-1,1,5,10,100,1\n", None, "a row is"),
        (ADD + "34200.1,1,6,10,100,-", None, "at byte 21: a row is"),
        (ADD + "34200.05,1,6,10,100,1\n", None, "row 2, at byte 21: a time before"),
        (ADD + "34200.1,1,5,10,100,1\n", None, "order 5 is live"),
        (ADD + "34200.1,4,5,11,100,1\n", None, "11 shares of order 5, which has 10"),
        (ADD + "34200.1,3,5,9,100,1\n", None, "9 shares of order 5, which has 10"),
        (ADD + "34200.1,3,5,10,100,-1\n", None, "order 5 is on the other side"),
        ("34200.1,1,5,0,100,1\n", None, "an order has an id, a price and a size"),
        ("34200.1,1,5,10,0,1\n", None, "an order has an id, a price and a size"),
        ("34200.1,1,5,4294967296,1,1\n", None, "an order has an id, a price and a size"),
        ("34200.1,1,-5,10,100,1\n", None, "an order has an id, a price and a size"),
        ("34200.1,1,18446744073709551616,10,100,1\n", None, "an order has an id"),
        (ADD, "", "has 0 rows, its messages 1"),
        (ADD, "1,1,100\n", "a row of the book is"),
        (ADD, "110,1,100,10", "a row of the book is"),
        (ADD, "110,1,100,-10\n", "a row of the book is"),
        (ADD, "110,1,100,10,105,1,90,1\n", "a row of the book is"),
        (ADD, "110,1,100,10,120,1,100,1\n", "a row of the book is"),
    ],
)
def test_what_is_wrong_is_refused(write, messages, orderbook, words):
    with pytest.raises(ItchError, match=words):
        parse_lobster(write(messages, orderbook))


def test_the_book_of_a_cent_unit(write):
    events = parse_lobster(write(MESSAGES), price_unit=Decimal("0.01"))
    assert [event.price for _, event in events][:2] == [58_533, 58_536]


#: One of each, a crossed book among them.
FEED = b"".join(
    [
        order("H", 5, symbol="AAPL", state="H", reserved=" ", reason="T1"),
        add(10, 1, "B", 100, 1000),
        add(20, 2, "S", 30, 1020),
        add(30, 9, "S", 31, 1030, "MSFT", 2),
        add(40, 3, "B", 50, 1020),
        order("E", 50, reference=3, shares=30, match=1),
        order("C", 60, reference=2, shares=30, match=2, printable="N", price=1015),
        order("P", 70, reference=0, side="B", shares=7, symbol="AAPL", price=1010, match=3),
        order("Q", 80, shares=9, symbol="AAPL", price=1015, match=4, cross="H"),
        order("Q", 81, shares=0, symbol="AAPL", price=0, match=5, cross="C"),
        order("H", 90, symbol="AAPL", state="T", reserved=" ", reason="T3"),
        order("U", 100, reference=3, new_reference=4, shares=25, price=990),
        order("X", 110, reference=1, shares=1),
        order("h", 115, symbol="AAPL", market="Q", state="H"),
        order("D", 120, reference=4),
    ]
)

WRITTEN = """\
0.000000005,7,0,0,-1,-1
0.000000010,1,1,100,1000,1
0.000000020,1,2,30,1020,-1
0.000000040,1,3,50,1020,1
0.000000050,4,3,30,1020,1
0.000000060,4,2,30,1015,-1
0.000000070,5,0,7,1010,1
0.000000080,6,-3,9,1015,-1
0.000000090,7,0,0,1,-1
0.000000100,3,3,20,1020,1
0.000000100,1,4,25,990,1
0.000000110,2,1,1,1000,1
0.000000115,7,0,0,-1,-1
0.000000120,3,4,25,990,1
"""

WRITTEN_BOOK = """\
9999999999,0,-9999999999,0,9999999999,0,-9999999999,0
9999999999,0,1000,100,9999999999,0,-9999999999,0
1020,30,1000,100,9999999999,0,-9999999999,0
1020,30,1020,50,9999999999,0,1000,100
1020,30,1020,20,9999999999,0,1000,100
9999999999,0,1020,20,9999999999,0,1000,100
9999999999,0,1020,20,9999999999,0,1000,100
9999999999,0,1020,20,9999999999,0,1000,100
9999999999,0,1020,20,9999999999,0,1000,100
9999999999,0,1000,100,9999999999,0,-9999999999,0
9999999999,0,1000,100,9999999999,0,990,25
9999999999,0,1000,99,9999999999,0,990,25
9999999999,0,1000,99,9999999999,0,990,25
9999999999,0,1000,99,9999999999,0,-9999999999,0
"""


def written(tmp_path, data, symbol="AAPL", **options):
    options = {"date": DAY, "start": 0, "end": "24:00", "levels": 2, **options}
    return write_lobster(data, tmp_path, symbol=symbol, **options)


def test_a_stock_is_written_as_lobster_has_it(tmp_path):
    files = written(tmp_path / "new" / "folder", FEED)
    assert files.message.name == "AAPL_2012-06-21_0_86400000_message_2.csv"
    assert files.orderbook.name == "AAPL_2012-06-21_0_86400000_orderbook_2.csv"
    assert files.message.read_text() == WRITTEN
    assert files.orderbook.read_text() == WRITTEN_BOOK
    assert files.n_rows == 14
    assert sorted(tmp_path.glob("new/folder/*")) == sorted(files[:2])


def test_a_date_may_be_text(tmp_path):
    files = written(tmp_path, FEED, date="2012-06-21")
    assert files.message.name == "AAPL_2012-06-21_0_86400000_message_2.csv"
    assert written(tmp_path, FEED, force=True) == files


def test_rows_are_of_a_time_and_of_the_best_levels(tmp_path):
    files = written(tmp_path, FEED, start=50, end=110, levels=1)
    lines = WRITTEN.splitlines(keepends=True)
    # The order of row 11 is below the best level.
    assert files.message.read_text() == "".join(lines[4:10])
    book = ["1020,30,1020,20\n", *["9999999999,0,1020,20\n"] * 4, "9999999999,0,1000,100\n"]
    assert files.orderbook.read_text() == "".join(book)
    assert files.message.name == "AAPL_2012-06-21_0_0_message_1.csv"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"symbol": "IBM"}, ValidationError, "the feed has no order of IBM"),
        ({"symbol": ""}, ValidationError, "symbol"),
        ({"symbol": b"AAPL"}, TypeError, "symbol"),
        ({"date": "21.6.2012"}, ValidationError, 'date is written "2026-03-02", got'),
        ({"force": False}, FileExistsError, "force=True replaces it"),
        ({"levels": 0}, ValidationError, "levels"),
        ({"levels": 1001}, ValidationError, "levels is 1 to 1000"),
        ({"levels": 1.5}, TypeError, "levels"),
        ({"start": "ten"}, ValidationError, "start"),
        ({"start": 20, "end": 10}, ValidationError, "end 10 .* is before start 20"),
        (
            {"date": dt.datetime(2012, 6, 21, tzinfo=dt.UTC)},
            TypeError,
            "date is a datetime.date or text .*, got datetime",
        ),
        ({"source": FEED + add(130, 99, "B", 1, 1, "AAPL", 9)}, ItchError, "has two locates"),
        ({"source": FEED[:-1]}, ItchError, "the source ends within a message"),
    ],
)
def test_what_is_refused_leaves_no_file_and_the_old_ones(tmp_path, options, error, words):
    files = written(tmp_path, FEED)
    keep = {path: path.read_bytes() for path in files[:2]}
    base = {"source": FEED, "folder": tmp_path, "symbol": "AAPL", "date": DAY, "levels": 2}
    with pytest.raises(error, match=words):
        write_lobster(**{**base, "start": 0, "end": "24:00", "force": True, **options})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == keep


@pytest.mark.parametrize(("cross", "order_id"), [("O", -1), ("C", -2), ("H", -3), ("I", -4)])
def test_a_cross_says_which(tmp_path, cross, order_id):
    told = order("Q", 80, shares=9, symbol="AAPL", price=1015, match=4, cross=cross)
    files = written(tmp_path, add(10, 1, "B", 100, 1000) + told)
    line = files.message.read_text().splitlines()[1]
    assert line == f"0.000000080,6,{order_id},9,1015,-1"
    assert len(parse_lobster(files.message)) == 1


def test_nothing_is_looked_at_after_the_end(tmp_path):
    files = written(tmp_path, FEED + b"garbage", end=50)
    assert files.message.read_text() == "".join(WRITTEN.splitlines(keepends=True)[:4])


def test_folders_that_were_made_for_nothing_go(tmp_path):
    (tmp_path / "old").mkdir()
    with pytest.raises(ValidationError):
        written(tmp_path / "old" / "new" / "newer", FEED, symbol="IBM")
    assert list(tmp_path.rglob("*")) == [tmp_path / "old"]


def test_lenient_writing_takes_an_older_order_of_the_same_reference_off(tmp_path):
    feed = FEED + add(130, 1, "S", 5, 2000)
    files = written(tmp_path, feed, strict=False)
    assert files.message.read_text().splitlines()[-2:] == [
        "0.000000130,3,1,99,1000,1",
        "0.000000130,1,1,5,2000,-1",
    ]


def check_round_trip(folder, data, symbol, levels, **hours):
    """Read what was written: the book of the requests is the orderbook file, row by row."""
    files = written(folder, data, symbol, levels=levels, **hours)
    if not files.n_rows:
        return None
    events = parse_lobster(files.message)
    assert events.is_clean
    multi = MultiExchange()
    place = 0
    for row, line in enumerate(files.orderbook.read_text().splitlines()):
        while place < len(events) and events.sequences[place] == row:
            answer = multi.get_or_create(symbol).submit(events[place][1])
            assert getattr(answer, "success", True)
            place += 1
        cells = [int(cell) for cell in line.split(",")]
        levels_of_row = list(zip(cells[::2], cells[1::2], strict=True))
        asks = [level for level in levels_of_row[::2] if level[1]]
        bids = [level for level in levels_of_row[1::2] if level[1]]
        if not (asks and bids and bids[0][0] >= asks[0][0]):
            book = multi.get_or_create(symbol).depth(levels)
            assert [(level.price, level.quantity) for level in book.asks] == asks
            assert [(level.price, level.quantity) for level in book.bids] == bids
    assert place == len(events)
    assert not multi.get_or_create(symbol).trade_count()
    return events


@pytest.mark.parametrize("levels", [1, 3, 10])
@pytest.mark.parametrize("start", [0, "10:00"])
def test_the_book_that_was_written_is_read_again(tmp_path, levels, start):
    data = day_bytes(messages=4_000, symbols=["AAPL", "MSFT", "IBM", "QQQ"], seed=3)
    n_events = [
        len(check_round_trip(tmp_path, data, symbol, levels, start=start))
        for symbol in ("AAPL", "MSFT", "IBM", "QQQ")
    ]
    assert sum(n_events) > 500


@settings(law, max_examples=40)
@given(messages=days(max_size=60, kinds="AAAAAFUUUDEECXXPQH"), levels=st.integers(1, 5))
def test_any_book_that_was_written_is_read_again(messages, levels, tmp_path_factory):
    stocks = {message[26:34] for message in messages if message[2:3] in {b"A", b"F"}}
    for symbol in stocks:
        folder = tmp_path_factory.mktemp("lobster")
        check_round_trip(folder, b"".join(messages), symbol.decode().rstrip(), levels)


class TestParser(ParserSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def parser(cls):
        return parse_lobster

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, tmp_path_factory) -> Path:
        path = tmp_path_factory.mktemp("lobster") / NAME.format("message", 5)
        path.write_text(MESSAGES)
        return path
