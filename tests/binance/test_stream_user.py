"""User data streams: who may listen, what is told to whom, field for field, and when it ends."""

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.binance.stream_client import SECONDS, StreamClient, Trader, subscribed
from tests.binance.user_session import GOLDEN, lines

from nanobook_binance.simulator import SimulatedBinance

DAY = 24 * 3600
REJECTED_KEY = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}


@pytest.fixture
def binance():
    with SimulatedBinance() as running:
        yield running


@pytest.fixture
def trader(binance):
    return Trader(binance)


@pytest.fixture
def connect(binance):
    """Connects to the WebSocket API, as often as it is asked to."""
    clients = []

    def connected():
        clients.append(StreamClient(binance.ws_api_url))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


def keys_of(private_key):
    """PEM of the public and of the private key."""
    public = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return public, private.decode()


@pytest.fixture
def ed25519(binance):
    """A trader of the default account with a key of that kind."""
    public, private = keys_of(Ed25519PrivateKey.generate())
    api_key, _ = binance.add_key(kind="ed25519", public_key=public)
    return Trader(binance, api_key, private)


def test_events_of_a_session_are_the_vendors_field_for_field():
    assert list(lines()) == GOLDEN.read_text().splitlines()


def test_each_kind_of_key_may_subscribe(binance, connect, ed25519):
    public, private = keys_of(generate_private_key(65537, 2048))
    api_key, _ = binance.add_key(kind="rsa", public_key=public)

    for trader in (Trader(binance), ed25519, Trader(binance, api_key, private)):
        answer = connect().ask("userDataStream.subscribe.signature", **trader.signed())
        assert (answer["status"], answer["result"]) == (200, {"subscriptionId": 0})


def test_a_session_that_is_logged_on_subscribes_without_a_signature(connect, ed25519):
    client = connect()
    before = client.ask("session.status")["result"]
    assert (before["apiKey"], before["authorizedSince"]) == (None, None)

    logon = client.ask("session.logon", **ed25519.signed())["result"]
    assert logon["apiKey"] == ed25519.api_key
    assert list(logon) == [
        "apiKey",
        "authorizedSince",
        "connectedSince",
        "returnRateLimits",
        "serverTime",
        "userDataStream",
    ]
    assert logon["userDataStream"] is False
    assert client.ask("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert client.ask("session.status")["result"]["userDataStream"] is True

    ed25519.buy("0.01", "50000")
    assert [event["e"] for event in client.events(2)] == [
        "executionReport",
        "outboundAccountPosition",
    ]


def test_no_key_gets_into_the_log(binance, connect, ed25519):
    client = connect()
    client.ask("session.logon", **ed25519.signed())
    client.ask("session.status")

    logged = [each for each in binance.log if each.method == "WS"]

    assert [each.path for each in logged] == ["session.logon", "session.status"]
    assert logged[0].answer["userDataStream"] is False
    assert ed25519.api_key not in str(logged)


def test_only_ed25519_logs_on(connect, trader):
    answer = connect().ask("session.logon", **trader.signed())

    assert answer["status"] == 400
    assert answer["error"] == {"code": -1020, "msg": "This operation is not supported."}


def test_who_is_not_logged_on_needs_a_signature_to_subscribe(connect):
    answer = connect().ask("userDataStream.subscribe")

    assert (answer["status"], answer["error"]) == (401, REJECTED_KEY)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"signature": "00" * 32}, 400, -1022),
        ({"apiKey": "x" * 64}, 401, -2015),
        ({"apiKey": "short"}, 401, -2014),
        ({"timestamp": 1}, 400, -1022),
        ({"timestamp": None}, 400, -1022),
        ({"signature": None}, 400, -1102),
        ({"apiKey": None}, 401, -2014),
        ({"symbol": "BTCUSDT"}, 400, -1104),
    ],
    ids=str,
)
def test_a_subscription_that_is_not_signed_as_it_must_be_is_refused(
    connect, trader, change, status, code
):
    client = connect()
    params = {**trader.signed(), **change}
    sent = {name: value for name, value in params.items() if value is not None}

    answer = client.ask("userDataStream.subscribe.signature", **sent)

    assert (answer["status"], answer["error"]["code"]) == (status, code)
    assert client.ask("session.subscriptions")["result"] == []


@pytest.mark.parametrize("late", [-7000, 2000])
def test_a_subscription_at_the_wrong_time_is_refused(connect, trader, late):
    signed = trader.signed(timestamp=trader.now() + late)

    answer = connect().ask("userDataStream.subscribe.signature", **signed)

    assert answer["error"]["code"] == -1021


def test_a_key_that_may_only_trade_does_not_listen(binance, connect):
    api_key, secret = binance.add_key(permissions=("trade",))
    signed = Trader(binance, api_key, secret).signed()

    answer = connect().ask("userDataStream.subscribe.signature", **signed)

    assert answer["error"] == REJECTED_KEY


def test_an_account_has_one_subscription_on_a_connection_and_any_number_in_all(binance, trader):
    first, second = subscribed(binance, trader), subscribed(binance, trader)
    again = first.ask("userDataStream.subscribe.signature", **trader.signed())
    assert again["error"] == {
        "code": -2035,
        "msg": "User Data Stream subscription already active.",
    }

    trader.buy("0.01", "50000", newClientOrderId="both")

    for client in (first, second):
        with client:
            assert client.events(1)[0]["c"] == "both"


