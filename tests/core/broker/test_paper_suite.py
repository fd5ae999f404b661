"""The paper broker keeps the laws of brokers, however it is set up."""

import pytest

import nanobook
from nanobook_core.testing import BrokerSuite

from .market import Clock, Market


class Paper(BrokerSuite):
    shows_foreign = False  # nobody else trades in the account
    loses_answers = False  # there is no line that could
    breaks_links = False
    repeats_fills = False

    @pytest.fixture
    def venue(self):
        return Market(Clock())

    @pytest.fixture
    def broker(self, venue, tmp_path):
        self.open_market(venue)
        settings = self.settings(tmp_path)
        with nanobook.PaperBroker(quotes=venue.quotes, clock=venue.clock, **settings) as broker:
            venue.broker = broker
            yield broker


class TestInAFileWithCosts(Paper):
    def settings(self, folder):
        return {"state": folder / "paper.sqlite", "costs": 5}


class TestCashAccountThatMimicsAVenueWithoutClientIds(Paper):
    def settings(self, _):
        return {"margin": False, "client_id_scope": "never"}


class TestOnTheOrderBookThatSplitsFlips(Paper):
    def settings(self, _):
        return {"fills": "order_book", "client_id_scope": "while_open", "splits_flips": True}
