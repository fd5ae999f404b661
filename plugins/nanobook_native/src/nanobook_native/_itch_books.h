/* All books of an ITCH feed, message after message straight from its bytes.

   An order is 24 bytes of one open-addressing table for all books. A level is 16 bytes of its side's
   sorted run, the best last: nearly all changes are near the best, so the look from there is short
   and little moves. Nothing here knows Python; what went wrong comes back as an `itch_outcome`, and
   what an exception needs to say about it stands in `problems`. */

#include "_itch_orders.h"
#include "_itch_rows.h"

/* Keep a problem of the message at hand; returns whether it ends strict reading. */
static COLD bool refuse(itch_books *b, uint8_t type, int reason, uint64_t first, uint64_t second,
                        uint64_t third) {
    itch_note(&b->problems, reason, type, b->offset, first, second, third);
    return b->is_strict;
}

static bool is_wanted(const itch_books *b, uint64_t symbol) {
    int64_t low = 0, high = b->n_symbols;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (b->symbols[middle] < symbol)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->n_symbols && b->symbols[low] == symbol;
}

static COLD void learn(itch_books *b, book *k, uint64_t raw) {
    k->raw = raw;
    k->symbol = itch_symbol((const uint8_t *)&raw);
    k->is_skipped = b->symbols && k->symbol && !is_wanted(b, k->symbol);
}

static inline book *book_of(itch_books *b, const uint8_t *m) { return &b->books[be16(m + 1)]; }

static inline uint64_t raw_symbol(const uint8_t *m, int at) {
    uint64_t raw;
    memcpy(&raw, m + at, 8);
    return raw;
}

static inline level level_of(const order *o, uint32_t shares, uint32_t count) {
    return (level){key_of(o->price, o->side), count, shares};
}

/* Rows of what has changed at a level with so many better ones. */
static inline bool show(itch_books *b, const book *k, int64_t position, int64_t time) {
    if (position == 0 && b->bbo.is_wanted && !write_bbo(b, k, time))
        return false;
    return position >= b->n_levels || write_depth(b, k, b->sequence, time);
}

static inline bool write_change(itch_books *b, const uint8_t *m, const order *o, uint64_t reference,
                                uint64_t new_reference, uint32_t shares, uint32_t remaining,
                                int64_t level_shares, int64_t time) {
    if (!b->changes.is_wanted)
        return true;
    order_row *row = new_row(&b->changes);
    if (UNLIKELY(!row))
        return false;
    *row = (order_row){
        .sequence = b->sequence,
        .timestamp = time,
        .reference = reference,
        .new_reference = new_reference,
        .price = o->price,
        .shares = shares,
        .remaining = remaining,
        .level_shares = level_shares,
        .symbol = b->books[o->locate].symbol,
        .locate = o->locate,
        .type = m[0],
        .side = o->side ? 'S' : 'B',
    };
    return true;
}

/* Put an order into the empty slot for it, and say what its level has then. */
static inline level *enter(itch_books *b, order *slot, const order *o, int64_t *position) {
    book *k = &b->books[o->locate];
    *slot = *o;
    b->n_orders++;
    b->next_rank++;
    return add_level(b, k, o->side, level_of(o, o->shares, 1), position);
}

static inline int64_t leave(itch_books *b, order *o, int64_t *position) {
    order gone = *o;
    erase_order(b, o);
    return take_level(b, &b->books[gone.locate], gone.side, level_of(&gone, gone.shares, 1), position);
}

static void remember(const itch_books *b, const book *k, level *levels) {
    int64_t n = b->n_levels > 1 ? b->n_levels : 1;
    memset(levels, 0, (size_t)(2 * n) * sizeof(level));
    for (int side = 0; side < 2; side++) {
        cursor c = from_best(k, side);
        const level *it;
        for (int64_t j = 0; j < n && (it = next_level(&c)); j++)
            levels[side * n + j] = *it;
    }
}

/* The same as `enter`, after `old` if there is one has left, where another order has the reference:
   that leaves first. Two or three changes may cancel each other, so the levels are compared. */
