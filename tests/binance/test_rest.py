"""Requests over real sockets, and what is known when they go wrong."""

import contextlib
import hashlib
import hmac
import os
import signal
import socket
import threading
import time
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.binance.hand_clock import HandClock
from tests.binance.scripted_http import (
    ScriptedServer,
    answer,
    close,
    cut,
    dribble,
    head,
    raw,
    refusal,
    reset,
    silence,
)

from nanobook_binance.environment import choose_environment
from nanobook_binance.rest import Rest
from nanobook_binance.signature import Keys, read_keys
from nanobook_binance.simulator.server.handle import SimulatedBinance
from nanobook_core.contracts.broker_error import (
    AuthenticationError,
    ClockSkewError,
    ConnectError,
    InsufficientFundsError,
    LinkDownError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitedError,
    UnsupportedError,
)
from nanobook_core.contracts.clock import SystemClock
from nanobook_core.contracts.secret import Secret

API_KEY = "ApiKeyOfTheTests"
SECRET = "SecretKeyOfTheTests"  # noqa: S105
ORDER = "/api/v3/order"
SKEW = (-1021, "Timestamp for this request is outside of the recvWindow.")


def rest(server, *, timeout=30.0, clock=None, recv_window=5000):
    url = server if isinstance(server, str) else server.url
    return Rest(
        choose_environment(testnet=True, demo=False, base_url=url),
        Keys(Secret(API_KEY), Secret(SECRET)),
        clock or SystemClock(),
        timeout=timeout,
        recv_window=recv_window,
    )


def send(venue, method="POST"):
    if method == "GET":
        return venue.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="nb-1")
    if method == "DELETE":
        return venue.signed("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="nb-1")
    return venue.signed(
        "POST",
        ORDER,
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity=Decimal("0.5"),
        price=Decimal("1E-8"),
        newClientOrderId="nb-1",
    )


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_what_is_signed_is_what_is_sent(method):
    with ScriptedServer() as server:
        rest(server, recv_window=4321).signed(method, ORDER, symbol="BTCUSDT", note="a b/é")
        (request,) = server.seen()
    text, _, signature = request.payload.partition("&signature=")
    assert text.startswith("symbol=BTCUSDT&note=a%20b%2F%C3%A9&recvWindow=4321&timestamp=")
    assert signature == hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert request.headers["x-mbx-apikey"] == API_KEY
    assert ("?" in request.target) == (method in ("GET", "DELETE"))
    if method in ("POST", "PUT"):
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_what_is_public_has_neither_key_nor_signature():
    with ScriptedServer() as server:
        rest(server).public("GET", "/api/v3/ticker/bookTicker", symbol="BTCUSDT")
        (request,) = server.seen()
        assert server.times == 0
    assert request.target == "/api/v3/ticker/bookTicker?symbol=BTCUSDT"
    assert "x-mbx-apikey" not in request.headers


def test_numbers_are_exact():
    with ScriptedServer(
        answer('{"a": 0.1, "b": "0.00001234", "c": 12345678901234567890}')
    ) as server:
        told = rest(server).public("GET", "/api/v3/x")
    assert told == {"a": Decimal("0.1"), "b": "0.00001234", "c": 12345678901234567890}


def test_a_parameter_without_an_exact_form_is_refused_before_anything_is_sent():
    with ScriptedServer() as server:
        with pytest.raises(TypeError, match=r"^quantity is a str, int"):
            rest(server).signed("POST", ORDER, symbol="BTCUSDT", quantity=0.5)
        assert (server.seen(), server.times) == ([], 0)


def test_without_keys_nothing_that_is_signed_is_asked():
    with ScriptedServer() as server:
        venue = Rest(
            choose_environment(testnet=True, demo=False, base_url=server.url), None, SystemClock()
        )
        assert venue.public("GET", "/api/v3/x") == {}
        with pytest.raises(AuthenticationError, match="there are no keys"):
            venue.signed("GET", "/api/v3/account")
        assert len(server.seen()) == 1


# -- what goes wrong on the way

ORDERED = {"symbol": "BTCUSDT", "orderId": 7, "status": "NEW"}
BROKEN = {
    "closed without an answer": (close, "closed without an answer"),
    "reset": (reset, "reset|closed"),
    "half a status line": (lambda: raw(b"HTTP/1.1 20"), "no HTTP"),
    "no HTTP": (lambda: raw(b"220 mail.example ESMTP\r\n\r\n"), "no HTTP"),
    "half a body": (lambda: cut(ORDERED, 12), "middle of the answer"),
    "no body": (lambda: cut(ORDERED, 0), "middle of the answer"),
}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("name", BROKEN)
def test_what_was_sent_and_not_answered_is_in_doubt_and_never_sent_again(name, method):
    make, words = BROKEN[name]
    with ScriptedServer(make()) as server:
        with pytest.raises(OutcomeUnknownError, match=words) as caught:
            send(rest(server), method)
        assert len(server.seen()) == 1
    error = caught.value
    assert (error.outcome, error.retryable) == (Outcome.UNKNOWN, False)
    assert (error.client_order_id, error.broker) == ("nb-1", "binance")
    assert str(error).startswith(f"{method} /api/v3/order was sent and not answered: ")


@pytest.mark.parametrize("name", BROKEN)
def test_a_question_that_was_cut_off_is_put_once_more(name):
    make, _ = BROKEN[name]
    with ScriptedServer(make(), answer(ORDERED)) as server:
        assert send(rest(server), "GET") == ORDERED
        assert len(server.seen()) == 2


@pytest.mark.parametrize("name", BROKEN)
def test_a_question_that_is_cut_off_twice_says_so(name):
    make, words = BROKEN[name]
    with ScriptedServer(make(), make()) as server:
        with pytest.raises(LinkDownError, match=words) as caught:
            send(rest(server), "GET")
        assert len(server.seen()) == 2
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.NOT_SENT, True)


