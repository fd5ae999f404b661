"""The judge can fail: one run that is right, and every way in which it could have been wrong."""

import json
from decimal import Decimal
from hashlib import sha256

import pytest
from attrs import evolve
from tests.rebalancer.judge import Ending, Violation, client_ids, judge
from tests.rebalancer.sim_venue import ACCOUNT, Execution, Truth, VenueOrder

from nanobook_core.contracts.broker_order import OrderState

WINDOW = "2026-01"
BUY = client_ids(ACCOUNT, WINDOW, "AAA", 2)[0]
SELL, SECOND = client_ids(ACCOUNT, WINDOW, "BBB", 1)[:2]

LEGS = [
    {"number": 1, "symbol": "BBB", "action": "SELL", "quantity": "40"},
    {"number": 2, "symbol": "AAA", "action": "BUY", "quantity": "100"},
]
PLAN = {
    "window": WINDOW,
    "positions": [["BBB", "60"]],
    "targets": [["AAA", "0.1"], ["BBB", "0.02"]],
    "legs": LEGS,
}


def order(number, client_order_id, symbol, side, quantity, **other):
    """An order that was filled at once."""
    return VenueOrder(
        **{
            "number": number,
            "client_order_id": client_order_id,
            "symbol": symbol,
            "side": side,
            "quantity": Decimal(quantity),
            "limit": Decimal(10),
            "sent_at": 10.0 * number,
            "accepted_at": 10.0 * number,
            "quote_usable": True,
            "quote_age": 0.1,
            "state": OrderState.FILLED,
            "filled": Decimal(quantity),
            "ended_at": 10.0 * number + 1,
        }
        | other
    )


def execution(exec_id, of, quantity, **other):
    return Execution(
        **{
            "exec_id": exec_id,
            "number": of.number,
            "client_order_id": of.client_order_id,
            "symbol": of.symbol,
            "side": of.side,
            "quantity": Decimal(quantity),
            "price": Decimal(10),
            "at": of.accepted_at + 1,
        }
        | other
    )


SOLD, BOUGHT = order(1, SELL, "BBB", "sell", 40), order(2, BUY, "AAA", "buy", 100)
TRUTH = Truth(
    start={"BBB": Decimal(60)},
    orders=(SOLD, BOUGHT),
    executions=(
        execution("X1", SOLD, 40),
        execution("X2", BOUGHT, 60),
        execution("X3", BOUGHT, 40),
    ),
    asked_at=40.0,
)


def intent(client_order_id, shares):
    return ("order_intent", {"client_order_id": client_order_id, "shares": shares})


def filled(client_order_id, exec_id, shares, price="10"):
    return (
        "order_filled",
        {"client_order_id": client_order_id, "exec_id": exec_id, "shares": shares, "price": price},
    )


def in_kind(fill, fee, currency):
    event, data = fill
    return event, data | {"fee": fee, "fee_currency": currency}


def done(client_order_id, shares):
    return ("order_done", {"client_order_id": client_order_id, "filled": shares})


def completed(status, review=()):
    return ("run_completed", {"status": status, "review": list(review)})


EVENTS = [
    ("run_started", {}),
    ("diff_computed", {"plan": PLAN}),
    intent(SELL, "40"),
    ("order_submitted", {"client_order_id": SELL}),
    filled(SELL, "X1", "40"),
    done(SELL, "40"),
    intent(BUY, "100"),
    ("order_submitted", {"client_order_id": BUY}),
    filled(BUY, "X2", "60"),
    filled(BUY, "X3", "40"),
    done(BUY, "100"),
    completed("done"),
]
ENDING = Ending(codes=(None, 0), minutes=1.0, texts=("2 orders filled",))


def written(events, numbers=None):
    """An audit log of these events."""
    lines, prev = [], "0" * 64
    for number, (event, data) in enumerate(events, 1):
        body = {"data": data, "event": event, "prev": prev, "run": "r1", "v": 1}
        body["seq"] = (numbers or {}).get(number, number)
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        prev = sha256((prev + text).encode()).hexdigest()
        lines.append(json.dumps(body | {"hash": prev}).encode() + b"\n")
    return b"".join(lines)


def without(event, which=0):
    """The events but one."""
    places = [place for place, (name, _) in enumerate(EVENTS) if name == event]
    return [each for place, each in enumerate(EVENTS) if place != places[which]]


