/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pressure.c  Memory runs short; see pressure.h.
 */
#include "host/pressure.h"

#include "host/host.h"

#define PRUNE_STEPS 64 /* connections looked at in one call */
#define REAP_STEPS  16 /* connections reset in one call */

/** prune_some() - out-of-order text of the next few connections */
static void prune_some(struct gn_host *h)
{
    for (unsigned i = 0; i < PRUNE_STEPS && pressure(&h->mem); i++) {
        uint32_t at = pool_next(&h->conns, h->prune_next);
        struct conn *c;

        if (at == UINT32_MAX) {
            h->prune_next = 0;
            return;
        }
        h->prune_next = at + 1;
        c = pool_at(&h->conns, at);
        if (c->tcb)
            tcp_prune(c->tcb, host_env(h, c->tcb));
    }
}

/** reap_some() - the oldest orphans */
static void reap_some(struct gn_host *h)
{
    for (unsigned i = 0; i < REAP_STEPS && pressure(&h->mem) && !list_empty(&h->orphans); i++) {
        struct tcb *t = LIST_ENTRY(h->orphans.next, struct tcb, link);

        h->stats.TCPAbortOnMemory++;
        tcp_abort(t, host_env(h, t), GN_CAUSE_ORPHAN_LIMIT, GN_E_ABORTED);
        conn_after(h, t);
    }
}

void pressure_relieve(struct gn_host *h)
{
    mem_sweep(&h->mem);
    prune_some(h);
    reap_some(h);
}
