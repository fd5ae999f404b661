"""What happened at a simulated gateway, in the words of the rebalancer's judge."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal

from tests.rebalancer.sim_venue import Execution, Truth, VenueOrder

from nanobook_core.contracts.broker_order import OrderState
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.record import OrderStatusWord

#: With what client order ids of the rebalancer begin.
OURS = "nb1-"
_ENDED = {
    OrderStatusWord.FILLED: OrderState.FILLED,
    OrderStatusWord.CANCELLED: OrderState.CANCELLED,
    OrderStatusWord.API_CANCELLED: OrderState.CANCELLED,
    OrderStatusWord.INACTIVE: OrderState.REJECTED,
}
#: Number of the message that asks for executions.
_EXECUTIONS = 7


def truth_of(
    gateway: SimulatedGateway,
    account: str,
    start: Mapping[str, Decimal],
    unanswered: frozenset[str] = frozenset(),
) -> Truth:
    """All that the gateway knows of the rebalancer's orders; quotes are always there and fresh."""
    told = [order for order in gateway.orders() if order.form.order_ref.startswith(OURS)]
    orders = tuple(
        VenueOrder(
            number=order.perm_id,
            client_order_id=order.form.order_ref,
            symbol=order.contract.symbol,
            side=order.form.action.lower(),
            quantity=order.form.quantity,
            limit=order.form.limit_price,
            sent_at=order.accepted_at.timestamp(),
            accepted_at=order.accepted_at.timestamp(),
            quote_usable=True,
            quote_age=0.0,
            state=_ENDED.get(order.status, OrderState.ACCEPTED),
            filled=order.filled,
            ended_at=None if order.completed_at is None else order.completed_at.timestamp(),
            reason=order.reason,
        )
        for order in told
    )
    executions = tuple(
        Execution(
            exec_id=each.exec_id,
            number=each.perm_id,
            client_order_id=each.order_ref,
            symbol=each.contract.symbol,
            side=each.action.lower(),
            quantity=each.quantity,
            price=each.price,
            at=each.time.timestamp(),
        )
        for each in gateway.executions()
        if each.order_ref.startswith(OURS)
    )
    asked = gateway.messages(_EXECUTIONS, incoming=True)
    since = time.time() - time.monotonic()
    return Truth(
        account=account,
        start=dict(start),
        orders=orders,
        executions=executions,
        asked_at=max((each.time + since for each in asked), default=0.0),
        takes_again=False,
        unanswered=unanswered,
    )
