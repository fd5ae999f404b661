"""What may be traded, and under which name."""

from decimal import Decimal

import pytest
from tests.binance.hand_clock import HandClock
from tests.binance.market_server import MarketServer
from tests.binance.scripted_http import answer

from nanobook_binance.symbol import EXCHANGE_INFO, Symbols
from nanobook_core.contracts.broker_error import (
    BrokerProtocolError,
    InsufficientFundsError,
    LinkDownError,
    MarketClosedError,
    OrderInvalidError,
    Outcome,
    UnknownSymbolError,
)
from nanobook_core.contracts.clock import SystemClock
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError


@pytest.fixture
def server():
    with MarketServer() as server:
        yield server


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def symbols(server, clock):
    return Symbols(server.rest(clock), "USDT", clock)


def test_a_pair_is_known_by_its_base_asset_and_in_full(symbols):
    assert symbols.listed("BTC").instrument == Instrument(
        symbol="BTC",
        currency="USDT",
        tick=Decimal("0.01"),
        lot=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        max_quantity=Decimal(9000),
        min_notional=Decimal(5),
        max_notional=Decimal(9000000),
        venue_symbol="BTCUSDT",
        shortable=False,
    )
    assert symbols.listed("BTCUSDT") is symbols.listed("BTC")
    listed = symbols.listed("BTC")
    assert (listed.symbol, listed.pair, listed.base, listed.quote) == (
        "BTC",
        "BTCUSDT",
        "BTC",
        "USDT",
    )


def test_a_pair_in_another_asset_keeps_its_name_and_is_priced_in_that(symbols):
    instrument = symbols.listed("ETHBTC").instrument
    assert (instrument.symbol, instrument.venue_symbol) == ("ETHBTC", "ETHBTC")
    assert (instrument.currency, instrument.tick) == ("BTC", Decimal("0.00001"))
    assert symbols.name_of("ETHBTC") == "ETHBTC"
    assert symbols.name_of("ETHUSDT") == "ETH"
    assert symbols.name_of("GONEUSDT") == "GONEUSDT"
    assert symbols.of_pair("ETH") is None


def test_the_quote_asset_decides_which_pairs_have_short_names(server, clock):
    symbols = Symbols(server.rest(clock), "BTC", clock)
    assert symbols.listed("ETH").pair == "ETHBTC"
    assert symbols.listed("BTCUSDT").symbol == "BTCUSDT"


@pytest.mark.parametrize(
    ("asset", "near"),
    [("usdt", "; did you mean USDT?"), ("btc", "; did you mean BTC?"), ("FOO", "")],
)
def test_a_quote_asset_in_which_nothing_is_priced_is_refused(server, clock, asset, near):
    symbols = Symbols(server.rest(clock), asset, clock)
    symbols.refresh()
    with pytest.raises(ValidationError) as raised:
        symbols.check_quote_asset()
    assert str(raised.value) == f"no pair is priced in quote_asset {asset!r}{near}"


def test_a_coin_of_tiny_price_has_its_tick(symbols):
    pepe = symbols.listed("PEPE").instrument
    assert (str(pepe.lot), format(pepe.tick, "f")) == ("1", "0.00000001")


