# Stops in C: waiting, trailing, elected; and the waves in which they run.

cdef enum:  # of stops
    WAITS = 0
    ELECTED = 1
    RAN = 2
    WITHDRAWN = 3

cdef enum:
    NO_TRAIL = 0
    TRAIL_FIXED = 1
    TRAIL_PERCENTAGE = 2
    TRAIL_ATR = 3

cdef enum:
    WAVES = 100  # a request runs
    ATR_SAMPLES = 10000  # are kept

cdef struct Stop:
    int64_t order_id
    int64_t stop_price
    int64_t limit_price
    int64_t quantity
    int64_t timestamp
    int64_t watermark
    int64_t child_order_id  # 0 before it ran
    double trail_value
    uint32_t atr_period
    uint32_t owner
    uint8_t has_owner
    uint8_t has_watermark
    uint8_t is_limit
    uint8_t side
    uint8_t tif
    uint8_t stp
    uint8_t trail
    uint8_t status

cdef struct Waiting:  # a plain stop in its heap
    int64_t key
    int64_t stop

cdef struct Heap:
    # By stop price, the next one to be elected first: negative for sells, so that one code serves
    # both. Cancelled stops stay until they come up or are half of it.
    Waiting* items
    int64_t n
    int64_t capacity
    int64_t n_dead

cdef struct StopBook:
    Stop* items  # in the order of entry, which is that of ids
    int64_t n
    int64_t capacity
    int64_t n_waiting
    Heap heaps[2]
    int64_t* trailing  # waiting ones in the order of entry, and dead ones until the next print
    int64_t n_trailing
    int64_t trailing_capacity
    int64_t* queue  # elected, from `front` on
    int64_t front
    int64_t back
    int64_t queue_capacity
    bint on_last  # Exchange(stop_trigger="last")
    bint has_atr_price
    int64_t atr_price
    uint128_t* sums  # ring: of the first i samples at i; samples are the differences
    int64_t n_samples


cdef void stops_close(StopBook* s) noexcept nogil:
    free(s.items)
    free(s.heaps[0].items)
    free(s.heaps[1].items)
    free(s.trailing)
    free(s.queue)
    free(s.sums)


cdef bint reserve_stop(StopBook* s, int side) noexcept nogil:
    """Find the memory for one more stop, wherever it will go; False without it."""
    return (
        (s.n < s.capacity or grow(<void**>&s.items, &s.capacity, s.n + 16, sizeof(Stop)))
        and (
            s.heaps[side].n < s.heaps[side].capacity
            or grow(
                <void**>&s.heaps[side].items,
                &s.heaps[side].capacity,
                s.heaps[side].n + 16,
                sizeof(Waiting),
            )
        )
        and (
            s.n_trailing < s.trailing_capacity
            or grow(
                <void**>&s.trailing, &s.trailing_capacity, s.n_trailing + 16, sizeof(int64_t)
            )
        )
        and (  # each stop is elected once at most, and what ran stays until the queue is empty
            s.n < s.queue_capacity
            or grow(<void**>&s.queue, &s.queue_capacity, s.n + 16, sizeof(int64_t))
        )
    )


cdef inline bint satisfies(int side, int64_t price, int64_t stop_price) noexcept nogil:
    return price >= stop_price if side == BUY else price <= stop_price


cdef void sift_up(Heap* h, int64_t i) noexcept nogil:
    cdef Waiting item = h.items[i]
    cdef int64_t parent
    while i:
        parent = (i - 1) // 2
        if h.items[parent].key <= item.key:
            break
        h.items[i] = h.items[parent]
        i = parent
    h.items[i] = item


cdef void sift_down(Heap* h, int64_t i) noexcept nogil:
    cdef Waiting item = h.items[i]
    cdef int64_t child
    while 2 * i + 1 < h.n:
        child = 2 * i + 1
        if child + 1 < h.n and h.items[child + 1].key < h.items[child].key:
            child += 1
        if item.key <= h.items[child].key:
            break
        h.items[i] = h.items[child]
        i = child
    h.items[i] = item


