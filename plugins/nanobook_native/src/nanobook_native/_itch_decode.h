/* One run of an ITCH feed becomes tables. Nothing here knows Python: what went wrong is left in the
   reader. */

#ifndef NANOBOOK_ITCH_DECODE_H
#define NANOBOOK_ITCH_DECODE_H

#include <stddef.h>

#include "_itch.h"

#define ITCH_FAMILIES 12
#define ITCH_FIELDS 20 /* of a message, at most */
#define ITCH_ORDERS 0 /* the family that has nearly all messages, and a writer of its own */

/* Where reading is. A copy that no pointer leads to stays in registers. */
typedef struct {
    int64_t at;        /* next byte of the data */
    int64_t sequence;  /* messages before it */
    int64_t timestamp; /* of the last message */
} itch_place;

typedef struct {
    const uint8_t *data;
    int64_t size;
    int64_t offset; /* of the data in the source */
    itch_place place;
    bool strict;     /* the first problem stops reading, before its message */
    bool has_failed; /* and is then the only one kept */
    bool ended;
    int64_t n_names;       /* negative where all symbols are wanted */
    const uint64_t *names; /* ascending */
    uint64_t *symbols;     /* of each locate: the eight bytes as they are in memory */
    uint8_t *wanted;       /* of each locate */
    int64_t counts[256]; /* of each type; what is left out is taken off */
    itch_problems problems;
} itch_reader;

/* Whether a symbol is wanted; one that is not known is. */
static bool itch_is_named(const itch_reader *r, uint64_t symbol) {
    int64_t low = 0, high = r->n_names;
    if (high < 0 || symbol == 0)
        return true;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (r->names[middle] < symbol)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->n_names && r->names[low] == symbol;
}

/* Which locates are wanted, by the symbols that are known. */
static void itch_want(itch_reader *r) {
    for (int locate = 0; locate < ITCH_LOCATES; locate++)
        r->wanted[locate] = itch_is_named(r, r->symbols[locate]);
}

static ITCH_SELDOM void itch_learn(itch_reader *r, uint64_t locate, uint64_t symbol) {
    r->symbols[locate] = symbol;
    r->wanted[locate] = itch_is_named(r, symbol);
}

enum { ITCH_STOPPED, ITCH_LEFT_OUT, ITCH_READ };

/* Note what is wrong with a message, and say how reading goes on. */
static ITCH_SELDOM int itch_go_on(
    itch_reader *r, const uint8_t *message, int64_t length, int64_t before
) {
    uint64_t found[3] = {0, 0, 0};
    int reason = ITCH_LENGTH_ZERO;
    if (length != 0)
        reason = itch_wrong(message, (uint64_t)length, before, found);
    itch_note(
        &r->problems, reason, length == 0 ? 0 : message[0], r->offset + (message - 2 - r->data),
        found[0], found[1], found[2]
    );
    if (r->strict) {
        r->has_failed = true;
        return ITCH_STOPPED;
    }
    if (reason == ITCH_TIME_BACK)
        return ITCH_READ;
    if (length != 0)
        r->counts[message[0]]--;
    return ITCH_LEFT_OUT;
}

/* Look at the next message. `ITCH_READ`: it is `*message` and has taught its time and symbol; its
   number is `sequence - 1`. `ITCH_STOPPED`: at what is not whole, at the end's mark, or where strict
   reading has failed; nothing has changed but `ended`, or `has_failed` and `problems`. */
static inline int itch_next(itch_reader *r, itch_place *place, const uint8_t **message) {
    const uint8_t *m = r->data + place->at + 2;
    int64_t left = r->size - place->at, length;
    uint64_t locate, symbol;
    const itch_rule *rule;
    if (ITCH_UNLIKELY(left < 2))
        return ITCH_STOPPED;
    length = (int64_t)be16(m - 2);
    if (ITCH_UNLIKELY(length > left - 2))
        return ITCH_STOPPED;
    if (ITCH_UNLIKELY(length == 0 && left == 2)) {
        r->ended = true;
        return ITCH_STOPPED;
    }
    if (ITCH_UNLIKELY(length == 0 || !itch_is_sound(m, (uint64_t)length, place->timestamp))) {
        int outcome = itch_go_on(r, m, length, place->timestamp);
        if (outcome == ITCH_STOPPED)
            return outcome;
        if (outcome == ITCH_LEFT_OUT) {
            place->at += 2 + length;
            place->sequence++;
            return outcome;
        }
    }
    rule = &itch_rules[m[0]];
    locate = be16(m + 1);
    symbol = itch_symbol(m + rule->symbol);
    if (ITCH_UNLIKELY(((symbol ^ r->symbols[locate]) & ITCH_HAS(rule->symbol)) != 0))
        itch_learn(r, locate, symbol);
    place->timestamp = be48(m + 5);
    place->at += 2 + length;
    place->sequence++;
    *message = m;
    return ITCH_READ;
}