@pytest.mark.parametrize("size", [20, 30, 60])
def test_an_answer_that_ends_in_its_headers_leaves_an_order_in_doubt(size):
    with ScriptedServer(raw(head(40)[:size])) as server:
        with pytest.raises(OutcomeUnknownError, match="before it is sent again"):
            send(rest(server))
        assert len(server.seen()) == 1


SLOW = {
    "silence": silence,
    "a status line without end": lambda: dribble(b"HTTP/1.1 200 "),
    "headers without end": lambda: dribble(b"HTTP/1.1 200 X\r\nA: "),
    "a body without end": lambda: dribble(head(10_000_000) + b" "),
}


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize(
    ("method", "kind", "outcome"),
    [
        ("POST", OutcomeUnknownError, Outcome.UNKNOWN),
        ("DELETE", OutcomeUnknownError, Outcome.UNKNOWN),
        ("GET", LinkDownError, Outcome.NOT_SENT),
    ],
)
def test_an_answer_has_an_end_however_slowly_it_comes(name, method, kind, outcome):
    with ScriptedServer(SLOW[name](), answer(ORDERED)) as server:
        venue = rest(server, timeout=0.4)
        while not venue.time.is_known:  # on a slow machine it takes more
            with contextlib.suppress(LinkDownError):
                venue.measure_time()
        with pytest.raises(kind, match="timed out") as caught:
            send(venue, method)
        assert caught.value.outcome is outcome
        assert len(server.seen()) == 1
        assert send(rest(server), "GET") == ORDERED


def test_what_cannot_be_reached_was_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ConnectError, match="refused; nothing was sent") as caught:
        send(rest(url))
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.NOT_SENT, True)
    assert url in str(caught.value)


def test_an_order_is_not_sent_where_the_time_is_not_told():
    with ScriptedServer() as server:
        server.now = None
        with pytest.raises(LinkDownError, match="/api/v3/time") as caught:
            send(rest(server))
        assert server.seen() == []
    assert caught.value.outcome is Outcome.NOT_SENT


def test_connections_are_kept_and_one_that_was_closed_meanwhile_is_not_used():
    with ScriptedServer(*[answer({})] * 3, raw(head(2) + b"{}"), answer({})) as server:
        venue = rest(server)
        for _ in range(4):
            send(venue)
        assert {one.connection for one in server.seen()} == {1}
        send(venue)
        assert server.seen()[-1].connection == 2


def test_after_it_was_closed_new_connections_are_opened():
    with ScriptedServer() as server:
        venue = rest(server)
        send(venue)
        venue.close()
        venue.close()
        send(venue)
        assert [one.connection for one in server.seen()] == [1, 2]


@pytest.mark.parametrize("make", [close, reset])
def test_a_kept_connection_that_ends_under_an_order_leaves_it_in_doubt(make):
    with ScriptedServer(answer({}), make(), answer(ORDERED)) as server:
        venue = rest(server)
        send(venue)
        with pytest.raises(OutcomeUnknownError):
            send(venue)
        assert [one.connection for one in server.seen()] == [1, 1]
        assert send(venue, "GET") == ORDERED


