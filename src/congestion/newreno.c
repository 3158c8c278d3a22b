/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file newreno.c  The congestion control of RFC 5681, with byte counting (RFC 3465) and the milder
 * answer to ECN of RFC 8511.
 */
#include "base/bits.h"
#include "congestion/cc.h"

#define BETA_LOSS 512 /* 0.5 of 1024 (RFC 5681 3.1 (4)) */
#define BETA_ECN  819 /* 0.8 of 1024 (RFC 8511 3.1) */

/* newreno_init() - nothing of its own */
static void newreno_init(struct cc *c, gn_time now)
{
    (void)c;
    (void)now;
}

/* newreno_on_ack() - RFC 5681 3.1. L is two segments, one after a timeout (RFC 3465 2.2, 2.3) */
static void newreno_on_ack(struct cc *c, const struct cc_ack *a)
{
    uint32_t acked = a->acked;

    if (!a->cwnd_limited) /* CC-2861-2 */
        return;
    if (cc_in_slow_start(c))
        acked = cc_slow_start(c, acked, a->in_recovery ? c->mss : 2 * c->mss);
    if (acked && !cc_in_slow_start(c))
        cc_avoid(c, acked, c->cwnd);
}

/* newreno_on_loss() - RFC 5681 3.2 step 2 (4); what the window does meanwhile is recovery's */
static void newreno_on_loss(struct cc *c, uint32_t flight, gn_time now)
{
    (void)now;
    cc_save(c);
    c->ssthresh = max_u32(cc_share(flight, BETA_LOSS), 2 * c->mss);
    c->cwnd = c->ssthresh;
    c->acked = 0;
}

/* newreno_on_ece() - RFC 3168 6.1.2, RFC 8511 3.1: in congestion avoidance a milder cut
 * (CC-8511-1). The window may become one segment, ssthresh may not */
static void newreno_on_ece(struct cc *c, uint32_t flight, gn_time now)
{
    uint32_t cut = cc_share(flight, c->cwnd > c->ssthresh ? BETA_ECN : BETA_LOSS);

    (void)now;
    cc_save(c);
    c->ssthresh = max_u32(cut, 2 * c->mss);
    c->cwnd = min_u32(c->cwnd, max_u32(cut, c->mss));
    c->acked = 0;
}

/* newreno_on_recovered() - the window that recovery was on the way to */
static void newreno_on_recovered(struct cc *c, uint32_t flight, gn_time now)
{
    (void)flight;
    (void)now;
    c->cwnd = c->ssthresh;
}

/* newreno_on_timeout() - RFC 5681 3.1: ssthresh only for the first timeout (CC-5681-8), and the
 * loss window of one segment (CC-5681-10, MUST-19) */
static void newreno_on_timeout(struct cc *c, uint32_t flight, bool first, gn_time now)
{
    (void)now;
    if (first) {
        cc_save(c);
        c->ssthresh = max_u32(cc_share(flight, BETA_LOSS), 2 * c->mss);
    }
    c->cwnd = c->mss;
    c->acked = 0;
}

/* newreno_on_undo() - RFC 4015 3.2 */
static void newreno_on_undo(struct cc *c, gn_time now)
{
    (void)now;
    cc_restore(c);
}

/* newreno_on_idle() - RFC 5681 4.1 */
static void newreno_on_idle(struct cc *c, gn_time idle, gn_time rto, gn_time now)
{
    (void)now;
    cc_restart(c, idle, rto);
}

const struct cc_ops cc_newreno = {
    .name = "newreno",
    .undo_only = sizeof(((struct cc *)0)->u),
    .init = newreno_init,
    .on_ack = newreno_on_ack,
    .on_loss = newreno_on_loss,
    .on_ece = newreno_on_ece,
    .on_recovered = newreno_on_recovered,
    .on_timeout = newreno_on_timeout,
    .on_undo = newreno_on_undo,
    .on_idle = newreno_on_idle,
};
