"""Each planned fault, as a client sees it on the wire, and what the engine has done of it."""

import http.client
import json
import socket
import time
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
import requests
import websocket
from tests.binance.rest_client import GIVE_UP_SECONDS, RestClient
from tests.binance.venue_bench import StandingClock

from nanobook_binance.simulator import Fault, SimulatedBinance, Venue
from nanobook_core.errors import ValidationError

TIMEOUT = {
    "code": -1007,
    "msg": "Timeout waiting for response from backend server. Send status unknown; execution "
    "status unknown.",
}
IOC = {"price": "60000.01", "timeInForce": "IOC"}
FOK = {"price": "60000.01", "timeInForce": "FOK"}


@pytest.fixture
def binance():
    with SimulatedBinance(Venue(clock=StandingClock())) as binance:
        yield binance


@pytest.fixture
def client(binance):
    with RestClient(binance) as client:
        yield client


def statuses(binance):
    return [str(order.status) for order in binance.orders()]


def wait_until(condition):
    """Ask until it is so."""
    end = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def raw_order(client, connection):
    """Send an order over a socket of ours, byte for byte, and return all that comes back."""
    query = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&timestamp={client.now()}"
    connection.sendall(
        f"POST /api/v3/order?{client.with_signature(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"X-MBX-APIKEY: {client.api_key}\r\nContent-Length: 0\r\n\r\n".encode()
    )


def received(connection):
    """Everything until the other side has closed; None at its end where it was reset."""
    parts = []
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return [*parts, None]
        if not part:
            return parts
        parts.append(part)


@pytest.fixture
def raw(binance):
    with socket.create_connection((binance.host, binance.port), GIVE_UP_SECONDS) as connection:
        yield connection


# The socket is cut


def test_a_drop_before_the_engine_gives_no_byte_and_the_engine_nothing(binance, client, raw):
    binance.inject(Fault.DROP_BEFORE_ENGINE)
    raw_order(client, raw)
    assert received(raw) == []
    assert statuses(binance) == []
    assert client.order().status_code == 200


def test_a_drop_after_the_engine_gives_no_byte_though_it_has_filled(binance, client, raw):
    binance.inject(Fault.DROP_AFTER_ENGINE)
    raw_order(client, raw)
    assert received(raw) == []
    assert statuses(binance) == ["FILLED"]


def test_a_retry_after_a_drop_buys_twice_as_it_does_at_the_vendors(binance, client):
    binance.inject(Fault.DROP_AFTER_ENGINE)
    with pytest.raises(requests.ConnectionError):
        client.order(newClientOrderId="mine")
    again = client.order(newClientOrderId="mine")
    assert (again.status_code, again.json()["status"]) == (200, "FILLED")
    assert len(binance.trades()) == 2


def test_a_retry_of_an_order_that_rests_is_a_duplicate(binance, client):
    binance.inject(Fault.DROP_AFTER_ENGINE)
    with pytest.raises(requests.ConnectionError):
        client.order(price="59000", newClientOrderId="mine")
    again = client.order(price="59000", newClientOrderId="mine")
    assert again.json() == {"code": -2010, "msg": "Duplicate order sent."}


@pytest.mark.parametrize(("executed", "then"), [(False, []), (True, ["FILLED"])])
def test_a_connection_that_was_used_is_reset(binance, client, raw, executed, then):
    binance.inject(Fault.CONNECTION_RESET_KEEPALIVE, executed=executed)
    raw_order(client, raw)
    first = raw.recv(65536)
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    raw_order(client, raw)
    assert received(raw) == [None]
    assert statuses(binance) == ["FILLED", *then]


def test_a_port_that_is_closed_refuses_who_comes(binance, client):
    binance.inject(Fault.PORT_REFUSED, seconds=10 * GIVE_UP_SECONDS)
    with pytest.raises(requests.ConnectionError):
        client.order()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((binance.host, binance.port), GIVE_UP_SECONDS)
    assert statuses(binance) == []


