/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file idle.c  Many connections that stand: what they weigh (idle), what one message on a random
 * one of them costs (ping), what time costs (timers), and all of that for very many (scale).
 */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE   64
#define PER_PORT  60000 /* connections to one port of the server */
#define FEWEST    16    /* ports of the server */
#define OPENING   64    /* connections being opened at a time */
#define FIRST     2000  /* port of the client */
#define SETTLE_NS ((uint64_t)2000000000)
#define MINUTE_NS ((uint64_t)60000000000)

struct standing {
    struct world *w;
    struct bench_conn *client;
    struct bench_conn *next; /* on which the next ping goes out */
    uint64_t n, connected;
    uint64_t random, ping_left, ping_done;
    double open_s;
    uint64_t memory, rss; /* grown by opening */
};

static struct standing standing;

/** draw() - a random connection for the next ping. Its record is far away, as those of other
 * programs may be, but what is measured is the stack: it comes meanwhile */
static void draw(struct standing *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    b->next = &b->client[b->random % b->n];
    __builtin_prefetch(b->next);
}

/** ping() - a message on the connection that was drawn */
static void ping(struct standing *b)
{
    struct bench_conn *c = b->next;

    draw(b);
    b->ping_left--;
    if (world_send(b->w, c, world_octets(b->w, c->key), MESSAGE) != MESSAGE)
        world_fail(b->w, "a ping does not fit the send buffer");
}

/** pong() - @len octets have come back on @c */
static void pong(struct standing *b, struct bench_conn *c, const uint8_t *data, size_t len)
{
    while (len) {
        size_t n = MESSAGE - c->pos % MESSAGE;

        n = n < len ? n : len;
        if (memcmp(data, world_octets(b->w, c->key + c->pos % MESSAGE), n))
            world_fail(b->w, "a pong differs from its ping");
        c->pos += n;
        data += n;
        len -= n;
        if (c->pos % MESSAGE)
            continue;
        b->ping_done++;
        if (b->ping_left)
            ping(b);
    }
}

/** on() - both applications: the server sends back what it gets */
static void on(void *arg, struct bench_conn *c, enum bench_event e, const uint8_t *data, size_t len)
{
    switch (e) {
    case BENCH_CONNECTED: standing.connected += c->side == 0; break;
    case BENCH_DATA:
        if (c->side == 0)
            pong(&standing, c, data, len);
        else if (world_send(arg, c, data, len) != len)
            world_fail(arg, "a pong does not fit the send buffer");
        break;
    case BENCH_END:
    case BENCH_FAILED: world_fail(arg, "a connection ended"); break;
    case BENCH_WRITABLE: break;
    }
}

/** prepare() - the applications' records, all present, so that they do not count as the stack's */
static void prepare(struct standing *b)
{
    struct bench_conn *first = NULL;

    b->client = world_pages(b->n * sizeof(*b->client));
    if (!b->client)
        abort();
    for (uint64_t i = 0; i < b->n; i++) {
        struct bench_conn *c = world_conn(b->w, 1);

        c->pcb = first;
        first = c;
    }
    while (first) {
        struct bench_conn *next = first->pcb;

        world_drop(b->w, first);
        first = next;
    }
}

/** taken() - octets that both hosts hold */
static uint64_t taken(const struct world *w)
{
    return w->stack[0]->memory(w->host[0]) + w->stack[1]->memory(w->host[1]);
}

