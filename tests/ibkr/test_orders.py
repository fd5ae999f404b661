"""An order is what its messages come to, whatever order they come in and how often."""

from collections import Counter
from decimal import Decimal

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from tests.ibkr.order_messages import (
    CLIENT_ID,
    LIMIT,
    NOW,
    ORDER_ID,
    PERM_ID,
    REF,
    commission,
    completed_order,
    exec_id,
    execution,
    open_order,
    order_status,
)

from nanobook_core.contracts import BrokerOrder, OrderState, OrderType
from nanobook_core.types import Side
from nanobook_ibkr.message import (
    Commission,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
)
from nanobook_ibkr.orders import Orders

ORDER = BrokerOrder("AAPL", "buy", 8, "limit", LIMIT, client_order_id=REF)


class Desk:
    """Orders, and what they told of."""

    def __init__(self):
        self.orders = Orders(CLIENT_ID, self, lambda contract: contract.symbol)
        self.orders.session = 1
        self.executions = Counter()
        self.fees = Counter()
        self.states = []

    def order_told(self, known, *, is_changed):
        if is_changed:
            self.states.append(known.record.state)

    def executed(self, fill):
        self.executions[fill.exec_id] += 1

    def fee_told(self, fill):
        self.fees[fill.exec_id] += 1

    def hear(self, *messages):
        for message in messages:
            match message:
                case OpenOrder():
                    self.orders.told_open(message, NOW)
                case OrderStatus():
                    self.orders.told_status(message, NOW)
                case CompletedOrder():
                    self.orders.told_completed(message, NOW)
                case Execution():
                    self.orders.told_execution(message, NOW)
                case Commission():
                    self.orders.told_commission(message)
                case (code, text):
                    self.orders.told_error(ORDER_ID, code, text, NOW)

    def send(self, order=ORDER):
        return self.orders.sent(order, ORDER_ID, None, 1)

    @property
    def order(self):
        return self.orders.find(PERM_ID)


@frozen
class Life:
    """What happened to an order, and every message about it."""

    quantity: int
    parts: tuple[int, ...]
    corrected: frozenset[int]
    end: str
    messages: tuple[object, ...]

    @property
    def filled(self):
        return sum(self.parts)


@st.composite
def lives(draw):
    quantity = draw(st.integers(1, 12))
    parts, left = [], quantity
    while left and draw(st.booleans()):
        parts.append(draw(st.integers(1, left)))
        left -= parts[-1]
    corrected = frozenset(draw(st.sets(st.integers(1, len(parts))))) if parts else frozenset()
    end = "Filled" if not left else draw(st.sampled_from(["Submitted", "Cancelled"]))
    messages = [
        open_order(quantity, "PreSubmitted"),
        order_status(quantity, 0, "PreSubmitted"),
        (399, "Order Message: your order will not be placed at the exchange until 09:30"),
        (10349, "Order TIF was set to DAY based on order preset."),
    ]
    filled = 0
    for number, part in enumerate(parts, 1):
        filled += part
        word = "Filled" if filled == quantity else "Submitted"
        messages += [
            execution(number, part, filled),
            open_order(quantity, word),
            order_status(quantity, filled, word),
            order_status(quantity, filled, word),
            commission(number),
        ]
        if number in corrected:
            messages += [
                execution(number, part, filled, revision=2, price=LIMIT - Decimal("0.01")),
                commission(number, revision=2, fee="0.90"),
            ]
    if end == "Cancelled":
        messages += [
            order_status(quantity, filled, "PendingCancel"),
            order_status(quantity, filled, "Cancelled"),
            (202, "Order Canceled - reason:"),
        ]
    return Life(quantity, tuple(parts), corrected, end, tuple(messages))


@st.composite
def heard(draw, *, losses):
    """A life, and what of its messages is heard: in any order, some twice, perhaps some not."""
    life = draw(lives())
    messages = list(life.messages)
    if losses:
        messages = [message for message in messages if draw(st.booleans())]
    messages += draw(st.lists(st.sampled_from(life.messages if not losses else messages or [()])))
    messages = [message for message in messages if message != ()]
    return life, draw(st.permutations(messages))


def standing(life):
    return {
        exec_id(number, 2 if number in life.corrected else 1): Decimal(part)
        for number, part in enumerate(life.parts, 1)
    }


