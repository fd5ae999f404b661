"""Who hears what happens at the venue."""

from __future__ import annotations

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