def test_a_port_that_is_closed_opens_again(binance, client):
    def is_served():
        try:
            return client.public("GET", "/api/v3/ping").status_code == 200
        except requests.ConnectionError:
            return False

    binance.inject(Fault.PORT_REFUSED, seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        client.order()
    wait_until(is_served)
    assert client.order().status_code == 200


# The answer says nothing of it


ANSWERS = [
    (Fault.TIMEOUT_EXECUTED, {}, 504, TIMEOUT, ["FILLED"]),
    (Fault.TIMEOUT_NOT_EXECUTED, {}, 504, TIMEOUT, []),
    (Fault.HTML_502, {}, 502, "<title>502 Bad Gateway</title>", []),
    (Fault.HTML_502, {"executed": True}, 502, "<title>502 Bad Gateway</title>", ["FILLED"]),
    (Fault.HTML_403, {}, 403, "<title>403 Forbidden</title>", []),
    (Fault.HTML_410, {}, 410, "<title>410 Gone</title>", []),
    (Fault.HTTP_5XX, {}, 503, "<title>503 Error</title>", []),
    (
        Fault.HTTP_5XX,
        {"status": 520, "executed": True},
        520,
        "<title>520 Error</title>",
        ["FILLED"],
    ),
    (
        Fault.INTERNAL_1000,
        {},
        500,
        {"code": -1000, "msg": "An unknown error occurred while processing the request."},
        [],
    ),
    (
        Fault.INTERNAL_1001,
        {"executed": True},
        500,
        {
            "code": -1001,
            "msg": "Internal error; unable to process your request. Please try again.",
        },
        ["FILLED"],
    ),
    (
        Fault.INTERNAL_1006,
        {"executed": True},
        500,
        {
            "code": -1006,
            "msg": "An unexpected response was received from the message bus. Execution status "
            "unknown.",
        },
        ["FILLED"],
    ),
    (
        Fault.OVERLOADED_1008,
        {},
        503,
        {
            "code": -1008,
            "msg": "Server is currently overloaded with other requests. Please try again in a few "
            "minutes.",
        },
        [],
    ),
    (
        Fault.OVERLOADED_1008,
        {"status": 429, "executed": True},
        429,
        {
            "code": -1008,
            "msg": "Server is currently overloaded with other requests. Please try again in a few "
            "minutes.",
        },
        ["FILLED"],
    ),
    (
        Fault.IP_LIMIT_429,
        {},
        429,
        {
            "code": -1003,
            "msg": "Too much request weight used; current limit is 6000 request weight per 1 "
            "MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
        },
        [],
    ),
    (
        Fault.ORDER_LIMIT_1015,
        {},
        429,
        {
            "code": -1015,
            "msg": "Too many new orders; current limit is 100 orders per 10 SECOND.",
        },
        [],
    ),
    (
        Fault.KEY_REVOKED,
        {},
        401,
        {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
        [],
    ),
    (
        Fault.CLOCK_AHEAD,
        {},
        400,
        {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."},
        [],
    ),
    (
        Fault.CLOCK_BEHIND,
        {"seconds": 1},
        400,
        {
            "code": -1021,
            "msg": "Timestamp for this request was 1000ms ahead of the server's time.",
        },
        [],
    ),
    (Fault.HALT, {}, 400, {"code": -1013, "msg": "Market is closed."}, []),
    (Fault.CANCEL_ONLY, {}, 400, {"code": -1013, "msg": "Market is closed."}, []),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: str(case[0]))
def test_what_is_answered_and_what_the_engine_has_done(binance, client, case):
    fault, how, status, answer, orders = case
    binance.inject(fault, **how)
    response = client.order()
    assert response.status_code == status
    if isinstance(answer, str):
        assert answer in response.text
        assert response.headers["Content-Type"] == "text/html"
    else:
        assert response.json() == answer
    assert statuses(binance) == orders
    entry = binance.log[-1]
    assert (entry.fault, entry.status, entry.parameters["symbol"]) == (fault, status, "BTCUSDT")


@pytest.mark.parametrize("fault", [Fault.IP_LIMIT_429, Fault.ORDER_LIMIT_1015])
def test_a_limit_says_when_to_come_again(binance, client, fault):
    binance.inject(fault, seconds=7)
    assert client.order().headers["Retry-After"] == "7"
    assert client.order().status_code == 200


def test_a_clock_that_has_jumped_stays_where_it_is(binance, client):
    before = client.public("GET", "/api/v3/time").json()["serverTime"]
    binance.inject(Fault.CLOCK_AHEAD, seconds=30)
    assert client.order().status_code == 400
    now = client.public("GET", "/api/v3/time").json()["serverTime"]
    assert now == before + 30_000
    assert client.order(timestamp=now).status_code == 200


def test_a_halted_symbol_takes_no_cancel_and_a_cancel_only_one_does(binance, client):
    numbers = [client.order(price="59000").json()["orderId"] for _ in range(2)]
    binance.inject(Fault.CANCEL_ONLY)
    assert client.order().json()["msg"] == "Market is closed."
    assert client.cancel(orderId=numbers[0]).status_code == 200
    binance.inject(Fault.HALT, endpoint="DELETE /api/v3/order")
    assert client.cancel(orderId=numbers[1]).json() == {"code": -2011, "msg": "Market is closed."}
    binance.set_status("BTCUSDT", "TRADING")
    assert client.cancel(orderId=numbers[1]).status_code == 200


# The answer is right, but hard to read


def test_a_slow_body_comes_whole_in_the_end(binance, client, raw):
    binance.inject(Fault.SLOW_BODY, seconds=0.5)
    raw_order(client, raw)
    response = http.client.HTTPResponse(raw)
    response.begin()
    assert json.loads(response.read())["status"] == "FILLED"
    assert statuses(binance) == ["FILLED"]


def test_truncated_json_is_a_whole_answer_of_half_a_document(binance, client):
    binance.inject(Fault.TRUNCATED_JSON)
    response = client.order()
    assert (response.status_code, response.content[:10]) == (200, b'{"symbol":')
    with pytest.raises(requests.JSONDecodeError):
        response.json()
    assert statuses(binance) == ["FILLED"]
    assert client.order().status_code == 200


def test_truncated_json_may_be_all_before_the_cut(binance, client, raw):
    binance.inject(Fault.TRUNCATED_JSON, cut=True)
    raw_order(client, raw)
    response = http.client.HTTPResponse(raw)
    response.begin()
    with pytest.raises(http.client.IncompleteRead) as raised:
        response.read()
    assert raised.value.partial.startswith(b'{"symbol":')
    assert statuses(binance) == ["FILLED"]


def test_the_right_answer_may_say_that_it_is_a_page(binance, client):
    binance.inject(Fault.WRONG_CONTENT_TYPE)
    response = client.order()
    assert (response.headers["Content-Type"], response.json()["status"]) == (
        "text/html",
        "FILLED",
    )


def test_an_answer_may_come_twice(binance, client, raw):
    binance.inject(Fault.DUPLICATE_RESPONSE)
    raw_order(client, raw)
    answers = []
    with raw.makefile("rb") as stream:
        for _ in range(2):
            lines = iter(stream.readline, b"\r\n")
            length = next(int(line.split()[1]) for line in lines if line[:14] == b"Content-Length")
            while stream.readline() != b"\r\n":
                pass
            answers.append(json.loads(stream.read(length)))
    assert answers[0] == answers[1]
    assert statuses(binance) == ["FILLED"]


# The engine gets it otherwise


def test_an_engine_may_get_an_order_late(binance, client):
    binance.inject(Fault.LATE_EXECUTION, seconds=10 * GIVE_UP_SECONDS)
    response = client.order(newClientOrderId="late")
    assert (response.status_code, response.json()) == (504, TIMEOUT)
    assert client.query(origClientOrderId="late").json()["code"] == -2013
    binance.inject(Fault.LATE_EXECUTION, seconds=0.1)
    assert client.order(newClientOrderId="later").status_code == 504
    wait_until(lambda: statuses(binance) == ["FILLED"])
    assert client.query(origClientOrderId="later").json()["status"] == "FILLED"


def test_an_order_that_is_too_old_when_the_engine_would_get_it_is_dropped(binance, client):
    for order_id in ("old", "young"):
        binance.inject(Fault.LATE_EXECUTION, seconds=1)
        assert client.order(newClientOrderId=order_id).status_code == 504
        binance.advance({"old": 6, "young": 0}[order_id])
    wait_until(lambda: statuses(binance) != [])
    assert [order.client_order_id for order in binance.orders()] == ["young"]


def test_what_is_not_let_in_is_refused_at_once_and_not_later(binance, client):
    binance.inject(Fault.LATE_EXECUTION)
    assert client.order(timestamp=1).json()["code"] == -1021


@pytest.mark.parametrize(
    ("tif", "status", "executed"), [("IOC", "EXPIRED", "0.1"), ("GTC", "PARTIALLY_FILLED", "0.1")]
)
def test_half_of_an_order_may_find_nobody(binance, client, tif, status, executed):
    binance.inject(Fault.PARTIAL_FILL)
    said = client.order(quantity="0.2", price="60000.01", timeInForce=tif).json()
    assert (said["status"], Decimal(said["executedQty"])) == (status, Decimal(executed))


def test_the_market_is_there_again_after_an_order_that_found_half_of_it(binance, client):
    before = client.public("GET", "/api/v3/depth", symbol="BTCUSDT").json()
    binance.inject(Fault.PARTIAL_FILL)
    client.order("SELL", quantity="0.2", type="MARKET")
    after = client.public("GET", "/api/v3/depth", symbol="BTCUSDT").json()
    assert (after["bids"], after["asks"]) == (before["bids"], before["asks"])


def test_only_the_liquidity_source_goes_and_comes_back(binance, client):
    with RestClient(binance, *binance.add_account("other")) as other:
        other.order("SELL", price="60000.01", quantity="0.03")
        other.order("SELL", price="60000.02", quantity="0.04")
        binance.inject(Fault.IOC_EXPIRY)
        said = client.order(price="60000.01", quantity="0.05", timeInForce="IOC").json()
    assert (said["status"], said["executedQty"]) == ("EXPIRED", "0.03000000")
    book = client.public("GET", "/api/v3/depth", symbol="BTCUSDT").json()
    assert book["asks"] == [
        ["60000.01000000", "9000.00000000"],
        ["60000.02000000", "0.04000000"],
    ]


@pytest.mark.parametrize(
    "case",
    [
        (Fault.IOC_EXPIRY, IOC, FOK, "UNFILLED_IOC_QUANTITY_EXPIRED"),
        (Fault.FOK_EXPIRY, FOK, IOC, "UNFILLED_FOK_ORDER_EXPIRED"),
    ],
)
def test_an_order_for_now_may_find_nobody(binance, client, case):
    fault, how, other, reason = case
    before = client.public("GET", "/api/v3/ticker/bookTicker", symbol="BTCUSDT").json()
    binance.inject(fault)
    assert client.order(**other).json()["status"] == "FILLED"
    said = client.order(**how).json()
    assert (said["status"], said["expiryReason"]) == ("EXPIRED", reason)
    after = client.public("GET", "/api/v3/ticker/bookTicker", symbol="BTCUSDT").json()
    assert (after["bidPrice"], after["askPrice"]) == (before["bidPrice"], before["askPrice"])
    assert client.order(**how).json()["status"] == "FILLED"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("price", ["60000.00", None])
def test_an_order_may_meet_one_of_its_own_account(binance, client, side, price):
    binance.inject(Fault.STP_EXPIRY)
    how = {"price": "60000.00"} if price else {"type": "MARKET"}
    said = client.order(side, **how).json()
    assert (said["status"], said["executedQty"]) == ("EXPIRED_IN_MATCH", "0.00000000")
    assert client.signed("GET", "/api/v3/openOrders").json() == []
    assert client.order().json()["status"] == "FILLED"


def test_another_mode_takes_the_maker_away(binance, client):
    binance.inject(Fault.STP_EXPIRY, mode="EXPIRE_MAKER")
    said = client.order(price="60000.00").json()
    assert said["status"] == "NEW"
    assert statuses(binance) == ["EXPIRED_IN_MATCH", "NEW"]


def test_an_order_may_fill_before_it_is_cancelled(binance, client):
    number = client.order(price="59000").json()["orderId"]
    binance.inject(Fault.CANCEL_RACE)
    refused = client.cancel(orderId=number)
    assert (refused.status_code, refused.json()) == (
        400,
        {"code": -2011, "msg": "Unknown order sent."},
    )
    assert client.query(orderId=number).json()["status"] == "FILLED"


def test_a_cancel_of_what_is_not_open_is_refused_without_a_race(binance, client):
    number = client.order().json()["orderId"]
    binance.inject(Fault.CANCEL_RACE, times=2)
    assert client.cancel(orderId=number).json()["code"] == -2011


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("STOP_ON_FAILURE", (400, "FAILURE", "NOT_ATTEMPTED", ["FILLED"])),
        ("ALLOW_FAILURE", (409, "FAILURE", "SUCCESS", ["FILLED", "NEW"])),
    ],
)
@pytest.mark.parametrize("which", ["cancelOrderId", "cancelOrigClientOrderId"])
def test_what_is_to_be_replaced_may_have_been_filled(binance, client, which, mode, expected):
    placed = client.order(price="50000").json()
    path = "/api/v3/order/cancelReplace"
    binance.inject(Fault.CANCEL_RACE, endpoint=f"POST {path}")
    answer = client.signed(
        "POST",
        path,
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.01",
        price="50001",
        cancelReplaceMode=mode,
        **{which: placed["orderId" if which == "cancelOrderId" else "clientOrderId"]},
    )
    data = answer.json()["data"]
    results = (data["cancelResult"], data["newOrderResult"])
    assert (answer.status_code, *results, statuses(binance)) == expected
    assert data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}


