"""Prices of the venue."""

import datetime as dt
from decimal import Decimal

import pytest
from tests.binance.hand_clock import HandClock
from tests.binance.market_server import MarketServer
from tests.binance.scripted_http import answer, refusal

from nanobook_binance.environment import choose_environment
from nanobook_binance.quote import Prices
from nanobook_binance.rest import Rest
from nanobook_binance.simulator.server.handle import SimulatedBinance
from nanobook_binance.symbol import Symbols
from nanobook_core.contracts.broker_error import (
    BrokerProtocolError,
    LinkDownError,
    NoQuoteError,
    Outcome,
)
from nanobook_core.contracts.clock import SystemClock
from nanobook_core.contracts.holding import Quote

BOOK = {
    "symbol": "PEPEUSDT",
    "bidPrice": "0.00001234",
    "bidQty": "17.00",
    "askPrice": "0.00001235",
    "askQty": "99999999999.00",
}
DAY = {
    "symbol": "PEPEUSDT",
    "lastPrice": "0.00001233",
    "volume": "123456789012345.00",
    "closeTime": 1795850740382,
}


class Market:
    """A server with prices, and what asks it."""

    def __init__(self, server, clock, rest):
        self.server = server
        self.clock = clock
        self.symbols = Symbols(rest, "USDT", clock)
        self.prices = Prices(rest, clock)

    def listed(self, symbol="PEPE"):
        return self.symbols.listed(symbol)

    def asked(self, path):
        return len(self.server.seen(f"/api/v3/{path}"))


@pytest.fixture
def market():
    answers = {
        "ticker/bookTicker": dict(BOOK),
        "ticker/24hr": dict(DAY),
        "ticker/price": {"symbol": "PEPEUSDT", "price": "0.00001230"},
        "avgPrice": {"mins": 5, "price": "51000.12345678", "closeTime": 1},
    }
    with MarketServer(**answers) as server:
        clock = HandClock()
        yield Market(server, clock, server.rest(clock))


def test_a_quote_is_exact(market):
    assert market.prices.quote(market.listed()) == Quote(
        symbol="PEPE",
        bid=Decimal("0.00001234"),
        ask=Decimal("0.00001235"),
        last=Decimal("0.00001233"),
        bid_size=Decimal(17),
        ask_size=Decimal(99999999999),
        volume=Decimal(123456789012345),
        venue_time=dt.datetime(2026, 11, 28, 7, 25, 40, 382000, dt.UTC),
        received=1000.0,
    )


def test_the_touch_takes_one_question(market):
    touch = market.prices.touch(market.listed())
    assert (touch.bid, touch.ask) == (Decimal("0.00001234"), Decimal("0.00001235"))
    assert (touch.last, touch.volume, touch.received) == (None, None, 1000.0)
    assert (market.asked("ticker/bookTicker"), market.asked("ticker/24hr")) == (1, 0)


def test_its_age_is_counted_from_before_it_was_asked_for(market):
    def book(_):
        market.clock.seconds += 3
        return BOOK

    market.server.answers["/api/v3/ticker/bookTicker"] = book
    quote = market.prices.quote(market.listed())
    assert quote.received == 1000.0
    assert quote.is_stale(market.clock.monotonic(), 2)


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_side_that_is_empty_is_none(market, side):
    book = {**BOOK, f"{side}Price": "0.00000000", f"{side}Qty": "0.00"}
    market.server.answers["/api/v3/ticker/bookTicker"] = book
    for quote in (market.prices.quote(market.listed()), market.prices.touch(market.listed())):
        assert getattr(quote, side) is getattr(quote, f"{side}_size") is None
        assert not quote.is_usable


def test_without_any_price_there_is_no_quote(market):
    empty = dict.fromkeys(("bidPrice", "bidQty", "askPrice", "askQty"), "0.00000000")
    market.server.answers["/api/v3/ticker/bookTicker"] = empty
    with pytest.raises(NoQuoteError, match="PEPE: the venue has no price now"):
        market.prices.touch(market.listed())
    assert market.prices.quote(market.listed()).last == Decimal("0.00001233")
    market.server.answers["/api/v3/ticker/24hr"] = {**DAY, "lastPrice": "0.00"}
    with pytest.raises(NoQuoteError, match="PEPE: the venue has no price now"):
        market.prices.quote(market.listed())


def test_of_a_pair_that_does_not_trade_it_says_so(market):
    refused = refusal(-1220, "The symbol's status does not match the requested symbolStatus.")
    market.server.answers["/api/v3/ticker/bookTicker"] = lambda asked: (
        refused if asked.get("symbolStatus") == "TRADING" else BOOK
    )
    quote = market.prices.quote(market.listed("LUNA"))
    assert (quote.bid, quote.is_halted) == (Decimal("0.00001234"), True)
    assert market.prices.touch(market.listed("LUNA")).is_halted


