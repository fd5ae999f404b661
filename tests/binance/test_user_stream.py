"""The user data stream of a broker: lost, silent, late, double or out of order, and had again."""

import contextlib
import json
import socket
import threading

import pytest
from tests.binance.trading import broker_at, limit, requests, sent, trading

from nanobook_binance import lifeline, user_stream
from nanobook_binance.simulator import Fault
from nanobook_binance.user_stream import UserStream
from nanobook_core.contracts import (
    AuthenticationError,
    ConnectError,
    ConnectionState,
    NotConnectedError,
    OrderState,
    Outcome,
)
from nanobook_core.testing.broker_bench import BrokerBench

READY, LINK_DOWN = ConnectionState.READY, ConnectionState.LINK_DOWN
GIVE_UP_SECONDS = 60.0
bench = BrokerBench()
bench.patience = GIVE_UP_SECONDS
eventually = bench.eventually


@pytest.fixture
def market():
    with trading() as market:
        yield market


@pytest.fixture
def broker(market):
    with broker_at(market) as broker:
        yield broker


def test_a_stream_that_ends_is_opened_again_by_itself(market, broker):
    heard = []
    broker.subscribe(heard.append)
    broker.submit_order(limit())
    market.binance.drop_streams()
    eventually(lambda: broker.connection().state is LINK_DOWN)
    assert "simulator: " in broker.connection().detail
    market.binance.fill(1001, 8, symbol="BTCUSDT")
    eventually(lambda: broker.connection().state is READY)
    assert broker.order_status("a").state is OrderState.FILLED
    assert [fill.quantity for fill in broker.resync().missed_fills] == [8]
    assert broker.resync().missed_fills == ()
    states = [event.connection.state for event in heard if event.connection is not None]
    assert [state.value for state in states] == ["link_down", "syncing", "ready"]


def test_while_it_is_down_nothing_is_sent_and_everything_is_cancelled_and_told(market, broker):
    broker.submit_order(limit("a"))
    broker.submit_order(limit("b", price="94"))
    stream = broker._line._stream
    stream._subscribe = refuse
    market.binance.drop_streams()
    eventually(lambda: broker.connection().state is LINK_DOWN)
    with pytest.raises(NotConnectedError, match=r"link_down.*once the user data stream") as caught:
        broker.submit_order(limit("c"))
    assert caught.value.outcome is Outcome.NOT_SENT
    market.binance.fill(1002, 8, symbol="BTCUSDT")
    assert broker.order_status("b").state is OrderState.FILLED
    broker.cancel_order("a")
    assert broker.open_orders() == []
    assert broker.positions()[0].symbol == "BTC"
    assert broker.quote("BTC").bid is not None
    assert sent(market) == ["a", "b"]
    del stream._subscribe
    broker.connect()
    assert broker.connection().state is READY
    assert broker.submit_order(limit("c")) == 1003


def refuse(_):
    raise ConnectError("not now")


@pytest.mark.parametrize(
    "fault",
    [Fault.STREAM_DROP, Fault.STREAM_TERMINATED, Fault.SERVER_SHUTDOWN, Fault.STREAM_SILENT],
)
def test_what_a_stream_does_not_tell_is_asked_for(market, monkeypatch, fault):
    monkeypatch.setattr(UserStream, "silence", 0.1)
    monkeypatch.setattr(UserStream, "patience", 0.1)
    with broker_at(market) as broker:
        broker.submit_order(limit())
        market.binance.inject(fault)
        market.binance.fill(1001, 8, symbol="BTCUSDT")
        eventually(lambda: broker.order_status("a").state is OrderState.FILLED)
        eventually(lambda: broker.connection().state is READY)
        assert [fill.quantity for fill in broker.fills()] == [8]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.STREAM_DUPLICATE,
        Fault.STREAM_REORDERED,
        Fault.STREAM_LATE,
        Fault.ACK_BEFORE_STREAM_EVENT,
        Fault.ACK_AFTER_STREAM_EVENT,
    ],
)
def test_what_a_stream_tells_double_late_or_out_of_order_counts_once(market, broker, fault):
    heard = []
    broker.subscribe(heard.append)
    market.binance.inject(fault, times=3)
    broker.submit_order(limit("a", price="101"))
    broker.submit_order(limit("b"))
    broker.cancel_order("b")
    broker.submit_order(limit("c", price="101", symbol="ETH"))
    eventually(lambda: len([e for e in heard if e.order and e.order.state.is_terminal]) >= 3)
    states = [broker.order_status(name).state.value for name in "abc"]
    assert states == ["filled", "cancelled", "filled"]
    assert [fill.client_order_id for fill in broker.fills()] == ["a", "c"]
    told = [event.fill.exec_id for event in heard if event.fill is not None]
    assert len(told) == len(set(told)) == 2
    ends = [e.order.client_order_id for e in heard if e.order and e.order.state.is_terminal]
    assert sorted(ends) == ["a", "b", "c"]


