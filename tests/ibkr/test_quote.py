"""Quotes: streams, snapshots of what is quiet, and what the venue does not tell."""

import datetime as dt
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from tests.ibkr.sessions import connected

from nanobook_core.contracts.broker_error import NoQuoteError, UnknownSymbolError
from nanobook_core.contracts.clock import SystemClock
from nanobook_ibkr.message import VenueContract
from nanobook_ibkr.quote import STREAMS, _Prices
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.record import ContractDefinition
from nanobook_ibkr.simulator.venue import Venue


class SlowClock(SystemClock):
    """Stands still until it is moved."""

    seconds = 100.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def gateway():
    with SimulatedGateway() as gateway:
        gateway.set_quote(
            "AAPL",
            Decimal("99.99"),
            Decimal("100.01"),
            bid_size=Decimal(300),
            ask_size=Decimal(500),
        )
        yield gateway


@pytest.fixture
def clock():
    return SlowClock()


@pytest.fixture
def client(gateway, clock):
    with connected(gateway, clock=clock) as client:
        client.aapl = client.contract()
        client.quote = lambda: client.ask("quote", "AAPL", client.aapl)
        yield client


def snapshots(gateway):
    """Whether each question for market data was for a snapshot, in their order."""
    return [message.fields[17] == "1" for message in gateway.messages(1, incoming=True)]


def test_a_quote_has_what_the_venue_tells(client):
    quote = client.quote()
    assert (quote.symbol, quote.bid, quote.ask) == ("AAPL", Decimal("99.99"), Decimal("100.01"))
    assert (quote.bid_size, quote.ask_size) == (300, 500)
    assert (quote.is_delayed, quote.is_halted, quote.is_usable) == (False, False, True)
    assert quote.received == 100.0
    assert not quote.is_stale(100.9, 1.0)


def test_the_first_question_opens_a_stream_and_later_ones_read_it(client, gateway, clock):
    client.quote()
    clock.seconds += 1
    gateway.set_quote("AAPL", Decimal("99.98"), Decimal("100.02"))
    client.ask("current_time")  # so that the ticks have come
    clock.seconds += 0.9
    quote = client.quote()
    assert (quote.bid, quote.ask, quote.received) == (Decimal("99.98"), Decimal("100.02"), 101.0)
    assert snapshots(gateway) == [False]


def test_a_price_that_has_not_changed_for_a_second_is_confirmed(client, gateway, clock):
    client.quote()
    clock.seconds += 1.5
    quote = client.quote()
    assert (quote.bid, quote.received) == (Decimal("99.99"), 101.5)
    assert snapshots(gateway) == [False, True]
    assert client.quote() == quote
    assert snapshots(gateway) == [False, True]


def test_a_stream_ends_with_its_connection_and_is_opened_again(client, gateway):
    client.quote()
    gateway.drop()
    client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
    gateway.set_quote("AAPL", Decimal("89.99"), Decimal("90.01"))
    assert client.quote().bid == Decimal("89.99")
    assert snapshots(gateway) == [False, False]


def test_who_asks_at_once_shares_one_stream(client, gateway):
    with ThreadPoolExecutor(8) as pool:
        quotes = list(pool.map(lambda _: client.quote(), range(16)))
    assert {(quote.bid, quote.ask) for quote in quotes} == {(Decimal("99.99"), Decimal("100.01"))}
    assert snapshots(gateway).count(False) == 1


def test_a_side_that_is_missing_is_none(client, gateway):
    gateway.inject("missing_bid")
    quote = client.quote()
    assert (quote.bid, quote.bid_size, quote.ask) == (None, None, Decimal("100.01"))
    assert not quote.is_usable


def test_a_side_that_goes_while_it_streams_is_none(client, gateway, clock):
    client.quote()
    gateway.set_quote("AAPL", None, Decimal("100.01"))
    clock.seconds += 1.5
    quote = client.quote()
    assert (quote.bid, quote.ask) == (None, Decimal("100.01"))


def test_without_any_price_there_is_no_quote():
    venue = Venue([ContractDefinition(con_id=7, symbol="NEW")])
    with SimulatedGateway(venue) as gateway, connected(gateway) as client:
        contract = client.contract("NEW")
        with pytest.raises(NoQuoteError, match="NEW: the venue has no price now"):
            client.ask("quote", "NEW", contract)


def test_a_halt_is_told(client, gateway, clock):
    assert not client.quote().is_halted
    gateway.halt("AAPL")
    clock.seconds += 1.5
    quote = client.quote()
    assert (quote.is_halted, quote.is_usable) == (True, False)
    gateway.resume("AAPL")
    clock.seconds += 1.5
    assert not client.quote().is_halted


def test_a_halt_is_streamed(client, gateway, clock):
    client.quote()
    clock.seconds += 1
    gateway.halt("AAPL")
    client.ask("current_time")  # so that the tick has come
    assert client.quote().is_halted
    assert snapshots(gateway) == [False]


