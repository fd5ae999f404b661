"""What the simulated venue refuses: code, words and status of each, and that nothing changes."""

import json
from pathlib import Path

import pytest
from tests.binance.rest_client import RestClient

from nanobook_binance.simulator import SimulatedBinance

REFUSALS = json.loads(
    (Path(__file__).parents[1] / "data" / "binance" / "server_refusals.json").read_text()
)


@pytest.fixture(scope="module")
def binance():
    with SimulatedBinance() as binance:
        yield binance


@pytest.fixture(scope="module")
def client(binance):
    with RestClient(binance) as client:
        yield client


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal["what"])
def test_it_is_refused_in_the_vendors_words_and_nothing_changes(binance, client, refusal):
    before = binance.balances()
    method, path, sent = refusal["request"]
    ask = client.public if refusal.get("is_public") else client.signed
    response = ask(method, f"/api/v3/{path}", **sent)
    assert (response.status_code, response.json()) == (refusal["status"], refusal["answer"])
    assert (binance.orders(), binance.balances()) == ([], before)


def test_what_is_gone_is_a_page():
    with SimulatedBinance() as binance, RestClient(binance) as client:
        response = client.send("POST", "/api/v3/userDataStream", key=True)
    assert response.status_code == 410
    assert response.headers["Content-Type"] == "text/html"
    assert response.text.startswith("<html>")


@pytest.mark.parametrize(
    ("unit", "code", "message"),
    [
        ("MICROSECOND", -1020, "X-MBX-TIME-UNIT: MICROSECOND is not modelled by this simulator."),
        (
            "DAY",
            -1194,
            "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
        ),
    ],
)
def test_another_unit_of_time_is_refused(client, unit, code, message):
    response = client.send("GET", "/api/v3/time", headers={"X-MBX-TIME-UNIT": unit})
    assert (response.status_code, response.json()) == (400, {"code": code, "msg": message})


def test_milliseconds_may_be_asked_for(client):
    response = client.send("GET", "/api/v3/ping", headers={"X-MBX-TIME-UNIT": "millisecond"})
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize("where", ["query", "body"])
def test_a_parameter_that_is_there_twice_is_refused(client, where):
    signed = client.with_signature(f"symbol=BTCUSDT&symbol=ETHUSDT&timestamp={client.now()}")
    response = client.send("DELETE", "/api/v3/openOrders", **{where: signed}, key=True)
    assert response.json() == {
        "code": -1101,
        "msg": "Duplicate values for a parameter detected.",
    }


def test_of_a_parameter_in_query_and_body_the_query_is_used(client):
    body = f"symbol=BTCUSDT&timestamp={client.now()}"
    query = "symbol=NOPE"
    signature = client.with_signature(query + body).rpartition("&")[2]
    response = client.send("DELETE", "/api/v3/openOrders", query, f"{body}&{signature}", key=True)
    assert response.json() == {"code": -1121, "msg": "Invalid symbol."}


def test_a_body_is_nothing_to_a_question(client):
    response = client.send("GET", "/api/v3/depth", body="symbol=BTCUSDT")
    assert response.json()["code"] == -1102