/* A field of a type and its column; offsets are from the type, and from the row. */
typedef struct {
    uint8_t from, length, to;
} itch_field;

/* Fields of a type behind its time but for the symbol, for all families but the orders'. Numbers are
   of eight bytes in the row. */
typedef struct {
    int n_numbers, n_texts;
    itch_field numbers[ITCH_FIELDS];
    itch_field texts[ITCH_FIELDS];
} itch_layout;

/* Offsets of the fields of a type of the orders' family; 0 where it has no such field. */
typedef struct {
    uint8_t new_reference, match, price, shares, mpid, side, printable, padding;
} itch_order_layout;

static itch_layout itch_layouts[256];
static itch_order_layout itch_order_layouts[256];

/* As numpy aligns it, which the kernel checks when it is imported. */
typedef struct {
    int64_t sequence, timestamp;
    uint64_t reference, new_reference, match;
    int64_t price, shares;
    uint64_t symbol;
    uint32_t mpid;
    uint16_t locate, tracking;
    uint8_t type, side, printable, padding[5];
} itch_order_row;

typedef struct {
    int64_t sequence;
    uint32_t row;
    uint8_t family, type, padding[2];
} itch_index_row;

typedef struct {
    uint8_t *rows;
    int64_t n, capacity;
    int64_t itemsize; /* in bytes, as the offsets in a row are that follow */
    int64_t type, symbol, locate, tracking;
} itch_table;

typedef struct {
    itch_reader reader;
    bool has_filters;
    int64_t start, end;
    uint8_t types[256];  /* whether they are wanted */
    uint8_t always[256]; /* whether they are wanted whatever the symbols */
    itch_table tables[ITCH_FAMILIES];
    itch_table index; /* has room for as many as the tables together */
    bool is_full; /* there are more rows than were counted */
} itch_decoder;

/* How many whole messages there are of each type, right or wrong, from `at` on; up to `limit` of
   them, and then `at` is behind them. Returns whether it has met the limit. */
static bool itch_count(
    const uint8_t *data, int64_t size, int64_t *at, int64_t limit, int64_t counts[256]
) {
    int64_t next = *at;
    while (limit > 0 && size - next >= 2) {
        int64_t length = (int64_t)be16(data + next);
        if (length > size - next - 2)
            break;
        if (length > 0)
            counts[data[next + 2]]++;
        next += 2 + length;
        limit--;
    }
    *at = next;
    return limit == 0;
}

static inline void itch_copy_text(uint8_t *to, const uint8_t *from, int length) {
    while (length > 0 && from[length - 1] == ' ')
        length--;
    memcpy(to, from, (size_t)length);
}

static void itch_write_row(
    const itch_table *table, const uint64_t *symbols, const uint8_t *message, int64_t sequence
) {
    const itch_layout *layout = &itch_layouts[message[0]];
    uint8_t *row = table->rows + table->n * table->itemsize;
    int64_t timestamp = be48(message + 5);
    uint16_t locate = (uint16_t)be16(message + 1), tracking = (uint16_t)be16(message + 3);
    memset(row, 0, (size_t)table->itemsize);
    memcpy(row, &sequence, 8);
    memcpy(row + 8, &timestamp, 8);
    memcpy(row + table->symbol, &symbols[locate], 8);
    memcpy(row + table->locate, &locate, 2);
    memcpy(row + table->tracking, &tracking, 2);
    row[table->type] = message[0];
    for (int i = 0; i < layout->n_numbers; i++) {
        const itch_field *field = &layout->numbers[i];
        /* Eight bytes that end with it, of which those before it are taken off. */
        uint64_t number = be64(message + field->from + field->length - 8);
        number &= ~(uint64_t)0 >> (64 - 8 * field->length);
        memcpy(row + field->to, &number, 8);
    }
    for (int i = 0; i < layout->n_texts; i++) {
        const itch_field *field = &layout->texts[i];
        itch_copy_text(row + field->to, message + field->from, field->length);
    }
}

