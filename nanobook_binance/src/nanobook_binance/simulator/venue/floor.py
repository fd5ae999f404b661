"""The trading floor: how orders and the liquidity source trade with one another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from decimal import ROUND_FLOOR, Context, Decimal

from nanobook_binance.simulator.venue import trigger
from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.depth import Match
from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.money import ZERO, reserve
from nanobook_binance.simulator.venue.self_trade import SelfTrade, in_turn
from nanobook_binance.simulator.venue.side import other, reaches, turn
from nanobook_binance.simulator.venue.word import (
    ExecutionType,
    ExpiryReason,
    OrderStatus,
    StpMode,
)
from nanobook_binance.simulator.venue.working import Working
from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total

_DOWN = Context(prec=400, rounding=ROUND_FLOOR)

_UNFILLED = {"IOC": ExpiryReason.UNFILLED_IOC, "FOK": ExpiryReason.UNFILLED_FOK}


class Floor:
    """Where orders and quotes meet; a request is followed by `settle`, and then nothing is due."""

    def __init__(self, *, now_ms: Callable[[], int], clearing: Clearing) -> None:
        self._now_ms = now_ms
        self._clearing = clearing
        self._resting: dict[tuple[str, int], Working] = {}
        """By symbol and number in the book."""
        self._waiting: dict[str, dict[int, Working]] = {}
        """By symbol and order id: those that wait for their trigger."""
        self._due: deque[Working] = deque()
        self._self_trade = SelfTrade(now_ms=now_ms, clearing=clearing, leave=self.leave)

    def settle(self) -> None:
        """Let the orders that were triggered go to the book, until none is left."""
        while self._due:
            working = self._due.popleft()
            if working.is_waiting:
                self._go(working)

    def work(self, working: Working) -> None:
        """Let a new order trade, or wait for its trigger."""
        if not working.order.type.is_contingent:
            self._trade(working)
            return
        self._waiting.setdefault(working.order.symbol, {})[working.order.order_id] = working
        last = working.market.tape.last
        if last is not None:
            trigger.follow(working, last, self._now_ms())

    def end(
        self,
        working: Working,
        status: OrderStatus,
        execution_type: ExecutionType,
        reason: ExpiryReason | None = None,
    ) -> None:
        """End an order wherever it is."""
        self.leave(working)
        working.order.status, working.order.expiry_reason = status, reason
        self._clearing.changed(working, execution_type)

    def leave(self, working: Working) -> None:
        """Take an order out of the book, or from those that wait."""
        order = working.order
        self._waiting.get(order.symbol, {}).pop(order.order_id, None)
        if working.book_id is not None:
            working.market.remove(working.book_id)
            del self._resting[order.symbol, working.book_id]
            working.book_id = None

    def resting(self, market: Market, side: str, limit: Decimal) -> list[Working]:
        """Clients' orders of that side that rest at a price or at better ones, in their turn."""
        found = [
            each
            for (symbol, _), each in self._resting.items()
            if symbol == market.rules.symbol
            and each.order.side == side
            and reaches(other(side), limit, each.order.price)
        ]
        return sorted(found, key=lambda each: turn(side, each.order.price, each.book_id or 0))

    def moved(self, market: Market, last: Decimal) -> None:
        """Look for orders that a price triggers."""
        now = self._now_ms()
        for working in list(self._waiting.get(market.rules.symbol, {}).values()):
            trigger.follow(working, last, now)
            if trigger.is_triggered(working, last):
                self._due.append(working)

    def fill(self, working: Working, quantity: Decimal, taker_order_id: int) -> None:
        """Let the source trade so much with an order that rests, at its limit, out of its turn."""
        book_id = working.book_id
        if book_id is not None:
            working.market.reduce(book_id, quantity)
            match = Match(book_id, working.order.price, quantity)
            self.matched(working.market, match, other(working.order.side), taker_order_id)

    def offers(
        self, market: Market, side: str, account: Account, mode: StpMode
    ) -> Iterator[tuple[Decimal, Decimal]]:
        """Prices and quantities that an order at the market would meet, without its own account's.

        Those are among them where it would trade with itself.
        """
        own: dict[Decimal, Decimal] = {}
        if mode is not StpMode.NONE:
            for each in account.open_on(market.rules.symbol):
                if each.book_id is not None:
                    price = each.order.price
                    own[price] = total(own.get(price, ZERO), each.order.remaining)
        for price, quantity in market.offered(side, None):
            left = EXACT.subtract(quantity, own.get(price, ZERO))
            if left:
                yield price, left

    def cost(self, working: Working) -> Decimal:
        """What an order that goes to the book gives at most; at the market, for what is there."""
        order = working.order
        if order.side == "SELL":
            return order.remaining
        if working.limit is not None:
            return reserve(order.remaining, working.unit_cost)
        left, costs = order.remaining, []
        mode = order.self_trade_prevention_mode
        for price, quantity in self.offers(working.market, "BUY", working.account, mode):
            taken = min(left, quantity)
            costs.append(product(taken, price))
            left = EXACT.subtract(left, taken)
            if not left:
                break
        return reserve(total(*costs), Decimal(1))

    def affordable(
        self, market: Market, side: str, account: Account, mode: StpMode, quote: Decimal
    ) -> Decimal:
        """How much can be traded at the market for so much of the quote asset.

        Whole steps, rounded down at each price.
        """
        step, taken = market.rules.step, []
        for price, quantity in self.offers(market, side, account, mode):
            steps = _DOWN.divide_int(quote, product(price, step))
            take = min(quantity, product(steps, step))
            taken.append(take)
            quote = EXACT.subtract(quote, product(take, price))
            if take < quantity:
                break
        return total(*taken)

    def _go(self, working: Working) -> None:
        """Send a triggered order to the book."""
        order = working.order
        self._waiting[order.symbol].pop(order.order_id)
        order.working_time = self._now_ms()
        working.budget = self.cost(working)
        if working.budget > total(working.account.balance(working.gives).free, working.locked):
            reason = ExpiryReason.REJECTED
            self.end(working, OrderStatus.EXPIRED, ExecutionType.EXPIRED, reason)
            return
        self._clearing.changed(working, ExecutionType.NEW)
        self._trade(working)

    def _trade(self, working: Working) -> None:
        order, market, limit = working.order, working.market, self._bounded(working)
        own = self._self_trade.own(working)
        matches = market.match(
            order.side,
            order.remaining,
            limit,
            owner=working.account.uid,
            mode=order.self_trade_prevention_mode,
            whole=order.time_in_force == "FOK",
        )
        for match, maker in in_turn(matches, own, other(order.side)):
            if match is not None:
                self.matched(market, match, order.side, working)
            elif maker is not None:
                self._self_trade.prevent(working, maker)
        self._self_trade.expire_taker(working, own, limit)
        if order.is_open:
            self._leave_or_rest(working, limit)

    def _leave_or_rest(self, working: Working, bounded: Decimal | None) -> None:
        order, market = working.order, working.market
        reason = _UNFILLED.get(order.time_in_force)
        if working.limit is None:
            reason = ExpiryReason.INSUFFICIENT_LIQUIDITY
        if bounded != working.limit:
            best = next(market.offered(order.side, working.limit), None)
            if best is not None and not reaches(order.side, bounded, best[0]):
                reason = ExpiryReason.PRICE_RANGE
        if reason is not None:
            self.end(working, OrderStatus.EXPIRED, ExecutionType.EXPIRED, reason)
            return
        working.book_id = market.rest(order.side, order.remaining, order.price, working.account.uid)
        self._resting[order.symbol, working.book_id] = working

    def _bounded(self, working: Working) -> Decimal | None:
        """Its limit, or the edge of the range that executions are held to, if that is nearer."""
        bounds, market, side = working.market.rules.price_range, working.market, working.order.side
        reference = market.tape.average(self._now_ms(), 5)
        if bounds is None or reference is None:
            return working.limit
        name = "bidMultiplierUp" if side == "BUY" else "askMultiplierDown"
        tick = market.rules.tick
        edge = QUOTIENT.divide(product(reference, Decimal(bounds[name])), tick)
        rounding = "ROUND_FLOOR" if side == "BUY" else "ROUND_CEILING"
        edge = product(edge.to_integral_value(rounding), tick)
        if working.limit is None:
            return edge
        return min(working.limit, edge) if side == "BUY" else max(working.limit, edge)

    def matched(self, market: Market, match: Match, side: str, taker: Working | int) -> None:
        """Settle a trade; `side` is the taker's, an order or the number of the source's."""
        maker = self._resting.get((market.rules.symbol, match.book_id))
        self._clearing.settle(market, match, side, taker, maker)
        if maker is not None and not maker.order.is_open:
            del self._resting[market.rules.symbol, match.book_id]
            maker.book_id = None
        self.moved(market, match.price)
