"""Who hears what happens at the venue."""

from __future__ import annotations

from decimal import Decimal

from nanobook_binance.simulator.venue.order import VenueOrder
from nanobook_binance.simulator.venue.trade import PreventedMatch, Print, VenueTrade
from nanobook_binance.simulator.venue.word import ExecutionType


class VenueListener:
    """Hears everything, in the order in which it happened; overrides what it wants to hear.

    It is called at the end of the request that made it happen. Orders are copies as of that moment.
    """

    def order_changed(
        self,
        account: str,
        order: VenueOrder,
        execution_type: ExecutionType,
        trade: VenueTrade | None,
        prevented: PreventedMatch | None,
    ) -> None:
        """Something happened to an order; `trade` or `prevented` is what, where it is one."""

    def balances_changed(self, account: str, assets: tuple[str, ...]) -> None:
        """A request has changed these balances, in whole or in what is locked of them."""

    def balance_updated(self, account: str, asset: str, delta: Decimal) -> None:
        """Something was deposited, or withdrawn."""

    def traded(self, trade: Print) -> None:
        """A symbol traded."""

    def depth_changed(self, symbol: str) -> None:
        """A request has changed a symbol's book."""

    def top_changed(self, symbol: str) -> None:
        """A request has changed a symbol's best prices or what is there."""

    def status_changed(self, symbol: str) -> None:
        """A symbol trades, or does not any more."""
