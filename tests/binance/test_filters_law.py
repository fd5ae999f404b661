"""What is normalised is taken by the venue, and what is refused here is refused there alike."""

import pytest
from attrs import evolve
from hypothesis import given, settings
from tests.binance.filter_sets import HELD, Case, cases

from nanobook_binance.environment import choose_environment
from nanobook_binance.filters import Standing, check_filters, cut_to_filters
from nanobook_binance.order_form import order_parameters
from nanobook_binance.rest import TEST, Rest
from nanobook_binance.signature import read_keys
from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.venue import Venue
from nanobook_binance.symbol import Symbols
from nanobook_core.contracts import BrokerError, OrderInvalidError
from nanobook_core.contracts.clock import SystemClock

BASE, PAIR = "XYZ", "XYZUSDT"
USDT = 10**14


class Desk:
    """A venue that lists the case's symbol, and what a broker has to look at it."""

    def __init__(self, case: Case):
        self.venue = SimulatedBinance(Venue([case.rules]), balances={"USDT": USDT, BASE: HELD})
        self.venue.set_quote(PAIR, case.bid, case.ask)
        self.standing = Standing(
            reference_price=self.venue.call(lambda venue: venue.average(PAIR)),
            open_orders=0,
            open_stops=0,
            held=HELD,
        )

    def __enter__(self):
        self.venue.start()
        clock = SystemClock()
        self.rest = Rest(
            choose_environment(testnet=True, demo=False, base_url=self.venue.url),
            read_keys(self.venue.api_key, self.venue.secret_key),
            clock,
        )
        self.listed = Symbols(self.rest, "USDT", clock).listed(BASE)
        return self

    def __exit__(self, *error):
        self.rest.close()
        self.venue.stop()

    def look(self, check, order):
        """What a check makes of an order, and the filter that forbids it."""
        try:
            return check(order, self.listed, self.standing), None
        except OrderInvalidError as error:
            return None, error

    def ask(self, path, order):
        """What the venue says to an order: nothing if it takes it."""
        try:
            self.rest.signed("POST", path, **order_parameters(order, self.listed, None))
        except BrokerError as error:
            return error
        return None


def check_both(case):
    with Desk(case) as desk:
        _, ours = desk.look(check_filters, case.order)
        theirs = desk.ask(TEST, case.order)
    if ours is None:
        assert theirs is None
    else:
        assert isinstance(theirs, OrderInvalidError)
        # -1111: of more places than the asset has, before any filter is asked.
        assert theirs.code == "-1111" or theirs.filter == ours.filter


def check_normalized(case):
    with Desk(case) as desk:
        cut, ours = desk.look(cut_to_filters, case.order)
        if cut is not None:
            assert desk.ask(TEST, cut.order) is None
            refused = desk.ask("/api/v3/order", cut.order)
            assert refused is None or refused.code == "-2010"  # what books and balances say
        elif ours.filter in ("LOT_SIZE", "MARKET_LOT_SIZE"):
            refused = desk.ask(TEST, evolve(case.order, quantity=ours.nearest))
            assert getattr(refused, "filter", "") != ours.filter


@settings(max_examples=100)
@given(case=cases())
def test_what_is_refused_here_is_refused_there_by_the_same_filter(case):
    check_both(case)


@settings(max_examples=100)
@given(case=cases())
def test_whatever_is_normalized_is_taken_by_the_venue(case):
    check_normalized(case)


@pytest.mark.slow
@settings(max_examples=2000)
@given(case=cases())
def test_both_agree_on_very_many_orders(case):
    check_both(case)
    check_normalized(case)