static COLD level *displace(itch_books *b, const order *o, const order *old, bool is_shown,
                            int64_t time) {
    int64_t position, n = b->n_levels > 1 ? b->n_levels : 1;
    book *k = &b->books[o->locate];
    level *before = b->before, *after = b->before + 2 * n;
    remember(b, k, before);
    order *other = seek(b, o->reference);
    book *its = &b->books[other->locate];
    leave(b, other, &position);
    if (its != k && is_shown && !show(b, its, position, time))
        return NULL;
    if (old)
        leave(b, seek(b, old->reference), &position);
    level *found = enter(b, seek(b, o->reference), o, &position);
    if (!found || !is_shown)
        return found;
    remember(b, k, after);
    if (b->bbo.is_wanted && (memcmp(before, after, sizeof(level)) ||
                             memcmp(before + n, after + n, sizeof(level))) && !write_bbo(b, k, time))
        return NULL;
    if (b->n_levels && memcmp(before, after, (size_t)(2 * n) * sizeof(level)) &&
        !write_depth(b, k, b->sequence, time))
        return NULL;
    return found;
}

/* A, F */
static inline itch_outcome add(itch_books *b, const uint8_t *m, int64_t time, bool is_shown) {
    book *k = book_of(b, m);
    order o = {
        .reference = be64(m + 11),
        .price = be32(m + 32),
        .shares = be32(m + 20),
        .rank = (uint32_t)b->next_rank,
        .locate = (uint16_t)(k - b->books),
        .side = m[19] == 'S',
    };
    uint64_t known = k->raw, raw = raw_symbol(m, 24);
    int64_t position;
    level *found;
    if (UNLIKELY(raw != known))
        learn(b, k, raw);
    if (k->is_skipped)
        return ITCH_DONE;
    if (UNLIKELY(!o.shares || !o.price)) {
        if (!refuse(b, m[0], ITCH_NO_SHARES, o.reference, o.shares, o.price))
            return ITCH_DONE;
        learn(b, k, known);
        return ITCH_PROBLEM;
    }
    if (UNLIKELY(b->next_rank >= MOST_RANKS)) {
        learn(b, k, known);
        return ITCH_TOO_MANY;
    }
    order *slot = seek(b, o.reference);
    if (UNLIKELY(slot->shares)) {
        if (refuse(b, m[0], ITCH_DUPLICATE_REFERENCE, o.reference, 0, 0)) {
            learn(b, k, known);
            return ITCH_PROBLEM;
        }
        found = displace(b, &o, NULL, is_shown, time);
        position = INT64_MAX;
    } else {
        found = enter(b, slot, &o, &position);
    }
    if (UNLIKELY(!found))
        return ITCH_NO_MEMORY;
    if (!is_shown)
        return ITCH_DONE;
    bool is_written = write_change(b, m, &o, o.reference, 0, o.shares, o.shares,
                                   (int64_t)found->shares, time) &&
                      show(b, k, position, time);
    return LIKELY(is_written) ? ITCH_DONE : ITCH_NO_MEMORY;
}

static inline bool write_trade(itch_books *b, trade_row it) {
    if (!b->trades.is_wanted)
        return true;
    trade_row *row = new_row(&b->trades);
    if (UNLIKELY(!row))
        return false;
    *row = it;
    return true;
}

/* One character, which loses a space as all text does. */
static inline uint8_t code_of(uint8_t code) { return code == ' ' ? 0 : code; }

/* E, C, X, D: `shares` of them, or all */
static inline itch_outcome reduce(itch_books *b, const uint8_t *m, int64_t time, bool is_shown) {
    const uint8_t type = m[0];
    if (book_of(b, m)->is_skipped)
        return ITCH_DONE;
    uint64_t reference = be64(m + 11);
    order *at = seek(b, reference);
    if (UNLIKELY(!at->shares))
        return refuse(b, type, ITCH_UNKNOWN_REFERENCE, reference, 0, 0) ? ITCH_PROBLEM : ITCH_DONE;
    order o = *at;
    uint32_t shares = type == 'D' ? o.shares : be32(m + 19);
    if (UNLIKELY(shares > o.shares)) {
        if (refuse(b, type, ITCH_EXCESS, shares, reference, o.shares))
            return ITCH_PROBLEM;
        shares = o.shares;
    }
    if (UNLIKELY(be16(m + 1) != o.locate) &&
        refuse(b, type, ITCH_WRONG_LOCATE, be16(m + 1), reference, o.locate))
        return ITCH_PROBLEM;
    book *k = &b->books[o.locate];
    uint32_t remaining = o.shares - shares;
    int64_t position;
    int64_t left = take_level(b, k, o.side, level_of(&o, shares, !remaining), &position);
    if (remaining)
        at->shares = remaining;
    else
        erase_order(b, at);
    if (!is_shown)
        return ITCH_DONE;
    bool is_written = write_change(b, m, &o, reference, 0, shares, remaining, left, time) &&
                      (!shares || show(b, k, position, time));
    if (type == 'E' || type == 'C')
        is_written = is_written && write_trade(b, (trade_row){
                         .sequence = b->sequence,
                         .timestamp = time,
                         .price = type == 'C' ? be32(m + 32) : o.price,
                         .shares = shares,
                         .reference = reference,
                         .match = be64(m + 23),
                         .symbol = k->symbol,
                         .locate = o.locate,
                         .type = type,
                         .side = o.side ? 'B' : 'S',
                         .printable = type == 'C' ? code_of(m[31]) : 0,
                     });
    return LIKELY(is_written) ? ITCH_DONE : ITCH_NO_MEMORY;
}

