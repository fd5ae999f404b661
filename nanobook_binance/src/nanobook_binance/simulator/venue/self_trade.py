"""What happens where an order meets one of its own account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.depth import Match
from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.side import turn
from nanobook_binance.simulator.venue.trade import PreventedMatch
from nanobook_binance.simulator.venue.word import ExecutionType, OrderStatus, StpMode
from nanobook_binance.simulator.venue.working import Working
from nanobook_core.broker.exact import EXACT


class SelfTrade:
    """Tells after a match what the book has prevented; `leave` takes an order out of the book."""

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        clearing: Clearing,
        leave: Callable[[Working], None],
    ) -> None:
        self._now_ms = now_ms
        self._clearing = clearing
        self._leave = leave

    @staticmethod
    def own(taker: Working) -> list[Working]:
        """Orders of the same account that an incoming order must not trade with."""
        order = taker.order
        if order.self_trade_prevention_mode is StpMode.NONE:
            return []
        return [
            each
            for each in taker.account.open_on(order.symbol)
            if each.book_id is not None and each.order.side != order.side
        ]

    def expire_taker(self, taker: Working, own: list[Working], limit: Decimal | None) -> None:
        """End what is left of an order whose mode says so if one of its own is the next to meet.

        One that is to fill whole or not at all has met nobody.
        """
        order = taker.order
        is_meant = order.self_trade_prevention_mode is StpMode.EXPIRE_TAKER
        if not is_meant or not order.is_open or order.time_in_force == "FOK":
            return
        best = next((price for price, _ in taker.market.offered(order.side, limit)), None)
        there = [each for each in own if each.book_id is not None and each.order.price == best]
        if there:
            self.prevent(taker, min(there, key=_turn))

    def prevent(self, taker: Working, maker: Working) -> None:
        """Take off both orders what the mode says; the book has done so with the maker."""
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
        taker.prevented.append(prevented)
        if maker_part is not None:
            market.changed()
        for working, part in ((taker, taker_part), (maker, maker_part)):
            if part is not None:
                self._take_off(working, part, prevented)

    def _take_off(self, working: Working, part: Decimal, prevented: PreventedMatch) -> None:
        order = working.order
        order.prevented = EXACT.add(order.prevented, part)
        order.prevented_match_id = prevented.match_id
        if not order.remaining:
            order.status = OrderStatus.EXPIRED_IN_MATCH
            self._leave(working)
        self._clearing.changed(working, ExecutionType.TRADE_PREVENTION, None, prevented)


def in_turn(
    matches: list[Match], own: list[Working], maker_side: str
) -> Iterator[tuple[Match | None, Working | None]]:
    """Matches, and own orders that were met instead, in the order of the queue."""
    met = [
        each
        for each in own
        if each.book_id is not None and each.market.left(each.book_id) != each.order.remaining
    ]
    turns: list[tuple[tuple[Decimal, int], Match | None, Working | None]] = [
        *((turn(maker_side, match.price, match.book_id), match, None) for match in matches),
        *((_turn(each), None, each) for each in met),
    ]
    for _, match, maker in sorted(turns, key=lambda each: each[0]):
        yield match, maker


def _turn(working: Working) -> tuple[Decimal, int]:
    return turn(working.order.side, working.order.price, working.book_id or 0)
