"""Who hears what happens at the venue."""

from __future__ import annotations

from collections import deque
from typing import Any

from nanobook_ibkr.simulator.record import (
    ContractDefinition,
    VenueExecution,
    VenueOrder,
    VenuePosition,
)


class VenueListener:
    """Hears everything, in the order in which it happened; overrides what it wants to hear.

    It is called at the end of the request that made it happen. Orders are copies as of that moment.
    """

    def order_changed(self, order: VenueOrder) -> None:
        """An order is new, or has another status, fill, size or price."""

    def order_refused(self, order: VenueOrder, code: int, text: str) -> None:
        """An accepted order has ended, with the code that says how (202, 201)."""

    def order_warned(self, order: VenueOrder, code: int, text: str) -> None:
        """Something is to be said of an order that goes on (404, 2109)."""

    def executed(self, execution: VenueExecution) -> None:
        """A client's order traded, or an execution was corrected."""

    def commission_known(self, execution: VenueExecution) -> None:
        """What that execution cost is known."""

    def position_changed(self, position: VenuePosition) -> None:
        """An account holds more or less; 0 once it is closed."""

    def account_changed(self, account: str) -> None:
        """An account's values are others."""

    def top_changed(self, contract: ContractDefinition) -> None:
        """A contract's best prices, sizes, last print or halt are others."""


class Announcer:
    """Keeps what happened until the request is done."""

    def __init__(self) -> None:
        self.listeners: list[VenueListener] = []
        self._queue: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._is_delivering = False

    def tell(self, what: str, *about: Any) -> None:
        """Keep something for the listeners' method of that name."""
        self._queue.append((what, about))

    def deliver(self) -> None:
        """Tell it all; a listener's own requests are told after what is told now."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._queue:
                what, about = self._queue.popleft()
                for listener in tuple(self.listeners):
                    getattr(listener, what)(*about)
        finally:
            self._is_delivering = False