def instead(place, *events):
    """The events with others in the place of one, counted from the end where negative."""
    place %= len(EVENTS)
    return [*EVENTS[:place], *events, *EVENTS[place + 1 :]]


def truth(*more, executions=TRUTH.executions, orders=TRUTH.orders, **other):
    return evolve(TRUTH, orders=(*orders, *more), executions=executions, **other)


AGAIN = order(3, BUY, "AAA", "buy", 100, filled=Decimal(0), state=OrderState.CANCELLED)
OPEN = evolve(BOUGHT, state=OrderState.PARTIALLY_FILLED, ended_at=None, filled=Decimal(60))
REST_MISSING = [
    *EVENTS[:9],
    ("order_done", {"client_order_id": BUY, "filled": "60"}),
    completed("halted"),
]
CUT = evolve(BOUGHT, state=OrderState.CANCELLED, filled=Decimal(60))


def test_a_run_that_is_right_breaks_no_law():
    assert judge(TRUTH, written(EVENTS), ENDING) == []


CHARGED = truth(
    executions=(*TRUTH.executions[:2], evolve(TRUTH.executions[2], fee_in_kind=Decimal("0.04")))
)


def test_a_fee_that_was_taken_out_of_what_was_bought_breaks_no_law():
    events = instead(9, in_kind(filled(BUY, "X3", "40"), "0.04", "AAA"))
    assert judge(CHARGED, written(events), ENDING) == []


@pytest.mark.parametrize(("fee", "currency"), [("0.04", "USDT"), ("0.03", "AAA"), ("0.04", "BBB")])
def test_one_that_the_audit_does_not_tell_so_is_found(fee, currency):
    events = instead(9, in_kind(filled(BUY, "X3", "40"), fee, currency))
    assert {each.rule for each in judge(CHARGED, written(events), ENDING)} == {"J3"}


def test_a_rest_that_is_listed_breaks_no_law():
    found = judge(
        truth(orders=(SOLD, CUT), executions=TRUTH.executions[:2]),
        written(REST_MISSING),
        evolve(ENDING, codes=(5,)),
    )
    assert found == []


def test_an_order_that_a_person_is_asked_to_look_at_may_be_without_an_end():
    for known in (
        evolve(UNKNOWN, takes_again=True),
        evolve(UNKNOWN, takes_again=False, unanswered=frozenset([BUY])),
        evolve(UNKNOWN, orders=(SOLD, evolve(OPEN, filled=Decimal(0)))),
    ):
        assert judge(known, written(REVIEWED), evolve(ENDING, codes=(4,))) == []


def test_a_fill_after_the_end_of_its_order_and_after_the_last_question_is_nobodys_fault():
    late = execution("X4", CUT, 40, at=41.0)
    found = judge(
        truth(orders=(SOLD, CUT), executions=(*TRUTH.executions[:2], late)),
        written(REST_MISSING),
        evolve(ENDING, codes=(5,)),
    )
    assert found == []


LATE_SALE = execution("X4", SOLD, 5, at=35.0)


def with_a_late_sale(held, status, *reviews, needed=True):
    """A plan for 40 of which 45 were sold, and then another run, which finds that many held."""
    events = [
        ("diff_computed", {"plan": {**PLAN, "legs": [{**LEGS[0], "quantity": "45"}]}}),
        intent(SELL, "45"),
        ("order_submitted", {"client_order_id": SELL}),
        filled(SELL, "X1", "40"),
        done(SELL, "40"),
        completed("incomplete"),
        ("positions_fetched", {"positions": [{"symbol": "BBB", "qty": held}]}),
    ]
    if needed:
        plan = {**PLAN, "positions": [["BBB", held]], "legs": [], "targets": []}
        events.append(("diff_computed", {"plan": plan}))
    else:
        events.append(("no_rebalance_needed", {}))
    return [*events, filled(SELL, "X4", "5"), completed(status, reviews)]


SOLD_LATE = truth(
    orders=(evolve(SOLD, quantity=Decimal(45), filled=Decimal(45), ended_at=20.0),),
    executions=(TRUTH.executions[0], LATE_SALE),
)


def rules(known, events, code):
    return {each.rule for each in judge(known, written(events), evolve(ENDING, codes=(code,)))}


