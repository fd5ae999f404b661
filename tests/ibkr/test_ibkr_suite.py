"""The broker keeps the laws of brokers, over a socket to the simulated gateway."""

import pytest
from tests.ibkr.market import Market

import nanobook
from nanobook_core.testing import BrokerSuite
from nanobook_core.testing.broker_bench import BrokerBench
from nanobook_core.testing.broker_client_id import ClientIdLaws
from nanobook_core.testing.broker_fault import FaultLaws, SyncLaws
from nanobook_core.testing.broker_restart import RestartLaws


class Ibkr(BrokerBench):
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


class TestWithAFile(Ibkr, BrokerSuite):
    @pytest.fixture
    def state(self, tmp_path):
        return tmp_path / "orders.sqlite"


class InMemory(Ibkr):
    """What no file proves is not proved; all else is the same."""

    proves_absence = False

    @pytest.fixture
    def state(self):
        return None


class TestWhatAFileIsFor(InMemory, ClientIdLaws, SyncLaws, FaultLaws, RestartLaws):
    pass


@pytest.mark.slow
class TestInMemory(InMemory, BrokerSuite):
    pass