/* A number of `size` bytes as part of eight, `at` bytes from their beginning in memory. */
static inline uint64_t itch_part(uint64_t number, size_t at, size_t size) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (void)size, number << 8 * at;
#else
    return number << 8 * (8 - at - size);
#endif
}

/* Small columns are written eight bytes at once, from this one on. */
#define ITCH_WORD(row, column) ((uint8_t *)(row) + offsetof(__typeof__(*(row)), column))
#define ITCH_PART(row, first, column, number) \
    itch_part(number, offsetof(__typeof__(*(row)), column) - offsetof(__typeof__(*(row)), first), \
              sizeof (row)->column)

static inline void itch_write_order(
    itch_order_row *row, const uint64_t *symbols, const uint8_t *message, int64_t sequence
) {
    const itch_order_layout *at = &itch_order_layouts[message[0]];
    uint64_t locate = be16(message + 1);
    uint64_t side = message[at->side] & ITCH_HAS(at->side);
    uint64_t printable = message[at->printable] & ITCH_HAS(at->printable);
    uint64_t places = ITCH_PART(row, mpid, locate, locate)
        | ITCH_PART(row, mpid, tracking, be16(message + 3));
    uint64_t letters = ITCH_PART(row, type, type, message[0]) | ITCH_PART(row, type, side, side)
        | ITCH_PART(row, type, printable, printable == ' ' ? 0 : printable);
    row->sequence = sequence;
    row->timestamp = be48(message + 5);
    row->reference = be64(message + 11);
    row->new_reference = be64(message + at->new_reference) & ITCH_HAS(at->new_reference);
    row->match = be64(message + at->match) & ITCH_HAS(at->match);
    row->price = (int64_t)(be32(message + at->price) & ITCH_HAS(at->price));
    row->shares = (int64_t)(be32(message + at->shares) & ITCH_HAS(at->shares));
    row->symbol = symbols[locate];
    memcpy(ITCH_WORD(row, mpid), &places, 8);
    memcpy(ITCH_WORD(row, type), &letters, 8);
    if (ITCH_UNLIKELY(at->mpid != 0))
        itch_copy_text((uint8_t *)&row->mpid, message + at->mpid, 4);
}

static inline void itch_write_index(
    itch_index_row *row, int64_t sequence, int64_t number, uint8_t family, uint8_t type
) {
    uint64_t place = ITCH_PART(row, row, row, (uint64_t)number)
        | ITCH_PART(row, row, family, (uint64_t)family) | ITCH_PART(row, row, type, (uint64_t)type);
    row->sequence = sequence;
    memcpy(ITCH_WORD(row, row), &place, 8);
}

static inline bool itch_is_wanted(const itch_decoder *d, const uint8_t *message) {
    int64_t timestamp = be48(message + 5);
    if (!d->has_filters)
        return true;
    return d->types[message[0]] & (timestamp >= d->start) & (timestamp < d->end)
        & (d->reader.wanted[be16(message + 1)] | d->always[message[0]]);
}

/* Write the rows of the next `limit` messages, and return whether there may be more of them. */
static bool itch_decode(itch_decoder *d, int64_t limit) {
    itch_reader *r = &d->reader;
    itch_place place = r->place;
    itch_index_row *index = (itch_index_row *)d->index.rows + d->index.n;
    int outcome = ITCH_READ;
    for (; limit > 0; limit--) {
        const uint8_t *message = NULL;
        itch_table *table;
        uint8_t family;
        outcome = itch_next(r, &place, &message);
        if (ITCH_UNLIKELY(outcome == ITCH_STOPPED))
            break;
        if (outcome == ITCH_LEFT_OUT || !itch_is_wanted(d, message))
            continue;
        family = itch_rules[message[0]].family;
        table = &d->tables[family];
        if (ITCH_UNLIKELY(table->n == table->capacity)) {
            d->is_full = true;
            break;
        }
        if (family == ITCH_ORDERS)
            itch_write_order(
                (itch_order_row *)table->rows + table->n, r->symbols, message, place.sequence - 1
            );
        else
            itch_write_row(table, r->symbols, message, place.sequence - 1);
        itch_write_index(index++, place.sequence - 1, table->n++, family, message[0]);
    }
    r->place = place;
    d->index.n = index - (itch_index_row *)d->index.rows;
    return outcome != ITCH_STOPPED && !d->is_full;
}

#endif
