# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled engine: what the contract asks of `nanobook_core.contracts.Engine`, in C.

The rules are those of docs/order_book.md; the parts are in the .pxi files beside this one. Arguments
that are not plain are handed to the core's checks, so that messages agree by construction.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact

from nanobook_core.contracts import book
from nanobook_core.contracts.engine import ROW_ERROR, ApplyResult, EngineState
from nanobook_core.contracts.event import Event, EventKind
from nanobook_core.errors import (
    ConcurrentUseError,
    LogTruncatedError,
    ValidationError,
    shown,
)
from nanobook_core.lob.exchange import LOG_TRUNCATED
from nanobook_core.types import (
    OrderStatus,
    Side,
    StopStatus,
    StopTrigger,
    StpPolicy,
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

include "_memory.pxi"
include "_log.pxi"
include "_stop.pxi"
include "_book.pxi"
include "_request.pxi"

cdef tuple SIDES = tuple(Side)
cdef tuple TIFS = tuple(TimeInForce)
cdef tuple STATUSES = tuple(OrderStatus)
cdef tuple POLICIES = tuple(StpPolicy)
cdef tuple STOP_STATUSES = tuple(StopStatus)
cdef tuple KINDS = tuple(EventKind)
cdef tuple TRAILS = (None, "fixed", "percentage", "atr")
cdef dict CODES = {
    member: code for members in (SIDES, TIFS, POLICIES) for code, member in enumerate(members)
}

# As literals in the caller's code spell them: then one comparison of pointers is enough.
cdef object BUY_WORD = "buy"
cdef object SELL_WORD = "sell"
cdef object GTC_WORD = "gtc"
cdef object IOC_WORD = "ioc"
cdef object OFF_WORD = "off"

cdef enum:
    ROWS_A_LOOK = 16

cdef double SECONDS_WITHOUT_SIGNALS = 0.05

include "_record.pxi"


cdef inline int side_code(object side) except -1:
    if side is BUY_WORD:
        return BUY
    if side is SELL_WORD:
        return SELL
    return CODES[Side(side)]


cdef inline int tif_code(object tif) except -1:
    if tif is GTC_WORD:
        return GTC
    if tif is IOC_WORD:
        return IOC
    return CODES[check_time_in_force(tif)]


cdef inline int64_t price_of(object price, str name) except? -1:
    cdef int overflow = 0
    cdef int64_t number
    if PyLong_CheckExact(price):
        number = PyLong_AsLongLongAndOverflow(price, &overflow)
        if not overflow and is_price(number):
            return number
    return check_price(price, name)


cdef inline int64_t quantity_of(object quantity, str name) except? -1:
    cdef int overflow = 0
    cdef int64_t number
    if PyLong_CheckExact(quantity):
        number = PyLong_AsLongLongAndOverflow(quantity, &overflow)
        if number >= 1:
            return number
    return check_quantity(quantity, name)


cdef inline int64_t count_of(object number, object check) except? -1:
    """Read what may be 0 but not negative; `check` reads what is not plain, and refuses."""
    cdef int overflow = 0
    cdef int64_t found
    if PyLong_CheckExact(number):
        found = PyLong_AsLongLongAndOverflow(number, &overflow)
        if found >= 0 and not overflow:
            return found
    return check(number)


cdef inline int read_owner(Request* r, object owner, object stp_policy) except -1:
    if owner is None and (stp_policy is OFF_WORD):
        r.owner = -1
        r.stp = STP_OFF
        return 0
    cdef object checked = check_owner(owner)
    r.stp = CODES[check_stp_policy(stp_policy, checked)]
    r.owner = -1 if checked is None else <int64_t>checked
    return 0


cdef int read_trail(Request* r, object method) except -1:
    r.trail = TRAILS.index(method.kind) - 1
    r.trail_value = method.value
    r.atr_period = method.period or 0
    return 0


cdef inline object owner_of(bint has_owner, uint32_t owner):
    return owner if has_owner else None


cdef class Engine:
    """The primitives; `nanobook_native.engine.Exchange` adds what every engine has in common.

    Its methods have the docstrings of the contract.
    """

    cdef Book b
    cdef bint busy
    cdef object trigger
    cdef object bid  # the last best prices that were shown, as Python's numbers
    cdef object ask

    def __cinit__(self, *_, **__):
        if not book_open(&self.b):
            raise MemoryError

    def __init__(self, *, stop_trigger="every", log_events=True):
        if self.b.next_order_id > 1:
            raise TypeError("an exchange is made once")
        if not isinstance(log_events, bool):
            raise TypeError(f"log_events is True or False, got {shown(log_events)}")
        self.trigger = StopTrigger(stop_trigger)
        self.b.stops.on_last = self.trigger is StopTrigger.LAST
        self.b.log.is_on = self.b.log.is_whole = log_events

    def __dealloc__(self):
        book_close(&self.b)

    @property
    def stop_trigger(self):
        """Which prints elect stops."""
        return self.trigger

    @property
    def log_events(self):
        """Whether requests are recorded."""
        return bool(self.b.log.is_on)

    cdef inline int hold(self) except -1:
        """Keep everybody else out while a long answer is made; `self.busy = False` lets them in."""
        self.enter()
        self.busy = True
        return 0

    cdef inline int enter(self) except -1:
        if unlikely(self.busy):
            raise ConcurrentUseError(
                "this exchange is in the middle of a batch or of a long answer, in another thread "
                "or beneath a signal's handler; give each thread its own, or use a lock"
            )
        return 0

    cdef int run(self, Request* r, Outcome* out) except -1:
        """Run one request; the error's code, where that is a soft one.

        Arguments have been read before: that may run any code, also code that begins a batch.
        """
        cdef int error
        self.enter()
        error = run_request(&self.b, r, out)
        if unlikely(error >= LEVEL_OVERFLOW):
            if error == NO_MEMORY:
                lose_log(&self.b.log)
                raise MemoryError
            raise OverflowError(f"the level at {r.price} holds 2^63-1 at most, and would pass it")
        return error

    cdef tuple prints(self, Outcome* out):
        cdef int64_t i
        cdef Trade trade
        cdef Print* p
        if out.first_print == out.end_print:
            return ()
        cdef list made = []
        for i in range(out.first_print, out.end_print):
            p = print_at(&self.b, i)
            trade = Trade.__new__(Trade)
            trade.trade_id = p.trade_id
            trade.price = p.price
            trade.quantity = p.quantity
            trade.aggressor_order_id = p.aggressor_order_id
            trade.passive_order_id = p.passive_order_id
            trade.timestamp = p.timestamp
            trade.side = p.aggressor_side
            made.append(trade)
        return tuple(made)

    cdef SubmitResult submitted(self, Request* r):
        cdef Outcome out
        self.run(r, &out)
        cdef SubmitResult result = SubmitResult.__new__(SubmitResult)
        result.order_id = out.order_id
        result.status = STATUSES[out.status]
        result.trades = self.prints(&out)
        result.filled_quantity = out.filled
        result.resting_quantity = out.resting
        result.cancelled_quantity = out.cancelled
        return result

    cdef CancelResult cancelled(self, Request* r):
        cdef Outcome out
        cdef int error = self.run(r, &out)
        cdef CancelResult result = CancelResult.__new__(CancelResult)
        result.success = error == NO_ERROR
        result.cancelled_quantity = out.cancelled if error == NO_ERROR else 0
        result.error = ROW_ERROR[error]
        return result

    cdef object entered(self, Request* r):
        cdef Outcome out
        self.run(r, &out)
        return book.StopSubmitResult(out.order_id, STOP_STATUSES[out.status - PENDING])

    # Requests

    def submit_limit(
        self, side, price, quantity, tif="gtc", *, owner=None, stp_policy="off", post_only=False
    ):
        cdef Request r
        r.op = OP_LIMIT
        r.side = side_code(side)
        r.price = price_of(price, "price")
        r.quantity = quantity_of(quantity, "quantity")
        if post_only is False:
            r.tif = tif_code(tif)
        else:
            r.tif = CODES[check_time_in_force(tif, post_only=post_only)]
            if post_only:
                r.tif = POST_ONLY
        read_owner(&r, owner, stp_policy)
        return self.submitted(&r)

    def submit_market(self, side, quantity, *, owner=None, stp_policy="off"):
        cdef Request r
        r.op = OP_MARKET
        r.side = side_code(side)
        r.quantity = quantity_of(quantity, "quantity")
        read_owner(&r, owner, stp_policy)
        return self.submitted(&r)

    def submit_stop_market(self, side, stop_price, quantity, *, owner=None, stp_policy="off"):
        cdef Request r
        r.op = OP_STOP_MARKET
        r.side = side_code(side)
        r.stop_price = price_of(stop_price, "stop_price")
        r.quantity = quantity_of(quantity, "quantity")
        read_owner(&r, owner, stp_policy)
        return self.entered(&r)

    def submit_stop_limit(
        self, side, stop_price, limit_price, quantity, tif="gtc", *, owner=None, stp_policy="off"
    ):
        cdef Request r
        r.op = OP_STOP_LIMIT
        r.side = side_code(side)
        r.stop_price = price_of(stop_price, "stop_price")
        r.price = price_of(limit_price, "limit_price")
        r.quantity = quantity_of(quantity, "quantity")
        r.tif = tif_code(tif)
        read_owner(&r, owner, stp_policy)
        return self.entered(&r)

    def submit_trailing_stop_market(
        self,
        side,
        initial_stop_price,
        quantity,
        trail_type,
        trail_value=None,
        atr_period=None,
        *,
        owner=None,
        stp_policy="off",
    ):
        cdef Request r
        r.op = OP_TRAILING_STOP_MARKET
        r.side = side_code(side)
        r.stop_price = price_of(initial_stop_price, "initial_stop_price")
        r.quantity = quantity_of(quantity, "quantity")
        read_trail(&r, TrailMethod.parse(trail_type, trail_value, atr_period))
        read_owner(&r, owner, stp_policy)
        return self.entered(&r)

    def submit_trailing_stop_limit(
        self,
        side,
        initial_stop_price,
        limit_price,
        quantity,
        trail_type,
        trail_value=None,
        tif="gtc",
        atr_period=None,
        *,
        owner=None,
        stp_policy="off",
    ):
        cdef Request r
        r.op = OP_TRAILING_STOP_LIMIT
        r.side = side_code(side)
        r.stop_price = price_of(initial_stop_price, "initial_stop_price")
        r.price = price_of(limit_price, "limit_price")
        r.quantity = quantity_of(quantity, "quantity")
        read_trail(&r, TrailMethod.parse(trail_type, trail_value, atr_period))
        r.tif = tif_code(tif)
        read_owner(&r, owner, stp_policy)
        return self.entered(&r)

    def cancel(self, order_id):
        cdef Request r
        r.op = OP_CANCEL
        r.order_id = count_of(order_id, check_order_id)
        return self.cancelled(&r)

    def reduce(self, order_id, by):
        cdef Request r
        r.op = OP_REDUCE
        r.order_id = count_of(order_id, check_order_id)
        r.quantity = quantity_of(by, "by")
        return self.cancelled(&r)

    def modify(self, order_id, new_price, new_quantity):
        cdef Request r
        cdef Outcome out
        cdef int error
        r.op = OP_MODIFY
        r.order_id = count_of(order_id, check_order_id)
        r.price = price_of(new_price, "new_price")
        r.quantity = count_of(new_quantity, check_new_quantity)
        error = self.run(&r, &out)
        cdef ModifyResult result = ModifyResult.__new__(ModifyResult)
        result.success = error == NO_ERROR
        result.old_order_id = r.order_id
        result.error = ROW_ERROR[error]
        if error:
            result.cancelled_quantity = 0
            result.trades = ()
        else:
            result.new_order_id = out.order_id
            result.cancelled_quantity = out.cancelled
            result.trades = self.prints(&out)
        return result

    def cancel_all(self, owner=None, side=None):
        cdef Request r
        cdef Outcome out
        cdef int64_t* slots = NULL
        cdef int64_t n = 0
        cdef int64_t i
        cdef uint128_t total = 0
        r.op = OP_CANCEL_ALL
        checked = check_owner(owner)
        r.owner = -1 if checked is None else <int64_t>checked
        r.side = 2 if side is None else side_code(side)
        self.enter()
        try:
            if run_cancel_all(&self.b, &r, &out, &slots, &n, &total) == NO_MEMORY:
                lose_log(&self.b.log)
                raise MemoryError
            ids = tuple([id_of(&self.b, slots[i]) for i in range(n)])
        finally:
            free(slots)
        high, low = <uint64_t>(total >> 64), <uint64_t>total
        return book.CancelAllResult(ids, (high << 64) + low)

    # Queries

    def best_bid(self):
        self.enter()
        return self.best(BUY)

    def best_ask(self):
        self.enter()
        return self.best(SELL)

    def best_bid_ask(self):
        self.enter()
        return (self.best(BUY), self.best(SELL))

    cdef inline object best(self, int side):
        # A price seldom changes between two looks: then the number that was made is shown again.
        cdef HalfBook* half = &self.b.halves[side]
        cdef int64_t price
        if half.n == 0:
            return None
        price = half.keys[half.n - 1].key
        if side == BUY:
            if self.bid is None or <int64_t>self.bid != price:
                self.bid = price
            return self.bid
        if self.ask is None or <int64_t>self.ask != -price:
            self.ask = -price
        return self.ask

    def spread(self):
        self.enter()
        bid, ask = self.best(BUY), self.best(SELL)
        return None if bid is None or ask is None else ask - bid

    def last_trade_price(self):
        self.enter()
        return self.b.last_price if self.b.has_last_price else None

    def pending_stop_count(self):
        self.enter()
        return self.b.stops.n_waiting

    def depth(self, levels=10):
        cdef BookSnapshot snapshot
        cdef int64_t wanted, i
        cdef HalfBook* half
        wanted = count_of(levels, check_levels)
        self.enter()
        snapshot = BookSnapshot.__new__(BookSnapshot)
        snapshot.n_bids = min(wanted, self.b.halves[BUY].n)
        snapshot.n_asks = min(wanted, self.b.halves[SELL].n)
        snapshot.timestamp = self.b.timestamp
        snapshot.levels = <Level*>malloc(
            <size_t>(snapshot.n_bids + snapshot.n_asks + 1) * sizeof(Level)
        )
        if snapshot.levels == NULL:
            raise MemoryError
        half = &self.b.halves[BUY]
        for i in range(snapshot.n_bids):
            snapshot.levels[i] = self.b.levels[half.keys[half.n - 1 - i].level]
        half = &self.b.halves[SELL]
        for i in range(snapshot.n_asks):
            snapshot.levels[snapshot.n_bids + i] = self.b.levels[half.keys[half.n - 1 - i].level]
        return snapshot

    def full_book(self):
        self.hold()
        try:
            return self.whole_book()
        finally:
            self.busy = False

    cdef object whole_book(self):
        sides = []
        for side in range(2):
            levels = []
            for orders in self.queues(side):
                quantity = sum([order.remaining_quantity for order in orders])
                levels.append(book.LevelSnapshot(orders[0].price, quantity, len(orders), orders))
            sides.append(tuple(levels))
        return book.BookSnapshot(sides[0], sides[1], self.b.timestamp)

    cdef list queues(self, int side):
        """Orders of each level, from the best price on."""
        cdef HalfBook* half = &self.b.halves[side]
        cdef int64_t i
        cdef uint32_t slot
        cdef list levels = []
        cdef list orders
        for i in range(half.n - 1, -1, -1):
            orders = []
            slot = self.b.levels[half.keys[i].level].head
            while slot:
                orders.append(self.order(slot))
                slot = order_at(&self.b, slot).next
            levels.append(tuple(orders))
        return levels

    cdef object order(self, int64_t slot):
        # Copied: making a record runs Python code, and who knows what else.
        cdef Order o = order_at(&self.b, slot)[0]
        cdef int64_t order_id = id_of(&self.b, slot)
        return book.Order(
            id=order_id,
            side=SIDES[o.side],
            price=o.price,
            original_quantity=o.quantity,
            remaining_quantity=o.remaining,
            filled_quantity=o.filled,
            cancelled_quantity=o.quantity - o.filled - o.remaining,
            status=STATUSES[o.status].value.lower(),
            time_in_force=TIFS[o.tif],
            timestamp=o.timestamp,
            owner=owner_of(o.has_owner, o.owner),
            stp_policy=POLICIES[o.stp],
        )

    cdef object stop(self, int64_t index):
        cdef Stop s = self.b.stops.items[index]  # copied, as orders are
        method = None
        if s.trail:
            method = TrailMethod(
                TRAILS[s.trail], s.trail_value, s.atr_period if s.trail == TRAIL_ATR else None
            )
        status = StopStatus.TRIGGERED
        if s.status == WAITS:
            status = StopStatus.PENDING
        elif s.status == WITHDRAWN:
            status = StopStatus.CANCELLED
        return book.StopOrder(
            id=s.order_id,
            side=SIDES[s.side],
            stop_price=s.stop_price,
            limit_price=s.limit_price if s.is_limit else None,
            quantity=s.quantity,
            status=status.value.lower(),
            timestamp=s.timestamp,
            time_in_force=TIFS[s.tif],
            trail_method=method,
            watermark=s.watermark if s.has_watermark else None,
            child_order_id=s.child_order_id or None,
            owner=owner_of(s.has_owner, s.owner),
            stp_policy=POLICIES[s.stp],
        )

    def get_order(self, order_id):
        cdef int64_t slot
        cdef int64_t wanted = count_of(order_id, check_order_id)
        self.enter()
        slot = slot_of(&self.b, wanted)
        if slot == 0 or order_at(&self.b, slot).status == IS_STOP:
            return None
        return self.order(slot)

    def get_stop_order(self, order_id):
        cdef int64_t slot
        cdef int64_t wanted = count_of(order_id, check_order_id)
        self.enter()
        slot = slot_of(&self.b, wanted)
        if slot == 0 or order_at(&self.b, slot).status != IS_STOP:
            return None
        return self.stop(order_at(&self.b, slot).next)

    def trade_count(self):
        self.enter()
        return self.b.n_prints

    def trades(self):
        from nanobook_core.lob.trades import Trades

        return Trades(self.trades_array())

    def trades_array(self):
        import numpy as np

        from nanobook_core.lob.trades import trade_dtype

        cdef unsigned char[::1] raw
        self.hold()
        try:
            array = np.empty(self.b.n_prints, trade_dtype())
            if self.b.n_prints:
                raw = array.view(np.uint8)
                copy_prints(&self.b, 0, self.b.n_prints, <Print*>&raw[0])
            return array
        finally:
            self.busy = False

    def events(self):
        if not self.b.log.is_whole:
            raise LogTruncatedError(LOG_TRUNCATED)
        self.hold()
        try:
            return self.recorded()
        finally:
            self.busy = False

    cdef list recorded(self):
        cdef Log* log = &self.b.log
        cdef const uint8_t* at
        cdef const uint8_t* end
        cdef Request r
        cdef int i
        cdef list events = []
        for i in range(log.n_chunks):
            at = log.chunks[i]
            end = log.at if i == log.n_chunks - 1 else log.chunks[i] + log.lengths[i]
            while at < end:
                read_entry(&at, &r)
                events.append(event_of(&r))
        return events

    # Housekeeping

    def clear_trades(self):
        self.enter()
        self.b.n_prints = 0

    def clear_order_history(self):
        cdef int64_t dropped
        self.enter()
        if not forget_finished(&self.b, &dropped):
            raise MemoryError
        return dropped

    def clear_events(self):
        self.enter()
        lose_log(&self.b.log)

    def compact(self):
        self.enter()
        cut(&self.b.orders, self.b.n_slots)
        cut(&self.b.prints, self.b.n_prints)

    # State

    def state(self):
        self.hold()
        try:
            return self.present_state()
        finally:
            self.busy = False

    cdef object present_state(self):
        cdef int64_t i, at
        cdef StopBook* s = &self.b.stops
        orders = [order for side in range(2) for queue in self.queues(side) for order in queue]
        stops = []
        for i in range(s.n if s.n_waiting or s.front < s.back else 0):
            if s.items[i].status == WAITS or s.items[i].status == ELECTED:
                stops.append(self.stop(i))
        samples = []
        for i in range(max(0, s.n_samples - ATR_SAMPLES), s.n_samples):
            at = i % (ATR_SAMPLES + 1)
            samples.append(
                <uint64_t>(s.sums[0 if at == ATR_SAMPLES else at + 1] - s.sums[at])
            )
        return EngineState(
            stop_trigger=self.trigger,
            next_order_id=self.b.next_order_id,
            next_trade_id=self.b.next_trade_id,
            timestamp=self.b.timestamp,
            last_trade_price=self.b.last_price if self.b.has_last_price else None,
            orders=tuple(orders),
            stops=tuple(stops),
            elected=tuple([s.items[s.queue[i]].order_id for i in range(s.front, s.back)]),
            atr_price=s.atr_price if s.has_atr_price else None,
            atr_samples=tuple(samples),
        )

    def _restore(self, state):
        """Become that state, which has been checked; for a new exchange."""
        cdef Book* b = &self.b
        cdef StopBook* s = &b.stops
        cdef int64_t slot = 0
        cdef Order* o
        cdef Stop* stop
        b.log.is_whole = False
        elected = frozenset(state.elected)
        known = sorted([*state.orders, *state.stops], key=lambda item: item.id)
        b.survivors = <int64_t*>malloc(<size_t>(len(known) + 1) * sizeof(int64_t))
        if b.survivors == NULL:
            raise MemoryError
        b.next_order_id = b.first_dense_id = state.next_order_id
        b.next_trade_id = state.next_trade_id
        b.timestamp = state.timestamp
        b.has_last_price = state.last_trade_price is not None
        b.last_price = state.last_trade_price or 0
        s.has_atr_price = state.atr_price is not None
        s.atr_price = state.atr_price or 0
        for change in state.atr_samples:
            s.sums[s.n_samples + 1] = s.sums[s.n_samples] + <uint64_t>change
            s.n_samples += 1
        slots = {}
        for item in known:
            side = CODES[item.side]
            if not (reserve(b, side) and reserve_stop(s, side)):
                raise MemoryError
            slot = b.n_slots
            b.n_slots += 1
            b.survivors[b.n_survivors] = item.id
            b.n_survivors += 1
            slots[item.id] = slot
            o = order_at(b, slot)
            memset(o, 0, sizeof(Order))
            o.side = side
            if isinstance(item, book.Order):
                o.price = item.price
                o.quantity = item.original_quantity
                o.remaining = item.remaining_quantity
                o.filled = item.filled_quantity
                o.timestamp = item.timestamp
                o.tif = CODES[item.time_in_force]
                o.stp = CODES[item.stp_policy]
                o.has_owner = item.owner is not None
                o.owner = item.owner or 0
                o.status = PARTIALLY_FILLED if o.filled else NEW
                continue
            o.status = IS_STOP
            o.next = <uint32_t>s.n
            stop = &s.items[s.n]
            memset(stop, 0, sizeof(Stop))
            stop.order_id = item.id
            stop.side = side
            stop.stop_price = item.stop_price
            stop.is_limit = item.limit_price is not None
            stop.limit_price = item.limit_price or 0
            stop.quantity = item.quantity
            stop.timestamp = item.timestamp
            stop.tif = CODES[item.time_in_force]
            stop.stp = CODES[item.stp_policy]
            stop.has_owner = item.owner is not None
            stop.owner = item.owner or 0
            stop.has_watermark = item.watermark is not None
            stop.watermark = item.watermark or 0
            if item.trail_method is not None:
                stop.trail = TRAILS.index(item.trail_method.kind)
                stop.trail_value = item.trail_method.value
                stop.atr_period = item.trail_method.period or 0
            s.n += 1
            if item.id in elected:
                stop.status = ELECTED
            else:
                wait(s, s.n - 1)
        for order in state.orders:
            if not reserve(b, CODES[order.side]):
                raise MemoryError
            slot = slots[order.id]
            append(b, order_at(b, slot).side, slot, order_at(b, slot))
        for order_id in state.elected:
            s.queue[s.back] = order_at(b, <int64_t>slots[order_id]).next
            s.back += 1

    # Batches

    def apply(self, ops):
        cdef Batch batch = Batch([self], ops)
        batch.check(0, batch.n)
        try:
            batch.hold()
            batch.run([0])
            batch.sum_offsets()
            batch.collect([0])
        finally:
            batch.let_go()
        return batch.result()

    @staticmethod
    def apply_books(books, ops, threads):
        """Run a batch whose column `symbol` is an index into exchanges, on that many threads."""
        cdef Batch batch = Batch(books, ops)
        try:
            batch.hold()
            batch.run_steps(threads)
        finally:
            batch.let_go()
        return batch.result()


cdef object event_of(const Request* r):
    """What the caller asked for, as the log has it: checked before."""
    cdef dict fields = {}
    kind = KINDS[r.op]
    if r.owner >= 0:
        fields["owner"] = r.owner
    if r.op == OP_CANCEL or r.op == OP_MODIFY or r.op == OP_REDUCE:
        fields["order_id"] = r.order_id
        if r.op == OP_MODIFY:
            fields["price"] = r.price
        if r.op != OP_CANCEL:
            fields["quantity"] = r.quantity
        return Event.trusted(kind, **fields)
    if r.side < 2:
        fields["side"] = SIDES[r.side]
    if r.op == OP_CANCEL_ALL:
        return Event.trusted(kind, **fields)
    fields["quantity"] = r.quantity
    fields["stp_policy"] = POLICIES[r.stp]
    if has_limit(r.op):
        fields["price"] = r.price
        fields["time_in_force"] = TIFS[GTC if r.tif == POST_ONLY else r.tif]
        fields["post_only"] = r.tif == POST_ONLY
    if r.op != OP_LIMIT and r.op != OP_MARKET:
        fields["stop_price"] = r.stop_price
    if is_trailing(r.op):
        fields["trail_method"] = TrailMethod(
            TRAILS[r.trail + 1], r.trail_value, r.atr_period or None
        )
    return Event.trusted(kind, **fields)


include "_batch.pxi"
