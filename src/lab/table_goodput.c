/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table_goodput.c  One bulk flow: loss by round-trip time by rate by algorithm.
 */
#include "base/bits.h"
#include "congestion/cc.h"
#include "lab/bottle.h"
#include "lab/table.h"

#define N_LOSS   5
#define N_RTT    4
#define LOSSES   200    /* that a measurement is to see, if that takes no more than ... */
#define SEGMENTS 500000 /* ... so many segments ... */
#define LONGEST  (600 * GN_SEC)

static const uint32_t losses[N_LOSS] = {0, 100, 1000, 10000, 30000}; /* ppm */
static const uint32_t rtts[N_RTT] = {1, 20, 100, 300};               /* ms */
static const uint64_t rates[] = {10000000, 100000000, 1000000000};

struct cell {
    uint64_t rate;
    uint32_t rtt, loss;
};

/** cell_of() - of row @i; @rate: NULL: from the row too */
static struct cell cell_of(unsigned i, const uint64_t *rate)
{
    return (struct cell){.rate = rate ? *rate : rates[i / (N_LOSS * N_RTT)],
                         .rtt = rtts[i / N_LOSS % N_RTT],
                         .loss = losses[i % N_LOSS]};
}

/** cell_limit() - the least of the limits */
static uint64_t cell_limit(const struct cell *c, unsigned cc)
{
    uint64_t link = limit_link(c->rate, c->loss), response = limit_response(cc, c->rtt, c->loss);

    return response ? min_u64(link, response) : link;
}

/** cell_time() - how long to measure: many losses, many round trips */
static gn_time cell_time(const struct cell *c, uint64_t limit)
{
    uint64_t base = c->rate > 1000000000 ? 2 * GN_SEC : 10 * GN_SEC;
    uint64_t segments = 0;

    base += 100 * c->rtt * GN_MSEC;
    if (c->loss)
        segments = min_u64(LOSSES * UINT64_C(1000000) / c->loss, SEGMENTS);
    return min_u64(max_u64(base, segments * (BOTTLE_MSS * 8) * GN_SEC / limit), LONGEST);
}

/** cell_run() - goodput of one cell, bits per second; false: the simulation failed */
static bool cell_run(const struct cell *c, unsigned cc, uint64_t *ret, uint64_t *ret_rto)
{
    gn_time time = cell_time(c, cell_limit(c, cc));
    struct bottle_flow flow = {.cc = cc};
    struct bottle_config b = {.flow = &flow,
                              .n_flow = 1,
                              .from = time / 4,
                              .until = time + time / 4,
                              .seed = c->rtt * UINT64_C(1000003) + c->loss};
    struct bottle_result r;

    b.there.latency = b.back.latency = c->rtt * GN_MSEC / 2;
    b.there.rate = c->rate;
    b.there.queue_packets = (uint32_t)max_u64(c->rate / 1000 * c->rtt / (8 * BOTTLE_MTU), 64);
    b.there.loss_ppm = c->loss;
    if (!bottle_run(&b, &r))
        return false;
    *ret = r.got[0] * 8 * GN_MSEC / (time / 1000);
    *ret_rto = r.timeouts;
    return true;
}

/** head() - both tables' */
static void head(char *line)
{
    table_add(line, "   Mbit/s  rtt ms  loss %%");
    for (unsigned cc = 0; cc < table_algorithms(); cc++)
        table_add(line, " | %9s     limit    %%  rto", cc_name(cc));
}

/** line_of() - one row */
static bool line_of(struct cell c, char *line)
{
    table_add(line, "%9u %7u  %6.2f", (unsigned)(c.rate / 1000000), c.rtt, c.loss / 1e4);
    for (unsigned cc = 0; cc < table_algorithms(); cc++) {
        uint64_t limit = cell_limit(&c, cc), got = 0, rto = 0;

        if (!cell_run(&c, cc, &got, &rto))
            return false;
        table_add(line, " | %9.3f %9.3f %4u %4u", (double)(got / 1000) / 1e3,
                  (double)(limit / 1000) / 1e3, (unsigned)(got * 100 / limit), (unsigned)rto);
    }
    return true;
}

/** row() - table.row */
static bool row(unsigned i, char *line)
{
    return line_of(cell_of(i, NULL), line);
}

/** quick() - table.quick: all up to 100 Mbit/s, beyond it what is lost most */
static bool quick(unsigned i)
{
    struct cell c = cell_of(i, NULL);

    return c.rate <= 100000000 || (c.loss >= 10000 && c.rtt == 20);
}

/** small() - table.small */
static bool small(unsigned i)
{
    struct cell c = cell_of(i, NULL);

    return (c.loss >= 10000 && c.rtt == 20 && c.rate == 10000000) ||
           (c.loss >= 30000 && (c.rtt == 20 || c.rtt == 100) && c.rate == 100000000);
}

/** row_10g() - table.row */
static bool row_10g(unsigned i, char *line)
{
    static const uint64_t rate = UINT64_C(10000000000);

    return line_of(cell_of(i, &rate), line);
}

#define ABOUT                                                                                      \
    "One flow without end, random loss of text, ACKs safe; a queue of one bandwidth-delay\n"       \
    "product, at least 64 packets. Goodput in Mbit/s after a fifth of the time. Limit: the link\n" \
    "less headers and losses, or the algorithm's response function if that is less.\n"

const struct table table_goodput = {
    .name = "goodput",
    .about = ABOUT,
    .head = head,
    .rows = N_LOSS * N_RTT * sizeof rates / sizeof *rates,
    .row = row,
    .quick = quick,
    .small = small,
};

const struct table table_goodput_10g = {
    .name = "goodput-10g",
    .about = ABOUT,
    .head = head,
    .rows = N_LOSS * 2, /* the longer round-trip times take too long */
    .row = row_10g,
    .quick = table_none,
    .small = table_none,
};
