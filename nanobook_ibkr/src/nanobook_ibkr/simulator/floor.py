"""The trading floor: how orders and quotes trade with one another."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.broker.exact import EXACT, total
from nanobook_core.contracts.clock import Clock
from nanobook_core.types import Side
from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.account import Account
from nanobook_ibkr.simulator.clearing import Clearing
from nanobook_ibkr.simulator.group import left_of
from nanobook_ibkr.simulator.margin import Margin
from nanobook_ibkr.simulator.market import BOTTOMLESS, Market, Match
from nanobook_ibkr.simulator.order_check import AT_ONCE
from nanobook_ibkr.simulator.record import ZERO, OrderStatusWord, VenueExecution
from nanobook_ibkr.simulator.reservations import Reservations
from nanobook_ibkr.simulator.roster import Roster
from nanobook_ibkr.simulator.source_quote import SourceQuote
from nanobook_ibkr.simulator.working import Working

_LOCATING = "Order held while securities are located."


class Floor:
    """Where orders and quotes meet; a request is followed by `settle`, and then nothing is due."""

    def __init__(
        self,
        *,
        clock: Clock,
        roster: Roster,
        clearing: Clearing,
        margin: Margin,
        reservations: Reservations,
    ) -> None:
        self._clock = clock
        self._roster = roster
        self._clearing = clearing
        self._margin = margin
        self._reservations = reservations

    def settle(self) -> None:
        """Do all that has become due, until nothing is."""
        while True:
            if not self._roster.due:
                self._roster.due.extend(self._roster.waiting.servable())
            if not self._roster.due:
                return
            self._advance(self._roster.due.popleft())

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
        market.quoted(self._clock.now())
        self._roster.due.extend(self._roster.waiting.elect(market))

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
        self._roster.leave(working)
        if working.remaining:
            self._roster.due.append(working)
        else:
            working.order.status = OrderStatusWord.FILLED
            working.order.completed_at = self._clock.now()
            self._roster.forget(working)
            self._roster.changed(working)
            self._follow(working, before)
        return execution

    def resume(self, market: Market) -> None:
        """Go on after a halt: first the source's quote, then what came, in its turn."""
        market.halted = 0
        self.post(market, market.quote)
        self._roster.due.extend(self._roster.waiting.unmet(market))
        self.reconsider(market)

    def reconsider(self, market: Market) -> None:
        """Look again at what is held back there."""
        self._roster.due.extend(
            each
            for each in self._roster.live.values()
            if each.market is market and each.order.why_held in ("halted", "locate")
        )

    def matched(self, market: Market, match: Match, side: Side, aggressor: Working | None) -> None:
        """Settle a trade; `side` is the aggressor's, who may be the source."""
        passive = None if match.passive is None else self._roster.orders[match.passive]
        for working, its_side in ((passive, side.opposite), (aggressor, side)):
            if working is None:
                self._clearing.supplied(market, match, its_side)
            else:
                self._clearing.filled(working, match, is_maker=working is passive)
                self._reservations.update(working)
                if working.order.is_done:
                    self._roster.forget(working)
        market.printed(match.price, match.quantity, self._clock.now())
        self._roster.due.extend(self._roster.waiting.elect(market))
        if not market.is_shortable:  # what was bought needs no locating when it is sold
            self.reconsider(market)
        for working in (passive, aggressor):
            if working is not None:
                self._follow(working, match.quantity)

    def _follow(self, working: Working, quantity: Decimal) -> None:
        """Do to its group and to its children what a fill does."""
        for other in self._roster.groups.others(working):
            self._roster.shrink(other, left_of(other, working, quantity))
        if working.order.status is OrderStatusWord.FILLED:
            self._roster.groups.fill(working)
            self._roster.due.extend(child for child in working.children if child.is_sent)

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
            self._roster.end(working)
        else:
            self._hold(working, why)

    def _reject(self, working: Working, reason: str) -> None:
        is_new = not working.order.filled
        status = OrderStatusWord.INACTIVE if is_new else OrderStatusWord.CANCELLED
        self._roster.end(working, status, 201, f"Order rejected - reason:{reason}")

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
            self._roster.waiting.add(working)
        else:
            self._roster.leave(working)
        order = working.order
        if (order.status, order.why_held) != (OrderStatusWord.PRE_SUBMITTED, why):
            order.status, order.why_held = OrderStatusWord.PRE_SUBMITTED, why
            self._roster.changed(working)
            if why == "locate":
                self._roster.warn(working, 404, _LOCATING)

    def _trade(self, working: Working) -> None:
        order, market = working.order, working.market
        if order.status is not OrderStatusWord.SUBMITTED:
            order.status, order.why_held = OrderStatusWord.SUBMITTED, ""
            self._roster.changed(working)
        if order.form.tif == "FOK" and self._fillable(working) < working.remaining:
            self._roster.end(working)
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
            self._roster.end(working)
        elif working.limit is None:
            self._roster.waiting.add(working)
        else:
            working.book_id = market.rest(
                working.side, working.remaining, working.limit, order.perm_id
            )
            self._reservations.update(working)

    def _at_once(
        self, market: Market, side: Side, quantity: Decimal, limit: Decimal | None
    ) -> Decimal:
        """How much can trade before what fills may take other orders out of the book."""
        if not self._roster.groups.rest_in(market, side.opposite):
            return quantity
        before = ZERO
        for perm_id, there in market.offered(side, limit):
            if perm_id is not None and self._roster.orders[perm_id].group is not None:
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
            group = None if perm_id is None else self._roster.orders[perm_id].group
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