def test_accounts_on_one_connection_are_told_apart_by_number(binance, connect, trader):
    api_key, secret = binance.add_account("other")
    other = Trader(binance, api_key, secret)
    client = connect()
    for number, each in enumerate((trader, other)):
        answer = client.ask("userDataStream.subscribe.signature", **each.signed())
        assert answer["result"] == {"subscriptionId": number}
    assert client.ask("session.subscriptions")["result"] == [
        {"subscriptionId": 0},
        {"subscriptionId": 1},
    ]

    other.sell("0.5", "60000.02", newClientOrderId="others")
    trader.buy("0.5", "60000.01", newClientOrderId="ones")

    messages = client.until(lambda each: each["event"].get("c") == "ones")
    assert {
        (each["subscriptionId"], each["event"]["c"])
        for each in messages
        if each["event"]["e"] == "executionReport"
    } == {(0, "ones"), (1, "others")}


def test_nobody_hears_of_another_account(binance, trader):
    api_key, secret = binance.add_account("other")

    with subscribed(binance, trader) as client:
        Trader(binance, api_key, secret).buy("0.01", "60000.01")
        assert client.answered("ping")[:-1] == []


def test_unsubscribed_it_says_that_nothing_follows_and_then_nothing(binance, trader):
    with subscribed(binance, trader) as client:
        said, answer = client.answered("userDataStream.unsubscribe", subscriptionId=0)
        assert (said["subscriptionId"], said["event"]["e"]) == (0, "eventStreamTerminated")
        assert answer["result"] == {}
        trader.buy("0.01", "50000")
        assert client.answered("ping")[:-1] == []

        again = client.ask("userDataStream.unsubscribe")
        assert again["error"] == {
            "code": -2036,
            "msg": "User Data Stream subscription not active.",
        }
        answer = client.ask("userDataStream.subscribe.signature", **trader.signed())
        assert answer["result"] == {"subscriptionId": 1}


def test_logged_out_the_sessions_own_stream_ends_and_the_signed_ones_go_on(
    binance, connect, ed25519
):
    api_key, secret = binance.add_account("other")
    client = connect()
    client.ask("session.logon", **ed25519.signed())
    client.ask("userDataStream.subscribe")
    other = Trader(binance, api_key, secret)
    client.ask("userDataStream.subscribe.signature", **other.signed())

    said, answer = client.answered("session.logout")

    assert (said["subscriptionId"], said["event"]["e"]) == (0, "eventStreamTerminated")
    assert (answer["result"]["apiKey"], answer["result"]["authorizedSince"]) == (None, None)
    assert client.ask("session.subscriptions")["result"] == [{"subscriptionId": 1}]
    other.buy("0.01", "50000")
    assert client.events(1)[0]["e"] == "executionReport"


def test_logged_on_requests_need_a_time_and_no_signature(connect, ed25519):
    client = connect()
    client.ask("session.logon", **ed25519.signed())
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}

    placed = client.ask(
        "order.place", **order, quantity="0.01", price="50000", timestamp=ed25519.now()
    )

    assert placed["result"]["status"] == "NEW"
    without = client.ask("openOrders.status")
    assert without["error"]["code"] == -1102
    assert "'timestamp'" in without["error"]["msg"]


def test_a_revoked_key_is_told_once_and_forgotten(binance, connect, ed25519):
    client = connect()
    client.ask("session.logon", **ed25519.signed())
    client.ask("userDataStream.subscribe")
    binance.revoke_key(ed25519.api_key)

    client.send({"id": 7, "method": "openOrders.status", "params": {"timestamp": ed25519.now()}})

    ended, revoked = client.receive(), client.receive()
    assert ended["event"]["e"] == "eventStreamTerminated"
    assert revoked == {"id": None, "status": 401, "error": REJECTED_KEY}
    assert client.ask("session.status")["result"]["apiKey"] is None


def test_a_connection_lives_for_a_day_of_the_venues_clock(binance, trader):
    with subscribed(binance, trader) as client:
        binance.advance(DAY - 60)
        assert client.ask("ping")["status"] == 200

        binance.advance(60)

        assert client.is_closed()


def test_dropped_connections_are_gone_and_new_ones_are_served(binance, trader):
    with subscribed(binance, trader) as client:
        binance.drop_streams()
        assert client.is_closed()
    with subscribed(binance, trader) as client:
        trader.buy("0.01", "50000")
        assert client.events(1)[0]["X"] == "NEW"


def test_nothing_of_what_happened_before_is_told_again(binance, trader):
    trader.buy("0.01", "50000")

    with subscribed(binance, trader) as client:
        assert client.answered("ping")[:-1] == []


def test_listen_keys_are_gone(binance):
    for method in ("POST", "PUT", "DELETE"):
        answer = requests.request(method, f"{binance.url}/api/v3/userDataStream", timeout=SECONDS)
        assert answer.status_code == 410
        assert answer.headers["Content-Type"].startswith("text/html")
