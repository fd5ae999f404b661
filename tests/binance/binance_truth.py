"""What happened at a simulated Binance, in the words of the rebalancer's judge."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tests.rebalancer.sim_venue import Execution, Truth, VenueOrder

from nanobook_binance.simulator import SimulatedBinance
from nanobook_core.contracts.broker_order import OrderState

#: With what client order ids of the rebalancer begin.
OURS = "nb1-"
_ENDED = {
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELLED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
    "REJECTED": OrderState.REJECTED,
}
_EXECUTIONS = "/api/v3/myTrades"


def truth_of(
    binance: SimulatedBinance,
    account: str,
    start: Mapping[str, Decimal],
    unanswered: frozenset[str] = frozenset(),
) -> Truth:
    """All that the venue knows of the rebalancer's orders; quotes are always there and fresh."""
    bases = {rules.symbol: rules.base_asset for rules in binance.call(lambda venue: venue.symbols)}
    told = [order for order in binance.orders() if order.client_order_id.startswith(OURS)]
    numbers = {(order.symbol, order.order_id): number for number, order in enumerate(told, 1)}
    orders = tuple(
        VenueOrder(
            number=numbers[order.symbol, order.order_id],
            client_order_id=order.client_order_id,
            symbol=bases[order.symbol],
            side=order.side.lower(),
            quantity=order.quantity,
            limit=order.price,
            sent_at=order.time / 1000,
            accepted_at=order.time / 1000,
            quote_usable=True,
            quote_age=0.0,
            state=_ENDED.get(str(order.status), OrderState.ACCEPTED),
            filled=order.executed,
            ended_at=None if order.is_open else order.update_time / 1000,
            reason="",
        )
        for order in told
    )
    executions = tuple(
        Execution(
            exec_id=f"{trade.symbol}-{trade.order_id}-{trade.trade_id}",
            number=numbers[trade.symbol, trade.order_id],
            client_order_id=trade.client_order_id,
            symbol=bases[trade.symbol],
            side=trade.side.lower(),
            quantity=trade.quantity,
            price=trade.price,
            at=trade.time / 1000,
            fee_in_kind=trade.commission
            if trade.commission_asset == bases[trade.symbol]
            else Decimal(0),
        )
        for trade in binance.trades()
        if trade.client_order_id.startswith(OURS)
    )
    asked = [each.time / 1000 for each in binance.log if each.path == _EXECUTIONS]
    return Truth(
        account=account,
        start=dict(start),
        orders=orders,
        executions=executions,
        asked_at=max(asked, default=0.0),
        takes_again=False,
        unanswered=unanswered,
    )
