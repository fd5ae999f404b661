/* The least that matching can cost here: limit, cancel and modify in C, trades kept, nothing else.
 * As the compiled engine: orders by id, linked into queues; levels found by price in a window; prices
 * of each side sorted, the best one last. Unlike it: no log, no results, no stops, no owners, nothing
 * is checked, and prices stay inside the window.
 * Usage: plain STREAM N TRADES, which writes the trades there and prints JSON. */

#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIMIT = 0, CANCEL = 2, MODIFY = 3, GTC = 0, FOK = 2, WINDOW = 65536, FIRST = 100000 - WINDOW / 2 };

typedef struct { uint8_t op, side, tif; int32_t price, quantity, order_id; } Request;
typedef struct { int64_t price, quantity, previous, next; uint8_t side; } Order;
typedef struct { int64_t quantity, head, tail; } Level;
typedef struct { int64_t price, quantity, aggressor, passive; } Trade;
typedef struct { int64_t *keys, n, sign; } Half; /* keys are prices times the sign: the best is last */

static Order *orders;
static Level levels[WINDOW];
static Trade *trades;
static int64_t next_id = 1, n_trades;
static Half halves[2];

static Level *level_at(int64_t price) { return &levels[price - FIRST]; }

static int64_t place_of(const Half *half, int64_t key) {
    int64_t low = 0, high = half->n;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (half->keys[middle] < key) low = middle + 1; else high = middle;
    }
    return low;
}

static void leave(int64_t id) {
    Order *order = &orders[id];
    Level *level = level_at(order->price);
    level->quantity -= order->quantity;
    order->quantity = 0;
    if (order->previous) orders[order->previous].next = order->next; else level->head = order->next;
    if (order->next) orders[order->next].previous = order->previous; else level->tail = order->previous;
    if (!level->head) {
        Half *half = &halves[order->side];
        int64_t place = place_of(half, order->price * half->sign);
        half->n--;
        memmove(half->keys + place, half->keys + place + 1, (size_t)(half->n - place) * sizeof(int64_t));
    }
}

static void rest(int64_t id, int64_t price, int64_t quantity, uint8_t side) {
    Level *level = level_at(price);
    if (!level->head) {
        Half *half = &halves[side];
        int64_t key = price * half->sign, place = place_of(half, key);
        memmove(half->keys + place + 1, half->keys + place, (size_t)(half->n - place) * sizeof(int64_t));
        half->keys[place] = key;
        half->n++;
        level->head = id;
    } else {
        orders[level->tail].next = id;
    }
    orders[id] = (Order){price, quantity, level->tail, 0, side};
    level->tail = id;
    level->quantity += quantity;
}

static void submit(uint8_t side, int64_t price, int64_t quantity, uint8_t tif) {
    Half *other = &halves[!side];
    int64_t id = next_id++, limit = price * other->sign, wanted = quantity;
    if (tif == FOK) {
        for (int64_t at = other->n - 1; wanted > 0 && at >= 0 && other->keys[at] >= limit; at--)
            wanted -= level_at(other->keys[at] * other->sign)->quantity;
        if (wanted > 0) return;
    }
    while (quantity && other->n && other->keys[other->n - 1] >= limit) {
        Level *level = level_at(other->keys[other->n - 1] * other->sign);
        int64_t passive = level->head;
        Order *order = &orders[passive];
        int64_t filled = quantity < order->quantity ? quantity : order->quantity;
        trades[n_trades++] = (Trade){order->price, filled, id, passive};
        quantity -= filled;
        order->quantity -= filled;
        level->quantity -= filled;
        if (!order->quantity) leave(passive);
    }
    if (quantity && tif == GTC) rest(id, price, quantity, side);
}

static int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static Request *requests_of(const char *path, int64_t n) {
    FILE *file = fopen(path, "rb");
    uint8_t start[10], row[15];
    Request *requests = malloc((size_t)n * sizeof *requests);
    if (!file || !requests || fread(start, 1, 10, file) != 10) exit(1);
    fseek(file, 10 + start[8] + 256 * start[9], SEEK_SET);
    for (int64_t i = 0; i < n; i++) {
        if (fread(row, 1, 15, file) != 15) exit(1);
        requests[i] = (Request){row[0], row[1], row[2], 0, 0, 0};
        memcpy(&requests[i].price, row + 3, 12);
    }
    fclose(file);
    return requests;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    int64_t n = atoll(arguments[2]);
    Request *requests = requests_of(arguments[1], n);
    orders = calloc((size_t)n + 1, sizeof *orders);
    trades = calloc((size_t)n * 2, sizeof *trades);
    halves[0] = (Half){malloc(WINDOW * sizeof(int64_t)), 0, 1};
    halves[1] = (Half){malloc(WINDOW * sizeof(int64_t)), 0, -1};
    int64_t began = cpu_ns();
    for (int64_t i = 0; i < n; i++) {
        Request *r = &requests[i];
        if (r->op != LIMIT) leave(r->order_id);
        if (r->op != CANCEL) submit(r->side, r->price, r->quantity, r->tif);
    }
    int64_t ns = cpu_ns() - began;
    FILE *file = fopen(arguments[3], "wb");
    if (!file || fwrite(trades, sizeof *trades, (size_t)n_trades, file) != (size_t)n_trades) return 1;
    fclose(file);
    printf("{\"ns\": %f}\n", (double)ns / (double)n);
    return 0;
}