cdef void wait(StopBook* s, int64_t stop) noexcept nogil:
    """Put a waiting stop where prints look for it."""
    cdef Stop* item = &s.items[stop]
    cdef Heap* h = &s.heaps[item.side]
    s.n_waiting += 1
    if item.trail != NO_TRAIL:
        s.trailing[s.n_trailing] = stop
        s.n_trailing += 1
    else:
        h.items[h.n].key = key_of(item.side, item.stop_price)
        h.items[h.n].stop = stop
        h.n += 1
        sift_up(h, h.n - 1)


cdef void drop_dead(StopBook* s, Heap* h) noexcept nogil:
    """Take cancelled stops out of a heap."""
    cdef int64_t i
    cdef int64_t n = 0
    for i in range(h.n):
        if s.items[h.items[i].stop].status == WAITS:
            h.items[n] = h.items[i]
            n += 1
    h.n = n
    h.n_dead = 0
    for i in range(n // 2 - 1, -1, -1):
        sift_down(h, i)


cdef void withdraw_stop(StopBook* s, int64_t stop) noexcept nogil:
    cdef Stop* item = &s.items[stop]
    cdef Heap* h = &s.heaps[item.side]
    item.status = WITHDRAWN
    s.n_waiting -= 1
    if item.trail == NO_TRAIL:
        h.n_dead += 1
        if h.n_dead > 64 and 2 * h.n_dead > h.n:
            drop_dead(s, h)
    # Trailing ones are dropped while the next print moves the others.
    elif s.n_waiting == 0:
        s.n_trailing = 0


cdef inline void sample(StopBook* s, int64_t price) noexcept nogil:
    """Take an ATR sample."""
    cdef uint64_t change
    cdef int64_t at
    if s.has_atr_price:
        change = (
            <uint64_t>price - <uint64_t>s.atr_price
            if price > s.atr_price
            else <uint64_t>s.atr_price - <uint64_t>price
        )
        at = s.n_samples % (ATR_SAMPLES + 1)
        s.n_samples += 1
        s.sums[0 if at == ATR_SAMPLES else at + 1] = s.sums[at] + change
    s.atr_price = price
    s.has_atr_price = True


cdef inline uint128_t newest_samples(StopBook* s, int64_t count) noexcept nogil:
    return s.sums[s.n_samples % (ATR_SAMPLES + 1)] - s.sums[
        (s.n_samples - count) % (ATR_SAMPLES + 1)
    ]


cdef int64_t trail_offset(StopBook* s, Stop* item) noexcept nogil:
    """How far the stop keeps from its watermark; 0 where it does not move."""
    cdef double offset
    cdef int64_t count
    if item.trail == TRAIL_FIXED:
        offset = item.trail_value
    elif item.trail == TRAIL_PERCENTAGE:
        offset = <double>(
            <uint64_t>item.watermark if item.watermark > 0 else -<uint64_t>item.watermark
        ) * item.trail_value
    else:
        count = min(min(<int64_t>item.atr_period, s.n_samples), <int64_t>ATR_SAMPLES)
        if count == 0:
            return 0
        offset = item.trail_value * (<double>newest_samples(s, count) / <double>count)
    return <int64_t>offset if offset < 9223372036854775808.0 else 0  # also NaN


cdef inline void trail(StopBook* s, Stop* item, int64_t price) noexcept nogil:
    """Move a trailing stop with a print."""
    cdef int64_t offset
    cdef int128_t candidate
    if not item.has_watermark:
        item.watermark = price
        item.has_watermark = True
    elif item.side == SELL:
        item.watermark = max(item.watermark, price)
    else:
        item.watermark = min(item.watermark, price)
    offset = trail_offset(s, item)
    if offset <= 0:
        return
    if item.side == SELL:
        candidate = <int128_t>item.watermark - offset
        if candidate > item.stop_price:
            item.stop_price = <int64_t>candidate
    else:
        candidate = <int128_t>item.watermark + offset
        if candidate < item.stop_price:
            item.stop_price = <int64_t>candidate


cdef int by_entry(const void* a, const void* b) noexcept nogil:
    cdef int64_t first = (<const int64_t*>a)[0]
    cdef int64_t second = (<const int64_t*>b)[0]
    return (first > second) - (first < second)


cdef inline void queue_up(StopBook* s, int64_t stop) noexcept nogil:
    s.items[stop].status = ELECTED
    s.n_waiting -= 1
    s.queue[s.back] = stop
    s.back += 1


cdef void elect(StopBook* s, int64_t price) noexcept nogil:
    """Move trailing stops with a print, and queue what it satisfies, in the order of entry."""
    cdef int64_t first = s.back
    cdef int64_t i, stop
    cdef int64_t n = 0
    cdef int side
    cdef Heap* h
    if s.n_waiting == 0:
        return
    for i in range(s.n_trailing):
        stop = s.trailing[i]
        if s.items[stop].status != WAITS:
            continue
        trail(s, &s.items[stop], price)
        if satisfies(s.items[stop].side, price, s.items[stop].stop_price):
            queue_up(s, stop)
        else:
            s.trailing[n] = stop
            n += 1
    s.n_trailing = n
    for side in range(2):
        h = &s.heaps[side]
        while h.n and h.items[0].key <= key_of(side, price):
            stop = h.items[0].stop
            h.n -= 1
            h.items[0] = h.items[h.n]
            if h.n:
                sift_down(h, 0)
            if s.items[stop].status == WAITS:
                queue_up(s, stop)
            else:
                h.n_dead -= 1
    if s.back - first > 1:
        qsort(&s.queue[first], <size_t>(s.back - first), sizeof(int64_t), by_entry)


cdef void note_prints(Book* b, Outcome* out) noexcept nogil:
    """Let an order's prints elect stops."""
    cdef StopBook* s = &b.stops
    cdef int64_t first, last
    if out.first_print == out.end_print:
        return
    first = print_at(b, out.first_print).price
    last = print_at(b, out.end_print - 1).price
    b.last_price = last
    b.has_last_price = True
    if s.on_last:
        return
    # Prices in between cannot elect what these two do not: they run one way.
    if first != last:
        elect(s, first)
    sample(s, last)
    elect(s, last)


cdef bint run_stop(Book* b, int64_t stop, Outcome* out) noexcept nogil:
    """Send the order that an elected stop becomes; False without memory."""
    cdef Stop* item = &b.stops.items[stop]
    cdef Terms t
    if not reserve(b, item.side):
        return False
    t.side = item.side
    t.quantity = item.quantity
    t.price = item.limit_price if item.is_limit else market_price(item.side)
    t.tif = item.tif
    t.stp = item.stp
    t.owner = item.owner
    t.has_owner = item.has_owner
    t.post_only = False
    place(b, &t, out)
    item.status = RAN
    item.child_order_id = out.order_id
    note_prints(b, out)
    return True


cdef inline int64_t market_price(int side) noexcept nogil:
    return INT64_MAX if side == BUY else -INT64_MAX - 1


cdef bint run_queue(Book* b, int* waves) noexcept nogil:
    """Run elected stops in waves, as many as the request has left; False without memory."""
    cdef StopBook* s = &b.stops
    cdef Outcome out
    cdef int64_t end
    while s.front < s.back and waves[0] > 0:
        waves[0] -= 1
        end = s.back
        while s.front < end:
            if not run_stop(b, s.queue[s.front], &out):
                return False
            s.front += 1
    if s.front == s.back:
        s.front = s.back = 0
    return True


cdef bint run_pass(Book* b) noexcept nogil:
    """Do what `run_queue` does by the rule of the last print; False without memory."""
    cdef StopBook* s = &b.stops
    cdef Outcome out
    cdef int wave
    cdef bint traded
    for wave in range(WAVES):
        sample(s, b.last_price)
        elect(s, b.last_price)
        if s.front == s.back:
            return True
        traded = False
        while s.front < s.back:
            if not run_stop(b, s.queue[s.front], &out):
                return False
            s.front += 1
            traded = traded or out.end_print > out.first_print
        s.front = s.back = 0
        if not traded:
            return True
    return True


cdef inline bint settle(Book* b, Outcome* out, int* waves) noexcept nogil:
    """Do all that follows from an order; False without memory."""
    note_prints(b, out)
    if b.stops.on_last:
        return out.first_print == out.end_print or run_pass(b)
    return b.stops.front == b.stops.back or run_queue(b, waves)