/** stand() - open o->n connections and let them come to rest; false: r->why says why not */
static bool stand(const char *stack, const struct options *o, bool keepalive, struct result *r)
{
    struct bench_setup s = {.timestamps = o->timestamps,
                            .sack = o->sack,
                            .keepalive = keepalive,
                            .keepalive_idle = o->keepalive_s * 1000000000,
                            .backlog = (unsigned)o->backlog};
    struct standing *b = &standing;
    struct world *w = world_open(stack, &s, on, r->why);
    uint64_t started = 0, ports = o->n / PER_PORT + FEWEST;

    if (!w)
        return false;
    *b = (struct standing){.w = w, .n = o->n, .random = 88172645463325252};
    prepare(b);
    world_listen(w, (unsigned)ports);
    b->memory = taken(w);
    b->rss = world_rss();
    b->open_s = world_cpu();
    while (b->connected < b->n && !w->wrong[0]) {
        for (; started < b->n && started - b->connected < OPENING; started++) {
            b->client[started].key = (uint32_t)started;
            if (!world_connect(w, &b->client[started], (uint16_t)(BENCH_PORT + started % ports),
                               (uint16_t)(FIRST + started / ports)))
                world_fail(w, "connection %llu is refused", (unsigned long long)started);
        }
        if (!world_turn(w, UINT64_MAX))
            world_fail(w, "nothing happens after %llu connections",
                       (unsigned long long)b->connected);
    }
    b->open_s = world_cpu() - b->open_s;
    world_pass(w, SETTLE_NS);
    b->memory = taken(w) - b->memory;
    b->rss = world_rss() - b->rss;
    if (w->accepted != b->n)
        world_fail(w, "only %llu accepted", (unsigned long long)w->accepted);
    memcpy(r->why, w->wrong, sizeof(r->why));
    return !w->wrong[0];
}

/** weigh() - figures of what stands */
static void weigh(struct result *r)
{
    figure_add(r, "allocated per end", "octets",
               (double)standing.memory / (2.0 * (double)standing.n));
    figure_add(r, "resident per end", "octets", (double)standing.rss / (2.0 * (double)standing.n));
    figure_add(r, "opening one", "ns", standing.open_s * 1e9 / (double)standing.n);
}

void idle_run(const char *stack, const struct options *o, struct result *r)
{
    if (stand(stack, o, false, r))
        weigh(r);
}

/** ping_all() - o->pings messages; CPU seconds */
static double ping_all(struct standing *b, const struct options *o)
{
    double t;

    b->ping_left = o->pings;
    draw(b);
    t = world_cpu();
    for (uint64_t i = 0; i < o->at_once && i < b->n && b->ping_left; i++)
        ping(b);
    while (b->ping_done < o->pings && !b->w->wrong[0])
        if (!world_turn(b->w, UINT64_MAX))
            world_fail(b->w, "only %llu pings came back", (unsigned long long)b->ping_done);
    return world_cpu() - t;
}

void ping_run(const char *stack, const struct options *o, struct result *r)
{
    struct standing *b = &standing;
    double t;

    if (!stand(stack, o, false, r))
        return;
    t = ping_all(b, o);
    memcpy(r->why, b->w->wrong, sizeof(r->why));
    figure_add(r, "there and back", "us", t * 1e6 / (double)o->pings);
    figure_add(r, "pings", "per CPU s", (double)o->pings / t);
}

void timers_run(const char *stack, const struct options *o, struct result *r)
{
    struct world *w;
    uint64_t packets;
    double t;

    if (!stand(stack, o, true, r))
        return;
    w = standing.w;
    packets = w->wire[0].packets + w->wire[1].packets;
    t = world_cpu();
    world_pass(w, o->minutes * MINUTE_NS);
    t = world_cpu() - t;
    memcpy(r->why, w->wrong, sizeof(r->why));
    figure_add(r, "a minute", "CPU ms", t * 1e3 / (double)o->minutes);
    figure_add(r, "packets of a minute", "",
               (double)(w->wire[0].packets + w->wire[1].packets - packets) / (double)o->minutes);
}

void scale_run(const char *stack, const struct options *o, struct result *r)
{
    struct standing *b = &standing;
    double pings, minute;

    if (!stand(stack, o, true, r))
        return;
    weigh(r);
    pings = ping_all(b, o);
    world_pass(b->w, SETTLE_NS);
    minute = world_cpu();
    world_pass(b->w, o->minutes * MINUTE_NS);
    minute = world_cpu() - minute;
    memcpy(r->why, b->w->wrong, sizeof(r->why));
    figure_add(r, "there and back", "us", pings * 1e6 / (double)o->pings);
    figure_add(r, "a minute", "CPU ms", minute * 1e3 / (double)o->minutes);
    figure_add(r, "ends", "", 2.0 * (double)b->n);
}
