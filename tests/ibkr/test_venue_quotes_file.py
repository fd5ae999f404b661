"""Quotes from a file that people change."""

from decimal import Decimal

import pytest
from tests.ibkr.venue_bench import Bench, buy

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.quotes_file import QuotesFile
from nanobook_ibkr.simulator.record import ContractKey
from nanobook_ibkr.simulator.venue import Venue


@pytest.fixture
def quotes(tmp_path):
    path = tmp_path / "quotes.csv"

    class Quotes(QuotesFile):
        def write(self, *lines):
            path.write_text("\n".join(lines) + "\n")

    return Quotes(path)


def tops(venue, *symbols):
    found = [venue.top(symbol) for symbol in symbols]
    return [(str(each.bid), str(each.ask)) for each in found]


def test_file_is_the_market_and_changes_with_it(quotes):
    venue = Venue([])
    quotes.write("symbol,bid,ask", "AAPL,184.50,184.60", "MSFT,370.00,370.10")
    assert quotes.poll(venue) is True
    assert quotes.poll(venue) is False
    assert tops(venue, "AAPL", "MSFT") == [("184.50", "184.60"), ("370.00", "370.10")]
    quotes.write("symbol,bid,ask", "AAPL,184.70,184.80")
    assert quotes.poll(venue) is True
    assert tops(venue, "AAPL", "MSFT") == [("184.70", "184.80"), ("None", "None")]


def test_orders_meet_a_file_that_has_changed(quotes):
    bench = Bench()
    bench.place(1, 1, buy(100, "184.00"))
    quotes.write("symbol,bid,ask,ask_size", "AAPL,183.00,183.50,60")
    quotes.poll(bench.venue)
    assert bench.state(1, 1) == "Submitted 60+40"


def test_well_known_symbols_are_themselves_and_others_are_the_same_in_every_run(quotes):
    venue = Venue([], rates={"EUR": Decimal("1.1")})
    quotes.write("symbol,bid,ask,currency", "AAPL,1,2,", "ZZZ,1,2,", "YYY,1,2,EUR")
    quotes.poll(venue)
    assert [
        (each.con_id, each.currency)
        for symbol in ("AAPL", "ZZZ", "YYY")
        for each in venue.find(ContractKey(symbol=symbol))
    ] == [(265598, "USD"), (1264383028, "USD"), (1102481776, "EUR")]


def test_prices_and_sizes_off_their_steps_are_moved_away(quotes):
    venue = Venue([])
    quotes.write(
        "symbol,bid,ask,bid_size,ask_size,last,volume", "AAPL,1.009,1.011,2.5,0.5,1.01,900"
    )
    quotes.poll(venue)
    top = venue.top("AAPL")
    assert (top.bid, top.bid_size, top.ask, top.last, top.volume) == (
        Decimal("1.00"),
        2,
        None,
        Decimal("1.01"),
        900,
    )


def test_size_of_nothing_is_no_quote(quotes):
    venue = Venue([])
    quotes.write("symbol,bid,ask,bid_size,ask_size", "AAPL,1.00,1.01,0,", "MSFT,,1.01,,", "KO,1,,,")
    quotes.poll(venue)
    assert tops(venue, "AAPL", "MSFT", "KO") == [
        ("None", "1.01"),
        ("None", "1.01"),
        ("1.00", "None"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("AAPL,2.00,1.00", "the bid must be below the ask"),
        ("AAPL,x,1.00", "line 2: AAPL: bid is a number"),
        ("AAPL,1.00", "line 2: 2 values for 3 columns"),
        ("AAPL,-1,1.00", "bid is above 0"),
    ],
)
def test_file_that_is_wrong_changes_nothing_and_is_told_once(quotes, line, message):
    venue = Venue([])
    quotes.write("symbol,bid,ask", "AAPL,184.50,184.60")
    quotes.poll(venue)
    quotes.write("symbol,bid,ask", line, "MSFT,1,2")
    with pytest.raises(ValidationError, match=message):
        quotes.poll(venue)
    assert quotes.poll(venue) is False
    assert tops(venue, "AAPL") == [("184.50", "184.60")]
    assert venue.find(ContractKey(symbol="MSFT")) == []


def test_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        QuotesFile(tmp_path / "none.csv").poll(Venue([]))


def test_currency_without_a_rate_is_an_error_and_lists_nothing(quotes):
    venue = Venue([])
    quotes.write("symbol,bid,ask,currency", "MSFT,1,2,", "YYY,1,2,EUR")
    with pytest.raises(ValidationError, match="give its rate"):
        quotes.poll(venue)
    assert venue.find(ContractKey(symbol="MSFT")) == []
