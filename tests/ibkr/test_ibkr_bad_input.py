"""Whatever is wrong is a typed error that says what to do, and nothing has changed by it."""

import socket
from decimal import Decimal

import pytest

from nanobook_core.contracts import (
    AmbiguousSymbolError,
    BrokerOrder,
    ConnectError,
    ConnectionState,
    DuplicateOrderError,
    InsufficientFundsError,
    NoQuoteError,
    OrderInvalidError,
    OrderRejectedError,
    Outcome,
    PermissionDeniedError,
    SessionConflictError,
    UnknownSymbolError,
)
from nanobook_core.errors import ValidationError
from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator import Fault, SimulatedGateway, Venue
from nanobook_ibkr.simulator.record import ContractDefinition

D = Decimal

DEFINITIONS = [
    ContractDefinition(con_id=1, symbol="AAPL", local_symbol="AAPL"),
    ContractDefinition(con_id=2, symbol="TWIN", primary_exchange="NYSE"),
    ContractDefinition(con_id=3, symbol="TWIN", primary_exchange="ARCA"),
    ContractDefinition(con_id=4, symbol="VOD", currency="EUR", primary_exchange="IBIS"),
    ContractDefinition(con_id=5, symbol="VOD", currency="GBP", primary_exchange="LSE"),
    ContractDefinition(
        con_id=6,
        symbol="PENNY",
        price_steps=((D(0), D("0.0001")), (D(1), D("0.01"))),
        market_rule_id=32,
    ),
    ContractDefinition(con_id=7, symbol="PART", min_size=D("0.01"), size_increment=D("0.001")),
]


@pytest.fixture
def gateway():
    rates = {"EUR": D("1.1"), "GBP": D("1.3")}
    with SimulatedGateway(Venue(DEFINITIONS, rates=rates), messages_per_second=None) as gateway:
        for symbol in ("AAPL", "PART"):
            gateway.set_quote(symbol, "99.90", "100.10")
        yield gateway


@pytest.fixture(params=["file", "memory"])
def broker(request, gateway, tmp_path):
    state = tmp_path / "orders.sqlite" if request.param == "file" else None
    with IbkrBroker(gateway.host, gateway.port, 1, state=state, timeout=2) as broker:
        yield broker


def limit(symbol="AAPL", quantity=8, price="95.00", **more):
    return BrokerOrder(
        symbol, "buy", D(quantity), "limit", D(price), client_order_id="bad-1", **more
    )


@pytest.mark.parametrize(
    ("order", "error", "text"),
    [
        (limit("NOSUCH"), UnknownSymbolError, r"invalid symbol: 'NOSUCH'"),
        (
            limit("TWIN"),
            AmbiguousSymbolError,
            r"'TWIN' is several; say which: TWIN@ARCA, TWIN@NYSE",
        ),
        (
            limit("VOD"),
            AmbiguousSymbolError,
            r"'VOD' is not traded in USD; say which: VOD\.EUR, VOD\.GBP",
        ),
        (
            limit(price="95.005"),
            OrderInvalidError,
            r"AAPL: limit_price: .* steps of 0\.01, got 95\.005; nearest are 95\.00 and 95\.01",
        ),
        (
            limit("PENNY", price="1.0005"),
            OrderInvalidError,
            r"in steps of 0\.01, got 1\.0005; nearest are 1\.00 and 1\.01",
        ),
        (limit(price="-1"), OrderInvalidError, r"limit_price is above 0, got -1"),
        (
            limit(quantity="8.5"),
            OrderInvalidError,
            r"AAPL: quantities move in steps of 1, got 8\.5; nearest are 8 and 9",
        ),
        (
            limit(quantity="0.5"),
            OrderInvalidError,
            r"AAPL: 0\.5 is less than one lot; the least is 1",
        ),
        (
            limit("PART", quantity="0.0015"),
            OrderInvalidError,
            r"PART: quantities move in steps of 0\.001, got 0\.0015; nearest are 0\.001 and 0\.002",
        ),
        (
            limit("PART", quantity="0.005"),
            OrderInvalidError,
            r"PART: quantity is at least 0\.010, got 0\.005",
        ),
    ],
)
def test_an_order_that_cannot_be_is_refused_before_it_is_sent(broker, gateway, order, error, text):
    for act in (broker.submit_order, broker.preview):
        with pytest.raises(error, match=text) as caught:
            act(order)
        assert caught.value.outcome is Outcome.NOT_SENT
    assert gateway.messages(3, incoming=True) == ()
    assert broker.submit_order(limit()).client_order_id == "bad-1"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault.NO_MARKET_DATA, r"subscription.*market_data=\"delayed\""),
        (Fault.MISSING_BID, r"prices now, and they are one-sided; give a limit, or market_cap_bps"),
        (Fault.HALTED, r"prices now, and they are halted"),
    ],
)
def test_a_market_order_without_a_price_is_refused_before_it_is_sent(broker, gateway, fault, text):
    order = BrokerOrder("AAPL", "buy", D(8), client_order_id="bad-1")
    gateway.inject(fault)
    with pytest.raises(NoQuoteError, match=text) as caught:
        broker.submit_order(order)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert gateway.orders() == ()
    assert broker.submit_order(limit()).client_order_id == "bad-1"


