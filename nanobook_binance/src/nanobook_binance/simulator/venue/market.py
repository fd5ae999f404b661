"""One symbol's book, which clients and the liquidity source share, and its tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count

from nanobook_binance.simulator.venue.depth import Depth, Match, Steps, Top
from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.symbol_rules import MOST_STEPS, SymbolRules
from nanobook_binance.simulator.venue.tape import Tape
from nanobook_binance.simulator.venue.word import StpMode
from nanobook_core.broker.exact import EXACT, product
from nanobook_core.contracts.book import LevelSnapshot
from nanobook_core.contracts.engine import Engine
from nanobook_core.errors import ValidationError
from nanobook_core.plugin.registry import default_registry

#: The owner number of the liquidity source; accounts have those above.
HOUSE = 0
#: Requests after which a book forgets what is over.
_FORGET_AFTER = 4096
_ALL = 2**31 - 1
_FIRST_HOUSE_ORDER_ID = 10**12

_POLICY = {
    StpMode.NONE: "off",
    StpMode.EXPIRE_MAKER: "cancel_oldest",
    StpMode.EXPIRE_TAKER: "cancel_newest",
    StpMode.EXPIRE_BOTH: "cancel_both",
    StpMode.DECREMENT: "decrement_and_cancel",
}


class Market:
    """Matches at price and time priority on nanobook's own engine, in ticks and steps."""

    def __init__(self, rules: SymbolRules, first_order_id: int, first_trade_id: int) -> None:
        self.rules = rules
        self._tick, self._step = rules.tick, rules.step
        self.tape = Tape()
        self.order_ids = count(first_order_id)
        self.trade_ids = count(first_trade_id)
        self.execution_ids = count(2 * first_order_id)
        self.match_ids = count()
        self.house_order_ids = count(_FIRST_HOUSE_ORDER_ID)
        self.postponed: list[Callable[[], None]] = []
        """What the liquidity source did while nothing traded."""
        self.update_id = 10 * first_order_id
        """Rises with every change of a level, and only then."""
        self.told_update_id = self.update_id
        self.told_top = Top()
        self._engine: Engine = default_registry().create("engine", "exchange", log_events=False)
        self._posted: dict[tuple[str, int], int] = {}
        self._requests = 0

    def match(
        self,
        side: str,
        quantity: Decimal,
        limit: Decimal | None,
        *,
        owner: int,
        mode: StpMode = StpMode.NONE,
        whole: bool = False,
    ) -> list[Match]:
        """Trade up to the limit with all that it meets; if `whole`, with all of it or nothing."""
        self._used()
        steps, policy = self._steps(quantity), _POLICY[mode]
        if limit is None:
            result = self._engine.submit_market(side, steps, owner=owner, stp_policy=policy)
        else:
            result = self._engine.submit_limit(
                side,
                self._ticks(limit),
                steps,
                "fok" if whole else "ioc",
                owner=owner,
                stp_policy=policy,
            )
        if result.trades:
            self.changed()
        return [
            Match(
                trade.passive_order_id,
                EXACT.multiply(self._tick, Decimal(trade.price)),
                EXACT.multiply(self._step, Decimal(trade.quantity)),
            )
            for trade in result.trades
        ]

    def rest(self, side: str, quantity: Decimal, limit: Decimal, owner: int) -> int:
        """Put what meets nobody into the book; its number there."""
        self.changed()
        return self._engine.submit_limit(
            side, self._ticks(limit), self._steps(quantity), owner=owner
        ).order_id

    def remove(self, book_id: int) -> None:
        """Take an order out of the book."""
        self.changed()
        self._engine.cancel(book_id)

    def reduce(self, book_id: int, by: Decimal) -> None:
        """Take quantity off an order that keeps its place."""
        self.changed()
        self._engine.reduce(book_id, self._steps(by))

    def left(self, book_id: int) -> Decimal:
        """What is open of an order in the book."""
        order = self._engine.get_order(book_id)
        steps = 0 if order is None else order.remaining_quantity
        return EXACT.multiply(self._step, Decimal(steps))

    def offered(self, side: str, limit: Decimal | None) -> Iterator[tuple[Decimal, Decimal]]:
        """Price and quantity of the levels that an order of that side would meet, in its turn."""
        depth = 8
        seen = 0
        while True:
            book = self._engine.depth(depth)
            levels = book.asks if side == "BUY" else book.bids
            for level in levels[seen:]:
                price, quantity = self._level(level)
                if limit is not None and (price > limit if side == "BUY" else price < limit):
                    return
                yield price, quantity
            if len(levels) < depth:
                return
            seen, depth = depth, depth * 4

    def would_match(self, side: str, limit: Decimal) -> bool:
        """Whether an order of that side would trade at once."""
        return next(self.offered(side, limit), None) is not None

    def top(self) -> Top:
        """Best prices with what is there."""
        book = self._engine.depth(1)
        (bid, bid_size), (ask, ask_size) = (
            self._level(levels[0]) if levels else (None, ZERO) for levels in (book.bids, book.asks)
        )
        return Top(bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size, update_id=self.update_id)

    def depth(self, limit: int | None = None) -> Depth:
        """Return the best levels of each side, or all."""
        book = self._engine.depth(_ALL if limit is None else limit)
        bids, asks = (tuple(map(self._level, levels)) for levels in (book.bids, book.asks))
        return Depth(last_update_id=self.update_id, bids=bids, asks=asks)

    def steps(self) -> Steps:
        """Return all levels in ticks and steps, as the book has them."""
        book = self._engine.depth(_ALL)
        bids, asks = (
            {level.price: level.quantity for level in levels} for levels in (book.bids, book.asks)
        )
        return Steps(last_update_id=self.update_id, bids=bids, asks=asks)

    # The liquidity source

    def posted(self) -> list[tuple[str, Decimal]]:
        """Sides and prices of what the source offers."""
        return [(side, EXACT.multiply(self._tick, Decimal(ticks))) for side, ticks in self._posted]

    def offer(self, side: str, price: Decimal) -> Decimal:
        """How much the source offers at a price."""
        book_id = self._posted.get((side, self._ticks(price)))
        return ZERO if book_id is None else self.left(book_id)

    def post(self, side: str, price: Decimal, quantity: Decimal) -> None:
        """Put what the source offers at a price into the book, in place of its own that it crosses.

        Clients that it crosses have been matched before.
        """
        self.changed()
        ticks = self._ticks(price)
        self._posted[side, ticks] = self._engine.submit_limit(
            side, ticks, self._steps(quantity), owner=HOUSE, stp_policy="cancel_oldest"
        ).order_id

    def lower(self, side: str, price: Decimal, quantity: Decimal) -> None:
        """Let the source offer no more than so much at a price; what it offers keeps its place."""
        ticks = self._ticks(price)
        book_id = self._posted.get((side, ticks))
        if book_id is None:
            return
        by = EXACT.subtract(self.left(book_id), quantity)
        if by > 0:
            self.reduce(book_id, by)
        if not quantity:
            del self._posted[side, ticks]

    def check_price(self, price: Decimal) -> None:
        """Refuse what is no price of the book.

        Raises:
            ValidationError: it is not above 0, off the tick, or beyond the filter's range.

        """
        limits = self.rules.limits["PRICE_FILTER"]
        most = limits["maxPrice"] or Decimal(10**9)
        if not (price.is_finite() and ZERO < price <= most and _fits(price, self.rules.tick)):
            raise ValidationError(
                f"{self.rules.symbol}: a price is above 0, at most {most:f} and a multiple of "
                f"{self.rules.tick:f}, got {price!s:.40}"
            )

    def check_quantity(self, quantity: Decimal) -> None:
        """Refuse what is no quantity of an offer.

        Raises:
            ValidationError: it is not above 0, off the step, or above what a symbol can have.

        """
        step = self.rules.step
        most = product(step, Decimal(MOST_STEPS))
        if not (quantity.is_finite() and ZERO < quantity <= most and _fits(quantity, step)):
            raise ValidationError(
                f"{self.rules.symbol}: a quantity is above 0, at most {most:f} and a multiple of "
                f"{step:f}, got {quantity!s:.40}"
            )

    def _level(self, level: LevelSnapshot) -> tuple[Decimal, Decimal]:
        return (
            EXACT.multiply(self._tick, Decimal(level.price)),
            EXACT.multiply(self._step, Decimal(level.quantity)),
        )

    def _ticks(self, price: Decimal) -> int:
        return int(EXACT.divide_int(price, self._tick))

    def _steps(self, quantity: Decimal) -> int:
        return int(EXACT.divide_int(quantity, self._step))

    def changed(self) -> None:
        """Count a change of a level."""
        self.update_id += 1
        self._used()

    def _used(self) -> None:
        self._requests += 1
        if self._requests % _FORGET_AFTER == 0:
            self._engine.clear_trades()
            self._engine.clear_order_history()


def _fits(number: Decimal, step: Decimal) -> bool:
    return EXACT.remainder(number, step) == 0
