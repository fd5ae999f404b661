"""Weights, bans and unfilled orders of the simulated venue, by its own clock."""

import csv
from pathlib import Path

import pytest
from tests.binance.rest_client import RestClient
from tests.binance.venue_bench import StandingClock

from nanobook_binance.simulator import Fault, SimulatedBinance, Venue
from nanobook_core.errors import ValidationError

WEIGHTS = Path(__file__).parents[1] / "data" / "binance" / "server_weights.csv"
USED = "X-MBX-USED-WEIGHT-1M"
COUNTS = ("X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D")
TOO_MUCH = {
    "code": -1003,
    "msg": "Too much request weight used; current limit is 20 request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API.",
}


def client_of(**limits):
    binance = SimulatedBinance(Venue(clock=StandingClock()), **limits)
    return binance, RestClient(binance)


@pytest.fixture
def still():
    binance, client = client_of()
    with binance, client:
        yield client


def depth(client):
    return client.public("GET", "/api/v3/depth", symbol="BTCUSDT")


def rows():
    with WEIGHTS.open() as lines:
        return [tuple(row) for row in csv.reader(lines)][1:]


@pytest.mark.parametrize(("method", "path", "query", "weight"), rows())
def test_each_request_costs_what_the_vendor_says(still, method, path, query, weight):
    sent = dict(pair.split("=") for pair in query.split("&") if pair)
    if method == "PUBLIC":
        response = still.public("GET", f"/api/v3/{path}", **sent)
    else:
        response = still.signed(method, f"/api/v3/{path}", **sent)
    assert response.headers[USED] == weight
    assert response.headers["X-MBX-USED-WEIGHT"] == weight


def test_an_order_costs_nothing_where_it_is_taken_and_one_where_it_is_refused(still):
    assert still.order().headers[USED] == "0"
    assert still.order(quantity="0").headers[USED] == "1"
    number = still.order(price="59000").json()["orderId"]
    assert still.cancel(orderId=number).headers[USED] == "1"
    assert still.cancel(orderId=number).headers[USED] == "2"


def test_too_much_weight_is_refused_until_the_minute_ends():
    binance, client = client_of(weight_limit=20)
    with binance, client:
        binance.advance(18.25)
        assert [depth(client).status_code for _ in range(4)] == [200, 200, 200, 200]
        refused = depth(client)
        assert (refused.status_code, refused.json()) == (429, TOO_MUCH)
        assert (refused.headers["Retry-After"], refused.headers[USED]) == ("42", "25")
        binance.advance(41.75)
        assert depth(client).headers[USED] == "5"


def test_who_goes_on_asking_is_banned_and_longer_each_time():
    binance, client = client_of(weight_limit=20)
    with binance, client:
        for ban in (120, 240):
            answers = [depth(client) for _ in range(8)]
            assert [each.status_code for each in answers] == [200] * 4 + [429] * 3 + [418]
            until = client.now() + ban * 1000
            assert answers[-1].json() == {
                "code": -1003,
                "msg": f"Way too much request weight used; IP banned until {until}. Please use "
                "WebSocket Streams for live updates to avoid bans.",
            }
            assert answers[-1].headers["Retry-After"] == str(ban)
            binance.advance(ban - 0.5)
            assert depth(client).status_code == 418
            assert depth(client).headers["Retry-After"] == "1"
            binance.advance(0.5)
        assert depth(client).status_code == 200


def test_a_ban_ends_by_the_clock_that_the_server_tells():
    binance, client = client_of()
    with binance, client:
        told = client.public("GET", "/api/v3/time").json()["serverTime"] + 180_000
        binance.skew(180)
        binance.inject(Fault.BAN_418)
        banned = client.order()
        assert f"IP banned until {told + 120_000}." in banned.json()["msg"]
        assert banned.headers["Retry-After"] == "120"


def test_a_banned_order_does_not_reach_the_engine():
    binance, client = client_of()
    with binance, client:
        binance.inject(Fault.BAN_418)
        assert client.order().status_code == 418
        assert binance.orders() == []
        binance.advance(120)
        assert client.order().status_code == 200