@given(heard(losses=False), st.booleans())
def test_all_messages_in_any_order_and_some_twice_come_to_the_truth(told, is_sent):
    life, messages = told
    desk = Desk()
    if is_sent:
        order = BrokerOrder("AAPL", "buy", life.quantity, "limit", LIMIT, client_order_id=REF)
        desk.send(order)
    desk.hear(*messages)
    known = desk.order
    assert known.is_own
    assert {fill.exec_id: fill.quantity for fill in desk.orders.fills()} == standing(life)
    assert all(fill.is_fee_known for fill in desk.orders.fills())
    assert max(desk.executions.values(), default=1) == 1
    assert known.record.filled_quantity == life.filled
    state = {
        "Filled": OrderState.FILLED,
        "Cancelled": OrderState.CANCELLED,
        "Submitted": OrderState.PARTIALLY_FILLED if life.parts else OrderState.ACCEPTED,
    }[life.end]
    assert known.record.state is state
    assert not known.is_missing_fills


@given(heard(losses=True))
def test_whatever_is_lost_no_fill_counts_twice_and_no_order_that_lives_ends(told):
    life, messages = told
    desk = Desk()
    desk.send(BrokerOrder("AAPL", "buy", life.quantity, "limit", LIMIT, client_order_id=REF))
    desk.hear(*messages)
    known = desk.orders.find(REF)
    told_fills = [message for message in messages if isinstance(message, Execution)]
    fills = desk.orders.fills()
    stems = {message.exec_id.rpartition(".")[0] for message in told_fills}
    assert sorted(fill.exec_id.rpartition(".")[0] for fill in fills) == sorted(stems)
    assert sum(fill.quantity for fill in fills) <= known.record.filled_quantity <= life.filled
    highest = max((message.cumulative for message in told_fills), default=0)
    assert known.record.filled_quantity >= highest
    if life.end == "Submitted":
        assert not known.is_done
    if life.end != "Filled":
        assert known.record.state is not OrderState.FILLED


@given(heard(losses=True), st.permutations([0, 1, 2]))
def test_what_is_asked_for_later_mends_whatever_was_lost(told, order):
    """As after a reconnect: open or completed orders, then executions with their fees."""
    life, messages = told
    desk = Desk()
    desk.send(BrokerOrder("AAPL", "buy", life.quantity, "limit", LIMIT, client_order_id=REF))
    desk.hear(*messages)
    listed = (
        [open_order(life.quantity), order_status(life.quantity, life.filled)]
        if life.end == "Submitted"
        else [completed_order(life.quantity, life.filled, life.end)]
    )
    answers = [
        listed,
        [message for message in life.messages if isinstance(message, Execution)],
        [message for message in life.messages if isinstance(message, Commission)],
    ]
    for index in order:
        desk.hear(*answers[index])
    known = desk.orders.find(REF)
    assert known.perm_id == PERM_ID
    assert {fill.exec_id: fill.quantity for fill in desk.orders.fills()} == standing(life)
    assert all(fill.is_fee_known for fill in desk.orders.fills())
    assert known.record.filled_quantity == life.filled
    assert known.is_done == (life.end != "Submitted")
    assert not known.is_missing_fills


@pytest.mark.parametrize("inactive_first", [True, False])
def test_inactive_is_held_and_a_refusal_with_it_is_the_end(inactive_first):
    desk = Desk()
    known = desk.send()
    refusal = (201, "Order rejected - reason:No trading permissions.")
    messages = [order_status(8, 0, "Inactive"), refusal]
    desk.hear(open_order(8, "Inactive"))
    assert known.record.state is OrderState.HELD
    desk.hear(*(messages if inactive_first else reversed(messages)))
    assert known.record.state is OrderState.REJECTED
    assert known.status().reason == "201: Order rejected - reason:No trading permissions."


def test_a_held_order_may_fill_all_the_same():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8, "Inactive"), order_status(8, 0, "Inactive"), execution(1, 8, 8))
    assert known.record.state is OrderState.FILLED


@pytest.mark.parametrize("code", [200, 201, 203, 110, 321, 434])
def test_a_new_order_that_is_refused_is_rejected(code):
    desk = Desk()
    known = desk.send()
    desk.hear((code, "no"))
    assert known.record.state is OrderState.REJECTED
    assert known.record.reason == f"{code}: no"


@pytest.mark.parametrize("word", ["Cancelled", "Inactive"])
def test_a_refusal_of_an_order_that_the_venue_has_is_its_end_only_by_its_status(word):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 0), (201, "Order rejected - reason:margin"))
    assert known.record.state is OrderState.ACCEPTED
    assert known.is_doubtful
    desk.hear(order_status(8, 0, word))
    assert known.record.state is OrderState.REJECTED
    assert not known.is_doubtful


