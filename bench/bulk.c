/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bulk.c  One connection, many octets, one way, in writes of 64 KiB.
 */
#include "workload.h"

#include <string.h>

#define CHUNK BENCH_SINK

struct bulk {
    struct world *w;
    struct bench_conn client;
    uint64_t total, written, read;
    bool check;
};

static _Thread_local struct bulk bulk;

/** pump() - write until the stack takes no more */
static void pump(struct bulk *b)
{
    while (b->written < b->total) {
        size_t len = CHUNK - b->written % CHUNK, n;

        if (len > b->total - b->written)
            len = b->total - b->written;
        n = world_send(b->w, &b->client, world_octets(b->w, b->written), len);
        b->written += n;
        if (n < len)
            break;
    }
}

/** on() - both applications */
static void on(void *arg, struct bench_conn *c, enum bench_event e, const uint8_t *data, size_t len)
{
    switch (e) {
    case BENCH_CONNECTED:
    case BENCH_WRITABLE:
        if (c == &bulk.client)
            pump(&bulk);
        break;
    case BENCH_DATA:
        if (bulk.check && memcmp(data, world_octets(bulk.w, bulk.read), len))
            world_fail(arg, "octets differ after %llu", (unsigned long long)bulk.read);
        bulk.read += len;
        break;
    case BENCH_END:
    case BENCH_FAILED: world_fail(arg, "the connection ended early"); break;
    }
}

void bulk_run(const char *stack, const struct options *o, struct result *r)
{
    struct bench_setup s = {.window = o->window,
                            .timestamps = o->timestamps,
                            .sack = o->sack,
                            .super = o->super,
                            .loan = o->loan,
                            .gather = o->gather,
                            .backlog = (unsigned)o->backlog};
    struct world *w = world_open(stack, &s, on, r->why);
    uint64_t quiet = 0, last = 0;
    double t;

    if (!w)
        return;
    bulk = (struct bulk){.w = w, .total = o->bytes, .check = o->check};
    world_listen(w, 1);
    t = world_cpu();
    if (!world_connect(w, &bulk.client, BENCH_PORT, 0))
        world_fail(w, "the connection cannot be opened");
    while (bulk.read < bulk.total && !w->wrong[0]) {
        if (!world_turn(w, UINT64_MAX))
            world_fail(w, "nothing happens after %llu octets", (unsigned long long)bulk.read);
        quiet = bulk.read == last ? quiet + 1 : 0;
        last = bulk.read;
        if (quiet > 100000)
            world_fail(w, "no progress after %llu octets", (unsigned long long)bulk.read);
    }
    t = world_cpu() - t;
    if (!w->wrong[0] && bulk.read != bulk.total)
        world_fail(w, "more octets came than were sent");
    memcpy(r->why, w->wrong, sizeof(r->why));
    figure_add(r, "per 1460 octets", "ns", t * 1e9 / ((double)bulk.total / 1460));
    figure_add(r, "per core", "Gbit/s", (double)bulk.total * 8e-9 / t);
    figure_add(r, "packets there", "", (double)w->wire[0].packets);
    figure_add(r, "packets back", "", (double)w->wire[1].packets);
    figure_add(r, "octets of a packet", "", (double)w->wire[0].octets / (double)w->wire[0].packets);
}
