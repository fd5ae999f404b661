"""The trading floor: what becomes of orders once they are accepted."""

from __future__ import annotations

import datetime as dt
from collections import deque
from decimal import Decimal

from attrs import evolve

from nanobook_core.broker.exact import EXACT, total
from nanobook_core.contracts.clock import Clock
from nanobook_core.types import Side
from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.account import Account
from nanobook_ibkr.simulator.clearing import Clearing
from nanobook_ibkr.simulator.group import Groups, left_of
from nanobook_ibkr.simulator.listener import Announcer
from nanobook_ibkr.simulator.margin import Margin
from nanobook_ibkr.simulator.market import BOTTOMLESS, Market, Match
from nanobook_ibkr.simulator.order_check import AT_ONCE
from nanobook_ibkr.simulator.record import ZERO, OrderForm, OrderStatusWord, VenueExecution
from nanobook_ibkr.simulator.reservations import Reservations
from nanobook_ibkr.simulator.source_quote import SourceQuote
from nanobook_ibkr.simulator.waiting import Waiting
from nanobook_ibkr.simulator.working import Working

_CANCELLED = "Order Canceled - reason:"
_LOCATING = "Order held while securities are located."


class Floor:
    """Orders and books; a request is followed by `settle`, and then nothing is due."""

    def __init__(
        self,
        *,
        clock: Clock,
        clearing: Clearing,
        margin: Margin,
        reservations: Reservations,
        groups: Groups,
        announcer: Announcer,
    ) -> None:
        self.orders: dict[int, Working] = {}
        """All of today, by perm id."""
        self.live: dict[int, Working] = {}
        self.expiring: dict[int, Working] = {}
        """Those of the live ones that end at a time."""
        self._clock = clock
        self._clearing = clearing
        self._margin = margin
        self._reservations = reservations
        self._announcer = announcer
        self._groups = groups
        self._due: deque[Working] = deque()
        self._waiting = Waiting()

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
            self._groups.join(working)
            self._due.append(working)
        for child in working.children:
            self._send_family(child)

    def settle(self) -> None:
        """Do all that has become due, until nothing is."""
        while True:
            if not self._due:
                self._due.extend(self._waiting.servable())
            if not self._due:
                return
            self._advance(self._due.popleft())

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
            self._leave(working)
            working.stop_price = trigger.first_stop(form)
        elif by and working.book_id is not None:
            working.market.reduce(working.book_id, by)
        self.changed(working)
        self._due.append(working)

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
        self._forget(working)
        self.changed(working)
        self._announcer.tell("order_refused", evolve(order), code, text)
        for child in working.children:
            self.end(child)

    def post(self, market: Market, quote: SourceQuote) -> None:
        """Let the source offer that instead; in a halt, once it is over."""
        market.quote = quote
        if market.halted:
            return
        market.withdraw()
        for side in (Side.BUY, Side.SELL):
            price, left = quote.side(side)
            if price is None:
                continue
            if left is None:
                left = market.rules.from_lots(BOTTOMLESS)
            while left and (
                matches := market.match(side, self._at_once(market, side, left, price), price)
            ):
                for match in matches:
                    self.matched(market, match, side, None)
                    left = EXACT.subtract(left, match.quantity)
            if left:
                market.post(side, price, left)
        market.quoted()
        self._due.extend(self._waiting.elect(market))

    def correct(
        self, working: Working, exec_id: str, quantity: Decimal | None, price: Decimal | None
    ) -> VenueExecution:
        """Make an execution another one; what is open of a live order follows.

        Raises:
            ValidationError: such numbers cannot be; nothing has changed.

        """
        before = working.remaining
        execution = self._clearing.correct(working, exec_id, quantity, price)
        if working.order.is_done or working.remaining == before:
            return execution
        self._leave(working)
        if working.remaining:
            self._due.append(working)
        else:
            working.order.status = OrderStatusWord.FILLED
            working.order.completed_at = self._clock.now()
            self._forget(working)
            self.changed(working)
            self._follow(working, before)
        return execution

    def resume(self, market: Market) -> None:
        """Go on after a halt: first the source's quote, then what came, in its turn."""
        market.halted = 0
        self.post(market, market.quote)
        self._due.extend(self._waiting.unmet(market))
        self.reconsider(market)

    def reconsider(self, market: Market) -> None:
        """Look again at what is held back there."""
        self._due.extend(
            each
            for each in self.live.values()
            if each.market is market and each.order.why_held in ("halted", "locate")
        )

    def matched(self, market: Market, match: Match, side: Side, aggressor: Working | None) -> None:
        """Settle a trade; `side` is the aggressor's, who may be the source."""
        passive = None if match.passive is None else self.orders[match.passive]
        for working, its_side in ((passive, side.opposite), (aggressor, side)):
            if working is None:
                self._clearing.supplied(market, match, its_side)
            else:
                self._clearing.filled(working, match, is_maker=working is passive)
                self._reservations.update(working)
                if working.order.is_done:
                    self._forget(working)
        market.printed(match.price, match.quantity)
        self._due.extend(self._waiting.elect(market))
        if not market.is_shortable:  # what was bought needs no locating when it is sold
            self.reconsider(market)
        for working in (passive, aggressor):
            if working is not None:
                self._follow(working, match.quantity)

    def _follow(self, working: Working, quantity: Decimal) -> None:
        """Do to its group and to its children what a fill does."""
        for other in self._groups.others(working):
            self._shrink(other, left_of(other, working, quantity))
        if working.order.status is OrderStatusWord.FILLED:
            self._groups.fill(working)
            self._due.extend(child for child in working.children if child.is_sent)

    def _shrink(self, working: Working, left: Decimal) -> None:
        by = EXACT.subtract(working.remaining, left)
        if not left:
            self.end(working)
        elif by:
            form = working.order.form
            working.order.form = evolve(form, quantity=EXACT.subtract(form.quantity, by))
            if working.book_id is not None:
                working.market.reduce(working.book_id, by)
            self.changed(working)

    def _forget(self, working: Working) -> None:
        """Take what is over out of everything but the day's list."""
        self._leave(working)
        self.live.pop(working.order.perm_id, None)
        self.expiring.pop(working.order.perm_id, None)
        self._groups.leave(working)

    def _leave(self, working: Working) -> None:
        """Take an order out of the book, or from where it waits."""
        if working.book_id is not None:
            working.market.remove(working.book_id)
            working.book_id = None
            self._reservations.update(working)
        self._waiting.remove(working)

    def _advance(self, working: Working) -> None:
        if working.order.is_done or working.book_id is not None or not working.is_sent:
            return
        why = self._why_held(working)
        is_to_trade_at_last = why is None and _has_waited(working)
        if is_to_trade_at_last or (not working.is_cleared and why != "child"):
            refusal = self._margin.refusal(self._account(working), working)
            if refusal is not None:
                self._reject(working, refusal)
                return
            working.is_cleared = self._margin.is_priced(working)
            self._reservations.update(working)
        if why is None:
            self._trade(working)
        elif why == "halted" and working.order.form.tif in AT_ONCE:
            self.end(working)
        else:
            self._hold(working, why)

    def _reject(self, working: Working, reason: str) -> None:
        is_new = not working.order.filled
        status = OrderStatusWord.INACTIVE if is_new else OrderStatusWord.CANCELLED
        self.end(working, status, 201, f"Order rejected - reason:{reason}")

    def _why_held(self, working: Working) -> str | None:
        market = working.market
        if working.waits_for_parent:
            return "child"
        if not market.is_shortable and self._margin.is_short(self._account(working), working):
            return "locate"
        if market.halted:
            return "halted"
        if working.is_stop:
            if market.tape.last is not None:
                trigger.follow(working, market.tape.last)
                working.is_elected = trigger.is_touched(working, market.tape.last)
            if not working.is_elected:
                return "trigger"
        return None

    def _hold(self, working: Working, why: str) -> None:
        if why == "trigger":
            self._waiting.add(working)
        else:
            self._leave(working)
        order = working.order
        if (order.status, order.why_held) != (OrderStatusWord.PRE_SUBMITTED, why):
            order.status, order.why_held = OrderStatusWord.PRE_SUBMITTED, why
            self.changed(working)
            if why == "locate":
                self.warn(working, 404, _LOCATING)

    def _trade(self, working: Working) -> None:
        order, market = working.order, working.market
        if order.status is not OrderStatusWord.SUBMITTED:
            order.status, order.why_held = OrderStatusWord.SUBMITTED, ""
            self.changed(working)
        if order.form.tif == "FOK" and self._fillable(working) < working.remaining:
            self.end(working)
            return
        while not order.is_done:
            side, left, limit = working.side, working.remaining, working.limit
            matches = market.match(side, self._at_once(market, side, left, limit), limit)
            if not matches:
                break
            for match in matches:
                self.matched(market, match, working.side, working)
        if order.is_done:
            return
        if order.form.tif in AT_ONCE:
            self.end(working)
        elif working.limit is None:
            self._waiting.add(working)
        else:
            working.book_id = market.rest(
                working.side, working.remaining, working.limit, order.perm_id
            )
            self._reservations.update(working)

    def _at_once(
        self, market: Market, side: Side, quantity: Decimal, limit: Decimal | None
    ) -> Decimal:
        """How much can trade before what fills may take other orders out of the book."""
        if not self._groups.rest_in(market, side.opposite):
            return quantity
        before = ZERO
        for perm_id, there in market.offered(side, limit):
            if perm_id is not None and self.orders[perm_id].group is not None:
                return before or min(quantity, there)
            before = total(before, there)
            if before >= quantity:
                break
        return quantity

    def _fillable(self, working: Working) -> Decimal:
        """Sum what it would meet; of a one-cancels-all group only the first can fill."""
        groups: list[tuple[str, str]] = []
        found = []
        for perm_id, quantity in working.market.offered(working.side, working.limit):
            group = None if perm_id is None else self.orders[perm_id].group
            if group is None or group not in groups:
                found.append(quantity)
            if group is not None:
                groups.append(group)
        return total(*found)

    def _account(self, working: Working) -> Account:
        return self._clearing.accounts[working.order.account]


def _has_waited(working: Working) -> bool:
    """Whether it was held, or is a market order that found nobody: prices may be others now."""
    order = working.order
    return bool(order.why_held) or (
        order.status is OrderStatusWord.SUBMITTED and working.limit is None
    )