/* U */
static inline itch_outcome replace(itch_books *b, const uint8_t *m, int64_t time, bool is_shown) {
    if (book_of(b, m)->is_skipped)
        return ITCH_DONE;
    uint64_t reference = be64(m + 11);
    order *at = seek(b, reference);
    if (UNLIKELY(!at->shares))
        return refuse(b, 'U', ITCH_UNKNOWN_REFERENCE, reference, 0, 0) ? ITCH_PROBLEM : ITCH_DONE;
    order old = *at, o = old;
    o.reference = be64(m + 19);
    o.shares = be32(m + 27);
    o.price = be32(m + 31);
    o.rank = (uint32_t)b->next_rank;
    if (UNLIKELY(!o.shares || !o.price))
        return refuse(b, 'U', ITCH_NO_SHARES, o.reference, o.shares, o.price) ? ITCH_PROBLEM
                                                                             : ITCH_DONE;
    order *slot = o.reference == reference ? at : seek(b, o.reference);
    bool is_taken = slot != at && slot->shares;
    if (UNLIKELY(is_taken) && refuse(b, 'U', ITCH_DUPLICATE_REFERENCE, o.reference, 0, 0))
        return ITCH_PROBLEM;
    if (UNLIKELY(be16(m + 1) != o.locate) &&
        refuse(b, 'U', ITCH_WRONG_LOCATE, be16(m + 1), reference, o.locate))
        return ITCH_PROBLEM;
    if (UNLIKELY(b->next_rank >= MOST_RANKS))
        return ITCH_TOO_MANY;
    book *k = &b->books[o.locate];
    int64_t position = INT64_MAX, entered;
    level *found;
    if (UNLIKELY(is_taken)) {
        found = displace(b, &o, &old, is_shown, time);
    } else {
        take_level(b, k, o.side, level_of(&old, old.shares, 1), &position);
        found = enter(b, slot, &o, &entered);
        if (slot == at)
            b->n_orders--;
        else
            erase_order(b, at);
        /* The second undoes the first, or else both are seen: see `show`. */
        position = o.price == old.price && o.shares == old.shares ? INT64_MAX
                   : entered < position                            ? entered
                                                                   : position;
    }
    if (UNLIKELY(!found))
        return ITCH_NO_MEMORY;
    if (!is_shown)
        return ITCH_DONE;
    bool is_written = write_change(b, m, &o, reference, o.reference, o.shares, o.shares,
                                   (int64_t)found->shares, time) &&
                      show(b, k, position, time);
    return LIKELY(is_written) ? ITCH_DONE : ITCH_NO_MEMORY;
}

/* P, Q, B: what is told of trades that touch no book */
static itch_outcome trade(itch_books *b, const uint8_t *m, int64_t time, bool is_shown) {
    const uint8_t type = m[0];
    const book *k = book_of(b, m);
    if (k->is_skipped || !is_shown)
        return ITCH_DONE;
    trade_row row = {
        .sequence = b->sequence,
        .timestamp = time,
        .symbol = k->symbol,
        .locate = (uint16_t)(k - b->books),
        .type = type,
    };
    if (type == 'P') {
        row.price = be32(m + 32);
        row.shares = be32(m + 20);
        row.reference = be64(m + 11);
        row.match = be64(m + 36);
    } else if (type == 'Q') {
        row.price = be32(m + 27);
        row.shares = (int64_t)be64(m + 11);
        row.match = be64(m + 31);
        row.cross = code_of(m[39]);
    } else {
        row.match = be64(m + 11);
    }
    return write_trade(b, row) ? ITCH_DONE : ITCH_NO_MEMORY;
}

