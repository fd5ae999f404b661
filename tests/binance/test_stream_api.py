"""The WebSocket API asks what REST asks, and is answered the same, with limits and in words."""

import json
from pathlib import Path

import pytest
import websocket
from tests.binance.stream_client import StreamClient, Trader, subscribed
from tests.binance.venue_bench import StandingClock

from nanobook_binance.simulator import SimulatedBinance, Venue
from nanobook_binance.simulator.stream.api_method import METHODS
from nanobook_binance.simulator.stream.connection import MAX_MESSAGE

REFUSALS = json.loads(
    (Path(__file__).parents[1] / "data" / "binance" / "stream_api_refusals.json").read_text()
)
WEIGHT = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}
#: Methods that change nothing, and what is asked with them.
PUBLIC = {
    "ping": {},
    "time": {},
    "exchangeInfo": {"symbols": ["BTCUSDT", "ETHBTC"]},
    "depth": {"symbol": "BTCUSDT", "limit": 5},
    "trades.recent": {"symbol": "BTCUSDT"},
    "trades.historical": {"symbol": "BTCUSDT"},
    "trades.aggregate": {"symbol": "BTCUSDT"},
    "klines": {"symbol": "BTCUSDT", "interval": "1m"},
    "uiKlines": {"symbol": "BTCUSDT", "interval": "1m"},
    "avgPrice": {"symbol": "BTCUSDT"},
    "ticker.24hr": {"symbol": "BTCUSDT"},
    "ticker.tradingDay": {"symbol": "BTCUSDT"},
    "ticker": {"symbol": "BTCUSDT", "windowSize": "1d"},
    "ticker.price": {"symbol": "BTCUSDT"},
    "ticker.book": {"symbols": ["BTCUSDT", "ETHBTC"]},
}
SIGNED = {
    "order.status": {"symbol": "BTCUSDT", "orderId": 1001},
    "openOrders.status": {"symbol": "BTCUSDT"},
    "account.status": {"omitZeroBalances": True},
    "account.rateLimits.orders": {},
    "account.commission": {"symbol": "BTCUSDT"},
    "allOrders": {"symbol": "BTCUSDT"},
    "myTrades": {"symbol": "BTCUSDT"},
    "myPreventedMatches": {"symbol": "BTCUSDT", "orderId": 1001},
    "order.amendments": {"symbol": "BTCUSDT", "orderId": 1001},
}
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture
def binance():
    with SimulatedBinance(Venue(clock=StandingClock())) as running:
        yield running


@pytest.fixture
def trader(binance):
    return Trader(binance)


@pytest.fixture
def client(binance):
    with StreamClient(binance.ws_api_url) as connected:
        yield connected


def as_query(params):
    return {
        name: json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value
        for name, value in params.items()
    }


@pytest.mark.parametrize("method", PUBLIC)
def test_a_public_question_has_the_answer_that_rest_has(client, trader, method):
    trader.buy("0.01", "60000.01")
    params = PUBLIC[method]

    answer = client.ask(method, **params)

    assert answer["status"] == 200, answer
    assert answer["result"] == trader.public(METHODS[method][1], **as_query(params))


@pytest.mark.parametrize("method", SIGNED)
def test_a_signed_question_has_the_answer_that_rest_has(client, trader, method):
    trader.buy("0.01", "50000")
    trader.buy("0.01", "60000.01")
    params = SIGNED[method]

    answer = client.ask(method, **trader.signed(**params))

    assert answer["status"] == 200, answer
    assert answer["result"] == trader.rest(*METHODS[method], **params)


def test_every_question_is_asked_here():
    changing = {
        "order.place",
        "order.test",
        "order.cancel",
        "order.cancelReplace",
        "order.amend.keepPriority",
        "openOrders.cancelAll",
    }
    unserved = {name for name in METHODS if name.startswith(("orderList", "sor.", "openOrderL"))}
    others = {"allOrderLists", "myAllocations", "myFilters", "executionRules", "referencePrice"}
    assert set(METHODS) == {*PUBLIC, *SIGNED, *changing, *unserved, *others}


