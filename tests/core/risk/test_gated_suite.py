"""A broker behind the gate is a broker."""

import pytest
from tests.core.broker.market import Clock, Market, account_file

from nanobook_core.broker.paper import PaperBroker
from nanobook_core.risk.engine import RiskEngine
from nanobook_core.risk.gated_broker import GatedBroker
from nanobook_core.testing import BrokerSuite


class TestGated(BrokerSuite):
    # What is behind the gate is a paper broker.
    loses_answers = breaks_links = repeats_fills = shows_foreign = has_own_clock = False

    @pytest.fixture
    def venue(self):
        return Market(Clock())

    @pytest.fixture
    def state(self, request, tmp_path):
        return account_file(request, tmp_path)

    @pytest.fixture
    def broker(self, venue, state):
        self.open_market(venue)
        with gated(venue, state) as broker:
            venue.broker = broker
            yield broker

    @pytest.fixture
    def another_broker(self, venue, state):
        broker = gated(venue, state)
        yield broker
        broker.disconnect()


def gated(venue, state):
    paper = PaperBroker(quotes=venue.quotes, clock=venue.clock, state=state)
    return GatedBroker(paper, RiskEngine(), clock=venue.clock)
