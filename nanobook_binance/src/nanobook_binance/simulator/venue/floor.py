"""The trading floor: how orders and the liquidity source trade with one another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_FLOOR, Context, Decimal

from nanobook_binance.simulator.venue import trigger
from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.market import HOUSE, Market, Match
from nanobook_binance.simulator.venue.money import ZERO, reserve
from nanobook_binance.simulator.venue.trade import PreventedMatch
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

    def moved(self, market: Market, last: Decimal) -> None:
        """Look for orders that a price triggers."""
        now = self._now_ms()
        for working in list(self._waiting.get(market.rules.symbol, {}).values()):
            trigger.follow(working, last, now)
            if trigger.is_triggered(working, last):
                self._due.append(working)

    def follow(self, market: Market, levels: Mapping[tuple[str, Decimal], Decimal]) -> None:
        """Let the source offer exactly so much at these prices; its others stay.

        It makes room first, so that it does not meet itself.
        """
        for (side, price), quantity in levels.items():
            market.lower(side, price, quantity)
        for (side, price), quantity in levels.items():
            if quantity > market.offer(side, price):
                market.withdraw(side, price)
                self._post(market, side, price, quantity)

    def _post(self, market: Market, side: str, price: Decimal, quantity: Decimal) -> None:
        """Let the source trade with the clients that it meets, and offer what is left."""
        left, taker = quantity, next(market.house_order_ids)
        for match in market.match(side, quantity, price, owner=HOUSE, mode=StpMode.EXPIRE_MAKER):
            left = EXACT.subtract(left, match.quantity)
            self._matched(market, match, side, taker)
        if left:
            market.post(side, price, left)

    def fill(self, working: Working, quantity: Decimal, taker_order_id: int) -> None:
        """Let the source trade so much with an order that rests, at its limit, out of its turn."""
        book_id = working.book_id
        if book_id is not None:
            working.market.reduce(book_id, quantity)
            match = Match(book_id, working.order.price, quantity)
            self._matched(working.market, match, _other(working.order.side), taker_order_id)

    def printed(self, market: Market, price: Decimal, quantity: Decimal, side: str) -> None:
        """Let others trade; `side` is the taker's.

        It fills the clients' orders that it would have met: all with a better price, and at its own
        price those that are behind all that the source offers there.
        """
        left, taker = quantity, next(market.house_order_ids)
        maker_side = _other(side)
        behind = market.offer(maker_side, price)
        for working in self._before(market, maker_side, price):
            is_there = working.order.price == price
            take = min(EXACT.subtract(left, behind) if is_there else left, working.order.remaining)
            if take > 0:
                self.fill(working, take, taker)
                left = EXACT.subtract(left, take)
        if left:
            self._clearing.printed_elsewhere(market, price, left, side, taker)
            self.moved(market, price)

    def _before(self, market: Market, side: str, price: Decimal) -> list[Working]:
        """Clients' orders of that side that rest at a price or at better ones, in their turn."""
        found = [
            each
            for (symbol, _), each in self._resting.items()
            if symbol == market.rules.symbol
            and each.order.side == side
            and _reaches(side, each.order.price, price)
        ]
        sign = -1 if side == "BUY" else 1
        return sorted(found, key=lambda each: (sign * each.order.price, _place(each)))

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
        """What an order at the market gives at most; to buy, for as much as there is."""
        order = working.order
        if order.side == "SELL":
            return order.remaining
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
    ) -> tuple[Decimal, bool]:
        """How much can be traded at the market for so much of the quote asset, and whether all.

        Whole steps, rounded down at each price.
        """
        step, taken = market.rules.step, []
        for price, quantity in self.offers(market, side, account, mode):
            steps = _DOWN.divide_int(quote, product(price, step))
            take = min(quantity, product(steps, step))
            taken.append(take)
            quote = EXACT.subtract(quote, product(take, price))
            if take < quantity:
                return total(*taken), True
        return total(*taken), False

    def _go(self, working: Working) -> None:
        """Send a triggered order to the book."""
        order = working.order
        self._waiting[order.symbol].pop(order.order_id)
        order.working_time = self._now_ms()
        self._clearing.relock(working)
        gives = working.account.balance(working.gives).free
        if working.limit is None and self.cost(working) > gives:
            reason = ExpiryReason.REJECTED
            self.end(working, OrderStatus.EXPIRED, ExecutionType.EXPIRED, reason)
            return
        self._clearing.changed(working, ExecutionType.NEW)
        self._trade(working)

    def _trade(self, working: Working) -> None:
        order, market, side = working.order, working.market, working.order.side
        mode, limit = order.self_trade_prevention_mode, self._bounded(working)
        own = [
            each
            for each in working.account.open_on(order.symbol)
            if each.book_id is not None and each.order.side != side and mode is not StpMode.NONE
        ]
        matches = market.match(
            side,
            order.remaining,
            limit,
            owner=working.account.uid,
            mode=mode,
            whole=order.time_in_force == "FOK",
        )
        for match, maker in _in_turn(side, matches, own):
            if match is not None:
                self._matched(market, match, side, working)
            elif maker is not None:
                self._prevent(working, maker)
        if order.is_open and mode is StpMode.EXPIRE_TAKER:
            self._expire_taker(working, own, limit)
        if order.is_open:
            self._leave_or_rest(working, limit)

    def _leave_or_rest(self, working: Working, bounded: Decimal | None) -> None:
        order, market = working.order, working.market
        reason = _UNFILLED.get(order.time_in_force)
        if working.limit is None:
            reason = ExpiryReason.INSUFFICIENT_LIQUIDITY
        if bounded != working.limit:
            best = next(market.offered(order.side, working.limit), None)
            if best is not None and not _reaches(order.side, bounded, best[0]):
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

    def _matched(self, market: Market, match: Match, side: str, taker: Working | int) -> None:
        maker = self._resting.get((market.rules.symbol, match.book_id))
        self._clearing.settle(market, match, side, taker, maker)
        if maker is not None and not maker.order.is_open:
            del self._resting[market.rules.symbol, match.book_id]
            maker.book_id = None
        self.moved(market, match.price)

    def _expire_taker(self, working: Working, own: list[Working], limit: Decimal | None) -> None:
        """End an order that stands before one of its own account."""
        best = next(working.market.offered(working.order.side, limit), None)
        if best is None:
            return
        there = [each for each in own if each.order.price == best[0] and each.book_id is not None]
        if there and working.order.time_in_force != "FOK":
            self._prevent(working, min(there, key=_place))

    def _prevent(self, taker: Working, maker: Working) -> None:
        """Take off both what the mode says; the book has done so with the maker."""
        mode, market = taker.order.self_trade_prevention_mode, taker.market
        left = ZERO if maker.book_id is None else market.left(maker.book_id)
        maker_part = EXACT.subtract(maker.order.remaining, left) or None
        taker_part = maker_part if mode is StpMode.DECREMENT else None
        if mode in (StpMode.EXPIRE_TAKER, StpMode.EXPIRE_BOTH):
            taker_part = taker.order.remaining
        prevented = PreventedMatch(
            symbol=taker.order.symbol,
            match_id=next(market.match_ids),
            account=taker.order.account,
            taker_order_id=taker.order.order_id,
            maker_order_id=maker.order.order_id,
            mode=mode,
            price=maker.order.price,
            taker_quantity=taker_part,
            maker_quantity=maker_part,
            time=self._now_ms(),
        )
        taker.account.prevented.setdefault(taker.order.symbol, []).append(prevented)
        if maker_part is not None:
            market.changed()
        for working, part in ((taker, taker_part), (maker, maker_part)):
            if part is None:
                continue
            order = working.order
            order.prevented = EXACT.add(order.prevented, part)
            order.prevented_match_id = prevented.match_id
            if not order.remaining:
                order.status = OrderStatus.EXPIRED_IN_MATCH
                self.leave(working)
            self._clearing.changed(working, ExecutionType.TRADE_PREVENTION, None, prevented)


def _in_turn(
    side: str, matches: list[Match], own: list[Working]
) -> Iterator[tuple[Match | None, Working | None]]:
    """Matches, and orders of the own account that were met instead, in the order of the queue."""
    met = [
        each
        for each in own
        if each.book_id is not None and each.market.left(each.book_id) != each.order.remaining
    ]
    turns: list[tuple[Decimal, int, Match | None, Working | None]] = []
    turns += [(match.price, match.book_id, match, None) for match in matches]
    turns += [(each.order.price, _place(each), None, each) for each in met]
    sign = 1 if side == "BUY" else -1
    for _, _, match, maker in sorted(turns, key=lambda turn: (sign * turn[0], turn[1])):
        yield match, maker


def _place(working: Working) -> int:
    return working.book_id or 0


def _other(side: str) -> str:
    return "SELL" if side == "BUY" else "BUY"


def _reaches(side: str, limit: Decimal | None, price: Decimal) -> bool:
    return limit is None or (price <= limit if side == "BUY" else price >= limit)