def test_an_order_is_placed_made_smaller_replaced_and_cancelled(client, trader):
    def ask(method, **params):
        answer = client.ask(method, **trader.signed(**params))
        assert answer["status"] == 200, answer
        return answer["result"]

    assert ask("order.test", **ORDER, quantity="0.02", price="50000") == {}
    order = ask("order.place", **ORDER, quantity="0.02", price="50000", newClientOrderId="mine")
    assert (order["orderId"], order["clientOrderId"], order["status"]) == (1001, "mine", "NEW")

    which = {"symbol": "BTCUSDT", "orderId": 1001}
    amended = ask("order.amend.keepPriority", **which, newQty="0.01")["amendedOrder"]
    assert (amended["qty"], amended["origClientOrderId"]) == ("0.01000000", "mine")

    replaced = ask(
        "order.cancelReplace",
        **ORDER,
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=1001,
        quantity="0.01",
        price="50001",
    )
    assert (replaced["cancelResult"], replaced["newOrderResult"]) == ("SUCCESS", "SUCCESS")

    cancelled = ask("order.cancel", symbol="BTCUSDT", orderId=1002)
    assert cancelled["status"] == "CANCELED"
    ask("order.place", **ORDER, quantity="0.01", price="50002")
    assert [each["orderId"] for each in ask("openOrders.cancelAll", symbol="BTCUSDT")] == [1003]
    assert ask("openOrders.status") == []


def test_a_replacement_that_half_succeeds_says_which_half(client, trader):
    trader.buy("0.01", "50000")

    answer = client.ask(
        "order.cancelReplace",
        **trader.signed(
            **ORDER,
            cancelReplaceMode="STOP_ON_FAILURE",
            cancelOrderId=1001,
            quantity="100",
            price="50000",
        ),
    )

    assert answer["status"] == 409
    assert answer["error"]["code"] == -2021
    data = answer["error"]["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == ("SUCCESS", "FAILURE")
    assert data["newOrderResponse"]["code"] == -2010


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row["name"])
def test_what_cannot_be_is_refused_in_the_vendors_words(client, row):
    client.send(row["sent"])

    answer = client.receive()

    assert {name: answer[name] for name in ("id", "status", "error")} == {
        "id": row.get("id"),
        "status": row.get("status", 400),
        "error": row["error"],
    }
    assert client.ask("ping")["status"] == 200


@pytest.mark.parametrize("frame", [b"\xff\xfe\x00", b'{"id": 1, "method": "ping"'])
def test_bytes_that_are_no_json_are_refused(client, frame):
    client.socket.send_binary(frame)

    assert client.receive()["error"] == {"code": -1135, "msg": "Invalid JSON Request"}


def test_a_binary_frame_of_json_is_a_request_too(client):
    client.socket.send_binary(b'{"id": 1, "method": "ping"}')

    assert client.receive()["result"] == {}


@pytest.mark.parametrize(
    "request_id", [1, -5, None, "", "a", "e2a85d9f-07a5-4f94-8d5f-789dc3deb097", 2**63 - 1]
)
def test_an_answer_has_the_id_of_its_request(client, request_id):
    client.send({"id": request_id, "method": "ping"})

    answer = client.receive()

    assert (answer["id"], answer["status"]) == (request_id, 200)


def test_a_method_may_be_called_with_its_version(client):
    assert client.ask("v3/time")["result"] == client.ask("time")["result"]


def test_numbers_are_signed_as_they_are_written(client, trader, binance):
    """The vendor takes decimals as JSON numbers too; `0.010` is not `0.01` under a signature."""
    now = trader.now()
    rest = f"side=BUY&symbol=BTCUSDT&timeInForce=GTC&timestamp={now}&type=LIMIT"
    signature = trader.keys.sign(f"apiKey={trader.api_key}&price=5e4&quantity=0.010&{rest}")
    text = json.dumps({**ORDER, "apiKey": trader.api_key, "timestamp": now})
    signed = f'{text[:-1]}, "quantity": 0.010, "price": 5e4, "signature": "{signature}"}}'

    client.send(f'{{"id": 1, "method": "order.place", "params": {signed}}}')

    answer = client.receive()
    assert answer["error"]["code"] == -1100  # signed rightly, but no price is written so
    assert "'price'" in answer["error"]["msg"]
    assert binance.orders() == []


def test_limits_are_told_unless_they_are_not_wanted(binance, client, trader):
    assert client.ask("ping")["rateLimits"] == [{**WEIGHT, "count": 3}]  # 2 to connect
    assert "rateLimits" not in client.ask("ping", returnRateLimits=False)
    order = {**ORDER, "quantity": "0.01", "price": "50000"}
    limits = client.ask("order.place", **trader.signed(**order))["rateLimits"]
    assert [(row["rateLimitType"], row["interval"], row["count"]) for row in limits] == [
        ("ORDERS", "SECOND", 1),
        ("ORDERS", "DAY", 1),
        ("REQUEST_WEIGHT", "MINUTE", 5),  # and one question for the time
    ]

    with StreamClient(binance.ws_api_url + "?returnRateLimits=false") as quiet:
        assert "rateLimits" not in quiet.ask("ping")
        assert "rateLimits" in quiet.ask("ping", returnRateLimits=True)
        signed = trader.signed(returnRateLimits=True)
        assert "rateLimits" in quiet.ask("account.rateLimits.orders", **signed)


