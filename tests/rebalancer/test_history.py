"""What an audit log adds up to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rebalancer.run_world import World

from nanobook_core.contracts import OrderState
from nanobook_core.errors import ValidationError
from nanobook_rebalancer.audit import AuditLog
from nanobook_rebalancer.chain import AuditRecord
from nanobook_rebalancer.history import History
from nanobook_rebalancer.leg_state import FROM_BROKER, LegState

STARTED = {
    "account_digest": "a",
    "dry_run": False,
    "target": [],
    "window": "w1",
    "window_digest": "w",
}
INTENT = {
    "action": "BUY",
    "attempt": 1,
    "client_order_id": "nb1-x",
    "leg": 1,
    "limit": "10",
    "shares": "100",
    "side": "buy",
    "symbol": "AAA",
}
ID = {"client_order_id": "nb1-x"}


def records(*events):
    return [
        AuditRecord(
            seq=seq,
            ts_wall=f"2026-03-02T15:00:{seq:02d}.000000Z",
            ts_mono=float(seq),
            run="r1",
            event=event,
            data=data,
            prev="",
            hash="",
        )
        for seq, (event, data) in enumerate((("run_started", STARTED), *events), 1)
    ]


def order(*events):
    """The one order, after an intent and these."""
    return History.fold(records(("order_intent", INTENT), *events)).attempts["nb1-x"]


def filled(shares, exec_id="e1", **further):
    data = {"exec_id": exec_id, "shares": shares, "price": "10", "fee": "0", "fee_currency": ""}
    return "order_filled", ID | data | further


def done(state, reason=""):
    return "order_done", ID | {"state": state, "reason": reason, "filled": "0"}


ACK = ("order_submitted", ID | {"order_id": 7})
CANCEL = ("cancel_intent", ID | {"reason": "timeout"})
CANCELLED = ("cancel_result", ID | {"outcome": "sent"})


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "intent"),
        ([ACK], "acked"),
        ([("order_unknown", ID | {"error": "timeout"})], "unknown"),
        ([("order_not_sent", ID | {"error": "busy"})], "not_sent"),
        ([("order_not_sent", ID | {"error": "busy"}), ("order_intent", INTENT)], "intent"),
        ([("order_unknown", ID | {"error": "?"}), ACK], "acked"),
        ([("order_unknown", ID | {"error": "?"}), ("order_intent", INTENT)], "intent"),
        ([ACK, ("order_intent", INTENT)], "acked"),
        ([filled("40")], "partial"),
        ([ACK, filled("40")], "partial"),
        ([ACK, CANCEL], "cancel_intent"),
        ([ACK, CANCEL, CANCELLED], "cancel_sent"),
        ([ACK, CANCEL, filled("40")], "cancel_intent"),
        ([ACK, filled("100"), done("filled")], "filled"),
        ([ACK, done("rejected")], "rejected"),
        ([ACK, CANCEL, CANCELLED, done("cancelled")], "cancelled"),
        ([ACK, done("cancelled"), filled("40")], "cancelled"),
        ([ACK, done("cancelled"), filled("100")], "filled"),
        ([ACK, done("cancelled"), CANCEL], "cancelled"),
        ([ACK, done("expired"), ("order_unknown", ID | {"error": "?"})], "expired"),
        ([done("not_sent"), ACK], "acked"),
    ],
)
def test_an_order_is_in_the_state_that_its_records_prove(events, state):
    assert order(*events).state == state


def test_a_fill_counts_once_however_often_it_is_told():
    assert order(ACK, filled("40"), filled("40"), filled("10", "e2")).filled == 50


def test_a_correction_takes_the_place_of_what_it_corrects():
    found = order(ACK, filled("40"), filled("30", "e2", corrects="e1"))
    assert (found.filled, found.corrected) == (30, {"e1"})


def test_fills_after_the_end_count():
    assert order(ACK, filled("40"), done("cancelled"), filled("10", "e2")).filled == 50


def test_every_state_of_a_broker_has_one_meaning_here():
    assert set(FROM_BROKER) == set(OrderState)
    for ours in (LegState.FILLED, LegState.CANCELLED, LegState.REJECTED, LegState.EXPIRED):
        assert [theirs.value for theirs, meant in FROM_BROKER.items() if meant is ours] == [
            ours.value
        ]
    assert all(FROM_BROKER[state].is_terminal is state.is_terminal for state in OrderState)


def test_a_dry_run_leaves_nothing_behind():
    dry = ("run_started", STARTED | {"dry_run": True})
    found = History.fold(
        records(dry, ("diff_computed", {"plan": {"currency": "USD", "legs": [{"number": 4}]}}))
    )
    (window,) = found.windows.values()
    assert (window.plan, window.last_leg) == (None, 0)


def test_a_run_that_ended_leaves_no_plan_to_the_next():
    plan = ("diff_computed", {"plan": {"currency": "USD", "legs": [{"number": 4}]}})
    ended = ("run_completed", {"status": "incomplete", "positions": None})
    begun = ("run_started", STARTED)
    (window,) = History.fold(records(plan, ended, begun)).windows.values()
    assert (window.plan, window.last_leg, window.is_left_open) == (None, 4, False)
    (window,) = History.fold(records(plan, begun)).windows.values()
    assert (window.last_leg, window.is_left_open) == (4, True)


def test_after_an_error_the_plan_is_still_open():
    plan = ("diff_computed", {"plan": {"currency": "USD", "legs": [{"number": 1}]}})
    error = ("run_completed", {"status": "error", "positions": None})
    (window,) = History.fold(records(plan, error)).windows.values()
    assert window.is_left_open


def test_a_record_without_what_its_event_has_is_named():
    with pytest.raises(ValidationError, match="record 2, order_intent: KeyError"):
        History.fold(records(("order_intent", {})))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """The log of an account to which a lot has happened."""
    world = World(tmp_path_factory.mktemp("world"))
    world.run({"AAA": 0.5, "BBB": 0.25})
    world.broker.faults["submit_order"].append("answerless")
    world.run({"AAA": 0.2, "CCC": 0.25}, window="w2")
    world.execution["order_timeout_secs"] = 1
    world.broker.faults["submit_order"].append(
        lambda: world.quotes.update(AAA=(Decimal(140), Decimal(141)))
    )
    world.run({"AAA": 0.6}, window="w3")
    with AuditLog.open(world.folder / "logs" / "audit.jsonl", clock=world.clock) as log:
        return list(log.records)


def test_a_lived_log_holds_what_is_to_be_folded(lived):
    events = {record.event for record in lived}
    assert {"order_unknown", "cancel_intent", "order_filled", "order_done"} <= events


@given(data=st.data())
def test_any_prefix_folds_and_goes_on_to_the_same(lived, data):
    cut = data.draw(st.integers(0, len(lived)))
    history = History.fold(lived[:cut])
    for record in lived[cut:]:
        history.apply(record)
    assert history == History.fold(lived)


@given(data=st.data())
def test_duplicates_change_nothing(lived, data):
    again = data.draw(st.lists(st.integers(0, len(lived) - 1), max_size=20))
    doubled = list(lived)
    for index in sorted(again, reverse=True):
        doubled.insert(index + 1, lived[index])
    assert History.fold(doubled) == History.fold(lived)
    assert History.fold(lived + lived) == History.fold(lived)


@given(data=st.data())
def test_filled_never_falls_from_prefix_to_prefix(lived, data):
    cut = data.draw(st.integers(0, len(lived)))
    early, late = History.fold(lived[:cut]), History.fold(lived)
    for key, attempt in early.attempts.items():
        assert attempt.filled <= late.attempts[key].filled <= late.attempts[key].shares
