"""Whatever comes over a WebSocket is refused in words, or the socket is closed; no money moves."""

import json
from contextlib import suppress

import pytest
import websocket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.binance.strange import errors, is_served, names, patient_exchange, state, values

fuzzed = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def binance():
    with patient_exchange() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog):
    yield
    assert errors(caplog) == []


@pytest.fixture
def dial(binance):
    """Opens a socket at a path."""
    opened = []

    def dial(path):
        opened.append(websocket.create_connection(f"ws://127.0.0.1:{binance.port}{path}"))
        opened[-1].settimeout(60)
        return opened[-1]

    yield dial
    for each in opened:
        each.close()


def received(connection):
    """The next message; None where the socket was closed instead."""
    try:
        return json.loads(connection.recv())
    except (websocket.WebSocketException, OSError, ValueError):
        return None


def is_answered(connection):
    """Whether a question on this socket is answered; False where it was closed."""
    try:
        connection.send(json.dumps({"id": "last", "method": "time"}))
        while json.loads(connection.recv()).get("id") != "last":
            pass
    except (websocket.WebSocketException, OSError):
        return False
    return True


@fuzzed
@given(
    path=st.sampled_from(["/ws-api/v3", "/ws", "/ws/btcusdt@trade", "/stream"]),
    data=st.binary(max_size=200),
    opcode=st.integers(0, 15),
)
def test_frames_of_any_kind(binance, dial, path, data, opcode):
    connection = dial(path)
    text = websocket.ABNF.create_frame(data, websocket.ABNF.OPCODE_TEXT).format()
    connection.sock.sendall(bytes([text[0] & 0xF0 | opcode]) + text[1:])
    connection.close()
    assert is_served(binance)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
WS_METHODS = """
ping time exchangeInfo depth ticker.book session.logon session.status session.logout order.place
order.test order.cancel order.status openOrders.status openOrders.cancelAll account.status
userDataStream.subscribe userDataStream.subscribe.signature userDataStream.unsubscribe nothing
"""
messages = json_values | st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "method": st.sampled_from(WS_METHODS.split()) | json_values,
        "params": st.dictionaries(names, values | json_values, max_size=6) | json_values,
    },
)


to_streams = st.builds(
    dict,
    method=st.sampled_from(["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY"]),
    params=st.lists(st.sampled_from(["btcusdt@trade", "x@depth", "combined"]) | json_values),
    id=json_values,
)


@settings(fuzzed, max_examples=300)
@given(message=messages)
def test_messages_of_the_socket_that_make_no_sense(binance, dial, message):
    before = state(binance)
    connection = dial("/ws-api/v3")
    connection.send(json.dumps(message))
    said = json.loads(connection.recv())
    if said["status"] != 200:
        assert said["status"] < 500, said
        assert said["error"]["code"] < 0, said
        assert said["error"]["msg"], said
    assert state(binance) == before
    assert is_answered(connection)


@settings(fuzzed, max_examples=100)
@given(
    message=messages
    | st.builds(dict, method=st.just("SUBSCRIBE"), id=json_values, params=json_values)
)
def test_messages_to_the_streams_that_make_no_sense(binance, dial, message):
    connection = dial("/ws")
    connection.send(json.dumps(message))
    said = received(connection)
    assert said is None or said.keys() <= {"id", "result", "error", "code", "msg"}, said
    assert is_served(binance)


def test_a_message_as_long_as_a_book(binance, dial):
    connection = dial("/ws-api/v3")
    with suppress(OSError):  # it is cut while it is being sent
        connection.send(json.dumps({"id": "A" * 5_000_000, "method": "ping"}))
    assert not is_answered(connection)
    assert is_served(binance)