/* Look at what a message will need: its order's slots and its book. Always inline, for a function
   that does nothing but that is one without an effect to a compiler, which drops its calls. */
static inline __attribute__((always_inline)) void prefetch_message(const itch_books *b, const uint8_t *m) {
    uint64_t reference = be64(m + 11), other = be64(m + 19);
    PREFETCH(&b->orders[home(b, reference)]);
    if (m[0] == 'U')
        PREFETCH(&b->orders[home(b, other)]);
    PREFETCH(book_of((itch_books *)b, m));
}

static inline __attribute__((always_inline)) void prefetch_levels(const itch_books *b, const uint8_t *m) {
    const book *k = book_of((itch_books *)b, m);
    for (int side = 0; side < 2; side++) /* as a number: there may be no level, and no piece */
        PREFETCH((const void *)((uintptr_t)(k->near[side] + k->n[side]) - sizeof(level)));
}

/* Learn the symbol of the locate, if it is told. */
static void meet(itch_books *b, const uint8_t *m) {
    int at = itch_rules[m[0]].symbol;
    book *k = book_of(b, m);
    if (at && raw_symbol(m, at) != k->raw)
        learn(b, k, raw_symbol(m, at));
}

static inline itch_outcome apply(itch_books *b, const uint8_t *m, int64_t time, bool is_shown) {
    switch (m[0]) {
    case 'A':
    case 'F':
        return add(b, m, time, is_shown);
    case 'D':
    case 'X':
    case 'E':
    case 'C':
        return reduce(b, m, time, is_shown);
    case 'U':
        return replace(b, m, time, is_shown);
    case 'P':
    case 'Q':
        meet(b, m);
        return trade(b, m, time, is_shown);
    case 'B':
        return trade(b, m, time, is_shown);
    default:
        meet(b, m);
        return ITCH_DONE;
    }
}

/* Apply whole messages up to a time. `n_read` is what was read, whatever the outcome. */
static itch_outcome itch_feed(itch_books *b, const uint8_t *data, int64_t n_bytes, int64_t until,
                              int64_t *n_read) {
    const uint8_t *at = data, *end = data + n_bytes;
    const uint8_t *ring[RING];
    uint8_t nothing[32] = {0};
    itch_outcome outcome = ITCH_DONE;
    int64_t n_unchecked = 0, ahead = 0;
    uint64_t found[3] = {0, 0, 0};
    unsigned turn = 0;
    for (unsigned i = 0; i < RING; i++)
        ring[i] = nothing;
    for (unsigned i = 0; i < AHEAD; i++) {
        if (n_bytes - ahead < 29)
            break;
        ring[i] = data + ahead + 2;
        prefetch_message(b, ring[i]);
        ahead += 2 + be16(data + ahead);
    }
    b->is_ended = false;
    while (end - at >= 2) {
        int64_t length = be16(at);
        const uint8_t *m = at + 2;
        if (length > end - m)
            break;
        if (UNLIKELY(length == 0 && m == end)) {
            b->is_ended = true;
            break;
        }
        if (UNLIKELY(++n_unchecked == MESSAGES_PER_CHECK)) {
            n_unchecked = 0;
            if (b->check_signals()) {
                outcome = ITCH_SIGNAL;
                break;
            }
        }
        if (LIKELY(n_bytes - ahead >= 29)) {
            const uint8_t *next = data + ahead + 2;
            ring[(turn + AHEAD) % RING] = next;
            prefetch_message(b, next);
            ahead += 2 + be16(next - 2);
        }
        prefetch_levels(b, ring[(turn + NEARER) % RING]);
        turn++;
        if (UNLIKELY(b->n_orders >= b->most_orders)) {
            outcome = b->most_orders >= MOST_LIVE ? ITCH_TOO_MANY : resize(b, 2 * b->n_slots);
            if (outcome)
                break;
        }
        int64_t time = 0;
        int reason = ITCH_LENGTH_ZERO;
        if (LIKELY(length != 0)) {
            if (LIKELY(length == itch_rules[m[0]].length) && (time = be48(m + 5)) > until)
                break;
            reason = itch_check(m, (uint64_t)length, b->timestamp, found);
        }
        if (UNLIKELY(reason != ITCH_SOUND)) {
            if (refuse(b, length ? m[0] : 0, reason, found[0], found[1], found[2])) {
                outcome = ITCH_PROBLEM;
                break;
            }
        }
        if (LIKELY(reason == ITCH_SOUND || reason == ITCH_TIME_BACK)) {
            if (UNLIKELY(b->grid_at < b->n_grid && b->grid[b->grid_at] < time) &&
                (outcome = write_grid(b, time - 1)))
                break;
            outcome = apply(b, m, time, time >= b->start && (uint64_t)time - (uint64_t)b->start < b->span);
            if (UNLIKELY(outcome))
                break;
            b->timestamp = time;
            b->counts[m[0]]++;
        }
        b->sequence++;
        at = m + length;
        b->offset += 2 + length;
    }
    if (outcome == ITCH_TOO_MANY)
        b->type = at[2];
    *n_read = at - data;
    return outcome;
}