def test_an_answer_that_comes_twice_is_not_taken_for_the_next_one():
    twice = answer({"n": 1})
    doubled = raw((head(8) + b'{"n": 1}') * 2)
    with ScriptedServer(twice, doubled, answer({"n": 2})) as server:
        venue = rest(server)
        assert [send(venue)["n"] for _ in range(3)] == [1, 1, 2]


# -- what comes back

PAGE = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("status", "body", "kind", "outcome"),
    [
        (200, PAGE, OutcomeUnknownError, Outcome.UNKNOWN),
        (200, "", OutcomeUnknownError, Outcome.UNKNOWN),
        (200, '{"orderId": 7', OutcomeUnknownError, Outcome.UNKNOWN),
        (200, '{"orderId": NaN}', OutcomeUnknownError, Outcome.UNKNOWN),
        (200, "[" * 100_000, OutcomeUnknownError, Outcome.UNKNOWN),
        (200, b"\xff\xfe\x00", OutcomeUnknownError, Outcome.UNKNOWN),
        (200, '{"code": -1013, "msg": "odd"}', OutcomeUnknownError, Outcome.UNKNOWN),
        (502, PAGE, OutcomeUnknownError, Outcome.UNKNOWN),
        (503, PAGE, OutcomeUnknownError, Outcome.UNKNOWN),
        (504, '{"code": -1007, "msg": "Timeout"}', OutcomeUnknownError, Outcome.UNKNOWN),
        (403, PAGE, PermissionDeniedError, Outcome.REJECTED),
        (410, PAGE, UnsupportedError, Outcome.REJECTED),
        (429, PAGE, RateLimitedError, Outcome.REJECTED),
    ],
)
def test_an_answer_that_is_none_is_told_by_its_status(method, status, body, kind, outcome):
    with ScriptedServer(answer(body, status, kind="text/html")) as server:
        with pytest.raises(kind) as caught:
            send(rest(server), method)
        assert len(server.seen()) == 1
    assert caught.value.outcome is outcome
    assert len(str(caught.value)) < 400


def test_an_answer_is_read_whatever_kind_it_says_it_is():
    with ScriptedServer(answer(ORDERED, kind="text/html")) as server:
        assert send(rest(server)) == ORDERED


def test_a_page_is_quoted_only_in_part_and_on_one_line():
    page = "<html>\n<body>\x1b[31m " + "long " * 1000
    with (
        ScriptedServer(answer(page, 502, kind="text/html; charset=utf-8")) as server,
        pytest.raises(LinkDownError) as caught,
    ):
        rest(server).public("GET", "/api/v3/x")
    text = str(caught.value)
    assert (
        "the venue answered with text/html; charset=utf-8 that cannot be read: <html> <body>"
        in text
    )
    assert text.isprintable()
    assert len(text) < 250


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_is_sent_where_an_answer_points_to(status):
    with (
        ScriptedServer() as other,
        ScriptedServer(answer("", status, {"Location": f"{other.url}{ORDER}"})) as server,
    ):
        with pytest.raises(OutcomeUnknownError):
            send(rest(server))
        assert (len(server.seen()), other.seen()) == (1, [])


def test_a_refusal_says_the_venues_words():
    words = "Account has insufficient balance for requested action."
    with (
        ScriptedServer(refusal(-2010, words)) as server,
        pytest.raises(InsufficientFundsError, match=rf"{words} \(code -2010\)") as caught,
    ):
        send(rest(server))
    assert (caught.value.outcome, caught.value.code) == (Outcome.REJECTED, "-2010")
    assert caught.value.client_order_id == "nb-1"


def test_what_the_environment_says_of_proxies_and_passwords_is_not_for_this_machine(
    monkeypatch, tmp_path
):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1\nlogin someone\npassword theirs\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with ScriptedServer(answer({}, headers={"Set-Cookie": "a=b"}), answer({})) as server:
        venue = rest(server)
        send(venue)
        send(venue)
        for request in server.seen():
            assert not {"authorization", "cookie"} & set(request.headers)


# -- the time


