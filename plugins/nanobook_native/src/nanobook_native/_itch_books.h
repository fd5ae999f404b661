/* All books of an ITCH feed, message after message straight from its bytes.

   An order is 24 bytes of one open-addressing table for all books. A level is 16 bytes of its side's
   sorted run, the best last: nearly all changes are near the best, so the look from there is short
   and little moves. Nothing here knows Python; what went wrong comes back as an `itch_outcome`, and
   what an exception needs to say about it stands in `problems`. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "_itch.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#define LIKELY(claim) __builtin_expect(!!(claim), 1)
#define UNLIKELY(claim) __builtin_expect(!!(claim), 0)
#define COLD __attribute__((noinline, cold))
#define INLINE inline __attribute__((always_inline))
#else
#define PREFETCH(address) ((void)(address))
#define LIKELY(claim) (claim)
#define UNLIKELY(claim) (claim)
#define COLD
#define INLINE inline
#endif

#define N_LOCATES ITCH_LOCATES
#define MESSAGES_PER_CHECK 32768 /* of signals: some milliseconds */
#define ORDERS_PER_CHECK (1 << 20)
#define NEAR 128  /* levels in one piece */
#define LINEAR 8  /* levels looked at one by one */
#define RING 16   /* messages that are looked at ahead, a power of 2, */
#define AHEAD 12  /* for their orders' slots and for their books, */
#define NEARER 5  /* and by then for the levels of these */

/* Orders that arrive, so that ranks fit 32 bits; and orders that live at once, so that the counts of
   a level fit a signed number of 32 bits and their shares, each below 2^32, one of 64. */
#define MOST_RANKS UINT32_MAX
#define MOST_LIVE INT32_MAX

typedef enum {
    ITCH_DONE,
    ITCH_PROBLEM,
    ITCH_NO_MEMORY,
    ITCH_TOO_MANY,
    ITCH_SIGNAL = -1, /* and an exception is set */
} itch_outcome;

typedef struct {
    uint64_t reference;
    uint32_t price, shares; /* no shares: an empty slot */
    uint32_t rank;
    uint16_t locate;
    uint8_t side; /* 0 buys, 1 sells */
} order;

/* A key is a price of a bid, and of an ask its complement: the higher the better. */
typedef struct {
    uint32_t key, count;
    uint64_t shares;
} level;

typedef struct {
    int64_t n;
    level levels[NEAR];
} block;

/* What does not fit the nearest piece, in pieces, each worse than the next; none is empty. */
typedef struct {
    int64_t n, capacity;
    block **blocks;
} far_levels;

typedef struct {
    uint64_t raw, symbol; /* with the spaces on the right, and without */
    level *near[2];
    far_levels *far[2]; /* NULL where there are none, and `near` has some where there are */
    uint16_t n[2], capacity[2];
    bool is_skipped;
} book;

typedef struct {
    int64_t sequence, timestamp, bid, bid_shares, ask, ask_shares;
    int32_t bid_count, ask_count;
    uint64_t symbol;
    uint16_t locate, unused[3];
} bbo_row;

typedef struct {
    int64_t sequence, timestamp, price, shares;
    uint64_t reference, match, symbol;
    uint16_t locate;
    uint8_t type, side, printable, cross;
    uint16_t unused;
} trade_row;

typedef struct {
    int64_t sequence, timestamp;
    uint64_t reference, new_reference;
    int64_t price, shares, remaining, level_shares;
    uint64_t symbol;
    uint16_t locate;
    uint8_t type, side;
    uint32_t unused;
} order_row;

typedef struct {
    int64_t price, shares, count;
} level_row;

typedef struct {
    uint64_t reference;
    int64_t rank, price, shares;
    uint16_t locate;
    uint8_t side, unused[5];
} live_row;

_Static_assert(sizeof(order) == 24, "an order grew");
_Static_assert(sizeof(level) == 16, "a level grew");
_Static_assert(sizeof(book) == 64, "a book is no longer a line of the cache");
_Static_assert(sizeof(bbo_row) == 72 && offsetof(bbo_row, symbol) == 56, "see BBO");
_Static_assert(sizeof(trade_row) == 64 && offsetof(trade_row, type) == 58, "see TRADES");
_Static_assert(sizeof(order_row) == 80 && offsetof(order_row, type) == 74, "see ORDERS");
_Static_assert(sizeof(level_row) == 24, "see LEVEL");
_Static_assert(sizeof(live_row) == 40 && offsetof(live_row, locate) == 32, "see LIVE");

