"""The suite accepts a sound broker and catches what each unsound one does wrong."""

import datetime as dt
import itertools
import tempfile
from pathlib import Path

import pytest
from tests.core.broker.market import Clock, Market, account_file
from tests.core.testing.broker_defect import (
    claim,
    connection,
    event,
    fault,
    fill,
    inclusive,
    market,
    modest,
    order,
    restart,
    submission,
)
from tests.core.testing.broker_defect.sound import Sound
from tests.unshrunk import unshrunk

from nanobook_core.broker.paper import PaperBroker
from nanobook_core.testing import BrokerSuite

LAWS = {name.removeprefix("test_") for name in dir(BrokerSuite) if name.startswith("test_")}
DEFECTS = [
    (law, broker, settings)
    for module in (
        connection,
        submission,
        claim,
        order,
        fill,
        market,
        event,
        fault,
        restart,
        modest,
        inclusive,
    )
    for broker in vars(module).values()
    if isinstance(broker, type) and broker.__module__ == module.__name__
    for law, settings in vars(broker).get("breaks", [])
]


class Venue(Market):
    """Fails on the line, and lets others trade, as a network and a shared account do."""

    def submit_foreign(self, symbol, side, quantity, limit):
        self.broker.submit_order(
            symbol, side, quantity, order_type="limit", limit_price=limit, client_order_id="foreign"
        )

    def lose_answer(self, *, received):
        self.broker.lost = "answer" if received else "order"

    def break_link(self):
        self.broker.disconnect()

    def repeat_fill(self, exec_id):
        self.broker.repeated = (exec_id,)

    def set_clock_ahead(self, seconds):
        self.broker.ahead = dt.timedelta(seconds=seconds)


class Suite(BrokerSuite):
    secrets = ("hunter2",)

    @pytest.fixture
    def venue(self):
        return Venue(Clock())

    @pytest.fixture
    def state(self, request, tmp_path):
        return account_file(request, tmp_path)

    @pytest.fixture
    def broker(self, venue, state):
        with self.made(venue, state) as broker:
            self.open_market(venue)
            venue.broker = broker
            yield broker

    @pytest.fixture
    def another_broker(self, venue, state):
        broker = self.made(venue, state)
        yield broker
        broker.disconnect()

    def made(self, venue, state):
        return Sound(quotes=venue.quotes, clock=venue.clock, state=state)


class TestSound(Suite):
    pass


class TestModest(Suite):
    fees_in_kind = modest.SWITCHES["fees_in_kind"]
    tells_costs = proves_absence = False

    def made(self, venue, state):
        return modest.Modest(quotes=venue.quotes, clock=venue.clock, state=state, margin=False)


class TestInclusive(Suite):
    costs_with_fees = True

    def made(self, venue, state):
        return inclusive.Inclusive(quotes=venue.quotes, clock=venue.clock, state=state, costs=5)


class Impatient(Suite):
    patience = 0.02


def arguments(law):
    """Every combination of what a law is tried with."""
    axes = [
        [dict(zip(names(mark.args[0]), values(case), strict=True)) for case in mark.args[1]]
        for mark in getattr(law, "pytestmark", [])
        if mark.name == "parametrize"
    ]
    for cases in itertools.product(*axes):
        yield {name: value for case in cases for name, value in case.items()}


def names(given):
    return [given] if isinstance(given, str) else list(given)


def values(case):
    case = getattr(case, "values", case)
    return case if isinstance(case, tuple | list) and not isinstance(case, str) else [case]


def holds(law, broker, switches=(), **settings):
    """Whether a law holds for new brokers of that class."""
    suite = type("Switched", (Impatient,), dict(switches))()
    test = getattr(BrokerSuite, f"test_{law}")
    asked = test.__code__.co_varnames[: test.__code__.co_argcount]
    for given in arguments(test):
        with tempfile.TemporaryDirectory() as folder:
            venue = Venue(Clock())
            suite.open_market(venue)
            common = {"quotes": venue.quotes, "clock": venue.clock, **settings}
            if "another_broker" in asked:
                common["state"] = Path(folder) / "account"
            parts = {"broker": broker(**common), "another_broker": broker(**common), "venue": venue}
            venue.broker = parts["broker"]
            venue.broker.connect()
            parts = {name: part for name, part in parts.items() if name in asked} | given
            try:
                (unshrunk(test) if hasattr(test, "hypothesis") else test)(suite, **parts)
            except (Exception, pytest.fail.Exception):  # noqa: BLE001 - raising breaks it as well
                return False
            finally:
                for made in (venue.broker, parts.get("another_broker", venue.broker)):
                    PaperBroker.disconnect(made)
    return True


@pytest.mark.parametrize(
    ("law", "broker", "settings"),
    DEFECTS,
    ids=[f"{broker.__name__}-{law}" for law, broker, _ in DEFECTS],
)
def test_an_unsound_broker_is_caught_by_the_law_it_breaks(law, broker, settings):
    assert holds(law, getattr(broker, "sound", Sound), **settings)
    assert not holds(law, broker, **settings)


def test_every_law_can_fail():
    assert {law for law, _, _ in DEFECTS} == LAWS
