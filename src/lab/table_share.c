/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table_share.c  Flows that share a bottleneck: who gets how much, how soon, how long the
 * queue becomes, and what short flows feel of it.
 */
#include "base/bits.h"
#include "base/prng.h"
#include "congestion/cc.h"
#include "lab/bottle.h"
#include "lab/table.h"

#include <stdlib.h>

#define MIXED 100 /* instead of an algorithm: one after the other */

/** path() - a bottleneck of @rate, @rtt_ms, with a queue of @products bandwidth-delay products */
static struct bottle_config path(uint64_t rate, uint32_t rtt_ms, uint32_t products, uint64_t seed)
{
    struct bottle_config b = {.seed = seed};

    b.there.latency = b.back.latency = rtt_ms * GN_MSEC / 2;
    b.there.rate = rate;
    b.there.queue_packets = (uint32_t)(rate / 1000 * rtt_ms / (8 * BOTTLE_MTU)) * products;
    return b;
}

/** name_of() - of an algorithm or mixture */
static const char *name_of(unsigned cc)
{
    return cc == MIXED ? "mixed" : cc_name(cc);
}

/* --- fairness and convergence --- */

#define SHARE_RATE   UINT64_C(20000000)
#define SHARE_STEP   GN_SEC
#define SHARE_LATE   (10 * GN_SEC) /* the last flow begins */
#define SHARE_END    (60 * GN_SEC)
#define SHARE_STARTS 8 /* runs, in each of which it begins a little later: one is luck */
#define SHARE_SHIFT  (130 * GN_MSEC)

struct share {
    unsigned n;
    uint64_t before[BOTTLE_FLOWS];
    gn_time began, converged; /* the last flow had four fifths of its share in a step; 0: never */
};

/** What all runs of a row have shown. */
struct share_sum {
    uint64_t octets, least, most;
    unsigned jain, took, worst, never; /* jain and took: sums; in seconds */
};

/** share_watch() - bottle_config.watch: has the last flow got its share? */
static void share_watch(void *ctx, gn_time at, const uint64_t *got, const struct gn_status *first)
{
    struct share *s = ctx;
    uint64_t sum = 0, last = got[s->n - 1] - s->before[s->n - 1];

    (void)first;
    for (unsigned i = 0; i < s->n; i++) {
        sum += got[i] - s->before[i];
        s->before[i] = got[i];
    }
    if (at > s->began && s->converged == 0 && last * s->n * 5 >= sum * 4)
        s->converged = at - s->began;
}

/** jain() - Jain's index in thousandths: 1000 is fair, 1000 / n is one has all */
static unsigned jain(const uint64_t *got, unsigned n)
{
    double sum = 0, squares = 0;

    for (unsigned i = 0; i < n; i++) {
        double x = (double)(got[i] / 1000);

        sum += x;
        squares += x * x;
    }
    return squares > 0 ? (unsigned)(1000 * sum * sum / (n * squares)) : 0;
}

/** share_run() - one run of flows of algorithm @cc; false: the simulation failed */
static bool share_run(struct bottle_config *b, unsigned n, unsigned cc, gn_time late,
                      struct share_sum *sum)
{
    struct share s = {.n = n, .began = late};
    struct bottle_flow flow[10];
    struct bottle_result r;

    for (unsigned k = 0; k < n; k++)
        flow[k] = (struct bottle_flow){.cc = cc == MIXED ? k % table_algorithms() : cc,
                                       .start = k == n - 1 ? late : k * 100 * GN_MSEC};
    b->flow = flow;
    b->n_flow = n;
    b->watch = share_watch;
    b->ctx = &s;
    if (!bottle_run(b, &r))
        return false;
    for (unsigned k = 0; k < n; k++) {
        sum->octets += r.got[k];
        sum->least = min_u64(sum->least, r.got[k]);
        sum->most = max_u64(sum->most, r.got[k]);
    }
    sum->jain += jain(r.got, n);
    sum->never += s.converged == 0;
    sum->took += (unsigned)((s.converged + GN_SEC / 2) / GN_SEC);
    sum->worst = max_u32(sum->worst, (unsigned)((s.converged + GN_SEC / 2) / GN_SEC));
    return true;
}

