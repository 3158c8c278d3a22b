/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timers.c  The three timers of recovery: armed, and expired.
 */
#include "base/bits.h"
#include "recovery/internal.h"
#include "recovery/rate.h"

void recovery_arm_rto(struct recovery *r, const struct rec_env *e)
{
    r->rto_at = deadline_at(e->now + recovery_rto(r, e));
}

void recovery_arm_pto(struct recovery *r, const struct rec_env *e)
{
    r->pto_at = deadline_none();
    if (!e->conf->tcp_early_retrans || !recovery_has_rack(r, e) || r->handshake ||
        seq_eq(r->una, r->nxt) || r->state != GN_RECOVERY_OPEN ||
        r->sent.n_sacked ||      /* CC-8985-10 */
        !tlp_may_probe(&r->tlp)) /* RFC 8985 7.3: skipped anyway, and the RTO runs already */
        return;
    r->pto_at = recovery_pto(r, e);
}

/* mark_lost() - what a timeout shows to be lost: with RACK what is old enough, without it all
 * (CC-8985-8). If the receiver SACKed the very octet that it waits for, it has thrown away what it
 * had, and none of its SACKs counts any more (CC-2018-5) */
static void mark_lost(struct recovery *r, const struct rec_env *e)
{
    bool renege = sent_at(&r->sent, r->sent.head)->flags & SENT_SACKED;

    if (renege)
        sent_renege(&r->sent);
    if (recovery_has_rack(r, e) && !renege) {
        rack_mark_on_rto(&r->rack, &r->sent, recovery_reo_wnd(r, e), e->now);
        return;
    }
    for (uint32_t no = r->sent.head; no != r->sent.tail; no++)
        sent_lose(&r->sent, no);
}

void recovery_on_rto(struct recovery *r, const struct rec_env *e)
{
    bool first = !r->timeouts;

    if (deadline_due(r->pto_at, e->now)) { /* CC-8985-9: the probe takes the place of the RTO */
        recovery_on_pto(r, e);
        return;
    }
    r->ece_hold = false;
    r->backoff = (uint8_t)min_u32(r->backoff + 1u, UINT8_MAX); /* CC-6298-10, MUST-19 */
    if (seq_eq(r->una, r->nxt)) { /* the timer had only held back after an ECE (CC-3168-5) */
        r->rto_at = deadline_none();
        return;
    }
    r->timeouts = (uint8_t)min_u32(r->timeouts + 1u, UINT8_MAX);
    r->pto_at = r->reo_at = deadline_none();
    if (r->handshake)
        r->force = true;
    else
        recovery_enter_loss(r, e, first);
    mark_lost(r, e);
    recovery_tell_lost(r, e);
    recovery_arm_rto(r, e);
}

deadline_t recovery_pace_at(const struct recovery *r)
{
    return r->rate ? r->rate->pace_at : deadline_none();
}

void recovery_on_pace(struct recovery *r, const struct rec_env *e, bool app_limited)
{
    rate_wake(r, e->now);
    if (app_limited && !r->limited && !r->sent.resend)
        rate_bubble(r);
}

void recovery_on_pto(struct recovery *r, const struct rec_env *e)
{
    r->pto_at = deadline_none();
    if (seq_eq(r->una, r->nxt))
        return;
    r->probe_due = tlp_may_probe(&r->tlp);
    recovery_arm_rto(r, e); /* CC-8985-12 */
}

void recovery_on_reorder_timer(struct recovery *r, const struct rec_env *e)
{
    uint32_t in_flight = recovery_in_flight(r), resend = r->sent.resend;
    bool again, spared;

    r->reo_at = deadline_none();
    again = recovery_detect(r, e);
    spared = recovery_spare_mtu_probe(r, resend);
    recovery_tell_lost(r, e);
    if ((r->sent.resend > resend && !recovery_active(r) && !spared) || again)
        recovery_enter_fast(r, e, 0);
    recovery_keep_room(r, in_flight);
}