def test_a_fill_that_came_late_and_that_a_person_is_told_of_breaks_no_law():
    """The next plan had seen what it changed before it was written."""
    told = with_a_late_sale("15", "review", "BBB: 15 held, 10 explained")
    assert rules(SOLD_LATE, told, 4) == set()
    untold = with_a_late_sale("15", "review", "AAA: 15 held, 10 explained")
    assert rules(SOLD_LATE, untold, 4) == {"J3", "J6"}


def test_a_late_fill_is_explained_where_it_is_in_the_audit_but_spoils_what_is_called_done():
    assert rules(SOLD_LATE, with_a_late_sale("20", "halted"), 5) == set()
    assert rules(SOLD_LATE, with_a_late_sale("20", "done"), 0) == {"J3"}


def test_where_nothing_was_needed_fills_explain_what_is_held():
    *before, late, end = with_a_late_sale("15", "done", needed=False)
    seen = [*before[:-2], late, *before[-2:], end]
    assert rules(SOLD_LATE, seen, 0) == set()
    assert rules(SOLD_LATE, [*before, late, end], 0) == {"J3"}


IN_SECOND = client_ids(ACCOUNT, "2026-02", "BBB", 1)[0]
SOLD_AGAIN = order(3, IN_SECOND, "BBB", "sell", 20)
TWO_WINDOWS = truth(SOLD_AGAIN, executions=(*TRUTH.executions, execution("X4", SOLD_AGAIN, 20)))
SECOND_WINDOW = [
    ("run_started", {"window": "2026-02"}),
    (
        "diff_computed",
        {
            "plan": {
                "window": "2026-02",
                "positions": [["AAA", "100"], ["BBB", "20"]],
                "targets": [["AAA", "0.1"]],
                "legs": [{**LEGS[0], "quantity": "20"}],
            }
        },
    ),
    intent(IN_SECOND, "20"),
    ("order_submitted", {"client_order_id": IN_SECOND}),
    filled(IN_SECOND, "X4", "20"),
    done(IN_SECOND, "20"),
    completed("done"),
]


def test_a_window_after_another_one_has_legs_of_its_own():
    assert rules(TWO_WINDOWS, [*EVENTS, *SECOND_WINDOW], 0) == set()
    assert rules(TWO_WINDOWS, [*EVENTS, *SECOND_WINDOW[:-3], SECOND_WINDOW[-1]], 0) == {"J2", "J3"}
    again = ("run_started", {"window": "2026-02"})
    assert rules(TWO_WINDOWS, [*EVENTS, *SECOND_WINDOW, again], 0) == {"J4"}


CANCELLED = evolve(SOLD, state=OrderState.CANCELLED, ended_at=15.0)
REST = order(3, SECOND, "BBB", "sell", 30)
#: 10 of 40 fill before the cancel, 30 after it, and the second attempt is for those too.
TWICE = truth(
    orders=(CANCELLED, REST),
    executions=(
        execution("X1", SOLD, 10),
        execution("X2", SOLD, 30, at=29.9),
        execution("X3", REST, 30),
    ),
)


def of_two_attempts(*, known, review):
    late = filled(SELL, "X2", "30")
    return [
        ("diff_computed", {"plan": {**PLAN, "targets": [], "legs": LEGS[:1]}}),
        intent(SELL, "40"),
        ("order_submitted", {"client_order_id": SELL}),
        filled(SELL, "X1", "10"),
        done(SELL, "10"),
        *([late] if known else []),
        intent(SECOND, "30"),
        ("order_submitted", {"client_order_id": SECOND}),
        filled(SECOND, "X3", "30"),
        done(SECOND, "30"),
        *([] if known else [late]),
        completed("review", [review]),
    ]


TOLD = "leg 1: 70 BBB traded, 40 planned"


def test_a_late_fill_that_nobody_knew_of_when_the_rest_was_sent_is_for_a_person():
    assert rules(TWICE, of_two_attempts(known=False, review=TOLD), 4) == set()
    assert rules(TWICE, of_two_attempts(known=False, review="x"), 4) == {"J1", "J6"}
    assert rules(TWICE, of_two_attempts(known=True, review=TOLD), 4) == {"J1"}


