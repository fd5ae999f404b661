import datetime as dt

import pytest
from tests.itch.feeds import day

import nanobook
from nanobook_itch.time_of_day import clock, duration, nanoseconds

V, T = nanobook.ValidationError, TypeError
FEED = nanobook.ItchFeed(day())

#: Method, arguments, error, words.
BAD = [
    (nanobook.ItchFeed, {"source": b"", "symbols": []}, V, "no symbols are given"),
    (nanobook.ItchFeed, {"source": b"", "symbols": ["A B"]}, V, "without spaces, got 'A B'"),
    (nanobook.ItchFeed, {"source": b"", "symbols": " AAPL"}, V, "without spaces"),
    (nanobook.ItchFeed, {"source": b"", "symbols": "A\0"}, V, "1 to 8 characters"),
    (nanobook.ItchFeed, {"source": b"", "symbols": [""]}, V, "1 to 8 characters"),
    (nanobook.ItchFeed, {"source": b"", "symbols": "ABCDEFGHI"}, V, "1 to 8 characters"),
    (nanobook.ItchFeed, {"source": b"", "symbols": [b"AAPL"]}, T, "symbols are str"),
    (nanobook.ItchFeed, {"source": b"", "symbols": 5}, T, "symbols are a list of str"),
    (FEED.messages, {"types": "AZ"}, V, "got 'Z'"),
    (FEED.messages, {"types": ""}, V, "no types are given"),
    (FEED.messages, {"start": "10:00", "end": "09:00"}, V, "end '09:00' .* is before start"),
    (FEED.messages, {"start": "9h30"}, V, 'a time is written "09:30"'),
    (FEED.messages, {"start": "25:00"}, V, "a day ends at 24:00"),
    (FEED.messages, {"end": 1.5}, T, "end is nanoseconds"),
    (FEED.messages, {"end": True}, T, "end is nanoseconds"),
    (FEED.messages, {"end": -1}, V, "end is 0 to 2"),
    (FEED.chunks, {"n_bytes": 0}, V, "n_bytes is 1 to"),
    (FEED.chunks, {"n_bytes": 1.0}, T, "n_bytes is a whole number"),
    (FEED.books, {"tables": "bba"}, V, "tables are of bbo, trades"),
    (FEED.books, {"tables": []}, V, "no tables are given"),
    (FEED.books, {"tables": None}, T, "tables are a list of str"),
    (FEED.books, {"depth": 0}, V, "depth is 1 to 1000"),
    (FEED.books, {"depth": True}, T, "depth is a whole number"),
    (FEED.books, {"every": "00:01"}, V, 'of the table "depth"'),
    (FEED.books, {"tables": "depth", "every": 0}, V, "every is a length of time above 0"),
    (FEED.books, {"tables": "depth", "every": "1us"}, V, "more than 1,000,000 times"),
    (FEED.books, {"tables": "depth", "every": 60}, V, 'nanoseconds: write "60s"'),
    (
        FEED.books,
        {"tables": "depth", "every": "1 m"},
        V,
        'length of time, as "00:05", "5m" or "300s"',
    ),
    (FEED.books, {"tables": "depth", "every": "0s"}, V, "above 0, got '0s'"),
    (FEED.books, {"tables": "depth", "every": "999999999999999h"}, V, "above 0, got"),
    (FEED.books, {"tables": "depth", "every": True}, T, "every is nanoseconds"),
    (FEED.books, {"tables": "depth", "every": "00:01", "grid": [5]}, V, "give one of them"),
    (FEED.books, {"tables": "depth", "grid": [5, 5]}, V, "must ascend"),
    (FEED.books, {"tables": "depth", "grid": []}, V, "grid has no times"),
    (FEED.books, {"tables": "depth", "grid": "09:30"}, T, "grid is ascending times"),
    (FEED.books, {"tables": "depth", "grid": 5}, T, "grid is ascending times"),
    (FEED.books, {"tables": "depth", "grid": range(1_000_001)}, V, "at most 1,000,000 times"),
    (FEED.at, {"time": None}, T, "time is nanoseconds"),
    (FEED.at, {"time": dt.time(9, tzinfo=dt.UTC)}, T, "without a zone"),
]


@pytest.mark.parametrize(("call", "options", "error", "text"), BAD)
def test_bad_arguments_are_refused_at_once(call, options, error, text):
    with pytest.raises(error, match=text):
        call(**options)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("00:05", 300 * 10**9),
        ("2h", 7200 * 10**9),
        ("5m", 300 * 10**9),
        ("300s", 300 * 10**9),
        ("250ms", 250_000_000),
        ("7us", 7000),
        ("7ns", 7),
        (1_000_000, 1_000_000),
        (dt.time(0, 1), 60 * 10**9),
    ],
)
def test_lengths_of_time(given, expected):
    assert duration(given, "every") == expected


def test_times_of_day():
    second = 10**9
    for given, expected in (
        ("09:30", 34_200 * second),
        ("9:30:00.5", 34_200 * second + second // 2),
        ("24:00", 86_400 * second),
        ("00:00:00.000000001", 1),
        (dt.time(9, 30, 0, 1), 34_200 * second + 1000),
        (7, 7),
    ):
        assert nanoseconds(given) == expected
    assert clock(34_200 * second + 1) == "09:30:00.000000001"


def test_views_of_books_refuse_what_they_do_not_have():
    books = FEED.at("12:00")
    for call in (books.depth, books.orders, books.full_book, books.__getitem__):
        with pytest.raises(KeyError, match="no book of 'ZZZZ' at 12:00:00"):
            call("ZZZZ")
    with pytest.raises(V, match="levels are 1 or more"):
        books.depth("AAPL", 0)


@pytest.mark.parametrize("n", [2.5, "1", None, True])
def test_levels_are_whole_numbers(n):
    tables = nanobook.ItchFeed(day()).books("bbo")
    with pytest.raises(TypeError, match="n is a whole number, got"):
        tables.books.depth("AAPL", n)
    if n is not None:
        with pytest.raises(TypeError, match="levels is a whole number, got"):
            nanobook.book_imbalance(tables.bbo, n)
