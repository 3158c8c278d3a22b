/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cc.c  What all congestion controls share: the table of them, windows that start, grow, are
 * saved and restored.
 */
#include "congestion/cc.h"

#include "congestion/bbr.h"
#include "congestion/cubic.h"

/* MAY-18: NewReno, and others that conform to RFC 5033 */
static const struct cc_ops *const algorithms[] = {
    [CC_NEWRENO] = &cc_newreno,
    [CC_CUBIC] = &cc_cubic,
    [CC_BBR] = &cc_bbr,
};

#define N_ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

/* find_ops() - the table of an algorithm; NULL: not built in */
static const struct cc_ops *find_ops(unsigned algorithm)
{
    return algorithm < N_ALGORITHMS ? algorithms[algorithm] : NULL;
}

/* initial_window() - RFC 6928 2 for any number of segments: min(10 MSS, max(2 MSS, 14600)) */
static uint32_t initial_window(uint32_t mss, uint32_t segments)
{
    return min_u32(segments * mss, max_u32(2 * mss, segments * 1460)); /* CC-5681-2 */
}

/* take_block() - the block of @ops; false: no memory. Not inlined: few have one */
static __attribute__((noinline)) bool take_block(struct cc *c, const struct cc_ops *ops,
                                                 struct mem *m)
{
    c->u.block = mem_alloc(m, ops->block);
    return c->u.block;
}

/* begin() - the algorithm of @ops, or NewReno if there is no memory for its block; @c has none */
static void begin(struct cc *c, const struct cc_ops *ops, struct mem *m, gn_time now)
{
    if (!ops || (ops->block && !take_block(c, ops, m)))
        ops = &cc_newreno;
    c->ops = ops;
    ops->init(c, now);
}

void cc_init(struct cc *c, unsigned algorithm, uint32_t mss, uint32_t iw_segments, struct mem *m,
             gn_time now)
{
    c->ssthresh = UINT32_MAX; /* CC-5681-4 */
    cc_set_mss(c, mss, iw_segments, true);
    begin(c, find_ops(algorithm), m, now);
}

void cc_fini(struct cc *c, struct mem *m)
{
    if (!c->ops || !c->ops->block) /* no ops: nothing was ever sent */
        return;
    mem_free(m, c->u.block, c->ops->block);
    c->ops = &cc_newreno;
    c->u.block = NULL;
    c->pacing_rate = 0;
}

void cc_switch(struct cc *c, unsigned algorithm, struct mem *m, gn_time now)
{
    cc_fini(c, m);
    c->acked = 0;
    c->slowed = false;
    c->pacing_rate = 0;
    memset(&c->u, 0, sizeof(c->u));
    begin(c, find_ops(algorithm), m, now);
}

void cc_set_mss(struct cc *c, uint32_t mss, uint32_t iw_segments, bool fresh)
{
    if (fresh)
        c->cwnd = initial_window(mss, iw_segments);
    else if (mss < c->mss) /* CC-5681-19 */
        c->cwnd = (uint32_t)((uint64_t)c->cwnd * mss / c->mss);
    c->iw = initial_window(mss, iw_segments);
    c->mss = mss;
    c->cwnd = max_u32(c->cwnd, mss);
    c->ssthresh = max_u32(c->ssthresh, 2 * mss);
}

const char *cc_name(unsigned algorithm)
{
    const struct cc_ops *ops = find_ops(algorithm);

    return ops ? ops->name : NULL;
}

/* same_text() - two strings are equal */
static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int cc_find(const char *name)
{
    for (unsigned i = 0; i < N_ALGORITHMS; i++)
        if (algorithms[i] && same_text(algorithms[i]->name, name))
            return (int)i;
    return -1;
}

void cc_grow(struct cc *c, uint32_t octets)
{
    c->cwnd = (uint32_t)min_u64((uint64_t)c->cwnd + octets, CC_CWND_MAX);
}

uint32_t cc_slow_start(struct cc *c, uint32_t acked, uint32_t limit)
{
    uint32_t n = min_u32(min_u32(acked, limit), c->ssthresh - c->cwnd);

    cc_grow(c, n); /* CC-5681-5, CC-3465-1: by octets acknowledged, never by ACKs */
    return cc_in_slow_start(c) ? 0 : acked - n;
}

void cc_avoid(struct cc *c, uint32_t acked, uint32_t window)
{
    c->acked += acked;
    if (c->acked < window)
        return;
    c->acked = min_u32(c->acked - window, window); /* CC-5681-6: a segment per round trip */
    cc_grow(c, c->mss);
}

void cc_save(struct cc *c)
{
    c->undo_cwnd = c->cwnd;
    c->undo_ssthresh = c->ssthresh;
}

void cc_restore(struct cc *c)
{
    c->cwnd = max_u32(c->cwnd, c->undo_cwnd);
    c->ssthresh = max_u32(c->ssthresh, c->undo_ssthresh);
}

uint32_t cc_share(uint32_t octets, uint32_t num)
{
    return (uint32_t)((uint64_t)octets * num >> 10);
}

void cc_restart(struct cc *c, gn_time idle, gn_time rto)
{
    if (idle <= rto || c->cwnd <= c->iw)
        return;
    c->ssthresh = max_u32(c->ssthresh, cc_share(c->cwnd, 768)); /* CC-2861-1 */
    c->cwnd = c->iw;                                            /* CC-5681-14 */
    c->acked = 0;
}
