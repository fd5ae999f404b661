"""Market streams: what each says, when, and to whom."""

from decimal import Decimal

import pytest
import websocket
from tests.binance.stream_client import StreamClient, Trader
from tests.binance.venue_bench import START_MS, StandingClock

from nanobook_binance.simulator import SimulatedBinance, Venue

START = START_MS


@pytest.fixture
def clock():
    return StandingClock()


@pytest.fixture
def binance(clock):
    with SimulatedBinance(Venue(clock=clock)) as running:
        yield running


@pytest.fixture
def trader(binance):
    return Trader(binance)


@pytest.fixture
def listen(binance):
    """Opens streams, as often as it is asked to."""
    clients = []

    def listening(path):
        clients.append(StreamClient(binance.stream_url + path))
        return clients[-1]

    yield listening
    for client in clients:
        client.close()


def subscribe(client, *names, method="SUBSCRIBE"):
    client.send({"method": method, "params": names, "id": 9})
    *before, answer = client.until(lambda message: message.get("id") == 9)
    assert answer == {"result": None, "id": 9}
    return before


def is_quiet(client):
    """Whether nothing has come but what is asked for now."""
    return subscribe(client) == []


def test_trades_are_told_one_by_one_and_together_by_their_order(binance, trader, listen):
    binance.set_quote("BTCUSDT", "60000", "60001", ask_size="0.5")
    each, together = listen("/ws/btcusdt@trade"), listen("/ws/btcusdt@aggTrade")
    api_key, secret = binance.add_account("maker")
    Trader(binance, api_key, secret).sell("0.3", "60001")

    trader.buy("0.7", "60001")
    trader.sell("0.1", "60000")

    trade = {"e": "trade", "E": START, "s": "BTCUSDT", "T": START, "M": True}
    assert [each.receive() for _ in range(3)] == [
        {**trade, "t": 5001, "p": "60001.00000000", "q": "0.50000000", "m": False},
        {**trade, "t": 5002, "p": "60001.00000000", "q": "0.20000000", "m": False},
        {**trade, "t": 5003, "p": "60000.00000000", "q": "0.10000000", "m": True},
    ]
    aggregate = {"e": "aggTrade", "E": START, "s": "BTCUSDT", "T": START, "M": True}
    sizes = {"p": "60001.00000000", "q": "0.70000000", "f": 5001, "l": 5002, "m": False}
    last = {"p": "60000.00000000", "q": "0.10000000", "f": 5003, "l": 5003, "m": True}
    assert [together.receive() for _ in range(2)] == [
        {**aggregate, "a": 5001, **sizes},
        {**aggregate, "a": 5003, **last},
    ]
    over_rest = trader.public("/api/v3/aggTrades", symbol="BTCUSDT")
    assert [each["a"] for each in over_rest][-1] == 5003


def test_trades_of_two_orders_are_two_though_they_are_made_at_once(binance, listen):
    client = listen("/ws/btcusdt@aggTrade")

    def trade_twice(venue):
        for _ in range(2):
            venue.print("BTCUSDT", Decimal(60_000), Decimal("0.5"), buyer_is_maker=True)

    binance.call(trade_twice)

    assert [(each["f"], each["l"]) for each in (client.receive(), client.receive())] == [
        (5001, 5001),
        (5002, 5002),
    ]


def test_best_prices_are_told_when_they_change(binance, trader, listen):
    client = listen("/ws/btcusdt@bookTicker")
    trader.buy("0.01", "50000")  # behind them
    binance.set_quote("BTCUSDT", "60001", None, bid_size="0.5")
    trader.buy("0.25", "60001")

    update_id = binance.call(lambda venue: venue.depth("BTCUSDT").last_update_id)
    nothing = {"a": "0.00000000", "A": "0.00000000"}
    first, second = client.receive(), client.receive()
    assert first.pop("u") < update_id
    assert first == {"s": "BTCUSDT", "b": "60001.00000000", "B": "0.50000000", **nothing}
    assert second == {
        "u": update_id,
        "s": "BTCUSDT",
        "b": "60001.00000000",
        "B": "0.75000000",
        **nothing,
    }
    assert is_quiet(client)


