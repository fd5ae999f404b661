"""Nothing that goes wrong shows a key: there is a canary in each, looked for everywhere."""

import contextlib
import copy
import io
import itertools
import logging
import os
import pickle
import pprint
import signal
import threading
import traceback
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.binance.scripted_http import (
    Script,
    ScriptedServer,
    answer,
    close,
    cut,
    head,
    raw,
    refusal,
    reset,
    silence,
)

from nanobook_binance.broker import BinanceBroker
from nanobook_binance.environment import choose_environment
from nanobook_binance.rest import Rest
from nanobook_binance.signature import Keys, hold, read_keys
from nanobook_binance.simulator import SimulatedBinance
from nanobook_core.contracts.broker_error import BrokerError
from nanobook_core.contracts.clock import SystemClock
from nanobook_core.contracts.secret import Secret
from nanobook_core.errors import SecretError

API_KEY = "CanaryApiKey0123456789"
HMAC = "CanarySecretKey9876543210"
ORDER = "/api/v3/order"


def pem(private):
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


ED25519 = pem(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
RSA = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
#: What must not be found: whole, and for PEM each line of it.
CANARIES = [API_KEY, HMAC, *ED25519.splitlines()[1:-1], *RSA.splitlines()[1:-1]]
HERE = os.path.realpath(__file__)


def echo():
    """The request sent back, headers and all, as some gateways do in their pages."""

    def act(connection, server):
        request = server.requests[-1]
        page = f"<html>{request.target} {request.headers} {request.body} {HMAC}</html>".encode()
        connection.sendall(head(len(page), 502, kind="text/html") + page)

    return Script(act)


def echo_json():
    return refusal(-2015, f"Invalid API-key {API_KEY}, IP, or permissions for action. {HMAC}")


FAILURES = {
    "refused": lambda: refusal(-2010, "Account has insufficient balance."),
    "wrong key": lambda: refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401),
    "wrong key, repeated": echo_json,
    "page, repeated": echo,
    "page": lambda: answer("<html>", 403, kind="text/html"),
    "no JSON": lambda: answer("{", 200),
    "too many": lambda: refusal(-1003, "Too many", 429, {"Retry-After": "1"}),
    "clock": lambda: refusal(-1021, "Timestamp", 400),
    "redirect": lambda: answer("", 302, {"Location": "https://elsewhere.example/"}),
    "closed": close,
    "reset": reset,
    "silence": silence,
    "cut": lambda: cut({"orderId": 1}, 4),
    "no HTTP": lambda: raw(b"\x00\x01\x02\r\n\r\n"),
    "odd headers": lambda: raw(b"HTTP/1.1 200 OK\r\nnonsense\r\n: x\r\n\r\n{"),
    "bad length": lambda: raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{"),
    "bad chunk": lambda: raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "bad gzip": lambda: raw(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    ),
}


class Leaks:
    """Collects every text that a person or a program might see."""

    def __init__(self):
        self.canaries = CANARIES
        self.texts = []

    def see(self, *values):
        for value in values:
            self.texts += [str(value), repr(value), f"{value}", pprint.pformat(value)]

    def see_error(self, error):
        """The error, what it carries, what led to it, and the variables of every frame."""
        seen = set()
        waiting = [error]
        while waiting:
            one = waiting.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            self.see(one, one.args, getattr(one, "__notes__", ()), vars(one))
            waiting += [one.__cause__, one.__context__]
            for frame, _ in traceback.walk_tb(one.__traceback__):
                if os.path.realpath(frame.f_code.co_filename) != HERE:
                    self.see_variables(frame)
            self.texts += traceback.format_exception(one)
            with contextlib.suppress(Exception):
                self.see(pickle.dumps(one).decode("latin-1"), copy.copy(one))

    def see_variables(self, frame):
        for name, value in frame.f_locals.items():
            self.see(name)
            with contextlib.suppress(Exception):
                self.see(value)
            with contextlib.suppress(Exception):
                self.see({key: one for key, one in vars(value).items() if not callable(one)})

    def found(self):
        return [
            (canary, text[:300])
            for text in self.texts
            for canary in self.canaries
            if canary in text
        ]


@pytest.fixture
def leaks():
    """Also hears every logger there is, at its lowest level."""
    collected = Leaks()

    class Handler(logging.Handler):
        def emit(self, record):
            collected.see(record.getMessage(), record.args, vars(record))
            if record.exc_info and record.exc_info[1]:
                collected.see_error(record.exc_info[1])

    root = logging.getLogger()
    handler, level = Handler(), root.level
    root.addHandler(handler)
    root.setLevel(1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield collected
    root.removeHandler(handler)
    root.setLevel(level)
    collected.see(printed.getvalue())
    assert collected.found() == []


def made(server, secret=HMAC, **settings):
    return Rest(
        choose_environment(testnet=True, demo=False, base_url=server.url),
        Keys(Secret(API_KEY), Secret(secret)),
        SystemClock(),
        **{"timeout": 30.0, **settings},
    )


def send(venue, method):
    parameters = {"symbol": "BTCUSDT", "quantity": Decimal("0.5")}
    return venue.signed(method, ORDER, **parameters, newClientOrderId="nb-1")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("name", FAILURES)
def test_no_failure_shows_a_key(leaks, name, method):
    with ScriptedServer(FAILURES[name](), FAILURES[name]()) as server:
        venue = made(server, timeout=0.3 if name == "silence" else 30.0)
        while not venue.time.is_known:  # on a slow machine it takes more
            with contextlib.suppress(ConnectionError):
                venue.measure_time()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
            send(venue, method)
        assert len(server.seen()) >= 1
    leaks.see(venue)
    leaks.see_error(caught.value)


@pytest.mark.parametrize("secret", [HMAC, ED25519, RSA], ids=["hmac", "ed25519", "rsa"])
@pytest.mark.parametrize("name", ["wrong key", "page, repeated", "reset"])
def test_no_kind_of_key_is_shown(leaks, secret, name):
    with ScriptedServer(FAILURES[name](), FAILURES[name]()) as server:
        venue = made(server, secret)
        with pytest.raises(Exception) as caught:  # noqa: PT011
            send(venue, "POST")
    leaks.see_error(caught.value)


def test_what_cannot_be_reached_shows_no_key(leaks):
    with ScriptedServer() as server:
        venue = made(server)
        venue.measure_time()
    with pytest.raises(ConnectionError) as caught:
        send(venue, "POST")
    leaks.see_error(caught.value)


def test_success_logs_no_key_and_no_signature(leaks):
    with ScriptedServer(*[answer({})] * 3) as server:
        venue = made(server)
        for method in ("GET", "POST", "DELETE"):
            send(venue, method)
        signatures = [one.payload.partition("signature=")[2] for one in server.seen()]
    assert all(len(one) == 64 for one in signatures)
    assert any(ORDER in text for text in leaks.texts)
    assert not [text for text in leaks.texts for one in signatures if one in text]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signal here")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_interrupt_shows_no_key(leaks, method):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ScriptedServer(silence()) as server:
            venue = made(server)
            venue.measure_time()

            def interrupt():
                while not server.seen():
                    server.ended.wait(0.01)
                os.kill(os.getpid(), signal.SIGINT)

            threading.Thread(target=interrupt, daemon=True).start()
            with pytest.raises(KeyboardInterrupt) as caught:
                send(venue, method)
    finally:
        signal.signal(signal.SIGINT, before)
    leaks.see_error(caught.value)


@pytest.mark.parametrize(
    ("api_key", "secret"),
    [
        (API_KEY + "\n", HMAC),
        (API_KEY, HMAC + " "),
        (API_KEY, "é" + HMAC),
        (API_KEY, "-----BEGIN PRIVATE KEY-----\n" + HMAC),
        (API_KEY, ED25519[:90]),
        (ED25519, HMAC),
        (API_KEY, ""),
        (API_KEY, f"file:{os.devnull}"),
        (API_KEY, "env:NOT_SET_ANYWHERE"),
    ],
    ids=itertools.count(),
)
def test_keys_that_cannot_be_are_not_repeated(leaks, api_key, secret):
    with pytest.raises(SecretError) as caught:
        read_keys(api_key, secret)
    leaks.see_error(caught.value)


def test_keys_of_the_environment_are_not_repeated(leaks, monkeypatch):
    monkeypatch.setenv("BINANCE_API_KEY", API_KEY)
    monkeypatch.setenv("BINANCE_SECRET_KEY", HMAC + "\n")
    with pytest.raises(SecretError) as caught:
        read_keys(None, None)
    leaks.see_error(caught.value)


def test_what_holds_keys_shows_none(leaks):
    keys = read_keys(API_KEY, ED25519)
    leaks.see(keys, vars(keys), keys.api_key, hold("api_key", API_KEY))
    with ScriptedServer() as server:
        venue = made(server)
        leaks.see(venue, vars(venue), vars(vars(venue)["_exchange"]))
        leaks.see([vars(venue)], {"venue": venue})
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(SecretError):
            copied(keys)


# -- the broker


class Canaries:
    """Keys of the simulated venue, which makes them itself."""

    def __init__(self, binance):
        self.binance = binance
        self.settings = {"base_url": binance.url, "timeout": 5.0}

    def broker(self, **settings):
        keys = (self.binance.api_key, self.binance.secret_key)
        return BinanceBroker(*keys, **{**self.settings, **settings})


@pytest.fixture
def canaries(leaks):
    with SimulatedBinance() as binance:
        leaks.canaries = [binance.api_key, binance.secret_key]
        yield Canaries(binance)


@pytest.mark.parametrize(
    "settings",
    [
        {"stream": 7},
        {"base_url": None, "testnet": True, "demo": True},
        {"base_url": "http://api.binance.com"},
        {"recv_window": 0},
        {"timeout": -1.0},
        {"quote_asset": ""},
        {"market_cap_bps": 0.5},
        {"state": "\0"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_setting_that_is_refused_shows_no_key(leaks, canaries, settings):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        canaries.broker(**settings)
    leaks.see_error(caught.value)


@pytest.mark.parametrize("fault", ["", "html_502", "truncated_json", "drop_before_engine"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_broker_that_cannot_connect_shows_no_key(leaks, canaries, fault, stream):
    if fault:
        canaries.binance.inject(fault, endpoint="*", times=200)
    else:
        canaries.binance.revoke_key(canaries.binance.api_key)
    broker = canaries.broker(stream=stream)
    with pytest.raises(BrokerError) as caught:
        broker.connect(1.0)
    broker.disconnect()
    canaries.binance.clear_faults()
    leaks.see(broker, vars(broker))
    leaks.see_error(caught.value)


@pytest.mark.parametrize("stream", [True, False])
def test_a_broker_whose_orders_fail_shows_no_key(leaks, canaries, stream, tmp_path):
    state = tmp_path / "journal"
    with canaries.broker(stream=stream, state=state) as broker:
        leaks.see(broker, vars(broker), broker.connection(), broker.account())
        for fault, how in (
            ("drop_after_engine", {}),
            ("timeout_executed", {}),
            ("html_403", {}),
            ("overloaded_1008", {"executed": True}),
            ("stream_drop", {}),
            ("key_revoked", {}),
        ):
            canaries.binance.inject(fault, **how)
            try:
                leaks.see(broker.submit_order("BTC", "buy", Decimal("0.001")))
            except BrokerError as error:
                leaks.see_error(error)
        for ask in (broker.account, broker.open_orders, broker.resync, broker.server_time):
            try:
                leaks.see(ask())
            except BrokerError as error:
                leaks.see_error(error)
    for file in tmp_path.iterdir():
        leaks.see(file.read_bytes().decode("latin-1"))
    leaks.see(canaries.binance, repr(broker))