def test_all_open_orders_may_have_been_filled_before_they_are_cancelled(binance, client):
    for price in ("50000", "50001"):
        client.order(price=price)
    binance.inject(Fault.CANCEL_RACE, endpoint="DELETE /api/v3/openOrders")
    refused = client.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert refused.json() == {"code": -2011, "msg": "Unknown order sent."}
    assert statuses(binance) == ["FILLED", "FILLED"]


def test_the_exchange_may_cancel_what_it_has_just_taken(binance, client):
    binance.inject(Fault.SERVER_CANCEL)
    said = client.order(price="59000").json()
    assert said["status"] == "NEW"
    then = client.query(orderId=said["orderId"]).json()
    assert (then["status"], then["expiryReason"]) == ("EXPIRED", "EXCHANGE_CANCELED")


def test_questions_show_an_order_only_after_a_while(binance, client):
    binance.inject(Fault.INDEX_LAG, seconds=2)
    rests = client.order(price="59000", newClientOrderId="rests").json()["orderId"]
    client.order()
    questions = ("openOrders", "allOrders", "myTrades")
    for passed, seen in ((0, [0, 0, 0]), (1.999, [0, 0, 0]), (0.001, [1, 2, 1])):
        binance.advance(passed)
        answers = [
            client.signed("GET", f"/api/v3/{each}", symbol="BTCUSDT").json() for each in questions
        ]
        assert [len(each) for each in answers] == seen
        assert client.query(orderId=rests).status_code == (200 if seen[0] else 400)
        assert client.query(origClientOrderId="rests").status_code == (200 if seen[0] else 400)
    client.order(price="59000", newClientOrderId="another")
    assert client.query(origClientOrderId="another").json()["code"] == -2013
    binance.clear_faults()
    assert client.query(origClientOrderId="another").json()["status"] == "NEW"


