# The book in C: orders, levels and matching. All functions run without the interpreter, and none can
# fail half-way: `reserve` finds the memory first.

cdef enum:
    LADDER = 65536  # prices around the market whose level is found without a search

cdef struct Order:  # 64 bytes: a cache line
    int64_t price
    int64_t quantity
    int64_t remaining
    int64_t filled
    int64_t timestamp
    uint32_t prev  # slots of the neighbours in the queue of the level, 0 at its ends
    uint32_t next  # of a stop's id: its index among the stops
    uint32_t level  # 0 where it is not on the book
    uint32_t owner
    uint8_t side
    uint8_t tif
    uint8_t status
    uint8_t stp
    uint8_t has_owner

cdef struct Level:
    int64_t price
    int64_t quantity
    uint32_t head
    uint32_t tail
    uint32_t count
    uint32_t next_free

cdef struct Key:
    int64_t key
    int64_t level

cdef struct HalfBook:
    # Sorted, the best price last: what comes and goes is near the end, so little has to move.
    # The key is the price for bids, its negative for asks, so that one code serves both.
    Key* keys
    int64_t n
    int64_t capacity

cdef struct Print:  # a trade, laid out as numpy's TRADE_DTYPE
    int64_t trade_id
    int64_t price
    int64_t quantity
    int64_t aggressor_order_id
    int64_t passive_order_id
    int64_t timestamp
    uint8_t aggressor_side
    uint8_t padding[7]  # written too: equal tapes have equal bytes

cdef struct Terms:  # of an order to place
    int64_t price
    int64_t quantity
    uint32_t owner
    uint8_t has_owner
    uint8_t side
    uint8_t tif
    uint8_t stp
    uint8_t post_only

cdef struct Outcome:  # of an order that was placed
    int64_t order_id
    int64_t filled
    int64_t resting
    int64_t cancelled
    int64_t first_print  # indices into the prints
    int64_t end_print
    uint8_t status

cdef struct Book:
    # An id's slot is where its order lies. Ids from `first_dense_id` on follow one another after the
    # slots of the older ones that a clearing of the history has left, whose ids are `survivors`.
    Vector orders
    int64_t n_slots  # slot 0 is none
    int64_t next_order_id
    int64_t first_dense_id
    int64_t* survivors
    int64_t n_survivors
    int64_t n_live
    Level* levels  # level 0 is none
    uint32_t n_levels
    uint32_t level_capacity
    uint32_t free_level
    HalfBook halves[2]
    uint32_t* ladder  # level of price `ladder_base + i`, 0 if none; one for both sides, which never cross
    int64_t ladder_base
    int64_t ladder_misses
    bint has_ladder_base
    uint64_t rested  # total of all quantities that ever came to rest, as far as 2^63
    Vector prints
    int64_t n_prints
    int64_t next_trade_id
    int64_t timestamp
    int64_t last_price
    bint has_last_price
    StopBook stops
    Log log


cdef bint book_open(Book* b) noexcept nogil:
    """Allocate what every book needs; False without memory."""
    memset(b, 0, sizeof(Book))
    b.next_order_id = b.first_dense_id = b.next_trade_id = 1
    b.n_slots = 1
    b.n_levels = 1
    b.ladder = <uint32_t*>calloc(LADDER, sizeof(uint32_t))
    b.levels = <Level*>malloc(64 * sizeof(Level))
    b.level_capacity = 64
    b.stops.sums = <uint128_t*>calloc(ATR_SAMPLES + 1, sizeof(uint128_t))
    return (
        b.ladder != NULL
        and b.stops.sums != NULL
        and b.levels != NULL
        and extend(&b.orders, 1, sizeof(Order))
        and extend(&b.prints, 1, sizeof(Print))
        and grow(<void**>&b.halves[0].keys, &b.halves[0].capacity, 64, sizeof(Key))
        and grow(<void**>&b.halves[1].keys, &b.halves[1].capacity, 64, sizeof(Key))
    )


cdef void book_close(Book* b) noexcept nogil:
    cut(&b.orders, 0)
    cut(&b.prints, 0)
    free(b.survivors)
    free(b.levels)
    free(b.halves[0].keys)
    free(b.halves[1].keys)
    free(b.ladder)
    stops_close(&b.stops)
    log_close(&b.log)


cdef inline Order* order_at(Book* b, int64_t slot) noexcept nogil:
    return <Order*>item_at(&b.orders, slot, sizeof(Order))


cdef inline Print* print_at(Book* b, int64_t i) noexcept nogil:
    return <Print*>item_at(&b.prints, i, sizeof(Print))


