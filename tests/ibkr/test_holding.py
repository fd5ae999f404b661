"""Holdings and money, as the venue tells them."""

import datetime as dt
from decimal import Decimal

import pytest
from tests.ibkr.sessions import connected

from nanobook_core.contracts.broker_error import BrokerProtocolError, UnknownSymbolError
from nanobook_core.contracts.clock import SystemClock
from nanobook_ibkr import holding
from nanobook_ibkr.contract import Contracts
from nanobook_ibkr.message import AccountValue, PortfolioRow, PositionRow, VenueContract
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.record import ContractDefinition
from nanobook_ibkr.simulator.venue import Venue

D = Decimal


@pytest.fixture
def gateway():
    venue = Venue(
        [
            ContractDefinition(con_id=1, symbol="AAPL"),
            ContractDefinition(con_id=2, symbol="SAP", currency="EUR", primary_exchange="IBIS"),
        ],
        rates={"EUR": D("1.1")},
    )
    with SimulatedGateway(venue) as gateway:
        gateway.set_quote("AAPL", D("99.99"), D("100.01"), last=D(100))
        gateway.set_quote("SAP", D("199.9"), D("200.1"), last=D(200))
        yield gateway


@pytest.fixture
def client(gateway):
    with connected(gateway) as client:
        client.contracts = Contracts(client.session)
        yield client


def trade(client, symbol, side, quantity, price):
    contract = client.call(client.contracts.find, symbol).contract
    order = {
        "action": side,
        "totalQuantity": D(quantity),
        "orderType": "LMT",
        "lmtPrice": D(price),
        "tif": "DAY",
    }
    before = len(client.heard.of("commission"))
    client.ask("place", client.order_id(), contract, order)
    client.heard.wait_for(lambda heard: len(heard.of("commission")) > before)


def positions(client):
    return client.call(holding.positions, client.session, client.contracts)


def test_holdings_are_told_by_their_names_with_their_values(client):
    trade(client, "SAP.EUR", "BUY", 3, "200.1")
    trade(client, "AAPL", "SELL", 10, "99.99")
    short, long = positions(client)
    assert (short.symbol, short.quantity, short.currency) == ("AAPL", -10, "USD")
    assert short.market_value < 0
    assert (long.symbol, long.quantity, long.currency) == ("SAP.EUR", 3, "EUR")
    assert long.market_value > 0
    # A commission of 1 is in each: 10 at 99.99 less 1, and 3 at 200.1 with 1.
    assert (short.avg_cost, long.avg_cost) == (D("99.89"), D("200.43333333333334"))
    assert short.unrealized_pnl == short.market_value + 10 * short.avg_cost
    assert abs(long.unrealized_pnl - (long.market_value - D("601.3"))) < D("1e-9")


def test_what_was_closed_is_not_listed(client):
    trade(client, "AAPL", "BUY", 10, "100.01")
    trade(client, "AAPL", "SELL", 10, "99.99")
    assert positions(client) == []


def test_money_is_told_in_the_base_currency(client):
    trade(client, "SAP.EUR", "BUY", 3, "200.1")
    account = client.call(holding.account, client.session, SystemClock())
    assert (account.account_id, account.currency) == ("DU1234567", "USD")
    assert account.equity > 0
    assert account.buying_power > 0
    assert account.gross_position_value > 0
    assert account.rates == {"EUR": D("1.1")}
    assert {balance.currency for balance in account.balances} == {"EUR", "USD"}
    assert account.as_of - dt.datetime.now(dt.UTC) < dt.timedelta(minutes=1)
    assert not account.is_estimated


LINES = {
    ("NetLiquidation", "EUR"): "1000.55",
    ("TotalCashValue", "EUR"): "-20.5",
    ("BuyingPower", "EUR"): "4000",
    ("GrossPositionValue", "EUR"): "1021.05",
    ("AccountType", ""): "INDIVIDUAL",
    ("CashBalance", "EUR"): "0",
    ("CashBalance", "USD"): "-22.55",
    ("CashBalance", "CHF"): "0",
    ("CashBalance", "BASE"): "-20.5",
    ("ExchangeRate", "EUR"): "1.00",
    ("ExchangeRate", "USD"): "0.909",
    ("ExchangeRate", "CHF"): "0",
    ("ExchangeRate", "BASE"): "1",
}