def test_what_is_0_is_no_limit_and_steps_are_the_assets_precision(symbols):
    old = symbols.listed("OLD").instrument
    assert format(old.tick, "f") == format(old.lot, "f") == "0.00000001"
    assert (old.min_notional, old.max_notional) == (Decimal(10), None)


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("USDT", "USDT is the account's cash, not an instrument"),
        ("btc", "'btc'; did you mean BTC?"),
        ("BTC/USDT", "'BTC/USDT'; did you mean BTCUSDT?"),
        ("BTCUSD", "'BTCUSD'; did you mean BTCUSDT"),
        ("PEPPE", "'PEPPE'; did you mean PEPE?"),
        ("XYZXYZXYZ", "'XYZXYZXYZ'"),
        ("", "''"),
        ("A" * 100_000, "'AAAA"),
    ],
)
def test_an_unknown_symbol_says_which_there_are_like_it(symbols, symbol, words):
    with pytest.raises(UnknownSymbolError) as caught:
        symbols.listed(symbol)
    assert str(caught.value).startswith(f"invalid symbol: {words}")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("quote_asset", "asset", "pair"), [("USDT", "TRY", "USDTTRY"), ("BTC", "USDT", "BTCUSDT")]
)
def test_an_asset_that_others_are_priced_in_says_what_sells_it(
    server, clock, quote_asset, asset, pair
):
    symbols = Symbols(server.rest(clock), quote_asset, clock)
    with pytest.raises(UnknownSymbolError) as caught:
        symbols.listed(asset)
    assert f"{asset} is not priced in {quote_asset}; it is sold by buying {pair}" in str(
        caught.value
    )


@pytest.mark.parametrize("odd", [None, 7, b"BTC", ["BTC"]])
def test_a_symbol_is_a_str(symbols, odd):
    with pytest.raises(TypeError, match="symbol is a str"):
        symbols.listed(odd)


def test_all_are_asked_for_once_an_hour(server, symbols, clock):
    for _ in range(3):
        symbols.listed("BTC")
    clock.seconds += 3599
    symbols.listed("ETH")
    assert len(server.seen(EXCHANGE_INFO)) == 1
    assert server.seen(EXCHANGE_INFO)[0].payload == "showPermissionSets=false"
    clock.seconds += 1
    server.filter("ETHUSDT", "PRICE_FILTER")["tickSize"] = "0.10000000"
    assert symbols.listed("ETH").instrument.tick == Decimal("0.1")
    assert len(server.seen(EXCHANGE_INFO)) == 2


def test_the_weight_limit_is_the_one_that_is_told(server, clock):
    rest = server.rest(clock)
    Symbols(rest, "USDT", clock).refresh()
    assert rest.weight.limit == 5000


def test_a_symbol_that_is_new_is_found_after_a_minute(server, symbols, clock):
    row = server.symbols.pop("ETHUSDT")
    for _ in range(2):
        with pytest.raises(UnknownSymbolError):
            symbols.listed("ETH")
    assert len(server.seen(EXCHANGE_INFO)) == 1
    server.symbols["ETHUSDT"] = row
    clock.seconds += 60
    assert symbols.listed("ETH").pair == "ETHUSDT"


def test_a_pair_that_does_not_trade_is_asked_for_anew(server, symbols):
    luna = symbols.listed("LUNA")
    assert (luna.status, luna.instrument.tradable) == ("BREAK", False)
    server.symbols["LUNAUSDT"]["status"] = "TRADING"
    assert symbols.listed("LUNA").instrument.tradable
    asked = [one.payload for one in server.seen(EXCHANGE_INFO)]
    assert asked[1:] == ["symbol=LUNAUSDT&showPermissionSets=false"] * 2
    symbols.listed("LUNA")
    assert len(server.seen(EXCHANGE_INFO)) == 3


def test_rules_of_a_halted_pair_that_are_not_told_anew_stay(server, symbols, caplog):
    assert symbols.listed("LUNA").status == "BREAK"
    server.answers[EXCHANGE_INFO] = answer("busy", 503)
    assert symbols.listed("LUNA").status == "BREAK"
    assert "the rules of LUNAUSDT were not told anew; the last ones are used" in caplog.text


