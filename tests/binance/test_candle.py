"""Candles of a market: one for each interval, whether anything traded in it or not."""

from decimal import Decimal

import pytest
from tests.binance.rest_client import RestClient
from tests.binance.venue_bench import START_MS, StandingClock

from nanobook_binance.simulator import SimulatedBinance, Venue

MINUTE = 60_000
#: Second, price and quantity of each trade.
TRADES = ((5, "100", "1"), (10, "103", "2"), (130, "99", "3"), (131, "101", "1"))


@pytest.fixture
def client():
    venue = Venue(clock=StandingClock())
    with SimulatedBinance(venue) as binance, RestClient(binance) as client:
        for second, price, quantity in TRADES:
            venue.clock.passed = second
            binance.call(
                lambda venue, price=price, quantity=quantity: venue.print(
                    "BTCUSDT", Decimal(price), Decimal(quantity), buyer_is_maker=price != "101"
                )
            )
        venue.clock.passed = 245
        yield client


def candles(client, interval="1m", **span):
    asked = {"symbol": "BTCUSDT", "interval": interval, **span}
    return client.public("GET", "/api/v3/klines", **asked).json()


def shown(rows):
    """Minute, open, high, low, close, volume and number of trades, in short."""
    return [
        ((row[0] - START_MS) // MINUTE, *(Decimal(text) for text in row[1:6]), row[8])
        for row in rows
    ]


def test_there_is_one_for_each_interval_since_the_first_trade(client):
    assert shown(candles(client)) == [
        (0, 100, 103, 100, 103, 3, 2),
        (1, 103, 103, 103, 103, 0, 0),
        (2, 99, 101, 99, 101, 4, 2),
        (3, 101, 101, 101, 101, 0, 0),
        (4, 101, 101, 101, 101, 0, 0),
    ]


def test_each_field_is_as_the_vendor_has_it(client):
    assert candles(client)[1:3] == [
        [
            START_MS + MINUTE,
            *["103.00000000"] * 4,
            "0.00000000",
            START_MS + 2 * MINUTE - 1,
            "0.00000000",
            0,
            "0.00000000",
            "0.00000000",
            "0",
        ],
        [
            START_MS + 2 * MINUTE,
            "99.00000000",
            "101.00000000",
            "99.00000000",
            "101.00000000",
            "4.00000000",
            START_MS + 3 * MINUTE - 1,
            "398.00000000",
            2,
            "1.00000000",
            "101.00000000",
            "0",
        ],
    ]


@pytest.mark.parametrize(
    ("span", "minutes"),
    [
        ({"limit": 2}, [3, 4]),
        ({"startTime": START_MS + 1, "limit": 2}, [1, 2]),
        ({"startTime": START_MS + MINUTE}, [1, 2, 3, 4]),
        ({"startTime": START_MS - 5 * MINUTE, "limit": 1}, [0]),
        ({"startTime": START_MS + MINUTE, "endTime": START_MS + 2 * MINUTE}, [1, 2]),
        ({"endTime": START_MS + 2 * MINUTE - 1}, [0, 1]),
        ({"endTime": START_MS + 2 * MINUTE, "limit": 1}, [2]),
        ({"endTime": START_MS - 1}, []),
        ({"startTime": START_MS + 5 * MINUTE}, []),
        ({"startTime": 2**62, "interval": "1M"}, []),
        ({"endTime": 0, "interval": "1M"}, []),
    ],
)
def test_a_span_has_those_that_open_in_it(client, span, minutes):
    assert [row[0] for row in shown(candles(client, **span))] == minutes


def test_without_trades_there_is_none(client):
    asked = {"symbol": "ETHUSDT", "interval": "1s"}
    assert client.public("GET", "/api/v3/klines", **asked).json() == []


@pytest.mark.parametrize(
    ("interval", "number"), [("1s", 241), ("5m", 1), ("1d", 1), ("1w", 1), ("1M", 1)]
)
def test_intervals_of_all_lengths(client, interval, number):
    rows = candles(client, interval)
    assert len(rows) == number
    assert sum(Decimal(row[5]) for row in rows) == 7
    assert sum(row[8] for row in rows) == 4
