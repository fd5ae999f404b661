"""The judge finds nothing in evidence that is sound, and each lie that is planted in it."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.binance.evidence import Evidence, Placed, Truth, VenueOrder, VenueTrade
from tests.binance.judge import judge
from tests.fault.evidence import Cancel, Submit, Told

from nanobook_core.contracts import (
    BrokerEvent,
    BrokerOrder,
    BrokerOrderStatus,
    Fill,
    OrderState,
    Outcome,
    SyncReport,
)

S = OrderState
LIMIT = Decimal("60000.01")
SUB_CENT = Decimal("0.00001234")
HALF = Decimal("0.5")


def asked(ref, quantity, outcome=None, symbol="BTC", limit=LIMIT, **more):
    more = {"order_type": "limit", "limit_price": limit, "tif": "gtc", **more}
    order = BrokerOrder(symbol, "buy", Decimal(quantity), client_order_id=ref, **more)
    return Submit(order=order, outcome=outcome)


def at_venue(number, ref, quantity, status, symbol="BTC", limit=LIMIT, **more):  # noqa: PLR0917 - a table reads so
    more = {"kind": "LIMIT", "tif": "GTC", "asked": Decimal(quantity), **more}
    return VenueOrder(
        symbol=symbol,
        number=number,
        client_order_id=ref,
        side="buy",
        quantity=Decimal(quantity),
        limit_price=limit,
        status=status,
        **more,
    )


def trade(number, order, quantity, price, fee, symbol="BTC", **more):  # noqa: PLR0917 - a table reads so
    return VenueTrade(
        symbol=symbol,
        number=number,
        order=order,
        side="buy",
        quantity=Decimal(quantity),
        price=price,
        fee=Decimal(fee),
        **{"fee_currency": symbol, "is_maker": False, **more},
    )


def status(number, ref, quantity, state, filled="0", **more):
    return BrokerOrderStatus(
        order_id=number,
        client_order_id=ref,
        **{"symbol": "BTC", "side": "buy", **more},
        quantity=Decimal(quantity),
        state=state,
        filled_quantity=Decimal(filled),
    )


def fill(exec_id, order, quantity, price, fee, symbol="BTC", **more):  # noqa: PLR0917 - a table reads so
    more = {"fee_currency": symbol, "liquidity": "taker", **more}
    return Fill(
        exec_id=exec_id,
        order_id=order,
        client_order_id="",
        symbol=symbol,
        side="buy",
        quantity=Decimal(quantity),
        price=price,
        fee=Decimal(fee),
        **more,
    )


# Orders and trades of two symbols have the same numbers.
FILLS = (
    fill("BTC 7", 11, "0.4", LIMIT - 1, "0.0004"),
    fill("BTC 8", 11, "0.1", LIMIT, "0.0001"),
    fill("PEPE 7", 11, 1000, SUB_CENT, "0.00002", "PEPE", fee_currency="BNB", liquidity="maker"),
)
PAID = Decimal("24000.004") - Decimal("0.4") + Decimal("6000.001")
PART = status(11, "part", 3000, S.PARTIALLY_FILLED, 1000, symbol="PEPE", avg_fill_price=SUB_CENT)
FILLED = status(11, "filled", HALF, S.FILLED, HALF, avg_fill_price=PAID / HALF)
THEIRS = status(13, "web_1", 2, S.ACCEPTED, is_own=False)
FORGOTTEN = status(16, "forgotten", 2, S.ACCEPTED, is_own=False)
BALANCES = {
    "USDT": (Decimal("1000.02468"), Decimal("0.02468")),
    "BTC": (Decimal("0.4995"), Decimal(0)),
    "PEPE": (Decimal(1000), Decimal(0)),
    "BNB": (Decimal("9.99998"), Decimal(0)),
}
SOUND = Evidence(
    asked=(
        asked("filled", HALF),
        asked("part", 3000, symbol="PEPE", limit=SUB_CENT),
        asked("ended", 1, Outcome.UNKNOWN, order_type="market", limit_price=None),
        asked("ended", 1, Outcome.NOT_SENT, order_type="market", limit_price=None),
        asked("refused", 5, Outcome.REJECTED),
        asked("unsent", 5, Outcome.NOT_SENT),
        asked("absent", 5, Outcome.UNKNOWN),
        asked("maker", 2, post_only=True),
        asked("stop", 2, order_type="stop", stop_price=LIMIT, limit_price=None),
        asked("forgotten", 2),
        Cancel(client_order_id="filled", told=S.FILLED),
        Cancel(client_order_id="part", told=None),
    ),
    remembered=frozenset(
        {"filled", "part", "ended", "refused", "unsent", "absent", "maker", "stop"}
    ),
    truth=Truth(
        orders=(
            at_venue(11, "filled", HALF, "FILLED", filled=HALF, quote_filled=PAID),
            at_venue(
                11,
                "part",
                3000,
                "PARTIALLY_FILLED",
                "PEPE",
                SUB_CENT,
                filled=Decimal(1000),
                quote_filled=Decimal("0.01234"),
            ),
            at_venue(12, "ended", 1, "EXPIRED", limit=LIMIT * 2, tif="IOC"),
            at_venue(13, "web_1", 2, "NEW"),
            at_venue(14, "maker", 2, "EXPIRED_IN_MATCH", kind="LIMIT_MAKER"),
            at_venue(15, "stop", 2, "CANCELED", limit=None, stop_price=LIMIT, kind="STOP_LOSS"),
            at_venue(16, "forgotten", 2, "NEW"),
        ),
        trades=(
            trade(7, 11, "0.4", LIMIT - 1, "0.0004"),
            trade(8, 11, "0.1", LIMIT, "0.0001"),
            trade(7, 11, 1000, SUB_CENT, "0.00002", "PEPE", fee_currency="BNB", is_maker=True),
        ),
        balances=BALANCES,
        placed=(
            Placed(client_order_id="filled", is_taken=True),
            Placed(client_order_id="part", is_taken=False),  # the clock was wrong
            Placed(client_order_id="part", is_taken=True),
            Placed(client_order_id="ended", is_taken=True),
            Placed(client_order_id="refused", is_taken=False),
            Placed(client_order_id="absent", is_taken=False),
            Placed(client_order_id="maker", is_taken=True),
            Placed(client_order_id="stop", is_taken=True),
            Placed(client_order_id="forgotten", is_taken=True),
        ),
    ),
    told=Told(
        statuses={
            "filled": FILLED,
            "part": PART,
            "ended": status(12, "ended", 1, S.EXPIRED),
            "refused": status(-1, "refused", 5, S.REJECTED),
            "unsent": None,
            "absent": status(-2, "absent", 5, S.NOT_ACCEPTED),
            "maker": status(14, "maker", 2, S.EXPIRED),
            "stop": status(15, "stop", 2, S.CANCELLED),
            "forgotten": FORGOTTEN,
        },
        open_orders=(PART, THEIRS, FORGOTTEN),
        fills=FILLS,
        positions={"BTC": Decimal("0.4995"), "PEPE": Decimal(1000), "BNB": Decimal("9.99998")},
        cash=Decimal("1000.04936"),
        balances=BALANCES,
        report=SyncReport(matched=("part",), foreign=(THEIRS, FORGOTTEN)),
        events=(
            BrokerEvent(order=status(11, "filled", HALF, S.ACCEPTED)),
            BrokerEvent(fill=FILLS[0]),
            BrokerEvent(fill=FILLS[1]),
            BrokerEvent(order=FILLED),
        ),
        missed=FILLS[2:],
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


def with_fill(number, **changes):
    fills = list(FILLS)
    fills[number] = evolve(fills[number], **changes)
    return with_told(fills=tuple(fills))


def with_events(*events):
    return with_told(events=(*SOUND.told.events, *events))


def placed_too(ref, *, is_taken=False):
    return with_truth(placed=(*SOUND.truth.placed, Placed(client_order_id=ref, is_taken=is_taken)))


LIES = {
    "an order was executed twice": (
        with_truth(orders=(*SOUND.truth.orders, at_venue(19, "ended", 1, "EXPIRED", tif="IOC"))),
        {"duplicate", "state"},
    ),
    "an order came twice, of different symbols": (
        with_truth(
            orders=(*SOUND.truth.orders, at_venue(12, "ended", 1, "EXPIRED", "PEPE", tif="IOC"))
        ),
        {"duplicate", "state", "terms"},
    ),
    "an order that the venue had was sent again, and refused": (
        placed_too("part"),
        {"duplicate"},
    ),
    "an order is not known": (
        with_told(statuses={**SOUND.told.statuses, "part": None}),
        {"lost"},
    ),
    "a forgotten order is not found": (
        with_told(statuses={**SOUND.told.statuses, "forgotten": None}),
        {"lost"},
    ),
    "a living order is not shown": (with_told(open_orders=(THEIRS, FORGOTTEN)), {"lost"}),
    "an order of others is not shown": (with_told(open_orders=(PART, FORGOTTEN)), {"lost"}),
    "a living order is called done": (with_status("part", state=S.EXPIRED), {"state"}),
    "a living order is called unknown": (with_status("part", state=S.UNKNOWN), {"state"}),
    "an absent order stays unknown": (with_status("absent", state=S.UNKNOWN), {"state"}),
    "a done order is called living": (with_status("ended", state=S.ACCEPTED), {"state"}),
    "an expired order is called cancelled": (with_status("ended", state=S.CANCELLED), {"state"}),
    "a done order is shown as open": (
        with_told(open_orders=(*SOUND.told.open_orders, status(12, "ended", 1, S.PENDING_CANCEL))),
        {"state"},
    ),
    "an open order is shown twice": (
        with_told(open_orders=(*SOUND.told.open_orders, PART)),
        {"state"},
    ),
    "an order of others is called ours": (
        with_told(open_orders=(PART, FORGOTTEN, evolve(THEIRS, is_own=True))),
        {"state"},
    ),
    "an order of ours is called another's": (
        with_told(open_orders=(evolve(PART, is_own=False), THEIRS, FORGOTTEN)),
        {"state"},
    ),
    "an order is shown that never was": (
        with_told(open_orders=(*SOUND.told.open_orders, status(99, "", 5, S.ACCEPTED))),
        {"state"},
    ),
    "less is said to have filled": (
        with_status("part", filled_quantity=Decimal(999)),
        {"state"},
    ),
    "the average price is wrong": (with_status("filled", avg_fill_price=LIMIT), {"state"}),
    "the number is another order's": (with_status("part", order_id=12), {"state"}),
    "it has another symbol's number": (with_status("part", symbol="BTC"), {"state"}),
    "the quantity is wrong": (with_status("part", quantity=Decimal(2000)), {"state"}),
    "an acknowledged order is not there": (
        with_truth(orders=SOUND.truth.orders[:5] + SOUND.truth.orders[6:]),
        {"outcome", "state"},
    ),
    "an unsent order was sent": (
        with_truth(orders=(*SOUND.truth.orders, at_venue(20, "unsent", 5, "CANCELED"))),
        {"lost", "outcome"},
    ),
    "a sent order is called unsent": (with_answer(2, Outcome.NOT_SENT), {"outcome"}),
    "a living order is called refused": (with_answer(1, Outcome.REJECTED), {"outcome"}),
    "an unsent order is called refused by the venue": (
        with_answer(5, Outcome.REJECTED),
        {"outcome"},
    ),
    "an order was sent for which nobody asked": (placed_too("ghost"), {"outcome"}),
    "it was sent again though it was there": (
        evolve(SOUND, asked=(*SOUND.asked, asked("filled", HALF, Outcome.UNKNOWN))),
        {"outcome"},
    ),
    "the venue has another side": (with_order(4, side="sell"), {"terms", "state"}),
    "the venue has another limit": (with_order(1, limit_price=LIMIT), {"terms"}),
    "the venue has another stop": (with_order(5, stop_price=LIMIT + 1), {"terms"}),
    "the venue has a half of it": (with_order(4, asked=Decimal(1)), {"terms"}),
    "somebody has left a half of it": (with_order(4, quantity=Decimal(1)), {"state"}),
    "a market order rests": (with_order(2, tif="GTC"), {"terms"}),
    "an order that must not take may take": (with_order(4, kind="LIMIT"), {"terms"}),
    "a fill is lost": (with_told(fills=FILLS[1:]), {"lost"}),
    "a fill is there twice": (with_told(fills=FILLS + FILLS[:1]), {"doubled"}),
    "a fill is there under another id too": (
        with_told(fills=(*FILLS, evolve(FILLS[0], exec_id="x"))),
        {"doubled", "event"},
    ),
    "a fill has another price": (with_fill(0, price=LIMIT), {"lost", "doubled"}),
    "a fill belongs to another order": (with_fill(0, order_id=12), {"lost", "doubled"}),
    "a fill belongs to the other symbol's order": (
        with_fill(0, symbol="PEPE"),
        {"lost", "doubled"},
    ),
    "a fee is wrong": (with_fill(0, fee=Decimal(0)), {"lost", "doubled"}),
    "a fee is in another currency": (with_fill(2, fee_currency="PEPE"), {"lost", "doubled"}),
    "who took is wrong": (with_fill(2, liquidity="taker"), {"lost", "doubled"}),
    "a fill is told twice": (with_events(BrokerEvent(fill=FILLS[0])), {"event"}),
    "a fill is told that never was": (
        with_events(BrokerEvent(fill=evolve(FILLS[0], exec_id="x", price=LIMIT))),
        {"event"},
    ),
    "nobody is told of a fill": (with_told(missed=()), {"event"}),
    "an order comes back": (
        with_events(BrokerEvent(order=evolve(FILLED, state=S.ACCEPTED))),
        {"event"},
    ),
    "filled goes back": (
        with_events(BrokerEvent(order=evolve(FILLED, filled_quantity=Decimal(0)))),
        {"event"},
    ),
    "a living order is called done where it is cancelled": (
        evolve(SOUND, asked=(*SOUND.asked, Cancel(client_order_id="part", told=S.FILLED))),
        {"outcome"},
    ),
    "an order is called lost that is there": (
        with_told(report=SyncReport(foreign=(THEIRS,), lost=("part",))),
        {"lost"},
    ),
    "a resync does not show an order of others": (
        with_told(report=SyncReport(foreign=(FORGOTTEN,))),
        {"lost"},
    ),
    "a resync calls an order of ours another's": (
        with_told(report=SyncReport(foreign=(THEIRS, PART))),
        {"lost"},
    ),
    "money is wrong": (with_told(cash=Decimal(1000)), {"position"}),
    "a satoshi is missing": (
        with_told(positions={**SOUND.told.positions, "BTC": Decimal("0.49949999")}),
        {"position"},
    ),
    "a coin is locked that is free": (
        with_told(balances={**BALANCES, "PEPE": (Decimal(999), Decimal(1))}),
        {"position"},
    ),
    "a balance is forgotten": (
        with_told(balances={asset: BALANCES[asset] for asset in ("USDT", "BTC", "PEPE")}),
        {"position"},
    ),
    "a holding is forgotten": (
        with_told(positions={asset: BALANCES[asset][0] for asset in ("BTC", "PEPE")}),
        {"position"},
    ),
    "a holding is made up": (
        with_told(positions={**SOUND.told.positions, "DOGE": Decimal(1)}),
        {"position"},
    ),
}


@pytest.mark.parametrize(("evidence", "rules"), LIES.values(), ids=LIES)
def test_a_lie_is_found(evidence, rules):
    assert {each.rule for each in judge(evidence)} == rules


def test_an_order_that_is_proved_not_to_have_come_may_be_sent_again():
    again = evolve(SOUND, asked=(*SOUND.asked, asked("absent", 5, Outcome.REJECTED)))
    placed = (*SOUND.truth.placed, Placed(client_order_id="absent", is_taken=False))
    assert judge(evolve(again, truth=evolve(SOUND.truth, placed=placed))) == []


def test_a_refused_order_may_be_sent_again():
    refused = status(-7, "maker", 2, S.REJECTED)
    events = (
        *SOUND.told.events,
        BrokerEvent(order=refused),
        BrokerEvent(order=status(14, "maker", 2, S.EXPIRED)),
    )
    before = (
        asked("maker", 2, Outcome.REJECTED, post_only=True),
        Cancel(client_order_id="maker", told=S.REJECTED),
    )
    evidence = evolve(SOUND, asked=before + SOUND.asked)
    assert judge(evolve(evidence, told=evolve(SOUND.told, events=events))) == []


def test_of_a_program_that_was_started_again_not_every_fill_must_have_been_told():
    assert judge(with_told(missed=(), is_whole=False)) == []
