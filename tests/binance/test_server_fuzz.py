"""Whatever comes in, the server says what the venue would say, or hangs up, and nothing changes."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.binance.raw_http import exchange, request, signed
from tests.binance.strange import errors, is_served, names, patient_exchange, state, values

from nanobook_binance.simulator.server.endpoints import ENDPOINTS

fuzzed = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
PAIRS = {"BTCUSDT": ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}
START = {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(10), "BNB": Decimal(10)}

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "50000",
}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
#: Every request of the interface, with parameters that it takes; the signed ones are `SIGNED`.
PUBLIC = [
    ("GET", "ping", {}),
    ("GET", "time", {}),
    ("GET", "exchangeInfo", {"symbol": "BTCUSDT"}),
    ("GET", "exchangeInfo", {"symbols": '["BTCUSDT","ETHUSDT"]'}),
    ("GET", "depth", {"symbol": "BTCUSDT", "limit": "5"}),
    ("GET", "ticker/bookTicker", {"symbol": "BTCUSDT"}),
    ("GET", "ticker/price", {"symbols": '["BTCUSDT"]'}),
    ("GET", "ticker/24hr", {"symbol": "BTCUSDT", "type": "MINI"}),
    ("GET", "avgPrice", {"symbol": "BTCUSDT"}),
    ("GET", "ticker", {"symbol": "BTCUSDT", "windowSize": "7d"}),
    ("GET", "ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "-1:15"}),
    ("GET", "trades", {"symbol": "BTCUSDT", "limit": "5"}),
    ("GET", "historicalTrades", {"symbol": "BTCUSDT", "fromId": "1"}),
    ("GET", "aggTrades", {"symbol": "BTCUSDT", "startTime": "1", "endTime": "9"}),
    ("GET", "klines", {"symbol": "BTCUSDT", "interval": "1M", "timeZone": "+14:00"}),
    ("GET", "uiKlines", {"symbol": "BTCUSDT", "interval": "1s", "limit": "3"}),
]
SIGNED = [
    ("GET", "account", {"omitZeroBalances": "true"}),
    ("POST", "order", LIMIT),
    ("POST", "order", {**LIMIT, "type": "STOP_LOSS_LIMIT", "stopPrice": "70000"}),
    ("POST", "order", {**LIMIT, "price": "60000.01", "newClientOrderId": "mine"}),
    ("POST", "order", {**LIMIT, "side": "SELL", "price": "60000", "timeInForce": "IOC"}),
    ("POST", "order", {**MARKET, "side": "SELL", "quantity": "0.01"}),
    ("POST", "order", {**MARKET, "quoteOrderQty": "100", "newOrderRespType": "RESULT"}),
    ("POST", "order/test", LIMIT),
    ("GET", "order", {"symbol": "BTCUSDT", "origClientOrderId": "mine"}),
    ("DELETE", "order", {"symbol": "BTCUSDT", "origClientOrderId": "mine"}),
    ("GET", "openOrders", {"symbol": "BTCUSDT"}),
    ("DELETE", "openOrders", {"symbol": "BTCUSDT"}),
    ("GET", "allOrders", {"symbol": "BTCUSDT", "limit": "10"}),
    ("GET", "myTrades", {"symbol": "BTCUSDT", "fromId": "0"}),
    ("GET", "rateLimit/order", {}),
    ("GET", "account/commission", {"symbol": "BTCUSDT"}),
    ("GET", "myPreventedMatches", {"symbol": "BTCUSDT", "preventedMatchId": "1"}),
    ("GET", "order/amendments", {"symbol": "BTCUSDT", "orderId": "1"}),
    (
        "POST",
        "order/cancelReplace",
        {**LIMIT, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrigClientOrderId": "mine"},
    ),
    (
        "PUT",
        "order/amend/keepPriority",
        {"symbol": "BTCUSDT", "origClientOrderId": "mine", "newQty": "0.0005"},
    ),
]
PATHS = sorted({path for _, path, _ in PUBLIC + SIGNED})
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get"]


def test_every_endpoint_is_tried():
    tried = {(method, f"/api/v3/{path}") for method, path, _ in PUBLIC + SIGNED}
    assert tried == set(ENDPOINTS)


@st.composite
def mutated(draw, of):
    """A request of the interface with one to four parameters changed, dropped, added or doubled."""
    method, path, known = draw(st.sampled_from(of))
    pairs = list(known.items())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(pairs) - 1)) if pairs else 0
        match draw(st.sampled_from(["change", "change", "drop", "add", "double", "rename"])):
            case "change" if pairs:
                pairs[at] = (pairs[at][0], draw(values))
            case "drop":
                del pairs[at : at + 1]
            case "double" if pairs:
                pairs.append(pairs[at])
            case "rename" if pairs:
                pairs[at] = (draw(names), pairs[at][1])
            case _:
                pairs.append((draw(names), draw(values)))
    return method, path, pairs


@pytest.fixture(scope="module")
def binance():
    with patient_exchange() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog):
    yield
    assert errors(caplog) == []


@pytest.fixture
def send(binance):
    """Sends bytes; the answer, which is one that the venue could give."""

    def send(data, *, is_http=True, **how):
        answer = exchange(binance.port, data, is_whole=is_http, **how)
        assert_is_of_the_venue(answer, is_http=is_http)
        return answer

    return send


@pytest.fixture
def send_signed(binance, send):
    """Sends a request with a signature that is right for it."""

    def send_signed(method, path, pairs, *, in_body=False):
        stamped = [*pairs, ("timestamp", now_ms())]
        payload = signed(binance.secret_key, stamped)
        where = {"body": payload} if in_body else {"query": payload}
        return send(request(method, f"/api/v3/{path}", **where, headers=key_of(binance)))

    return send_signed


def now_ms():
    return int(time.time() * 1000)


def key_of(binance):
    """The header that says who asks."""
    return [f"X-MBX-APIKEY: {binance.api_key}"]


def assert_is_of_the_venue(answer, *, is_http=True):
    """No crash of the server, and what is refused is refused in the venue's shape.

    What is no HTTP, or too much of it, is refused by what stands before the venue, in words.
    """
    assert answer.status is None or answer.status < 500, answer
    assert b"Traceback" not in answer.body
    if answer.status is not None and answer.status >= 400:
        if not is_http and not answer.body.startswith(b"{"):
            return
        said = answer.said
        assert set(said) <= {"code", "msg", "data"}, said
        assert -10_000 < said["code"] < 0, said
        assert said["msg"], said


@fuzzed
@given(data=st.binary(max_size=400))
def test_bytes_that_are_no_request(binance, send, data):
    before = state(binance)
    send(data, is_http=False)
    assert state(binance) == before
    assert is_served(binance)


@fuzzed
@given(head=st.binary(max_size=100), body=st.binary(max_size=200))
def test_bytes_after_a_line_that_is_one(binance, send, head, body):
    before = state(binance)
    send(b"POST /api/v3/order HTTP/1.1\r\n" + head + b"\r\n\r\n" + body, is_http=False)
    assert state(binance) == before
    assert is_served(binance)


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: -1"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 99999999999999999999"],
        ["Content-Length: five"],
        ["Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 4"],
        ["Content-Encoding: gzip"],
        ["Content-Type: application/json"],
        ["Content-Type: text/plain; charset=nonsense"],
        ["Content-Type: multipart/form-data; boundary=x"],
        ["Expect: 100-continue"],
        ["Upgrade: websocket", "Connection: Upgrade"],
        ["X-MBX-APIKEY:"],
        ["X-MBX-APIKEY: " + "A" * 6000],
        ["X-MBX-APIKEY: \N{SNOWMAN}"],
        ["X-MBX-TIME-UNIT: FORTNIGHT"],
        ["No colon"],
        [": no name"],
        ["A: b"] * 500,
    ],
    ids=lambda headers: headers[0][:40],
)
@pytest.mark.parametrize("body", ["", "symbol=BTCUSDT", "\0\xff", "5\r\nsymbo\r\n0\r\n\r\n"])
def test_headers_that_nobody_sends(binance, send, headers, body):
    before = state(binance)
    lines = ["POST /api/v3/order HTTP/1.1", "Host: 127.0.0.1", *headers]
    send(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), is_http=False)
    assert state(binance) == before
    assert is_served(binance)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", [*PATHS, "", "nothing", "order/", "../order", "%2e%2e/order"])
def test_every_method_at_every_path_without_a_word(binance, send, method, path):
    before = state(binance)
    send(request(method, f"/api/v3/{path}"), method=method, is_http=method in METHODS[:7])
    assert state(binance) == before


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/",
            "//",
            "*",
            "/api",
            "/api/v1/time",
            "/sapi/v1/account",
            "/api/v3/time/",
            "/%00",
            "/%",
        ),
        *("/api/v3/time?%ff=%fe", "/api/v3/time?=&&==", "/api/v3/time?a" + "=b" * 4000, "?", "/%"),
        *("http://elsewhere/api/v3/time", "/api/v3/depth?symbol=%F0%9F", "/" + "a/" * 3000),
        *("/ws", "/ws/", "/stream", "/stream?streams=", "/ws-api/v3", "/ws-api"),
    ],
    ids=lambda target: target[:30],
)
def test_targets_that_lead_nowhere(binance, send, target):
    send(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode(), is_http=False)
    assert is_served(binance)


@pytest.mark.parametrize("length", [8_000, 80_000, 3_000_000])
@pytest.mark.parametrize("where", ["query", "body"])
def test_a_parameter_as_long_as_a_book(binance, send, length, where):
    before = state(binance)
    pairs = {**LIMIT, "newClientOrderId": "A" * length, "timestamp": now_ms()}
    payload = {where: signed(binance.secret_key, pairs)}
    data = request("POST", "/api/v3/order", **payload, headers=key_of(binance))
    assert send(data, is_http=False).status != 200
    assert state(binance) == before
    assert is_served(binance)


def test_a_thousand_parameters(binance, send_signed):
    before = state(binance)
    pairs = [(f"name{n}", "value") for n in range(1000)]
    assert send_signed("POST", "order", [*LIMIT.items(), *pairs], in_body=True).status == 400
    assert state(binance) == before


@settings(fuzzed, max_examples=400)
@given(asked=mutated(PUBLIC))
def test_a_public_request_with_changed_parameters(binance, send, asked):
    method, path, pairs = asked
    before = state(binance)
    send(request(method, f"/api/v3/{path}", urlencode(pairs)))
    assert state(binance) == before


@settings(fuzzed, max_examples=600)
@given(asked=mutated(SIGNED), in_body=st.booleans())
def test_a_signed_request_with_changed_parameters(binance, send_signed, asked, in_body):
    method, path, pairs = asked
    in_body &= method in ("POST", "PUT", "DELETE")
    before = state(binance)
    answer = send_signed(method, path, pairs, in_body=in_body)
    if answer.status != 200 and "data" not in answer.said:
        assert state(binance) == before, answer
    elif state(binance) != before:
        assert method != "GET"
        send_signed("DELETE", "openOrders", [("symbol", "BTCUSDT")])


@settings(fuzzed, max_examples=200)
@given(
    asked=st.sampled_from(SIGNED),
    at=st.integers(0, 10_000),
    change=st.sampled_from(["flip", "cut", "insert", "encode", "order"]),
)
def test_a_request_that_is_changed_after_it_was_signed(binance, send, asked, at, change):
    method, path, known = asked
    payload = signed(binance.secret_key, {"recvWindow": 5000, **known, "timestamp": now_ms()})
    at %= len(payload)
    assume(change != "encode" or at < payload.index("&signature="))
    match change:
        case "flip":
            payload = payload[:at] + chr(ord(payload[at]) ^ 1) + payload[at + 1 :]
        case "cut":
            payload = payload[:at]
        case "insert":
            payload = payload[:at] + "A" + payload[at:]
        case "encode":
            payload = f"{payload[:at]}%{ord(payload[at]):02x}{payload[at + 1 :]}"
        case "order":
            first, _, rest = payload.partition("&")
            payload = f"{rest}&{first}"
    before = state(binance)
    answer = send(request(method, f"/api/v3/{path}", payload, headers=key_of(binance)))
    assert state(binance) == before, answer
    assert answer.status == 400, answer


@fuzzed
@given(orders=st.lists(mutated([row for row in SIGNED if "order" in row[1]]), max_size=12))
def test_orders_that_make_sense_to_nobody_cost_nobody_a_satoshi(binance, send_signed, orders):
    binance.set_quote("BTCUSDT", "60000.00", "60000.01", bid_size="5", ask_size="5")
    for method, path, pairs in orders:
        send_signed(method, path, pairs)
    assert_money_adds_up(binance)
    send_signed("DELETE", "openOrders", [("symbol", "BTCUSDT")])
    assert_money_adds_up(binance)


def assert_money_adds_up(binance):
    """Balances are what the account's trades make of what it started with."""
    total = dict(START)
    for trade in binance.trades():
        base, quote = PAIRS[trade.symbol]
        sign = 1 if trade.side == "BUY" else -1
        total[base] += sign * trade.quantity
        total[quote] -= sign * trade.quote_quantity
        total[trade.commission_asset] -= trade.commission
    held = {asset: each.free + each.locked for asset, each in binance.balances().items()}
    assert held == total


def test_thousands_of_requests_at_once(binance, send_signed):
    def ask(number):
        method, path, known = (PUBLIC + SIGNED)[number % len(PUBLIC + SIGNED)]
        return send_signed(method, path, list(known.items())).status

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(ask, range(2000)))
    assert statuses <= {200, 400, 409}
    assert_money_adds_up(binance)


def test_a_client_that_never_reads_holds_nobody_up(binance):
    question = request("GET", "/api/v3/exchangeInfo").replace(b"close", b"keep-alive")
    with socket.create_connection(("127.0.0.1", binance.port), timeout=0.3) as connection:
        with suppress(TimeoutError):  # once nothing goes out any more
            while True:
                connection.sendall(question)
        assert is_served(binance)


def test_a_client_that_never_ends_its_request_holds_nobody_up(binance):
    with socket.create_connection(("127.0.0.1", binance.port)) as connection:
        for byte in b"POST /api/v3/order HTTP/1.1\r\nHost":
            connection.sendall(bytes([byte]))
        assert is_served(binance)
