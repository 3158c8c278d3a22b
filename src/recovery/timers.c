/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timers.c  Timers that have expired.
 */
#include "base/bits.h"
#include "recovery/internal.h"

/* mark_all() - without RACK all that is outstanding counts as lost */
static void mark_all(struct recovery *r)
{
    for (uint32_t no = r->sent.head; no != r->sent.tail; no++)
        sent_lose(&r->sent, no);
}

/* enter_loss() - RFC 5681 3.1, RFC 6582 3.2 "Retransmit Timeout": the answer to a timeout */
static void enter_loss(struct recovery *r, const struct rec_env *e, bool first)
{
    r->cc.ops->on_timeout(&r->cc, recovery_flight_size(r), first, e->now);
    r->state = GN_RECOVERY_LOSS;
    r->recover = r->nxt; /* CC-6582-6, CC-6675-8 */
    r->dup_acks = 0;
    r->reno_sacked = 0;
    r->ece_seen = false;
}

void recovery_on_rto(struct recovery *r, const struct rec_env *e)
{
    bool first = !r->timeouts;

    r->ece_hold = false;
    r->backoff = (uint8_t)min_u32(r->backoff + 1u, 255); /* CC-6298-10 */
    if (seq_eq(r->una, r->nxt)) {                        /* the timer had only held ECE's answer */
        r->rto_at = deadline_none();
        return;
    }
    r->timeouts = (uint8_t)min_u32(r->timeouts + 1u, 255);
    r->pto_at = r->reo_at = deadline_none();
    r->probe_due = false;
    if (!r->handshake)
        enter_loss(r, e, first);
    if (sent_at(&r->sent, r->sent.head)->flags & SENT_SACKED)
        sent_renege(&r->sent); /* CC-2018-5 */
    mark_all(r);
    r->force = true;
    recovery_arm_rto(r, e);
}

void recovery_on_pto(struct recovery *r, const struct rec_env *e)
{
    r->pto_at = deadline_none();
    recovery_arm_rto(r, e);
}

void recovery_on_reorder_timer(struct recovery *r, const struct rec_env *e)
{
    (void)e;
    r->reo_at = deadline_none();
}
