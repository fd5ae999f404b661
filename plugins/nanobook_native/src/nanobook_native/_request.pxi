# Requests in C: checked, recorded and run; one call and a row of a batch take the same way.

from libc.math cimport floor, isfinite

cdef enum:
    POST_ONLY = 3  # a request's tif


cdef bint is_sound(const Request* r) noexcept nogil:
    """Whether a row of a batch is one that a single call would accept, fields it ignores aside."""
    if r.op == OP_CANCEL:
        return r.order_id >= 0
    if r.op == OP_MODIFY:
        return r.order_id >= 0 and r.quantity >= 0 and is_price(r.price)
    if r.op == OP_REDUCE:
        return r.order_id >= 0 and r.quantity >= 1
    if r.op > OP_CANCEL_ALL or r.owner < -1 or r.owner > UINT32_MAX:
        return False
    if r.op == OP_CANCEL_ALL:
        return r.side <= 2
    if r.side > 1 or r.quantity < 1 or r.stp > STP_DECREMENT or (r.stp and r.owner < 0):
        return False
    if has_limit(r.op) and not (
        is_price(r.price) and r.tif <= (POST_ONLY if r.op == OP_LIMIT else FOK)
    ):
        return False
    if r.op == OP_LIMIT or r.op == OP_MARKET:
        return True
    if not is_price(r.stop_price):
        return False
    if not is_trailing(r.op):
        return True
    if not (isfinite(r.trail_value) and r.trail_value > 0):
        return False
    if r.trail + 1 == TRAIL_FIXED:
        return r.trail_value <= 9007199254740992.0 and floor(r.trail_value) == r.trail_value
    if r.trail + 1 == TRAIL_ATR:
        return r.atr_period >= 1
    return r.trail + 1 == TRAIL_PERCENTAGE


cdef inline bint is_price(int64_t price) noexcept nogil:
    return price > -INT64_MAX - 1


cdef inline bint run_elected(Book* b, int* waves) noexcept nogil:
    """Run the stops that an earlier request left; False without memory."""
    return b.stops.front == b.stops.back or run_queue(b, waves)


cdef int run_order(Book* b, const Request* r, Outcome* out) noexcept nogil:
    """Run a limit or market order."""
    cdef int waves = WAVES
    cdef Terms t
    t.side = r.side
    t.quantity = r.quantity
    t.has_owner = r.owner >= 0
    t.owner = <uint32_t>r.owner if t.has_owner else 0
    t.stp = r.stp
    t.post_only = False
    if r.op == OP_MARKET:
        t.price = market_price(r.side)
        t.tif = IOC
    else:
        t.price = r.price
        t.post_only = r.tif == POST_ONLY
        t.tif = GTC if t.post_only else r.tif
        if t.tif == GTC and overflows(b, t.side, t.price, t.quantity, 0):
            return LEVEL_OVERFLOW
    if not (reserve(b, t.side) and reserve_log(&b.log)):
        return NO_MEMORY
    record(&b.log, r)
    if not (run_elected(b, &waves) and reserve(b, t.side)):
        return NO_MEMORY
    place(b, &t, out)
    return NO_ERROR if settle(b, out, &waves) else NO_MEMORY


cdef int run_cancel(Book* b, const Request* r, Outcome* out) noexcept nogil:
    cdef int waves = WAVES
    cdef int64_t slot
    cdef Stop* stop
    cdef int error
    if not reserve_log(&b.log):
        return NO_MEMORY
    record(&b.log, r)
    if not run_elected(b, &waves):
        return NO_MEMORY
    out.order_id = r.order_id
    slot = slot_of(b, r.order_id)
    if slot and order_at(b, slot).status == IS_STOP:
        stop = &b.stops.items[order_at(b, slot).next]
        if stop.status != WAITS:
            return NOT_FOUND
        withdraw_stop(&b.stops, order_at(b, slot).next)
        out.cancelled = stop.quantity
    else:
        error = open_order(b, r.order_id, &slot)
        if error:
            return error
        out.cancelled = withdraw(b, slot)
    out.status = CANCELLED
    return NO_ERROR


cdef int run_modify(Book* b, const Request* r, Outcome* out) noexcept nogil:
    cdef int waves = WAVES
    cdef int64_t slot, withdrawn
    cdef Order* o
    cdef Terms t
    cdef int error = open_order(b, r.order_id, &slot)
    out.order_id = r.order_id
    if r.quantity and not error:
        o = order_at(b, slot)
        if overflows(b, o.side, r.price, r.quantity, o.remaining if o.price == r.price else 0):
            return LEVEL_OVERFLOW
    if not reserve_log(&b.log):
        return NO_MEMORY
    record(&b.log, r)
    if not run_elected(b, &waves):
        return NO_MEMORY
    if r.quantity == 0:
        return INVALID_QUANTITY
    error = open_order(b, r.order_id, &slot)
    if error:
        return error
    if not reserve(b, order_at(b, slot).side):
        return NO_MEMORY
    o = order_at(b, slot)
    t.side = o.side
    t.price = r.price
    t.quantity = r.quantity
    t.tif = o.tif
    t.owner = o.owner
    t.has_owner = o.has_owner
    t.stp = o.stp
    t.post_only = False
    withdrawn = withdraw(b, slot)
    place(b, &t, out)
    out.cancelled = withdrawn
    return NO_ERROR if settle(b, out, &waves) else NO_MEMORY


