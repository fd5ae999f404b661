"""What goes wrong on a user data stream, as it is planned and not otherwise."""

import json

import pytest
import websocket
from tests.binance.stream_client import StreamClient, Trader, subscribed

from nanobook_binance.simulator import Fault, SimulatedBinance

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture
def binance():
    with SimulatedBinance() as running:
        yield running


@pytest.fixture
def trader(binance):
    return Trader(binance)


@pytest.fixture
def client(binance, trader):
    with subscribed(binance, trader) as listening:
        yield listening


def told(client, count):
    """Kinds of so many events: what happened to an order, or the first letter of another."""
    return [event.get("x") or event["e"][0] for event in client.events(count)]


def test_without_a_fault_events_come_once_and_in_turn(client, trader):
    trader.buy("0.01", "60000.01")

    assert told(client, 3) == ["NEW", "TRADE", "o"]
    assert client.answered("ping")[:-1] == []


def test_dropped_the_connection_ends_before_the_event(binance, client, trader):
    binance.inject(Fault.STREAM_DROP, after=1)

    trader.buy("0.01", "60000.01")

    assert told(client, 1) == ["NEW"]
    assert client.is_closed()
    assert binance.orders()[0].status == "FILLED"


def test_silent_it_stays_open_and_says_nothing_more(binance, client, trader):
    binance.inject(Fault.STREAM_SILENT, after=1)
    trader.buy("0.01", "60000.01")
    assert told(client, 1) == ["NEW"]

    client.socket.settimeout(0.3)
    client.send({"id": 1, "method": "ping"})
    client.socket.ping(b"?")
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.socket.recv_data(control_frame=True)
    trader.buy("0.01", "50000")
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.socket.recv_data(control_frame=True)

    with subscribed(binance, trader) as other:
        trader.buy("0.01", "50000")
        assert told(other, 1) == ["NEW"]


def test_an_event_comes_twice(binance, client, trader):
    binance.inject(Fault.STREAM_DUPLICATE, after=1)

    trader.buy("0.01", "60000.01")

    events = client.events(4)
    assert [event.get("x") for event in events] == ["NEW", "TRADE", "TRADE", None]
    assert events[1] == events[2]


def test_the_events_of_a_turn_come_last_first(binance, client, trader):
    binance.inject(Fault.STREAM_REORDERED)

    trader.buy("0.01", "60000.01")

    assert told(client, 3) == ["o", "TRADE", "NEW"]
    trader.buy("0.01", "60000.01")
    assert told(client, 3) == ["NEW", "TRADE", "o"]


def test_a_late_event_keeps_those_behind_it_waiting(binance, client, trader):
    binance.inject(Fault.STREAM_LATE, after=1, seconds=0.2)
    trader.buy("0.01", "60000.01")

    answer = client.answered("ping")
    assert [each["event"]["x"] for each in answer[:-1]] == ["NEW"]
    assert told(client, 2) == ["TRADE", "o"]


def test_terminated_it_says_so_and_nothing_more(binance, client, trader):
    binance.inject(Fault.STREAM_TERMINATED, after=1)

    trader.buy("0.01", "60000.01")

    events = client.events(2)
    assert [event["e"] for event in events] == ["executionReport", "eventStreamTerminated"]
    trader.buy("0.01", "60000.01")
    assert client.answered("ping")[:-1] == []
    again = client.ask("userDataStream.subscribe.signature", **trader.signed())
    assert again["result"] == {"subscriptionId": 1}


def test_a_server_that_shuts_down_says_so_and_cuts_the_connection(binance, client, trader):
    binance.inject(Fault.SERVER_SHUTDOWN)

    trader.buy("0.01", "60000.01")

    assert [event["e"] for event in client.events(1)] == ["serverShutdown"]
    assert client.is_closed()


def test_faults_wait_for_their_symbol(binance, client, trader):
    binance.inject(Fault.STREAM_DUPLICATE, symbol="ETHUSDT")
    trader.buy("0.01", "60000.01")
    assert told(client, 3) == ["NEW", "TRADE", "o"]

    trader.buy("0.01", "2000", symbol="ETHUSDT")

    assert told(client, 3) == ["NEW", "NEW", "o"]