def test_a_refusal_of_what_somebody_else_asked_of_it_is_forgotten_when_it_works_on():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 0), (201, "Order rejected - reason:margin"))
    desk.hear(open_order(8), order_status(8, 0))
    assert not known.is_doubtful
    desk.hear(order_status(8, 0, "Cancelled"))
    assert known.record.state is OrderState.CANCELLED


@pytest.mark.parametrize("code", [110, 321, 399, 404, 434, 2109, 2137, 10349, 4711])
def test_no_warning_ends_an_order_that_the_venue_has(code):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 0))
    desk.hear((code, "something"))
    assert known.record.state is OrderState.ACCEPTED
    assert known.record.warnings == [f"{code}: something"]


def test_a_status_that_nobody_knows_changes_nothing_but_what_has_filled():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 3, "ValidationError"))
    assert known.record.state is OrderState.PARTIALLY_FILLED
    assert known.record.filled_quantity == 3
    assert known.is_missing_fills


@pytest.mark.parametrize("code", [135, 136, 161, 10147, 10148])
def test_a_cancel_that_is_refused_leaves_the_order(code):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 0))
    known.record.cancel_requested()
    desk.hear((code, "OrderId 7 that needs to be cancelled is not found."))
    assert known.record.state is OrderState.ACCEPTED
    assert known.cancel_refusal.code == code


def test_an_open_orders_status_alone_ends_nothing():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8, "Cancelled"), open_order(8, "Filled"))
    assert not known.is_done
    desk.hear(order_status(8, 0, "Cancelled"))
    assert known.record.state is OrderState.CANCELLED


def test_an_order_changed_in_tws_is_what_tws_says():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), open_order(5, limit_price=Decimal(90), tif="GTC"))
    status = known.status()
    assert (status.quantity, status.limit_price, status.tif) == (5, 90, "gtc")


def test_a_market_order_is_shown_as_one_though_it_went_with_a_limit():
    desk = Desk()
    order = BrokerOrder("AAPL", "buy", 8, client_order_id=REF)
    known = desk.orders.sent(order, ORDER_ID, Decimal("100.61"), 1)
    desk.hear(open_order(8, limit_price=Decimal("100.61")))
    status = known.status()
    assert (status.order_type, status.limit_price) == (OrderType.MARKET, None)


def test_a_correction_of_more_or_less_takes_the_place_of_its_execution():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), execution(1, 3, 3), execution(1, 2, 2, revision=2))
    (fill,) = desk.orders.fills()
    assert (fill.quantity, fill.exec_id, fill.corrects) == (2, exec_id(1, 2), exec_id(1))
    desk.hear(execution(1, 4, 4, revision=3), execution(1, 3, 3), execution(1, 2, 2, revision=2))
    (fill,) = desk.orders.fills()
    assert (fill.quantity, fill.exec_id) == (4, exec_id(1, 3))
    assert known.record.filled_quantity == 4


def test_an_order_is_missing_no_fills_where_one_was_made_smaller():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), execution(1, 8, 8))
    desk.hear(execution(1, 6, 6, revision=2))
    assert known.record.filled_quantity == 8
    assert not known.is_missing_fills


@pytest.mark.parametrize("is_heard_of", [True, False])
def test_an_execution_that_is_taken_back_is_none(is_heard_of, caplog):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8))
    if is_heard_of:
        desk.hear(execution(1, 3, 3))
    desk.hear(execution(1, 0, 0, revision=2), execution(1, 3, 3), execution(2, 2, 2))
    assert [fill.exec_id for fill in desk.orders.fills()] == [exec_id(2)]
    assert sum(fill.quantity for fill in known.record.fills) == 2
    assert not known.is_missing_fills
    assert known.status().avg_fill_price == LIMIT
    assert caplog.records == []


@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": "STP", "limit_price": None},
        {"limit_price": None},
        {"quantity": Decimal(10) ** 30},
    ],
)
def test_an_order_that_was_made_what_cannot_be_here_is_shown_as_it_was(terms):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 0))
    desk.hear(evolve(open_order(8), **terms), order_status(8, 3))
    assert known.record.order == ORDER
    assert known.record.filled_quantity == 3
    assert "cannot be shown" in known.record.warnings[0]


