"""Books of one's own about an exchange, and the laws that hold after every request.

Nothing here knows how to match: it looks at what was, what was asked, and what is now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any

from nanobook_core.contracts import (
    BookSnapshot,
    CancelAllResult,
    CancelResult,
    Engine,
    EngineState,
    EventKind,
    ModifyResult,
    Order,
    StopOrder,
    SubmitResult,
    Trade,
)
from nanobook_core.testing.request import Request
from nanobook_core.testing.step import Step
from nanobook_core.testing.stop_ledger import StopLedger
from nanobook_core.types import OrderStatus, Side, StpPolicy, TimeInForce

_EVENTS = frozenset(EventKind)


class Ledger:
    """Follows one exchange from its start; `ask` makes a request and asserts the laws."""

    def __init__(self, exchange: Engine) -> None:
        self.exchange = exchange
        self.state = exchange.state()
        self.orders: dict[int, Order] = {}
        """Every one that is not forgotten, as last seen."""
        self._stops = StopLedger(exchange)
        self._filled: Counter[int] = Counter()
        self._queues: dict[Side, list[int]] = {Side.BUY: [], Side.SELL: []}
        self._n_trades = 0
        self._snapshot = (exchange.full_book(), "")

    def ask(self, request: Request) -> Any:
        """Make the request; what comes of it keeps every law."""
        before = self.state
        before_hash = self.exchange.state_hash()
        answer = request.on(self.exchange)
        self.state = self.exchange.state()
        if isinstance(answer, type):
            assert self.state == before
            assert self.exchange.state_hash() == before_hash
            return answer
        if request.method in _EVENTS:
            self._settle(self._step(before, request, answer))
        else:
            assert self.state == before
            self._tidy(request, answer)
        self._check_queries()
        return answer

    def close(self) -> None:
        """Look once more at what is finished: nothing has happened to it since."""
        for order_id, order in self.orders.items():
            assert self.exchange.get_order(order_id) == order
        for stop_id, stop in self._stops.stops.items():
            assert self.exchange.get_stop_order(stop_id) == stop

    def _step(self, before: EngineState, request: Request, answer: Any) -> Step:
        trades = list(self.exchange.trades())[self._n_trades :]
        self._n_trades += len(trades)
        orders, stops = self._new_ids(before)
        return Step(before, request, answer, self.state, trades, orders, stops)

    def _settle(self, step: Step) -> None:
        self.orders |= {order.id: order for order in step.orders}
        self._check_trades(step)
        _check_counters(step)
        self._check_turns(step)
        self._check_orders(step.before.orders, step.orders)
        self._check_answer(step)
        self._stops.settle(step, self.orders)
        self._check_book()

    # What is new

    def _check_trades(self, step: Step) -> None:
        expected = range(step.before.next_trade_id, step.after.next_trade_id)
        assert [trade.trade_id for trade in step.trades] == list(expected)
        last = step.trades[-1].price if step.trades else step.before.last_trade_price
        assert step.after.last_trade_price == last
        assert self.exchange.last_trade_price() == last
        for trade in step.trades:
            assert trade.quantity > 0
            self._filled[trade.aggressor_order_id] += trade.quantity
            self._filled[trade.passive_order_id] += trade.quantity

    def _new_ids(self, before: EngineState) -> tuple[list[Order], list[StopOrder]]:
        """Every id that was given out is that of an order or of a stop, not of both."""
        orders, stops = [], []
        for order_id in range(before.next_order_id, self.state.next_order_id):
            order = self.exchange.get_order(order_id)
            stop = self.exchange.get_stop_order(order_id)
            assert (order is None) != (stop is None)
            if order is not None:
                assert order.id == order_id
                orders.append(order)
            if stop is not None:
                assert stop.id == order_id
                stops.append(stop)
        return orders, stops

    # Price and time

    def _check_turns(self, step: Step) -> None:
        """Follow arrivals and prints in turn: each trade is with whoever stands first.

        What the request itself takes off may be gone at any moment.
        """
        live = {order.id for order in step.after.orders}
        # An order that is gone without having been hit may never have rested.
        rested = live | {trade.passive_order_id for trade in step.trades}
        remaining = {order.id: order.remaining_quantity for order in step.before.orders}
        excused = _taken_off(step)
        aggressor: Order | None = None
        happenings: list[Order | Trade] = [*step.orders, *step.trades]
        for happening in sorted(happenings, key=lambda happening: happening.timestamp):
            if isinstance(happening, Order):
                self._arrive(aggressor, rested)
                aggressor = happening
                remaining[aggressor.id] = aggressor.original_quantity
                excused |= self._may_vanish(aggressor)
            else:
                assert aggressor is not None
                self._check_trade(happening, aggressor, excused)
                passive_id = happening.passive_order_id
                for order_id in (aggressor.id, passive_id):
                    remaining[order_id] -= happening.quantity
                    assert remaining[order_id] >= 0
                if remaining[passive_id] == 0:
                    self._queues[aggressor.side.opposite].remove(passive_id)
        self._arrive(aggressor, rested)
        for side, queue in self._queues.items():
            self._queues[side] = [order_id for order_id in queue if order_id in live]

    def _arrive(self, order: Order | None, rested: set[int]) -> None:
        if order is not None and order.id in rested:
            queue = self._queues[order.side]
            queue.append(order.id)
            queue.sort(key=lambda order_id: _rank(self.orders[order_id]))  # which is stable

    def _may_vanish(self, order: Order) -> set[int]:
        """Orders that self-trade prevention may take off without a trade."""
        if order.stp_policy is StpPolicy.OFF:
            return set()
        return {
            order_id
            for order_id in self._queues[order.side.opposite]
            if self.orders[order_id].owner == order.owner
        }

    def _check_trade(self, trade: Trade, aggressor: Order, excused: set[int]) -> None:
        queue = self._queues[aggressor.side.opposite]
        passive = self.orders[trade.passive_order_id]
        assert trade.aggressor_order_id == aggressor.id
        assert trade.aggressor_side is aggressor.side
        assert trade.price == passive.price
        assert _crosses(aggressor, trade.price)
        assert passive.id in queue
        ahead = queue[: queue.index(passive.id)]
        assert set(ahead) <= excused
        if aggressor.stp_policy is not StpPolicy.OFF:
            assert passive.owner is None or passive.owner != aggressor.owner

    # Orders

    def _check_orders(self, *several: Iterable[Order]) -> None:
        for old in chain(*several):
            order = self.exchange.get_order(old.id)
            assert order is not None
            self._check_order(order)
            _check_change(old, order)
            self.orders[order.id] = order

    def _check_order(self, order: Order) -> None:
        remaining, filled = order.remaining_quantity, order.filled_quantity
        cancelled = order.cancelled_quantity
        assert min(remaining, filled, cancelled) >= 0
        assert order.original_quantity == remaining + filled + cancelled > 0
        assert filled == self._filled[order.id]
        if remaining:
            assert order.time_in_force is TimeInForce.GTC
            assert order.status == ("partiallyfilled" if filled else "new")
        elif filled and cancelled:
            assert order.status in ("filled", "cancelled")
        else:
            assert order.status == ("filled" if filled else "cancelled")
        if order.time_in_force is TimeInForce.FOK:
            assert not (filled and cancelled)
        assert order.is_active == (remaining > 0)

    def _check_answer(self, step: Step) -> None:
        if isinstance(step.answer, SubmitResult):
            self._check_submit(step, step.answer)
        elif isinstance(step.answer, CancelResult) and not step.before.elected:
            self._check_cancel(step, step.answer)
        elif isinstance(step.answer, ModifyResult) and not step.before.elected:
            self._check_modify(step, step.answer)

    def _check_submit(self, step: Step, answer: SubmitResult) -> None:
        order = self.orders[answer.order_id]
        filled, resting = answer.filled_quantity, answer.resting_quantity
        assert order.original_quantity == filled + resting + answer.cancelled_quantity
        assert filled == sum(trade.quantity for trade in answer.trades)
        assert all(trade.aggressor_order_id == order.id for trade in answer.trades)
        assert answer.status == _status(order, filled, resting)
        prices = [trade.price for trade in answer.trades]
        assert prices == sorted(prices, reverse=order.side is Side.SELL)
        if order.time_in_force is TimeInForce.FOK and not step.before.elected:
            assert filled == (order.original_quantity if _suffices(step.before, order) else 0)
            if not filled:
                assert step.after.orders == step.before.orders
                assert step.after.stops == step.before.stops

    def _check_cancel(self, step: Step, answer: CancelResult) -> None:
        order_id = int(step.request.arguments[0])
        open_quantity = _open_quantities(step.before, with_stops=step.request.method == "cancel")
        expected = open_quantity.get(order_id)
        if step.request.method == "reduce" and expected is not None:
            by = int(step.request.arguments[1])
            assert (answer.error == "InvalidQuantity") == (by > expected)
            expected = by if by <= expected else None
        assert answer.success == (answer.error is None) == (expected is not None)
        assert answer.cancelled_quantity == (expected or 0)
        if answer.error is not None:
            assert step.after == step.before
        if expected is None and order_id not in open_quantity:
            finished = order_id in self.orders
            assert answer.error == ("OrderNotActive" if finished else "OrderNotFound")

    def _check_modify(self, step: Step, answer: ModifyResult) -> None:
        order_id, price, quantity = map(int, step.request.arguments)
        open_quantity = _open_quantities(step.before, with_stops=False)
        assert answer.old_order_id == order_id
        assert answer.success == (answer.error is None)
        assert answer.success == (quantity > 0 and order_id in open_quantity)
        if answer.new_order_id is None:
            assert step.after == step.before
            return
        old, new = self.orders[order_id], self.orders[answer.new_order_id]
        assert answer.cancelled_quantity == open_quantity[order_id]
        assert new.id == step.before.next_order_id
        assert (new.price, new.original_quantity) == (price, quantity)
        for name in ("side", "time_in_force", "owner", "stp_policy"):
            assert getattr(new, name) == getattr(old, name)
        assert old.status == "cancelled"

    # The book

    def _check_book(self) -> None:
        book = self.exchange.full_book()
        live = {order.id: order for order in self.orders.values() if order.is_active}
        shown: dict[int, Order] = {}
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            prices = [level.price for level in levels]
            assert prices == sorted(set(prices), reverse=side is Side.BUY)
            for level in levels:
                assert level.quantity == sum(order.remaining_quantity for order in level.orders)
                assert level.order_count == len(level.orders) > 0
                assert all(
                    (order.side, order.price) == (side, level.price) for order in level.orders
                )
                shown |= {order.id: order for order in level.orders}
        assert shown == live
        assert list(shown) == [*self._queues[Side.BUY], *self._queues[Side.SELL]]
        assert self.state.orders == tuple(shown.values())
        bid, ask = book.best_bid(), book.best_ask()
        assert bid is None or ask is None or bid < ask
        assert self.exchange.best_bid_ask() == (bid, ask)
        assert (self.exchange.best_bid(), self.exchange.best_ask()) == (bid, ask)
        assert self.exchange.spread() == book.spread()
        assert book.timestamp == self.state.timestamp

    def _check_queries(self) -> None:
        """Asking changes nothing, and what was answered earlier stays as it was."""
        book, as_shown = self._snapshot
        assert not as_shown or repr((book, *_all_orders(book))) == as_shown
        book = self.exchange.full_book()
        self._snapshot = (book, repr((book, *_all_orders(book))))
        for count in (0, 1, 2, 10):
            depth = self.exchange.depth(count)
            for levels, all_levels in ((depth.bids, book.bids), (depth.asks, book.asks)):
                assert [_total(level) for level in levels] == [
                    _total(level) for level in all_levels[:count]
                ]
        assert self.exchange.state() == self.state

    def _tidy(self, request: Request, answer: Any) -> None:
        if request.method == "clear_trades":
            self._n_trades = 0
            assert not self.exchange.trades()
        if request.method == "clear_order_history":
            finished = [order.id for order in self.orders.values() if not order.is_active]
            assert answer == len(finished)
            waiting = {stop.id for stop in self.state.stops}
            over = [stop_id for stop_id in self._stops.stops if stop_id not in waiting]
            for order_id in (*finished, *over):
                self.orders.pop(order_id, None)
                self._stops.stops.pop(order_id, None)
                assert self.exchange.get_order(order_id) is None
                assert self.exchange.get_stop_order(order_id) is None


def _check_counters(step: Step) -> None:
    """Each order, stop and trade has its own timestamp, in turn."""
    kinds: list[list[int]] = [
        [order.timestamp for order in step.orders],
        [stop.timestamp for stop in step.stops],
        [trade.timestamp for trade in step.trades],
    ]
    for times in kinds:
        assert times == sorted(times)
    expected = range(step.before.timestamp + 1, step.after.timestamp + 1)
    assert sorted(chain(*kinds)) == list(expected)


def _taken_off(step: Step) -> set[int]:
    """Ids of the orders that the request takes off."""
    answer = step.answer
    if isinstance(answer, CancelAllResult):
        return set(answer.order_ids)
    if isinstance(answer, CancelResult | ModifyResult) and answer.success:
        return {int(step.request.arguments[0])}
    return set()


def _status(order: Order, filled: int, resting: int) -> OrderStatus:
    if filled == order.original_quantity:
        return OrderStatus.FILLED
    if filled:
        return OrderStatus.PARTIALLY_FILLED
    return OrderStatus.NEW if resting else OrderStatus.CANCELLED


def _rank(order: Order) -> int:
    return -order.price if order.side is Side.BUY else order.price


def _crosses(order: Order, price: int) -> bool:
    return price <= order.price if order.side is Side.BUY else price >= order.price


def _check_change(old: Order, new: Order) -> None:
    for name in (
        *("id", "side", "price", "original_quantity", "time_in_force"),
        *("timestamp", "owner", "stp_policy"),
    ):
        assert getattr(new, name) == getattr(old, name)
    assert new.filled_quantity >= old.filled_quantity
    assert new.cancelled_quantity >= old.cancelled_quantity
    if not old.is_active:
        assert new == old


def _suffices(before: EngineState, order: Order) -> bool:
    """Whether others' orders within the limit are enough for a fill-or-kill order."""
    total = 0
    for resting in before.orders:
        if resting.side is order.side or not _crosses(order, resting.price):
            continue
        if order.stp_policy is StpPolicy.OFF or resting.owner != order.owner:
            total += resting.remaining_quantity
        elif order.stp_policy is not StpPolicy.CANCEL_OLDEST:
            break
    return total >= order.original_quantity


def _open_quantities(state: EngineState, *, with_stops: bool) -> dict[int, int]:
    quantities = {order.id: order.remaining_quantity for order in state.orders}
    if with_stops:
        quantities |= {stop.id: stop.quantity for stop in state.stops if stop.status == "pending"}
    return quantities


def _all_orders(book: BookSnapshot) -> Iterable[tuple[Any, ...]]:
    return [(level.quantity, level.orders) for level in (*book.bids, *book.asks)]


def _total(level: Any) -> tuple[int, int, int]:
    return level.price, level.quantity, level.order_count