def test_what_is_refused_for_its_time_is_sent_once_more_with_the_time_told_anew():
    with ScriptedServer(answer({}), refusal(*SKEW), answer(ORDERED)) as server:
        venue = rest(server)
        send(venue, "GET")
        server.now = lambda: time.time() + 600
        assert send(venue) == ORDERED
        assert server.times == 2
        first, second = (dict(parse_qsl(one.payload)) for one in server.seen(ORDER)[1:])
    assert first["newClientOrderId"] == second["newClientOrderId"] == "nb-1"
    assert int(second["timestamp"]) - int(first["timestamp"]) > 599_000
    assert venue.time.offset == pytest.approx(600, abs=60)


def test_a_time_that_is_refused_twice_is_a_skew_that_says_how_much():
    with ScriptedServer(refusal(*SKEW), refusal(*SKEW)) as server:
        server.now = lambda: time.time() - 120
        with pytest.raises(ClockSkewError, match="ms ahead of this machine") as caught:
            send(rest(server))
        assert len(server.seen()) == 2
    assert caught.value.outcome is Outcome.REJECTED
    assert caught.value.offset == pytest.approx(-120, abs=60)
    assert caught.value.client_order_id == "nb-1"


def test_a_time_that_cannot_be_told_anew_leaves_the_refusal():
    with ScriptedServer(refusal(*SKEW)) as server:
        venue = rest(server)
        venue.measure_time()
        server.now = None
        with pytest.raises(ClockSkewError) as caught:
            send(venue)
        assert len(server.seen()) == 1
    assert caught.value.outcome is Outcome.REJECTED


# -- how much is asked


def test_a_ban_lets_nothing_through_until_it_ends():
    clock = HandClock()
    text = "Way too much request weight used; IP banned until 1795850740382."
    with ScriptedServer(refusal(-1003, text, 418, {"Retry-After": "120"})) as server:
        venue = rest(server, clock=clock)
        with pytest.raises(RateLimitedError, match="IP banned") as caught:
            send(venue)
        assert (caught.value.outcome, caught.value.retry_after) == (Outcome.REJECTED, 120.0)
        for method in ("GET", "POST", "DELETE"):
            with pytest.raises(RateLimitedError, match="nothing was sent") as caught:
                send(venue, method)
            assert caught.value.outcome is Outcome.NOT_SENT
            assert caught.value.retry_after == 120.0
        assert len(server.seen()) == 1
        clock.seconds += 120
        assert send(venue) == {}
        assert len(server.seen()) == 2


def test_too_many_orders_keep_no_cancel_and_no_question_back():
    clock = HandClock()
    text = "Too many new orders; current limit is 100 orders per 10 SECOND."
    with ScriptedServer(refusal(-1015, text, 429, {"Retry-After": "60"})) as server:
        venue = rest(server, clock=clock)
        with pytest.raises(RateLimitedError, match="Too many new orders"):
            send(venue)
        assert send(venue, "DELETE") == send(venue, "GET") == {}
        with pytest.raises(RateLimitedError, match="no new orders") as caught:
            send(venue)
        assert caught.value.outcome is Outcome.NOT_SENT
        assert len(server.seen()) == 3


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "Sat, 28 Nov 2026 12:00:00 GMT"}])
def test_a_limit_without_seconds_lasts_until_the_next_minute(headers):
    clock = HandClock()
    with ScriptedServer(refusal(-1003, "Too many requests queued.", 429, headers)) as server:
        venue = rest(server, clock=clock)
        with pytest.raises(RateLimitedError) as caught:
            venue.public("GET", "/api/v3/x")
        assert caught.value.retry_after == 60.0
        clock.seconds += 60
        assert rest(server, clock=clock).public("GET", "/api/v3/x") == {}


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}])
def test_a_venue_that_is_overloaded_has_set_no_limit(headers):
    clock = HandClock()
    text = "Server is currently overloaded with other requests. Please try again in a few minutes."
    with ScriptedServer(refusal(-1008, text, 429, headers)) as server:
        venue = rest(server, clock=clock)
        with pytest.raises(RateLimitedError, match="overloaded") as caught:
            send(venue)
        assert (caught.value.outcome, caught.value.retryable) == (Outcome.REJECTED, True)
        assert caught.value.retry_after == float(headers.get("Retry-After", 1))
        assert send(venue, "DELETE") == send(venue) == {}
        assert clock.slept == []


def test_questions_wait_for_the_next_minute_and_cancels_do_not():
    clock = HandClock()
    used = answer({}, headers={"X-MBX-USED-WEIGHT-1M": "4799"})
    with ScriptedServer(used) as server:
        server.now = lambda: clock.now().timestamp()
        venue = rest(server, clock=clock, timeout=30)
        venue.public("GET", "/api/v3/x")
        clock.seconds += 40
        send(venue, "DELETE")
        assert clock.slept == []
        venue.public("GET", "/api/v3/depth", symbol="BTCUSDT")
        assert sum(clock.slept) == pytest.approx(20, abs=5)