def test_nobody_else_hears_of_a_fault_of_an_account(binance, client, trader):
    api_key, secret = binance.add_account("other")
    other = Trader(binance, api_key, secret)
    with subscribed(binance, other) as others:
        binance.inject(Fault.STREAM_DROP)
        trader.buy("0.01", "60000.01")
        assert client.is_closed()
        other.buy("0.01", "60000.01")
        assert told(others, 3) == ["NEW", "TRADE", "o"]


def test_the_stream_hears_of_an_order_before_its_sender(binance, client, trader):
    binance.inject(Fault.ACK_AFTER_STREAM_EVENT, seconds=0)

    client.send({"id": 1, "method": "order.place", "params": order(trader)})

    assert [name(client.receive()) for _ in range(4)] == ["NEW", "TRADE", None, "answer"]


def test_the_stream_hears_of_an_order_after_its_sender(binance, client, trader):
    binance.inject(Fault.ACK_BEFORE_STREAM_EVENT, seconds=0)

    client.send({"id": 1, "method": "order.place", "params": order(trader)})

    assert [name(client.receive()) for _ in range(4)] == ["answer", "NEW", "TRADE", None]


def test_over_http_the_stream_hears_of_an_order_after_its_sender(binance, client, trader):
    binance.inject(Fault.ACK_BEFORE_STREAM_EVENT, seconds=0.3)

    trader.buy("0.01", "60000.01")  # and is answered

    assert client.answered("ping")[:-1] == []
    assert told(client, 3) == ["NEW", "TRADE", "o"]


@pytest.mark.parametrize(
    ("fault", "orders"),
    [
        (Fault.DROP_BEFORE_ENGINE, 0),
        (Fault.DROP_AFTER_ENGINE, 1),
        (Fault.HTML_502, 0),
        (Fault.HTML_403, 0),
        (Fault.HTTP_5XX, 0),
    ],
)
def test_a_request_over_the_socket_meets_the_faults_of_the_menu(binance, trader, fault, orders):
    with StreamClient(binance.ws_api_url) as client:
        params = order(trader)
        binance.inject(fault)
        client.send({"id": 1, "method": "order.place", "params": params})
        assert client.is_closed()
    assert len(binance.orders()) == orders


@pytest.mark.parametrize(
    ("fault", "how", "answered"),
    [
        (Fault.TIMEOUT_EXECUTED, {}, (504, -1007, 1)),
        (Fault.TIMEOUT_NOT_EXECUTED, {}, (504, -1007, 0)),
        (Fault.INTERNAL_1000, {"executed": True}, (500, -1000, 1)),
        (Fault.OVERLOADED_1008, {"status": 503}, (503, -1008, 0)),
        (Fault.IP_LIMIT_429, {}, (429, -1003, 0)),
    ],
)
def test_a_request_over_the_socket_is_answered_with_the_faults_of_the_menu(
    binance, trader, fault, how, answered
):
    status, code, orders = answered
    binance.inject(fault, **how)
    with StreamClient(binance.ws_api_url) as client:
        answer = client.ask("order.place", **order(trader))
    assert (answer["status"], answer["error"]["code"]) == (status, code)
    assert len(binance.orders()) == orders


def test_half_an_answer_is_a_frame_of_its_own(binance, trader):
    with StreamClient(binance.ws_api_url) as client:
        binance.inject(Fault.TRUNCATED_JSON, cut=True)
        client.send({"id": 1, "method": "order.place", "params": order(trader)})
        half = client.socket.recv()
        assert half.startswith('{"id":1,"status":200,')
        with pytest.raises(json.JSONDecodeError):
            json.loads(half)
        assert client.is_closed()


def test_an_answer_comes_twice(binance, trader):
    with StreamClient(binance.ws_api_url) as client:
        binance.inject(Fault.DUPLICATE_RESPONSE)
        first = client.ask("order.place", **order(trader))
        assert client.receive() == first
    assert len(binance.orders()) == 1


def order(trader):
    return trader.signed(**ORDER, quantity="0.01", price="60000.01")


def name(message):
    return message["event"].get("x") if "event" in message else "answer"
