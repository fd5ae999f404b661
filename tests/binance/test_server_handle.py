"""The simulated venue in hand: threads, starts and stops, and what it remembers."""

import json
import logging
import socket
import threading
from decimal import Decimal

import pytest
import requests
from tests.binance.rest_client import GIVE_UP_SECONDS, RestClient
from tests.binance.venue_bench import StandingClock

from nanobook_binance.simulator import Fault, SimulatedBinance, Venue
from nanobook_core.errors import ValidationError

pytest_plugins = ["nanobook_binance.simulator.fixture"]


@pytest.fixture
def binance():
    with SimulatedBinance(Venue(clock=StandingClock())) as binance:
        yield binance


@pytest.fixture
def client(binance):
    with RestClient(binance) as client:
        yield client


def own_threads():
    return [each for each in threading.enumerate() if each.name == "simulated-binance"]


def test_the_fixture_is_a_venue_that_runs(simulated_binance):
    assert simulated_binance.port
    with RestClient(simulated_binance) as client:
        assert client.order().json()["status"] == "FILLED"


def test_its_addresses(binance):
    port = binance.port
    assert binance.url == f"http://127.0.0.1:{port}"
    assert binance.ws_api_url == f"ws://127.0.0.1:{port}/ws-api/v3"
    assert binance.stream_url == f"ws://127.0.0.1:{port}"
    assert SimulatedBinance(host="::1", port=80).url == "http://[::1]:80"


def test_it_starts_again_on_its_port_with_its_orders_and_keys():
    binance = SimulatedBinance()
    with binance, RestClient(binance) as client:
        port = binance.port
        client.order(newClientOrderId="before")
    assert own_threads() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), GIVE_UP_SECONDS)
    with binance, RestClient(binance) as client:
        assert binance.port == port
        assert client.query(origClientOrderId="before").json()["status"] == "FILLED"
    assert own_threads() == []


def test_it_is_used_without_a_thread_before_it_starts_and_after_it_stops():
    binance = SimulatedBinance(balances={"USDT": "1000.5"})
    binance.deposit("BTC", "0.5")
    binance.withdraw("USDT", "0.5")
    binance.drop()
    binance.drop_streams()
    binance.refuse(1)
    binance.clear_faults()
    binance.advance(1)
    binance.start()
    binance.start()
    binance.stop()
    binance.stop()
    held = {asset: balance.free for asset, balance in binance.balances().items()}
    assert held == {"USDT": Decimal(1000), "BTC": Decimal("0.5")}


def test_what_a_call_raises_is_raised_where_it_was_called(binance, client):
    with pytest.raises(ZeroDivisionError):
        binance.call(lambda _: 1 / 0)
    with pytest.raises(ValidationError, match="'NOPE' is not listed"):
        binance.set_quote("NOPE", "1", "2")
    with pytest.raises(TypeError):
        binance.set_quote("BTCUSDT", 1.5, 2)
    assert client.order().status_code == 200


def test_a_fault_of_a_pair_that_is_not_listed_would_never_happen_and_is_refused(binance, client):
    with pytest.raises(ValidationError, match="'BTC' is not listed; there are BTCUSDT, "):
        binance.inject("HALT", symbol="BTC")
    assert client.order().status_code == 200


def test_a_fault_may_be_given_with_its_endpoint(binance, client):
    binance.inject(Fault.INTERNAL_1001, "GET /api/v3/time")
    assert client.public("GET", "/api/v3/time").status_code == 500


def test_a_port_that_is_taken_is_told_by_start(binance):
    other = SimulatedBinance(port=binance.port)
    with pytest.raises(OSError, match="in use"):
        other.start()