typedef struct {
    uint8_t *rows;
    int64_t n, capacity, row_size;
    bool is_wanted;
} table;

typedef struct {
    book *books; /* by locate */
    order *orders;
    int64_t n_slots, n_orders, most_orders; /* slots: a power of 2 */
    int shift;
    uint64_t seed;
    int64_t next_rank;
    int64_t level_bytes;
    table bbo, trades, changes, depth;
    int64_t n_levels; /* of a row of depth; 0 where it is not written on events */
    level *before;    /* the first `n_levels` of both sides, at least one, where all are compared */
    const int64_t *grid;
    int64_t n_grid, grid_at;
    int64_t n_depth; /* levels of a row of depth */
    uint64_t has_had[N_LOCATES / 64];
    int64_t start, span;
    bool is_strict, is_ended;
    const uint64_t *symbols; /* sorted, those wanted */
    int64_t n_symbols;
    int64_t sequence, offset, timestamp;
    int64_t counts[256];
    itch_problems problems;
    int (*check_signals)(void); /* takes the GIL; 0 if none has raised */
} itch_books;

/* ---- orders ---- */

/* Well mixed, whatever a day's references have in common; and begun with a secret, the process's as
   for Python's own dicts, since a file could else be made of references that all meet in one place,
   and each of them would have to pass all others. No result depends on it. */