def test_too_much_weight_is_refused_with_when_to_come_back():
    venue = Venue(clock=StandingClock())
    with SimulatedBinance(venue, weight_limit=30) as binance:
        with StreamClient(binance.ws_api_url) as client:
            client.ask("exchangeInfo")
            now = venue.now_ms()
            answer = client.ask("exchangeInfo")
            assert answer["status"] == 429
            assert answer["error"]["code"] == -1003
            assert answer["error"]["data"] == {"serverTime": now, "retryAfter": now + 60_000}
            for _ in range(3):
                answer = client.ask("exchangeInfo")
            assert answer["status"] == 418
            assert answer["error"]["data"]["retryAfter"] == now + 120_000
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            StreamClient(binance.ws_api_url)
        assert caught.value.status_code == 418
        assert caught.value.resp_headers["retry-after"] == "120"


def test_too_many_orders_are_refused_with_when_to_come_back(trader):
    venue = Venue(clock=StandingClock())
    with SimulatedBinance(venue, order_limits=(1, 100)) as binance:
        trader = Trader(binance)
        with StreamClient(binance.ws_api_url) as client:
            order = {**ORDER, "quantity": "0.01", "price": "50000"}
            assert client.ask("order.place", **trader.signed(**order))["status"] == 200
            answer = client.ask("order.place", **trader.signed(**order))
        assert (answer["status"], answer["error"]["code"]) == (429, -1015)
        assert answer["error"]["data"]["retryAfter"] == venue.now_ms() + 10_000


def test_an_address_connects_so_often_and_again_when_five_minutes_have_passed():
    clock = StandingClock()
    with SimulatedBinance(Venue(clock=clock), connection_limit=2) as binance:
        urls = (binance.ws_api_url, f"{binance.stream_url}/ws/btcusdt@trade")
        for url in urls:
            with StreamClient(url):
                pass
        for url in urls:
            with pytest.raises(websocket.WebSocketBadStatusException) as caught:
                StreamClient(url)
            assert caught.value.status_code == 429
            assert caught.value.resp_headers["retry-after"] == "300"
        clock.sleep(300)
        with StreamClient(urls[0]) as client:
            assert client.ask("ping")["status"] == 200


def test_a_message_that_is_too_long_ends_the_connection(client):
    client.send(json.dumps({"id": "x" * MAX_MESSAGE, "method": "ping"}))

    assert client.is_closed()


def test_pings_of_the_client_are_answered(client):
    client.socket.ping(b"are you there")

    opcode, data = client.socket.recv_data(control_frame=True)

    assert (opcode, data) == (websocket.ABNF.OPCODE_PONG, b"are you there")


@pytest.mark.parametrize(
    ("unit", "code"), [("MICROSECOND", -1020), ("microsecond", -1020), ("HOUR", -1194)]
)
def test_a_unit_of_time_that_is_not_served_is_refused_at_once(binance, unit, code):
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        StreamClient(f"{binance.ws_api_url}?timeUnit={unit}")

    assert caught.value.status_code == 400
    assert json.loads(caught.value.resp_body)["code"] == code


def test_requests_are_in_the_log_without_their_secrets(binance, client, trader):
    order = {**ORDER, "quantity": "0.01", "price": "50000"}
    client.ask("order.place", **trader.signed(**order))

    (logged,) = [each for each in binance.log if each.method == "WS"]

    assert (logged.path, logged.account, logged.status) == ("order.place", "default", 200)
    assert logged.answer["orderId"] == 1001
    assert trader.api_key not in str(logged)
    assert "signature" not in logged.parameters


def test_an_order_over_the_socket_is_told_on_its_stream(binance, trader):
    with subscribed(binance, trader) as client:
        order = {**ORDER, "quantity": "0.01", "price": "60000.01"}
        client.send({"id": 1, "method": "order.place", "params": trader.signed(**order)})
        messages = [client.receive() for _ in range(4)]

    told = [message["event"].get("x", "balances") for message in messages if "event" in message]
    assert told == ["NEW", "TRADE", "balances"]
    assert [each["result"]["status"] for each in messages if "result" in each] == ["FILLED"]