def test_what_is_repeated_of_an_order_that_cannot_be_shown_is_kept_once():
    desk = Desk()
    foreign = {"client_id": 3, "order_ref": "cash"}
    for _ in range(5):
        desk.hear(open_order(0, **foreign), order_status(8, 2, client_id=3))
    desk.hear(open_order(8, **foreign))
    assert desk.order.record.filled_quantity == 2
    assert desk.order.heard == 2


def test_a_fee_that_is_told_first_waits_for_its_execution():
    desk = Desk()
    desk.send()
    desk.hear(commission(1), execution(1, 8, 8))
    (fill,) = desk.orders.fills()
    assert (fill.fee, fill.fee_currency, fill.is_fee_known) == (Decimal("1.00"), "USD", True)
    assert desk.fees == {}


def test_an_order_typed_into_tws_goes_by_the_venues_number():
    desk = Desk()
    typed = {"order_id": 0, "client_id": 0, "order_ref": ""}
    desk.hear(
        open_order(5, perm_id=90, **typed),
        open_order(6, perm_id=91, **typed),
        order_status(6, 2, order_id=0, client_id=0, perm_id=91),
    )
    five, six = desk.orders.find(90).status(), desk.orders.find(91).status()
    assert (five.quantity, five.filled_quantity, five.is_own) == (5, 0, False)
    assert (six.quantity, six.filled_quantity, six.client_order_id) == (6, 2, "")


def test_a_foreign_order_of_a_type_without_a_word_is_shown_without_one():
    desk = Desk()
    desk.hear(open_order(8, client_id=3, order_type="TRAIL", order_ref="my order, {odd}"))
    status = desk.order.status()
    assert status.order_type is None
    assert status.limit_price is None
    assert status.client_order_id == "my order, {odd}"
    assert not status.is_own
    assert desk.orders.find("my order, {odd}") is desk.order


def test_an_order_without_a_quantity_is_left_out_and_does_no_harm():
    desk = Desk()
    desk.hear(open_order(0, client_id=3), order_status(0, 0, client_id=3))
    assert list(desk.orders) == []


def test_what_tws_tells_of_filled_orders_without_a_quantity_is_what_filled():
    desk = Desk()
    desk.hear(completed_order(0, 8, "Filled"))
    assert desk.order.status().quantity == 8
    assert desk.order.record.state is OrderState.FILLED


def test_the_number_of_an_earlier_order_is_not_taken_for_this_one():
    """A number that the venue knows already answers 103, and that order is told under it."""
    desk = Desk()
    known = desk.send()
    desk.hear((103, "Duplicate order id"), open_order(5, order_ref="older", perm_id=11))
    assert known.doubt.code == 103
    assert known.perm_id == 0
    assert known.record.state is OrderState.PENDING_SUBMIT
    assert desk.orders.find(11).record.order.quantity == 5
    desk.hear((201, "no"))
    assert known.record.state is OrderState.REJECTED


def test_a_number_used_anew_after_a_reset_is_another_order():
    desk = Desk()
    desk.send()
    desk.hear(open_order(8), order_status(8, 8, "Filled"), execution(1, 8, 8))
    desk.hear(open_order(4, perm_id=PERM_ID + 9), order_status(4, 1, perm_id=PERM_ID + 9))
    assert desk.order.record.filled_quantity == 8
    assert desk.orders.find(PERM_ID + 9).record.filled_quantity == 1


def test_an_execution_that_cannot_be_of_its_order_is_still_the_accounts():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), execution(1, 8, 8, side=Side.SELL))
    assert [fill.side for fill in desk.orders.fills()] == [Side.SELL]
    assert known.record.filled_quantity == 0


@pytest.mark.parametrize("terms_first", [True, False])
def test_an_order_made_larger_is_not_filled_by_what_it_was(terms_first):
    """Its status may tell of the change before its terms do."""
    desk = Desk()
    known = desk.send()
    larger = [open_order(20), order_status(20, 8)]
    desk.hear(open_order(8), execution(1, 8, 8))
    assert known.record.state is OrderState.FILLED
    desk.hear(*(larger if terms_first else reversed(larger)))
    assert known.record.state is OrderState.PARTIALLY_FILLED
    assert known.status().remaining_quantity == 12
    desk.hear(order_status(20, 20, "Filled"))
    assert known.record.state is OrderState.FILLED


def test_an_order_made_smaller_is_filled_by_what_it_is():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 3), order_status(3, 3, "Filled"))
    assert known.record.state is OrderState.FILLED
    other = Desk()
    other.send()
    other.hear(open_order(8), completed_order(0, 3, "Filled"))
    assert other.order.record.state is OrderState.FILLED


