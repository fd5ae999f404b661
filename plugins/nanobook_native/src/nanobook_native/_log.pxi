# The log of requests in C: a few bytes each, since every fresh page costs more than what is written.
# A byte of kind and side, one of flags, then what the kind has, as numbers of seven bits a byte.

cdef enum:  # kinds of requests, as in EventKind
    OP_LIMIT = 0
    OP_MARKET = 1
    OP_CANCEL = 2
    OP_MODIFY = 3
    OP_STOP_MARKET = 4
    OP_STOP_LIMIT = 5
    OP_TRAILING_STOP_MARKET = 6
    OP_TRAILING_STOP_LIMIT = 7
    OP_REDUCE = 8
    OP_CANCEL_ALL = 9

cdef enum:
    LONGEST_ENTRY = 96

cdef struct Log:
    uint8_t* chunks[SEGMENTS]  # each twice as long as the one before; no entry lies in two
    int64_t lengths[SEGMENTS]  # of what is written in all but the last
    int n_chunks
    uint8_t* at  # where the next entry goes
    uint8_t* end
    bint is_on  # as was asked for
    bint is_whole  # only then it is kept

cdef struct Request:  # a row of a batch, without its symbol; also what one event says
    uint8_t op
    uint8_t side  # of cancel_all, 2 is both
    uint8_t tif  # 3 is post-only
    uint8_t trail
    uint8_t stp
    int64_t price
    int64_t stop_price
    int64_t quantity
    int64_t order_id
    int64_t owner  # -1 is none
    double trail_value
    uint32_t atr_period
    uint32_t symbol


cdef bint add_chunk(Log* log) noexcept nogil:
    cdef int64_t length = <int64_t>4096 << log.n_chunks
    cdef uint8_t* chunk = <uint8_t*>malloc(<size_t>length) if log.n_chunks < SEGMENTS else NULL
    if chunk == NULL:
        return False
    nb_prefer_huge_pages(chunk, <size_t>length)
    if log.n_chunks:
        log.lengths[log.n_chunks - 1] = log.at - log.chunks[log.n_chunks - 1]
    log.chunks[log.n_chunks] = log.at = chunk
    log.end = chunk + length
    log.n_chunks += 1
    return True


cdef void log_close(Log* log) noexcept nogil:
    """Forget everything."""
    cdef int i
    for i in range(log.n_chunks):
        free(log.chunks[i])
    log.n_chunks = 0
    log.at = log.end = NULL


cdef void lose_log(Log* log) noexcept nogil:
    """Note that the log does not go back to the start, so that no more of it is kept."""
    log_close(log)
    log.is_whole = False


cdef inline bint reserve_log(Log* log) noexcept nogil:
    return not log.is_whole or log.end - log.at >= LONGEST_ENTRY or add_chunk(log)


cdef inline void put_byte(Log* log, uint8_t byte) noexcept nogil:
    log.at[0] = byte
    log.at += 1


cdef inline void put(Log* log, uint64_t number) noexcept nogil:
    while number >= 128:
        put_byte(log, <uint8_t>(number | 128))
        number >>= 7
    put_byte(log, <uint8_t>number)


cdef inline void put_signed(Log* log, int64_t number) noexcept nogil:
    put(log, (<uint64_t>number << 1) ^ <uint64_t>(number >> 63))


cdef inline bint is_trailing(int op) noexcept nogil:
    return op == OP_TRAILING_STOP_MARKET or op == OP_TRAILING_STOP_LIMIT


cdef inline bint has_limit(int op) noexcept nogil:
    """Whether it makes an order with a limit and a time in force."""
    return op == OP_LIMIT or op == OP_STOP_LIMIT or op == OP_TRAILING_STOP_LIMIT


cdef inline void record(Log* log, const Request* r) noexcept nogil:
    """Append a request; `reserve_log` came before. Fields that the kind ignores are not read."""
    cdef uint8_t flags = 0
    if not log.is_whole:
        return
    if r.op == OP_CANCEL or r.op == OP_MODIFY or r.op == OP_REDUCE:
        put_byte(log, r.op)
        put(log, <uint64_t>r.order_id)
        if r.op == OP_MODIFY:
            put_signed(log, r.price)
        if r.op != OP_CANCEL:
            put(log, <uint64_t>r.quantity)
        return
    put_byte(log, r.op | <uint8_t>(r.side << 4))
    if has_limit(r.op):
        flags = r.tif
    if is_trailing(r.op):
        flags |= <uint8_t>(r.trail << 5)
    if r.op != OP_CANCEL_ALL:
        flags |= <uint8_t>(r.stp << 2)
    if r.owner >= 0:
        flags |= 128
    put_byte(log, flags)
    if r.owner >= 0:
        put(log, <uint64_t>r.owner)
    if r.op == OP_CANCEL_ALL:
        return
    put(log, <uint64_t>r.quantity)
    if has_limit(r.op):
        put_signed(log, r.price)
    if r.op == OP_LIMIT or r.op == OP_MARKET:
        return
    put_signed(log, r.stop_price)
    if is_trailing(r.op):
        memcpy(log.at, &r.trail_value, sizeof(double))
        log.at += sizeof(double)
        put(log, r.atr_period if r.trail + 1 == TRAIL_ATR else 0)


cdef inline uint64_t take(const uint8_t** at) noexcept nogil:
    cdef uint64_t number = 0
    cdef int shift = 0
    while at[0][0] >= 128:
        number |= <uint64_t>(at[0][0] & 127) << shift
        shift += 7
        at[0] += 1
    number |= <uint64_t>at[0][0] << shift
    at[0] += 1
    return number


cdef inline int64_t take_signed(const uint8_t** at) noexcept nogil:
    cdef uint64_t number = take(at)
    return <int64_t>(number >> 1) ^ -<int64_t>(number & 1)


cdef void read_entry(const uint8_t** at, Request* r) noexcept nogil:
    """Read the entry that begins at a place, and move on; the converse of `record`."""
    cdef uint8_t flags
    memset(r, 0, sizeof(Request))
    r.owner = -1
    r.op = at[0][0] & 15
    r.side = at[0][0] >> 4
    at[0] += 1
    if r.op == OP_CANCEL or r.op == OP_MODIFY or r.op == OP_REDUCE:
        r.order_id = <int64_t>take(at)
        if r.op == OP_MODIFY:
            r.price = take_signed(at)
        if r.op != OP_CANCEL:
            r.quantity = <int64_t>take(at)
        return
    flags = at[0][0]
    at[0] += 1
    r.tif = flags & 3
    r.stp = (flags >> 2) & 7
    r.trail = (flags >> 5) & 3
    if flags & 128:
        r.owner = <int64_t>take(at)
    if r.op == OP_CANCEL_ALL:
        return
    r.quantity = <int64_t>take(at)
    if has_limit(r.op):
        r.price = take_signed(at)
    if r.op == OP_LIMIT or r.op == OP_MARKET:
        return
    r.stop_price = take_signed(at)
    if is_trailing(r.op):
        memcpy(&r.trail_value, at[0], sizeof(double))
        at[0] += sizeof(double)
        r.atr_period = <uint32_t>take(at)
