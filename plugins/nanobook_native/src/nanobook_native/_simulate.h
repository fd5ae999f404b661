/* One period after another of a simulation. In C, because Cython knows no 128-bit integers.

   Whatever is wrong or out of the ordinary ends the run with `false`, and the core does all of it:
   so nothing here has a message, and nothing here may wrap. Only a signal that raises ends it with
   `false` and an error that is set. Prices and quantities are 64-bit,
   values of single positions stay below 2^62, sums and products are made with 128 bits. */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef __int128 wide;

#define BPS 10000
#define LARGEST INT64_MAX
#define EXACT_FLOAT 9007199254740992.0 /* 2^53: whole numbers below it are exact */
#define SAFE 4611686018427387904.0     /* 2^62 */
#define SCALE 32
#define WORK_PER_CHECK (1 << 19) /* in symbols passed: 20 ms at most, 5 where numbers are small */

typedef struct {
    int64_t period, column, level, quantity, reason;
} stop_row;

typedef struct {
    int64_t n_symbols, depth;
    int64_t cost_bps, minimum_fee, cheap; /* up to `cheap`, notional times bps fits 64 bits */
    double fixed, trailing, atr_multiple;
    bool scale_to_cash, has_stops, is_ruined;
    bool has_large; /* whether any row so far had numbers that are not small */
    int64_t ruined_at;
    int64_t cash;
    int64_t *quantity, *mark, *value, *lots, *opening;
    int64_t *side, *entry, *best, *last, *count, *changes; /* changes: depth rows */
    wide *change_sum;
    stop_row *stops;
    int64_t n_stops, stop_capacity;
    int64_t work;               /* since signals were looked for */
    int (*check_signals)(void); /* takes the GIL; 0 if none has raised */
} account;

/* Count one pass over all symbols, and let signals have their turn. One period may have many passes
   and many symbols, so to look between periods is not enough. */
static bool may_go_on(account *a) {
    a->work += a->n_symbols;
    if (a->work < WORK_PER_CHECK)
        return true;
    a->work = 0;
    return a->check_signals() == 0;
}

static bool fits(wide amount) { return amount >= -(wide)LARGEST && amount <= (wide)LARGEST; }

static inline wide size_of(wide amount) { return amount < 0 ? -amount : amount; }

static inline int64_t charged(const account *a, wide cost) {
    if (cost < a->minimum_fee)
        cost = a->minimum_fee;
    return cost > LARGEST ? LARGEST : (int64_t)cost;
}

static inline int64_t cost_of(const account *a, wide notional) {
    return charged(a, notional * a->cost_bps / BPS);
}

/* The same, faster, for the notional of an order, which is below 2^62. */
static inline int64_t order_cost(const account *a, int64_t notional) {
    if (notional > a->cheap)
        return cost_of(a, notional);
    int64_t cost = notional * a->cost_bps / BPS;
    return cost < a->minimum_fee ? a->minimum_fee : cost;
}

/* Truncated towards zero, as division is in C. Of whole numbers below 2^53 the float quotient is
   enough: what is not whole lies too far from the next whole number to be rounded up to it. */
static inline int64_t quotient(int64_t amount, int64_t price) {
    double size = fabs((double)amount);
    if (size >= EXACT_FLOAT || (double)price >= EXACT_FLOAT)
        return amount / price;
    int64_t whole = (int64_t)(size / (double)price);
    return amount < 0 ? -whole : whole;
}

/* The loops over small whole numbers are for the vector units. Those of the newest processors are
   taken where the compiler can leave the choice to the program's start. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#if __GNUC__ >= 12
#define VECTORS __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTORS __attribute__((target_clones("avx2", "default")))
#endif
#else
#define VECTORS
#endif

#define SMALL 50                       /* bits of numbers below which these are exact */
#define NEAREST 6755399441055744.0     /* 1.5 * 2^52: added, it leaves the nearest whole number */
#define NEAREST_BITS 0x4338000000000000
#define INFINITE_BITS 0x7ff0000000000000 /* those of NaN are above it */

