"""What the venue keeps of an order beside what everybody may see."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import Factory, define

from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.money import ZERO, reserve
from nanobook_binance.simulator.venue.order import Amendment, VenueOrder
from nanobook_binance.simulator.venue.trade import PreventedMatch, VenueTrade

if TYPE_CHECKING:
    from nanobook_binance.simulator.venue.account import Account


@define(kw_only=True, eq=False)
class Working:
    """An order and where it is."""

    order: VenueOrder
    market: Market
    account: Account
    book_id: int | None = None
    """Its number in the book; None while it does not rest there."""
    locked: Decimal = ZERO
    """What it holds of the asset that it gives."""
    unit_cost: Decimal
    """What one unit locks of the quote asset, of an order to buy."""
    budget: Decimal = ZERO
    """What an order to buy at the market may still cost."""
    extreme: Decimal | None = None
    """Best price since a trailing order began to follow; None before that."""
    trades: list[VenueTrade] = Factory(list)
    """Oldest first."""
    prevented: list[PreventedMatch] = Factory(list)
    """Those in which it was the taker, oldest first."""
    amendments: list[Amendment] = Factory(list)
    """Oldest first."""

    @property
    def limit(self) -> Decimal | None:
        """Worst price that it trades at; None for any."""
        return self.order.price if self.order.type.has_price else None

    @property
    def gives(self) -> str:
        """The asset that it pays with."""
        rules = self.market.rules
        return rules.quote_asset if self.order.side == "BUY" else rules.base_asset

    @property
    def needed(self) -> Decimal:
        """What it has to lock for what remains of it."""
        order = self.order
        if not order.is_open:
            return ZERO
        if order.side == "SELL":
            return order.remaining
        if order.is_working and self.limit is None:
            return self.budget
        return reserve(order.remaining, self.unit_cost)

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its trigger."""
        return self.order.is_open and not self.order.is_working
