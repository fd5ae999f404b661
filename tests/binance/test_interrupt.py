"""Ctrl-C in any moment of any call: no order is at the venue that is not in the journal."""

import contextlib
import queue
import signal
import sys
import threading
from functools import partial

import pytest
from tests.binance.trading import broker_at, limit, sent, trading

from nanobook_binance import wire
from nanobook_core.contracts import ConnectionState, OrderState, OutcomeUnknownError
from nanobook_core.testing.broker_bench import BrokerBench

bench = BrokerBench()
bench.patience = 20.0
eventually = bench.eventually

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signal here"),
    # An interrupt within a weak reference's callback is none: Python only warns of it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def market():
    with trading(order_limits=(100_000, 100_000), weight_limit=1_000_000) as market:
        yield market


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


def threads():
    """Those of a connection that run."""
    ours = ("nanobook-binance", "nanobook-events")
    return [one for one in threading.enumerate() if one.name in ours]


def moments(count, most):
    """Return seconds from almost nothing to `most`."""
    return [most * (number + 1) / count for number in range(count)]


@pytest.mark.parametrize("stream", [True, False])
def test_an_interrupted_submit_leaves_no_order_unknown(market, tmp_path, stream):
    state, names, interrupted = tmp_path / "orders.sqlite", [], 0
    with broker_at(market, state=state, stream=stream) as broker:
        for number, seconds in enumerate(moments(60, 0.006)):
            name = f"n{number}"
            names.append(name)
            order = limit(name, quantity=1, symbol="BTC" if number % 2 else "ETH")
            with contextlib.suppress(OutcomeUnknownError):  # one in doubt is beside it
                interrupted += is_interrupted(partial(broker.submit_order, order), seconds)
            market.advance(15)
        assert interrupted > 0
        broker.resync()
        known = {order.client_order_id for order in broker.open_orders()}
        assert known == set(sent(market))
    with broker_at(market, state=state, stream=stream) as later:
        market.advance(15)
        there = set(sent(market))
        for name in names:
            found = later.find_order(name, "BTC" if int(name[1:]) % 2 else "ETH")
            assert (found is not None) == (name in there), name
        assert {order.client_order_id for order in later.open_orders("own")} == there
        assert later.resync().lost == ()


def test_an_interrupted_cancel_is_sent_again_or_was_done(market):
    with broker_at(market) as broker:
        interrupted = 0
        for number, seconds in enumerate(moments(40, 0.004)):
            name = f"n{number}"
            broker.submit_order(limit(name, quantity=1))
            interrupted += is_interrupted(partial(broker.cancel_order, name), seconds)
            if broker.find_order(name).state is not OrderState.CANCELLED:
                broker.cancel_order(name)
            assert broker.order_status(name).state is OrderState.CANCELLED
        assert interrupted > 0
        assert broker.open_orders("all") == []


def test_a_connection_whose_making_or_end_is_interrupted_can_be_made_again(market, tmp_path):
    broker = broker_at(market, state=tmp_path / "orders.sqlite")
    interrupted = 0
    for seconds in moments(30, 0.03):
        interrupted += is_interrupted(broker.connect, seconds)
        interrupted += is_interrupted(broker.disconnect, seconds / 10)
        broker.disconnect()
        assert broker.connection().state is ConnectionState.DISCONNECTED
        eventually(threads, lambda left: not left)
    assert interrupted > 0
    with broker:
        assert broker.submit_order(limit()) == 1001


def interrupted_at(step, function):
    """Call it, with a Ctrl-C at that line of those that keep connections; say whether it came."""
    left = step

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename not in (queue.__file__, threading.__file__, wire.__file__):
            return trace
        if event == "line" and (left := left - 1) == 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


def test_an_interrupted_request_keeps_no_later_one_waiting(market):
    broker = broker_at(market, stream=False)
    broker.connect()
    step = 1
    while interrupted_at(step, broker.account):
        asking = threading.Thread(target=broker.account, daemon=True)
        asking.start()
        asking.join(5)
        assert not asking.is_alive(), step
        step += 1
    assert step > 1
    broker.disconnect()
