"""The paper broker keeps the laws of brokers, however it is set up."""

import pytest

import nanobook
from nanobook_core.testing import BrokerSuite

from .market import Clock, Market, account_file


class Paper(BrokerSuite):
    shows_foreign = False  # nobody else trades in the account
    loses_answers = False  # there is no line that could
    breaks_links = False
    repeats_fills = False
    has_own_clock = False

    @pytest.fixture
    def venue(self):
        return Market(Clock())

    @pytest.fixture
    def state(self, request, tmp_path):
        return account_file(request, tmp_path)

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
        return nanobook.PaperBroker(
            quotes=venue.quotes, clock=venue.clock, state=state, **self.settings()
        )


class TestInAFileWithCosts(Paper):
    def settings(self):
        return {"costs": 5}

    @pytest.fixture
    def state(self, tmp_path):
        return tmp_path / "paper.sqlite"


class TestCashAccountThatMimicsAVenueWithoutClientIds(Paper):
    def settings(self):
        return {"margin": False, "client_id_scope": "never"}


class TestOnTheOrderBookThatSplitsFlips(Paper):
    def settings(self):
        return {"fills": "order_book", "client_id_scope": "while_open", "splits_flips": True}