def test_raw_requests_have_a_limit_of_their_own():
    binance, client = client_of(raw_limit=3)
    with binance, client:
        answers = [client.public("GET", "/api/v3/ping") for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["Retry-After"] == "300"
        assert answers[-1].json()["msg"] == "Too many requests queued."


def counted(response):
    return tuple(int(response.headers[name]) for name in COUNTS)


def test_unfilled_orders_are_counted_and_given_back_with_the_first_fill(still):
    rests = [still.order(price="59000") for _ in range(3)]
    assert [counted(each) for each in rests] == [(1, 1), (2, 2), (3, 3)]
    number = rests[0].json()["orderId"]
    still.binance.fill(number, "0.004", symbol="BTCUSDT")
    assert used(still) == (2, 2)
    still.binance.fill(number, symbol="BTCUSDT")
    assert used(still) == (2, 2)
    assert counted(still.order()) == (3, 3)
    assert used(still) == (2, 2)


def used(client):
    return tuple(row["count"] for row in client.signed("GET", "/api/v3/rateLimit/order").json())


def test_a_refused_order_and_a_cancelled_one_count_as_they_do_at_the_vendors(still):
    assert still.order(quantity="0").status_code == 400
    assert used(still) == (0, 0)
    number = still.order(price="59000").json()["orderId"]
    still.cancel(orderId=number)
    assert used(still) == (1, 1)
    still.binance.advance(10)
    assert used(still) == (0, 1)
    still.binance.advance(86400)
    assert used(still) == (0, 0)


def test_too_many_unfilled_orders_are_refused_until_the_interval_ends():
    binance, client = client_of(order_limits=(2, 4))
    with binance, client:
        binance.advance(3.5)
        assert [client.order(price="59000").status_code for _ in range(2)] == [200, 200]
        refused = client.order(price="59000")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
        assert refused.json() == {
            "code": -1015,
            "msg": "Too many new orders; current limit is 2 orders per 10 SECOND.",
        }
        binance.advance(6.5)
        assert [client.order(price="59000").status_code for _ in range(3)] == [200, 200, 429]
        binance.advance(10)
        refused = client.order(price="59000")
        assert refused.json()["msg"] == "Too many new orders; current limit is 4 orders per 1 DAY."
        assert len(binance.orders()) == 4


def test_each_account_has_its_own_orders():
    binance, client = client_of(order_limits=(1, 100))
    with binance, client, RestClient(binance, *binance.add_account("other")) as other:
        assert client.order(price="59000").status_code == 200
        assert client.order(price="59000").status_code == 429
        assert other.order(price="59000").status_code == 200


def replaced(client, number, **how):
    return client.signed(
        "POST",
        "/api/v3/order/cancelReplace",
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.01",
        price="58000",
        cancelOrderId=number,
        cancelReplaceMode="STOP_ON_FAILURE",
        **how,
    )


def test_with_too_many_orders_a_replacement_cancels_only_where_that_is_wanted():
    binance, client = client_of(order_limits=(1, 100))
    with binance, client:
        number = client.order(price="59000").json()["orderId"]
        refused = replaced(client, number)
        assert (refused.status_code, refused.json()["code"]) == (429, -1015)
        assert [order.status for order in binance.orders()] == ["NEW"]
        partly = replaced(client, number, orderRateLimitExceededMode="CANCEL_ONLY")
        assert (partly.status_code, partly.json()["code"]) == (429, -2021)
        assert partly.json()["data"]["cancelResult"] == "SUCCESS"
        assert partly.json()["data"]["newOrderResponse"] == {
            "code": -1015,
            "msg": "Too many new orders; current limit is 1 orders per 10 SECOND.",
        }
        assert [order.status for order in binance.orders()] == ["CANCELED"]
        failed = replaced(client, number, orderRateLimitExceededMode="CANCEL_ONLY")
        assert (failed.status_code, failed.json()["code"]) == (429, -2022)
        assert failed.json()["data"]["newOrderResult"] == "NOT_ATTEMPTED"


def test_a_replacement_that_cannot_be_one_counts_nothing(still):
    number = still.order(price="59000").json()["orderId"]
    refused = replaced(still, number, stopPrice="59000")
    assert (refused.status_code, refused.json()["code"]) == (400, -1106)
    assert used(still) == (1, 1)
    assert [order.status for order in still.binance.orders()] == ["NEW"]


def test_a_replacement_counts_though_it_is_not_attempted(still):
    assert replaced(still, 1).status_code == 400
    assert used(still) == (1, 1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"weight_limit": 0}, "weight_limit is at least 1, got 0"),
        ({"order_limits": (1, 0)}, "order_limits is at least 1, got 0"),
        ({"raw_limit": 0}, "raw_limit is at least 1, got 0"),
        ({"index_lag": -1}, "index_lag is in seconds, at least 0, got -1"),
        ({"index_lag": float("nan")}, "index_lag is in seconds, at least 0, got nan"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(how, message):
    with pytest.raises(ValidationError) as raised:
        SimulatedBinance(**how)
    assert str(raised.value) == message
