"""What the account holds, and what it is worth."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.binance.hand_clock import HandClock
from tests.binance.market_server import MarketServer

from nanobook_binance.environment import choose_environment
from nanobook_binance.rest import Rest
from nanobook_binance.signature import read_keys
from nanobook_binance.simulator.server.handle import SimulatedBinance
from nanobook_binance.symbol import Symbols
from nanobook_binance.valuation import Holdings, Rate, Rates, read_balances
from nanobook_core.broker.exact import total
from nanobook_core.contracts.broker_error import BrokerProtocolError, Outcome
from nanobook_core.contracts.clock import SystemClock
from nanobook_core.contracts.holding import Balance

TOUCHES = {
    "BTCUSDT": ("60000.00", "60000.02"),
    "ETHUSDT": ("2500.00", "2500.10"),
    "ETHBTC": ("0.04166", "0.04167"),
    "PEPEUSDT": ("0.00001234", "0.00001235"),
    "EURUSDT": ("0.0000", "1.1000"),
    "BTCEUR": ("50000.00", "50000.00"),
    "USDTTRY": ("40.00", "40.00"),
    "ALGOBTC": ("0.00000400", "0.00000402"),
    "OLDUSDT": ("0.00000000", "0.00000000"),
}


def ticker(touches):
    sizes = {"bidQty": "1", "askQty": "1"}
    return [
        {"symbol": pair, "bidPrice": bid, "askPrice": ask, **sizes}
        for pair, (bid, ask) in touches.items()
    ]


def told(**balances):
    return {
        "uid": 354937868,
        "balances": [
            {"asset": asset, "free": free, "locked": locked}
            for asset, (free, locked) in balances.items()
        ],
    }


class Books:
    def __init__(self, server, quote_asset="USDT"):
        self.clock = clock = HandClock()
        rest = server.rest(clock)
        self.server = server
        self.symbols = Symbols(rest, quote_asset, clock)
        self.holdings = Holdings(rest, self.symbols, clock)

    def hold(self, **balances):
        self.server.answers["/api/v3/account"] = told(**balances)


@pytest.fixture
def server():
    with MarketServer(**{"ticker/bookTicker": ticker(TOUCHES)}) as server:
        yield server


@pytest.fixture
def books(server):
    return Books(server)


def test_all_balances_are_valued_at_the_mid(books):
    books.hold(
        USDT=("1000.50000000", "20.25000000"),
        BTC=("0.50000000", "0.10000000"),
        PEPE=("1000000.00", "0.00"),
        ETH=("0.00000000", "0.00000000"),
    )
    account = books.holdings.account()
    assert (account.cash, account.buying_power) == (Decimal("1020.75"), Decimal("1000.5"))
    assert account.gross_position_value == Decimal("36012.351")  # 36000.006 + 12.345
    assert account.equity == Decimal("37033.101")
    assert (account.currency, account.account_id) == ("USDT", "354937868")
    assert account.balances == (
        Balance(currency="BTC", free=Decimal("0.5"), locked=Decimal("0.1")),
        Balance(currency="PEPE", free=Decimal(1000000)),
        Balance(currency="USDT", free=Decimal("1000.5"), locked=Decimal("20.25")),
    )
    assert account.rates == {"BTC": Decimal("60000.01"), "PEPE": Decimal("0.000012345")}
    assert not account.is_estimated


def test_positions_are_all_that_is_not_cash_with_what_is_locked(books):
    books.hold(
        USDT=("1", "0"), PEPE=("5", "0"), BTC=("0.00000001", "0.00000002"), ETH=("0", "0.001")
    )
    positions = books.holdings.positions()
    assert [(one.symbol, one.quantity, one.market_value) for one in positions] == [
        ("BTC", Decimal("0.00000003"), Decimal("0.0018000003")),
        ("ETH", Decimal("0.001"), Decimal("2.50005")),
        ("PEPE", Decimal(5), Decimal("0.000061725")),
    ]
    assert {(one.avg_cost, one.unrealized_pnl, one.currency) for one in positions} == {
        (None, None, "USDT")
    }


@pytest.mark.parametrize(
    ("asset", "rate", "is_estimated"),
    [
        ("BTC", "60000.01", False),
        ("TRY", "0.025", False),  # the inverse pair
        ("ALGO", "0.2406000401", True),  # by BTC
        ("EUR", "1.2000002", True),  # by BTC: an ask alone is no value
        ("OLD", None, True),  # a pair without a price
        ("LUNA", None, True),  # a pair that nobody quotes
        ("XYZ", None, True),  # no pair
    ],
)
def test_what_has_no_direct_price_is_an_estimate(books, asset, rate, is_estimated):
    books.hold(USDT=("10", "0"), **{asset: ("2", "0")})
    account = books.holdings.account()
    value = Decimal(0) if rate is None else 2 * Decimal(rate)
    assert account.rates == ({} if rate is None else {asset: Decimal(rate)})
    assert (account.equity, account.gross_position_value) == (10 + value, value)
    assert account.is_estimated is is_estimated
    (position,) = books.holdings.positions()
    assert (position.symbol, position.quantity, position.market_value) == (asset, 2, value)


@pytest.mark.parametrize(
    ("asset", "touches", "rate"),
    [
        # the finding: an ask ten times too high, beside a pair that has both sides
        ("ETH", {"ETHUSDT": ("0", "30000"), "ETHBTC": ("0.05", "0.05")}, "3000.0005"),
        ("ETH", {"ETHUSDT": ("1", "0"), "ETHBTC": ("0.05", "0.05")}, "3000.0005"),
        # what could be had by selling
        ("ETH", {"ETHUSDT": ("2400", "0")}, "2400"),
        ("ETH", {"ETHUSDT": ("0", "30000")}, None),
        ("ETH", {"ETHUSDT": ("0", "0")}, None),
        ("ETH", {"ETHUSDT": ("0", "30000"), "ETHBTC": ("0.05", "0")}, "3000"),
        ("ETH", {"ETHUSDT": ("0", "30000"), "ETHBTC": ("0", "0.05")}, None),
        ("ETH", {"ETHBTC": ("0.05", "0.05"), "BTCUSDT": ("60000", "0")}, "3000"),
        ("ETH", {"ETHBTC": ("0.05", "0.05"), "BTCUSDT": ("0", "60000")}, None),
        # who sells what an inverse pair is priced in takes its ask
        ("TRY", {"USDTTRY": ("0", "40")}, "0.025"),
        ("TRY", {"USDTTRY": ("40", "0")}, None),
    ],
)
def test_a_pair_with_one_side_is_worth_what_a_sale_brings(books, asset, touches, rate):
    books.server.answers["/api/v3/ticker/bookTicker"] = ticker(
        {"BTCUSDT": ("60000.00", "60000.02")} | touches
    )
    books.hold(USDT=("10", "0"), **{asset: ("2", "0")})
    account = books.holdings.account()
    assert account.rates == ({} if rate is None else {asset: Decimal(rate)})
    assert account.equity == 10 + (0 if rate is None else 2 * Decimal(rate))
    assert account.is_estimated


def test_a_pair_that_does_not_trade_is_an_estimate(books):
    books.server.symbols["ETHUSDT"]["status"] = "BREAK"
    books.hold(ETH=("2", "0"), BTC=("1", "0"))
    account = books.holdings.account()
    assert account.rates == {"ETH": Decimal("2500.05"), "BTC": Decimal("60000.01")}
    assert account.is_estimated


def test_another_quote_asset_values_in_that(server):
    books = Books(server, "BTC")
    books.hold(BTC=("1", "0.5"), ETH=("10", "0"), USDT=("60000.01", "0"))
    account = books.holdings.account()
    assert account.currency == "BTC"
    assert (account.cash, account.buying_power) == (Decimal("1.5"), 1)
    assert account.rates["ETH"] == Decimal("0.041665")
    assert account.equity == pytest.approx(Decimal("2.91665"), abs=Decimal("1e-20"))
    assert not account.is_estimated
    assert [one.symbol for one in books.holdings.positions()] == ["ETH", "USDT"]


@pytest.mark.parametrize("balances", [{}, {"USDT": ("5", "1")}])
def test_without_coins_no_price_is_asked_for(books, balances):
    books.hold(**balances)
    account = books.holdings.account()
    assert account.equity == account.cash == (6 if balances else 0)
    assert (books.holdings.positions(), account.is_estimated) == ([], False)
    assert books.server.seen("/api/v3/ticker/bookTicker") == []


@pytest.mark.parametrize(
    "odd",
    [
        [],
        {},
        {"balances": {}},
        {"balances": [{}]},
        {"balances": [7]},
        {"balances": [{"asset": "BTC", "free": "NaN", "locked": "0"}]},
        {"balances": [{"asset": "BTC", "free": "-1", "locked": "0"}]},
        {"balances": [{"asset": "BTC", "free": "1"}]},
        {"balances": [{"asset": None, "free": "1", "locked": "0"}]},
    ],
)
def test_what_are_no_balances_is_said(books, odd):
    books.server.answers["/api/v3/account"] = odd
    for ask in (books.holdings.account, books.holdings.positions, books.holdings.balances):
        with pytest.raises(BrokerProtocolError, match="the venue tells no") as caught:
            ask()
        assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    "odd", [{}, [7], [{"symbol": "BTCUSDT"}], [{"symbol": 7, "bidPrice": "1", "askPrice": "1"}]]
)
def test_what_are_no_prices_is_said(books, odd):
    books.hold(BTC=("1", "0"))
    books.server.answers["/api/v3/ticker/bookTicker"] = odd
    with pytest.raises(BrokerProtocolError, match="the venue tells no"):
        books.holdings.account()


def test_on_the_simulated_venue_they_are_the_venues_to_the_last_satoshi():
    clock = SystemClock()
    with SimulatedBinance() as binance:
        rest = Rest(
            choose_environment(testnet=True, demo=False, base_url=binance.url),
            read_keys(binance.api_key, binance.secret_key),
            clock,
        )
        holdings = Holdings(rest, Symbols(rest, "USDT", clock), clock)
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
        rest.signed("POST", "/api/v3/order", **order, quantity=Decimal("0.00123"))
        held = {one.symbol: one.quantity for one in holdings.positions()}
        assert held["BTC"] == Decimal("1.00122877")  # the commission is taken from it
        assert {one.currency: (one.free, one.locked) for one in holdings.balances()} == {
            asset: (one.free, one.locked)
            for asset, one in binance.balances().items()
            if one.free or one.locked
        }


# -- laws

AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False)
PRICES = st.decimals(min_value=Decimal("1E-8"), max_value=10**7, places=8, allow_nan=False)
ASSETS = ("USDT", "BTC", "ETH", "PEPE", "TRY", "ALGO", "XYZ")


@given(
    balances=st.dictionaries(st.sampled_from(ASSETS), st.tuples(AMOUNTS, AMOUNTS)),
    touches=st.dictionaries(st.sampled_from(sorted(TOUCHES)), st.tuples(PRICES, PRICES)),
)
def test_equity_is_cash_and_positions_and_nothing_is_lost(listed_server, balances, touches):
    books = listed_server
    books.clock.seconds += 60  # of which each has a weight of its own
    texts = {asset: tuple(format(one, "f") for one in both) for asset, both in balances.items()}
    books.hold(**texts)
    books.server.answers["/api/v3/ticker/bookTicker"] = ticker(
        {pair: tuple(format(one, "f") for one in both) for pair, both in touches.items()}
    )
    account, positions = books.holdings.account(), books.holdings.positions()
    value = total(*(one.market_value for one in positions))
    assert account.gross_position_value == value
    assert account.equity == total(account.cash, value)
    assert {one.symbol: one.quantity for one in positions} == {
        asset: sum(both) for asset, both in balances.items() if asset != "USDT" and sum(both)
    }
    assert account.cash == sum(balances.get("USDT", ()))
    assert 0 <= account.buying_power <= account.cash
    assert {one.symbol for one in positions} >= set(account.rates)
    assert account.is_estimated or {one.symbol for one in positions} == set(account.rates)


@pytest.fixture(scope="module")
def listed_server():
    with MarketServer() as server:
        yield Books(server)


@given(bid=PRICES, ask=PRICES)
def test_a_pair_and_its_inverse_value_alike(listed_server, bid, ask):
    symbols = listed_server.symbols
    low, high = sorted((bid, ask))
    direct = Rates(symbols, {"ETHUSDT": (low, high)}).rate("ETH")
    assert low <= direct.value <= high
    inverse = Rates(symbols, {"USDTTRY": (low, high)}).rate("TRY")
    assert float(inverse.value * direct.value) == pytest.approx(1, rel=1e-20)
    assert direct.is_estimated is inverse.is_estimated is False


def test_the_quote_asset_is_worth_itself(listed_server):
    assert Rates(listed_server.symbols, {}).rate("USDT") == Rate(Decimal(1))


def test_balances_are_read_in_order():
    read = read_balances(told(ZZZ=("1", "0"), AAA=("0", "2"), MMM=("0", "0")))
    assert [one.currency for one in read] == ["AAA", "ZZZ"]