def test_clients_and_threads_trade_at_once():
    binance = SimulatedBinance(order_limits=(1000, 1000))
    numbers = []

    def trade(place):
        with RestClient(binance, *keys[place]) as client:
            for _ in range(10):
                numbers.append(client.order().json()["orderId"])
                binance.set_quote("ETHUSDT", 2000 + place, 2100 + place)

    with binance:
        keys = [binance.add_account(f"thread{place}") for place in range(8)]
        threads = [threading.Thread(target=trade, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(numbers) == list(range(1001, 1081))
    for place in range(8):
        account = f"thread{place}"
        assert len(binance.trades(account)) == 10
        assert binance.balances(account)["BTC"].free == Decimal("1.0999")


def test_two_accounts_trade_with_each_other(binance, client):
    binance.withdraw_quote("BTCUSDT")
    with RestClient(binance, *binance.add_account("other", {"USDT": 700})) as other:
        client.order("SELL", price="60000.00")
        said = other.order(price="60000.00").json()
    assert (said["status"], said["fills"][0]["commissionAsset"]) == ("FILLED", "BTC")
    assert [trade.is_maker for trade in binance.trades()] == [True]
    assert [trade.is_maker for trade in binance.trades("other")] == [False]


def test_a_resting_order_fills_as_it_is_told(binance, client):
    number = client.order(price="59000", quantity="0.03").json()["orderId"]
    binance.fill(number, "0.01", symbol="BTCUSDT")
    assert client.query(orderId=number).json()["executedQty"] == "0.01000000"
    binance.fill(number, symbol="BTCUSDT")
    assert client.query(orderId=number).json()["status"] == "FILLED"
    with pytest.raises(ValidationError, match="does not rest"):
        binance.fill(number, symbol="BTCUSDT")


def test_the_exchange_cancels_as_it_is_told(binance, client):
    number = client.order(price="59000").json()["orderId"]
    binance.server_cancel("BTCUSDT", number)
    assert client.query(orderId=number).json()["status"] == "EXPIRED"


def test_all_connections_are_cut_as_it_is_told(binance):
    with socket.create_connection((binance.host, binance.port), GIVE_UP_SECONDS) as connection:
        connection.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        binance.drop()
        assert connection.recv(65536) == b""


def test_a_closed_port_is_closed_once_at_a_time(binance, client):
    binance.refuse(GIVE_UP_SECONDS)
    binance.refuse(0)
    with pytest.raises(requests.ConnectionError):
        client.public("GET", "/api/v3/ping")


def test_each_request_is_in_the_log(binance, client):
    client.public("GET", "/api/v3/nothing", a="b")
    client.order(newClientOrderId="mine", quantity="0")
    binance.inject(Fault.DROP_AFTER_ENGINE)
    with pytest.raises(requests.ConnectionError):
        client.order()
    nothing, refused, dropped = binance.log
    assert (nothing.method, nothing.path) == ("GET", "/api/v3/nothing")
    assert (nothing.status, nothing.account, nothing.parameters) == (404, None, {"a": "b"})
    assert refused.parameters == {
        "timestamp": str(client.now()),
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0",
        "newClientOrderId": "mine",
    }
    assert (refused.status, refused.account, refused.time) == (400, "default", client.now())
    assert refused.answer == {"code": -1013, "msg": "Invalid quantity."}
    assert (dropped.status, dropped.answer, dropped.fault) == (None, None, "drop_after_engine")


def test_neither_keys_nor_signatures_are_shown(tmp_path, caplog):
    caplog.set_level(logging.DEBUG, "nanobook_binance")
    path = tmp_path / "requests.jsonl"
    binance = SimulatedBinance(log_file=path)
    with binance, RestClient(binance) as client:
        client.order()
        client.send("GET", "/api/v3/account", client.with_signature("timestamp=1"), key=True)
        client.send("DELETE", "/api/v3/openOrders", body=client.with_signature("a=b"), key=True)
    lines = path.read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == [200, 400, 400]
    shown = "\n".join([*lines, repr(binance), repr(binance.log), caplog.text])
    for secret in (binance.api_key, binance.secret_key, "signature"):
        assert secret not in shown


def test_a_log_that_cannot_be_written_is_told_by_start(tmp_path):
    with pytest.raises(FileNotFoundError):
        SimulatedBinance(log_file=tmp_path / "no" / "log").start()


@pytest.mark.parametrize(
    "data",
    [
        b"not http\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v3/order HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n",
        b"",
    ],
)
def test_a_client_that_speaks_no_http_or_hangs_up_harms_nobody(binance, client, caplog, data):
    with socket.create_connection((binance.host, binance.port), GIVE_UP_SECONDS) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    assert client.order().status_code == 200
    binance.stop()
    assert caplog.records == []


def test_a_body_that_is_too_long_is_not_read(client):
    response = client.send("POST", "/api/v3/order", body="x" * 2_000_000, key=True)
    assert response.status_code == 413


def test_a_defect_of_ours_cuts_that_connection_and_is_raised_by_stop():
    binance = SimulatedBinance()
    binance.start()
    binance.call(lambda venue: setattr(venue, "uid", lambda _: 1 / 0))
    with RestClient(binance) as client:
        with pytest.raises(requests.ConnectionError):
            client.signed("GET", "/api/v3/account")
        assert client.order().status_code == 200
    with pytest.raises(ExceptionGroup, match="the simulated-binance failed") as raised:
        binance.stop()
    assert [type(each) for each in raised.value.exceptions] == [ZeroDivisionError]