static inline double float_of(int64_t bits) {
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline int64_t bits_of(double number) {
    int64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* Processors convert whole numbers of 64 bits one by one; these conversions are vectors. Nothing of
   the sort is said of numbers that are not small, but that they do not trap. */
static inline double to_float(int64_t whole) {
    return float_of((int64_t)((uint64_t)whole + NEAREST_BITS)) - NEAREST;
}

static inline int64_t to_whole(double number) {
    return (int64_t)((uint64_t)bits_of(number + NEAREST) - NEAREST_BITS);
}

static inline double rounded_down(double size) {
    double near = (size + NEAREST) - NEAREST;
    return near > size ? near - 1.0 : near;
}

static inline double small_cost(double notional, double bps, double fee) {
    double myriads = rounded_down(notional / BPS); /* see `quotient` */
    double cost = myriads * bps + rounded_down((notional - myriads * BPS) * bps / BPS);
    return notional > 0.0 && cost < fee ? fee : cost;
}

/* What some orders move from cash into holdings, and what they cost. */
typedef struct {
    wide moved, costs;
} bill;

static inline void charge(const account *a, bill *total, int64_t lots, int64_t price) {
    int64_t notional = lots * price;
    total->moved += notional;
    total->costs += lots ? order_cost(a, notional < 0 ? -notional : notional) : 0;
}

static inline int64_t scaled(int64_t quantity, int64_t factor) {
    return quantity < (1 << 30) ? quantity * factor >> SCALE
                                : (int64_t)((wide)quantity * factor >> SCALE);
}

/* What `lots` and a part of `opening` cost, where all numbers are small and no lots to open are 2^21
   or more: times a factor of up to 2^32 they are exact. */
VECTORS static bill small_bill(const account *a, const int64_t *restrict prices, double factor) {
    const int64_t *restrict lots = a->lots, *restrict opening = a->opening;
    const int64_t n_symbols = a->n_symbols;
    const double bps = (double)a->cost_bps;
    const double fee = a->minimum_fee > 0 ? (double)a->minimum_fee : 0.0;
    int64_t moved = 0, costs = 0;
    for (int64_t j = 0; j < n_symbols; j++) {
        double more = rounded_down(to_float(opening[j]) * factor / 4294967296.0);
        double notional = (to_float(lots[j]) + more) * to_float(prices[j]);
        moved += to_whole(notional);
        costs += to_whole(small_cost(fabs(notional), bps, fee));
    }
    return (bill){moved, costs};
}

static bill any_bill(const account *a, const int64_t *prices, int64_t factor) {
    bill total = {0, 0};
    for (int64_t j = 0; j < a->n_symbols; j++)
        charge(a, &total, a->lots[j] + scaled(a->opening[j], factor), prices[j]);
    return total;
}

/* Cut what opens long positions, all by one factor, until cash pays for it (see account.py). */
static bool afford(account *a, const int64_t *prices, bool is_small, bill *total) {
    int64_t *restrict lots = a->lots, *restrict opening = a->opening;
    const int64_t *restrict quantity = a->quantity;
    const int64_t n_symbols = a->n_symbols;
    wide factor = (wide)1 << SCALE;
    for (int64_t j = 0; j < n_symbols; j++) {
        int64_t shorted = quantity[j] < 0 ? -quantity[j] : 0;
        opening[j] = lots[j] > shorted ? lots[j] - shorted : 0;
        lots[j] -= opening[j];
        is_small &= opening[j] < (1 << 21);
    }
    bill base = is_small ? small_bill(a, prices, 0.0) : any_bill(a, prices, 0);
    wide fixed = base.moved + base.costs, available = a->cash - fixed;
    wide now = total->moved + total->costs - fixed;
    for (int step = 0; step <= SCALE && factor; step++) {
        if (!may_go_on(a))
            return false;
        /* Of 2^31 symbols, each below 2^63 and its cost too, all are below 2^95: no product wraps. */
        if (available <= 0)
            factor = 0;
        else if (step == 0)
            factor = (factor * available + now - 1) / now;
        else
            factor = factor * available / now - (factor >> (SCALE - step));
        if (factor < 0)
            factor = 0;
        *total = is_small ? small_bill(a, prices, (double)factor)
                          : any_bill(a, prices, (int64_t)factor);
        now = total->moved + total->costs - fixed;
        if (now <= available)
            break;
    }
    for (int64_t j = 0; j < n_symbols; j++)
        lots[j] += scaled(opening[j], (int64_t)factor);
    return true;
}

/* Lots of each symbol towards its weight, where all numbers are small. */
VECTORS static bill small_lots(const account *a, const double *restrict weights,
                               const int64_t *restrict prices, double worth) {
    int64_t *restrict lots = a->lots;
    const int64_t *restrict value = a->value;
    const int64_t n_symbols = a->n_symbols;
    const double bps = (double)a->cost_bps;
    const double fee = a->minimum_fee > 0 ? (double)a->minimum_fee : 0.0;
    int64_t moved = 0, costs = 0; /* of at most 2^12 symbols with less than 2^51 each */
    for (int64_t j = 0; j < n_symbols; j++) {
        double price = to_float(prices[j]);
        double target = worth * weights[j];
        double size = rounded_down(fabs(target));
        double difference = (target < 0.0 ? -size : size) - to_float(value[j]);
        size = price > 0.0 ? fabs(difference) : 0.0;
        price = price > 0.0 ? price : 1.0;
        double whole = rounded_down(size / price), notional = whole * price;
        lots[j] = to_whole(difference < 0.0 ? -whole : whole);
        moved += to_whole(difference < 0.0 ? -notional : notional);
        costs += to_whole(small_cost(notional, bps, fee));
    }
    return (bill){moved, costs};
}

/* The same where numbers are larger; false where they are out of the ordinary. */
static bool large_lots(const account *a, const double *weights, const int64_t *prices, double worth,
                       bill *total) {
    int64_t *lots = a->lots;
    for (int64_t j = 0; j < a->n_symbols; j++) {
        double target = worth * weights[j];
        lots[j] = 0;
        if (prices[j] == 0 && isfinite(target))
            continue;
        wide value = (wide)a->quantity[j] * prices[j];
        if (!(fabs(target) < SAFE / 2) || size_of(value) >= (wide)(SAFE / 2))
            return false;
        /* Below 2^62, and what is held below 2^61: their sum cannot wrap. */
        int64_t lot = quotient((int64_t)target - (int64_t)value, prices[j]);
        charge(a, total, lot, prices[j]);
        lots[j] = lot;
    }
    return true;
}

static bool rebalance(account *a, const double *weights, const int64_t *prices, bool is_small,
                      wide *equity) {
    bill total = {0, 0};
    if (is_small)
        total = small_lots(a, weights, prices, (double)*equity);
    else if (!large_lots(a, weights, prices, (double)*equity, &total))
        return false;
    if (a->scale_to_cash && total.moved + total.costs > a->cash && !afford(a, prices, is_small, &total))
        return false;
    int64_t *restrict quantity = a->quantity, *restrict lots = a->lots;
    for (int64_t j = 0; j < a->n_symbols; j++)
        quantity[j] += lots[j];
    wide cash = a->cash - total.moved - total.costs;
    if (!fits(cash))
        return false;
    a->cash = (int64_t)cash;
    /* Trades at the price at which holdings are marked change equity by their costs. */
    *equity -= total.costs;
    return true;
}

static bool note(account *a, stop_row row) {
    if (a->n_stops == a->stop_capacity) {
        int64_t capacity = a->stop_capacity ? 2 * a->stop_capacity : 256;
        stop_row *stops = realloc(a->stops, capacity * sizeof(stop_row));
        if (!stops)
            return false;
        a->stops = stops;
        a->stop_capacity = capacity;
    }
    a->stops[a->n_stops++] = row;
    return true;
}

/* Rounded, halves away from zero, at least 1; what 64 bits cannot hold is the largest. */
static inline int64_t level_of(double value) {
    if (!(value > 1.0))
        return 1;
    double whole = trunc(value);
    if (value - whole >= 0.5)
        whole += 1.0;
    return whole < 9223372036854775808.0 ? (int64_t)whole : LARGEST;
}

static inline void nearer(bool is_long, int64_t level, int64_t reason, int64_t *best, int64_t *why) {
    /* Ties: the last of them for a long position, the first for a short one. */
    if (is_long ? level >= *best : level < *best) {
        *best = level;
        *why = reason;
    }
}

/* Whether neither level can be near, so that none has to be rounded; none of ATR is on. */
static inline bool is_far(const account *a, int64_t entry, int64_t best, int64_t side,
                          int64_t price) {
    /* Rounded where it is large, as the sums are: so what is in order exactly stays so. */
    double now = (double)price;
    if (side > 0)
        return now > 2.0 && !(a->fixed && now <= (double)entry * (1.0 - a->fixed) + 1.0) &&
               !(a->trailing && now <= (double)best * (1.0 - a->trailing) + 1.0);
    return !(a->fixed && now >= (double)entry * (1.0 + a->fixed) - 1.0) &&
           !(a->trailing && now >= (double)best * (1.0 + a->trailing) - 1.0);
}

/* Which symbols need a closer look: all but long positions that go on, far above their levels. The
   best prices of those others are brought up to date. */
VECTORS static void look_closer(account *a, const int64_t *restrict prices) {
    int64_t *restrict best = a->best, *restrict look = a->opening;
    const int64_t *restrict side = a->side, *restrict quantity = a->quantity;
    const int64_t *restrict entry = a->entry;
    const int64_t n_symbols = a->n_symbols;
    const double kept = a->fixed ? 1.0 - a->fixed : 0.0;
    const double trailed = a->trailing ? 1.0 - a->trailing : 0.0;
    for (int64_t j = 0; j < n_symbols; j++) {
        int64_t price = prices[j], goes_on = -((side[j] == 1) & (quantity[j] > 0) & (price > 2));
        int64_t higher = price > best[j] ? price : best[j];
        best[j] = goes_on ? higher : best[j];
        double now = to_float(price), least = to_float(entry[j]) * kept;
        double level = to_float(best[j]) * trailed;
        level = (level > least ? level : least) + 1.0;
        look[j] = !goes_on | !(now > level);
    }
}

#define BLOCK 8

static inline bool any_of(const int64_t *block) {
    int64_t any = 0;
    for (int j = 0; j < BLOCK; j++)
        any |= block[j];
    return any != 0;
}

static bool test_stops(account *a, int64_t period, const int64_t *prices, wide *equity) {
    bool is_ordinary = !a->has_large && !a->depth;
    const int64_t *restrict look = a->opening;
    if (is_ordinary)
        look_closer(a, prices);
    int64_t *restrict sides = a->side, *restrict best = a->best;
    int64_t *restrict quantity = a->quantity;
    const int64_t n_symbols = a->n_symbols, depth = a->depth;
    for (int64_t j = 0; j < n_symbols; j++) {
        while (is_ordinary && j + BLOCK <= n_symbols && !any_of(look + j))
            j += BLOCK;
        if (j == n_symbols)
            break;
        int64_t price = prices[j], held = quantity[j];
        int64_t side = (held > 0) - (held < 0);
        if (!price || (is_ordinary && !look[j]))
            continue;
        if (side != sides[j]) {
            sides[j] = side;
            a->entry[j] = best[j] = a->last[j] = price;
            if (depth) {
                a->count[j] = 0;
                a->change_sum[j] = 0;
            }
        } else if (side) {
            if (side > 0 ? price > best[j] : price < best[j])
                best[j] = price;
            if (depth) {
                int64_t change = price > a->last[j] ? price - a->last[j] : a->last[j] - price;
                int64_t *slot = &a->changes[a->count[j] % a->depth * a->n_symbols + j];
                a->change_sum[j] += change - (a->count[j] < a->depth ? 0 : *slot);
                *slot = change;
                a->count[j]++;
            }
            if (depth)
                a->last[j] = price;
        }
        if (!side || (!depth && is_far(a, a->fixed ? a->entry[j] : 0, best[j], side, price)))
            continue;
        double sign = side > 0 ? -1.0 : 1.0;
        int64_t level = side > 0 ? 0 : LARGEST, reason = -1;
        if (a->fixed)
            nearer(side > 0, level_of((double)a->entry[j] * (1.0 + sign * a->fixed)), 0, &level,
                   &reason);
        if (a->trailing)
            nearer(side > 0, level_of((double)best[j] * (1.0 + sign * a->trailing)), 1, &level,
                   &reason);
        if (a->depth && a->change_sum[j] > 0) {
            int64_t samples = a->count[j] < a->depth ? a->count[j] : a->depth;
            double mean = (double)a->change_sum[j] / (double)(samples > 0 ? samples : 1);
            nearer(side > 0, level_of((double)best[j] + sign * (a->atr_multiple * mean)), 2,
                   &level, &reason);
        }
        if (reason < 0 || (side > 0 ? price > level : price < level))
            continue;
        wide notional = (wide)held * price;
        int64_t cost = cost_of(a, size_of(notional));
        wide cash = a->cash + notional - cost;
        if (!fits(cash) || !note(a, (stop_row){period, j, level, -held, reason}))
            return false;
        a->cash = (int64_t)cash;
        *equity -= cost;
        quantity[j] = 0;
        sides[j] = 0;
    }
    return true;
}

typedef struct {
    bool is_held, is_small;
    wide equity;
} row;

/* What can be said of a row at one pass. */
typedef struct {
    int64_t n_nan, fault, bits, sum;
    double heaviest, largest;
} survey;

/* Look at a row, and value holdings as if all numbers were small; `bits` and `largest` say whether
   they are. */
VECTORS static survey survey_row(account *a, const double *restrict weights,
                                 const int64_t *restrict prices) {
    int64_t *restrict mark = a->mark, *restrict value = a->value;
    const int64_t *restrict quantity = a->quantity;
    const int64_t n_symbols = a->n_symbols;
    int64_t n_nan = 0, fault = 0, bits = 0, sum = 0;
    int64_t heaviest = 0, largest = 0; /* as bits: the largest of floats is not found in vectors */
    for (int64_t j = 0; j < n_symbols; j++) {
        int64_t magnitude = bits_of(fabs(weights[j]));
        int64_t is_nan = -(magnitude > INFINITE_BITS), size = magnitude & ~is_nan;
        int64_t price = prices[j], held = quantity[j];
        int64_t now = price > 0 ? price : mark[j];
        n_nan -= is_nan;
        heaviest = size > heaviest ? size : heaviest;
        mark[j] = now;
        fault |= now == 0 ? size : 0;
        bits |= price | now | (held < 0 ? ~held : held);
        double worth = to_float(held) * to_float(now);
        int64_t spread = bits_of(fabs(worth));
        largest = spread > largest ? spread : largest;
        value[j] = to_whole(worth);
        sum = (int64_t)((uint64_t)sum + (uint64_t)value[j]);
    }
    return (survey){n_nan, fault, bits, sum, float_of(heaviest), float_of(largest)};
}

/* Value holdings of any size; false where the core has to. */
static bool value_large(account *a, wide *sum) {
    int64_t fault = 0;
    for (int64_t j = 0; j < a->n_symbols; j++) {
        wide worth = (wide)a->quantity[j] * a->mark[j];
        a->value[j] = (int64_t)worth;
        /* Beyond 2^90; below it, times basis points fits 128 bits, and so does the sum. */
        fault |= (int64_t)((worth >> 90) + 1) & ~(int64_t)1;
        *sum += worth;
    }
    return !fault;
}

/* Read a row: is it held, is it sound, what are holdings worth at its prices? */
static bool read_row(account *a, const double *weights, const int64_t *prices, row *found) {
    survey seen = survey_row(a, weights, prices);
    if (seen.fault || seen.bits < 0 || seen.heaviest > 1.7976931348623157e308)
        return false;
    bool are_small = !(seen.bits >> SMALL) && seen.largest < (double)(1LL << SMALL) &&
                     a->n_symbols <= 1 << 12;
    found->is_held = seen.n_nan == a->n_symbols;
    found->equity = a->cash;
    if (are_small)
        found->equity += seen.sum;
    else if (!value_large(a, &found->equity))
        return false;
    found->is_small = are_small &&
                      fabs((double)found->equity * seen.heaviest) < (double)(1LL << SMALL) &&
                      a->cheap >= (1LL << 53) && a->minimum_fee < (2LL << SMALL);
    return seen.n_nan == 0 || found->is_held;
}

static bool simulate_period(account *a, int64_t period, const double *weights,
                            const int64_t *prices, int64_t *equity, int64_t *cash,
                            int64_t *quantities) {
    row now;
    if (!may_go_on(a) || !read_row(a, weights, prices, &now))
        return false;
    a->has_large |= !now.is_small;
    if (!a->is_ruined && now.equity > 0) {
        if (!now.is_held &&
            !(may_go_on(a) && rebalance(a, weights, prices, now.is_small, &now.equity)))
            return false;
        if (a->has_stops && !(may_go_on(a) && test_stops(a, period, prices, &now.equity)))
            return false;
    }
    if (!a->is_ruined && now.equity <= 0) {
        a->is_ruined = true;
        a->ruined_at = period;
    }
    if (!fits(now.equity))
        return false;
    *equity = (int64_t)now.equity;
    *cash = a->cash;
    memcpy(quantities, a->quantity, a->n_symbols * sizeof(int64_t));
    return true;
}
