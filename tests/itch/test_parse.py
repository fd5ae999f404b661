"""A feed as the requests that make its books."""

import gzip
import os
import pickle
from collections import defaultdict
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.itch.feed_book import FeedBook, book_of
from tests.itch.wire import add, order

import nanobook
from nanobook_core.contracts import Event
from nanobook_core.errors import ItchError, ValidationError
from nanobook_core.lob.multi import MultiExchange
from nanobook_core.testing.law import law
from nanobook_core.testing.parser import ParserSuite
from nanobook_core.types import Side, TimeInForce
from nanobook_itch.parse import FeedEvents, parse_itch
from nanobook_itch.testing.day import day_bytes
from nanobook_itch.testing.planted import planted, rough
from nanobook_itch.testing.strategies import days

SESSION = [
    add(10, 501, "B", 100, 1_234_567),
    add(11, 502, "S", 300, 1_240_000),
    add(12, 7, "B", 40, 500, "MSFT", 2),
    order("E", 13, reference=502, shares=100, match=1),
    order("X", 14, reference=501, shares=30),
    order("C", 15, reference=502, shares=50, match=2, printable="Y", price=1_239_900),
    order("P", 16, reference=0, side="B", shares=9, symbol="AAPL", price=1_239_950, match=3),
    order("U", 17, reference=501, new_reference=503, shares=60, price=1_234_600),
    order("E", 18, reference=502, shares=150, match=4),
    order("D", 19, 2, reference=7),
    order("E", 20, reference=503, shares=0, match=5),
]

#: Sequence, timestamp, reference, symbol, event.
EXPECTED = [
    (0, 10, 501, "AAPL", ("submit_limit", "buy", 1_234_567, 100, "gtc")),
    (1, 11, 502, "AAPL", ("submit_limit", "sell", 1_240_000, 300, "gtc")),
    (2, 12, 7, "MSFT", ("submit_limit", "buy", 500, 40, "gtc")),
    (3, 13, 502, "AAPL", ("reduce", None, None, 100, None, 2)),
    (4, 14, 501, "AAPL", ("reduce", None, None, 30, None, 1)),
    (5, 15, 502, "AAPL", ("reduce", None, None, 50, None, 2)),
    (7, 17, 501, "AAPL", ("cancel", None, None, None, None, 1)),
    (7, 17, 503, "AAPL", ("submit_limit", "buy", 1_234_600, 60, "gtc")),
    (8, 18, 502, "AAPL", ("reduce", None, None, 150, None, 2)),
    (9, 19, 7, "MSFT", ("cancel", None, None, None, None, 1)),
]
EXPECTED = [(*row[:4], Event(*row[4])) for row in EXPECTED]


@pytest.fixture
def write(tmp_path):
    def write(*messages):
        path = tmp_path / "feed.itch"
        path.write_bytes(b"".join(messages))
        return path

    return write


def rows(events):
    columns = (events.sequences, events.timestamps, events.references)
    return [
        (*numbers, symbol, event)
        for *numbers, (symbol, event) in zip(*(c.tolist() for c in columns), events, strict=True)
    ]