def test_a_market_order_is_not_priced_by_delayed_quotes(gateway):
    gateway.inject(Fault.DELAYED_DATA)
    with IbkrBroker(gateway.host, gateway.port, market_data="delayed") as broker:
        assert broker.quote("AAPL").is_delayed
        with pytest.raises(NoQuoteError, match="prices now, and they are delayed"):
            broker.submit_order("AAPL", "buy", 8)
        assert gateway.orders() == ()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (201, OrderRejectedError),
        (203, OrderRejectedError),
        (110, OrderInvalidError),
        (200, UnknownSymbolError),
        (434, OrderInvalidError),
    ],
)
def test_an_order_that_the_venue_refuses_is_rejected_with_its_words(broker, gateway, code, error):
    gateway.inject(Fault.REJECT, code=code, text="no such luck")
    with pytest.raises(error, match=rf"no such luck \(code {code}\)") as caught:
        broker.submit_order(limit())
    assert caught.value.outcome is Outcome.REJECTED
    assert caught.value.code == str(code)
    assert caught.value.client_order_id == "bad-1"
    assert broker.open_orders("all") == []
    assert broker.positions() == []
    assert broker.resync().lost == ()


def test_money_that_is_not_there_is_named(broker):
    with pytest.raises(InsufficientFundsError):
        broker.submit_order(limit(quantity=10_000_000))


def test_a_client_order_id_is_that_of_one_order(broker, gateway):
    ack = broker.submit_order(limit())
    with pytest.raises(
        DuplicateOrderError, match=rf"'bad-1' is that of order {ack}, which is accepted"
    ) as caught:
        broker.submit_order(limit(price="94.00"))
    assert caught.value.outcome is Outcome.NOT_SENT
    assert len(gateway.orders()) == 1


def test_a_read_only_api_is_told_with_what_to_set(gateway):
    gateway.inject(Fault.READ_ONLY)
    gateway.inject(Fault.SILENT, request=16)  # open orders are not told, and nothing says why
    with IbkrBroker(gateway.host, gateway.port) as broker:
        assert broker.connection().state is ConnectionState.READ_ONLY
        for act in (
            lambda: broker.submit_order(limit()),
            lambda: broker.cancel_order(1),
            broker.cancel_all,
            lambda: broker.replace_order(1, limit_price=D(1)),
        ):
            with pytest.raises(PermissionDeniedError, match="read-only") as caught:
                act()
            assert caught.value.outcome is Outcome.NOT_SENT
        assert broker.account().cash == 1_000_000
        assert broker.quote("AAPL").ask == D("100.10")
        assert broker.fills() == []


def test_an_api_that_becomes_read_only_refuses_the_order_that_finds_it_out(broker, gateway):
    gateway.inject(Fault.READ_ONLY)
    with pytest.raises(PermissionDeniedError, match="clear 'Read-Only API'") as caught:
        broker.submit_order(limit())
    assert caught.value.outcome is Outcome.REJECTED
    assert broker.connection().state is ConnectionState.READ_ONLY
    assert gateway.orders() == ()


def test_a_gateway_that_is_not_started_is_told_with_what_to_look_at(tmp_path):
    with SimulatedGateway() as gateway:
        port = gateway.port
    broker = IbkrBroker("127.0.0.1", port, state=tmp_path / "orders.sqlite")
    text = rf"connection error: failed to connect to 127\.0\.0\.1:{port}: .*4001.*4002"
    for _ in range(2):
        with pytest.raises(ConnectError, match=text):
            broker.connect()
        assert broker.connection().state is ConnectionState.DISCONNECTED


def test_another_service_on_the_port_is_told_apart():
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker = IbkrBroker("127.0.0.1", server.getsockname()[1], timeout=0.3)
        with pytest.raises(ConnectError, match="TWS"):
            broker.connect()
        assert broker.connection().state is ConnectionState.DISCONNECTED


