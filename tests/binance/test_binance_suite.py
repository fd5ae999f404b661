"""The broker keeps the laws of brokers, over sockets to the simulated venue."""

from types import MappingProxyType

import pytest
from tests.binance.market import Market

import nanobook
from nanobook_core.testing import BrokerSuite
from nanobook_core.testing.broker_bench import BrokerBench
from nanobook_core.testing.broker_cancel import CancelLaws
from nanobook_core.testing.broker_client_id import ClientIdLaws
from nanobook_core.testing.broker_event import EventLaws
from nanobook_core.testing.broker_fault import FaultLaws, SyncLaws
from nanobook_core.testing.broker_fill import FillLaws


class Binance(BrokerBench):
    symbol = "BTC"
    other_symbol = "ETH"
    fees_in_kind = MappingProxyType({"BTC": "BTC", "ETH": "ETH"})
    tells_costs = False
    streams = True

    @pytest.fixture
    def venue(self):
        market = Market()
        with market.binance:
            yield market

    @pytest.fixture
    def broker(self, venue, state):
        self.open_market(venue)
        self.market = venue
        self.secrets = (venue.binance.api_key, venue.binance.secret_key)
        with self.made(venue, state) as broker:
            venue.broker = broker
            yield broker

    @pytest.fixture
    def another_broker(self, venue, state):
        broker = self.made(venue, state)
        yield broker
        broker.disconnect()

    def made(self, venue, state):
        binance = venue.binance
        return nanobook.BinanceBroker(
            binance.api_key,
            binance.secret_key,
            base_url=binance.url,
            state=state,
            clock=venue.clock,
            stream=self.streams,
        )

    def refusal(self, broker, order):
        """Let so much time pass after a doubt that the venue cannot take the order any more."""
        error = super().refusal(broker, order)
        self.market.advance(15)
        return error

    def is_absent(self, broker, client_order_id):
        """Ask when the venue cannot take an order any more that was sent before, by anybody."""
        self.market.advance(65)
        super().is_absent(broker, client_order_id)


class Polled(Binance):
    """What happens is asked for, and what is in no file is found by its symbol."""

    streams = False
    repeats_fills = False  # nobody tells anything twice

    @pytest.fixture
    def state(self):
        return None

    @pytest.fixture
    def another_broker(self):
        return None  # which orders there were is in no file


class TestWhatIsOtherWithoutAStream(
    Polled, ClientIdLaws, CancelLaws, FillLaws, EventLaws, SyncLaws, FaultLaws
):
    pass


@pytest.mark.slow
class TestPolled(Polled, BrokerSuite):
    pass


@pytest.mark.slow
class TestInMemory(Binance, BrokerSuite):
    @pytest.fixture
    def state(self):
        return None

    @pytest.fixture
    def another_broker(self):
        return None


class TestWithAFile(Binance, BrokerSuite):
    @pytest.fixture
    def state(self, tmp_path):
        return tmp_path / "orders.sqlite"
