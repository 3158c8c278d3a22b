/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table_paths.c  One bulk flow on paths that lose in bursts, reorder, or lose ACKs.
 */
#include "base/bits.h"
#include "congestion/cc.h"
#include "lab/bottle.h"
#include "lab/table.h"

#define RATE    UINT64_C(20000000)
#define RTT     20 /* ms */
#define QUEUE   64
#define SECONDS 10

/** flow_on() - goodput of one flow of algorithm @cc, appended to @line */
static bool flow_on(const struct bottle_config *path, unsigned cc, uint64_t limit, char *line)
{
    struct bottle_flow flow = {.cc = cc};
    struct bottle_config b = *path;
    struct bottle_result r;
    uint64_t rate;

    b.flow = &flow;
    b.n_flow = 1;
    b.from = 2 * GN_SEC;
    b.until = b.from + SECONDS * GN_SEC;
    b.there.latency = b.back.latency = RTT * GN_MSEC / 2;
    b.there.rate = RATE;
    b.there.queue_packets = QUEUE;
    if (!bottle_run(&b, &r))
        return false;
    rate = r.got[0] * 8 / SECONDS;
    table_add(line, " | %8.3f %8.3f %4u %4u %6u", (double)(rate / 1000) / 1e3,
              (double)(limit / 1000) / 1e3, (unsigned)(rate * 100 / limit), (unsigned)r.timeouts,
              (unsigned)r.retrans);
    return true;
}

/** columns() - names of what flow_on() appends */
static void columns(char *line)
{
    for (unsigned cc = 0; cc < table_algorithms(); cc++)
        table_add(line, " | %8s    limit    %%  rto resent", cc_name(cc));
}

/** some() - table.small: one row in four */
static bool some(unsigned i)
{
    return i % 4 == 1;
}

/* --- bursts --- */

#define PERIOD 5000 /* packets from burst to burst */

static const uint32_t bursts[] = {2, 5, 10, 20, 50}; /* packets */

/** burst_head() - table.head */
static void burst_head(char *line)
{
    table_add(line, "burst packets");
    columns(line);
}

/** burst_filter() - gn_pipe_filter: the first packets of each period; @ctx: how many */
static enum gn_fate burst_filter(void *ctx, const uint8_t *packet, uint32_t len, uint64_t nth)
{
    const uint32_t *burst = ctx;

    (void)packet;
    (void)len;
    return nth >= PERIOD && nth % PERIOD < *burst ? GN_FATE_LOSE : GN_FATE_PASS;
}

/** burst_row() - table.row */
static bool burst_row(unsigned i, char *line)
{
    struct bottle_config b = {.seed = 2000 + i};
    uint32_t burst = bursts[i];

    b.there.filter = burst_filter;
    b.there.filter_ctx = &burst;
    table_add(line, "%13u", burst);
    for (unsigned cc = 0; cc < table_algorithms(); cc++) {
        uint64_t link = limit_link(RATE, burst * 1000000 / PERIOD);
        uint64_t response = limit_response(cc, RTT, 1000000 / PERIOD);

        if (!flow_on(&b, cc, response ? min_u64(response, link) : link, line))
            return false;
    }
    return true;
}

const struct table table_burst = {
    .name = "burst",
    .about = "20 Mbit/s, 20 ms: of each 5000 packets so many are lost, one after the other.\n"
             "Limit: each burst counts as one loss, for it is one event.\n",
    .head = burst_head,
    .rows = sizeof bursts / sizeof *bursts,
    .row = burst_row,
    .small = some,
};

/* --- reordering --- */

#define REORDERS 10

/** reorder_head() - table.head */
static void reorder_head(char *line)
{
    table_add(line, "late %%  by ms");
    columns(line);
}

/** reorder_row() - table.row: 1 to 5 %, late by little or much */
static bool reorder_row(unsigned i, char *line)
{
    struct bottle_config b = {.seed = 3000 + i};
    uint32_t percent = i / 2 + 1, late = i % 2 ? 8 : 2;

    b.there.reorder_ppm = percent * 10000;
    b.there.reorder_delay = late * GN_MSEC;
    table_add(line, "%6u %6u", percent, late);
    for (unsigned cc = 0; cc < table_algorithms(); cc++)
        if (!flow_on(&b, cc, limit_link(RATE, 0), line))
            return false;
    return true;
}

const struct table table_reorder = {
    .name = "reorder",
    .about = "20 Mbit/s, 20 ms: so many packets come later by so much; nothing is lost.\n"
             "Limit: the link. What is resent is resent for nothing.\n",
    .head = reorder_head,
    .rows = REORDERS,
    .row = reorder_row,
    .small = some,
};

/* --- lost ACKs --- */

static const uint32_t ack_losses[] = {1, 5, 10, 30, 50}; /* % */

/** ackloss_head() - table.head */
static void ackloss_head(char *line)
{
    table_add(line, "ACKs lost %%");
    columns(line);
}

/** ackloss_row() - table.row */
static bool ackloss_row(unsigned i, char *line)
{
    struct bottle_config b = {.seed = 4000 + i};

    b.back.loss_ppm = ack_losses[i] * 10000;
    table_add(line, "%11u", ack_losses[i]);
    for (unsigned cc = 0; cc < table_algorithms(); cc++)
        if (!flow_on(&b, cc, limit_link(RATE, 0), line))
            return false;
    return true;
}

const struct table table_ackloss = {
    .name = "ackloss",
    .about = "20 Mbit/s, 20 ms: so many ACKs are lost, no text. Limit: the link.\n",
    .head = ackloss_head,
    .rows = sizeof ack_losses / sizeof *ack_losses,
    .row = ackloss_row,
    .small = some,
};
