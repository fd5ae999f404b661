"""A third opinion: docs/order_book.md in the most obvious way, with lists that are scanned.

Written from that page alone, so that it shares no mistake with an engine.
"""

from __future__ import annotations

from tests.lob.model_book import ModelBook, ModelOrder
from tests.lob.model_stop import ModelStop
from tests.lob.state_hash import state_hash

from nanobook_core.contracts import (
    CancelAllResult,
    CancelResult,
    EngineState,
    Event,
    ModifyResult,
    StopSubmitResult,
    SubmitResult,
    Trade,
)
from nanobook_core.errors import LogTruncatedError
from nanobook_core.types import (
    OrderStatus,
    Price,
    Side,
    StopStatus,
    StopTrigger,
    StpPolicy,
    TimeInForce,
    TrailMethod,
)

LARGEST = 2**63 - 1
WAVES = 100
SAMPLES = 10_000


class Model:
    """An exchange."""

    def __init__(self, stop_trigger="every", *, log_events=True):
        self.trigger = StopTrigger(stop_trigger)
        self.log = [] if log_events else None
        self.orders = {}  # every one that is remembered, by id
        self.stops = {}
        self.book = ModelBook()
        self.queue = []  # elected stops that have not run
        self.waves = 0  # that this request has run
        self.in_old_wave = False
        self.tape = []
        self.next_order_id = self.next_trade_id = 1
        self.timestamp = 0
        self.last_price = None
        self.samples = []
        self.sample_price = None

    # Requests

    def submit_limit(self, side, price, quantity, tif="gtc", **options):
        return self.request(
            "submit_limit", side=side, price=price, quantity=quantity, time_in_force=tif, **options
        )

    def submit_market(self, side, quantity, **options):
        return self.request("submit_market", side=side, quantity=quantity, **options)

    def submit_stop_market(self, side, stop_price, quantity, **options):
        return self.request(
            "submit_stop_market", side=side, stop_price=stop_price, quantity=quantity, **options
        )

    def submit_stop_limit(self, side, stop_price, limit_price, quantity, tif="gtc", **options):
        return self.request(
            "submit_stop_limit",
            side=side,
            stop_price=stop_price,
            price=limit_price,
            quantity=quantity,
            time_in_force=tif,
            **options,
        )

    def submit_trailing_stop_market(  # noqa: PLR0917 - the seed's signature
        self, side, initial_stop_price, quantity, kind, value=None, period=None, **options
    ):
        return self.request(
            "submit_trailing_stop_market",
            side=side,
            stop_price=initial_stop_price,
            quantity=quantity,
            trail_method=TrailMethod.parse(kind, value, period),
            **options,
        )

    def submit_trailing_stop_limit(  # noqa: PLR0917 - the seed's signature
        self,
        side,
        initial_stop_price,
        limit_price,
        quantity,
        kind,
        value=None,
        tif="gtc",
        period=None,
        **options,
    ):
        return self.request(
            "submit_trailing_stop_limit",
            side=side,
            stop_price=initial_stop_price,
            price=limit_price,
            quantity=quantity,
            time_in_force=tif,
            trail_method=TrailMethod.parse(kind, value, period),
            **options,
        )

    def cancel(self, order_id):
        return self.request("cancel", order_id=order_id)

    def modify(self, order_id, new_price, new_quantity):
        return self.request("modify", order_id=order_id, price=new_price, quantity=new_quantity)

    def reduce(self, order_id, by):
        return self.request("reduce", order_id=order_id, quantity=by)

    def cancel_all(self, owner=None, side=None):
        return self.request("cancel_all", owner=owner, side=side)

    def request(self, kind, **fields):
        return self.run(Event(kind, **fields))  # which checks them

    def run(self, event):
        self.refuse_overflow(event)
        if self.log is not None:
            self.log.append(event)
        self.waves = 0
        self.run_elected()
        answer = getattr(self, f"run_{event.kind}")(event)
        self.run_elected()
        return answer

    def refuse_overflow(self, event):
        total = 0
        if event.kind == "submit_limit" and event.time_in_force == "gtc":
            total = self.book.total(event.side, event.price) + event.quantity
        old = self.orders.get(event.order_id)
        if event.kind == "modify" and event.quantity and old in self.book:
            total = self.book.total(old.side, event.price) + event.quantity
            if old.price == event.price:
                total -= old.remaining
        if total > LARGEST:
            raise OverflowError("the level's total would pass 2^63-1")

    def run_submit_limit(self, event):
        order = self.new_order(event, event.price, event.quantity, event.time_in_force)
        return self.enter(order, post_only=event.post_only)

    def run_submit_market(self, event):
        return self.enter(self.new_order(event, None, event.quantity, TimeInForce.IOC))

    def run_stop(self, event):
        self.timestamp += 1
        stop = ModelStop(
            id=self.next_order_id,
            side=event.side,
            stop_price=event.stop_price,
            price=event.price,
            quantity=event.quantity,
            tif=event.time_in_force or TimeInForce.IOC,
            timestamp=self.timestamp,
            owner=event.owner,
            stp_policy=event.stp_policy,
            trail=event.trail_method,
        )
        self.next_order_id += 1
        self.stops[stop.id] = stop
        last = self.last_price
        at_once = stop.trail is None and last is not None and stop.satisfied_by(last)
        if at_once and self.trigger == "every":
            self.elect(stop)
        if at_once and self.trigger == "last":
            self.run_last_price()
        return StopSubmitResult(stop.id, StopStatus.TRIGGERED if at_once else StopStatus.PENDING)

    run_submit_stop_market = run_submit_stop_limit = run_stop
    run_submit_trailing_stop_market = run_submit_trailing_stop_limit = run_stop

    def run_cancel(self, event):
        stop = self.stops.get(event.order_id)
        if stop in self.pending():
            stop.status = "cancelled"
            return CancelResult(success=True, cancelled_quantity=stop.quantity)
        if error := self.cannot_change(event.order_id):
            return CancelResult(success=False, error=error)
        order = self.orders[event.order_id]
        return CancelResult(success=True, cancelled_quantity=self.take_off(order, order.remaining))

    def run_modify(self, event):
        error = "InvalidQuantity" if event.quantity == 0 else self.cannot_change(event.order_id)
        if error:
            return ModifyResult(success=False, old_order_id=event.order_id, error=error)
        old = self.orders[event.order_id]
        cancelled = self.take_off(old, old.remaining)
        new = self.new_order(old, event.price, event.quantity, old.tif)
        return ModifyResult(
            success=True,
            old_order_id=old.id,
            new_order_id=new.id,
            cancelled_quantity=cancelled,
            trades=self.enter(new).trades,
        )

    def run_reduce(self, event):
        if error := self.cannot_change(event.order_id):
            return CancelResult(success=False, error=error)
        order = self.orders[event.order_id]
        if event.quantity > order.remaining:
            return CancelResult(success=False, error="InvalidQuantity")
        return CancelResult(success=True, cancelled_quantity=self.take_off(order, event.quantity))

    def run_cancel_all(self, event):
        ids, quantity = [], 0
        for order in (*self.book, *self.pending()):
            if event.owner in (None, order.owner) and event.side in (None, order.side):
                ids.append(order.id)
                if isinstance(order, ModelStop):
                    order.status = "cancelled"
                    quantity += order.quantity
                else:
                    quantity += self.take_off(order, order.remaining)
        return CancelAllResult(tuple(sorted(ids)), quantity)

    def cannot_change(self, order_id):
        if order_id not in self.orders:
            return "OrderNotFound"
        return None if self.orders[order_id] in self.book else "OrderNotActive"

    # Matching

    def new_order(self, like, price, quantity, tif):
        """Store an order of that side, owner and policy; without a price it takes any."""
        self.timestamp += 1
        order = ModelOrder(
            id=self.next_order_id,
            side=like.side,
            price=(
                price
                if price is not None
                else int(Price.MAX if like.side is Side.BUY else Price.MIN)
            ),
            quantity=quantity,
            tif=tif,
            timestamp=self.timestamp,
            owner=like.owner,
            stp_policy=like.stp_policy,
            remaining=quantity,
        )
        self.next_order_id += 1
        self.orders[order.id] = order
        return order

    def enter(self, order, *, post_only=False):
        """Run an order to its end; what its prints elect runs later, or now by the old rule."""
        killed = order.tif is TimeInForce.FOK and self.fillable(order) < order.quantity
        killed = killed or (post_only and bool(self.book.against(order)))
        trades = [] if killed else self.match(order)
        full = self.book.total(order.side, order.price) + order.remaining > LARGEST
        if order.tif is not TimeInForce.GTC or killed or full:
            order.remaining = 0
        if order.remaining:
            self.book.append(order)
        result = self.result(order, trades)
        if trades and self.trigger == "every":
            self.run_prints(trades[0].price, trades[-1].price)
        if trades and self.trigger == "last" and not self.in_old_wave:
            self.run_last_price()
        return result

    def fillable(self, order):
        """What a fill-or-kill order can count on."""
        total = 0
        for resting in self.book.against(order):
            if not self.is_self_trade(order, resting):
                total += resting.remaining
            elif order.stp_policy is not StpPolicy.CANCEL_OLDEST:
                break
        return total

    def match(self, order):
        trades = []
        while order.remaining and (standing := self.book.against(order)):
            if self.is_self_trade(order, standing[0]):
                self.prevent(order, standing[0])
            else:
                trades.append(self.trade(order, standing[0]))
        return trades

    def is_self_trade(self, order, resting):
        return order.stp_policy is not StpPolicy.OFF and resting.owner == order.owner

    def prevent(self, order, resting):
        policy = order.stp_policy
        if policy is StpPolicy.DECREMENT_AND_CANCEL:
            order.remaining -= self.take_off(resting, min(order.remaining, resting.remaining))
        if policy in (StpPolicy.CANCEL_OLDEST, StpPolicy.CANCEL_BOTH):
            self.take_off(resting, resting.remaining)
        if policy in (StpPolicy.CANCEL_NEWEST, StpPolicy.CANCEL_BOTH):
            order.remaining = 0

    def trade(self, order, resting):
        self.timestamp += 1
        trade = Trade(
            trade_id=self.next_trade_id,
            price=resting.price,
            quantity=min(order.remaining, resting.remaining),
            aggressor_side=order.side,
            aggressor_order_id=order.id,
            passive_order_id=resting.id,
            timestamp=self.timestamp,
        )
        self.next_trade_id += 1
        self.last_price = trade.price
        self.tape.append(trade)
        order.remaining -= trade.quantity
        order.filled += trade.quantity
        resting.filled += trade.quantity
        resting.filled_while_resting = trade.quantity == resting.remaining
        self.take_off(resting, trade.quantity)
        return trade

    def take_off(self, order, quantity):
        order.remaining -= quantity
        if order.remaining == 0:
            self.book.remove(order)
        return quantity

    def result(self, order, trades):
        filled = sum(trade.quantity for trade in trades)
        if filled == order.quantity:
            status = OrderStatus.FILLED
        elif filled:
            status = OrderStatus.PARTIALLY_FILLED
        else:
            status = OrderStatus.NEW if order.remaining else OrderStatus.CANCELLED
        return SubmitResult(
            order_id=order.id,
            status=status,
            trades=tuple(trades),
            filled_quantity=filled,
            resting_quantity=order.remaining,
            cancelled_quantity=order.quantity - filled - order.remaining,
        )

    # Stops

    def pending(self):
        return [stop for stop in self.stops.values() if stop.status == "pending"]

    def elect(self, stop):
        stop.status = "triggered"
        self.queue.append(stop)

    def run_prints(self, first, last):
        if first != last:
            self.move_trailing_stops(first)
            self.elect_satisfied(first)
        self.take_sample(last)
        self.move_trailing_stops(last)
        self.elect_satisfied(last)

    def elect_satisfied(self, price):
        for stop in self.pending():
            if stop.satisfied_by(price):
                self.elect(stop)

    def run_elected(self):
        while self.queue and self.waves < WAVES:
            wave, self.queue = self.queue, []
            for stop in wave:
                self.run_child(stop)
            self.waves += 1

    def run_child(self, stop):
        order = self.new_order(stop, stop.price, stop.quantity, stop.tif)
        stop.child = order.id
        return self.enter(order)

    def run_last_price(self):
        """Follow the original: every wave looks at the last trade price alone."""
        self.in_old_wave = True
        for _ in range(WAVES):
            self.take_sample(self.last_price)
            self.move_trailing_stops(self.last_price)
            wave = [stop for stop in self.pending() if stop.satisfied_by(self.last_price)]
            for stop in wave:
                stop.status = "triggered"
            results = [self.run_child(stop) for stop in wave]
            if not any(result.has_trades for result in results):
                break
        self.in_old_wave = False

    def take_sample(self, price):
        if self.sample_price is not None:
            self.samples = [*self.samples, abs(price - self.sample_price)][-SAMPLES:]
        self.sample_price = price

    def move_trailing_stops(self, price):
        for stop in self.pending():
            if stop.trail is not None:
                stop.move(price, self.samples)

    # Queries

    def best_bid(self):
        return self.book.best(Side.BUY)

    def best_ask(self):
        return self.book.best(Side.SELL)

    def best_bid_ask(self):
        return (self.best_bid(), self.best_ask())

    def spread(self):
        return self.full_book().spread()

    def last_trade_price(self):
        return self.last_price

    def depth(self, levels=10):
        book = self.book.snapshot(self.timestamp, with_orders=False)
        return type(book)(book.bids[:levels], book.asks[:levels], book.timestamp)

    def full_book(self):
        return self.book.snapshot(self.timestamp, with_orders=True)

    def get_order(self, order_id):
        order = self.orders.get(order_id)
        return order and order.record()

    def get_stop_order(self, order_id):
        stop = self.stops.get(order_id)
        return stop and stop.record()

    def pending_stop_count(self):
        return len(self.pending())

    def trades(self):
        return list(self.tape)

    def events(self):
        if self.log is None:
            raise LogTruncatedError("the log is not whole")
        return list(self.log)

    # Housekeeping

    def clear_trades(self):
        self.tape = []

    def clear_events(self):
        self.log = None

    def clear_order_history(self):
        before = len(self.orders)
        self.orders = {order.id: order for order in self.orders.values() if order in self.book}
        self.stops = {stop.id: stop for stop in self.waiting()}
        return before - len(self.orders)

    def compact(self):
        pass

    # State

    def waiting(self):
        return [
            stop for stop in self.stops.values() if stop.status == "pending" or stop in self.queue
        ]

    def state(self):
        return EngineState(
            stop_trigger=self.trigger,
            next_order_id=self.next_order_id,
            next_trade_id=self.next_trade_id,
            timestamp=self.timestamp,
            last_trade_price=self.last_price,
            orders=tuple(order.record() for side in Side for order in self.book.standing(side)),
            stops=tuple(stop.record() for stop in self.waiting()),
            elected=tuple(stop.id for stop in self.queue),
            atr_price=self.sample_price,
            atr_samples=tuple(self.samples),
        )

    def state_hash(self):
        return state_hash(self.state())

    @staticmethod
    def replay(events, *, stop_trigger="every"):
        model = Model(stop_trigger)
        for event in events:
            model.run(event)
        return model
