"""Many clients, slow ones, rude ones: each has its own connection, and nobody else suffers."""

import socket
import struct
import threading

import pytest
import requests
import websocket
from tests.binance.stream_client import SECONDS, StreamClient, Trader, subscribed

from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.stream import connection


@pytest.fixture
def binance():
    with SimulatedBinance(connection_limit=None) as running:
        yield running


@pytest.fixture
def trader(binance):
    return Trader(binance)


def test_a_hundred_connections_are_told_the_same(binance, trader):
    clients = [subscribed(binance, trader) for _ in range(50)]
    clients += [StreamClient(f"{binance.stream_url}/ws/btcusdt@trade") for _ in range(50)]
    try:
        trader.buy("0.01", "60000.01", newClientOrderId="one")
        own = [client.events(3) for client in clients[:50]]
        market = [client.receive() for client in clients[50:]]
    finally:
        for client in clients:
            client.close()

    assert all(each == own[0] for each in own)
    assert [event.get("x") for event in own[0]] == ["NEW", "TRADE", None]
    assert all(each == market[0] for each in market)


def test_clients_come_trade_and_go_all_at_once(binance):
    """No event is lost or told to another, whoever else comes and goes meanwhile."""
    names = [f"trader{number}" for number in range(8)]
    traders = {name: Trader(binance, *binance.add_account(name)) for name in names}
    told = {}

    def session(name):
        events = []
        for number in range(3):
            with subscribed(binance, traders[name]) as client:
                traders[name].buy("0.01", "60000.01", newClientOrderId=f"{name}-{number}")
                events += client.events(3)
        told[name] = [event["c"] for event in events if event["e"] == "executionReport"]

    threads = [threading.Thread(target=session, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert told == {
        name: [f"{name}-{number}" for number in range(3) for _ in ("NEW", "TRADE")]
        for name in names
    }


def test_who_does_not_read_is_cut_off_and_the_others_are_told(binance, trader, monkeypatch):
    monkeypatch.setattr(connection, "MOST_WAITING", 1000)
    with (
        StreamClient(f"{binance.stream_url}/ws/btcusdt@trade") as deaf,
        StreamClient(f"{binance.stream_url}/ws/btcusdt@trade") as other,
    ):
        deaf.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        count = 0
        listening = threading.Thread(
            target=lambda: other.until(lambda message: message["q"] == "1.00000000")
        )
        listening.start()
        while binance.act(lambda: len(binance._streams._connected)) == 2:
            count += 1
            assert count < 10_000
            for _ in range(50):
                binance.call(
                    lambda venue: venue.print(
                        "BTCUSDT", venue.last("BTCUSDT"), _least(venue), buyer_is_maker=True
                    )
                )
        trader.buy("1", "60000.01")
        listening.join(SECONDS)
        assert not listening.is_alive()


def _least(venue):
    return venue.rules("BTCUSDT").step


def test_a_message_in_pieces_is_one_message(binance):
    with StreamClient(binance.ws_api_url) as client:
        text = '{"id": 1, "method": "ping"}'
        pieces = (
            (text[:5], websocket.ABNF.OPCODE_TEXT, 0),
            (text[5:9], websocket.ABNF.OPCODE_CONT, 0),
            (text[9:], websocket.ABNF.OPCODE_CONT, 1),
        )
        for piece, opcode, is_last in pieces:
            client.socket.send_frame(websocket.ABNF.create_frame(piece, opcode, is_last))
            if not is_last:
                client.socket.ping("between")

        answers = [client.socket.recv_data(control_frame=True) for _ in range(3)]
        assert answers[:2] == [(websocket.ABNF.OPCODE_PONG, b"between")] * 2
        assert b'"status":200' in answers[2][1]


@pytest.mark.parametrize("byte_by_byte", [False, True])
def test_half_a_frame_and_then_nothing_hurts_nobody(binance, byte_by_byte):
    rude = StreamClient(binance.ws_api_url)
    frame = websocket.ABNF.create_frame("x" * 100, websocket.ABNF.OPCODE_TEXT).format()
    half = frame[: len(frame) // 2]
    for piece in (half[at : at + 1] for at in range(len(half))) if byte_by_byte else [half]:
        rude.socket.sock.sendall(piece)
    rude.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    rude.socket.shutdown()  # with a reset

    with StreamClient(binance.ws_api_url) as client:
        assert client.ask("ping")["status"] == 200


def test_a_frame_that_says_it_is_longer_than_all_is_the_end(binance):
    with StreamClient(binance.ws_api_url) as client:
        client.socket.sock.sendall(b"\x81\xff" + (2**62).to_bytes(8, "big") + b"mask")

        assert client.is_closed()


@pytest.mark.parametrize("path", ["/ws-api/v3", "/ws", "/ws/btcusdt@trade", "/stream"])
def test_who_speaks_http_there_is_told_to_upgrade(binance, path):
    answer = requests.get(binance.url + path, timeout=SECONDS)

    assert answer.status_code == 400
    assert "WebSocket" in answer.text


def test_a_server_that_stops_ends_all_connections():
    with SimulatedBinance() as binance:
        clients = [subscribed(binance), StreamClient(f"{binance.stream_url}/stream")]
    for client in clients:
        assert client.is_closed()
        client.close()


def test_a_server_starts_again_with_its_streams(binance):
    binance.stop()
    binance.start()

    trader = Trader(binance)
    with subscribed(binance, trader) as client:
        trader.buy("0.01", "60000.01")
        assert len(client.events(3)) == 3