static inline uint64_t mixed(uint64_t seed, uint64_t reference) {
    uint64_t x = reference ^ seed;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

static inline int64_t home(const itch_books *b, uint64_t reference) {
    return (int64_t)(mixed(b->seed, reference) >> b->shift);
}

/* The slot of an order, or the empty one where it would go. */
static inline order *seek(const itch_books *b, uint64_t reference) {
    int64_t mask = b->n_slots - 1, i = home(b, reference);
    order *o = &b->orders[i];
    while (o->reference != reference && o->shares) {
        i = (i + 1) & mask;
        o = &b->orders[i];
    }
    return o;
}

static inline void put_order(itch_books *b, const order *o) {
    *seek(b, o->reference) = *o;
    b->n_orders++;
}

/* Those behind it that would no longer be found move up. */
static inline void erase_order(itch_books *b, order *o) {
    int64_t mask = b->n_slots - 1, hole = o - b->orders;
    for (int64_t i = (hole + 1) & mask; b->orders[i].shares; i = (i + 1) & mask) {
        int64_t from = home(b, b->orders[i].reference);
        if (((i - from) & mask) >= ((i - hole) & mask)) {
            b->orders[hole] = b->orders[i];
            hole = i;
        }
    }
    b->orders[hole].shares = 0;
    b->n_orders--;
}

static void *zeros(int64_t n_bytes) {
#if defined(__linux__)
    /* In pages of 2 MB where there are any: each order is in another small one. */
    if (n_bytes >= 1 << 22) {
        void *memory = mmap(NULL, (size_t)n_bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return NULL;
        madvise(memory, (size_t)n_bytes, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return calloc(1, (size_t)n_bytes);
}

static void release(void *memory, int64_t n_bytes) {
#if defined(__linux__)
    if (n_bytes >= 1 << 22) {
        munmap(memory, (size_t)n_bytes);
        return;
    }
#endif
    (void)n_bytes;
    free(memory);
}

/* Make the table one of `n_slots`; as it was where it does not come to an end. Slots go by the
   uppermost bits, so the orders are written in the order in which they are read. */
static COLD itch_outcome resize(itch_books *b, int64_t n_slots) {
    itch_books larger = *b;
    if (n_slots > INT64_MAX / (int64_t)sizeof(order) ||
        !(larger.orders = zeros(n_slots * (int64_t)sizeof(order))))
        return ITCH_NO_MEMORY;
    larger.n_slots = n_slots;
    larger.n_orders = 0;
    for (larger.shift = 64; n_slots > 1; n_slots >>= 1)
        larger.shift--;
    for (int64_t i = 0; i < b->n_slots; i++) {
        if (b->orders[i].shares)
            put_order(&larger, &b->orders[i]);
        if (i % ORDERS_PER_CHECK == ORDERS_PER_CHECK - 1 && b->check_signals()) {
            release(larger.orders, larger.n_slots * (int64_t)sizeof(order));
            return ITCH_SIGNAL;
        }
    }
    if (b->orders)
        release(b->orders, b->n_slots * (int64_t)sizeof(order));
    b->orders = larger.orders;
    b->n_slots = larger.n_slots;
    b->shift = larger.shift;
    b->most_orders = b->n_slots / 8 * 5;
    if (b->most_orders > MOST_LIVE)
        b->most_orders = MOST_LIVE;
    return ITCH_DONE;
}

/* ---- levels ---- */

static inline uint32_t key_of(uint32_t price, int side) { return side ? ~price : price; }

/* The last of `n` levels whose key is not above `key`; -1 where there is none. */
static inline int64_t look(const level *levels, int64_t n, uint32_t key) {
    int64_t i = n - 1, low = n > LINEAR ? n - LINEAR : 0;
    while (i >= low && levels[i].key > key)
        i--;
    if (i >= low || low == 0)
        return i;
    int64_t high = low; /* those from `high` are above it, those before `low` are not */
    for (low = 0; low < high;) {
        int64_t middle = (low + high) / 2;
        if (levels[middle].key > key)
            high = middle;
        else
            low = middle + 1;
    }
    return low - 1;
}

static inline void insert_at(level *levels, int64_t n, int64_t i, level it) {
    memmove(levels + i + 1, levels + i, (size_t)(n - i) * sizeof(level));
    levels[i] = it;
}

static inline void remove_at(level *levels, int64_t n, int64_t i) {
    memmove(levels + i, levels + i + 1, (size_t)(n - 1 - i) * sizeof(level));
}

/* The piece in which `key` is or belongs: the last that begins at or below it, or the first. */
static int64_t find_block(const far_levels *far, uint32_t key) {
    int64_t low = 0, high = far->n;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (far->blocks[middle]->levels[0].key > key)
            high = middle;
        else
            low = middle + 1;
    }
    return low ? low - 1 : 0;
}

/* How many levels are better than the `i`-th of a piece; `n_levels` or more is as good as any. */
static int64_t far_position(const itch_books *b, const book *k, int side, int64_t at, int64_t i) {
    const far_levels *far = k->far[side];
    int64_t position = k->n[side] + far->blocks[at]->n - 1 - i;
    for (at++; at < far->n && position < b->n_levels; at++)
        position += far->blocks[at]->n;
    return position;
}

static COLD bool insert_block(itch_books *b, book *k, int side, int64_t at, const level *levels,
                              int64_t n) {
    far_levels *far = k->far[side];
    if (!far) {
        if (!(far = calloc(1, sizeof(far_levels))))
            return false;
        k->far[side] = far;
        b->level_bytes += (int64_t)sizeof(far_levels);
    }
    if (far->n == far->capacity) {
        int64_t capacity = far->capacity ? 2 * far->capacity : 4;
        block **blocks = realloc(far->blocks, (size_t)capacity * sizeof(block *));
        if (!blocks)
            return false;
        b->level_bytes += (capacity - far->capacity) * (int64_t)sizeof(block *);
        far->blocks = blocks;
        far->capacity = capacity;
    }
    block *it = malloc(sizeof(block));
    if (!it)
        return false;
    b->level_bytes += (int64_t)sizeof(block);
    it->n = n;
    memcpy(it->levels, levels, (size_t)n * sizeof(level));
    memmove(far->blocks + at + 1, far->blocks + at, (size_t)(far->n - at) * sizeof(block *));
    far->blocks[at] = it;
    far->n++;
    return true;
}

static COLD void remove_block(itch_books *b, book *k, int side, int64_t at) {
    far_levels *far = k->far[side];
    free(far->blocks[at]);
    far->n--;
    memmove(far->blocks + at, far->blocks + at + 1, (size_t)(far->n - at) * sizeof(block *));
    b->level_bytes -= (int64_t)sizeof(block);
    if (far->n)
        return;
    b->level_bytes -= (int64_t)sizeof(far_levels) + far->capacity * (int64_t)sizeof(block *);
    free(far->blocks);
    free(far);
    k->far[side] = NULL;
}

/* Make room for one more near level. */
static COLD bool make_room(itch_books *b, book *k, int side) {
    int64_t n = k->n[side], locate = k - b->books;
    if (n < NEAR) {
        int64_t capacity = n ? 2 * n : 8;
        b->has_had[locate >> 6] |= (uint64_t)1 << (locate & 63);
        level *near = realloc(k->near[side], (size_t)capacity * sizeof(level));
        if (!near)
            return false;
        b->level_bytes += (capacity - k->capacity[side]) * (int64_t)sizeof(level);
        k->near[side] = near;
        k->capacity[side] = (uint16_t)capacity;
        return true;
    }
    int64_t far = k->far[side] ? k->far[side]->n : 0;
    if (!insert_block(b, k, side, far, k->near[side], NEAR / 2))
        return false;
    memcpy(k->near[side], k->near[side] + NEAR / 2, NEAR / 2 * sizeof(level));
    k->n[side] = NEAR / 2;
    return true;
}

static COLD level *add_far(itch_books *b, book *k, int side, level it, int64_t *position) {
    int64_t at = find_block(k->far[side], it.key);
    block *piece = k->far[side]->blocks[at];
    int64_t i = look(piece->levels, piece->n, it.key);
    if (i >= 0 && piece->levels[i].key == it.key) {
        piece->levels[i].shares += it.shares;
        piece->levels[i].count += it.count;
    } else {
        if (piece->n == NEAR) {
            if (!insert_block(b, k, side, at + 1, piece->levels + NEAR / 2, NEAR / 2))
                return NULL;
            piece->n = NEAR / 2;
            return add_far(b, k, side, it, position);
        }
        insert_at(piece->levels, piece->n++, ++i, it);
    }
    *position = far_position(b, k, side, at, i);
    return &piece->levels[i];
}

/* Add to a level, or add one, and say how many are better; NULL where memory is full. */
static inline level *add_level(itch_books *b, book *k, int side, level it, int64_t *position) {
    for (;;) {
        int64_t n = k->n[side], i = look(k->near[side], n, it.key);
        level *near = k->near[side];
        if (i >= 0 && near[i].key == it.key) {
            near[i].shares += it.shares;
            near[i].count += it.count;
            *position = n - 1 - i;
            return &near[i];
        }
        if (UNLIKELY(i < 0 && k->far[side]))
            return add_far(b, k, side, it, position);
        if (LIKELY(n < k->capacity[side])) {
            insert_at(near, n, i + 1, it);
            k->n[side] = (uint16_t)(n + 1);
            *position = n - 1 - i;
            return &near[i + 1];
        }
        if (!make_room(b, k, side))
            return NULL;
    }
}

static COLD int64_t take_far(itch_books *b, book *k, int side, level it, int64_t *position) {
    int64_t at = find_block(k->far[side], it.key);
    block *piece = k->far[side]->blocks[at];
    int64_t i = look(piece->levels, piece->n, it.key);
    level *found = &piece->levels[i];
    *position = far_position(b, k, side, at, i);
    found->shares -= it.shares;
    found->count -= it.count;
    int64_t left = (int64_t)found->shares;
    if (!found->count) {
        remove_at(piece->levels, piece->n--, i);
        if (!piece->n)
            remove_block(b, k, side, at);
    }
    return left;
}

static COLD void bring_near(itch_books *b, book *k, int side) {
    int64_t at = k->far[side]->n - 1;
    const block *piece = k->far[side]->blocks[at];
    memcpy(k->near[side], piece->levels, (size_t)piece->n * sizeof(level)); /* it has room of NEAR */
    k->n[side] = (uint16_t)piece->n;
    remove_block(b, k, side, at);
}

/* Take shares and orders off a level, which is there since each live order has one; return what
   shares are left, and say how many levels are better. */
static inline int64_t take_level(itch_books *b, book *k, int side, level it, int64_t *position) {
    level *near = k->near[side];
    int64_t n = k->n[side], i = look(near, n, it.key);
    if (UNLIKELY(i < 0))
        return take_far(b, k, side, it, position);
    *position = n - 1 - i;
    int64_t left = (int64_t)(near[i].shares -= it.shares);
    if (!(near[i].count -= it.count)) {
        remove_at(near, n, i);
        k->n[side] = (uint16_t)(n - 1);
        if (UNLIKELY(n == 1 && k->far[side]))
            bring_near(b, k, side);
    }
    return left;
}

/* The best `n` levels of a side, best first; returns how many there are. */
static int64_t copy_levels(const book *k, int side, int64_t n, level *found) {
    int64_t n_found = 0;
    for (int64_t i = k->n[side] - 1; i >= 0 && n_found < n; i--)
        found[n_found++] = k->near[side][i];
    const far_levels *far = k->far[side];
    for (int64_t at = far ? far->n - 1 : -1; at >= 0 && n_found < n; at--)
        for (int64_t i = far->blocks[at]->n - 1; i >= 0 && n_found < n; i--)
            found[n_found++] = far->blocks[at]->levels[i];
    return n_found;
}

static int64_t count_levels(const book *k, int side) {
    int64_t n = k->n[side];
    for (int64_t at = k->far[side] ? k->far[side]->n - 1 : -1; at >= 0; at--)
        n += k->far[side]->blocks[at]->n;
    return n;
}

static int64_t price_of(uint32_t key, int side) { return side ? (uint32_t)~key : key; }

/* ---- rows ---- */

static COLD uint8_t *more_rows(table *t) {
    int64_t capacity = t->capacity ? 2 * t->capacity : 1024;
    uint8_t *rows = capacity > INT64_MAX / 2 / t->row_size
                        ? NULL
                        : realloc(t->rows, (size_t)(capacity * t->row_size));
    if (!rows)
        return NULL;
    t->rows = rows;
    t->capacity = capacity;
    return rows;
}

/* Room for one more row, which counts at once; NULL where memory is full. */
static inline void *new_row(table *t) {
    if (UNLIKELY(t->n == t->capacity) && !more_rows(t))
        return NULL;
    return t->rows + t->n++ * t->row_size;
}

static inline bool write_bbo(itch_books *b, const book *k, int64_t time) {
    static const level none = {0, 0, 0};
    bbo_row *row = new_row(&b->bbo);
    if (UNLIKELY(!row))
        return false;
    const level *bid = k->n[0] ? &k->near[0][k->n[0] - 1] : &none;
    const level *ask = k->n[1] ? &k->near[1][k->n[1] - 1] : &none;
    *row = (bbo_row){
        .sequence = b->sequence,
        .timestamp = time,
        .bid = bid->key,
        .bid_shares = (int64_t)bid->shares,
        .ask = k->n[1] ? (uint32_t)~ask->key : 0,
        .ask_shares = (int64_t)ask->shares,
        .bid_count = (int32_t)bid->count,
        .ask_count = (int32_t)ask->count,
        .symbol = k->symbol,
        .locate = (uint16_t)(k - b->books),
    };
    return true;
}

/* See `depth_columns`: two columns of `n_depth` numbers a side, then two of as many counts. */
static bool write_depth(itch_books *b, const book *k, int64_t sequence, int64_t time) {
    uint8_t *row = new_row(&b->depth);
    if (UNLIKELY(!row))
        return false;
    const int64_t n = b->n_depth;
    int64_t *head = (int64_t *)row;
    int32_t *counts = (int32_t *)(row + 16 + 32 * n);
    memset(row, 0, (size_t)b->depth.row_size);
    head[0] = sequence;
    head[1] = time;
    memcpy(row + 16 + 40 * n, &k->symbol, 8);
    uint16_t locate = (uint16_t)(k - b->books);
    memcpy(row + 24 + 40 * n, &locate, 2);
    for (int side = 0; side < 2; side++) {
        int64_t *prices = head + 2 + 2 * n * side, *shares = prices + n;
        int32_t *count = counts + n * side;
        const far_levels *far = k->far[side];
        const level *levels = k->near[side];
        int64_t i = k->n[side] - 1, at = far ? far->n : 0;
        for (int64_t j = 0; j < n; j++, i--) {
            if (i < 0) {
                if (at == 0)
                    break;
                levels = far->blocks[--at]->levels;
                i = far->blocks[at]->n - 1;
            }
            prices[j] = price_of(levels[i].key, side);
            shares[j] = (int64_t)levels[i].shares;
            count[j] = (int32_t)levels[i].count;
        }
    }
    return true;
}

/* Rows of all books, for the grid's times below `time`; a time is written as a whole or not. */
static COLD itch_outcome write_grid(itch_books *b, int64_t time) {
    int64_t work = 0;
    for (; b->grid_at < b->n_grid && b->grid[b->grid_at] < time; b->grid_at++) {
        int64_t at = b->grid[b->grid_at], n_before = b->depth.n;
        if (at < b->start || at - b->start >= b->span)
            continue;
        for (int64_t word = 0; word < N_LOCATES / 64; word++) {
            work++;
            for (uint64_t bits = b->has_had[word]; bits; bits &= bits - 1) {
                const book *k = &b->books[word * 64 + __builtin_ctzll(bits)];
                if (!write_depth(b, k, b->sequence - 1, at))
                    return ITCH_NO_MEMORY;
                work += b->n_depth;
            }
            if (work >= ORDERS_PER_CHECK) {
                work = 0;
                if (b->check_signals()) {
                    b->depth.n = n_before;
                    return ITCH_SIGNAL;
                }
            }
        }
    }
    return ITCH_DONE;
}

/* ---- messages ---- */

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
    for (int side = 0; side < 2; side++)
        copy_levels(k, side, n, levels + side * n);
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

/* Look at what a message will need: its order's slots and its book. */
static INLINE void prefetch_message(const itch_books *b, const uint8_t *m) {
    uint64_t reference = be64(m + 11), other = be64(m + 19);
    PREFETCH(&b->orders[home(b, reference)]);
    if (m[0] == 'U')
        PREFETCH(&b->orders[home(b, other)]);
    PREFETCH(book_of((itch_books *)b, m));
}

static INLINE void prefetch_levels(const itch_books *b, const uint8_t *m) {
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
                (outcome = write_grid(b, time)))
                break;
            outcome = apply(b, m, time, (uint64_t)(time - b->start) < (uint64_t)b->span);
            if (UNLIKELY(outcome))
                break;
            b->timestamp = time;
            b->counts[m[0]]++;
        }
        b->sequence++;
        at = m + length;
        b->offset += 2 + length;
    }
    *n_read = at - data;
    return outcome;
}