/** share_head() - table.head */
static void share_head(char *line)
{
    table_add(line, "flows  algorithm |   Mbit/s     limit   jain |    least     most | "
                    "share after s  worst");
}

/** share_row() - table.row */
static bool share_row(unsigned i, char *line)
{
    unsigned kinds = table_algorithms() + 1;
    unsigned n = i / kinds ? 10 : 2, cc = i % kinds == kinds - 1 ? MIXED : i % kinds;
    uint64_t span = (SHARE_END - 2 * SHARE_LATE) / GN_SEC;
    struct share_sum sum = {.least = UINT64_MAX};

    for (unsigned k = 0; k < SHARE_STARTS; k++) {
        struct bottle_config b = path(SHARE_RATE, 20, 2, 5000 + i);

        b.from = 2 * SHARE_LATE;
        b.until = SHARE_END;
        b.every = SHARE_STEP;
        if (!share_run(&b, n, cc, SHARE_LATE + k * SHARE_SHIFT, &sum))
            return false;
    }
    table_add(line, "%5u %10s | %8.3f %9.3f  0.%03u | %8.3f %8.3f | ", n, name_of(cc),
              (double)(sum.octets * 8 / span / SHARE_STARTS / 1000) / 1e3,
              (double)(limit_link(SHARE_RATE, 0) / 1000) / 1e3, sum.jain / SHARE_STARTS,
              (double)(sum.least * 8 / span / 1000) / 1e3,
              (double)(sum.most * 8 / span / 1000) / 1e3);
    if (sum.never)
        table_add(line, "        never in %u of %u", sum.never, SHARE_STARTS);
    else
        table_add(line, "%13.1f %6u", sum.took / (double)SHARE_STARTS, sum.worst);
    return true;
}

const struct table table_share = {
    .name = "share",
    .about =
        "20 Mbit/s, 20 ms, a queue of two bandwidth-delay products. All flows but the last\n"
        "begin in the first second, the last after ten; goodput from 20 s to 60 s. Eight runs,\n"
        "in each of which the last begins a little later: means, but for the least and the most\n"
        "that a flow got in any. Share: so many seconds after its beginning the last flow had\n"
        "4/5 of its fair share for a second.\n",
    .head = share_head,
    .rows = 8,
    .row = share_row,
    .small = table_none,
};

/* --- queues that are too long --- */

static const uint32_t queues[] = {1, 2, 4, 8};
#define BLOAT_RATE UINT64_C(10000000)

/** bloat_head() - table.head */
static void bloat_head(char *line)
{
    table_add(line, "queue ms");
    for (unsigned cc = 0; cc < table_algorithms(); cc++)
        table_add(line, " | %9s Mbit/s  mean ms   95 %% ms", cc_name(cc));
}

/** bloat_row() - table.row */
static bool bloat_row(unsigned i, char *line)
{
    const uint32_t rtt = 40;

    table_add(line, "%8u", rtt * queues[i]);
    for (unsigned cc = 0; cc < table_algorithms(); cc++) {
        struct bottle_config b = path(BLOAT_RATE, rtt, queues[i], 6000 + i);
        struct bottle_flow flow = {.cc = cc};
        struct bottle_result r;

        b.flow = &flow;
        b.n_flow = 1;
        b.from = 5 * GN_SEC;
        b.until = 45 * GN_SEC;
        if (!bottle_run(&b, &r))
            return false;
        table_add(line, " | %16.3f %8.1f %9.1f", (double)(r.got[0] * 8 / 40 / 1000) / 1e3,
                  (double)(r.wait_mean / 1000) / 1e3, (double)(r.wait_95 / 1000) / 1e3);
    }
    return true;
}

