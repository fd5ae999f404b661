"""One request to an exchange, with all that came of it."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from nanobook_core.contracts import EngineState, Order, StopOrder, Trade
from nanobook_core.testing.request import Request


@frozen
class Step:
    """What was, what was asked and answered, what is now, and what is new."""

    before: EngineState
    request: Request
    answer: Any
    after: EngineState
    trades: list[Trade]
    orders: list[Order]
    stops: list[StopOrder]

    def last_price_at(self, stop: StopOrder) -> int | None:
        """Return the last trade price when a stop of this step was entered."""
        earlier = [trade.price for trade in self.trades if trade.timestamp < stop.timestamp]
        return earlier[-1] if earlier else self.before.last_trade_price