def test_what_was_made_of_an_order_shows_when_it_is_done():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), completed_order(5, 3, "Cancelled", limit_price=LIMIT - 1))
    assert (known.status().quantity, known.status().limit_price) == (5, LIMIT - 1)


@pytest.mark.parametrize("word", ["Inactive", "Cancelled", "PendingCancel", "Submitted"])
def test_no_status_makes_an_order_smaller_that_is_not_filled(word):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 3), order_status(3, 3, word))
    assert known.record.order.quantity == 8
    assert known.record.state is not OrderState.FILLED


def test_an_order_that_is_met_is_told_when_it_is_known_how_far_it_is():
    desk = Desk()
    desk.hear(open_order(8, client_id=3))
    assert desk.states == []
    desk.hear(order_status(8, 3, client_id=3))
    assert desk.states == [OrderState.PARTIALLY_FILLED]


def test_whose_a_completed_order_is_is_told_by_its_execution():
    desk = Desk()
    desk.hear(completed_order(8, 8, "Filled"))
    assert desk.order.is_own  # as far as anybody knows
    desk.hear(execution(1, 8, 8, client_id=77, order_id=4))
    assert not desk.order.is_own
    assert (desk.order.client_id, desk.order.ib_order_id) == (77, 4)


def test_an_order_in_doubt_is_not_another_one_of_its_number():
    desk = Desk()
    known = desk.send()
    desk.orders.session = 2
    desk.hear(
        order_status(5, 5, "Filled", perm_id=11),
        execution(1, 5, 5, perm_id=11, order_ref="theirs"),
        open_order(5, perm_id=12, order_ref="theirs, too"),
    )
    assert (known.perm_id, known.record.filled_quantity) == (0, 0)
    assert known.record.state is OrderState.PENDING_SUBMIT
    (fill,) = desk.orders.fills()
    assert (fill.order_id, fill.client_order_id) == (11, "theirs")


def test_a_change_is_done_when_the_venue_tells_it_and_not_by_what_was_said_before():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8))
    known.change = BrokerOrder("AAPL", "buy", 8, "limit", LIMIT - 1, client_order_id=REF)
    desk.hear(open_order(8), order_status(8, 0))
    assert known.change is not None
    assert known.record.order.limit_price == LIMIT
    desk.hear(open_order(8, limit_price=LIMIT - 1))
    assert known.change is None
    assert known.record.order.limit_price == LIMIT - 1


@pytest.mark.parametrize("code", [201, 110, 104, 105, 103])
def test_a_change_that_is_refused_leaves_the_order_as_it_was(code):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 0))
    known.change = BrokerOrder("AAPL", "buy", 8, "limit", LIMIT - 1, client_order_id=REF)
    desk.hear((code, "no"))
    assert known.change is None
    assert known.change_refusal.code == code
    assert known.record.state is OrderState.ACCEPTED
    assert known.record.order.limit_price == LIMIT


@pytest.mark.parametrize(
    "message",
    [
        open_order(8, order_ref="theirs"),
        open_order(8, order_ref="", side=Side.SELL),
        completed_order(8, 8, "Filled", order_ref="theirs"),
        execution(2, 8, 8, order_ref="theirs"),
        execution(1, 8, 8, order_ref="theirs", perm_id=PERM_ID + 1),
        execution(1, 8, 8, revision=2, order_ref="theirs", perm_id=PERM_ID + 1),
    ],
)
def test_what_cannot_be_of_an_order_that_is_known_by_its_number_is_not_taken_for_it(message):
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), order_status(8, 3), execution(1, 3, 3))
    before, fills = known.status(), desk.orders.fills()
    desk.hear(message, order_status(8, 8, "Filled", order_id=ORDER_ID + 1))
    assert known.status() == before
    assert desk.orders.fills() == fills
    assert "here, and" in desk.orders.contradiction


def test_a_correction_names_what_it_corrects_though_that_was_never_told_here():
    desk = Desk()
    known = desk.send()
    desk.hear(open_order(8), execution(1, 2, 2, revision=2))
    (fill,) = desk.orders.fills()
    assert (fill.quantity, fill.exec_id, fill.corrects) == (2, exec_id(1, 2), exec_id(1))
    desk.hear(execution(1, 3, 3))  # late: the corrected one
    assert [fill.exec_id for fill in desk.orders.fills()] == [exec_id(1, 2)]
    assert [fill.exec_id for fill in known.record.fills] == [exec_id(1, 2)]
