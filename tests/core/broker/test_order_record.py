"""An order's state keeps its nine rules, whatever order messages come in."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nanobook_core.broker import OrderRecord
from nanobook_core.contracts import (
    BrokerOrder,
    BrokerProtocolError,
    Fill,
    OrderState,
    PermissionDeniedError,
)
from nanobook_core.errors import ValidationError

S = OrderState
ORDER = BrokerOrder("AAPL", "buy", 10, "limit", 100, client_order_id="one")
D = Decimal


def record(**changes):
    return OrderRecord(**{"order_id": 7, "order": ORDER, **changes})


def fill(exec_id="e1", quantity=4, price="100", **changes):
    values = {
        "exec_id": exec_id,
        "order_id": 7,
        "client_order_id": "one",
        "symbol": "AAPL",
        "side": "buy",
        "quantity": D(quantity),
        "price": D(price),
    }
    return Fill(**{**values, **changes})


def test_an_order_goes_from_created_to_filled():
    order = record()
    assert order.state is S.CREATED
    assert order.submitted()
    assert order.state is S.PENDING_SUBMIT
    assert order.told(S.ACCEPTED, venue_ids={"perm": "5"})
    assert order.state is S.ACCEPTED
    assert order.fill(fill("e1", 4, "100"))
    assert (order.state, order.filled_quantity) == (S.PARTIALLY_FILLED, 4)
    assert order.fill(fill("e2", 6, "99"))
    status = order.status()
    assert (status.state, status.filled_quantity) == (S.FILLED, 10)
    assert status.avg_fill_price == D("99.4")
    assert status.venue_ids == {"perm": "5"}
    assert order.anomalies == []


def test_filled_is_believed_once_the_fills_are_there():
    order = record(state=S.ACCEPTED)
    order.told(S.FILLED)
    assert order.state is S.ACCEPTED
    order.fill(fill("e1", 10))
    assert order.state is S.FILLED


def test_the_venues_own_sum_counts_before_its_executions_come():
    order = record(state=S.ACCEPTED)
    order.told(S.FILLED, filled=D(10), avg_fill_price=D("99.5"))
    assert order.state is S.FILLED
    assert order.status().avg_fill_price == D("99.5")
    assert order.fill(fill("e1", 10, "99"))
    assert order.filled_quantity == 10
    assert order.status().avg_fill_price == D(99)
    assert order.anomalies == []


def test_a_late_fill_wins_over_a_cancel_and_is_an_anomaly():
    order = record(state=S.ACCEPTED)
    order.told(S.CANCELLED)
    order.fill(fill("e1", 4))
    assert (order.state, order.filled_quantity) == (S.CANCELLED, 4)
    order.fill(fill("e2", 6))
    assert (order.state, order.filled_quantity) == (S.FILLED, 10)
    assert order.anomalies == [
        "execution e1 came when the order was cancelled",
        "execution e2 came when the order was cancelled",
    ]


@pytest.mark.parametrize("ended", [S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED])
@pytest.mark.parametrize("late", [S.PENDING_SUBMIT, S.ACCEPTED, S.HELD, S.CANCELLED, S.REJECTED])
def test_what_comes_after_the_end_changes_nothing(ended, late):
    order = record(state=S.ACCEPTED)
    order.told(ended, filled=D(10) if ended is S.FILLED else None)
    assert not order.told(late)
    assert order.state is ended


def test_a_cancel_that_is_rejected_goes_back_to_what_the_numbers_say():
    order = record(state=S.ACCEPTED)
    order.cancel_requested()
    assert order.state is S.PENDING_CANCEL
    order.told(S.ACCEPTED)  # may have been said before the cancel arrived
    assert order.state is S.PENDING_CANCEL
    order.fill(fill("e1", 4))
    assert order.state is S.PENDING_CANCEL
    assert order.cancel_rejected()
    assert order.state is S.PARTIALLY_FILLED


def test_unknown_ends_with_the_venues_word_alone():
    order = record()
    order.submitted()
    assert order.lost()
    assert not order.submitted()
    assert not order.cancel_requested()
    assert not order.cancel_rejected()
    order.warned("it may take a while")
    assert order.state is S.UNKNOWN
    order.told(S.ACCEPTED)
    assert order.state is S.ACCEPTED


def test_a_proof_of_absence_ends_unknown_and_a_fill_refutes_it():
    order = record(state=S.UNKNOWN)
    assert order.proved_absent("asked three times")
    assert (order.state, order.reason) == (S.NOT_ACCEPTED, "asked three times")
    order.fill(fill("e1", 4))
    assert order.state is S.PARTIALLY_FILLED
    assert order.anomalies == ["execution e1 came when the order was not_accepted"]


def test_no_proof_undoes_what_the_venue_has_said():
    order = record(state=S.ACCEPTED)
    assert not order.proved_absent()
    assert not order.lost()
    assert order.state is S.ACCEPTED


def test_a_correction_takes_the_place_of_what_it_corrects():
    order = record(state=S.ACCEPTED)
    order.fill(fill("e1", 4, "100"))
    assert order.fill(fill("e1.2", 4, "90", corrects="e1"))
    assert [one.exec_id for one in order.fills] == ["e1.2"]
    assert order.status().avg_fill_price == D(90)
    assert not order.fill(fill("e1", 4, "100"))
    assert order.filled_quantity == 4


def test_a_correction_that_comes_first_keeps_the_original_out():
    order = record(state=S.ACCEPTED)
    order.fill(fill("e1.2", 4, "90", corrects="e1"))
    assert not order.fill(fill("e1", 4, "100"))
    assert order.filled_quantity == 4


def test_a_correction_to_less_leaves_the_filled_quantity_and_the_gap_shows():
    order = record(state=S.ACCEPTED)
    order.fill(fill("e1", 4))
    order.fill(fill("e1.2", 3, corrects="e1"))
    assert order.filled_quantity == 4
    assert sum(one.quantity for one in order.fills) == 3


def test_corrections_of_one_execution_count_once_in_whatever_order_they_come():
    chain = [fill("e1", 4), fill("e2", 4, corrects="e1"), fill("e3", 4, corrects="e2")]
    for messages in itertools.permutations(chain):
        order = record(state=S.ACCEPTED)
        for message in messages:
            order.fill(message)
        assert [one.exec_id for one in order.fills] == ["e3"]
        assert not any(order.fill(message) for message in chain)


def test_a_fee_may_come_after_its_execution():
    order = record(state=S.ACCEPTED)
    early = fill("e1", 4, is_fee_known=False)
    late = fill("e1", 4, fee=D("1.05"), fee_currency="USD")
    assert order.fill(early)
    assert not order.fill(early)
    assert order.fill(late)
    assert not order.fill(late)
    assert not order.fill(early)
    assert order.fills == (late,)
    assert (order.filled_quantity, order.anomalies) == (4, [])
    assert not order.fill(fill("e1", 4, fee=D("1.06"), fee_currency="USD"))
    assert order.fills == (late,)
    assert order.anomalies == ["execution e1 was told in two ways"]


def test_a_fee_that_comes_with_another_quantity_is_another_story():
    order = record(state=S.ACCEPTED)
    early = fill("e1", 4, is_fee_known=False)
    order.fill(early)
    assert not order.fill(fill("e1", 5, fee=D(1)))
    assert order.fills == (early,)
    assert order.anomalies == ["execution e1 was told in two ways"]


def test_a_status_tells_what_was_ordered():
    order = BrokerOrder("A", "buy", 4, "stop_limit", D(9), stop_price=D(8), tif="gtc")
    told = record(order=order).status()
    assert (told.order_type, told.limit_price, told.stop_price, told.tif) == (
        "stop_limit",
        9,
        8,
        "gtc",
    )


def test_one_execution_told_in_two_ways_is_an_anomaly():
    order = record(state=S.ACCEPTED)
    order.fill(fill("e1", 4))
    assert not order.fill(fill("e1", 5))
    assert order.filled_quantity == 4
    assert order.anomalies == ["execution e1 was told in two ways"]


def test_more_than_was_ordered_is_counted_and_an_anomaly():
    order = record(state=S.ACCEPTED)
    order.fill(fill("e1", 12))
    assert (order.state, order.filled_quantity) == (S.FILLED, 12)
    assert order.anomalies == ["12 filled of 10"]
    assert order.status().remaining_quantity == 0


@pytest.mark.parametrize(
    "changes", [{"symbol": "MSFT"}, {"side": "sell"}, {"quantity": D(0)}, {"quantity": D(-4)}]
)
def test_an_execution_of_something_else_is_refused(changes):
    order = record(state=S.ACCEPTED)
    with pytest.raises(BrokerProtocolError, match="execution e1 of"):
        order.fill(fill(**changes))
    assert order.fills == ()


def test_an_order_of_others_is_cancelled_only_if_that_is_said():
    order = record(state=S.ACCEPTED, is_own=False)
    with pytest.raises(PermissionDeniedError, match="scope='all' cancels those of others"):
        order.cancel_requested()
    assert order.state is S.ACCEPTED
    assert not order.status().is_own
    assert order.cancel_requested(foreign=True)


@pytest.mark.parametrize("state", [S.CREATED, S.UNKNOWN, S.NOT_ACCEPTED])
def test_a_venue_does_not_say_what_only_this_side_can_know(state):
    with pytest.raises(ValidationError, match=f"a venue does not say '{state.value}'"):
        record().told(state)


def test_a_reason_stays_until_there_is_another():
    order = record(state=S.ACCEPTED)
    order.told(S.HELD, reason="market closed", venue_status="Inactive")
    order.told(S.ACCEPTED)
    assert (order.reason, order.venue_status) == ("market closed", "Inactive")
    order.told(S.REJECTED, reason="no permission")
    assert order.reason == "no permission"


EXECUTIONS = {
    name: fill(name, quantity) for name, quantity in zip("abcdef", (1, 2, 3, 4, 5, 7), strict=True)
}
#: What replaces what, and with how much.
CORRECTIONS = {
    "a2": ("a", 1),
    "c2": ("c", 5),
    "d2": ("d", 2),
    "a3": ("a2", 2),
    "c3": ("c2", 4),
}
SAID = [S.PENDING_SUBMIT, S.ACCEPTED, S.HELD, S.PENDING_CANCEL, S.FILLED, S.CANCELLED, S.REJECTED]
ENDED = {S.CANCELLED, S.REJECTED, S.EXPIRED}


class Life(RuleBasedStateMachine):
    """Against a model that keeps all messages and looks through them anew each time."""

    def __init__(self):
        super().__init__()
        self.order = record()
        self.heard = []
        self.highest = D(0)
        self.was = S.CREATED

    def note(self, message):
        self.heard.append(message)

    @rule()
    def submit(self):
        self.order.submitted()
        self.note(("submit",))

    @rule()
    def lose(self):
        self.order.lost()
        self.note(("lose",))

    @rule()
    def prove_absent(self):
        self.order.proved_absent()
        self.note(("absent",))

    @rule()
    def ask_for_cancel(self):
        self.order.cancel_requested()
        self.note(("cancel",))

    @rule()
    def refuse_cancel(self):
        self.order.cancel_rejected()
        self.note(("uncancel",))

    @rule(state=st.sampled_from(SAID), filled=st.none() | st.integers(0, 11))
    def tell(self, state, filled):
        self.order.told(state, filled=None if filled is None else D(filled))
        self.note(("told", state, filled or 0))

    @rule(name=st.sampled_from([*EXECUTIONS, *CORRECTIONS]))
    def execute(self, name):
        if name in EXECUTIONS:
            self.order.fill(EXECUTIONS[name])
        else:
            corrected, quantity = CORRECTIONS[name]
            self.order.fill(fill(name, quantity, corrects=corrected))
        self.note(("fill", name))

    @rule(text=st.sampled_from(["slow", "late"]))
    def warn(self, text):
        before = self.order.status()
        self.order.warned(text)
        assert self.order.status() == before

    @rule()
    def hear_the_last_again(self):
        if self.heard and self.heard[-1][0] in ("told", "fill"):
            before = self.order.status()
            kind, *what = self.heard[-1]
            if kind == "told":
                assert not self.order.told(what[0], filled=D(what[1]))
            else:
                name = what[0]
                one = EXECUTIONS.get(name)
                if one is None:
                    corrected, quantity = CORRECTIONS[name]
                    one = fill(name, quantity, corrects=corrected)
                assert not self.order.fill(one)
            assert self.order.status() == before

    def live(self):
        """Executions that count, by the whole history."""
        names = list(dict.fromkeys(what[0] for kind, *what in self.heard if kind == "fill"))
        return {
            name: EXECUTIONS[name].quantity if name in EXECUTIONS else D(CORRECTIONS[name][1])
            for name in names
            if not any(CORRECTIONS.get(other, ("",))[0] == name for other in names)
        }

    @invariant()
    def quantities_are_those_of_the_history(self):
        live = self.live()
        assert {one.exec_id: one.quantity for one in self.order.fills} == live
        told = max((what[1] for kind, *what in self.heard if kind == "told"), default=0)
        assert self.order.filled_quantity >= max(sum(live.values()), told, self.highest)
        self.highest = self.order.filled_quantity

    @invariant()
    def the_state_follows_its_rules(self):
        was, now = self.was, self.order.state
        self.was = now
        assert (self.order.filled_quantity >= 10) == (now is S.FILLED)
        assert (now is S.PARTIALLY_FILLED) <= (0 < self.order.filled_quantity < 10)
        assert (now is S.ACCEPTED) <= (self.order.filled_quantity == 0)
        last = self.heard[-1][0] if self.heard else ""
        if was in ENDED:
            assert now in (was, S.FILLED)
        if was is S.FILLED:
            assert now is S.FILLED
        if was is S.UNKNOWN and now is not was:
            assert last in ("told", "fill", "absent")
        if was is S.NOT_ACCEPTED and now is not was:
            assert last in ("told", "fill")
        if was is S.PENDING_CANCEL and now in (S.ACCEPTED, S.PARTIALLY_FILLED, S.HELD):
            assert last == "uncancel"
        assert now is not S.CREATED or was is S.CREATED
        if now is S.UNKNOWN and now is not was:
            assert (last, was in (S.CREATED, S.PENDING_SUBMIT)) == ("lose", True)
        if last == "told" and self.heard[-1][1] in ENDED:
            assert now.is_terminal
        if now is S.NOT_ACCEPTED and now is not was:
            assert last == "absent"


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
