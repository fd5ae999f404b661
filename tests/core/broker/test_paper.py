"""The paper broker fills at the touch, keeps an account, and forgets nothing."""

import threading
from decimal import Decimal

import pytest

import nanobook
from nanobook_core.contracts import Broker

from .market import Clock

D = Decimal


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def quotes():
    return {"AAPL": ("184.99", "185.01"), "MSFT": ("400", "401")}


@pytest.fixture
def broker(quotes, clock):
    with nanobook.PaperBroker(10_000_000, quotes=quotes, clock=clock) as broker:
        yield broker


def test_the_seeds_example_runs_as_it_is_written(broker):
    oid = broker.submit_order("AAPL", "buy", 100, order_type="limit", limit_price_cents=186_00)
    assert oid == 1
    assert dict(broker.order_status(oid)) == {
        "id": 1,
        "status": "Filled",
        "filled_quantity": 100,
        "remaining_quantity": 0,
        "avg_fill_price_cents": 185_01,
    }
    positions = broker.positions()
    assert [dict(position) for position in positions] == [
        {
            "symbol": "AAPL",
            "quantity": 100,
            "avg_cost_cents": 185_01,
            "market_value_cents": 18_500_00,
            "unrealized_pnl_cents": -1_00,
        }
    ]
    assert dict(broker.quote("AAPL")) == {
        "symbol": "AAPL",
        "bid_cents": 184_99,
        "ask_cents": 185_01,
        "last_cents": 0,
        "volume": 0,
    }
    assert dict(broker.account()) == {
        "equity_cents": 9_999_999_00,
        "buying_power_cents": 19_981_498_00,
        "cash_cents": 9_981_499_00,
        "gross_position_value_cents": 18_500_00,
    }


def test_it_is_a_broker_that_the_registry_offers():
    made = nanobook.registry().create("broker", "paper", cash=5)
    assert isinstance(made, Broker)
    assert isinstance(made, nanobook.PaperBroker)
    assert made.name == "paper"


def test_what_a_refused_request_has_found_is_told_at_once(broker, quotes):
    order = broker.submit_order("AAPL", "buy", 1, order_type="limit", limit_price=D(150))
    heard = []
    broker.subscribe(heard.append)
    quotes["AAPL"] = ("149", "150")
    with pytest.raises(nanobook.OrderNotFoundError):
        broker.order_status(999)
    assert [event.fill.order_id for event in heard if event.fill] == [order]


def test_events_are_told_in_the_order_of_what_happened(broker, quotes):
    quotes["AAPL"] = {"bid": "184.99", "ask": "185.01", "ask_size": 40}
    heard = []
    broker.subscribe(heard.append)
    broker.submit_order("AAPL", "buy", 100)
    quotes["AAPL"] = ("184.99", "185.01")
    broker.open_orders()
    broker.halt("enough")
    broker.disconnect()
    told = [
        event.order.state.value
        if event.order
        else event.connection.state.value
        if event.connection
        else f"{event.fill.quantity} @ {event.fill.price}"
        for event in heard
    ]
    assert told == [
        "accepted",
        "40 @ 185.01",
        "partially_filled",
        "60 @ 185.01",
        "filled",
        "halted",
        "disconnected",
    ]


def test_nothing_is_told_of_an_order_that_is_refused(broker):
    heard = []
    broker.subscribe(heard.append)
    with pytest.raises(nanobook.InsufficientFundsError):
        broker.submit_order("AAPL", "buy", 10_000_000)
    assert heard == []
    assert broker.submit_order("AAPL", "buy", 1) == 1


@pytest.mark.parametrize(
    ("scope", "again_open", "again_done"),
    [("never", True, True), ("while_open", False, True), ("for_ever", False, False)],
)
def test_a_client_order_id_is_refused_for_as_long_as_the_venue_remembers(
    quotes, clock, scope, again_open, again_done
):
    with nanobook.PaperBroker(quotes=quotes, clock=clock, client_id_scope=scope) as broker:

        def send():
            try:
                return broker.submit_order(
                    "AAPL", "buy", 1, order_type="limit", limit_price_cents=1, client_order_id="x"
                )
            except nanobook.DuplicateOrderError:
                return None

        assert send() == 1
        assert (send() is not None) == again_open
        broker.cancel_all()
        assert (send() is not None) == again_done
        found = broker.find_order("x")
        assert broker.find_order("x", "AAPL") == found
        assert found.order_id == 1 + again_open + again_done
        assert broker.find_order("y") is None


def test_threads_take_turns(broker):
    acks, errors = [], []

    def send():
        try:
            acks.extend(broker.submit_order("AAPL", "buy", 1) for _ in range(25))
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(acks) == list(range(1, 101))
    assert len({ack.client_order_id for ack in acks}) == 100
    assert broker.positions()[0].quantity == 100