static void itch_close(itch_books *b) {
    /* Only books that had an order have levels: to look at the others would cost all their pages. */
    for (int64_t word = 0; b->books && word < N_LOCATES / 64; word++)
        for (uint64_t bits = b->has_had[word]; bits; bits &= bits - 1)
            for (int side = 0; side < 2; side++) {
                book *k = &b->books[word * 64 + __builtin_ctzll(bits)];
                while (k->far[side])
                    remove_block(b, k, side, k->far[side]->n - 1);
                free(k->near[side]);
            }
    if (b->books)
        release(b->books, N_LOCATES * (int64_t)sizeof(book));
    if (b->orders)
        release(b->orders, b->n_slots * (int64_t)sizeof(order));
    free(b->bbo.rows);
    free(b->trades.rows);
    free(b->changes.rows);
    free(b->depth.rows);
    free(b->before);
}

/* Memory for what has been set; what was got is freed by `itch_close`, whether all was or not. */
static itch_outcome itch_open(itch_books *b) {
    int64_t n = b->n_levels > 1 ? b->n_levels : 1;
    b->bbo.row_size = sizeof(bbo_row);
    b->trades.row_size = sizeof(trade_row);
    b->changes.row_size = sizeof(order_row);
    b->depth.row_size = 32 + 40 * b->n_depth;
    b->books = zeros(N_LOCATES * (int64_t)sizeof(book));
    b->before = malloc((size_t)(4 * n) * sizeof(level));
    return b->books && b->before ? resize(b, 4096) : ITCH_NO_MEMORY;
}

/* Make room for so many orders at once, in books that have none. */
static itch_outcome itch_expect(itch_books *b, int64_t n_orders) {
    int64_t n_slots = b->n_slots;
    if (n_orders > MOST_LIVE)
        return ITCH_TOO_MANY;
    while (n_slots / 8 * 5 <= n_orders)
        n_slots *= 2;
    return n_slots == b->n_slots ? ITCH_DONE : resize(b, n_slots);
}

/* Take in an order of a snapshot; what there is of it is the caller's to check. */
static itch_outcome itch_restore(itch_books *b, const order *o) {
    int64_t position;
    return enter(b, seek(b, o->reference), o, &position) ? ITCH_DONE : ITCH_NO_MEMORY;
}

static int64_t itch_levels(const itch_books *b, int64_t locate, int side, int64_t n,
                           level_row *rows) {
    cursor c = from_best(&b->books[locate], side);
    const level *it;
    int64_t j = 0;
    for (; j < n && (it = next_level(&c)); j++)
        rows[j] = (level_row){price_of(it->key, side), (int64_t)it->shares, it->count};
    return j;
}

/* The live orders of a book, or of all where `locate` is negative, as they lie. */
static int64_t itch_orders(const itch_books *b, int64_t locate, live_row *rows) {
    int64_t n = 0;
    for (int64_t i = 0; i < b->n_slots; i++) {
        const order *o = &b->orders[i];
        if (!o->shares || (locate >= 0 && o->locate != locate))
            continue;
        if (rows)
            rows[n] = (live_row){.reference = o->reference,
                                 .rank = o->rank,
                                 .price = o->price,
                                 .shares = o->shares,
                                 .locate = o->locate,
                                 .side = o->side ? 'S' : 'B'};
        n++;
    }
    return n;
}
