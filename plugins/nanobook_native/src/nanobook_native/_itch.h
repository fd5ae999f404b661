/* What both ITCH kernels share: where messages begin and end, whether they are sound, what they
   teach. A field is read only once the length of its message has been found to be that of its type.
   What a type has is not written here: `_itch.pxi` makes the rules from the contracts. */

#ifndef NANOBOOK_ITCH_H
#define NANOBOOK_ITCH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ITCH_KEPT 1000 /* problems that are told one by one */
#define ITCH_LOCATES 65536
#define ITCH_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define ITCH_SELDOM __attribute__((noinline, cold))

/* In the order of `PROBLEMS`. The first is said by callers only, and so it means none here. */
enum {
    ITCH_SOUND,
    ITCH_TRUNCATED = ITCH_SOUND,
    ITCH_LENGTH_ZERO,
    ITCH_UNKNOWN_TYPE,
    ITCH_WRONG_LENGTH,
    ITCH_BAD_SIDE,
    ITCH_TOO_LARGE,
    ITCH_TIME_BACK,
    ITCH_UNKNOWN_REFERENCE,
    ITCH_DUPLICATE_REFERENCE,
    ITCH_EXCESS,
    ITCH_NO_SHARES,
    ITCH_WRONG_LOCATE,
    ITCH_REASONS
};

/* Of one type, which is of ASCII; offsets are from the type, 0 where it has no such field. */
typedef struct {
    uint8_t length; /* 0 where there is no such type */
    uint8_t family;
    uint8_t symbol;
    uint8_t side;
    uint8_t amount[3]; /* signed in the tables and of 8 bytes on the wire */
    uint8_t padding;
} itch_rule;

/* All ones where there is such a field, for what is read at its offset. */
#define ITCH_HAS(offset) (-(uint64_t)((offset) != 0))

typedef struct {
    int64_t offset;
    uint64_t found[3]; /* as `FOUND` in `_itch.pxi` names them */
    uint8_t reason, type;
} itch_problem;

typedef struct {
    int64_t n[ITCH_REASONS];
    int64_t n_kept;
    itch_problem kept[ITCH_KEPT];
} itch_problems;

/* By type; `_itch.pxi` fills it when a kernel is imported. */
static itch_rule itch_rules[256];

static inline uint64_t be16(const uint8_t *p) { return (uint64_t)p[0] << 8 | p[1]; }

static inline uint64_t be32(const uint8_t *p) {
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static inline uint64_t be64(const uint8_t *p) {
    return be32(p) << 32 | be32(p + 4);
}

/* Of a time: no message begins with one, so the two bytes before it can be read too. */
static inline int64_t be48(const uint8_t *p) {
    return (int64_t)(be64(p - 2) & 0xFFFFFFFFFFFF);
}

/* Eight bytes of text as they are in memory without the spaces on its right. */
static inline uint64_t itch_symbol(const uint8_t *p) {
    uint64_t text = be64(p), spaces = text ^ 0x2020202020202020;
    uint8_t bytes[8];
    if (spaces == 0)
        return 0;
    text &= ~(uint64_t)0 << (__builtin_ctzll(spaces) & ~7);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(text >> (56 - 8 * i));
    memcpy(&text, bytes, 8);
    return text;
}

static ITCH_SELDOM void itch_note(
    itch_problems *problems, int reason, uint8_t type, int64_t offset, uint64_t a, uint64_t b,
    uint64_t c
) {
    problems->n[reason]++;
    if (problems->n_kept < ITCH_KEPT) {
        itch_problem kept = {offset, {a, b, c}, (uint8_t)reason, type};
        problems->kept[problems->n_kept++] = kept;
    }
}

/* Types come in no order that a processor could foresee: so what depends on them is computed, not
   branched on. Where there is no such field its offset is that of the type. */
static inline bool itch_is_sound(const uint8_t *message, uint64_t length, int64_t before) {
    const itch_rule *rule = &itch_rules[message[0]];
    uint8_t side, high;
    if (ITCH_UNLIKELY(rule->length != length))
        return false;
    side = message[rule->side];
    high = message[rule->amount[0]] | message[rule->amount[1]] | message[rule->amount[2]];
    return !(((rule->side != 0) & (side != 'B') & (side != 'S')) | (high >> 7)
             | (be48(message + 5) < before));
}

static ITCH_SELDOM int itch_wrong(
    const uint8_t *message, uint64_t length, int64_t before, uint64_t found[3]
) {
    const itch_rule *rule = &itch_rules[message[0]];
    found[0] = found[1] = found[2] = 0;
    if (rule->length != length) {
        found[0] = length, found[1] = message[0], found[2] = rule->length;
        return rule->length == 0 ? ITCH_UNKNOWN_TYPE : ITCH_WRONG_LENGTH;
    }
    found[0] = message[rule->side];
    if (rule->side != 0 && found[0] != 'B' && found[0] != 'S')
        return ITCH_BAD_SIDE;
    for (int i = 0; i < 3; i++)
        if (message[rule->amount[i]] >= 0x80) {
            found[0] = rule->amount[i], found[1] = be64(message + rule->amount[i]);
            return ITCH_TOO_LARGE;
        }
    found[0] = (uint64_t)be48(message + 5), found[1] = (uint64_t)before;
    return ITCH_TIME_BACK;
}

/* What is wrong with a whole message, as far as decoding is concerned, and then in numbers. Of what
   is wrong, only `ITCH_TIME_BACK` is read all the same where reading is lenient. */
static inline int itch_check(
    const uint8_t *message, uint64_t length, int64_t before, uint64_t found[3]
) {
    if (ITCH_UNLIKELY(!itch_is_sound(message, length, before)))
        return itch_wrong(message, length, before, found);
    return ITCH_SOUND;
}

#endif
