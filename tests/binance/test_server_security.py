"""Keys, signatures and the age of requests, as they cross the socket."""

import base64
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.binance.rest_client import RestClient, hmac_signer
from tests.binance.venue_bench import StandingClock

from nanobook_binance.simulator import Fault, SimulatedBinance, Venue
from nanobook_binance.simulator.server.api_key import hmac_verifier
from nanobook_binance.simulator.server.call import signed_payload
from nanobook_core.errors import ValidationError

# The vendor's examples.
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105
QUERY = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
BODY = b"quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
VECTORS = [
    (
        QUERY + b"&" + BODY,
        b"",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    (QUERY, BODY, "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"),
    (
        QUERY.replace(b"LTCBTC", b"%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96")
        + b"&"
        + BODY,
        b"",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
]
WRONG_SIGNATURE = {"code": -1022, "msg": "Signature for this request is not valid."}
WRONG_KEY = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
OLD = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
AHEAD = {
    "code": -1021,
    "msg": "Timestamp for this request was 1000ms ahead of the server's time.",
}


@pytest.fixture
def binance():
    with SimulatedBinance() as binance:
        yield binance


@pytest.fixture
def client(binance):
    with RestClient(binance) as client:
        yield client


def pem(private_key):
    return private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def ed25519_key():
    key = ed25519.Ed25519PrivateKey.generate()
    return key, lambda payload: base64.b64encode(key.sign(payload)).decode()


def rsa_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, lambda payload: base64.b64encode(
        key.sign(payload, padding.PKCS1v15(), SHA256())
    ).decode()


KINDS = {"ed25519": ed25519_key, "rsa": rsa_key}


@pytest.mark.parametrize(("query", "body", "signature"), VECTORS)
def test_the_vendors_examples_are_signed_as_the_vendor_says(query, body, signature):
    is_right = hmac_verifier(SECRET)
    signed = query + b"&signature=" + signature.encode() if not body else query
    sent_body = body and body + b"&signature=" + signature.encode()
    assert signed_payload(signed, sent_body) == query + body
    assert is_right(query + body, signature)
    assert is_right(query + body, signature.upper())
    assert not is_right(query + body, signature[:-1] + "0")
    assert not is_right(query + body + b" ", signature)


@pytest.mark.parametrize("split", ["query", "body", "both"])
def test_parameters_may_be_signed_in_query_and_body(client, split):
    parameters = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    first, second = urlencode(parameters), f"timestamp={client.now()}"
    if split == "query":
        query, body = client.with_signature(f"{first}&{second}"), None
    elif split == "body":
        query, body = "", client.with_signature(f"{first}&{second}")
    else:
        signature = client.with_signature(first + second).rpartition("&")[2]
        query, body = first, f"{second}&{signature}"
    response = client.send("POST", "/api/v3/order", query, body, key=True)
    assert (response.status_code, response.json()["status"]) == (200, "FILLED")


def test_hexadecimal_signatures_may_be_in_capitals(binance, client):
    query = f"timestamp={client.now()}"
    signature = hmac_signer(binance.secret_key)(query.encode()).upper()
    response = client.send("GET", "/api/v3/account", f"{query}&signature={signature}", key=True)
    assert response.status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_public_keys_trade(binance, kind):
    key, sign = KINDS[kind]()
    api_key, secret = binance.add_key("default", kind, public_key=pem(key))
    assert secret == ""
    with RestClient(binance, api_key, sign=sign) as client:
        assert client.order(newClientOrderId="a:b/c").json()["clientOrderId"] == "a:b/c"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", [str.swapcase, lambda signature: "!" + signature, lambda _: "ab"])
def test_signatures_in_base64_are_exact(binance, kind, harm):
    key, sign = KINDS[kind]()
    api_key, _ = binance.add_key("default", kind, public_key=pem(key))
    with RestClient(binance, api_key, sign=lambda payload: harm(sign(payload))) as client:
        response = client.signed("GET", "/api/v3/account")
    assert (response.status_code, response.json()) == (400, WRONG_SIGNATURE)


def test_what_is_sent_must_be_what_was_signed_byte_for_byte(client):
    raw = f'symbols=["BTCUSDT"]&timestamp={client.now()}'
    signature = client.with_signature(raw).rpartition("&")[2]
    encoded = raw.replace('["BTCUSDT"]', quote('["BTCUSDT"]'))
    response = client.send("GET", "/api/v3/account", f"{encoded}&{signature}", key=True)
    assert response.json() == WRONG_SIGNATURE


def test_the_signature_may_stand_anywhere(binance, client):
    query = f"timestamp={client.now()}&omitZeroBalances=true"
    signature = hmac_signer(binance.secret_key)(query.encode())
    response = client.send("GET", "/api/v3/account", f"signature={signature}&{query}", key=True)
    assert response.status_code == 200


@pytest.mark.parametrize("name", [None, "", "short", "a" * 63 + "!", "a" * 65])
def test_what_is_no_key_is_told_so(client, name):
    headers = {} if name is None else {"X-MBX-APIKEY": name}
    query = client.with_signature(f"timestamp={client.now()}")
    response = client.send("GET", "/api/v3/account", query, headers=headers)
    assert (response.status_code, response.json()) == (
        401,
        {"code": -2014, "msg": "API-key format invalid."},
    )


def test_a_key_of_nobody_an_expired_one_and_one_that_was_revoked_open_nothing(binance):
    revoked = binance.add_key("default")
    binance.revoke_key(revoked[0])
    for api_key, secret_key in (
        ("a" * 64, "b"),
        binance.add_key("default", expired=True),
        revoked,
    ):
        with RestClient(binance, api_key, secret_key) as client:
            response = client.signed("GET", "/api/v3/account")
        assert (response.status_code, response.json()) == (401, WRONG_KEY)


def test_a_key_opens_what_it_is_for(binance):
    for permission, may_read, may_trade in (("read", 200, 401), ("trade", 401, 200)):
        with RestClient(binance, *binance.add_key(permissions=(permission,))) as client:
            assert client.signed("GET", "/api/v3/account").status_code == may_read
            assert client.order().status_code == may_trade


def test_a_secret_of_another_key_does_not_sign(binance):
    _, other = binance.add_key("default")
    with RestClient(binance, secret_key=other) as client:
        assert client.order().json() == WRONG_SIGNATURE
    assert binance.orders() == []


@pytest.mark.parametrize("name", ["timestamp", "signature"])
def test_without_a_timestamp_or_a_signature_nothing_is_answered(client, name):
    query = {"timestamp": "omitZeroBalances=true", "signature": f"timestamp={client.now()}"}[name]
    if name == "timestamp":
        query = client.with_signature(query)
    response = client.send("GET", "/api/v3/account", query, key=True)
    assert response.json() == {
        "code": -1102,
        "msg": f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
    }


@pytest.fixture
def still():
    """A venue whose clock stands, and a client of it."""

    with (
        SimulatedBinance(Venue(clock=StandingClock())) as binance,
        RestClient(binance) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("off_by_ms", "window", "answer"),
    [
        (0, None, None),
        (999, None, None),
        (1000, None, AHEAD),
        (-5000, None, None),
        (-5001, None, OLD),
        (-60000, "60000", None),
        (-60001, "60000", OLD),
        (-2, "1.999", OLD),
        (-2, "2.001", None),
        (0, "0", None),
        (-1, "0", OLD),
        (0, "60000.001", {"code": -1131, "msg": "recvWindow must be less than 60000"}),
        (
            0,
            "1.0001",
            {"code": -1111, "msg": "Parameter 'recvWindow' has too much precision."},
        ),
        (0, "", {"code": -1105, "msg": "Parameter 'recvWindow' was empty."}),
    ],
)
def test_a_request_holds_from_a_second_before_its_time_and_for_its_window(
    still, off_by_ms, window, answer
):
    response = still.signed(
        "GET", "/api/v3/openOrders", timestamp=still.now() + off_by_ms, recvWindow=window
    )
    assert response.json() == ([] if answer is None else answer)


@pytest.mark.parametrize(("off_by_us", "is_old"), [(-5_000_000, False), (-5_000_001, True)])
def test_a_timestamp_may_be_of_microseconds(still, off_by_us, is_old):
    response = still.signed("GET", "/api/v3/openOrders", timestamp=still.now() * 1000 + off_by_us)
    assert response.json() == (OLD if is_old else [])


@pytest.mark.parametrize("stamp", ["now", "-1", "1.5"])
def test_a_timestamp_is_a_whole_number(still, stamp):
    response = still.signed("GET", "/api/v3/openOrders", timestamp=stamp)
    assert response.json() == {
        "code": -1100,
        "msg": "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.",
    }


def test_the_age_is_looked_at_again_before_the_engine(still):
    still.binance.inject(Fault.QUEUED, seconds=6)
    assert still.order().json() == OLD
    assert still.binance.orders() == []
    still.binance.inject(Fault.QUEUED, seconds=6)
    assert still.order(recvWindow=6000).json()["status"] == "FILLED"


def test_a_server_whose_clock_is_wrong_says_so_and_refuses(still):
    still.binance.skew(180)
    assert still.public("GET", "/api/v3/time").json() == {"serverTime": still.now() + 180_000}
    assert still.order().json() == OLD
    assert still.order(timestamp=still.now() + 180_000).status_code == 200
    still.binance.skew(-180)
    assert still.order().json() == AHEAD
    still.binance.skew(0)
    assert still.order().status_code == 200


@pytest.mark.parametrize("skew", [180, -180])
def test_all_that_a_server_with_a_wrong_clock_dates_is_by_that_clock(still, skew):
    number = still.order().json()["orderId"]
    still.binance.skew(skew)
    now = still.now() + skew * 1000
    placed = still.order(timestamp=now).json()
    assert (placed["transactTime"], placed["workingTime"]) == (now, now)
    since = {"symbol": "BTCUSDT", "startTime": now, "timestamp": now}
    for path in ("allOrders", "myTrades"):
        found = still.signed("GET", f"/api/v3/{path}", **since).json()
        assert placed["orderId"] in [row["orderId"] for row in found]
    for which in (number, placed["orderId"]):
        assert still.query(orderId=which, timestamp=now).json()["status"] == "FILLED"


@pytest.mark.parametrize("skew", [float("nan"), float("inf")])
def test_a_skew_is_finite(still, skew):
    with pytest.raises(ValidationError, match="a skew is in seconds, got "):
        still.binance.skew(skew)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"account": "nobody"}, "no account 'nobody'; there are default"),
        ({"kind": "dsa"}, "kind is one of hmac, ed25519, rsa, got 'dsa'"),
        ({"permissions": ("withdraw",)}, "permissions are of read, trade, got 'withdraw'"),
        ({"kind": "rsa"}, "public_key goes with ed25519 and rsa, and with these only"),
        ({"public_key": "x"}, "public_key goes with ed25519 and rsa, and with these only"),
        (
            {"kind": "rsa", "public_key": "x"},
            "public_key is the PEM text of an rsa public key",
        ),
        (
            {"kind": "rsa", "public_key": pem(ed25519.Ed25519PrivateKey.generate())},
            "public_key is the PEM text of an rsa public key",
        ),
    ],
)
def test_a_key_that_cannot_be_is_not_given_out(binance, how, message):
    with pytest.raises(ValidationError) as raised:
        binance.add_key(**how)
    assert str(raised.value).startswith(message)


def test_a_key_that_was_not_given_out_cannot_be_revoked(binance):
    with pytest.raises(ValidationError, match="no such api_key was given out here"):
        binance.revoke_key("x")