cdef int run_reduce(Book* b, const Request* r, Outcome* out) noexcept nogil:
    cdef int waves = WAVES
    cdef int64_t slot
    cdef Order* o
    cdef int error
    if not reserve_log(&b.log):
        return NO_MEMORY
    record(&b.log, r)
    if not run_elected(b, &waves):
        return NO_MEMORY
    out.order_id = r.order_id
    error = open_order(b, r.order_id, &slot)
    if error:
        return error
    o = order_at(b, slot)
    if r.quantity > o.remaining:
        return INVALID_QUANTITY
    out.cancelled = r.quantity
    if r.quantity == o.remaining:
        withdraw(b, slot)
    else:
        lessen(b, slot, r.quantity)
    out.resting = o.remaining
    out.status = o.status
    return NO_ERROR


cdef int run_stop_order(Book* b, const Request* r, Outcome* out) noexcept nogil:
    """Enter a stop of any kind."""
    cdef StopBook* s = &b.stops
    cdef int waves = WAVES
    cdef int64_t slot
    cdef bint is_due
    cdef Stop* stop
    if not (reserve(b, r.side) and reserve_log(&b.log)):
        return NO_MEMORY
    record(&b.log, r)
    if not (run_elected(b, &waves) and reserve(b, r.side) and reserve_stop(s, r.side)):
        return NO_MEMORY
    out.order_id = b.next_order_id
    slot = new_slot(b)
    memset(order_at(b, slot), 0, sizeof(Order))
    order_at(b, slot).status = IS_STOP
    order_at(b, slot).next = <uint32_t>s.n
    stop = &s.items[s.n]
    memset(stop, 0, sizeof(Stop))
    stop.order_id = out.order_id
    stop.stop_price = r.stop_price
    stop.quantity = r.quantity
    stop.timestamp = b.timestamp
    stop.side = r.side
    stop.stp = r.stp
    stop.has_owner = r.owner >= 0
    stop.owner = <uint32_t>r.owner if stop.has_owner else 0
    stop.is_limit = has_limit(r.op)
    stop.limit_price = r.price if stop.is_limit else 0
    stop.tif = r.tif if stop.is_limit else IOC
    if is_trailing(r.op):
        stop.trail = r.trail + 1
        stop.trail_value = r.trail_value
        stop.atr_period = r.atr_period if stop.trail == TRAIL_ATR else 0
    is_due = (
        stop.trail == NO_TRAIL
        and b.has_last_price
        and satisfies(r.side, b.last_price, r.stop_price)
    )
    out.status = TRIGGERED if is_due else PENDING
    s.n += 1
    if is_due and not s.on_last:
        s.n_waiting += 1
        queue_up(s, s.n - 1)
        return NO_ERROR if run_queue(b, &waves) else NO_MEMORY
    wait(s, s.n - 1)
    return NO_ERROR if not is_due or run_pass(b) else NO_MEMORY


cdef inline bint is_meant(const Request* r, int side, bint has_owner, uint32_t owner) noexcept nogil:
    return (r.side == 2 or r.side == side) and (r.owner < 0 or (has_owner and owner == r.owner))


cdef int run_cancel_all(
    Book* b, const Request* r, Outcome* out, int64_t** slots, int64_t* n, uint128_t* total
) noexcept nogil:
    """Cancel all that is meant; its slots in ascending order, for the caller to free."""
    cdef int waves = WAVES
    cdef int side
    cdef int64_t i
    cdef uint32_t slot
    cdef Order* o
    cdef Stop* stop
    cdef int64_t* found
    n[0] = 0
    slots[0] = NULL
    total[0] = 0
    if not reserve_log(&b.log):
        return NO_MEMORY
    record(&b.log, r)
    if not run_elected(b, &waves):
        return NO_MEMORY
    out.order_id = 0
    out.status = CANCELLED
    slots[0] = found = <int64_t*>malloc(
        <size_t>(b.n_live + b.stops.n_waiting + 1) * sizeof(int64_t)
    )
    if found == NULL:
        return NO_MEMORY
    for side in range(2):
        for i in range(b.halves[side].n):
            slot = b.levels[b.halves[side].keys[i].level].head
            while slot:
                o = order_at(b, slot)
                if is_meant(r, side, o.has_owner, o.owner):
                    found[n[0]] = slot
                    n[0] += 1
                slot = o.next
    for i in range(b.stops.n if b.stops.n_waiting else 0):
        stop = &b.stops.items[i]
        if stop.status == WAITS and is_meant(r, stop.side, stop.has_owner, stop.owner):
            found[n[0]] = slot_of(b, stop.order_id)
            n[0] += 1
    qsort(found, <size_t>n[0], sizeof(int64_t), by_entry)
    for i in range(n[0]):
        o = order_at(b, found[i])
        if o.status == IS_STOP:
            withdraw_stop(&b.stops, o.next)
            total[0] += <uint64_t>b.stops.items[o.next].quantity
        else:
            total[0] += <uint64_t>withdraw(b, found[i])
    out.cancelled = <int64_t>min(total[0], <uint128_t>INT64_MAX)
    return NO_ERROR


