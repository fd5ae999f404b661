/* The table of live orders by reference: open addressing, at most five slots of eight taken, and no
   tombstones, so that it stays as quick all day. */

#pragma once

#include "_itch_state.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

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
static __attribute__((noinline)) itch_outcome resize(itch_books *b, int64_t n_slots) {
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
