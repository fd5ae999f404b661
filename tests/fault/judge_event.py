"""What must hold of the order events that a broker tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.fault.evidence import EVENT, Violation

from nanobook_core.contracts import BrokerOrderStatus, OrderState


def judge_order_events(statuses: Iterable[BrokerOrderStatus]) -> Iterator[Violation]:
    """No order comes back from its end, and what has filled of it never falls."""
    last: dict[str, BrokerOrderStatus] = {}
    for status in statuses:
        key = status.client_order_id or str(status.order_id)
        before = last.get(key)
        if before is not None:
            if status.filled_quantity < before.filled_quantity:
                yield Violation(EVENT, f"less of {key} has filled than before")
            if (
                before.state.is_terminal
                and status.state is not before.state
                and not (status.state is OrderState.FILLED or _may_come_again(before))
                and {before.state, status.state} != {OrderState.CANCELLED, OrderState.REJECTED}
            ):
                yield Violation(EVENT, f"{key} was {before.state} and then {status.state}")
        last[key] = status


def _may_come_again(status: BrokerOrderStatus) -> bool:
    """Whether the venue never had it, so that it may be sent again."""
    is_refused = status.state is OrderState.REJECTED and status.order_id < 0
    return is_refused or status.state is OrderState.NOT_ACCEPTED
