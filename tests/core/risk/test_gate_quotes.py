"""What the gate asks a venue for prices, and what it does with those that it has asked for."""

from decimal import Decimal

import pytest
from tests.core.broker.market import Clock

from nanobook_core.broker.paper import PaperBroker
from nanobook_core.contracts import (
    BrokerOrder,
    LinkDownError,
    NoQuoteError,
    Outcome,
    RiskVetoError,
)
from nanobook_core.errors import ValidationError
from nanobook_core.risk import GatedBroker, RiskEngine

FIFTY = [f"S{number:02}" for number in range(50)]


class CountingBroker(PaperBroker):
    """A paper broker that counts the quotes it is asked for, and may have none."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.asked = []
        self.failing = {}

    def quote(self, symbol):
        self.asked.append(symbol)
        if symbol in self.failing:
            raise self.failing[symbol]
        return super().quote(symbol)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def broker(clock):
    quotes = {symbol: {"bid": 99, "ask": 101} for symbol in FIFTY}
    with CountingBroker(quotes=quotes, clock=clock, cash=1_000_000) as broker:
        yield broker


def a_bid(symbol):
    return BrokerOrder(symbol, "buy", 10, "limit", Decimal(90))


def gate(broker, clock, **settings):
    return GatedBroker(broker, RiskEngine(), clock=clock, **settings)


def test_fifty_orders_within_a_second_ask_for_fifty_quotes(broker, clock):
    gated = gate(broker, clock)
    for symbol in FIFTY:
        gated.submit_order(a_bid(symbol))
        clock.sleep(0.02)
    assert broker.asked == FIFTY
    assert len(broker.open_orders()) == 50


def test_what_is_ordered_is_always_asked_for(broker, clock):
    gated = gate(broker, clock)
    for _ in range(3):
        gated.submit_order(a_bid("S01"))
    assert broker.asked == ["S01", "S01", "S01"]


def test_a_quote_of_another_symbol_is_asked_for_again_once_it_is_a_second_old(broker, clock):
    gated = gate(broker, clock)
    gated.submit_order(a_bid("S01"))
    clock.sleep(0.75)
    gated.submit_order(a_bid("S02"))
    assert broker.asked == ["S01", "S02"]
    clock.sleep(0.25)
    gated.submit_order(a_bid("S03"))
    assert broker.asked == ["S01", "S02", "S03", "S01"]


def test_how_old_a_mark_may_be_is_a_setting(broker, clock):
    never, long = gate(broker, clock, mark_age=0), gate(broker, clock, mark_age=60)
    long.submit_order(a_bid("S01"))
    clock.sleep(59)
    long.submit_order(a_bid("S02"))
    assert broker.asked == ["S01", "S02"]
    never.submit_order(a_bid("S03"))
    never.submit_order(a_bid("S03"))
    assert broker.asked[2:] == ["S03", "S01", "S02", "S03", "S01", "S02"]


def test_time_that_went_back_makes_no_quote_young(broker, clock):
    gated = gate(broker, clock)
    gated.submit_order(a_bid("S01"))
    clock.sleep(-60)
    gated.submit_order(a_bid("S02"))
    assert broker.asked == ["S01", "S02", "S01"]


@pytest.mark.parametrize("error", [LinkDownError("gone"), ValueError("a bad answer")])
def test_a_quote_that_did_not_come_refuses_and_is_asked_for_again(broker, clock, error):
    gate(broker, clock).submit_order(a_bid("S01"))
    gated = gate(broker, clock)
    broker.failing["S01"] = error
    for _ in range(2):
        with pytest.raises(RiskVetoError, match="no answer to quote") as veto:
            gated.submit_order(a_bid("S02"))
        assert veto.value.outcome is Outcome.NOT_SENT
    del broker.failing["S01"]
    gated.submit_order(a_bid("S02"))
    assert broker.asked == ["S01", "S02", "S01", "S02", "S01", "S02", "S01"]


def test_what_has_no_quote_has_no_mark_for_a_second(broker, clock):
    gate(broker, clock).submit_order(a_bid("S01"))
    broker.asked.clear()
    broker.failing["S01"] = NoQuoteError("S01")
    marks = []

    def request(asked):
        marks.append(sorted(asked.marks))
        return asked

    gated = gate(broker, clock, request=request)
    for _ in range(2):
        gated.submit_order(a_bid("S02"))
    broker.failing.clear()
    clock.sleep(1)
    gated.submit_order(a_bid("S02"))
    assert broker.asked == ["S02", "S01", "S02", "S02", "S01"]
    assert marks == [["S02"], ["S02"], ["S01", "S02"]]


@pytest.mark.parametrize(
    ("age", "error"),
    [
        ("1", TypeError),
        (True, TypeError),
        (-0.5, ValidationError),
        (float("nan"), ValidationError),
        (float("inf"), ValidationError),
    ],
)
def test_an_age_is_a_number_of_seconds(broker, age, error):
    with pytest.raises(error, match="mark_age"):
        GatedBroker(broker, RiskEngine(), mark_age=age)