@pytest.mark.parametrize("speed", ["@100ms", "", "@1000ms"])
def test_depth_is_told_in_steps_whose_ids_are_those_of_rest(binance, trader, listen, speed):
    client = listen(f"/ws/btcusdt@depth{speed}")
    before = trader.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"]

    order = trader.buy("0.01", "50000")
    binance.advance(1)
    after = trader.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"]
    assert client.receive() == {
        "e": "depthUpdate",
        "E": START + 1000,
        "s": "BTCUSDT",
        "U": before + 1,
        "u": after,
        "b": [["50000.00000000", "0.01000000"]],
        "a": [],
    }

    trader.cancel(order["orderId"])
    binance.advance(1)
    assert client.receive() == {
        "e": "depthUpdate",
        "E": START + 2000,
        "s": "BTCUSDT",
        "U": after + 1,
        "u": after + 1,
        "b": [["50000.00000000", "0.00000000"]],
        "a": [],
    }


def test_the_best_levels_are_told_whole_at_first_and_at_each_change(binance, trader, listen):
    for number in range(7):
        trader.buy("0.01", str(59_000 - number))
    client = listen("/ws/btcusdt@depth5")
    binance.advance(1)
    depth = trader.public("/api/v3/depth", symbol="BTCUSDT", limit=5)
    assert client.receive() == depth
    assert len(depth["bids"]) == 5

    trader.buy("0.01", "59001")
    binance.advance(1)

    assert client.receive() == trader.public("/api/v3/depth", symbol="BTCUSDT", limit=5)


def test_the_days_numbers_are_told_at_first_and_after_a_trade(binance, trader, listen):
    full, mini = listen("/ws/btcusdt@ticker"), listen("/ws/btcusdt@miniTicker")
    binance.advance(1)
    for client in (full, mini):
        assert client.receive()["v"] == "0.00000000"

    trader.buy("0.5", "60000.01")
    binance.advance(1)

    assert full.receive() == {
        "e": "24hrTicker",
        "E": START + 2000,
        "s": "BTCUSDT",
        "p": "0.00000000",
        "P": "0.000",
        "w": "60000.01000000",
        "x": "60000.01000000",
        "c": "60000.01000000",
        "Q": "0.50000000",
        "b": "60000.00000000",
        "B": "9000.00000000",
        "a": "60000.01000000",
        "A": "8999.50000000",
        "o": "60000.01000000",
        "h": "60000.01000000",
        "l": "60000.01000000",
        "v": "0.50000000",
        "q": "30000.00500000",
        "O": START + 2000 - 86_400_000,
        "C": START + 2000,
        "F": 5001,
        "L": 5001,
        "n": 1,
    }
    assert mini.receive() == {
        "e": "24hrMiniTicker",
        "E": START + 2000,
        "s": "BTCUSDT",
        "c": "60000.01000000",
        "o": "60000.01000000",
        "h": "60000.01000000",
        "l": "60000.01000000",
        "v": "0.50000000",
        "q": "30000.00500000",
    }


def test_who_comes_later_is_told_the_days_numbers_too(listen):
    first = listen("/ws/btcusdt@ticker")
    assert first.receive()["s"] == "BTCUSDT"  # a second later, by no clock but the machine's

    assert listen("/ws/btcusdt@ticker").receive()["s"] == "BTCUSDT"


def test_numbers_of_all_symbols_are_told_in_a_list_of_those_that_changed(binance, trader, listen):
    client = listen("/stream?streams=!miniTicker@arr")
    binance.advance(1)
    everything = client.receive()
    assert everything["stream"] == "!miniTicker@arr"
    assert {each["s"] for each in everything["data"]} >= {"BTCUSDT", "ETHUSDT", "ETHBTC"}

    trader.buy("0.5", "60000.01")
    binance.advance(1)

    assert [each["s"] for each in client.receive()["data"]] == ["BTCUSDT"]


