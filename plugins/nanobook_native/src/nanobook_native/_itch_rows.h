/* Rows of the tables that books write: in memory that grows, until they are taken. */

#pragma once

#include "_itch_levels.h"

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
        cursor c = from_best(k, side);
        const level *it;
        for (int64_t j = 0; j < n && (it = next_level(&c)); j++) {
            prices[j] = price_of(it->key, side);
            shares[j] = (int64_t)it->shares;
            count[j] = (int32_t)it->count;
        }
    }
    return true;
}

/* Rows of all books, for the grid's times up to `last`; a time is written as a whole or not. */
static __attribute__((noinline)) itch_outcome write_grid(itch_books *b, int64_t last) {
    int64_t work = 0;
    for (; b->grid_at < b->n_grid && b->grid[b->grid_at] <= last; b->grid_at++) {
        int64_t at = b->grid[b->grid_at], n_before = b->depth.n;
        if (at < b->start || (uint64_t)at - (uint64_t)b->start >= b->span)
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