def test_questions_for_all_orders_leave_enough_for_a_cancel_and_the_question_for_it():
    clock = HandClock()
    with ScriptedServer() as server:
        server.now = lambda: clock.now().timestamp()
        venue = rest(server, clock=clock, timeout=1)
        for _ in range(73):
            venue.signed("GET", "/api/v3/openOrders")
        with pytest.raises(RateLimitedError, match="of the 5880"):
            venue.signed("GET", "/api/v3/openOrders")
        send(venue, "DELETE")
        send(venue, "GET")
        venue.measure_time()
        assert clock.slept == []


# -- the simulated venue


def public_pem(private):
    return (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def private_pem(private):
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def binance():
    with SimulatedBinance() as binance:
        yield binance


def traded(binance, api_key, secret):
    venue = Rest(
        choose_environment(testnet=True, demo=False, base_url=binance.url),
        read_keys(api_key, secret),
        SystemClock(),
    )
    kind = venue.signed("GET", "/api/v3/account", omitZeroBalances=True)["accountType"]
    sent = send_to(venue, price=Decimal(50000))
    return kind, venue.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=sent["orderId"])["status"]


def send_to(venue, **parameters):
    fixed = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    return venue.signed("POST", ORDER, **fixed, **{"quantity": Decimal("0.5"), **parameters})


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
def test_each_kind_of_key_trades(binance, kind):
    if kind == "hmac":
        api_key, secret = binance.api_key, binance.secret_key
    else:
        private = (
            Ed25519PrivateKey.generate()
            if kind == "ed25519"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        api_key, _ = binance.add_key(kind=kind, public_key=public_pem(private))
        secret = private_pem(private)
    assert traded(binance, api_key, secret) == ("SPOT", "CANCELED")


def test_a_wrong_an_expired_and_a_key_without_permission_are_refused_by_name(binance):
    for api_key, secret, words in (
        (binance.api_key, "another-secret", "-1022"),
        ("another-key", binance.secret_key, "testnet, demo and live each have keys of their own"),
        (*binance.add_key(expired=True), "revoked or expired"),
        (*binance.add_key(permissions=("read",)), "not allowed to trade"),
    ):
        venue = Rest(
            choose_environment(testnet=True, demo=False, base_url=binance.url),
            read_keys(api_key, secret),
            SystemClock(),
        )
        with pytest.raises(AuthenticationError, match=words) as caught:
            send_to(venue, price=Decimal(50000))
        assert caught.value.outcome is Outcome.REJECTED


def test_a_clock_that_is_minutes_away_is_no_hindrance(binance):
    for seconds in (600.0, -600.0):
        binance.skew(seconds)
        assert traded(binance, binance.api_key, binance.secret_key) == ("SPOT", "CANCELED")
    binance.skew(0.0)


# -- threads and interrupts


class EchoServer(ScriptedServer):
    def _next(self, request):
        step = super()._next(request)
        parameters = dict(parse_qsl(request.payload))
        return answer({"n": parameters["n"]}) if "n" in parameters else step


def test_eight_threads_get_each_its_own_answer():
    rounds = 25
    with EchoServer() as server:
        venue = rest(server)
        wrong = []

        def ask(name):
            for number in range(rounds):
                told = venue.signed("GET", ORDER, symbol="BTCUSDT", n=f"{name}-{number}")
                if told != {"n": f"{name}-{number}"}:
                    wrong.append(told)

        threads = [threading.Thread(target=ask, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert wrong == []
        assert len(server.seen()) == 8 * rounds
        assert server.times == 1


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signal here")
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_interrupt_ends_a_wait_and_spoils_nothing_after_it(method):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ScriptedServer(silence(), answer(ORDERED)) as server:
            venue = rest(server)
            venue.measure_time()

            def interrupt():
                while not server.seen():
                    server.ended.wait(0.01)
                os.kill(os.getpid(), signal.SIGINT)

            threading.Thread(target=interrupt, daemon=True).start()
            with pytest.raises(KeyboardInterrupt):
                send(venue, method)
            assert send(venue, "GET") == ORDERED
            assert len(server.seen()) == 2
    finally:
        signal.signal(signal.SIGINT, before)
