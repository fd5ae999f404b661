"""The reference engine: what every request does, as plainly as it can be said."""
# ruff: noqa: D102, PLR0917 - the `Engine` contract says what the methods do and take

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from nanobook_core.contracts import (
    BookSnapshot,
    CancelAllResult,
    CancelResult,
    EngineState,
    Event,
    EventKind,
    ModifyResult,
    Order,
    StopOrder,
    StopSubmitResult,
    SubmitResult,
    Trade,
)
from nanobook_core.errors import LogTruncatedError, shown
from nanobook_core.lob.book import BookOrder
from nanobook_core.lob.exchange import LOG_TRUNCATED, ExchangeBase, documented
from nanobook_core.lob.matching import Book
from nanobook_core.lob.stop import BY_ENTRY, Stop, StopBook
from nanobook_core.lob.trades import Trades
from nanobook_core.types import (
    OrderStatus,
    Side,
    StopStatus,
    StopTrigger,
    TimeInForce,
    TrailMethod,
    check_levels,
    check_new_quantity,
    check_order_id,
    check_owner,
    check_price,
    check_quantity,
    check_stp_policy,
    check_time_in_force,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAVES_MAX = 100


class Exchange(ExchangeBase):
    """A limit order book and its matching engine for one instrument, in Python.

    `stop_trigger` says which prints elect stops, every one or, as in the original, only the
    `"last"` of a request; `log_events` whether requests are recorded, for `events()`, `save` and
    `replay`. Prices and quantities are whole numbers of units of your choice. Words may be strings
    in any case or our enums, numbers any integers that are no bools.

    Wrong arguments raise before anything changes: TypeError, OverflowError (out of range),
    ValidationError (a quantity of 0, or not an allowed word). It is for one thread, and a Ctrl-C
    in the middle of a call may leave it damaged. docs/order_book.md has all the rules.
    """

    __slots__ = (
        "_book",
        "_elected",
        "_last_trade_price",
        "_log",
        "_log_events",
        "_stop_trigger",
        "_stops",
        "_unseen",
        "_waiting",
        "_waves",
    )

    def __init__(self, *, stop_trigger: str = "every", log_events: bool = True) -> None:
        if not isinstance(log_events, bool):
            raise TypeError(f"log_events is True or False, got {shown(log_events)}")
        self._stop_trigger = StopTrigger(stop_trigger)
        self._log_events = log_events
        self._book = Book()
        # By id, the finished ones too until `clear_order_history`.
        self._stops: dict[int, Stop] = {}
        self._waiting = StopBook()
        # In the order in which they will run.
        self._elected: deque[Stop] = deque()
        # None from when the log is no longer whole.
        self._log: list[tuple[EventKind, dict[str, Any]]] | None = [] if log_events else None
        self._last_trade_price: int | None = None
        # Of the request that runs: the waves so far, and, where only the last print counts, the
        # one that stops have not seen.
        self._waves = 0
        self._unseen: int | None = None

    @property
    def stop_trigger(self) -> StopTrigger:
        """Which prints elect stops."""
        return self._stop_trigger

    @property
    def log_events(self) -> bool:
        """Whether it was made to record its requests."""
        return self._log_events

    # Requests: check, begin, act, settle.

    def submit_limit(
        self,
        side: str,
        price: int,
        quantity: int,
        tif: str = "gtc",
        *,
        owner: int | None = None,
        stp_policy: str = "off",
        post_only: bool = False,
    ) -> SubmitResult:
        side = Side(side)
        price = check_price(price)
        quantity = check_quantity(quantity)
        tif = check_time_in_force(tif, post_only=post_only)
        owner = check_owner(owner)
        policy = check_stp_policy(stp_policy, owner)
        if tif is TimeInForce.GTC:
            self._check_room(side, price, quantity)
        self._begin(
            EventKind.SUBMIT_LIMIT,
            side=side,
            price=price,
            quantity=quantity,
            time_in_force=tif,
            owner=owner,
            stp_policy=policy,
            post_only=post_only,
        )
        order, trades = self._place(
            side, price, quantity, tif, owner=owner, policy=policy, post_only=post_only
        )
        return self._submitted(order, trades)

    def submit_market(
        self, side: str, quantity: int, *, owner: int | None = None, stp_policy: str = "off"
    ) -> SubmitResult:
        side = Side(side)
        quantity = check_quantity(quantity)
        owner = check_owner(owner)
        policy = check_stp_policy(stp_policy, owner)
        self._begin(
            EventKind.SUBMIT_MARKET, side=side, quantity=quantity, owner=owner, stp_policy=policy
        )
        order, trades = self._place(
            side, None, quantity, TimeInForce.IOC, owner=owner, policy=policy
        )
        return self._submitted(order, trades)

    def _submitted(self, order: BookOrder, trades: list[Trade]) -> SubmitResult:
        status = order.status
        if status is OrderStatus.CANCELLED and order.filled:
            status = OrderStatus.PARTIALLY_FILLED
        # Made before stops run: they may trade with what rests.
        result = SubmitResult(
            order.id, status, tuple(trades), order.filled, order.remaining, order.cancelled
        )
        self._settle()
        return result

    def submit_stop_market(
        self,
        side: str,
        stop_price: int,
        quantity: int,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        terms = {
            "side": Side(side),
            "stop_price": check_price(stop_price, "stop_price"),
            "quantity": check_quantity(quantity),
        }
        return self._submit_stop(EventKind.SUBMIT_STOP_MARKET, terms, owner, stp_policy)

    def submit_stop_limit(
        self,
        side: str,
        stop_price: int,
        limit_price: int,
        quantity: int,
        tif: str = "gtc",
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        terms = {
            "side": Side(side),
            "stop_price": check_price(stop_price, "stop_price"),
            "price": check_price(limit_price, "limit_price"),
            "quantity": check_quantity(quantity),
            "time_in_force": TimeInForce(tif),
        }
        return self._submit_stop(EventKind.SUBMIT_STOP_LIMIT, terms, owner, stp_policy)

    def submit_trailing_stop_market(
        self,
        side: str,
        initial_stop_price: int,
        quantity: int,
        trail_type: str | TrailMethod,
        trail_value: float | None = None,
        atr_period: int | None = None,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        terms = {
            "side": Side(side),
            "stop_price": check_price(initial_stop_price, "initial_stop_price"),
            "quantity": check_quantity(quantity),
            "trail_method": TrailMethod.parse(trail_type, trail_value, atr_period),
        }
        return self._submit_stop(EventKind.SUBMIT_TRAILING_STOP_MARKET, terms, owner, stp_policy)

    def submit_trailing_stop_limit(
        self,
        side: str,
        initial_stop_price: int,
        limit_price: int,
        quantity: int,
        trail_type: str | TrailMethod,
        trail_value: float | None = None,
        tif: str = "gtc",
        atr_period: int | None = None,
        *,
        owner: int | None = None,
        stp_policy: str = "off",
    ) -> StopSubmitResult:
        terms = {
            "side": Side(side),
            "stop_price": check_price(initial_stop_price, "initial_stop_price"),
            "price": check_price(limit_price, "limit_price"),
            "quantity": check_quantity(quantity),
            "trail_method": TrailMethod.parse(trail_type, trail_value, atr_period),
            "time_in_force": TimeInForce(tif),
        }
        return self._submit_stop(EventKind.SUBMIT_TRAILING_STOP_LIMIT, terms, owner, stp_policy)

    def _submit_stop(
        self, kind: EventKind, terms: dict[str, Any], owner: int | None, stp_policy: str
    ) -> StopSubmitResult:
        """Enter a stop; its terms are checked, and named as in the event."""
        owner = check_owner(owner)
        policy = check_stp_policy(stp_policy, owner)
        self._begin(kind, **terms, owner=owner, stp_policy=policy)
        stop = Stop(
            id=self._book.new_id(),
            side=terms["side"],
            stop_price=terms["stop_price"],
            limit_price=terms.get("price"),
            quantity=terms["quantity"],
            tif=terms.get("time_in_force", TimeInForce.IOC),
            timestamp=self._book.tick(),
            trail=terms.get("trail_method"),
            owner=owner,
            policy=policy,
        )
        self._stops[stop.id] = stop
        last = self._last_trade_price
        is_due = stop.trail is None and last is not None and stop.is_satisfied(last)
        if is_due and self._stop_trigger is StopTrigger.EVERY:
            stop.status = StopStatus.TRIGGERED
            self._elected.append(stop)
        else:
            self._waiting.add(stop)
            self._unseen = last if is_due else None
        self._settle()
        return StopSubmitResult(stop.id, stop.status)

    def cancel(self, order_id: int) -> CancelResult:
        order_id = check_order_id(order_id)
        self._begin(EventKind.CANCEL, order_id=order_id)
        stop = self._stops.get(order_id)
        if stop is not None and stop.status is StopStatus.PENDING:
            return CancelResult(success=True, cancelled_quantity=self._withdraw_stop(stop))
        order = self._book.open_order(order_id)
        if order is None:
            return CancelResult(success=False, error=self._why_not(order_id))
        return CancelResult(success=True, cancelled_quantity=self._book.withdraw(order))

    def modify(self, order_id: int, new_price: int, new_quantity: int) -> ModifyResult:
        order_id = check_order_id(order_id)
        new_price = check_price(new_price, "new_price")
        new_quantity = check_new_quantity(new_quantity)
        order = self._book.open_order(order_id)
        if order is not None:
            freed = order.remaining if order.price == new_price else 0
            self._check_room(order.side, new_price, new_quantity - freed)
        self._begin(EventKind.MODIFY, order_id=order_id, price=new_price, quantity=new_quantity)
        if new_quantity == 0:
            return ModifyResult(success=False, old_order_id=order_id, error="InvalidQuantity")
        # Asked again: stops that ran first may have traded with it.
        order = self._book.open_order(order_id)
        if order is None:
            return ModifyResult(success=False, old_order_id=order_id, error=self._why_not(order_id))
        cancelled = self._book.withdraw(order)
        new, trades = self._place(
            order.side, new_price, new_quantity, order.tif, owner=order.owner, policy=order.policy
        )
        self._settle()
        return ModifyResult(
            success=True,
            old_order_id=order_id,
            new_order_id=new.id,
            cancelled_quantity=cancelled,
            trades=tuple(trades),
        )

    def reduce(self, order_id: int, by: int) -> CancelResult:
        order_id = check_order_id(order_id)
        by = check_quantity(by, "by")
        self._begin(EventKind.REDUCE, order_id=order_id, quantity=by)
        order = self._book.open_order(order_id)
        if order is None:
            return CancelResult(success=False, error=self._why_not(order_id))
        if by > order.remaining:
            return CancelResult(success=False, error="InvalidQuantity")
        return CancelResult(success=True, cancelled_quantity=self._book.withdraw(order, by))

    def cancel_all(self, owner: int | None = None, side: str | None = None) -> CancelAllResult:
        owner = check_owner(owner)
        side = None if side is None else Side(side)
        self._begin(EventKind.CANCEL_ALL, owner=owner, side=side)
        # Copied to lists, since both change while they are gone through.
        orders = [order for order in self._book.open_orders() if _is_meant(order, owner, side)]
        stops = [stop for stop in self._waiting if _is_meant(stop, owner, side)]
        quantity = sum(map(self._book.withdraw, orders)) + sum(map(self._withdraw_stop, stops))
        order_ids = [order.id for order in orders] + [stop.id for stop in stops]
        return CancelAllResult(tuple(sorted(order_ids)), quantity)

    # What requests are made of.

    def _check_room(self, side: Side, price: int, quantity: int) -> None:
        # A price that has a level on its own side trades with nothing, so all of it would rest.
        if not self._book.half(side).has_room(price, quantity):
            raise OverflowError(f"the level at {price} holds 2^63-1 at most, and would pass it")

    def _begin(self, kind: EventKind, **fields: Any) -> None:
        """Record a request, and run the stops that an earlier one has left."""
        if self._log is not None:
            self._log.append((kind, fields))
        self._waves = 0
        self._unseen = None
        if self._elected:
            self._settle()

    def _place(
        self, side: Side, price: int | None, quantity: int, tif: TimeInForce, **terms: Any
    ) -> tuple[BookOrder, list[Trade]]:
        """Run an order to its end, and let its prints elect stops."""
        order, trades = self._book.place(side, price, quantity, tif, **terms)
        if trades:
            self._note_prints(trades[0].price, trades[-1].price)
        return order, trades

    def _note_prints(self, first: int, last: int) -> None:
        """Let one order's prints elect stops: they run one way, so two of them say all."""
        self._last_trade_price = last
        if self._stop_trigger is StopTrigger.LAST:
            self._unseen = last
            return
        if first != last:
            self._elected += self._waiting.elect(first)
        self._waiting.sample(last)
        self._elected += self._waiting.elect(last)

    def _settle(self) -> None:
        """Run waves of elected stops, until there are none or the request has had its share."""
        while self._waves < WAVES_MAX:
            if self._unseen is not None:
                price, self._unseen = self._unseen, None
                self._waiting.sample(price)
                self._elected += self._waiting.elect(price)
            if not self._elected:
                return
            self._waves += 1
            for _ in range(len(self._elected)):
                self._run(self._elected.popleft())

    def _run(self, stop: Stop) -> None:
        order, _ = self._place(
            stop.side,
            stop.limit_price,
            stop.quantity,
            stop.tif,
            owner=stop.owner,
            policy=stop.policy,
        )
        stop.child_id = order.id

    def _why_not(self, order_id: int) -> str:
        return "OrderNotActive" if order_id in self._book.orders else "OrderNotFound"

    def _withdraw_stop(self, stop: Stop) -> int:
        self._waiting.discard(stop)
        stop.status = StopStatus.CANCELLED
        return stop.quantity

    # Queries.

    def best_bid(self) -> int | None:
        return None if self._book.bids.best is None else self._book.bids.best.price

    def best_ask(self) -> int | None:
        return None if self._book.asks.best is None else self._book.asks.best.price

    def best_bid_ask(self) -> tuple[int | None, int | None]:
        return self.best_bid(), self.best_ask()

    def spread(self) -> int | None:
        bid, ask = self.best_bid_ask()
        return None if bid is None or ask is None else ask - bid

    def last_trade_price(self) -> int | None:
        return self._last_trade_price

    def depth(self, levels: int = 10) -> BookSnapshot:
        levels = check_levels(levels)
        return self._snapshot(levels, with_orders=False)

    def full_book(self) -> BookSnapshot:
        return self._snapshot(None, with_orders=True)

    def _snapshot(self, levels: int | None, *, with_orders: bool) -> BookSnapshot:
        bids, asks = (
            [level.record(with_orders=with_orders) for level in islice(half, levels)]
            for half in (self._book.bids, self._book.asks)
        )
        return BookSnapshot(bids, asks, self._book.timestamp)

    def get_order(self, order_id: int) -> Order | None:
        order = self._book.orders.get(check_order_id(order_id))
        return None if order is None else order.record()

    def get_stop_order(self, order_id: int) -> StopOrder | None:
        stop = self._stops.get(check_order_id(order_id))
        return None if stop is None else stop.record()

    def pending_stop_count(self) -> int:
        return len(self._waiting)

    def trade_count(self) -> int:
        return len(self._book.trades)

    def trades(self) -> Trades:
        return Trades.of(self._book.trades)

    def trades_array(self) -> NDArray[Any]:
        return self.trades().to_array()

    def events(self) -> list[Event]:
        if self._log is None:
            raise LogTruncatedError(LOG_TRUNCATED)
        return [Event(kind, **fields) for kind, fields in self._log]

    # Housekeeping.

    def clear_trades(self) -> None:
        self._book.trades.clear()

    def clear_order_history(self) -> int:
        dropped = self._book.forget_finished()
        kept = sorted([*self._waiting, *self._elected], key=BY_ENTRY)
        self._stops = {stop.id: stop for stop in kept}
        return dropped

    def clear_events(self) -> None:
        self._log = None

    def compact(self) -> None:
        # A dict keeps the room of what was deleted until it is copied.
        self._book.orders = dict(self._book.orders)

    def state(self) -> EngineState:
        stops = sorted([*self._waiting, *self._elected], key=BY_ENTRY)
        return EngineState(
            stop_trigger=self._stop_trigger,
            next_order_id=self._book.next_order_id,
            next_trade_id=self._book.next_trade_id,
            timestamp=self._book.timestamp,
            last_trade_price=self._last_trade_price,
            orders=tuple(order.record() for order in self._book.open_orders()),
            stops=tuple(stop.record() for stop in stops),
            elected=tuple(stop.id for stop in self._elected),
            atr_price=self._waiting.atr_price,
            atr_samples=tuple(self._waiting.atr_samples),
        )

    def _restore(self, state: EngineState) -> None:
        self._log = None
        self._book.next_order_id = state.next_order_id
        self._book.next_trade_id = state.next_trade_id
        self._book.timestamp = state.timestamp
        self._last_trade_price = state.last_trade_price
        self._waiting.atr_price = state.atr_price
        self._waiting.atr_samples.extend(state.atr_samples)
        for order in state.orders:
            restored = BookOrder.from_record(order)
            self._book.orders[order.id] = restored
            self._book.half(order.side).append(restored)
        for stop in state.stops:
            self._stops[stop.id] = waiting = Stop.from_record(stop)
            if waiting.status is StopStatus.PENDING:
                self._waiting.add(waiting)
        self._elected.extend(self._stops[stop_id] for stop_id in state.elected)


documented(Exchange)


def _is_meant(item: BookOrder | Stop, owner: int | None, side: Side | None) -> bool:
    """Whether a mass cancel of that owner and side, None for any, means an order or a stop."""
    return (owner is None or item.owner == owner) and (side is None or item.side is side)
