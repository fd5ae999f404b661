"""A quotes file makes the simulated market of its pairs, and is read again when it changes."""

import logging
import os
from decimal import Decimal

import pytest
from tests.binance.stream_client import StreamClient
from tests.binance.venue_bench import Bench, text

from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.feed.quotes_file import QuotesFile
from nanobook_core.errors import ValidationError

HEADER = "symbol,bid,ask,last,bid_size,ask_size\n"


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "quotes.csv"


def top(bench, symbol):
    found = bench.venue.top(symbol)
    sides = (found.bid, found.bid_size), (found.ask, found.ask_size)
    return [None if price is None else f"{text(size)} at {text(price)}" for price, size in sides]


def test_prices_and_sizes_are_quoted(bench, path):
    path.write_text(
        HEADER + "BTCUSDT,61000.00,61000.50,61000.25,0.5,0.75\nPEPEUSDT,0.00000912,,,,\n"
    )

    assert QuotesFile(path).poll(bench.venue) is True

    assert top(bench, "BTCUSDT") == ["0.5 at 61000", "0.75 at 61000.5"]
    assert bench.venue.last("BTCUSDT") == Decimal("61000.25")
    assert top(bench, "PEPEUSDT") == ["92141578899 at 0.00000912", None]
    assert top(bench, "ETHUSDT") == ["9000 at 2500", "9000 at 2500.01"]  # not in it, as before


def test_prices_go_outward_to_the_tick_and_sizes_down_to_the_step(bench, path):
    path.write_text(HEADER + "BTCUSDT,61000.009,61000.501,61000.256,0.500009,0.750009\n")

    QuotesFile(path).poll(bench.venue)

    assert top(bench, "BTCUSDT") == ["0.5 at 61000", "0.75 at 61000.51"]
    assert bench.venue.last("BTCUSDT") == Decimal("61000.25")


def test_a_side_without_a_whole_step_is_not_there(bench, path):
    path.write_text(HEADER + "BTCUSDT,61000,61001,,0.000009,1\nETHUSDT,0.001,2500,,1,0\n")

    QuotesFile(path).poll(bench.venue)

    assert top(bench, "BTCUSDT") == [None, "1 at 61001"]
    assert top(bench, "ETHUSDT") == [None, None]


def test_it_is_read_again_only_when_it_has_changed(bench, path):
    path.write_text("symbol,bid,ask\nBTCUSDT,61000,61001\n")
    quotes = QuotesFile(path)
    quotes.poll(bench.venue)
    assert quotes.poll(bench.venue) is False

    path.write_text("symbol,bid,ask\nBTCUSDT,62000,62001\nETHUSDT,2600,2601\n")
    assert quotes.poll(bench.venue) is True
    assert top(bench, "BTCUSDT")[0] == "9000 at 62000"

    path.write_text("symbol,bid,ask\nETHUSDT,2600,2601\n")
    assert quotes.poll(bench.venue) is True
    assert top(bench, "BTCUSDT") == [None, None]
    assert top(bench, "ETHUSDT")[0] == "9000 at 2600"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("symbol,bid\nBTCUSDT,1\n", "no column 'ask'"),
        ("symbol,bid,ask\nBTCUSDT,61000,sixty\n", "ask is a number, got 'sixty'"),
        ("symbol,bid,ask\nBTCUSDT,61000,NaN\n", "finite"),
        ("symbol,bid,ask\nBTCUSDT,-1,61000\n", "above 0"),
        ("symbol,bid,ask\nBTCUSDT,61001,61000\n", "the bid must be below the ask"),
        ("symbol,bid,ask\nBTC,61000,61001\n", "'BTC' is not listed here; there are BTCUSDT, "),
        (
            "symbol,bid,ask,currency\nBTCUSDT,1,2,EUR\n",
            "BTCUSDT is in USDT, got the currency 'EUR'",
        ),
        (
            "symbol,bid,ask\nBTCUSDT,61000,9000000\n",
            "a price is at most 1000000.00000000, got 9000000",
        ),
        ("symbol,bid,ask,last\nETHUSDT,2600,2601,\nBTCUSDT,1,2,9000000\n", "a price is at most"),
        ("symbol,bid,ask\nETHUSDT,2600,2601\nBTCUSDT,61001,61000\n", "the bid must be below"),
    ],
)
def test_a_file_that_is_none_changes_nothing_and_is_named(bench, path, content, complaint):
    path.write_text(content)
    before = [top(bench, rules.symbol) for rules in bench.venue.symbols]

    with pytest.raises(ValidationError) as caught:
        QuotesFile(path).poll(bench.venue)

    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)
    assert [top(bench, rules.symbol) for rules in bench.venue.symbols] == before


def test_no_file_is_an_error_of_the_machine(bench, path):
    with pytest.raises(FileNotFoundError):
        QuotesFile(path).poll(bench.venue)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_is_refused(bench, path):
    os.mkfifo(path)

    with pytest.raises(ValidationError, match="is a pipe; give a file, which is read again"):
        QuotesFile(path).poll(bench.venue)


def test_a_server_does_not_begin_with_a_file_that_is_none(path):
    path.write_text("symbol,bid\n")

    with pytest.raises(ValidationError, match="no column 'ask'"):
        SimulatedBinance(quotes=path)


def test_a_server_follows_its_file_and_keeps_the_quotes_of_one_that_is_broken(path, caplog):
    path.write_text("symbol,bid,ask\nBTCUSDT,61000,61001\n")
    with (
        SimulatedBinance(quotes=path) as binance,
        StreamClient(f"{binance.stream_url}/ws/btcusdt@bookTicker") as client,
    ):
        path.write_text("symbol,bid,ask\nBTCUSDT,62000,62001\n")
        told = client.until(lambda message: message["b"] == "62000.00000000")
        assert told[-1]["a"] == "62001.00000000"

        with caplog.at_level(logging.WARNING):
            path.write_text("symbol,bid,ask\nBTCUSDT,62000,sixty\n")
            path_that_is_right = "symbol,bid,ask\nBTCUSDT,63000,63001\n"
            while not caplog.records:
                binance.call(lambda venue: venue.now_ms())
        assert "the quotes stay as they are" in caplog.records[0].getMessage()
        assert binance.call(lambda venue: venue.top("BTCUSDT").bid) == Decimal(62000)

        path.write_text(path_that_is_right)
        client.until(lambda message: message["b"] == "63000.00000000")
