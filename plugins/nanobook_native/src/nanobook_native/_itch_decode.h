/* One run of an ITCH feed becomes tables. Nothing here knows Python: what went wrong is left in the
   reader. */

#ifndef NANOBOOK_ITCH_DECODE_H
#define NANOBOOK_ITCH_DECODE_H

#include "_itch.h"

#define ITCH_FAMILIES 12
#define ITCH_FIELDS 20 /* of a message, at most */
#define ITCH_ORDERS 0 /* the family that has nearly all messages, and a writer of its own */

/* Reads one run of bytes after another. */
typedef struct {
    const uint8_t *data;
    int64_t size;
    int64_t at;        /* next byte of `data` */
    int64_t offset;    /* of `data` in the source */
    int64_t sequence;  /* messages before the next byte */
    int64_t timestamp; /* of the last message */
    bool strict;       /* the first problem stops reading, before its message */
    bool has_failed;   /* and is then the only one kept */
    bool ended;
    int64_t n_names; /* ascending; negative where all symbols are wanted */
    const uint64_t *names;
    uint64_t *symbols; /* of each locate: the eight bytes as they are in memory */
    uint8_t *wanted;   /* of each locate */
    int64_t counts[256];
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

static void itch_learn(itch_reader *r, uint64_t locate, uint64_t symbol) {
    r->symbols[locate] = symbol;
    r->wanted[locate] = itch_is_named(r, symbol);
}

/* Note a problem of the message at `at`, and return whether reading goes on. */
static __attribute__((noinline)) bool itch_goes_on(
    itch_reader *r, int reason, uint8_t type, const uint64_t found[3]
) {
    if (r->strict) {
        r->problems.n_kept = 0;
        r->has_failed = true;
    }
    itch_note(
        &r->problems, reason, type, r->offset + r->at, found[0], found[1], found[2]
    );
    return !r->strict;
}

enum { ITCH_STOPPED, ITCH_LEFT_OUT, ITCH_READ };

/* Look at the next message. `ITCH_READ`: it is `*message` and has taught its time and symbol; its
   number is `sequence - 1`. `ITCH_STOPPED`: at what is not whole, at the end's mark, or where strict
   reading has failed; nothing has changed but `ended`, or `has_failed` and `problems`. */
static inline int itch_next(itch_reader *r, const uint8_t **message) {
    const uint8_t *m = r->data + r->at + 2;
    int64_t left = r->size - r->at, length;
    uint64_t locate, symbol, found[3] = {0, 0, 0};
    const itch_rule *rule;
    int reason;
    if (ITCH_UNLIKELY(left < 2))
        return ITCH_STOPPED;
    length = (int64_t)be16(m - 2);
    if (ITCH_UNLIKELY(length > left - 2))
        return ITCH_STOPPED;
    if (ITCH_UNLIKELY(length == 0)) {
        if (left == 2) {
            r->ended = true;
            return ITCH_STOPPED;
        }
        if (!itch_goes_on(r, ITCH_LENGTH_ZERO, 0, found))
            return ITCH_STOPPED;
        r->at += 2;
        r->sequence++;
        return ITCH_LEFT_OUT;
    }
    reason = itch_check(m, (uint64_t)length, r->timestamp, found);
    if (ITCH_UNLIKELY(reason != ITCH_SOUND)) {
        if (!itch_goes_on(r, reason, m[0], found))
            return ITCH_STOPPED;
        if (reason != ITCH_TIME_BACK) {
            r->at += 2 + length;
            r->sequence++;
            return ITCH_LEFT_OUT;
        }
    }
    rule = &itch_rules[m[0]];
    locate = be16(m + 1);
    symbol = itch_symbol(m + rule->symbol);
    if (ITCH_UNLIKELY((rule->symbol != 0) & (symbol != r->symbols[locate])))
        itch_learn(r, locate, symbol);
    r->timestamp = be48(m + 5);
    r->counts[m[0]]++;
    r->at += 2 + length;
    r->sequence++;
    *message = m;
    return ITCH_READ;
}

/* A field of a type and its column; offsets are from the type, and from the row. */
typedef struct {
    uint8_t from, length, to, size; /* size: of the number in the row; 0 where it is text */
} itch_field;

/* Fields of a type, for all families but the orders'. */
typedef struct {
    int n_fields;
    itch_field fields[ITCH_FIELDS];
} itch_layout;

/* Offsets of the fields of a type of the orders' family; 0 where it has no such field. */
typedef struct {
    uint8_t new_reference, match, price, shares, mpid, side, printable;
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
    int64_t itemsize, type, symbol; /* in bytes; the latter two are offsets in a row */
} itch_table;

typedef struct {
    itch_reader reader;
    int64_t start, end;
    uint8_t types[256];  /* whether they are wanted */
    uint8_t always[256]; /* whether they are wanted whatever the symbols */
    itch_table tables[ITCH_FAMILIES];
    itch_table index;
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

static void itch_write_row(const itch_reader *r, const itch_table *table, const uint8_t *message) {
    const itch_layout *layout = &itch_layouts[message[0]];
    uint8_t *row = table->rows + table->n * table->itemsize;
    int64_t sequence = r->sequence - 1;
    memset(row, 0, (size_t)table->itemsize);
    memcpy(row, &sequence, 8);
    row[table->type] = message[0];
    memcpy(row + table->symbol, &r->symbols[be16(message + 1)], 8);
    for (int i = 0; i < layout->n_fields; i++) {
        const itch_field *field = &layout->fields[i];
        const uint8_t *from = message + field->from;
        if (field->size == 0)
            itch_copy_text(row + field->to, from, field->length);
        else {
            uint64_t number = 0;
            uint16_t small;
            for (int j = 0; j < field->length; j++)
                number = number << 8 | from[j];
            small = (uint16_t)number;
            memcpy(row + field->to, field->size == 2 ? (void *)&small : &number, field->size);
        }
    }
}

/* All ones where there is such a field, for what is read at its offset. */
#define ITCH_HAS(offset) (-(uint64_t)((offset) != 0))

static inline void itch_write_order(
    const itch_reader *r, const itch_table *table, const uint8_t *message
) {
    const itch_order_layout *at = &itch_order_layouts[message[0]];
    itch_order_row *row = (itch_order_row *)table->rows + table->n;
    uint64_t locate = be16(message + 1);
    itch_order_row it = {
        .sequence = r->sequence - 1,
        .timestamp = r->timestamp,
        .reference = be64(message + 11),
        .new_reference = be64(message + at->new_reference) & ITCH_HAS(at->new_reference),
        .match = be64(message + at->match) & ITCH_HAS(at->match),
        .price = (int64_t)(be32(message + at->price) & ITCH_HAS(at->price)),
        .shares = (int64_t)(be32(message + at->shares) & ITCH_HAS(at->shares)),
        .symbol = r->symbols[locate],
        .locate = (uint16_t)locate,
        .tracking = (uint16_t)be16(message + 3),
        .type = message[0],
        .side = (uint8_t)(message[at->side] & ITCH_HAS(at->side)),
        .printable = (uint8_t)(message[at->printable] & ITCH_HAS(at->printable)),
    };
    if (ITCH_UNLIKELY(it.printable == ' '))
        it.printable = 0;
    if (ITCH_UNLIKELY(at->mpid != 0))
        itch_copy_text((uint8_t *)&it.mpid, message + at->mpid, 4);
    *row = it;
}

static inline bool itch_is_wanted(const itch_decoder *d, const uint8_t *message) {
    const itch_reader *r = &d->reader;
    uint64_t locate = be16(message + 1);
    return d->types[message[0]] & (r->timestamp >= d->start) & (r->timestamp < d->end)
        & (r->wanted[locate] | d->always[message[0]]);
}

/* Write the rows of the next `limit` messages, and return whether there may be more of them. */
static bool itch_decode(itch_decoder *d, int64_t limit) {
    itch_table *index = &d->index;
    while (limit-- > 0) {
        const uint8_t *message = NULL;
        itch_table *table;
        itch_index_row *place;
        uint8_t family;
        int outcome = itch_next(&d->reader, &message);
        if (ITCH_UNLIKELY(outcome == ITCH_STOPPED))
            return false;
        if (outcome == ITCH_LEFT_OUT || !itch_is_wanted(d, message))
            continue;
        family = itch_rules[message[0]].family;
        table = &d->tables[family];
        if (ITCH_UNLIKELY(table->n == table->capacity || index->n == index->capacity)) {
            d->is_full = true;
            return false;
        }
        if (family == ITCH_ORDERS)
            itch_write_order(&d->reader, table, message);
        else
            itch_write_row(&d->reader, table, message);
        place = (itch_index_row *)index->rows + index->n++;
        *place = (itch_index_row){
            d->reader.sequence - 1, (uint32_t)table->n++, family, message[0], {0, 0}
        };
    }
    return true;
}

#endif
