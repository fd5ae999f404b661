/* The levels of a side of a book: a sorted run, the best last, as nearly all changes are near the
   best; of very many, those farther away in pieces of their own, so that no change moves more than
   one piece. */

#pragma once

#include "_itch_state.h"

static inline uint32_t key_of(uint32_t price, int side) { return side ? ~price : price; }

/* The last of `n` levels whose key is not above `key`; -1 where there is none. Most are among the
   best few; of others each step is chosen without a branch, which nothing could foresee. */
static inline int64_t look(const level *levels, int64_t n, uint32_t key) {
    int64_t i = n - 1, low = n > LINEAR ? n - LINEAR : 0;
    while (i >= low && levels[i].key > key)
        i--;
    if (i >= low || low == 0)
        return i;
    const level *from = levels;
    for (int64_t rest = low; rest > 1; rest -= rest / 2) {
        const level *middle = from + rest / 2;
        from = middle->key > key ? from : middle;
    }
    return from->key > key ? -1 : from - levels;
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

/* Nothing is hung in before all of it is there. */
static COLD bool insert_block(itch_books *b, book *k, int side, int64_t at, const level *levels,
                              int64_t n) {
    far_levels *far = k->far[side];
    block *it = malloc(sizeof(block));
    if (!it)
        return false;
    if (!far && !(far = calloc(1, sizeof(far_levels)))) {
        free(it);
        return false;
    }
    if (far->n == far->capacity) {
        int64_t capacity = far->capacity ? 2 * far->capacity : 4;
        block **blocks = realloc(far->blocks, (size_t)capacity * sizeof(block *));
        if (!blocks) {
            free(it);
            if (!k->far[side])
                free(far);
            return false;
        }
        b->level_bytes += (capacity - far->capacity) * (int64_t)sizeof(block *);
        far->blocks = blocks;
        far->capacity = capacity;
    }
    if (!k->far[side]) {
        k->far[side] = far;
        b->level_bytes += (int64_t)sizeof(far_levels);
    }
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

/* The levels of a side one after another, best first. */
typedef struct {
    const far_levels *far;
    const level *levels;
    int64_t i, at;
} cursor;

static inline cursor from_best(const book *k, int side) {
    const far_levels *far = k->far[side];
    return (cursor){far, k->near[side], k->n[side] - 1, far ? far->n : 0};
}

static inline const level *next_level(cursor *c) {
    if (c->i < 0) {
        if (c->at == 0)
            return NULL;
        const block *piece = c->far->blocks[--c->at];
        c->levels = piece->levels;
        c->i = piece->n - 1;
    }
    return &c->levels[c->i--];
}

static int64_t count_levels(const book *k, int side) {
    int64_t n = k->n[side];
    for (int64_t at = k->far[side] ? k->far[side]->n - 1 : -1; at >= 0; at--)
        n += k->far[side]->blocks[at]->n;
    return n;
}

static int64_t price_of(uint32_t key, int side) { return side ? (uint32_t)~key : key; }