@pytest.mark.parametrize(
    "name", ["bidPrice", "bidQty", "askPrice", "askQty", "lastPrice", "volume"]
)
@pytest.mark.parametrize("odd", ["NaN", "-1", "Infinity", "x", None, True, [], ...])
def test_a_price_that_is_none_is_no_quote(market, name, odd):
    path, row = ("24hr", DAY) if name in DAY else ("bookTicker", BOOK)
    row = {**row, name: odd}
    if odd is ...:
        del row[name]
    market.server.answers[f"/api/v3/ticker/{path}"] = row
    with pytest.raises(BrokerProtocolError, match=f"the venue tells no {name}") as caught:
        market.prices.quote(market.listed())
    assert caught.value.outcome is Outcome.NOT_SENT


def test_an_answer_of_another_kind_is_no_quote(market):
    market.server.answers["/api/v3/ticker/bookTicker"] = [BOOK]
    with pytest.raises(BrokerProtocolError, match="bookTicker"):
        market.prices.quote(market.listed())


# -- what filters compare with


def test_a_reference_price_of_the_venue_goes_before_all_averages(market):
    market.server.answers["/api/v3/referencePrice"] = {
        "symbol": "BTCUSDT",
        "referencePrice": "50000.5",
        "timestamp": 1,
    }
    assert market.prices.reference(market.listed("BTC")) == Decimal("50000.5")
    assert market.asked("avgPrice") == 0


@pytest.mark.parametrize(
    "none",
    [
        {"symbol": "BTCUSDT", "referencePrice": None, "timestamp": 1},
        refusal(-2043, "This symbol doesn't have a reference price."),
        answer("<html>", 404),
    ],
)
def test_without_one_it_is_the_average_and_is_not_asked_for_again_for_an_hour(market, none):
    market.server.answers["/api/v3/referencePrice"] = none
    for _ in range(3):
        assert market.prices.reference(market.listed("BTC")) == Decimal("51000.12345678")
        market.clock.seconds += 100
    assert (market.asked("referencePrice"), market.asked("avgPrice")) == (1, 3)
    market.clock.seconds += 3600
    market.prices.reference(market.listed("BTC"))
    assert market.asked("referencePrice") == 2


def test_a_filter_of_0_minutes_compares_with_the_last_price(market):
    assert market.prices.reference(market.listed("PEPE")) is None
    for rule in market.server.symbols["PEPEUSDT"]["filters"]:
        if "avgPriceMins" in rule:
            rule["avgPriceMins"] = 0
    market.symbols.refresh()
    market.clock.seconds += 1
    assert market.prices.reference(market.listed("PEPE")) == Decimal("0.0000123")


def test_an_average_over_other_minutes_is_left_to_the_venue(market):
    market.server.answers["/api/v3/avgPrice"] = {"mins": 3, "price": "51000"}
    assert market.prices.reference(market.listed("BTC")) is None


def test_it_is_asked_for_once_a_second(market):
    for _ in range(3):
        market.prices.reference(market.listed("BTC"))
    assert market.asked("avgPrice") == 1
    market.clock.seconds += 1
    market.prices.reference(market.listed("BTC"))
    assert market.asked("avgPrice") == 2


def test_a_failure_is_no_reference_price_and_is_not_kept(market):
    market.server.answers["/api/v3/referencePrice"] = answer("busy", 503)
    with pytest.raises(LinkDownError):
        market.prices.reference(market.listed("BTC"))
    market.server.answers["/api/v3/referencePrice"] = {"referencePrice": "50000"}
    assert market.prices.reference(market.listed("BTC")) == 50000


def test_the_simulated_venue_tells_quotes():
    clock = SystemClock()
    with SimulatedBinance() as binance:
        environment = choose_environment(testnet=True, demo=False, base_url=binance.url)
        venue = Market(binance, clock, Rest(environment, None, clock))
        binance.set_quote("BTCUSDT", "0.01", "1000000", bid_size="0.00001", last="0.02")
        quote = venue.prices.quote(venue.listed("BTC"))
        assert (quote.bid, quote.ask, quote.last) == (Decimal("0.01"), 1000000, Decimal("0.02"))
        assert (quote.bid_size, quote.is_halted) == (Decimal("0.00001"), False)
        for status, is_halted in (("HALT", True), ("TRADING", False)):
            binance.set_status("BTCUSDT", status)
            assert venue.listed("BTC").instrument.tradable
            quote = venue.prices.quote(venue.listed("BTC"))
            assert (quote.bid, quote.is_halted) == (Decimal("0.01"), is_halted)
        binance.withdraw_quote("BTCUSDT")
        assert not venue.prices.quote(venue.listed("BTC")).is_usable
        assert venue.prices.reference(venue.listed("ETH")) == 2500
