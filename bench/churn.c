/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file churn.c  Whole lives of short connections: open, 64 octets there and back, the client
 * closes.
 *
 * A stack whose TIME-WAIT is longer than the short one asked for gets a rest after some life
 * cycles, long enough for all TIME-WAITs to end, and the CPU time of the rests is not counted. That
 * favours such a stack.
 */
#include "workload.h"

#include <string.h>

#define MESSAGE    64
#define PORTS      64   /* of the server */
#define WARM       2000 /* life cycles before the clock starts, unless asked otherwise */
#define REST_EVERY 200
#define SHORT_NS   ((uint64_t)1000000000)
#define CLOSING_NS 1000000 /* for the last connections to finish closing, not counted */
#define OWN_FIRST  2000    /* ports that the program chooses from */
#define OWN_COUNT  60000

struct churn {
    struct world *w;
    uint64_t started, done, failed, goal;
    bool own_ports;
};

static _Thread_local struct churn churn;

/** start() - one more client; false: the stack has refused, for want of a port as a rule */
static bool start(struct churn *b)
{
    struct bench_conn *c = world_conn(b->w, 0);
    uint64_t i = b->started;
    uint16_t local = 0, port = (uint16_t)(BENCH_PORT + i % PORTS);

    if (b->own_ports) {
        local = (uint16_t)(OWN_FIRST + i % OWN_COUNT);
        port = (uint16_t)(BENCH_PORT + i / OWN_COUNT % PORTS);
    }
    c->key = (uint32_t)i;
    b->started++;
    if (world_connect(b->w, c, port, local))
        return true;
    b->failed++;
    world_drop(b->w, c);
    return false;
}

/** answer() - a client has got some of its response */
static void answer(struct churn *b, struct bench_conn *c, const uint8_t *data, size_t len)
{
    if (c->pos + len > MESSAGE || memcmp(data, world_octets(b->w, c->key + c->pos), len)) {
        world_fail(b->w, "a response differs from its request");
        return;
    }
    c->pos += len;
    if (c->pos < MESSAGE)
        return;
    b->done++;
    world_close(b->w, c);
    world_drop(b->w, c);
    if (b->started < b->goal)
        start(b);
}

/** on() - both applications: the server sends back what it gets and closes after the client */
static void on(void *arg, struct bench_conn *c, enum bench_event e, const uint8_t *data, size_t len)
{
    switch (e) {
    case BENCH_CONNECTED:
        if (c->side == 0 && world_send(arg, c, world_octets(arg, c->key), MESSAGE) != MESSAGE)
            world_fail(arg, "a request does not fit the send buffer");
        break;
    case BENCH_DATA:
        if (c->side == 0)
            answer(&churn, c, data, len);
        else if (world_send(arg, c, data, len) != len)
            world_fail(arg, "a response does not fit the send buffer");
        break;
    case BENCH_END:
        if (c->side == 1) {
            world_close(arg, c);
            world_drop(arg, c);
        }
        break;
    case BENCH_WRITABLE: break;
    case BENCH_FAILED:
        churn.failed += c->side == 0;
        world_drop(arg, c);
        break;
    }
}

/** lives() - @n whole life cycles, @at_once at a time; CPU seconds */
static double lives(struct churn *b, uint64_t n, uint64_t at_once)
{
    uint64_t before = b->failed, first = b->done;
    double t = world_cpu();

    b->goal = b->started + n;
    for (uint64_t i = 0; i < at_once && b->started < b->goal; i++)
        start(b);
    while (b->done + b->failed < b->goal && !b->w->wrong[0])
        if (!world_turn(b->w, UINT64_MAX))
            break;
    t = world_cpu() - t;
    if (b->failed != before || b->done - first != n)
        world_fail(b->w, "%llu of %llu life cycles failed (no free port, or no answer)",
                   (unsigned long long)(n - (b->done - first)), (unsigned long long)n);
    return t;
}

void churn_run(const char *stack, const struct options *o, struct result *r)
{
    struct bench_setup s = {.time_wait = o->time_wait_ms * 1000000,
                            .timestamps = o->timestamps,
                            .sack = o->sack,
                            .backlog = (unsigned)o->backlog};
    struct world *w = world_open(stack, &s, on, r->why);
    uint64_t has, warm = o->warm, packets;
    bool rests;
    double t = 0;

    if (!w)
        return;
    churn = (struct churn){.w = w, .own_ports = o->own_ports};
    world_listen(w, PORTS);
    has = w->stack[0]->time_wait(w->host[0]);
    rests = s.time_wait < SHORT_NS && has > s.time_wait;
    if (!warm)
        warm = o->total < 10 * WARM ? o->total / 10 : WARM;
    lives(&churn, warm ? warm : 1, o->at_once);
    world_pass(w, CLOSING_NS);
    packets = w->wire[0].packets + w->wire[1].packets;
    for (uint64_t left = o->total; left && !w->wrong[0];) {
        uint64_t n = rests && left > REST_EVERY ? REST_EVERY : left;

        if (rests)
            world_pass(w, has + SHORT_NS);
        t += lives(&churn, n, o->at_once);
        left -= n;
    }
    world_pass(w, CLOSING_NS);
    memcpy(r->why, w->wrong, sizeof(r->why));
    figure_add(r, "life cycles", "per CPU s", (double)o->total / t);
    figure_add(r, "one life cycle", "ns", t * 1e9 / (double)o->total);
    figure_add(r, "packets of one", "",
               (double)(w->wire[0].packets + w->wire[1].packets - packets) / (double)o->total);
    figure_add(r, "in TIME-WAIT at the end", "", (double)w->stack[0]->waiting(w->host[0]));
}