cdef bint reserve_slowly(Book* b, int side) noexcept nogil:
    cdef int64_t levels = b.level_capacity
    if not (
        b.n_slots < UINT32_MAX
        and extend(&b.orders, b.n_slots + 1, sizeof(Order))
        and extend(&b.prints, b.n_prints + b.n_live + 1, sizeof(Print))
    ):
        return False
    if b.n_levels >= b.level_capacity:
        if not grow(<void**>&b.levels, &levels, b.n_levels + 1, sizeof(Level)):
            return False
        b.level_capacity = <uint32_t>levels
    return b.halves[side].n < b.halves[side].capacity or grow(
        <void**>&b.halves[side].keys,
        &b.halves[side].capacity,
        b.halves[side].n + 1,
        sizeof(Key),
    )


cdef inline bint reserve(Book* b, int side) noexcept nogil:
    """Make sure that one more order finds all the memory that it can need; False without it.

    An order prints at most once against each live one.
    """
    if unlikely(
        b.n_slots >= b.orders.capacity
        or b.n_prints + b.n_live >= b.prints.capacity
        or b.n_levels >= b.level_capacity
        or b.halves[side].n >= b.halves[side].capacity
    ):
        return reserve_slowly(b, side)
    return True


cdef int64_t survivor_slot(Book* b, int64_t order_id) noexcept nogil:
    cdef int64_t low = 0
    cdef int64_t high = b.n_survivors
    cdef int64_t middle
    while low < high:
        middle = (low + high) // 2
        if b.survivors[middle] < order_id:
            low = middle + 1
        else:
            high = middle
    if low < b.n_survivors and b.survivors[low] == order_id:
        return low + 1
    return 0


cdef inline int64_t slot_of(Book* b, int64_t order_id) noexcept nogil:
    """Slot of an id; 0 where it is unknown or forgotten."""
    if order_id >= b.first_dense_id:
        return order_id - b.first_dense_id + 1 + b.n_survivors if order_id < b.next_order_id else 0
    return survivor_slot(b, order_id)


cdef inline int64_t id_of(Book* b, int64_t slot) noexcept nogil:
    if slot > b.n_survivors:
        return slot - 1 - b.n_survivors + b.first_dense_id
    return b.survivors[slot - 1]


cdef inline int64_t key_of(int side, int64_t price) noexcept nogil:
    return -price if side == SELL else price


cdef inline int64_t find_key(HalfBook* half, int64_t key) noexcept nogil:
    """Index of the first key that is not below; branchless."""
    cdef int64_t base = 0
    cdef int64_t n = half.n
    cdef int64_t step
    while n > 0:
        step = (n + 1) >> 1
        base += step if half.keys[base + step - 1].key < key else 0
        n -= step
    return base


cdef inline uint32_t* rung(Book* b, int64_t price) noexcept nogil:
    """Where the ladder has the level of a price; NULL outside its window."""
    cdef uint64_t offset = <uint64_t>price - <uint64_t>b.ladder_base
    return &b.ladder[offset] if offset < LADDER else NULL


cdef void recentre(Book* b, int64_t price) noexcept nogil:
    """Move the ladder's window around a price."""
    cdef int side
    cdef int64_t i
    cdef uint32_t* found
    if b.has_ladder_base:  # else nothing is in it, and most of it need not be touched
        memset(b.ladder, 0, LADDER * sizeof(uint32_t))
    b.ladder_base = price - LADDER // 2 if price > -INT64_MAX + LADDER else -INT64_MAX
    b.has_ladder_base = True
    b.ladder_misses = 0
    for side in range(2):
        for i in range(b.halves[side].n):
            found = rung(b, b.levels[b.halves[side].keys[i].level].price)
            if found != NULL:
                found[0] = <uint32_t>b.halves[side].keys[i].level


cdef inline uint32_t find_level(Book* b, int side, int64_t price) noexcept nogil:
    """Level at a price of that side; 0 if none."""
    cdef uint32_t* found = rung(b, price)
    cdef HalfBook* half = &b.halves[side]
    cdef int64_t key, i
    if found != NULL:
        return found[0]
    key = key_of(side, price)
    i = find_key(half, key)
    return <uint32_t>half.keys[i].level if i < half.n and half.keys[i].key == key else 0


cdef uint32_t add_level(Book* b, int side, int64_t price) noexcept nogil:
    """Make a level at a price that has none; `reserve` found the memory."""
    cdef HalfBook* half = &b.halves[side]
    cdef uint32_t* found
    cdef uint32_t v
    cdef int64_t key = key_of(side, price)
    cdef int64_t i = find_key(half, key)
    if not b.has_ladder_base:
        recentre(b, price)
    found = rung(b, price)
    if found == NULL:
        # As many as the window has rungs pay for moving it.
        b.ladder_misses += 1
        if b.ladder_misses > LADDER:
            recentre(b, price)
            found = rung(b, price)
    if b.free_level:
        v = b.free_level
        b.free_level = b.levels[v].next_free
    else:
        v = b.n_levels
        b.n_levels += 1
    memmove(half.keys + i + 1, half.keys + i, <size_t>(half.n - i) * sizeof(Key))
    half.keys[i].key = key
    half.keys[i].level = v
    half.n += 1
    if found != NULL:
        found[0] = v
    b.levels[v].price = price
    b.levels[v].quantity = 0
    b.levels[v].head = b.levels[v].tail = b.levels[v].count = 0
    return v