const struct table table_bloat = {
    .name = "bloat",
    .about = "10 Mbit/s, 40 ms, one flow for 40 s: how long do packets wait in a queue that\n"
             "holds so much? Limit of goodput: 9.653 Mbit/s.\n",
    .head = bloat_head,
    .rows = sizeof queues / sizeof *queues,
    .row = bloat_row,
    .small = table_none,
};

/* --- short flows --- */

#define TAIL_FLOWS 200
#define TAIL_RATE  UINT64_C(20000000)

static const uint32_t tail_losses[] = {0, 10000, 30000}; /* ppm */
static const uint32_t tail_sizes[] = {2000, 14000, 100000};

/** by_time() - for qsort */
static int by_time(const void *a, const void *b)
{
    gn_time x = *(const gn_time *)a, y = *(const gn_time *)b;

    return (x > y) - (x < y);
}

/** tail_head() - table.head */
static void tail_head(char *line)
{
    table_add(line, "octets  loss %%");
    for (unsigned cc = 0; cc < table_algorithms(); cc++)
        table_add(line, " | %8s 50 %%   90 %%   99 %%   most", cc_name(cc));
    table_add(line, " | best");
}

/** tail_run() - percentiles of one cell, appended to @line */
static bool tail_run(struct bottle_config *b, struct bottle_flow *flow, unsigned cc, char *line)
{
    struct bottle_result r;

    for (unsigned k = 0; k < TAIL_FLOWS; k++)
        flow[k].cc = cc;
    if (!bottle_run(b, &r))
        return false;
    for (unsigned k = 0; k < TAIL_FLOWS; k++)
        if (r.took[k] == 0)
            return false;
    qsort(r.took, TAIL_FLOWS, sizeof *r.took, by_time);
    table_add(line, " | %13.1f %6.1f %6.1f %6.1f", (double)(r.took[TAIL_FLOWS / 2] / 1000) / 1e3,
              (double)(r.took[TAIL_FLOWS * 9 / 10] / 1000) / 1e3,
              (double)(r.took[TAIL_FLOWS * 99 / 100] / 1000) / 1e3,
              (double)(r.took[TAIL_FLOWS - 1] / 1000) / 1e3);
    return true;
}

/** tail_row() - table.row */
static bool tail_row(unsigned i, char *line)
{
    struct bottle_config b = path(TAIL_RATE, 20, 2, 7000 + i);
    uint32_t size = tail_sizes[i / 3];
    struct bottle_flow flow[TAIL_FLOWS];
    struct prng p;
    gn_time at = 0;

    b.there.loss_ppm = b.back.loss_ppm = tail_losses[i % 3];
    prng_seed(&p, 7000 + i, 1);
    for (unsigned k = 0; k < TAIL_FLOWS; k++) {
        flow[k] = (struct bottle_flow){.start = at, .octets = size};
        at += (50 + prng_below(&p, 150)) * GN_MSEC;
    }
    b.flow = flow;
    b.n_flow = TAIL_FLOWS;
    b.until = at + 30 * GN_SEC;
    table_add(line, "%6u %7.2f", size, tail_losses[i % 3] / 1e4);
    for (unsigned cc = 0; cc < table_algorithms(); cc++)
        if (!tail_run(&b, flow, cc, line))
            return false;
    /* handshake, and the text in one flight */
    table_add(line, " | %4.1f", 30 + size * 8.0 * BOTTLE_MTU / BOTTLE_MSS / (TAIL_RATE / 1000));
    return true;
}

const struct table table_tail = {
    .name = "tail",
    .about = "20 Mbit/s, 20 ms, loss both ways, 200 short flows a good while apart: milliseconds\n"
             "from OPEN to the end of data at the receiver. Best: handshake and text in one "
             "flight.\n",
    .head = tail_head,
    .rows = 9,
    .row = tail_row,
    .small = table_all,
};
