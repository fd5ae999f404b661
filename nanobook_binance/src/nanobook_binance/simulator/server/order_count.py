"""Gives an account its unfilled order back when it fills for the first time."""

from __future__ import annotations

from nanobook_binance.simulator.server.limits import Limits
from nanobook_binance.simulator.venue import (
    ExecutionType,
    PreventedMatch,
    VenueListener,
    VenueOrder,
    VenueTrade,
)


class OrderCount(VenueListener):
    """Listens to fills."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def order_changed(
        self,
        account: str,
        order: VenueOrder,
        execution_type: ExecutionType,
        trade: VenueTrade | None,
        prevented: PreventedMatch | None,
    ) -> None:
        """Count a first fill."""
        del execution_type, prevented
        if trade is not None and trade.quantity == order.executed:
            self._limits.count_order(account, -1)