cdef inline void release_level(Book* b, uint32_t v) noexcept nogil:
    cdef uint32_t* found = rung(b, b.levels[v].price)
    if found != NULL:
        found[0] = 0
    b.levels[v].next_free = b.free_level
    b.free_level = v


cdef inline void append(Book* b, int side, int64_t slot, Order* o) noexcept nogil:
    """Put an order at the end of its price's queue."""
    cdef uint32_t v = find_level(b, side, o.price)
    cdef Level* level
    if v == 0:
        v = add_level(b, side, o.price)
    level = &b.levels[v]
    o.level = v
    o.prev = level.tail
    o.next = 0
    if level.tail:
        order_at(b, level.tail).next = <uint32_t>slot
    else:
        level.head = <uint32_t>slot
    level.tail = <uint32_t>slot
    level.quantity += o.remaining
    level.count += 1
    b.n_live += 1
    if b.rested <= INT64_MAX:
        b.rested += <uint64_t>o.remaining


cdef void unlink(Book* b, Order* o) noexcept nogil:
    """Take an order out of its queue, and an empty level off the book."""
    cdef Level* level = &b.levels[o.level]
    cdef HalfBook* half
    cdef int64_t i
    if o.prev:
        order_at(b, o.prev).next = o.next
    else:
        level.head = o.next
    if o.next:
        order_at(b, o.next).prev = o.prev
    else:
        level.tail = o.prev
    level.quantity -= o.remaining
    level.count -= 1
    if level.head == 0:
        half = &b.halves[o.side]
        i = find_key(half, key_of(o.side, level.price))
        memmove(half.keys + i, half.keys + i + 1, <size_t>(half.n - i - 1) * sizeof(Key))
        half.n -= 1
        release_level(b, o.level)
    o.level = 0
    b.n_live -= 1


cdef inline bint overflows(
    Book* b, int side, int64_t price, int64_t quantity, int64_t freed
) noexcept nogil:
    """Whether the level's total would pass 2^63-1.

    A price that has a level on its own side trades with nothing, so the whole quantity would rest.
    `freed` of that level is about to go.
    """
    cdef uint32_t v
    if b.rested <= <uint64_t>(INT64_MAX - quantity):
        return False  # the usual case: not even everything on one level would be too much
    # An order that trades finds no level of its own side at its price.
    if b.halves[1 - side].n and b.halves[1 - side].keys[b.halves[1 - side].n - 1].key >= (
        price if side == SELL else -price
    ):
        return False
    v = find_level(b, side, price)
    return v != 0 and quantity > INT64_MAX - (b.levels[v].quantity - freed)


cdef bint can_fill(Book* b, Terms* t, int64_t limit) noexcept nogil:
    """Whether a fill-or-kill order would fill, without its owner's own orders where that counts."""
    cdef HalfBook* half = &b.halves[1 - t.side]
    cdef int64_t needed = t.quantity
    cdef int64_t i = half.n - 1
    cdef Level* level
    cdef Order* o
    cdef uint32_t slot
    while i >= 0 and half.keys[i].key >= limit:
        level = &b.levels[half.keys[i].level]
        if t.stp == STP_OFF:
            if level.quantity >= needed:
                return True
            needed -= level.quantity
        else:
            slot = level.head
            while slot:
                o = order_at(b, slot)
                if o.has_owner and o.owner == t.owner:
                    if t.stp != STP_CANCEL_OLDEST:
                        return False
                elif o.remaining >= needed:
                    return True
                else:
                    needed -= o.remaining
                slot = o.next
        i -= 1
    return False


cdef inline void print_trade(
    Book* b, Terms* t, int64_t price, int64_t quantity, int64_t taker, int64_t maker
) noexcept nogil:
    cdef Print* p = print_at(b, b.n_prints)
    b.n_prints += 1
    b.timestamp += 1
    p.trade_id = b.next_trade_id
    b.next_trade_id += 1
    p.price = price
    p.quantity = quantity
    p.aggressor_order_id = taker
    p.passive_order_id = maker
    p.timestamp = b.timestamp
    p.aggressor_side = t.side
    memset(p.padding, 0, sizeof(p.padding))


