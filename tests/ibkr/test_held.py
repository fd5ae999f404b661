"""An order that the venue has and does not work is held, and says why."""

import pytest

import nanobook
from nanobook_ibkr.simulator import SimulatedGateway


@pytest.fixture
def gateway():
    with SimulatedGateway() as running:
        yield running


@pytest.fixture
def broker(gateway):
    with nanobook.IbkrBroker("127.0.0.1", gateway.port, client_id=1) as connected:
        yield connected


def test_a_short_that_nobody_lends_is_held_until_somebody_does(gateway, broker):
    gateway.call(lambda venue: venue.set_shortable("AAPL", is_shortable=False))
    ack = broker.submit_order("AAPL", "sell", 10, order_type="limit", limit_price_cents=180_00)
    broker.server_time()  # all that was told before has been heard
    held = broker.order_status(ack)
    assert (held.state, held.reason) == ("held", "locate")
    broker.resync()
    assert broker.order_status(ack).state == "held"
    gateway.call(lambda venue: venue.set_shortable("AAPL", is_shortable=True))
    assert broker.wait(ack, 5).state == "filled"


def test_an_order_in_a_halt_is_held_until_trading_resumes(gateway, broker):
    gateway.halt("AAPL")
    ack = broker.submit_order("AAPL", "buy", 10, order_type="limit", limit_price_cents=190_00)
    broker.server_time()
    held = broker.order_status(ack)
    assert (held.state, held.reason) == ("held", "halted")
    gateway.resume("AAPL")
    assert broker.wait(ack, 5).state == "filled"