class Told:
    """Answers as no simulator does."""

    account = "DU1"

    def __init__(self, lines=LINES, positions=(), portfolio=()):
        self.lines, self.positions, self.portfolio = lines, positions, portfolio

    async def account_values(self):
        return tuple(
            AccountValue(key=key, value=value, currency=currency)
            for (key, currency), value in self.lines.items()
        )

    async def position_rows(self):
        return self.positions

    async def portfolio_rows(self):
        return self.portfolio


def test_figures_balances_and_rates_are_those_of_the_account_window(client):
    account = client.call(holding.account, Told(), SystemClock())
    assert (account.equity, account.cash, account.currency) == (D("1000.55"), D("-20.5"), "EUR")
    assert (account.buying_power, account.gross_position_value) == (4000, D("1021.05"))
    assert [(balance.currency, balance.free) for balance in account.balances] == [
        ("EUR", 0),
        ("USD", D("-22.55")),
    ]
    assert account.rates == {"USD": D("0.909")}


@pytest.mark.parametrize(
    "key", ["NetLiquidation", "TotalCashValue", "BuyingPower", "GrossPositionValue"]
)
@pytest.mark.parametrize("value", [None, "", "1.7976931348623157E308", "NaN", "many"])
def test_an_account_without_its_figures_is_refused(client, key, value):
    lines = {**LINES, (key, "EUR"): value}
    if value is None:
        del lines[key, "EUR"]
    with pytest.raises(BrokerProtocolError, match=f"no figure '{key}'"):
        client.call(holding.account, Told(lines), SystemClock())


AAPL = VenueContract(con_id=1, symbol="AAPL", sec_type="STK", currency="USD")


def told_positions(client, quantity, *portfolio):
    told = Told(
        positions=(
            PositionRow(account="DU1", contract=AAPL, quantity=D(quantity), avg_cost=D("90.1")),
        ),
        portfolio=portfolio,
    )
    return client.call(holding.positions, told, client.contracts)


def portfolio_row(quantity, price, value):
    return PortfolioRow(
        account="DU1",
        contract=AAPL,
        quantity=D(quantity),
        market_price=price,
        market_value=value,
    )


def test_a_value_of_an_older_quantity_is_not_that_of_what_is_held(client):
    (position,) = told_positions(client, "-12", portfolio_row("10", D("99.9"), D(999)))
    assert position.market_value == D("-1198.8")
    assert (position.avg_cost, position.unrealized_pnl) == (D("90.1"), D("-117.6"))


def test_a_value_of_what_is_held_is_the_venues_own(client):
    (position,) = told_positions(client, "10", portfolio_row("10", D("99.9"), D("999.01")))
    assert position.market_value == D("999.01")
    assert position.unrealized_pnl == D("98.01")


@pytest.mark.parametrize("portfolio", [(), (portfolio_row("10", None, None),)])
def test_a_holding_without_a_price_is_refused(client, portfolio):
    with pytest.raises(
        BrokerProtocolError, match="AAPL: 10 are held, and the venue tells no price"
    ):
        told_positions(client, "10", *portfolio)


def test_what_is_no_longer_listed_and_still_held_is_told(client):
    gone = VenueContract(con_id=999, symbol="GONE", sec_type="STK", currency="USD")
    told = Told(
        positions=(PositionRow(account="DU1", contract=gone, quantity=D(10), avg_cost=D(2)),),
        portfolio=(
            PortfolioRow(
                account="DU1", contract=gone, quantity=D(10), market_price=D(0), market_value=D(0)
            ),
        ),
    )
    (position,) = client.call(holding.positions, told, client.contracts)
    assert (position.symbol, position.quantity, position.market_value) == ("conid:999", 10, 0)
    instrument = client.call(client.contracts.listed, gone).instrument
    assert (instrument.tradable, instrument.venue_symbol) == (False, "GONE")
    with pytest.raises(UnknownSymbolError):
        client.call(client.contracts.find, "conid:999")
