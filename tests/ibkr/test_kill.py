"""A program may be killed at any moment: of what it sent nothing is lost and nothing doubled."""

import contextlib
import json
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from tests.ibkr.market import Market

from nanobook_core.contracts import DuplicateOrderError, OrderState
from nanobook_ibkr.broker import IbkrBroker

TRADER = Path(__file__).with_name("dying_trader.py")
NAMES = ["kill-1", "kill-2", "kill-3"]
RESTING, TRADING = "95.00", "101.00"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")


@contextlib.contextmanager
def open_market():
    market = Market()
    with market.gateway as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        yield market


def run(market, state, limit, fatal):
    told = {
        "port": market.gateway.port,
        "state": str(state),
        "names": NAMES,
        "limit": limit,
        "fatal": fatal,
    }
    return subprocess.run(
        [sys.executable, TRADER, json.dumps(told)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module", params=[RESTING, TRADING])
def rehearsed(request, tmp_path_factory):
    """A limit, and how many calls of the adapter there are to die at."""
    with open_market() as market:
        done = run(market, tmp_path_factory.mktemp("rehearsal") / "a.sqlite", request.param, 0)
    assert done.returncode == 0, done.stderr
    return request.param, int(done.stdout)


def sent(market):
    """How many orders the venue has of each name."""
    names = [order.form.order_ref for order in market.gateway.orders()]
    return {name: names.count(name) for name in NAMES}


def send(broker, limit, name):
    return broker.submit_order(
        "AAPL", "buy", 8, order_type="limit", limit_price=Decimal(limit), client_order_id=name
    )


def kill(limit, fatal, state):
    with open_market() as market:
        died = run(market, state, limit, fatal)
        assert died.returncode == -signal.SIGKILL, died.stderr
        there = sent(market)
        with IbkrBroker("127.0.0.1", market.gateway.port, 1, state=state) as broker:
            for name in NAMES:
                assert (broker.find_order(name) is not None) == bool(there[name])
                if there[name]:
                    with pytest.raises(DuplicateOrderError):
                        send(broker, limit, name)
                else:
                    send(broker, limit, name)
            assert sent(market) == dict.fromkeys(NAMES, 1)
            report = broker.resync()
            assert report.lost == ()
            if limit == RESTING:
                assert [status.client_order_id for status in broker.open_orders("all")] == NAMES
                assert broker.fills() == []
            else:
                for name in NAMES:
                    assert broker.wait(name, 5).state is OrderState.FILLED
                assert sum(fill.quantity for fill in broker.fills()) == 24
                assert [position.quantity for position in broker.positions()] == [24]


@pytest.mark.parametrize("part", [0.3, 0.6])
def test_a_program_killed_while_it_sends_has_sent_each_order_once(rehearsed, part, tmp_path):
    limit, calls = rehearsed
    kill(limit, round(calls * part), tmp_path / "orders.sqlite")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(60))
def test_a_program_killed_anywhere_has_sent_each_order_once(rehearsed, number, tmp_path):
    limit, calls = rehearsed
    fatal = round(calls * (number + 0.5) / 62)
    kill(limit, fatal, tmp_path / "orders.sqlite")