def test_the_seeds_example_runs(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample.itch").write_bytes(day_bytes(messages=2_000, symbols=10))
    monkeypatch.chdir(tmp_path)

    events = nanobook.parse_itch("data/sample.itch")

    assert isinstance(events, list)
    symbol, event = events[0]
    assert (type(symbol), type(event)) == (str, Event)
    assert len(events) > 1_500


def test_every_message_that_changes_an_order_is_a_request(write):
    events = parse_itch(write(*SESSION))
    assert rows(events) == EXPECTED
    assert (events.n_held, dict(events.n_problems), events.is_clean) == (0, {}, True)
    first = events[0][1]
    assert first == Event("submit_limit", side="buy", price=1_234_567, quantity=100,
                          time_in_force="gtc")  # fmt: skip
    assert (first.side, first.time_in_force) == (Side.BUY, TimeInForce.GTC)
    assert type(first.side) is Side
    assert type(first.price) is type(first.quantity) is int
    assert type(events[3][1].order_id) is int


def test_no_message_of_an_order_is_no_event(write):
    system = order("S", 5, 0, event="O")
    events = parse_itch(write(system))
    assert (events, len(events.references), events.n_held) == ([], 0, 0)


def test_a_packed_file_and_a_string_are_fine(write, tmp_path):
    plain = write(*SESSION)
    packed = tmp_path / "feed.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert rows(parse_itch(packed)) == EXPECTED
    assert rows(parse_itch(str(plain))) == EXPECTED


def test_a_path_of_bytes_is_a_path_and_a_dash_may_be_a_file(write, tmp_path, monkeypatch):
    write(*SESSION).rename(tmp_path / "-")
    monkeypatch.chdir(tmp_path)
    (entry,) = os.scandir(os.fsencode(tmp_path))
    assert rows(parse_itch(entry)) == EXPECTED
    assert rows(parse_itch(Path("-"))) == EXPECTED


def test_symbols_can_be_chosen(write):
    events = parse_itch(write(*SESSION), symbols=["MSFT"])
    assert rows(events) == [row for row in EXPECTED if row[3] == "MSFT"]


def test_prices_may_have_another_unit_that_holds_them(write):
    path = write(*SESSION[2:3], add(13, 8, "S", 1, 2**32 - 1, "MSFT", 2))
    fine = parse_itch(path, price_unit=Decimal("0.00001"))
    assert [event.price for _, event in fine] == [5_000, 42_949_672_950]
    with pytest.raises(ValidationError, match=r"4294967295/10000 is no whole number .* 0\.01"):
        parse_itch(path, price_unit=Decimal("0.01"))
    cents = parse_itch(write(*SESSION[2:3]), price_unit=Decimal("0.01"))
    assert [event.price for _, event in cents] == [5]
    odd = parse_itch(write(*SESSION[2:3]), price_unit=Decimal("0.025"))
    assert [event.price for _, event in odd] == [2]


@pytest.mark.parametrize(
    ("unit", "error", "words"),
    [
        (0.01, TypeError, "a Decimal, got 0.01"),
        (Decimal(0), ValidationError, "above 0"),
        (Decimal("nan"), ValidationError, "above 0"),
        (Decimal("1e-19"), OverflowError, "no place in units"),
        (Decimal("1e-400"), OverflowError, "no place in units"),
        (Decimal("1e30"), ValidationError, r"1234567/10000 is no whole number of units of 1E\+30"),
        (Decimal(124), ValidationError, "1234567/10000 is no whole number"),
    ],
)
def test_a_unit_that_is_none_is_refused(write, unit, error, words):
    with pytest.raises(error, match=words):
        parse_itch(write(*SESSION), price_unit=unit)


def test_an_order_that_would_trade_waits_until_it_would_not(write):
    path = write(
        add(1, 1, "S", 100, 50_000),
        add(2, 2, "B", 10, 49_000),
        add(3, 3, "B", 20, 51_000),  # crosses
        add(4, 4, "B", 30, 50_000),  # locks
        order("X", 5, reference=3, shares=5),
        add(6, 5, "S", 7, 52_000),
        add(7, 6, "B", 8, 51_000),  # behind 3 in the queue
        order("D", 8, reference=4),
        add(9, 7, "B", 9, 50_000),
        order("D", 10, reference=1),
        order("E", 11, reference=3, shares=15, match=1),
    )
    events = parse_itch(path)
    assert [(row[0], row[2], str(row[4].kind)) for row in rows(events)] == [
        (0, 1, "submit_limit"),
        (1, 2, "submit_limit"),
        (5, 5, "submit_limit"),
        (9, 1, "cancel"),
        (9, 3, "submit_limit"),
        (9, 6, "submit_limit"),
        (9, 7, "submit_limit"),
        (10, 3, "reduce"),
    ]
    assert events[4][1].quantity == 15
    assert events[7][1].order_id == 4
    assert events.n_held == 4
    with pytest.raises(ItchError, match=r"AAPL at 00:00:00\.000000003, message 2: an order to buy"):
        parse_itch(path, crossed="raise")
    with pytest.raises(ValidationError, match='"hold" or "raise", got \'skip\''):
        parse_itch(path, crossed="skip")


def test_what_lenient_reading_mends_is_mended_in_the_events_too(write):
    messages = [
        add(10, 1, "B", 100, 50_000),
        add(11, 1, "B", 30, 49_000),  # the older one is taken off first
        order("E", 12, reference=1, shares=99, match=1),  # all that remains
        order("X", 13, reference=77, shares=1),  # left out
        add(14, 2, "S", 5, 60_000),
        add(15, 3, "S", 6, 61_000),
        order("U", 16, reference=2, new_reference=3, shares=4, price=62_000),
        order("U", 17, reference=3, new_reference=3, shares=2, price=63_000),
    ]
    path = write(*messages)
    with pytest.raises(ItchError, match="at byte 38"):
        parse_itch(path)
    events = parse_itch(path, strict=False)
    assert [(row[0], row[2], str(row[4].kind)) for row in rows(events)] == [
        (0, 1, "submit_limit"),
        (1, 1, "cancel"),
        (1, 1, "submit_limit"),
        (2, 1, "reduce"),
        (4, 2, "submit_limit"),
        (5, 3, "submit_limit"),
        (6, 2, "cancel"),
        (6, 3, "cancel"),
        (6, 3, "submit_limit"),
        (7, 3, "cancel"),
        (7, 3, "submit_limit"),
    ]
    assert [event.order_id for _, event in events] == [
        None, 1, None, 2, None, None, 3, 4, None, 5, None
    ]  # fmt: skip
    assert [event.quantity for _, event in events][3] == 30
    wrong = {"duplicate_reference": 2, "excess": 1, "unknown_reference": 1}
    assert dict(events.n_problems) == wrong
    assert not events.is_clean


def test_a_reference_may_be_used_again_for_another_order(write):
    path = write(
        add(1, 9, "B", 1, 50_000),
        order("D", 2, reference=9),
        add(3, 9, "S", 2, 60_000, "MSFT", 2),
        order("X", 4, 2, reference=9, shares=1),
    )
    assert [row[3:] for row in rows(parse_itch(path))][2:] == [
        ("MSFT", Event("submit_limit", "sell", 60_000, 2, "gtc")),
        ("MSFT", Event("reduce", quantity=1, order_id=1)),
    ]


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([add(1, 1, "B", 1, 1, b"\xffA")], "locate 1 is not ASCII"),
        ([add(1, 1, "B", 1, 1), add(2, 2, "B", 1, 1, "MSFT")],
         "message 1: locate 1 has the symbols 'AAPL' and 'MSFT'"),
        ([add(1, 1, "B", 1, 1), add(2, 2, "B", 1, 1, "AAPL", 2)], "'AAPL' has two locates"),
    ],
)  # fmt: skip
def test_a_book_without_a_symbol_of_its_own_is_refused(write, messages, words):
    with pytest.raises(ItchError, match=words):
        parse_itch(write(*messages))