cdef int run_request(Book* b, const Request* r, Outcome* out) noexcept nogil:
    """Run a sound request: why not, and what came of it.

    The prints of the outcome are the order's own, those of stops that it set off follow.
    """
    cdef int64_t* slots
    cdef int64_t n
    cdef uint128_t total
    cdef int error
    out.first_print = out.end_print = b.n_prints
    out.order_id = out.filled = out.resting = out.cancelled = 0
    out.status = REJECTED
    if r.op == OP_LIMIT or r.op == OP_MARKET:
        return run_order(b, r, out)
    if r.op == OP_CANCEL:
        return run_cancel(b, r, out)
    if r.op == OP_MODIFY:
        return run_modify(b, r, out)
    if r.op == OP_REDUCE:
        return run_reduce(b, r, out)
    if r.op == OP_CANCEL_ALL:
        error = run_cancel_all(b, r, out, &slots, &n, &total)
        free(slots)
        return error
    return run_stop_order(b, r, out)


cdef bint forget_finished(Book* b, int64_t* dropped) noexcept nogil:
    """Drop finished orders and stops, the number of orders into `dropped`; False without memory."""
    cdef StopBook* s = &b.stops
    cdef int64_t n = b.n_live + s.n_waiting + s.back - s.front
    cdef int64_t* survivors = <int64_t*>malloc(<size_t>(n + 1) * sizeof(int64_t))
    # From the old slot of an order to the new one.
    cdef uint32_t* moved = <uint32_t*>calloc(<size_t>b.n_slots, sizeof(uint32_t))
    cdef int64_t slot, i
    cdef int64_t kept = 0
    cdef int side
    cdef Level* level
    cdef Order* o
    if survivors == NULL or moved == NULL:
        free(survivors)
        free(moved)
        return False
    dropped[0] = 0
    for slot in range(1, b.n_slots):
        o = order_at(b, slot)
        if o.status == IS_STOP:
            if s.items[o.next].status > ELECTED:
                continue
        elif o.level == 0:
            dropped[0] += 1
            continue
        survivors[kept] = id_of(b, slot)
        kept += 1
        moved[slot] = <uint32_t>kept
        order_at(b, kept)[0] = o[0]  # never behind where it was
    forget_finished_stops(b, kept)
    for i in range(1, kept + 1):
        o = order_at(b, i)
        if o.status != IS_STOP:
            o.prev = moved[o.prev]
            o.next = moved[o.next]
    for side in range(2):
        for i in range(b.halves[side].n):
            level = &b.levels[b.halves[side].keys[i].level]
            level.head = moved[level.head]
            level.tail = moved[level.tail]
    free(moved)
    free(b.survivors)
    b.survivors = survivors
    b.n_survivors = kept
    b.first_dense_id = b.next_order_id
    b.n_slots = kept + 1
    cut(&b.orders, b.n_slots)
    return True


cdef void forget_finished_stops(Book* b, int64_t n_slots) noexcept nogil:
    """Drop finished stops; slots up to `n_slots` are those of ids that are kept."""
    cdef StopBook* s = &b.stops
    cdef int64_t i, kept
    cdef Order* o
    # Stops and their slots are both in the order of ids, and so are found together.
    kept = 0
    for i in range(1, n_slots + 1):
        o = order_at(b, i)
        if o.status == IS_STOP:
            s.items[o.next].child_order_id = kept  # lent until the queue is rewritten: none has run
            kept += 1
    for i in range(s.front, s.back):
        s.queue[i - s.front] = s.items[s.queue[i]].child_order_id
    s.back -= s.front
    s.front = 0
    s.n_trailing = s.n_waiting = 0
    s.heaps[0].n = s.heaps[1].n = s.heaps[0].n_dead = s.heaps[1].n_dead = 0
    kept = 0
    for i in range(1, n_slots + 1):
        o = order_at(b, i)
        if o.status == IS_STOP:
            s.items[kept] = s.items[o.next]
            s.items[kept].child_order_id = 0
            o.next = <uint32_t>kept
            if s.items[kept].status == WAITS:
                wait(s, kept)
            kept += 1
    s.n = kept
