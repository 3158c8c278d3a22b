/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cubic.c  CUBIC (RFC 9438), with HyStart++ for the first slow start.
 *
 * The window follows W_cubic(t) = C * (t - K)^3 + W_max: fast at first, flat around the window at
 * which the last loss was met, then fast again; by time, not by round trips. Where that is slower
 * than Reno would be, it grows as Reno does. Windows are in octets, times in milliseconds, all in
 * integers.
 */
#include "congestion/cubic.h"

#include "base/bits.h"

#define BETA_CUBIC  717     /* 0.7 of 1024 */
#define BETA_ECN    870     /* 0.85 of 1024 (RFC 8511 3.1) */
#define ALPHA_CUBIC 542     /* 3 * (1 - beta) / (1 + beta) = 0.529 of 1024 (4.3 (4)) */
#define ALPHA_RENO  1024    /* once W_est has come to cwnd_prior */
#define CONVERGENCE 870     /* (1 + beta) / 2 of 1024 (4.7) */
#define MAX_T       100000u /* ms away from K; C * (100 s)^3 is 400,000 segments (CC-9438-11) */

_Static_assert(sizeof(struct cubic) <= sizeof(((struct cc *)0)->u), "fits the union");

/* state() - CUBIC's part of the union */
static struct cubic *state(struct cc *c)
{
    return (struct cubic *)(void *)&c->u;
}

/* initial() - the first slow start, the one that HyStart++ is for (RFC 9406 4.3) */
static bool initial(const struct cc *c)
{
    return c->ssthresh == UINT32_MAX;
}

uint32_t cubic_root(uint64_t x)
{
    uint64_t y = 0;

    for (int s = 63; s >= 0; s -= 3) { /* one bit of the root for three of x */
        uint64_t b;

        y += y;
        b = 3 * y * (y + 1) + 1;
        if ((x >> s) >= b) {
            x -= b << s;
            y++;
        }
    }
    return (uint32_t)y;
}

uint32_t cubic_window(const struct cubic *q, uint32_t mss, uint64_t t)
{
    uint64_t d = min_u64(t > q->k ? t - q->k : q->k - t, MAX_T);
    uint64_t delta = d * d * d / 1000 * mss * 4 / 10000000; /* C = 0.4; ms^3 are 1e-9 s^3 */

    if (t < q->k)
        return delta < q->w_max ? q->w_max - (uint32_t)delta : 0;
    return (uint32_t)min_u64(q->w_max + delta, CC_CWND_MAX);
}

/* cubic_init() - also when switched to in flight */
static void cubic_init(struct cc *c, gn_time now)
{
    (void)now;
    if (initial(c))
        hystart_init(&state(c)->hystart);
}

/* begin_epoch() - 4.2 (2): K, and W_est from here. Where there is no W_max, or cwnd is beyond it,
 * the epoch starts on the plateau (4.8, 4.10; CC-9438-7) */
static void begin_epoch(struct cubic *q, const struct cc *c, gn_time now)
{
    q->epoch.start = now;
    q->epoch.last = now;
    q->epoch.w_est = (uint64_t)c->cwnd << 10;
    q->k = 0;
    if (c->cwnd >= q->w_max)
        q->w_max = c->cwnd;
    else /* CC-9438-1: (w_max - cwnd) / mss / 0.4 * 1e9 ms^3 */
        q->k = cubic_root((uint64_t)(q->w_max - c->cwnd) * 2500000000u / c->mss);
}

/* reno_friendly() - 4.3: W_est after @acked octets more (CC-9438-4) */
static uint32_t reno_friendly(struct cubic *q, const struct cc *c, uint32_t acked)
{
    uint64_t alpha = q->epoch.w_est >> 10 >= q->cwnd_prior ? ALPHA_RENO : ALPHA_CUBIC;

    q->epoch.w_est += alpha * c->mss * acked / c->cwnd;
    return (uint32_t)min_u64(q->epoch.w_est >> 10, CC_CWND_MAX);
}

/* avoid() - 4.2 to 4.5: one ACK in congestion avoidance */
static void avoid(struct cc *c, const struct cc_ack *a, uint32_t acked)
{
    struct cubic *q = state(c);
    uint32_t w_est, target;
    uint64_t t, grow;

    if (!q->epoch.start)
        begin_epoch(q, c, a->now);
    q->epoch.last = a->now;
    t = (a->now - q->epoch.start) / GN_MSEC;
    w_est = reno_friendly(q, c, acked);
    if (cubic_window(q, c->mss, t) < w_est) {
        cc_grow(c, w_est > c->cwnd ? w_est - c->cwnd : 0);
        return;
    }
    target = clamp_u32(cubic_window(q, c->mss, t + a->srtt / GN_MSEC), c->cwnd,
                       c->cwnd + c->cwnd / 2); /* CC-9438-3 */
    grow = (uint64_t)(target - c->cwnd) * acked + c->acked;
    c->acked = (uint32_t)(grow % c->cwnd); /* what is left of an octet */
    cc_grow(c, (uint32_t)(grow / c->cwnd));
}

/* slow_start() - 4.10, CC-9438-8. The first with HyStart++ (CC-9406-1), later ones, whose end is
 * known, with its limit for bursts, after a timeout with RFC 3465 2.3's; what is left of the octets
 * acknowledged */
