"""The simulated venue, a session at it, and the faults in between."""

from decimal import Decimal
from random import Random

import pytest
from tests.rebalancer.crash import Crash, Tape
from tests.rebalancer.fault import FAULTS, ActiveFault
from tests.rebalancer.sim_broker import SimBroker, straight
from tests.rebalancer.sim_venue import SILENCE, FillPlan, SimVenue
from tests.rebalancer.virtual_clock import VirtualClock

from nanobook_core.contracts import Broker
from nanobook_core.contracts.broker import ClientIdScope
from nanobook_core.contracts.broker_error import (
    BrokerError,
    CancelRejectedError,
    DuplicateOrderError,
    NotConnectedError,
    OrderNotFoundError,
    Outcome,
)
from nanobook_core.contracts.broker_order import BrokerOrder, OrderState, OrderType


class World:
    """A venue with a session, in which some fault may be."""

    def __init__(self, fault="", scope=ClientIdScope.FOR_EVER, plans=None, seed=1, start=None):
        self.clock = VirtualClock()
        self.venue = SimVenue(
            self.clock,
            "seed",
            {"AAA": Decimal(50), "BBB": Decimal(20)},
            start or {"BBB": Decimal(10)},
            scope=scope,
            plans=plans or {},
        )
        self.tape = Tape()
        self.second_starts = 0
        answer = straight
        if fault:
            (row,) = (each for each in FAULTS if each.name == fault)
            active = ActiveFault(row, Random(seed), 0, self.second)  # noqa: S311 - no secrets
            answer = lambda call: active.answer(call, straight)  # noqa: E731 - two faults nest so
            if row.fills:
                self.venue.plans[0] = row.fills
        self.broker = SimBroker(self.venue, self.clock, self.tape, answer)
        self.broker.connect()

    def second(self):
        self.second_starts += 1

    def submit(self, client_order_id="a", quantity=100):
        order = BrokerOrder(
            "AAA",
            "buy",
            Decimal(quantity),
            OrderType.LIMIT,
            Decimal("50.10"),
            client_order_id=client_order_id,
        )
        return self.broker.submit_order(order)


ONE_PART = {0: FillPlan(parts=((1.0, Decimal(1)),))}


def test_it_is_a_broker():
    assert isinstance(World().broker, Broker)


def test_an_order_fills_in_its_time_and_moves_position_and_money():
    world = World(plans={0: FillPlan(parts=((1.0, Decimal("0.4")), (3.0, Decimal(1))))})
    order = world.submit()
    assert world.broker.order_status(order).state is OrderState.ACCEPTED
    world.clock.sleep(1)
    status = world.broker.order_status("a")
    assert (status.state, status.filled_quantity) == (OrderState.PARTIALLY_FILLED, 40)
    assert world.broker.wait(order, 10).state is OrderState.FILLED
    assert [(fill.quantity, fill.price) for fill in world.broker.fills()] == [
        (40, Decimal("50.02")),
        (60, Decimal("50.02")),
    ]
    assert world.venue.positions() == {"AAA": 100, "BBB": 10}
    assert world.broker.account().cash == Decimal("994998.00")
    assert world.broker.account().equity == Decimal("1000198.00")


def test_a_new_session_knows_client_order_ids_only():
    world = World(plans=ONE_PART)
    number = world.submit()
    other = SimBroker(world.venue, world.clock, Tape(), session=2)
    with pytest.raises(NotConnectedError):
        other.positions()
    other.connect()
    with pytest.raises(OrderNotFoundError):
        other.order_status(number)
    assert other.find_order("a").order_id == 2001
    assert other.find_order("b") is None


@pytest.mark.parametrize(
    ("scope", "while_open", "afterwards"),
    [
        (ClientIdScope.NEVER, True, True),
        (ClientIdScope.WHILE_OPEN, False, True),
        (ClientIdScope.FOR_EVER, False, False),
    ],
)
def test_a_client_order_id_is_refused_as_long_as_the_venue_says(scope, while_open, afterwards):
    for is_done, is_taken in ((False, while_open), (True, afterwards)):
        world = World(scope=scope, plans=ONE_PART)
        world.submit()
        world.clock.sleep(2 * is_done)
        if is_taken:
            world.submit()
        else:
            with pytest.raises(DuplicateOrderError):
                world.submit()
        assert len(world.venue.orders) == 1 + is_taken


def test_a_cancelled_order_ends_and_a_filled_one_cannot_be_cancelled():
    world = World(plans={0: SILENCE} | {1: FillPlan(parts=((0.1, Decimal(1)),))})
    world.broker.cancel_order(world.submit("a"))
    assert world.broker.order_status("a").state is OrderState.CANCELLED
    world.submit("b")
    world.clock.sleep(1)
    with pytest.raises(CancelRejectedError) as caught:
        world.broker.cancel_order("b")
    assert caught.value.status.state is OrderState.FILLED
    assert [each for _, each in world.venue.truth().cancels] == ["a", "b"]


