"""Requests of a session that is logged on, which bear no key, meet the same faults."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.binance.stream_client import StreamClient, Trader

from nanobook_binance.simulator import Fault, SimulatedBinance

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "50000",
}


@pytest.fixture
def binance():
    with SimulatedBinance() as running:
        yield running


@pytest.fixture
def trader(binance):
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    api_key, _ = binance.add_key(kind="ed25519", public_key=public)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Trader(binance, api_key, secret.decode())


@pytest.fixture
def client(binance, trader):
    with StreamClient(binance.ws_api_url) as client:
        assert client.ask("session.logon", **trader.signed())["status"] == 200
        yield client


def place(client, trader, **params):
    return client.ask("order.place", timestamp=trader.now(), **{**ORDER, **params})


def test_what_a_session_cancels_may_have_been_filled(binance, client, trader):
    number = place(client, trader)["result"]["orderId"]
    binance.inject(Fault.CANCEL_RACE)
    which = {"symbol": "BTCUSDT", "orderId": number, "timestamp": trader.now()}
    assert client.ask("order.cancel", **which)["error"]["code"] == -2011
    assert client.ask("order.status", **which)["result"]["status"] == "FILLED"


def test_an_order_of_a_session_may_expire_in_match(binance, client, trader):
    binance.inject(Fault.STP_EXPIRY)
    placed = place(client, trader, price="60000.01")
    assert placed["result"]["status"] == "EXPIRED_IN_MATCH"


def test_the_key_of_a_session_may_be_revoked(binance, client, trader):
    binance.inject(Fault.KEY_REVOKED)
    refused = place(client, trader)
    assert (refused["status"], refused["error"]["code"]) == (401, -2015)
    assert binance.orders() == []


@pytest.mark.parametrize(("executed", "orders"), [(False, 1), (True, 2)])
def test_a_connection_that_has_served_may_be_reset(binance, client, trader, executed, orders):
    binance.inject(Fault.CONNECTION_RESET_KEEPALIVE, executed=executed)
    assert place(client, trader)["status"] == 200
    client.send(
        {
            "id": 9,
            "method": "order.place",
            "params": {**ORDER, "timestamp": trader.now()},
        }
    )
    assert client.is_closed()
    assert len(binance.orders()) == orders
