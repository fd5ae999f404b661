"""The judge finds nothing in evidence that is sound, and each lie that is planted in it."""

import datetime as dt
from decimal import Decimal

import pytest
from attrs import evolve
from tests.fault.evidence import Cancel, Replace, Submit, Told
from tests.ibkr.evidence import Evidence, Truth
from tests.ibkr.judge import judge

from nanobook_core.contracts import (
    BrokerEvent,
    BrokerOrder,
    BrokerOrderStatus,
    Fill,
    OrderState,
    Outcome,
    SyncReport,
)
from nanobook_ibkr.simulator.record import (
    ContractDefinition,
    OrderForm,
    OrderStatusWord,
    VenueExecution,
    VenueOrder,
)

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
AAPL = ContractDefinition(con_id=265598, symbol="AAPL")
LIMIT = Decimal(100)
S, W = OrderState, OrderStatusWord
FIRST, LATER, OLD, NEW = "e.00000001.01.01", "e.00000002.01.01", "e.3.01.01", "e.3.01.02"


def asked(ref, quantity, outcome=None):
    order = BrokerOrder("AAPL", "buy", quantity, "limit", LIMIT, client_order_id=ref)
    return Submit(order=order, outcome=outcome)


def at_venue(perm_id, ref, quantity, status, *, client_id=1, **more):
    form = OrderForm(
        action="BUY",
        quantity=Decimal(quantity),
        order_type="LMT",
        limit_price=LIMIT,
        order_ref=ref,
    )
    order_id = perm_id if client_id else 0
    return VenueOrder(
        perm_id=perm_id,
        client_id=client_id,
        order_id=order_id,
        contract=AAPL,
        form=form,
        account="DU1234567",
        status=status,
        **more,
    )


def execution(exec_id, perm_id, ref, quantity, cumulative, price=LIMIT):  # noqa: PLR0917 - a table reads so
    return VenueExecution(
        exec_id=exec_id,
        perm_id=perm_id,
        client_id=1,
        order_id=perm_id,
        order_ref=ref,
        account="DU1234567",
        contract=AAPL,
        action="BUY",
        quantity=Decimal(quantity),
        price=price,
        time=NOON,
        cumulative=Decimal(cumulative),
        avg_price=LIMIT,
        commission=Decimal(1),
    )


def status(perm_id, ref, quantity, state, filled=0, **more):
    return BrokerOrderStatus(
        order_id=perm_id,
        client_order_id=ref,
        symbol="AAPL",
        side="buy",
        quantity=Decimal(quantity),
        state=state,
        filled_quantity=Decimal(filled),
        **more,
    )


def fill(exec_id, perm_id, ref, quantity, price=LIMIT, **more):
    return Fill(
        exec_id=exec_id,
        order_id=perm_id,
        client_order_id=ref,
        symbol="AAPL",
        side="buy",
        quantity=Decimal(quantity),
        price=price,
        fee=Decimal(1),
        **more,
    )


FILLS = (
    fill(FIRST, 1, "filled", 4),
    fill(LATER, 1, "filled", 6),
    fill(NEW, 2, "living", 2, LIMIT - 1, corrects=OLD),
)
THEIRS = (
    status(4, "theirs", 5, S.ACCEPTED, is_own=False),
    status(5, "", 5, S.ACCEPTED, is_own=False),
)
CASH = Decimal("998812.5")
SOUND = Evidence(
    asked=(
        asked("filled", 10),
        asked("living", 7),
        Replace(client_order_id="living", quantity=Decimal(9), limit_price=None, outcome=None),
        asked("cancelled", 5, Outcome.UNKNOWN),
        asked("cancelled", 5, Outcome.NOT_SENT),
        asked("refused", 5, Outcome.REJECTED),
        asked("unsent", 5, Outcome.NOT_SENT),
        Cancel(client_order_id="filled", told=S.FILLED),
        Cancel(client_order_id="living", told=S.ACCEPTED),
        Cancel(client_order_id="living", told=None),
    ),
    truth=Truth(
        client_id=1,
        orders=(
            at_venue(1, "filled", 10, W.FILLED, filled=Decimal(10)),
            at_venue(2, "living", 9, W.SUBMITTED, filled=Decimal(2)),
            at_venue(3, "cancelled", 5, W.CANCELLED),
            at_venue(4, "theirs", 5, W.SUBMITTED, client_id=77),
            at_venue(5, "", 5, W.PRE_SUBMITTED, client_id=0),
        ),
        executions=(
            execution(FIRST, 1, "filled", 4, 4),
            execution(LATER, 1, "filled", 6, 10),
            execution(NEW, 2, "living", 2, 2, LIMIT - 1),
        ),
        positions={"AAPL": Decimal(12)},
        cash=CASH,
        placed=frozenset({("filled", "1"), ("living", "2"), ("cancelled", "3"), ("refused", "4")}),
    ),
    told=Told(
        statuses={
            "filled": status(1, "filled", 10, S.FILLED, 10),
            "living": status(2, "living", 9, S.PARTIALLY_FILLED, 2),
            "cancelled": status(3, "cancelled", 5, S.CANCELLED),
            "refused": status(-4, "refused", 5, S.REJECTED),
            "unsent": None,
        },
        open_orders=(
            status(2, "living", 9, S.PARTIALLY_FILLED, 2),
            *THEIRS,
        ),
        fills=FILLS,
        positions={"AAPL": Decimal(12)},
        cash=CASH,
        report=SyncReport(matched=("living",), foreign=THEIRS),
        events=(
            BrokerEvent(order=status(1, "filled", 10, S.ACCEPTED)),
            BrokerEvent(fill=evolve(FILLS[0], fee=Decimal(0), is_fee_known=False)),
            BrokerEvent(fill=FILLS[0]),
            BrokerEvent(fill=FILLS[1]),
            BrokerEvent(order=status(1, "filled", 10, S.FILLED, 10)),
        ),
        missed=(FILLS[2],),
    ),
)