@pytest.mark.parametrize(
    ("path", "is_combined"),
    [
        ("/ws/btcusdt@trade", False),
        ("/ws/ethusdt@trade/btcusdt@trade", False),
        ("/stream?streams=btcusdt@trade", True),
        ("/stream?streams=ethusdt@trade/btcusdt@trade", True),
        ("/stream/?streams=btcusdt@trade", True),
    ],
)
def test_streams_are_named_in_the_address(trader, listen, path, is_combined):
    client = listen(path)

    trader.buy("0.01", "60000.01")

    told = client.receive()
    if is_combined:
        assert told["stream"] == "btcusdt@trade"
        told = told["data"]
    assert (told["e"], told["t"]) == ("trade", 5001)


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/0", "/stream", "/stream?streams="])
def test_streams_are_asked_for_afterwards(trader, listen, path):
    client = listen(path)
    trader.buy("0.01", "60000.01")
    subscribe(client, "btcusdt@trade", "ethusdt@trade")

    trader.buy("0.01", "60000.01")

    told = client.receive()
    assert told.get("data", told)["t"] == 5002
    assert subscribe(client, "btcusdt@trade", method="UNSUBSCRIBE") == []
    trader.buy("0.01", "60000.01")
    client.send({"method": "LIST_SUBSCRIPTIONS", "id": 3})
    assert "ethusdt@trade" in client.receive()["result"]


def test_a_connection_is_switched_to_names_and_back(trader, listen):
    client = listen("/ws/btcusdt@trade")
    client.send({"method": "SET_PROPERTY", "params": ["combined", True], "id": 1})
    client.receive()

    trader.buy("0.01", "60000.01")

    assert client.receive()["stream"] == "btcusdt@trade"


def test_nothing_comes_of_symbols_that_are_not_listed(trader, listen):
    client = listen("/stream?streams=xyzusdt@depth/xyzusdt@ticker/btcusdt@kline_1m")

    trader.buy("0.01", "60000.01")

    assert is_quiet(client)


def test_who_says_more_than_five_things_in_a_second_is_cut_off(listen):
    client = listen("/ws")
    message = {"method": "LIST_SUBSCRIPTIONS", "id": 1}
    for _ in range(6):
        client.send(message)

    answers = client.until(lambda found: found is None)

    assert answers == [{"result": [], "id": 1}] * 5 + [None]


def test_pongs_that_nobody_asked_for_are_messages_too(listen):
    client = listen("/ws")
    for _ in range(6):
        client.socket.pong(b"")

    assert client.is_closed()


def test_who_does_not_answer_pings_is_cut_off():
    with SimulatedBinance(ping_seconds=0.05, pong_seconds=0.2) as binance:
        deaf = websocket.create_connection(f"{binance.stream_url}/ws", timeout=60)
        opcodes = []
        try:
            while True:
                frame = deaf.recv_frame()  # which answers nothing
                opcodes.append(frame.opcode)
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            pass
        deaf.shutdown()
    assert set(opcodes) == {websocket.ABNF.OPCODE_PING}


def test_a_connection_that_answers_pings_stays():
    settings = {"ping_seconds": 0.02, "pong_seconds": 30}
    with SimulatedBinance(**settings) as binance, StreamClient(binance.ws_api_url) as client:
        pings = 0
        while pings < 3:
            opcode, _ = client.socket.recv_data(control_frame=True)  # which answers it
            pings += opcode == websocket.ABNF.OPCODE_PING
        assert client.ask("ping")["status"] == 200


def test_all_streams_are_told_that_the_server_shuts_down(binance, listen):
    raw, combined = listen("/ws/btcusdt@trade"), listen("/stream")
    binance.shut_down()

    event = {"e": "serverShutdown", "E": START}
    assert raw.receive() == event
    assert combined.receive() == {"stream": "!serverShutdown", "data": event}
    assert raw.is_closed()
    assert combined.is_closed()


def test_a_stream_that_is_not_modelled_is_said_to_be_none_once(listen, caplog):
    kinds = ("kline_1h@+08:00", "kline_1m", "avgPrice", "ticker_1h")
    names = [*(f"btcusdt@{kind}" for kind in kinds), "!bookTicker", "!ticker_1d@arr"]
    client = listen("/stream?streams=" + "/".join(["0", "btcusdt@trade", "no@such", *names[1:]]))
    for _ in range(2):
        subscribe(client, names[0])
    assert [record.getMessage() for record in caplog.records] == [
        f"nothing comes on the stream {name}: this simulator does not model it"
        for name in (*names[1:], names[0])
    ]