def test_a_venue_may_always_lag():
    with (
        SimulatedBinance(Venue(clock=StandingClock()), index_lag=0.6) as binance,
        RestClient(binance) as client,
    ):
        number = client.order().json()["orderId"]
        assert client.query(orderId=number).json()["code"] == -2013
        binance.advance(0.6)
        assert client.query(orderId=number).json()["status"] == "FILLED"


# What the streams hear, and when


@pytest.fixture
def events(binance, client):
    """A user data stream, whose socket does not wait for what is not there."""
    stream = websocket.create_connection(binance.ws_api_url, timeout=GIVE_UP_SECONDS)
    query = f"apiKey={client.api_key}&timestamp={client.now()}"
    parameters = dict(parse_qsl(client.with_signature(query)))
    request = {"id": 1, "method": "userDataStream.subscribe.signature", "params": parameters}
    stream.send(json.dumps(request))
    assert json.loads(stream.recv())["status"] == 200
    yield stream
    stream.close()


def test_streams_may_hear_of_an_order_long_after_its_answer(binance, client, events):
    binance.inject(Fault.ACK_BEFORE_STREAM_EVENT, seconds=10 * GIVE_UP_SECONDS)
    assert client.order().json()["status"] == "FILLED"
    events.settimeout(0)
    with pytest.raises(BlockingIOError):
        events.recv()


