/* What the books of an ITCH feed are made of, in memory and in rows. */

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "_itch.h"

#define PREFETCH(address) __builtin_prefetch(address)
#define LIKELY(claim) __builtin_expect(!!(claim), 1)
#define UNLIKELY(claim) __builtin_expect(!!(claim), 0)
#define COLD __attribute__((noinline, cold))

#define N_LOCATES ITCH_LOCATES
#define MESSAGES_PER_CHECK 32768 /* of signals: some milliseconds */
#define ORDERS_PER_CHECK (1 << 20)
#define NEAR 128  /* levels in one piece */
#define LINEAR 16 /* levels looked at one by one */
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
    int64_t start;
    uint64_t span; /* from `start` to the end */
    bool is_strict, is_ended;
    const uint64_t *symbols; /* sorted, those wanted */
    int64_t n_symbols;
    int64_t sequence, offset, timestamp;
    uint8_t type; /* of the message that was one order too many */
    int64_t counts[256];
    itch_problems problems;
    int (*check_signals)(void); /* takes the GIL; 0 if none has raised */
} itch_books;
