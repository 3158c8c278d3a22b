/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/recovery/rig.h"

#include "base/bits.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void *page_alloc(void *ctx, size_t bytes)
{
    (void)ctx;
    return aligned_alloc(4096, bytes);
}

static void page_free(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(block);
}

void rig_init(struct rig *g, bool sack)
{
    struct gn_page_source src = {.alloc = page_alloc, .free = page_free};

    memset(g, 0, sizeof(*g));
    gn_conf_default(&g->conf);
    mem_init(&g->mem, src, UINT64_MAX);
    g->env = (struct rec_env){.now = GN_SEC, .conf = &g->conf, .mem = &g->mem};
    recovery_init(&g->r, &g->env, seq(ISS), MSS, 0);
    g->r.sack_ok = sack;
}

void rig_open(struct rig *g, bool sack, gn_time rtt)
{
    struct rec_ack a = {.ack = seq(ISS + 1)};

    rig_init(g, sack);
    cr_assert(recovery_reserve(&g->r, &g->env, 1));
    recovery_on_sent(&g->r, &g->env, seq(ISS), 1, true);
    g->env.now += rtt;
    recovery_on_ack(&g->r, &g->env, &a, &g->ret);
    recovery_check(&g->r);
}

void rig_fini(struct rig *g)
{
    recovery_free(&g->r, &g->env);
    cr_expect_eq(g->mem.used, 0);
    mem_fini(&g->mem);
}

seq_t rig_seq(uint32_t n)
{
    return seq(ISS + 1 + n);
}

void rig_send(struct rig *g, uint32_t segments)
{
    cr_assert(recovery_reserve(&g->r, &g->env, segments));
    recovery_on_sent(&g->r, &g->env, g->r.nxt, segments * MSS, false);
    recovery_check(&g->r);
}

uint32_t rig_again(struct rig *g)
{
    uint32_t n = 0, len;
    seq_t start;

    while (recovery_next_lost(&g->r, MSS, &start, &len) && recovery_room(&g->r) >= len) {
        recovery_on_sent(&g->r, &g->env, start, len, false);
        recovery_check(&g->r);
        n++;
    }
    return n;
}

void rig_ack(struct rig *g, uint32_t segments, uint32_t ms)
{
    rig_sack(g, segments, ms, NULL, 0);
}

void rig_sack(struct rig *g, uint32_t segments, uint32_t ms, uint32_t block[][2], unsigned n)
{
    struct rec_ack a = {.ack = rig_seq(segments * MSS), .n_sack = (uint8_t)n};

    a.dup = seq_eq(a.ack, g->r.una) && !seq_eq(g->r.una, g->r.nxt);
    for (unsigned i = 0; i < n; i++)
        a.sack[i] = (struct rec_sack){rig_seq(block[i][0] * MSS), rig_seq(block[i][1] * MSS)};
    g->env.now += ms * GN_MSEC;
    recovery_on_ack(&g->r, &g->env, &a, &g->ret);
    recovery_check(&g->r);
}

void rig_dup(struct rig *g, unsigned n, uint32_t ms)
{
    uint32_t una = seq_span(rig_seq(0), g->r.una) / MSS;

    for (unsigned i = 0; i < n; i++)
        rig_ack(g, una, ms);
}

void rig_rto(struct rig *g)
{
    cr_assert(deadline_armed(g->r.rto_at));
    g->env.now = max_u64(g->env.now, deadline_time(g->r.rto_at));
    recovery_on_rto(&g->r, &g->env);
    recovery_check(&g->r);
}