static uint32_t slow_start(struct cc *c, const struct cc_ack *a)
{
    bool done = false;
    uint32_t grow;

    if (!initial(c)) {
        memset(&state(c)->epoch, 0, sizeof(state(c)->epoch)); /* what follows is another stage */
        return cc_slow_start(c, a->acked, a->in_recovery ? c->mss : HYSTART_L * c->mss);
    }
    grow = hystart_on_ack(&state(c)->hystart, a, hystart_limit(c), &done);
    if (a->cwnd_limited)
        cc_grow(c, grow);
    if (done) {
        c->ssthresh = c->cwnd;
        memset(&state(c)->epoch, 0, sizeof(state(c)->epoch));
    }
    return 0;
}

/* cubic_on_ack() - 4.2 */
static void cubic_on_ack(struct cc *c, const struct cc_ack *a)
{
    struct cubic *q = state(c);
    uint32_t acked = a->acked;

    if (!a->cwnd_limited && !initial(c)) { /* CC-2861-2, CC-9438-5 */
        if (q->epoch.start)
            q->epoch.start += a->now - q->epoch.last;
        q->epoch.last = a->now;
        return;
    }
    if (cc_in_slow_start(c))
        acked = slow_start(c, a);
    if (acked && !cc_in_slow_start(c))
        avoid(c, a, acked);
}

/* reduce() - 4.6, 4.7: a congestion event at @flight; the next ACK in congestion avoidance begins
 * an epoch */
static void reduce(struct cc *c, uint32_t flight, uint32_t beta)
{
    struct cubic *q = state(c);

    cc_save(c);
    q->undo_w_max = q->w_max; /* CC-9438-9 */
    q->undo_cwnd_prior = q->cwnd_prior;
    q->undo_k = q->k;
    q->undo_start = initial(c) ? 0 : q->epoch.start;
    q->cwnd_prior = c->cwnd;
    q->w_max = c->cwnd < q->w_max ? cc_share(c->cwnd, CONVERGENCE) : c->cwnd; /* CC-9438-6 */
    memset(&q->epoch, 0, sizeof(q->epoch));
    c->ssthresh = max_u32(cc_share(flight, beta), 2 * c->mss); /* CC-9438-2 */
    c->acked = 0;
}

/* cubic_on_loss() - 4.6 */
static void cubic_on_loss(struct cc *c, uint32_t flight, gn_time now)
{
    (void)now;
    reduce(c, flight, BETA_CUBIC);
    c->cwnd = c->ssthresh;
}

/* cubic_on_ece() - 4.6 for ECN-Echo: down to one segment; milder in congestion avoidance
 * (CC-8511-1) */
static void cubic_on_ece(struct cc *c, uint32_t flight, gn_time now)
{
    uint32_t beta = c->cwnd > c->ssthresh ? BETA_ECN : BETA_CUBIC;

    (void)now;
    reduce(c, flight, beta);
    c->cwnd = min_u32(c->cwnd, max_u32(cc_share(flight, beta), c->mss));
}

/* cubic_on_recovered() - the window that recovery was on the way to */
static void cubic_on_recovered(struct cc *c, uint32_t flight, gn_time now)
{
    (void)flight;
    (void)now;
    c->cwnd = c->ssthresh;
}

/* cubic_on_timeout() - 4.8: the window as Reno's, ssthresh with beta; no W_max for the next epoch
 */
static void cubic_on_timeout(struct cc *c, uint32_t flight, bool first, gn_time now)
{
    (void)now;
    if (first)
        reduce(c, flight, BETA_CUBIC);
    state(c)->w_max = 0; /* CC-9438-7 */
    c->cwnd = c->mss;
}

/* cubic_on_undo() - 4.9 (CC-9438-9) */
static void cubic_on_undo(struct cc *c, gn_time now)
{
    struct cubic *q = state(c);

    cc_restore(c);
    q->w_max = q->undo_w_max;
    q->cwnd_prior = q->undo_cwnd_prior;
    q->k = q->undo_k;
    if (initial(c)) {
        hystart_init(&q->hystart);
        return;
    }
    q->epoch.start = q->undo_start;
    q->epoch.last = now;
    q->epoch.w_est = (uint64_t)c->cwnd << 10;
}

/* cubic_on_idle() - RFC 5681 4.1; idle time is no time of the epoch (CC-9438-5). What passed from
 * the last transmission to its ACK was not idle: an epoch that begins with that ACK and is put off
 * by all of @idle lies in the future */
static void cubic_on_idle(struct cc *c, gn_time idle, gn_time rto, gn_time now)
{
    struct cubic *q = state(c);

    cc_restart(c, idle, rto);
    if (!initial(c) && q->epoch.start) {
        q->epoch.start += now - q->epoch.last;
        q->epoch.last = now;
    }
}

const struct cc_ops cc_cubic = {
    .name = "cubic",
    .undo_only = sizeof(((struct cc *)0)->u) - offsetof(struct cubic, undo_start),
    .init = cubic_init,
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_ece = cubic_on_ece,
    .on_recovered = cubic_on_recovered,
    .on_timeout = cubic_on_timeout,
    .on_undo = cubic_on_undo,
    .on_idle = cubic_on_idle,
};
