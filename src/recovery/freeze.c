/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file freeze.c  Recovery that moves.
 */
#include "recovery/freeze.h"

#include "base/bits.h"
#include "recovery/internal.h"

#define RTT_MAX (600 * GN_SEC) /* no path is longer */

void recovery_freeze(const struct recovery *r, struct recovery_kept *ret)
{
    *ret = (struct recovery_kept){
        .srtt = r->rtt.srtt,
        .rttvar = r->rtt.rttvar,
        .min = r->rtt.min,
        .first_unacked = r->first_unacked,
        .last_sent = r->last_sent,
        .delivered = r->delivered,
        .segments = recovery_delivered(r),
        .cwnd = r->cc.cwnd,
        .ssthresh = r->cc.ssthresh,
        .retransmits = r->retransmits,
        .marked = r->marked,
        .backoff = r->backoff,
        .timeouts = r->timeouts,
        .reo_wnd_mult = r->rack.reo_wnd_mult,
        .handshake = r->handshake,
        .rto_spans_syn = r->rto_spans_syn,
        .reordering_seen = r->rack.reordering_seen,
    };
}

/* take_kept() - what was measured and counted, as far as it can be true */
static void take_kept(struct recovery *r, const struct rec_env *e, const struct recovery_kept *k)
{
    if (k->srtt) {
        r->rtt.srtt = min_u64(k->srtt, RTT_MAX);
        r->rtt.rttvar = min_u64(k->rttvar, RTT_MAX);
        r->rtt.min = r->rtt.min_next = min_u64(max_u64(k->min, 1), RTT_MAX);
        r->rtt.min_at = e->now;
    }
    r->delivered = k->delivered;
    r->sent.head = r->sent.tail = r->rack.cursor = k->segments;
    r->last_sent = k->last_sent;
    r->retransmits = k->retransmits;
    r->marked = k->marked;
    r->backoff = k->backoff;
    r->timeouts = k->timeouts;
    r->rack.reordering_seen = k->reordering_seen;
    r->rack.reo_wnd_mult = (uint8_t)max_u32(k->reo_wnd_mult, r->rack.reo_wnd_mult);
}

/* take_window() - as far as it holds by the path that there is now */
static void take_window(struct recovery *r, const struct recovery_kept *k, bool same_path)
{
    struct cc *c = &r->cc;

    if (c->ops->own_recovery) /* its window follows from its model, which begins anew */
        return;
    c->ssthresh = max_u32(k->ssthresh, 2 * r->mss);
    if (same_path)
        c->cwnd = min_u32(max_u32(k->cwnd, r->mss), CC_CWND_MAX);
}

/* log_flight() - records of what is in flight, which tell no round-trip time (Karn) */
static bool log_flight(struct recovery *r, const struct rec_env *e, seq_t nxt)
{
    uint32_t left = seq_span(r->una, nxt);

    if (!recovery_reserve(r, e, left / r->mss + 2))
        return false;
    while (left) {
        uint32_t n = r->handshake && seq_eq(r->nxt, r->una) ? 1 : min_u32(left, r->mss);

        sent_push(&r->sent, r->nxt, n, e->now)->flags = SENT_EVER_RETRANS;
        r->nxt = seq_add(r->nxt, n);
        left -= n;
    }
    return true;
}

/* probe() - what of the flight has arrived? Whoever may probe does at once */
static void probe(struct recovery *r, const struct rec_env *e)
{
    r->tlp.fresh = true;
    recovery_arm_pto(r, e);
    if (deadline_armed(r->pto_at))
        r->pto_at = deadline_at(e->now);
}

/* ask() - the same of a flight that was made anew, whose SYN is simply sent again */
static void ask(struct recovery *r, const struct rec_env *e)
{
    recovery_arm_rto(r, e);
    if (r->handshake) {
        recovery_lose_all(r);
        r->force = true;
        return;
    }
    probe(r, e);
}

/* shift_log() - ... and none of its records gives a sample, of time (Karn) or of rate: the ACK may
 * have come long ago, and what comes next from the peer say it */
static void shift_log(struct sent_log *l, gn_time span)
{
    for (uint32_t no = l->head; no != l->tail; no++) {
        struct sent *s = sent_at(l, no);

        s->xmit += span;
        s->first_xmit += span;
        s->delivered_at = 0;
        s->flags |= SENT_EVER_RETRANS;
    }
}

void recovery_resume(struct recovery *r, const struct rec_env *e, gn_time span)
{
    gn_time *const past[] = {&r->first_unacked, &r->last_sent,   &r->since,     &r->rtt.min_at,
                             &r->rack.xmit,     &r->cwv.half_at, &r->cwv.since, &r->undo.stamp};

    for (size_t k = 0; k < sizeof(past) / sizeof(past[0]); k++)
        time_shift(past[k], span);
    deadline_shift(&r->rto_at, span);
    deadline_shift(&r->pto_at, span);
    deadline_shift(&r->reo_at, span);
    shift_log(&r->sent, span);
    if (r->rate) {
        time_shift(&r->rate->delivered_at, span);
        time_shift(&r->rate->first_sent, span);
        time_shift(&r->rate->next_send, span);
        deadline_shift(&r->rate->pace_at, span);
    }
    if (!r->cc.ops->block) /* it reckons with the time since its last loss */
        recovery_set_cc(r, e, (unsigned)cc_find(r->cc.ops->name));
    if (seq_eq(r->una, r->nxt) || r->handshake)
        return;
    probe(r, e);
}

bool recovery_thaw(struct recovery *r, const struct rec_env *e, const struct recovery_kept *k,
                   const struct recovery_start *s)
{
    recovery_init(r, e, s->una, s->mss, s->cc);
    r->sack_ok = s->sack_ok;
    if (!k->handshake)
        r->unusual = 0; /* the handshake was all of it */
    take_kept(r, e, k);
    if (!k->handshake) {
        recovery_handshake_done(r, e, 0);
        r->recover = seq_sub(s->una, 1);
    }
    r->rto_spans_syn = k->rto_spans_syn;
    take_window(r, k, s->same_path);
    if (!recovery_set_max_pacing(r, e, s->max_pacing) || !log_flight(r, e, s->nxt))
        return false;
    if (seq_eq(r->una, r->nxt))
        return true;
    r->first_unacked = k->first_unacked ? k->first_unacked : e->now;
    ask(r, e);
    return true;
}
