"""The broker keeps the laws of brokers, over a socket to the simulated gateway."""

import pytest
from tests.ibkr.market import Market

import nanobook
from nanobook_core.testing import BrokerSuite


class Ibkr(BrokerSuite):
    costs_with_fees = True

    @pytest.fixture
    def venue(self):
        market = Market()
        with market.gateway:
            yield market

    @pytest.fixture
    def broker(self, venue, state):
        self.open_market(venue)
        with self.made(venue, state) as broker:
            venue.broker = broker
            yield broker

    @pytest.fixture
    def another_broker(self, venue, state):
        broker = self.made(venue, state)
        yield broker
        broker.disconnect()

    def made(self, venue, state):
        gateway = venue.gateway
        return nanobook.IbkrBroker(gateway.host, gateway.port, 1, state=state)


class TestWithAFile(Ibkr):
    @pytest.fixture
    def state(self, tmp_path):
        return tmp_path / "orders.sqlite"


class TestInMemory(Ibkr):
    proves_absence = False

    @pytest.fixture
    def state(self):
        return None
