/* One period after another of a simulation. In C, because Cython knows no 128-bit integers.

   Whatever is wrong or out of the ordinary ends the run with `false`, and the core does all of it:
   so nothing here has a message, and nothing here may wrap. Prices and quantities are 64-bit,
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
#define STEPS 24

typedef struct {
    int64_t period, column, level, quantity, reason;
} stop_row;

typedef struct {
    int64_t n_symbols, depth;
    int64_t cost_bps, minimum_fee, cheap; /* up to `cheap`, notional times bps fits 64 bits */
    double fixed, trailing, atr_multiple;
    bool scale_to_cash, has_stops, is_ruined;
    int64_t ruined_at;
    int64_t cash;
    int64_t *quantity, *mark, *value, *lots, *opening;
    int64_t *side, *entry, *best, *last, *count, *changes; /* changes: depth rows */
    wide *change_sum;
    stop_row *stops;
    int64_t n_stops, stop_capacity;
} account;

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

/* Truncated towards zero, as division is in C; the float estimate is never too small. */
static inline int64_t quotient(int64_t amount, int64_t price) {
    double size = fabs((double)amount);
    if (size >= EXACT_FLOAT || (double)price >= EXACT_FLOAT)
        return amount / price;
    int64_t whole = (int64_t)(size / (double)price);
    whole -= (whole * price > (int64_t)size);
    return amount < 0 ? -whole : whole;
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

/* Cut what opens long positions, all by one factor, until cash pays for it (see account.py). */
static bool afford(account *a, const int64_t *prices, bill *total) {
    int64_t *restrict lots = a->lots, *restrict opening = a->opening;
    const int64_t *restrict quantity = a->quantity;
    const int64_t n_symbols = a->n_symbols;
    bill base = {0, 0};
    wide factor = (wide)1 << SCALE;
    for (int64_t j = 0; j < n_symbols; j++) {
        int64_t shorted = quantity[j] < 0 ? -quantity[j] : 0;
        opening[j] = lots[j] > shorted ? lots[j] - shorted : 0;
        lots[j] -= opening[j];
        charge(a, &base, lots[j], prices[j]);
    }
    wide fixed = base.moved + base.costs, available = a->cash - fixed;
    wide now = total->moved + total->costs - fixed;
    for (int step = 0; step <= STEPS && factor; step++) {
        if (size_of(available) >> 94 || size_of(now) >> 94)
            return false;
        wide less = factor >> (STEPS - step);
        factor = available > 0 ? factor * available / now - less : 0;
        if (factor < 0)
            factor = 0;
        bill next = {0, 0};
        for (int64_t j = 0; j < n_symbols; j++)
            charge(a, &next, lots[j] + scaled(opening[j], (int64_t)factor), prices[j]);
        *total = next;
        now = next.moved + next.costs - fixed;
        if (now <= available)
            break;
    }
    for (int64_t j = 0; j < n_symbols; j++)
        lots[j] += scaled(opening[j], (int64_t)factor);
    return true;
}

/* Lots of each symbol towards its weight, where every number is a whole one that a float holds. */
static bill small_lots(const account *a, const double *weights, const int64_t *prices, double worth) {
    int64_t *restrict lots = a->lots;
    const int64_t *restrict value = a->value;
    const int64_t n_symbols = a->n_symbols, bps = a->cost_bps;
    const int64_t fee = a->minimum_fee > 0 ? a->minimum_fee : 0;
    int64_t moved = 0, costs = 0; /* of at most 2^9 symbols, as `is_small` says */
    for (int64_t j = 0; j < n_symbols; j++) {
        int64_t price = prices[j];
        int64_t difference = (int64_t)(worth * weights[j]) - value[j];
        int64_t size = difference < 0 ? -difference : difference;
        int64_t whole = price ? (int64_t)((double)size / (double)price) : 0;
        whole -= whole * price > size; /* the float quotient is never too small */
        int64_t notional = whole * price;
        int64_t cost = notional * bps / BPS;
        costs += fee && whole && cost < fee ? fee : cost;
        lots[j] = difference < 0 ? -whole : whole;
        moved += difference < 0 ? -notional : notional;
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
        int64_t lot = quotient((int64_t)target - (int64_t)value, prices[j]), held;
        if (__builtin_add_overflow(a->quantity[j], lot, &held) || held < -LARGEST)
            return false;
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
    if (a->scale_to_cash && total.moved + total.costs > a->cash && !afford(a, prices, &total))
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
    double now = (double)price;
    if (price >= (1LL << 52))
        return false;
    if (side > 0)
        return now > 2.0 && !(a->fixed && now <= (double)entry * (1.0 - a->fixed) + 1.0) &&
               !(a->trailing && now <= (double)best * (1.0 - a->trailing) + 1.0);
    return !(a->fixed && now >= (double)entry * (1.0 + a->fixed) - 1.0) &&
           !(a->trailing && now >= (double)best * (1.0 + a->trailing) - 1.0);
}

static bool test_stops(account *a, int64_t period, const int64_t *prices, wide *equity) {
    int64_t *restrict sides = a->side, *restrict best = a->best;
    int64_t *restrict quantity = a->quantity;
    const int64_t n_symbols = a->n_symbols, depth = a->depth;
    for (int64_t j = 0; j < n_symbols; j++) {
        int64_t price = prices[j], held = quantity[j];
        int64_t side = (held > 0) - (held < 0);
        if (!price)
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

/* Read a row: is it held, is it sound, what are holdings worth at its prices? */
static bool read_row(account *a, const double *restrict weights, const int64_t *restrict prices,
                     row *found) {
    int64_t *restrict mark = a->mark, *restrict value = a->value;
    const int64_t *restrict quantity = a->quantity;
    const int64_t n_symbols = a->n_symbols;
    int64_t n_nan = 0, fault = 0, bits = 0;
    double heaviest = 0.0;
    wide sum = a->cash;
    for (int64_t j = 0; j < n_symbols; j++) {
        double weight = weights[j], size = fabs(weight);
        n_nan += weight != weight;
        heaviest = size > heaviest ? size : heaviest;
        mark[j] = prices[j] > 0 ? prices[j] : mark[j];
        bits |= prices[j];
        fault |= (mark[j] == 0) & (size > 0);
    }
    fault |= (bits < 0) | (heaviest > 1.7976931348623157e308);
    for (int64_t j = 0; j < n_symbols; j++) {
        wide worth = (wide)quantity[j] * mark[j];
        int64_t high = (int64_t)(worth >> 52);
        value[j] = (int64_t)worth;
        bits |= (high ^ (high >> 63)) << 52; /* of a magnitude of 2^52 and more */
        fault |= (int64_t)((worth >> 100) + 1) & ~(int64_t)1; /* beyond 2^100 */
        sum += worth;
    }
    found->is_held = n_nan == n_symbols;
    found->equity = sum;
    found->is_small = !(bits >> 52) && fabs((double)sum * heaviest) < EXACT_FLOAT / 2 &&
                      a->cheap >= (1LL << 53) && a->minimum_fee < (1LL << 52) && n_symbols <= 512;
    return !fault && (n_nan == 0 || found->is_held);
}

static bool simulate_period(account *a, int64_t period, const double *weights,
                            const int64_t *prices, int64_t *equity, int64_t *cash,
                            int64_t *quantities) {
    row now;
    if (!read_row(a, weights, prices, &now))
        return false;
    if (!a->is_ruined && now.equity > 0) {
        if (!now.is_held && !rebalance(a, weights, prices, now.is_small, &now.equity))
            return false;
        if (a->has_stops && !test_stops(a, period, prices, &now.equity))
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