def test_streams_hear_in_the_end(binance, client, events):
    binance.inject(Fault.ACK_BEFORE_STREAM_EVENT, seconds=0.05)
    number = client.order().json()["orderId"]
    assert json.loads(events.recv())["event"]["i"] == number


def test_streams_may_have_heard_of_an_order_before_its_answer(binance, client, events):
    binance.inject(Fault.ACK_AFTER_STREAM_EVENT, seconds=0)
    number = client.order().json()["orderId"]
    events.settimeout(0)
    assert json.loads(events.recv())["event"]["i"] == number


# How they are planned


def test_faults_pass_over_and_repeat_as_they_are_told(binance, client):
    binance.inject(Fault.TIMEOUT_NOT_EXECUTED, after=1, times=2)
    assert [client.order().status_code for _ in range(4)] == [200, 504, 504, 200]


def test_faults_of_one_kind_happen_one_after_the_other(binance, client):
    binance.inject(Fault.HTTP_5XX, status=500)
    binance.inject(Fault.HTTP_5XX, status=599)
    assert [client.order().status_code for _ in range(3)] == [500, 599, 200]


def test_each_of_several_faults_counts_all_occasions(binance, client):
    binance.inject(Fault.HTTP_5XX, status=500)
    binance.inject(Fault.OVERLOADED_1008, status=503, after=1)
    binance.inject(Fault.HTML_502, after=2)
    binance.inject(Fault.HTTP_5XX, status=599, after=3)
    assert [client.order().status_code for _ in range(5)] == [500, 503, 502, 599, 200]


