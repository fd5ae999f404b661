"""What sessions with faults have found, each as short as it can be."""

import threading
import time
from decimal import Decimal

import pytest
from attrs import evolve
from tests.ibkr.fault_run import FaultRun

from nanobook_core.contracts import (
    BrokerError,
    BrokerOrder,
    DuplicateOrderError,
    OrderState,
    Outcome,
)
from nanobook_ibkr.simulator import Fault


@pytest.fixture
def run(tmp_path):
    with FaultRun(tmp_path, "found") as run:
        yield run


def a_bid(ref, ticks=5):
    return BrokerOrder("AAPL", "buy", 1, "limit", 90 - ticks, client_order_id=ref)


def test_an_order_that_was_refused_is_not_sent_again_by_the_program_that_comes_after(run):
    run.gateway.inject(Fault.REJECT, code=203)
    run.submit(a_bid("nb1-1"))
    run.restart()
    with pytest.raises(DuplicateOrderError, match="rejected"):
        run.broker.submit_order(a_bid("nb1-1"))
    assert run.broker.order_status("nb1-1").state is OrderState.REJECTED
    assert len(run.gateway.messages(3, incoming=True)) == 1


def as_it_fills(run, ref, act):
    """Do something that reaches the venue just after the order has filled whole; what it raises."""
    order = next(each for each in run.gateway.orders() if each.form.order_ref == ref)
    raised = []

    def catch():
        try:
            act()
        except BrokerError as error:
            raised.append(error)

    acting = threading.Thread(target=catch)

    def fill(venue):
        acting.start()
        time.sleep(0.1)  # what is sent meanwhile waits in the gateway's socket
        venue.fill(order.perm_id, order.remaining)

    run.gateway.call(fill)
    acting.join()
    return raised


@pytest.mark.parametrize("change", [{"quantity": Decimal(2)}, {"limit_price": Decimal(86)}])
def test_a_change_that_comes_after_the_last_fill_is_refused(run, change):
    run.submit(a_bid("nb1-1"))
    (refused,) = as_it_fills(run, "nb1-1", lambda: run.broker.replace_order("nb1-1", **change))
    assert refused.outcome is Outcome.REJECTED
    status = run.broker.order_status("nb1-1")
    assert (status.state, status.quantity) == (OrderState.FILLED, 1)


def test_a_change_in_doubt_shows_by_what_the_order_came_to(run):
    run.submit(evolve(a_bid("nb1-1"), quantity=Decimal(9)))
    run.gateway.inject(Fault.DROP_AFTER_ACCEPT)
    run.replace("nb1-1", quantity=Decimal(7))
    assert run.asked[-1].outcome is Outcome.UNKNOWN
    (order,) = run.gateway.orders()
    run.gateway.fill(order.perm_id, 7)
    for _ in range(2):
        run.reconnect()
        status = run.broker.order_status("nb1-1")
        assert (status.state, status.quantity, status.filled_quantity) == (OrderState.FILLED, 7, 7)
    assert run.broker.open_orders() == []


def with_a_number_taken(run):
    """An order in doubt, nb1-1, whose number another program has given to nb1-2."""
    run.gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    run.submit(a_bid("nb1-1"))
    run.call("disconnect", run.broker.disconnect)
    ours, run.broker = run.broker, run.make(run.gateway.port, None)
    run.connect()
    run.submit(a_bid("nb1-2"))
    run.call("disconnect", run.broker.disconnect)
    run.broker = ours
    run.connect()
    assert run.asked[0].outcome is Outcome.UNKNOWN
    assert {message.fields[1] for message in run.gateway.messages(3, incoming=True)} == {"3"}


def test_what_is_said_of_a_number_is_said_of_the_order_that_has_it_now(run):
    with_a_number_taken(run)
    run.broker.cancel_order("nb1-2")
    assert run.broker.order_status("nb1-2").state is OrderState.CANCELLED
    assert run.broker.order_status("nb1-1").state is OrderState.NOT_ACCEPTED


def test_a_cancel_of_an_order_in_doubt_cancels_no_other_one(run):
    with_a_number_taken(run)
    run.cancel_order("nb1-1")
    (order,) = run.gateway.orders()
    assert not order.is_done
    assert run.broker.order_status("nb1-2").state is OrderState.ACCEPTED


def test_a_change_of_an_order_in_doubt_changes_no_other_one(run):
    with_a_number_taken(run)
    run.replace("nb1-1", quantity=Decimal(8))
    (order,) = run.gateway.orders()
    assert (order.form.order_ref, order.form.quantity) == ("nb1-2", 1)
    assert run.asked[-1].outcome is Outcome.NOT_SENT


def test_an_order_whose_number_was_taken_is_not_forgotten(run):
    with_a_number_taken(run)
    run.restart()
    assert run.broker.order_status("nb1-1").quantity == 1
    assert run.broker.order_status("nb1-2").state is OrderState.ACCEPTED
    run.restart()
    assert run.broker.order_status("nb1-1").quantity == 1
