"""What the venue keeps of an order beside what everybody may see."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from attrs import Factory, define

from nanobook_core.broker.exact import EXACT
from nanobook_core.types import Side
from nanobook_ibkr.simulator.market import Market
from nanobook_ibkr.simulator.record import ZERO, OrderStatusWord, VenueOrder

STOP_TYPES = ("STP", "STP LMT", "TRAIL")


@define(kw_only=True, eq=False)
class Working:
    """An order and where it is."""

    order: VenueOrder
    market: Market
    parent: Working | None = None
    children: list[Working] = Factory(list)
    book_id: int | None = None
    """Its number in the book; None while it does not rest there."""
    is_sent: bool = False
    """Transmitted."""
    is_cleared: bool = False
    """Its margin has been looked at."""
    is_elected: bool = False
    """Its stop has gone off."""
    stop_price: Decimal | None = None
    expires: dt.datetime | None = None
    notional: Decimal = ZERO
    commission: Decimal = ZERO

    @property
    def side(self) -> Side:
        """To buy or to sell."""
        return Side.BUY if self.order.form.action == "BUY" else Side.SELL

    @property
    def remaining(self) -> Decimal:
        """What has not filled, exact."""
        return EXACT.subtract(self.order.form.quantity, self.order.filled)

    @property
    def limit(self) -> Decimal | None:
        """Worst price that it trades at; None for any."""
        form = self.order.form
        return form.limit_price if form.order_type in ("LMT", "STP LMT") else None

    @property
    def is_stop(self) -> bool:
        """Whether it waits for a price."""
        return self.order.form.order_type in STOP_TYPES and not self.is_elected

    @property
    def waits_for_parent(self) -> bool:
        """Whether its parent has not filled yet."""
        return self.parent is not None and self.parent.order.status is not OrderStatusWord.FILLED

    @property
    def group(self) -> tuple[str, str] | None:
        """Account and name of its one-cancels-all group."""
        name = self.order.form.oca_group
        return (self.order.account, name) if name else None