/* ---- the whole ---- */

static void itch_close(itch_books *b) {
    for (int64_t locate = 0; b->books && locate < N_LOCATES; locate++)
        for (int side = 0; side < 2; side++) {
            book *k = &b->books[locate];
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

/* Take in an order of a snapshot; its rank is the caller's to check. */
static itch_outcome itch_restore(itch_books *b, const order *o) {
    int64_t position;
    if (b->n_orders >= b->most_orders) {
        itch_outcome outcome =
            b->most_orders >= MOST_LIVE ? ITCH_TOO_MANY : resize(b, 2 * b->n_slots);
        if (outcome)
            return outcome;
    }
    return enter(b, seek(b, o->reference), o, &position) ? ITCH_DONE : ITCH_NO_MEMORY;
}

static int64_t itch_levels(const itch_books *b, int64_t locate, int side, int64_t n,
                           level_row *rows) {
    const book *k = &b->books[locate];
    const far_levels *far = k->far[side];
    const level *levels = k->near[side];
    int64_t i = k->n[side] - 1, at = far ? far->n : 0, j = 0;
    for (; j < n; j++, i--) {
        if (i < 0) {
            if (at == 0)
                break;
            levels = far->blocks[--at]->levels;
            i = far->blocks[at]->n - 1;
        }
        rows[j] = (level_row){price_of(levels[i].key, side), (int64_t)levels[i].shares,
                              levels[i].count};
    }
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