def test_a_fault_that_is_due_while_another_happens_waits_for_the_next_occasion(binance, client):
    binance.inject(Fault.HTML_502)
    binance.inject(Fault.OVERLOADED_1008)
    assert [client.order().status_code for _ in range(3)] == [502, 503, 200]


def test_a_fault_may_be_of_one_endpoint_of_any_and_of_one_symbol(binance, client):
    binance.inject(Fault.HTML_502, endpoint="GET /api/v3/account")
    binance.inject(Fault.HTML_403, endpoint="*", symbol="ETHUSDT")
    assert client.order().status_code == 200
    assert client.public("GET", "/api/v3/ticker/price", symbol="ETHUSDT").status_code == 403
    assert client.signed("GET", "/api/v3/account").status_code == 502
    assert client.signed("GET", "/api/v3/account").status_code == 200


@pytest.mark.parametrize(
    ("fault", "how", "message"),
    [
        ("no_such_fault", {}, "no fault 'no_such_fault'; there are drop_before_engine, "),
        (Fault.HTML_403, {"executed": True}, "html_403 takes symbol=; got 'executed'"),
        (Fault.HTML_502, {"executed": 1}, "executed is True or False, got 1"),
        (Fault.TRUNCATED_JSON, {"cut": "yes"}, "cut is True or False, got 'yes'"),
        (Fault.HTTP_5XX, {"status": 200}, "status is one of HTTP, 400 to 599, got 200"),
        (Fault.SLOW_BODY, {"seconds": -1}, "seconds is a number of at least 0, got -1"),
        (Fault.STP_EXPIRY, {"mode": "NONE"}, "mode is one of EXPIRE_TAKER, EXPIRE_MAKER, "),
        (Fault.HALT, {"symbol": 7}, "symbol is text, got 7"),
        (Fault.HALT, {"times": 0}, "times is a whole number from 1, got 0"),
        (Fault.HALT, {"after": -1}, "after is a whole number from 0, got -1"),
        (Fault.HALT, {"endpoint": "order"}, "no endpoint 'order'; one is such as "),
        (Fault.STREAM_DROP, {"endpoint": "*"}, "stream_drop has no endpoint as its occasion"),
        (Fault.INDEX_LAG, {"endpoint": "*"}, "index_lag has no endpoint as its occasion"),
    ],
)
def test_a_fault_that_cannot_be_is_not_planned(binance, fault, how, message):
    with pytest.raises(ValidationError) as raised:
        binance.inject(fault, **how)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("name", ["HALT", "halt", Fault.HALT])
def test_a_fault_is_planned_by_any_of_its_names(binance, client, name):
    binance.inject(name)
    assert client.order().json()["msg"] == "Market is closed."


def test_a_fault_that_cannot_happen_is_told_by_stop_and_costs_nobody_an_answer():
    binance = SimulatedBinance(balances={"USDT": 100_000})
    binance.start()
    binance.inject(Fault.STP_EXPIRY)
    with RestClient(binance) as client:
        assert client.order().json()["status"] == "FILLED"
    with pytest.raises(ExceptionGroup, match="the simulated-binance failed") as raised:
        binance.stop()
    (error,) = raised.value.exceptions
    assert error.__notes__ == ["a planned fault cannot happen"]
    assert str(error) == "-2010: Account has insufficient balance for requested action."
