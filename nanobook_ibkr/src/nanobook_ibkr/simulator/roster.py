"""The orders of today: sent, changed and ended, and where each of them is."""

from __future__ import annotations

import datetime as dt
from collections import deque
from decimal import Decimal

from attrs import evolve

from nanobook_core.broker.announcer import Announcer
from nanobook_core.broker.exact import EXACT
from nanobook_core.contracts.clock import Clock
from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.group import Groups
from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.record import OrderForm, OrderStatusWord
from nanobook_ibkr.simulator.reservations import Reservations
from nanobook_ibkr.simulator.waiting import Waiting
from nanobook_ibkr.simulator.working import Working

_CANCELLED = "Order Canceled - reason:"


class Roster:
    """Knows every order and what is to be looked at next; it does not trade."""

    def __init__(
        self,
        *,
        clock: Clock,
        reservations: Reservations,
        groups: Groups,
        announcer: Announcer[VenueListener],
    ) -> None:
        self.orders: dict[int, Working] = {}
        """All of today, by perm id."""
        self.live: dict[int, Working] = {}
        self.expiring: dict[int, Working] = {}
        """Those of the live ones that end at a time."""
        self.due: deque[Working] = deque()
        """Those that something has happened to, in its order."""
        self.waiting = Waiting()
        self.groups = groups
        self._clock = clock
        self._reservations = reservations
        self._announcer = announcer

    def add(self, working: Working) -> None:
        """Take an order in; nothing happens to it until it is sent."""
        order = working.order
        self.orders[order.perm_id] = self.live[order.perm_id] = working
        self.expire_at(working, working.expires)
        if working.parent is not None:
            working.parent.children.append(working)
        self.changed(working)

    def expire_at(self, working: Working, when: dt.datetime | None) -> None:
        """Let an order end at a time, or at none."""
        working.expires = when
        self.expiring.pop(working.order.perm_id, None)
        if when is not None:
            self.expiring[working.order.perm_id] = working

    def send(self, working: Working) -> None:
        """Transmit an order, what it waits for, and what waits for it."""
        while working.parent is not None and not working.parent.is_sent:
            working = working.parent
        self._send_family(working)

    def _send_family(self, working: Working) -> None:
        if not working.is_sent and not working.order.is_done:
            working.is_sent = True
            if working.parent is not None and not working.order.form.oca_group:
                # Siblings of a bracket are a group that TWS makes itself.
                working.order.form = evolve(
                    working.order.form,
                    oca_group=str(working.parent.order.perm_id),
                    oca_type=3,
                )
            if working.order.status is OrderStatusWord.API_PENDING:
                working.order.status = OrderStatusWord.PRE_SUBMITTED
                self.changed(working)
            self.groups.join(working)
            self.due.append(working)
        for child in working.children:
            self._send_family(child)

    def changed(self, working: Working) -> None:
        """Say that an order is not what it was."""
        self._reservations.update(working)
        self._announcer.tell("order_changed", evolve(working.order))

    def warn(self, working: Working, code: int, text: str) -> None:
        """Say something of an order that goes on."""
        self._announcer.tell("order_warned", evolve(working.order), code, text)

    def amend(self, working: Working, form: OrderForm) -> None:
        """Give an order another size or other prices; only a smaller size keeps its place."""
        old, limit = working.order.form, working.limit
        working.order.form = form
        by = EXACT.subtract(old.quantity, form.quantity)
        if by < 0 or working.limit != limit or trigger.is_moved(form, old):
            self.leave(working)
            working.stop_price = trigger.first_stop(form)
        elif by and working.book_id is not None:
            working.market.reduce(working.book_id, by)
        self.changed(working)
        self.due.append(working)

    def end(
        self,
        working: Working,
        status: OrderStatusWord = OrderStatusWord.CANCELLED,
        code: int = 202,
        text: str = _CANCELLED,
    ) -> None:
        """End an order that has not filled, and all that waits for it."""
        order = working.order
        if order.is_done:
            return
        is_unsent = status is OrderStatusWord.CANCELLED and not working.is_sent
        order.status = OrderStatusWord.API_CANCELLED if is_unsent else status
        order.why_held, order.reason, order.completed_at = "", text, self._clock.now()
        self.forget(working)
        self.changed(working)
        self._announcer.tell("order_refused", evolve(order), code, text)
        for child in working.children:
            self.end(child)

    def shrink(self, working: Working, left: Decimal) -> None:
        """Leave only so much of an order open, because one of its group has filled."""
        by = EXACT.subtract(working.remaining, left)
        if not left:
            self.end(working)
        elif by:
            form = working.order.form
            working.order.form = evolve(form, quantity=EXACT.subtract(form.quantity, by))
            if working.book_id is not None:
                working.market.reduce(working.book_id, by)
            self.changed(working)

    def forget(self, working: Working) -> None:
        """Take what is over out of everything but the day's list."""
        self.leave(working)
        self.live.pop(working.order.perm_id, None)
        self.expiring.pop(working.order.perm_id, None)
        self.groups.leave(working)

    def leave(self, working: Working) -> None:
        """Take an order out of the book, or from where it waits."""
        if working.book_id is not None:
            working.market.remove(working.book_id)
            working.book_id = None
            self._reservations.update(working)
        self.waiting.remove(working)