cdef inline int64_t match(
    Book* b, Terms* t, int64_t taker, int64_t limit, int64_t* left
) noexcept nogil:
    """Trade with the other side; `left` is what is left, the answer what self-trade prevention took.

    One loop for all policies: splitting it would read every resting order twice.
    """
    cdef HalfBook* half = &b.halves[1 - t.side]
    cdef bint guarded = t.stp != STP_OFF
    cdef int64_t remaining = t.quantity
    cdef int64_t prevented = 0
    cdef int64_t quantity
    cdef uint32_t v, slot
    cdef Level* level
    cdef Order* o
    while remaining and half.n and half.keys[half.n - 1].key >= limit:
        v = <uint32_t>half.keys[half.n - 1].level
        level = &b.levels[v]
        slot = level.head
        while remaining and slot:
            o = order_at(b, slot)
            quantity = o.remaining if o.remaining < remaining else remaining
            if guarded and o.has_owner and o.owner == t.owner:
                if t.stp == STP_CANCEL_NEWEST:
                    prevented += remaining
                    remaining = 0
                    break
                if t.stp == STP_DECREMENT:
                    prevented += quantity
                    remaining -= quantity
                else:
                    quantity = o.remaining
                    if t.stp == STP_CANCEL_BOTH:
                        prevented += remaining
                        remaining = 0
                o.remaining -= quantity
                if o.remaining == 0:
                    o.status = CANCELLED
            else:
                print_trade(b, t, level.price, quantity, taker, id_of(b, slot))
                remaining -= quantity
                o.remaining -= quantity
                o.filled += quantity
                o.status = PARTIALLY_FILLED if o.remaining else FILLED
            level.quantity -= quantity
            if o.remaining == 0:
                o.level = 0
                slot = o.next
                level.count -= 1
                b.n_live -= 1
        level.head = slot
        if slot:
            order_at(b, slot).prev = 0
        else:
            half.n -= 1
            release_level(b, v)
    left[0] = remaining
    return prevented


cdef inline int64_t new_slot(Book* b) noexcept nogil:
    """Slot of the next id; the caller fills it in."""
    cdef int64_t slot = b.n_slots
    b.n_slots += 1
    b.next_order_id += 1
    b.timestamp += 1
    return slot


cdef void place(Book* b, Terms* t, Outcome* out) noexcept nogil:
    """Run one order to its end; stops are not looked at. `reserve` came before."""
    cdef int64_t order_id = b.next_order_id
    cdef int64_t slot = new_slot(b)
    cdef Order* o = order_at(b, slot)
    cdef int64_t limit = t.price if t.side == SELL else -t.price
    cdef HalfBook* other = &b.halves[1 - t.side]
    cdef bint crosses = other.n > 0 and other.keys[other.n - 1].key >= limit
    cdef int64_t left = t.quantity
    cdef int64_t prevented = 0
    o.price = t.price
    o.quantity = t.quantity
    o.timestamp = b.timestamp
    o.level = 0
    o.owner = t.owner
    o.has_owner = t.has_owner
    o.side = t.side
    o.tif = t.tif
    o.stp = t.stp
    out.order_id = order_id
    out.first_print = b.n_prints
    if not (t.tif == FOK and not can_fill(b, t, limit)) and not (t.post_only and crosses):
        if crosses:
            prevented = match(b, t, order_id, limit, &left)
    else:
        prevented = left
        left = 0
    out.end_print = b.n_prints
    out.filled = t.quantity - left - prevented
    o.filled = out.filled
    o.remaining = 0
    out.resting = 0
    out.cancelled = prevented
    if left and t.tif == GTC and not overflows(b, t.side, t.price, left, 0):
        o.remaining = left
        o.status = PARTIALLY_FILLED if out.filled else NEW
        append(b, t.side, slot, o)
        out.resting = left
        out.status = o.status
        return
    out.cancelled += left
    if out.cancelled == 0:
        o.status = out.status = FILLED
    else:
        o.status = CANCELLED
        out.status = PARTIALLY_FILLED if out.filled else CANCELLED


cdef inline int open_order(Book* b, int64_t order_id, int64_t* slot) noexcept nogil:
    """Whether the id is an order on the book; its slot, or why not."""
    slot[0] = slot_of(b, order_id)
    if slot[0] == 0 or order_at(b, slot[0]).status == IS_STOP:
        return NOT_FOUND
    if order_at(b, slot[0]).level == 0:
        return NOT_ACTIVE
    return NO_ERROR


cdef inline int64_t withdraw(Book* b, int64_t slot) noexcept nogil:
    """Cancel an order on the book; what was open of it."""
    cdef Order* o = order_at(b, slot)
    cdef int64_t quantity = o.remaining
    unlink(b, o)
    o.remaining = 0
    o.status = CANCELLED
    return quantity


cdef inline void lessen(Book* b, int64_t slot, int64_t quantity) noexcept nogil:
    """Take less than all off an order on the book, which keeps its turn."""
    order_at(b, slot).remaining -= quantity
    b.levels[order_at(b, slot).level].quantity -= quantity
