"""Laws of the order book, after every step of whatever hypothesis thinks of."""

# ruff: noqa: S311 - streams that can be repeated, no secrets

from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.lob.engines import ENGINES

from nanobook_core.contracts import EventKind
from nanobook_core.testing.engine import mirrored, reflection, same
from nanobook_core.testing.ledger import Ledger
from nanobook_core.testing.request import FEATURES, Request, Requests

TOTAL = 7  # of a price and its mirror image


class Laws(RuleBasedStateMachine):
    """An exchange with a ledger, one that is tidied all the time, and one beyond the mirror."""

    engine = None

    @initialize(
        random=st.randoms(use_true_random=False),
        features=st.frozensets(st.sampled_from(sorted(FEATURES.keys() - {"ladder"}))),
        with_mirror=st.booleans(),
    )
    def start(self, random, features, with_mirror):
        if with_mirror:  # which odd arguments and the ends of the numbers have none of
            features -= {"odd", "extreme_prices"}
        self.requests = Requests(random, features)
        self.ledger = Ledger(self.new())
        self.tidy = self.new()
        self.beyond = self.new() if with_mirror else None
        self.hashes = [self.exchange.state_hash()]

    def new(self):
        return self.engine(stop_trigger=self.requests.stop_trigger)

    @property
    def exchange(self):
        return self.ledger.exchange

    def ask(self, request, *others):
        """Ask the exchange, and others that must answer the same."""
        note(str(request))
        answer = self.ledger.ask(request)
        if request.method in list(EventKind) and not isinstance(answer, type):
            self.hashes.append(self.exchange.state_hash())
        self.requests.note(request, answer)
        self.requests.refresh(self.ledger.state)
        for other in (self.tidy, *others):
            answered = request.on(other)
            if getattr(answer, "error", None) is None and request.method != "clear_order_history":
                assert answered == answer
            else:  # what is forgotten fails by another name, and is not counted
                assert type(answered) is type(answer)
        if self.beyond is not None:
            mirrored(request, TOTAL).on(self.beyond)
        return answer

    def ask_any(self, count, *others):
        for _ in range(count):
            request = self.requests.next()
            # A trail in percent is of the price itself, so it has no mirror image.
            if self.beyond is None or "percentage" not in request.arguments:
                self.ask(request, *others)

    @rule(count=st.integers(1, 8))
    def some_requests(self, count):
        self.ask_any(count)

    @rule(count=st.integers(1, 8))
    def more_requests(self, count):
        self.ask_any(count)

    @rule(count=st.integers(0, 5))
    def a_replay_goes_on_in_the_same_way(self, count):
        events = self.exchange.events()
        assert len(events) == len(self.hashes) - 1
        other = self.engine.replay(events, stop_trigger=self.requests.stop_trigger)
        same(self.exchange, other)
        self.ask_any(count, other)
        same(self.exchange, other)

    @rule(part=st.floats(0, 1))
    def a_replay_of_the_start_is_what_was_then(self, part):
        events = self.exchange.events()
        length = int(part * len(events))
        other = self.engine.replay(events[:length], stop_trigger=self.requests.stop_trigger)
        assert other.state_hash() == self.hashes[length]

    @rule(count=st.integers(0, 5))
    def a_state_goes_on_in_the_same_way(self, count):
        other = self.engine.from_state(self.exchange.state())
        same(self.exchange, other)
        self.ask_any(count, other)
        same(self.exchange, other)

    def live(self):
        return self.ledger.state.orders

    @precondition(lambda self: self.live())
    @rule(place=st.integers(0, 30))
    def a_second_cancel_is_refused(self, place):
        order = self.live()[place % len(self.live())]
        assert self.ask(Request("cancel", (order.id,))).success
        assert self.ask(Request("cancel", (order.id,))).error == "OrderNotActive"
        assert self.ask(Request("modify", (order.id, order.price, 1))).error == "OrderNotActive"
        assert self.ask(Request("reduce", (order.id, 1))).error == "OrderNotActive"

    @precondition(lambda self: self.live())
    @rule(place=st.integers(0, 30), up=st.integers(-3, 3), quantity=st.integers(0, 12))
    def modify_is_cancel_and_submit(self, place, up, quantity):
        order = self.live()[place % len(self.live())]
        other = self.engine.from_state(self.ledger.state)
        price = order.price + up
        modified = self.ask(Request("modify", (order.id, price, quantity)))
        if isinstance(modified, type):
            assert modified is OverflowError
            return
        if quantity == 0:
            assert modified.error == "InvalidQuantity"
            return
        assert other.cancel(order.id).cancelled_quantity == modified.cancelled_quantity
        owner = {"owner": order.owner, "stp_policy": order.stp_policy}
        submitted = other.submit_limit(order.side, price, quantity, order.time_in_force, **owner)
        assert submitted.order_id == modified.new_order_id
        assert submitted.trades == modified.trades
        same(self.exchange, other)

    @rule(chore=st.sampled_from(["clear_trades", "clear_order_history", "clear_events", "compact"]))
    def tidy_up(self, chore):
        getattr(self.tidy, chore)()

    @invariant()
    def tidying_up_changes_nothing(self):
        assert self.tidy.state() == self.ledger.state

    @invariant()
    def beyond_the_mirror_everything_is_the_same(self):
        if self.beyond is not None:
            assert reflection(self.beyond) == reflection(self.exchange, TOTAL)

    def teardown(self):
        if hasattr(self, "ledger"):
            self.ledger.close()


def test_the_laws_hold_where_stops_cascade(engine):
    for seed, features in ((10, {"ladder"}), (9, {"ladder", "last"})):
        requests = Requests(Random(seed), frozenset(features))
        ledger = Ledger(engine(stop_trigger=requests.stop_trigger))
        made = [0]
        while len(made) < 260:
            request = requests.next()
            requests.note(request, ledger.ask(request))
            requests.refresh(ledger.state)
            made.append(ledger.state.next_order_id)
        ledger.close()
        assert max(later - earlier for earlier, later in pairwise(made)) > 100


def run(engine, **size):
    machine = type("Laws", (Laws,), {"engine": engine})
    run_state_machine_as_test(
        machine,
        settings=settings(deadline=None, suppress_health_check=list(HealthCheck), **size),
    )


def test_the_laws_hold(engine):
    run(engine, max_examples=300, stateful_step_count=60)


@pytest.mark.slow
def test_the_laws_hold_for_long():
    run([*ENGINES.values()][-1], max_examples=1000, stateful_step_count=100)