def test_a_late_fill_after_the_last_look_of_anybody_is_nobody_s_fault():
    first, late, rest = TWICE.executions
    unseen = evolve(TWICE, executions=(first, evolve(late, at=50.0), rest))
    *events, _ = of_two_attempts(known=True, review="")
    told = [*events[:5], *events[6:], completed("done", [])]
    assert rules(unseen, told, 0) == set()
    assert "J1" in rules(TWICE, told, 0)


WRONG = {
    "an order that no leg has": ("J1", truth(order(3, "nb1-x", "AAA", "buy", 1)), EVENTS),
    "the same order twice": ("J1", truth(AGAIN), EVENTS),
    "a second attempt beside the first": (
        "J1",
        truth(orders=(SOLD, OPEN, order(3, BUY, "AAA", "buy", 1))),
        EVENTS,
    ),
    "an order of the other side": (
        "J1",
        truth(orders=(evolve(SOLD, side="buy"), BOUGHT)),
        EVENTS,
    ),
    "an order of another symbol": (
        "J1",
        truth(orders=(evolve(SOLD, symbol="CCC"), BOUGHT)),
        EVENTS,
    ),
    "an order larger than its leg": (
        "J1",
        truth(orders=(evolve(SOLD, quantity=Decimal(41)), BOUGHT)),
        EVENTS,
    ),
    "a second attempt of the whole after a part": (
        "J1",
        truth(
            order(3, SECOND, "BBB", "sell", 40, filled=Decimal(0)),
            orders=(evolve(SOLD, filled=Decimal(1), state=OrderState.CANCELLED), BOUGHT),
        ),
        EVENTS,
    ),
    "more filled than planned": (
        "J1",
        truth(orders=(evolve(SOLD, filled=Decimal(41)), BOUGHT)),
        EVENTS,
    ),
    "an order without an intent": ("J2", TRUTH, without("order_intent")),
    "an intent of another size": ("J2", TRUTH, instead(2, intent(SELL, "39"))),
    "an order that the audit does not know": (
        "J2",
        TRUTH,
        [each for each in EVENTS if each[0] == "run_completed" or BUY not in str(each[1])]
        + [intent(BUY, "100")],
    ),
    "an order that was left open": ("J2", truth(orders=(SOLD, OPEN)), EVENTS),
    "an execution that is missing": ("J2", TRUTH, without("order_filled")),
    "an execution that is there twice": (
        "J2",
        TRUTH,
        instead(4, filled(SELL, "X1", "20"), filled(SELL, "X1", "20")),
    ),
    "an execution of another size": ("J2", TRUTH, instead(4, filled(SELL, "X1", "39"))),
    "an execution of another price": ("J2", TRUTH, instead(4, filled(SELL, "X1", "40", "9"))),
    "an execution of another order": ("J2", TRUTH, instead(4, filled(BUY, "X1", "40"))),
    "an execution that never was": ("J2", TRUTH, instead(4, EVENTS[4], filled(SELL, "X9", "1"))),
    "a late fill, though it was asked for": (
        "J2",
        truth(executions=(*TRUTH.executions, LATE_SALE)),
        EVENTS,
    ),
    "an intent without an end": ("J2", TRUTH, without("order_done")),
    "an order that was sent and is called not sent": (
        "J2",
        TRUTH,
        instead(5, ("order_not_sent", {"client_order_id": SELL})),
    ),
    "an order of the audit that was not intended": (
        "J2",
        TRUTH,
        instead(-1, ("order_unknown", {"client_order_id": "nb1-y"}), EVENTS[-1]),
    ),
    "orders without a plan": ("J3", TRUTH, without("diff_computed")),
    "a plan made of positions that were not held": (
        "J3",
        truth(start={"BBB": Decimal(50)}),
        EVENTS,
    ),
    "a position that no plan knows": (
        "J3",
        truth(start={"BBB": Decimal(60), "ZZZ": Decimal(1)}),
        EVENTS,
    ),
    "a rest that is not listed": (
        "J3",
        truth(orders=(SOLD, CUT), executions=TRUTH.executions[:2]),
        [*EVENTS[:9], *EVENTS[10:]],
    ),
    "done, though a leg was never sent": (
        "J3",
        truth(orders=(SOLD,), executions=TRUTH.executions[:1]),
        [*EVENTS[:6], EVENTS[-1]],
    ),
    "a leg that was planned twice": ("J4", TRUTH, instead(1, EVENTS[1], EVENTS[1])),
    "something after the end": ("J4", TRUTH, [*EVENTS, ("run_started", {})]),
    "an order after the kill switch": ("J5", truth(killed_at=15.0), EVENTS),
    "an intent after a halt": ("J5", TRUTH, instead(5, EVENTS[5], ("halted", {"reason": "x"}))),
    "an order on a quote that is none": (
        "J5",
        truth(orders=(evolve(SOLD, quote_usable=False), BOUGHT)),
        EVENTS,
    ),
    "an order on no quote": (
        "J5",
        truth(orders=(evolve(SOLD, quote_usable=None, quote_age=None), BOUGHT)),
        EVENTS,
    ),
    "an order on an old quote": (
        "J5",
        truth(orders=(evolve(SOLD, quote_age=5.1), BOUGHT)),
        EVENTS,
    ),
    "an order on a quote of no known age": (
        "J5",
        truth(orders=(evolve(SOLD, quote_age=None), BOUGHT)),
        EVENTS,
    ),
    "an exit code that the audit contradicts": ("J6", TRUTH, instead(-1, completed("review"))),
    "no end at all": ("J6", TRUTH, without("run_completed")),
    "a secret in the audit": ("J7", TRUTH, instead(0, ("run_started", {"url": "?t=canary-1"}))),
}