def test_a_request_that_kills_its_process_has_still_arrived():
    world = World()
    world.tape.dies_after = len(world.tape.steps)
    with pytest.raises(Crash):
        world.submit()
    assert [order.client_order_id for order in world.venue.orders] == ["a"]
    assert world.tape.steps[-1] == "send:a"
    with pytest.raises(Crash):
        world.broker.cancel_order("a")
    assert world.venue.cancels == []


# Faults: (raised, outcome, taken, filled a second later).
SUBMITS = {
    "F01": ("OutcomeUnknownError", Outcome.UNKNOWN, 0, 0),
    "F02": ("OutcomeUnknownError", Outcome.UNKNOWN, 1, 100),
    "F03": ("OutcomeUnknownError", Outcome.UNKNOWN, 1, 100),
    "F04": ("ConnectError", Outcome.NOT_SENT, 0, 0),
    "F05": ("LinkDownError", Outcome.UNKNOWN, 1, 100),
    "F11": ("OutcomeUnknownError", Outcome.UNKNOWN, 1, 100),
    "F14": ("InsufficientFundsError", Outcome.REJECTED, 0, 0),
}


@pytest.mark.parametrize("name", SUBMITS)
def test_faults_of_sending(name):
    world = World(name, plans=ONE_PART)
    with pytest.raises(BrokerError) as caught:
        world.submit()
    world.clock.sleep(1.5)
    assert (
        type(caught.value).__name__,
        caught.value.outcome,
        len(world.venue.orders),
        sum(order.filled for order in world.venue.orders),
    ) == SUBMITS[name]
    assert caught.value.client_order_id == "a"
    world.broker.connect()
    world.submit("b")  # once only


def test_faults_of_telling_what_was_done():
    world = World("F06", plans=ONE_PART)
    world.submit()
    world.clock.sleep(2)
    assert world.broker.order_status("a").state is OrderState.ACCEPTED
    world = World("F07", plans=ONE_PART)
    world.submit()
    world.clock.sleep(2)
    assert [fill.exec_id for fill in world.broker.fills()] == ["X1", "X1"]
    world = World("F10")
    assert world.submit().state is OrderState.ACCEPTED
    assert world.venue.orders[0].state is OrderState.FILLED
    world = World("F20", plans={0: SILENCE})
    world.submit()
    assert world.broker.find_order("a") is None
    assert world.broker.find_order("a") is None
    assert world.broker.find_order("a").client_order_id == "a"


def test_faults_of_what_becomes_of_an_order():
    world = World("F12")
    world.submit()
    assert world.broker.wait("a", 60).filled_quantity == 40
    world = World("F15")
    world.submit()
    status = world.broker.wait("a", 60)
    assert (status.state, status.filled_quantity) == (OrderState.REJECTED, 40)
    world = World("F16")
    world.submit()
    with pytest.raises(CancelRejectedError):
        world.broker.cancel_order("a")
    assert world.venue.orders[0].filled == 100
    world = World("F17")
    world.submit()
    world.broker.cancel_order("a")
    assert world.broker.order_status("a").state is OrderState.CANCELLED
    world.clock.sleep(3)
    assert world.broker.order_status("a").filled_quantity >= 50
    world = World("F18")
    world.submit()
    world.broker.cancel_order("a")
    assert world.broker.order_status("a").state is OrderState.ACCEPTED
    world.broker.cancel_order("a")
    assert world.broker.order_status("a").state is OrderState.CANCELLED


def test_while_the_link_is_down_the_rest_fills():
    world = World("F13")
    world.submit()
    world.clock.sleep(2)
    with pytest.raises(BrokerError, match="link down"):
        world.broker.positions()
    world.clock.sleep(12)
    assert world.broker.order_status("a").filled_quantity == 100


def test_faults_of_positions_and_quotes():
    world = World("F21", plans=ONE_PART)
    world.submit()
    world.clock.sleep(2)
    seen = [len(world.broker.positions()) for _ in range(4)]
    assert seen[0] == 1
    assert seen[-1] == 2
    world = World("F22", plans=ONE_PART)
    world.submit()
    world.clock.sleep(1.5)
    assert len(world.broker.positions()) == 1
    world.clock.sleep(10)
    assert len(world.broker.positions()) == 2
    for name in ("F23", "F24"):
        world = World(name)
        quotes = [world.broker.quote("AAA") for _ in range(40)]
        now = world.clock.monotonic()
        bad = sum(not quote.is_usable or quote.is_stale(now, 50) for quote in quotes)
        assert 1 <= bad <= 3


def test_faults_at_any_request():
    world = World("F19")
    number = world.submit()
    for _ in range(40):
        world.broker.server_time()
    with pytest.raises(OrderNotFoundError):
        world.broker.order_status(number)
    for name, seconds in (("F25", -1), ("F26", 1)):
        world = World(name)
        before = world.clock.now()
        for _ in range(40):
            world.broker.server_time()
        moved = (world.clock.now() - before).total_seconds() - world.clock.elapsed
        assert moved * seconds >= 0.9
    for name in ("F27", "F28"):
        world, failed = World(name), 0
        for _ in range(40):
            try:
                world.broker.server_time()
            except BrokerError:
                failed += 1
        assert 1 <= failed <= 3
    world = World("F32")
    for _ in range(40):
        world.broker.server_time()
    assert 1 <= world.second_starts <= 3