def test_a_client_id_that_is_taken_is_told_and_the_other_goes_on(broker, gateway, tmp_path):
    other = IbkrBroker(gateway.host, gateway.port, 1, state=tmp_path / "other.sqlite")
    with pytest.raises(SessionConflictError, match="client_id of its own"):
        other.connect()
    assert other.connection().state is ConnectionState.DISCONNECTED
    assert broker.submit_order(limit()) > 0
    with IbkrBroker(gateway.host, gateway.port, 2, state=tmp_path / "other.sqlite") as other:
        assert [status.is_own for status in other.open_orders("all")] == [False]


def test_a_journal_that_is_in_use_is_told(gateway, tmp_path):
    path = tmp_path / "orders.sqlite"
    with (
        IbkrBroker(gateway.host, gateway.port, 1, state=path),
        pytest.raises(SessionConflictError, match="in use by another broker"),
    ):
        IbkrBroker(gateway.host, gateway.port, 2, state=path).connect()
    assert gateway.clients == ()


def test_the_journal_of_another_account_is_refused(tmp_path):
    path = tmp_path / "orders.sqlite"
    cash = {"DU1": D(1000), "DU2": D(1000)}
    with SimulatedGateway(Venue(cash=cash)) as gateway:
        with IbkrBroker(gateway.host, gateway.port, account="DU1", state=path) as broker:
            assert broker.connection().account_id == "DU1"
        broker = IbkrBroker(gateway.host, gateway.port, account="DU2", state=path)
        with pytest.raises(ValidationError, match="journal of account 'DU1', and this is 'DU2'"):
            broker.connect()
        with IbkrBroker(gateway.host, gateway.port, account="DU1", state=path) as broker:
            assert broker.account().account_id == "DU1"


def test_orders_of_others_are_not_cancelled_one_by_one(broker, gateway):
    number = gateway.submit_foreign("AAPL", "BUY", 8, "95.00")
    broker.resync()
    with pytest.raises(PermissionDeniedError, match=r"is not ours; cancel_all\(scope='all'\)"):
        broker.cancel_order(number)
    with pytest.raises(PermissionDeniedError, match="is not ours"):
        broker.replace_order(number, limit_price=D("94.00"))
    assert len(broker.open_orders("all")) == 1


def test_orders_of_another_client_id_of_ours_are_not_taken_for_those_of_this_one(gateway, tmp_path):
    """Both have an order of the same number."""
    path = tmp_path / "orders.sqlite"
    with IbkrBroker(gateway.host, gateway.port, 1, state=path) as one:
        ack = one.submit_order(limit())
        number = ack.venue_ids["order_id"]
    with IbkrBroker(gateway.host, gateway.port, 2, state=path) as two:
        while (
            two.submit_order("AAPL", "buy", 1, order_type="limit", limit_price=D(90)).venue_ids[
                "order_id"
            ]
            != number
        ):
            pass
        before = len(two.open_orders())
        with pytest.raises(PermissionDeniedError, match="was sent with client_id 1 and can only"):
            two.cancel_order(ack)
        with pytest.raises(PermissionDeniedError, match="was sent with client_id 1 and can only"):
            two.replace_order("bad-1", limit_price=D("94.00"))
        assert len(two.open_orders()) == before
        assert two.cancel_all(scope="all").remaining == ()
    assert [order.is_done for order in gateway.orders()] == [True] * before


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"host": ""}, ValueError),
        ({"host": 5}, TypeError),
        ({"port": 0}, OverflowError),
        ({"port": 65_536}, OverflowError),
        ({"port": "4002"}, TypeError),
        ({"client_id": -1}, OverflowError),
        ({"client_id": 2**31}, OverflowError),
        ({"client_id": True}, TypeError),
        ({"account": ""}, ValueError),
        ({"backend": "ibapi"}, ValueError),
        ({"market_data": "free"}, ValueError),
        ({"market_cap_bps": -1}, ValueError),
        ({"market_cap_bps": 10_000}, ValueError),
        ({"market_cap_bps": 0.5}, TypeError),
        ({"market_cap_bps": D("NaN")}, ValueError),
        ({"timeout": 0}, ValueError),
        ({"timeout": float("inf")}, ValueError),
        ({"ack_timeout": "5"}, TypeError),
        ({"messages_per_second": 0}, OverflowError),
        ({"state": 5}, TypeError),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings, error):
    with pytest.raises(error):
        IbkrBroker(**settings)