#: What else would be found there too hides nothing.
SAID = {
    "a second attempt beside the first": "two live orders",
    "an order without an intent": "has no intent",
    "an order that the audit does not know": "is not known to the audit",
    "an execution that is there twice": "is in the audit twice",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_orders_or_records_is_found(name):
    rule, wrong, events = WRONG[name]
    found = judge(wrong, written(events), ENDING)
    assert rule in {each.rule for each in found}
    assert SAID.get(name, "") in "\n".join(each.text for each in found)


SOUND = written(EVENTS)
DAMAGED = {
    "half a line at the end": SOUND[:-10],
    "a line that is missing": b"".join(
        line for line in SOUND.splitlines(keepends=True) if b"X2" not in line
    ),
    "lines out of order": b"".join(sorted(SOUND.splitlines(keepends=True))),
    "a number that was changed": SOUND.replace(b'"shares": "60"', b'"shares": "61"'),
    "a line that is no record": SOUND + b"[]\n",
    "a blank line": SOUND + b"\n",
    "a gap in the sequence": written(EVENTS, numbers={5: 6}),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_audit_is_found(name):
    assert "J4" in {each.rule for each in judge(TRUTH, DAMAGED[name], ENDING)}


ENDINGS = {
    "too many restarts": evolve(ENDING, codes=(None,) * 6 + (0,)),
    "too long": evolve(ENDING, minutes=121.0),
    "incomplete, and nobody went on": evolve(ENDING, codes=(3,)),
    "never ended": evolve(ENDING, codes=(None,)),
    "an error": evolve(ENDING, codes=(1,)),
    "a second instance that ran": evolve(ENDING, others=(6, 0)),
    "another end than in the audit": evolve(ENDING, codes=(4,)),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_run_that_does_not_end_as_it_should_is_found(name):
    assert {each.rule for each in judge(TRUTH, SOUND, ENDINGS[name])} == {"J6"}


REVIEWED = [*EVENTS[:7], completed("review", [f"{BUY} AAA: nobody knows"])]
UNKNOWN = evolve(TRUTH, orders=(SOLD,), executions=TRUTH.executions[:1])


@pytest.mark.parametrize(
    ("wrong", "events"),
    [
        (UNKNOWN, REVIEWED),  # not there, and the venue takes an id once
        (TRUTH, REVIEWED),  # there, and nothing hid it
        (TRUTH, [*EVENTS[:-1], completed("review", ["something"])]),
    ],
)
def test_a_review_without_a_reason_is_found(wrong, events):
    found = judge(evolve(wrong, takes_again=False), written(events), evolve(ENDING, codes=(4,)))
    assert "review" in " ".join(each.text for each in found if each.rule == "J6")


def test_a_secret_that_was_printed_is_found():
    ending = evolve(ENDING, texts=("error at ?token=canary-1",))
    assert judge(TRUTH, SOUND, ending) == [Violation("J7", "a secret was printed")]
