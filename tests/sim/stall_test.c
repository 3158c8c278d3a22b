/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing stands still for a second unless the link lets nothing through: one flow without end on
 * paths with all kinds of trouble, looked at every 10 ms. */
#include "lab/bottle.h"

#include <criterion/criterion.h>

/* Of a million packets. */
struct trouble {
    const char *name;
    uint32_t loss, ack_loss, duplicate, reorder;
};

static const struct trouble troubles[] = {
    {"losses", 10000, 0, 0, 0},
    {"losses of text and ACKs", 10000, 100000, 0, 0},
    {"losses of ACKs", 0, 300000, 0, 0},
    {"reordering", 0, 0, 0, 50000},
    {"losses and reordering", 10000, 0, 0, 50000},
    {"losses and duplicates", 10000, 0, 50000, 0},
};

/* How far the flow is, and how long it once stood still. */
struct progress {
    uint64_t got;
    gn_time since, longest;
};

static void watch(void *ctx, gn_time at, const uint64_t *got, const struct gn_status *first)
{
    struct progress *p = ctx;

    (void)first;
    if (got[0] == p->got)
        return;
    if (p->got && at - p->since > p->longest)
        p->longest = at - p->since;
    p->got = got[0];
    p->since = at;
}

static void run(const struct trouble *t, unsigned rtt_ms, unsigned cc, uint64_t seed)
{
    struct bottle_flow flow = {.cc = cc};
    struct progress p = {0};
    struct bottle_config b = {
        .flow = &flow,
        .n_flow = 1,
        .from = GN_SEC,
        .until = 8 * GN_SEC,
        .seed = seed,
        .every = 10 * GN_MSEC,
        .watch = watch,
        .ctx = &p,
    };
    struct bottle_result r;

    b.there.latency = b.back.latency = rtt_ms * GN_MSEC / 2;
    b.there.rate = 10000000;
    b.there.queue_packets = 64;
    b.there.loss_ppm = t->loss;
    b.there.duplicate_ppm = t->duplicate;
    b.there.reorder_ppm = t->reorder;
    b.there.reorder_delay = 8 * GN_MSEC;
    b.back.loss_ppm = t->ack_loss;
    cr_assert(bottle_run(&b, &r));
    if (b.until - p.since > p.longest)
        p.longest = b.until - p.since;
    cr_expect_lt(p.longest, GN_SEC, "%s, %u ms, algorithm %u, seed %u: nothing for %u ms", t->name,
                 rtt_ms, cc, (unsigned)seed, (unsigned)(p.longest / GN_MSEC));
}

Test(stall, none_above_a_second, .timeout = 600)
{
    static const unsigned rtt[] = {1, 20, 100};

    for (unsigned i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
        for (unsigned k = 0; k < 6; k++)
            run(&troubles[i], rtt[k / 2], k % 2, 1 + i);
}