def test_a_silent_line_that_answers_pings_is_no_lost_one(market, monkeypatch):
    monkeypatch.setattr(UserStream, "silence", 0.01)
    with broker_at(market) as broker:
        heard = []
        broker.subscribe(heard.append)
        threading.Event().wait(0.3)
        assert broker.connection().state is READY
        assert heard == []


class Pauses:
    """Chance that notes how long is waited at most, and has it be nothing."""

    def __init__(self):
        self.seconds = []

    def uniform(self, *_):
        return self

    def __rmul__(self, seconds):
        self.seconds.append(seconds)
        return 0.0


@pytest.mark.parametrize(
    ("fails", "steady", "longest"),
    [
        ("_subscribe", 0.0, [1, 2, 4, 8, 16, 32, 60, 60]),
        ("_subscribe", 60.0, [1, 2, 4, 8, 16, 32, 60, 60]),
        ("_listen", 60.0, [1, 2, 4, 8, 16, 32, 60, 60]),
        ("_listen", 0.0, [1, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_the_pauses_double_until_a_stream_was_up_for_a_while(
    broker, monkeypatch, fails, steady, longest
):
    monkeypatch.setattr(UserStream, "steady", steady)
    stream, pauses = broker._line._stream, Pauses()
    monkeypatch.setattr(user_stream, "random", pauses)
    monkeypatch.setattr(stream, fails, refuse)
    stream.cut()
    eventually(lambda: len(pauses.seconds) >= len(longest))
    assert pauses.seconds[: len(longest)] == longest


def test_keys_that_were_revoked_are_told_at_once(market):
    broker = broker_at(market)
    market.binance.revoke_key(market.binance.api_key)
    with pytest.raises(AuthenticationError):
        broker.connect()
    assert broker.connection().state is ConnectionState.DISCONNECTED


def test_an_address_without_a_stream_is_told_with_what_goes_without(market):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    broker = broker_at(market, ws_url=f"ws://127.0.0.1:{closed}/ws-api/v3")
    with pytest.raises(ConnectError, match=r"did not get ready.*stream=False goes without it"):
        broker.connect(timeout=1)
    assert broker.connection().state is ConnectionState.DISCONNECTED
    hasty = broker_at(market, ws_url=f"ws://127.0.0.1:{closed}/ws-api/v3", timeout=0.5)
    with pytest.raises(ConnectError, match=r"did not get ready within [01]\.\d s"):
        hasty.connect()
    with broker_at(market, stream=False) as polled:
        assert polled.submit_order(limit()) == 1001


def test_a_disconnected_broker_leaves_no_thread_behind(market):
    broker = broker_at(market)
    for _ in range(3):
        broker.connect()
        broker.disconnect()
    ours = ("nanobook-binance", "nanobook-events")
    eventually(lambda: not [one for one in threading.enumerate() if one.name in ours])


def test_no_secret_is_in_what_goes_wrong_with_the_stream(market, broker, caplog):
    heard = []
    broker.subscribe(heard.append)
    for fault in (Fault.STREAM_TERMINATED, Fault.STREAM_DROP):
        market.binance.inject(fault)
        market.submit_foreign("BTC", "buy", 1, 95)
        eventually(lambda: broker.connection().state is READY and market.binance.log)
        broker.cancel_all(scope="all")
    shown = json.dumps([str(event) for event in heard]) + caplog.text
    for secret in (market.binance.api_key, market.binance.secret_key):
        assert secret not in shown


def test_the_stream_of_an_ended_connection_says_nothing_of_the_next_one(market, monkeypatch):
    monkeypatch.setattr(lifeline, "_PATIENCE", 0.1)
    broker, heard = broker_at(market), []
    broker.subscribe(heard.append)
    old, may_answer = left_asking(broker)
    monkeypatch.setattr(UserStream, "_subscribe", lambda *_: refuse(None))
    second = threading.Thread(target=connect, args=[broker, GIVE_UP_SECONDS])
    second.start()
    eventually(lambda: broker.connection().state is LINK_DOWN)
    may_answer.set()
    old.join(GIVE_UP_SECONDS)
    assert broker.connection().state is LINK_DOWN
    assert "not now" in broker.connection().detail
    monkeypatch.undo()
    broker._line._stream.hurry()
    second.join()
    assert broker.connection().state is READY
    eventually(lambda: heard and heard[-1].connection.state is READY)
    assert [event.connection.state for event in heard].count(READY) == 1
    broker.disconnect()


def test_orders_are_cancelled_while_others_are_compared(market):
    with broker_at(market, timeout=10 * GIVE_UP_SECONDS) as broker:
        broker.submit_order(limit("a"))
        broker.submit_order(limit("b"))
        ask, may_answer = broker._resolution.open_orders, threading.Event()
        broker._resolution.open_orders = lambda: may_answer.wait(10 * GIVE_UP_SECONDS) and ask()
        market.binance.drop_streams()
        eventually(lambda: broker.connection().state is ConnectionState.SYNCING)
        one = threading.Thread(target=broker.cancel_order, args=["a"])
        all_of_them = threading.Thread(target=broker.cancel_all)
        try:
            for thread, number in ((one, 1), (all_of_them, 2)):
                thread.start()
                eventually(lambda number=number: len(requests(market, "DELETE", "order")) == number)
        finally:
            may_answer.set()
        one.join()
        all_of_them.join()
        assert [order.status for order in market.binance.orders()] == ["CANCELED", "CANCELED"]


def test_an_answer_to_an_ended_connection_is_none_to_the_next_one(market, monkeypatch):
    monkeypatch.setattr(lifeline, "_PATIENCE", 0.1)
    broker = broker_at(market)
    market.submit_foreign("BTC", "buy", 1, 95)
    old, may_answer = left_asking(broker)
    market.binance.server_cancel("BTCUSDT", 1001)
    with broker:
        assert broker.open_orders("all") == []
        may_answer.set()
        old.join(GIVE_UP_SECONDS)
        assert broker.open_orders("all") == []


def left_asking(broker):
    """Return a stream whose connection ended while it waits for an answer, and what gives it."""
    is_asked, may_answer = threading.Event(), threading.Event()
    ask = broker._resolution.open_orders

    def answer_late():
        told = ask()
        is_asked.set()
        assert may_answer.wait(GIVE_UP_SECONDS)
        return told

    broker._resolution.open_orders = answer_late
    connecting = threading.Thread(target=connect, args=[broker])
    connecting.start()
    assert is_asked.wait(GIVE_UP_SECONDS)
    stream = broker._line._stream
    connecting.join()
    assert broker.connection().state is ConnectionState.DISCONNECTED
    del broker._resolution.open_orders
    return stream, may_answer


def connect(broker, timeout=0.5):
    with contextlib.suppress(ConnectError):
        broker.connect(timeout)
