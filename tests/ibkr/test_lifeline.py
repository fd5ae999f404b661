"""A broker's connection from its beginning to its end, whatever comes between."""

import signal
import socket
import threading
import time

import pytest

from nanobook_core.contracts import BrokerOrder, ConnectError, ConnectionState, NotConnectedError
from nanobook_core.testing.broker_bench import BrokerBench
from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator import SimulatedGateway

eventually = BrokerBench().eventually


@pytest.fixture
def gateway():
    with SimulatedGateway(messages_per_second=None) as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        yield gateway


@pytest.fixture
def broker(gateway, tmp_path):
    broker = IbkrBroker(gateway.host, gateway.port, state=tmp_path / "orders.sqlite")
    yield broker
    broker.disconnect()


def threads():
    """Names of those that a connection has, and that run."""
    ours = ("nanobook-ibkr", "nanobook-events")
    return [thread.name for thread in threading.enumerate() if thread.name in ours]


needs_alarm = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signal here")
#: An interrupt within a weak reference's callback is none: Python only warns of it.
ignored = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def is_interrupted(function, seconds):
    """Call it, with a Ctrl-C after so long if it takes that long; say whether that came."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            function()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    finally:
        signal.signal(signal.SIGALRM, before)
    return False


@needs_alarm
@ignored
def test_an_interrupt_does_not_keep_a_connection_from_ending(broker):
    interrupted = 0
    for tenths in (1, 2, 3, 5, 8, 13, 21, 34) * 2:
        broker.connect()
        assert broker.connection().state is ConnectionState.READY
        interrupted += is_interrupted(broker.disconnect, tenths / 10_000)
        broker.disconnect()
        assert broker.connection().state is ConnectionState.DISCONNECTED
        eventually(lambda: threads() == [])
    assert interrupted > 0


@needs_alarm
@ignored
def test_a_connection_whose_making_is_interrupted_is_none(broker):
    interrupted = 0
    for tenths in range(5, 300, 12):
        interrupted += is_interrupted(broker.connect, tenths / 10_000)
        broker.disconnect()
        eventually(lambda: threads() == [])
    assert interrupted > 0
    broker.connect()
    assert broker.submit_order(BrokerOrder("AAPL", "buy", 1, "limit", 95)) > 0


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(monkeypatch):
    is_over, is_asked = threading.Event(), threading.Event()

    def look_up(*_, **__):
        is_asked.set()
        is_over.wait(20)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(ConnectError, match=r"failed to connect to tws\.example:4002: its name was"):
        IbkrBroker("tws.example", timeout=0.2).connect()
    assert is_asked.is_set()
    assert not is_over.is_set()
    assert threads() == []
    is_over.set()


def test_a_callback_makes_no_connection_that_others_have_just_ended(broker):
    is_called, is_ended, answers = threading.Event(), threading.Event(), []

    def callback(event):
        if event.order is None or is_called.is_set():
            return
        is_called.set()
        is_ended.wait(20)
        try:
            broker.connect()
        except NotConnectedError as error:
            answers.append(str(error))

    broker.connect()
    broker.subscribe(callback)
    broker.submit_order(BrokerOrder("AAPL", "buy", 1, "limit", 95))
    assert is_called.wait(20)
    ending = threading.Thread(target=broker.disconnect)
    ending.start()
    while "nanobook-ibkr" in threads():
        time.sleep(0.001)
    is_ended.set()
    ending.join(20)
    assert len(answers) == 1
    assert "makes no new one" in answers[0]
    assert broker.connection().state is ConnectionState.DISCONNECTED