def test_in_sound_evidence_nothing_is_found():
    assert judge(SOUND) == []


def with_truth(**changes):
    return evolve(SOUND, truth=evolve(SOUND.truth, **changes))


def with_told(**changes):
    return evolve(SOUND, told=evolve(SOUND.told, **changes))


def with_status(ref, **changes):
    statuses = dict(SOUND.told.statuses)
    statuses[ref] = evolve(statuses[ref], **changes)
    return with_told(statuses=statuses)


def with_order(number, **changes):
    orders = list(SOUND.truth.orders)
    orders[number] = evolve(orders[number], **changes)
    return with_truth(orders=tuple(orders))


def with_answer(number, outcome):
    answers = list(SOUND.asked)
    answers[number] = evolve(answers[number], outcome=outcome)
    return evolve(SOUND, asked=tuple(answers))


def with_fills(*fills):
    return with_told(fills=fills)


def with_events(*events):
    return with_told(events=(*SOUND.told.events, *events))


LIES = {
    "an order came twice": (
        with_truth(
            orders=(*SOUND.truth.orders, at_venue(9, "cancelled", 5, W.CANCELLED)),
        ),
        {"duplicate", "state"},
    ),
    "an order came twice, once by another client": (
        with_truth(
            orders=(*SOUND.truth.orders, at_venue(9, "cancelled", 5, W.CANCELLED, client_id=2)),
        ),
        {"duplicate"},
    ),
    "an order was sent under two numbers": (
        with_truth(placed=SOUND.truth.placed | {("refused", "5")}),
        {"duplicate"},
    ),
    "an order is not known": (
        with_told(statuses={**SOUND.told.statuses, "living": None}),
        {"lost"},
    ),
    "a living order is not shown": (
        with_told(open_orders=SOUND.told.open_orders[1:]),
        {"lost"},
    ),
    "an order of others is not shown": (
        with_told(open_orders=SOUND.told.open_orders[:2]),
        {"lost"},
    ),
    "a living order is called done": (with_status("living", state=S.CANCELLED), {"state"}),
    "a living order is called unknown": (with_status("living", state=S.UNKNOWN), {"state"}),
    "a done order is called living": (with_status("cancelled", state=S.ACCEPTED), {"state"}),
    "a cancelled order is called filled": (with_status("cancelled", state=S.FILLED), {"state"}),
    "a done order is shown as open": (
        with_told(
            open_orders=(*SOUND.told.open_orders, status(3, "cancelled", 5, S.PENDING_CANCEL))
        ),
        {"state"},
    ),
    "an open order is shown twice": (
        with_told(open_orders=SOUND.told.open_orders + SOUND.told.open_orders[:1]),
        {"state"},
    ),
    "an order of others is called ours": (
        with_told(open_orders=(*SOUND.told.open_orders[:2], status(5, "", 5, S.ACCEPTED))),
        {"state"},
    ),
    "an order is shown that never was": (
        with_told(open_orders=(*SOUND.told.open_orders, status(8, "", 5, S.ACCEPTED))),
        {"state"},
    ),
    "less is said to have filled": (
        with_status("living", filled_quantity=Decimal(1)),
        {"state"},
    ),
    "more is said to have filled": (
        with_status("filled", filled_quantity=Decimal(11)),
        {"state"},
    ),
    "the number is another order's": (with_status("living", order_id=1), {"state"}),
    "the quantity is the one before the change": (
        with_status("living", quantity=Decimal(7)),
        {"state"},
    ),
    "an acknowledged order is not there": (
        with_truth(orders=SOUND.truth.orders[:1] + SOUND.truth.orders[2:]),
        {"outcome", "state"},
    ),
    "an unsent order was sent": (
        with_truth(orders=(*SOUND.truth.orders, at_venue(6, "unsent", 5, W.CANCELLED))),
        {"lost", "outcome"},
    ),
    "a sent order is called unsent": (with_answer(3, Outcome.NOT_SENT), {"outcome"}),
    "a living order is called refused": (with_answer(1, Outcome.REJECTED), {"outcome"}),
    "an unsent order is called refused by the venue": (
        with_answer(6, Outcome.REJECTED),
        {"outcome"},
    ),
    "an order was sent for which nobody asked": (
        with_truth(placed=SOUND.truth.placed | {("ghost", "8")}),
        {"outcome"},
    ),
    "it was sent again though it was there": (
        evolve(SOUND, asked=(*SOUND.asked, asked("filled", 10, Outcome.UNKNOWN))),
        {"outcome"},
    ),
    "a change that was refused was made": (with_answer(2, Outcome.REJECTED), {"terms"}),
    "a change that was made was not": (
        with_order(1, form=evolve(SOUND.truth.orders[1].form, quantity=Decimal(7))),
        {"terms", "state"},
    ),
    "the venue has another side": (
        with_order(2, form=evolve(SOUND.truth.orders[2].form, action="SELL")),
        {"terms", "state"},
    ),
    "the venue has another limit": (
        with_order(2, form=evolve(SOUND.truth.orders[2].form, limit_price=LIMIT + 1)),
        {"terms"},
    ),
    "a fill is lost": (with_fills(*FILLS[1:]), {"lost"}),
    "a fill is there twice": (with_fills(*FILLS, FILLS[0]), {"doubled"}),
    "a fill is there under another id too": (
        with_fills(*FILLS, fill("x.1.01.01", 1, "filled", 4)),
        {"doubled"},
    ),
    "a correction is added to what it corrects": (
        with_fills(*FILLS[:2], fill(OLD, 2, "living", 2), fill(NEW, 2, "living", 2, LIMIT - 1)),
        {"doubled"},
    ),
    "a correction is not heard": (
        with_fills(*FILLS[:2], fill(OLD, 2, "living", 2)),
        {"lost", "doubled"},
    ),
    "a fill has another price": (
        with_fills(evolve(FILLS[0], price=LIMIT + 1), *FILLS[1:]),
        {"doubled"},
    ),
    "a fill belongs to another order": (
        with_fills(evolve(FILLS[0], order_id=2), *FILLS[1:]),
        {"doubled"},
    ),
    "a fee is not known": (
        with_fills(evolve(FILLS[0], is_fee_known=False), *FILLS[1:]),
        {"lost"},
    ),
    "a fee is wrong": (with_fills(evolve(FILLS[0], fee=Decimal(2)), *FILLS[1:]), {"lost"}),
    "a fill is told twice": (with_events(BrokerEvent(fill=FILLS[0])), {"event"}),
    "a fill is told that never was": (
        with_events(BrokerEvent(fill=fill("x.1.01.01", 1, "filled", 4))),
        {"event"},
    ),
    "nobody is told of a correction": (
        evolve(
            with_told(missed=()),
            told=evolve(
                with_events(BrokerEvent(fill=evolve(FILLS[2], exec_id=OLD, price=LIMIT))).told,
                missed=(),
            ),
        ),
        {"event"},
    ),
    "nobody is told of a fill": (with_told(missed=()), {"event"}),
    "an order comes back": (
        with_events(BrokerEvent(order=status(1, "filled", 10, S.ACCEPTED, 10))),
        {"event"},
    ),
    "filled goes back": (
        with_events(BrokerEvent(order=status(1, "filled", 10, S.FILLED, 4))),
        {"event"},
    ),
    "a living order is called done where it is cancelled": (
        evolve(SOUND, asked=(*SOUND.asked, Cancel(client_order_id="living", told=S.FILLED))),
        {"outcome"},
    ),
    "an order is called lost that is there": (
        with_told(report=SyncReport(foreign=THEIRS, lost=("living",))),
        {"lost"},
    ),
    "a resync does not show an order of others": (
        with_told(report=SyncReport(foreign=THEIRS[:1])),
        {"lost"},
    ),
    "money is wrong": (with_told(cash=CASH + 1), {"position"}),
    "a holding is wrong": (with_told(positions={"AAPL": Decimal(10)}), {"position"}),
    "a holding is forgotten": (with_told(positions={}), {"position"}),
    "a holding is made up": (
        with_told(positions={"AAPL": Decimal(12), "IBM": Decimal(1)}),
        {"position"},
    ),
}


@pytest.mark.parametrize(("evidence", "rules"), LIES.values(), ids=LIES)
def test_a_lie_is_found(evidence, rules):
    assert {each.rule for each in judge(evidence)} == rules


def test_a_fee_that_the_venue_never_tells_may_be_unknown():
    fills = (evolve(FILLS[0], fee=Decimal(0), is_fee_known=False), *FILLS[1:])
    assert judge(evolve(with_fills(*fills), fees_known=False)) == []


def test_an_order_in_doubt_that_never_came_may_stay_unknown():
    evidence = evolve(
        with_truth(orders=SOUND.truth.orders[:2] + SOUND.truth.orders[3:]),
        told=with_status("cancelled", state=S.UNKNOWN).told,
    )
    assert judge(evidence) == []


def test_an_order_that_is_proved_not_to_have_come_may_be_sent_again():
    assert judge(with_answer(4, None)) == []


def test_of_a_program_that_was_started_again_not_every_fill_must_have_been_told():
    assert judge(with_told(missed=(), is_whole=False)) == []