def test_without_a_subscription_it_says_what_to_do(client, gateway):
    gateway.inject("no_market_data")
    with pytest.raises(NoQuoteError, match=r'\(code 354\).*market_data="delayed"') as caught:
        client.quote()
    assert caught.value.code == "354"
    gateway.clear_faults()
    assert client.quote().bid == Decimal("99.99")


def test_delayed_prices_are_told_as_such_to_who_asks_for_them():
    with SimulatedGateway(delayed=True) as gateway:
        gateway.set_quote("AAPL", Decimal("99.99"), Decimal("100.01"))
        with connected(gateway, market_data="delayed") as client:
            quote = client.ask("quote", "AAPL", client.contract())
            assert (quote.bid, quote.ask) == (Decimal("99.99"), Decimal("100.01"))
            assert quote.is_delayed
        with connected(gateway, client_id=2) as client:
            contract = client.contract()
            with pytest.raises(NoQuoteError):
                client.ask("quote", "AAPL", contract)


def test_ticks_that_nobody_knows_are_passed_over(client, gateway):
    gateway.inject("unknown_tick")
    assert client.quote().bid == Decimal("99.99")


def test_a_contract_that_there_is_not_has_no_quote(client):
    with pytest.raises(UnknownSymbolError):
        client.ask("quote", "NOPE", VenueContract(symbol="NOPE", sec_type="STK", exchange="SMART"))


def test_the_streams_used_least_recently_end_when_there_are_too_many():
    names = [f"S{number}" for number in range(STREAMS + 3)]
    venue = Venue([ContractDefinition(con_id=1 + n, symbol=s) for n, s in enumerate(names)])
    with SimulatedGateway(venue, messages_per_second=None) as gateway:
        for name in names:
            gateway.set_quote(name, Decimal("9.99"), Decimal("10.01"))
        with connected(gateway, messages_per_second=10_000, clock=SlowClock()) as client:

            def quote(name):
                con_id = 1 + names.index(name)
                return client.ask("quote", name, VenueContract(con_id=con_id, exchange="SMART"))

            for name in names[:STREAMS]:
                assert quote(name).bid == Decimal("9.99")
            quote(names[0])
            for name in names[STREAMS:]:
                quote(name)
            asked = {m.fields[2]: m.fields[3] for m in gateway.messages(1, incoming=True)}
            client.ask("current_time")
            ended = [asked[m.fields[2]] for m in gateway.messages(2, incoming=True)]
            assert ended == ["2", "3", "4"]


# Ticks, one by one.

UNSET = sys.float_info.max
TICKS = [
    (1, "99.99", "300", {"bid": Decimal("99.99"), "bid_size": Decimal(300)}),
    (2, "100.01", "500", {"ask": Decimal("100.01"), "ask_size": Decimal(500)}),
    (4, "100", "10", {"last": Decimal(100)}),
    (66, "99.99", "300", {"bid": Decimal("99.99"), "is_delayed": True}),
    (67, "100.01", "500", {"ask": Decimal("100.01"), "is_delayed": True}),
    (68, "100", "10", {"last": Decimal(100), "is_delayed": True}),
    (1, "-1", "0", {"bid": None, "bid_size": None}),
    (2, "-1", "0", {"ask": None, "ask_size": None}),
    (1, "0", "0", {"bid": None}),
    (1, None, "5", {"bid": None}),
    (1, "-0.5", "3", {"bid": Decimal("-0.5")}),
    (1, "5", "0", {"bid": Decimal(5), "bid_size": Decimal(0)}),
    (0, "7", None, {"bid_size": Decimal(7)}),
    (3, "8", None, {"ask_size": Decimal(8)}),
    (8, "12345", None, {"volume": Decimal(12345)}),
    (69, "7", None, {"bid_size": Decimal(7), "is_delayed": True}),
    (70, "8", None, {"ask_size": Decimal(8), "is_delayed": True}),
    (74, "12345", None, {"volume": Decimal(12345), "is_delayed": True}),
    (45, "1771500000", None, {"venue_time": dt.datetime(2026, 2, 19, 11, 20, tzinfo=dt.UTC)}),
    (88, "1771500000", None, {"venue_time": dt.datetime(2026, 2, 19, 11, 20, tzinfo=dt.UTC)}),
    (45, None, None, {"venue_time": None}),
    (49, "0", None, {"is_halted": False}),
    (49, "1", None, {"is_halted": True}),
    (49, "2", None, {"is_halted": True}),
    (49, "-1", None, {"is_halted": False}),
    (9999, "1", "1", {"bid": None, "ask": None, "last": None}),
]


@pytest.mark.parametrize(("tick", "value", "size", "said"), TICKS)
def test_what_a_tick_says(tick, value, size, said):
    prices = _Prices()
    prices.tick(
        tick, None if value is None else Decimal(value), None if size is None else Decimal(size)
    )
    assert {name: getattr(prices, name) for name in said} == said
