"""A broker behind the gate is a broker."""

import pytest
from tests.core.broker.market import Clock, Market

from nanobook_core.broker.paper import PaperBroker
from nanobook_core.risk.engine import RiskEngine
from nanobook_core.risk.gated_broker import GatedBroker
from nanobook_core.testing import BrokerSuite


class TestGated(BrokerSuite):
    # What is behind the gate is a paper broker.
    loses_answers = breaks_links = repeats_fills = shows_foreign = False

    @pytest.fixture
    def venue(self):
        return Market(Clock())

    @pytest.fixture
    def broker(self, venue):
        self.open_market(venue)
        paper = PaperBroker(quotes=venue.quotes, clock=venue.clock)
        with GatedBroker(paper, RiskEngine(), clock=venue.clock) as broker:
            venue.broker = broker
            yield broker
