"""What sessions with faults have found, each as short as it can be."""

import pytest
from tests.ibkr.fault_run import FaultRun

from nanobook_core.contracts import BrokerOrder, DuplicateOrderError, OrderState
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