def test_a_generated_client_order_id_steps_aside(broker):
    assert broker.submit_order("AAPL", "buy", 1, client_order_id="paper-2") == 1
    assert broker.submit_order("AAPL", "buy", 1).client_order_id == "paper-3"
    assert broker.submit_order("AAPL", "buy", 1).client_order_id == "paper-4"


def test_fills_are_asked_for_by_time_and_symbol(broker, clock):
    broker.submit_order("AAPL", "buy", 1)
    clock.sleep(60)
    since = clock.now()
    broker.submit_order("MSFT", "buy", 2)
    assert [fill.symbol for fill in broker.fills()] == ["AAPL", "MSFT"]
    assert [fill.symbol for fill in broker.fills(since)] == ["MSFT"]
    assert [fill.symbol for fill in broker.fills(symbol="AAPL")] == ["AAPL"]
    assert broker.fills(since, "AAPL") == []
    with pytest.raises(nanobook.ValidationError, match="since has a time zone"):
        broker.fills(since.replace(tzinfo=None))


def test_a_cancelled_order_says_so_and_a_second_cancel_says_how_it_ended(broker):
    order = broker.submit_order("AAPL", "buy", 1, order_type="limit", limit_price_cents=100)
    broker.cancel_order(order)
    with pytest.raises(nanobook.CancelRejectedError, match="order 1 is cancelled") as caught:
        broker.cancel_order("paper-1")
    assert caught.value.status == broker.order_status(1)
    with pytest.raises(nanobook.OrderNotFoundError, match="there is no order 2"):
        broker.cancel_order(2)


def test_waiting_ends_with_the_order_or_with_the_time(broker, clock, quotes):
    order = broker.submit_order("AAPL", "buy", 1, order_type="limit", limit_price_cents=180_00)
    start = clock.monotonic()
    assert broker.wait(order, 2).state == "accepted"
    assert clock.monotonic() - start == 2
    quotes["AAPL"] = ("170", "171")
    assert broker.wait(order, 2).state == "filled"
    assert clock.monotonic() - start == 2


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"cash": 1e6}, TypeError, "cash is an int, a Decimal or a string, got 1000000.0"),
        ({"cash": True}, TypeError, "cash is an int"),
        ({"cash": -1}, nanobook.ValidationError, "cash is 0 or more, got -1"),
        ({"cash": "NaN"}, nanobook.ValidationError, "cash is finite"),
        ({"cash": "much"}, nanobook.ValidationError, "cash is a number, got 'much'"),
        ({"margin": True}, TypeError, "margin says how many times the equity"),
        ({"margin": "0.5"}, nanobook.ValidationError, "margin is at least 1, or False"),
        ({"allow_short": 1}, TypeError, "allow_short is True or False, got 1"),
        ({"splits_flips": None}, TypeError, "splits_flips is True or False"),
        ({"currency": ""}, nanobook.ValidationError, "currency is printable text, got ''"),
        ({"currency": 5}, TypeError, "currency is a string"),
        ({"account_id": "a\nb"}, nanobook.ValidationError, "account_id is printable text"),
        ({"client_id_scope": "always"}, nanobook.ValidationError, "client_id_scope is one of"),
        ({"client_id_scope": 5}, TypeError, "client_id_scope is a string"),
        ({"costs": 1.5}, TypeError, "costs are basis points"),
        ({"costs": -1}, nanobook.ValidationError, "costs are basis points from 0 on, got -1"),
        ({"costs": "no_such"}, nanobook.CapabilityNotFoundError, "no_such"),
        ({"costs": {"rate": 5}}, nanobook.ValidationError, "a cost_model has a 'name'"),
        ({"fills": "no_such"}, nanobook.CapabilityNotFoundError, "no_such"),
        ({"fills": 5}, TypeError, "fills are 'touch', 'order_book'"),
        ({"quotes": 5}, TypeError, "quotes are the path of a csv file"),
        ({"instruments": {"A": {"tick": 0.01}}}, TypeError, "A: tick is an int, a Decimal"),
        ({"instruments": {"A": {"step": 1}}}, nanobook.ValidationError, "instruments: A: .*step"),
        ({"instruments": {"A": {"lot": 0}}}, nanobook.ValidationError, "lot is finite and above"),
        ({"instruments": {"A": 5}}, nanobook.ValidationError, "instruments: 'A' is given 5"),
        (
            {"instruments": {"A": nanobook.Instrument(symbol="B")}},
            nanobook.ValidationError,
            "instruments: 'A' is given Instrument",
        ),
    ],
)
def test_a_bad_setting_is_refused_when_it_is_given(settings, error, message):
    with pytest.raises(error, match=message):
        nanobook.PaperBroker(**settings)