def test_what_was_listed_last_is_known_without_asking(server, symbols, clock):
    symbols.refresh()
    symbols.learn(UnknownSymbolError("refused there", outcome=Outcome.REJECTED))
    clock.seconds += 10_000
    tell, server.answers[EXCHANGE_INFO] = server.answers[EXCHANGE_INFO], answer("busy", 503)
    assert [symbols.last_listed(name).pair for name in ("LUNA", "LUNAUSDT", "ETHBTC")] == [
        "LUNAUSDT",
        "LUNAUSDT",
        "ETHBTC",
    ]
    assert len(server.seen(EXCHANGE_INFO)) == 1
    with pytest.raises(LinkDownError):
        symbols.last_listed("btc")
    server.answers[EXCHANGE_INFO] = tell
    with pytest.raises(UnknownSymbolError, match=r"'btc'; did you mean BTC\?"):
        symbols.last_listed("btc")
    with pytest.raises(TypeError, match="symbol is a str"):
        symbols.last_listed(7)


def test_a_symbol_that_was_not_listed_is_asked_for(server, symbols, clock):
    row = server.symbols.pop("ETHUSDT")
    symbols.refresh()
    server.symbols["ETHUSDT"] = row
    with pytest.raises(UnknownSymbolError):
        symbols.last_listed("ETH")
    clock.seconds += 60
    assert symbols.last_listed("ETH").pair == "ETHUSDT"


@pytest.mark.parametrize(
    ("kind", "is_asked"),
    [
        (UnknownSymbolError, True),
        (MarketClosedError, True),
        (OrderInvalidError, True),
        (InsufficientFundsError, False),
    ],
)
def test_a_refusal_by_rules_that_are_not_known_here_has_them_asked_anew(
    server, symbols, kind, is_asked
):
    symbols.listed("BTC")
    symbols.learn(kind("refused here", outcome=Outcome.NOT_SENT))
    symbols.listed("BTC")
    assert len(server.seen(EXCHANGE_INFO)) == 1
    symbols.learn(kind("refused there", outcome=Outcome.REJECTED))
    symbols.listed("BTC")
    assert len(server.seen(EXCHANGE_INFO)) == 1 + is_asked


def test_rules_that_are_not_told_anew_stay_for_a_minute(server, symbols, clock):
    symbols.listed("BTC")
    clock.seconds += 3600
    server.answers[EXCHANGE_INFO] = answer("busy", 503)
    for _ in range(3):
        assert symbols.listed("BTC").pair == "BTCUSDT"
    assert len(server.seen(EXCHANGE_INFO)) == 2
    clock.seconds += 60
    symbols.listed("BTC")
    assert len(server.seen(EXCHANGE_INFO)) == 3


def test_without_any_rules_there_is_no_symbol(server, symbols):
    server.answers[EXCHANGE_INFO] = answer("busy", 503)
    with pytest.raises(LinkDownError) as caught:
        symbols.listed("BTC")
    assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    "told", [[], {}, {"rateLimits": [], "symbols": 7}, {"rateLimits": [], "symbols": [{}]}]
)
def test_what_are_no_rules_is_said(server, symbols, told):
    server.answers[EXCHANGE_INFO] = told
    with pytest.raises(BrokerProtocolError, match="rules of symbols that cannot be") as caught:
        symbols.listed("BTC")
    assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("PRICE_FILTER", "tickSize", "NaN"),
        ("PRICE_FILTER", "tickSize", "-0.01"),
        ("LOT_SIZE", "stepSize", "Infinity"),
        ("LOT_SIZE", "stepSize", None),
        ("NOTIONAL", "minNotional", "five"),
    ],
)
def test_a_pair_with_rules_that_cannot_be_keeps_no_other_from_being_traded(
    server, symbols, kind, name, value
):
    server.filter("BTCUSDT", kind)[name] = value
    assert symbols.listed("ETH").pair == "ETHUSDT"
    for symbol in ("BTC", "BTCUSDT"):
        with pytest.raises(BrokerProtocolError, match=f"BTCUSDT: ValueError: {name} of {kind} is"):
            symbols.listed(symbol)


def test_it_works_by_the_machines_clock_too(server):
    clock = SystemClock()
    assert Symbols(server.rest(clock), "USDT", clock).listed("BTC").pair == "BTCUSDT"