def test_it_is_pickled_with_all_that_it_says(write):
    events = parse_itch(write(*SESSION))
    again = pickle.loads(pickle.dumps(events))  # noqa: S301 - our own
    assert type(again) is FeedEvents
    assert rows(again) == EXPECTED
    assert again.is_clean


def check_books(events, data, *, strict=True):
    """Make the requests one after another; look at all books after each message."""
    by_message = defaultdict(list)
    for sequence, pair in zip(events.sequences.tolist(), events, strict=True):
        by_message[sequence].append(pair)
    multi = MultiExchange()
    n_equal = 0
    for row, book in FeedBook(data, strict=strict):
        symbol = row["symbol"].decode()
        for name, event in by_message.pop(int(row["sequence"]), []):
            # An older order of the same reference, which goes first, may be another stock's.
            assert name == symbol or not strict
            answer = multi.get_or_create(name).submit(event)
            assert getattr(answer, "success", True)
        exchange = multi.get_or_create(symbol)
        assert not exchange.trade_count()
        if not book.is_crossed:
            assert book_of(exchange) == book.queues
            n_equal += 1
    assert not by_message
    return n_equal


def test_the_books_of_a_day_are_those_of_the_feed_after_every_message(tmp_path):
    data = day_bytes(messages=3_000, symbols=4, seed=3)
    path = tmp_path / "day"
    path.write_bytes(data)
    events = parse_itch(path)
    assert events.n_held > 0
    assert check_books(events, data) > 2_500


@settings(law, max_examples=40)
@given(messages=days())
def test_any_books_are_those_of_the_feed_after_every_message(messages, tmp_path_factory):
    if not messages:
        return
    data = b"".join(messages)
    path = tmp_path_factory.mktemp("feed") / "feed"
    path.write_bytes(data)
    check_books(parse_itch(path), data)


@settings(law, max_examples=40)
@given(day=st.one_of(planted().map(lambda day: day.messages), rough()))
def test_books_that_are_mended_are_those_of_the_feed_too(day, tmp_path_factory):
    data = b"".join(day)
    path = tmp_path_factory.mktemp("feed") / "feed"
    path.write_bytes(data)
    try:
        events = parse_itch(path, strict=False)
    except ItchError as error:
        assert "locate" in str(error)  # noqa: PT017 - one of two that are fine
    else:
        check_books(events, data, strict=False)


class TestParser(ParserSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def parser(cls):
        return parse_itch

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, tmp_path_factory) -> Path:
        path = tmp_path_factory.mktemp("feed") / "day.itch"
        path.write_bytes(b"".join(SESSION))
        return path


class TestLenientParser(TestParser):
    @pytest.fixture(scope="class")
    @classmethod
    def parser(cls):
        return partial(parse_itch, strict=False)

    def test_an_empty_file_is_refused(self, parser, source):
        # Lenient reading says so instead.
        source.with_name("empty").touch()
        events = parser(source.with_name("empty"))
        assert (list(events), dict(events.n_problems)) == ([], {"truncated": 1})
