/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rest.c  Recovery at rest.
 */
#include "recovery/rest.h"

/* a D-SACK answers what was sent again within this, or not at all */
#define UNDO_LIFE (10 * GN_SEC)

/** lasting() - octets of congestion control's union that are needed without an undo, too */
static inline size_t lasting(const struct cc *c)
{
    return sizeof(c->u) - c->ops->undo_only;
}

/** short_times() - do the measured times fit 32 bits? Paths of four seconds do not rest */
static inline bool short_times(const struct recovery *r)
{
    return ((r->rtt.srtt | r->rtt.rttvar | r->rtt.min | r->rtt.min_next | r->rack.rtt) >> 32) == 0;
}

/** settled() - is nothing being mended, probed, held back or undone? */
static inline bool settled(const struct recovery *r, gn_time now)
{
    if (r->state != GN_RECOVERY_OPEN || r->handshake || r->frto != FRTO_OFF ||
        r->mtu_probe != MTU_PROBE_NONE || r->dup_acks || r->timeouts || r->reno_sacked)
        return false;
    if (r->probe_due || r->probe_again || r->force || r->ece_hold || r->rescue ||
        r->tlp.in_flight || r->rack.in_dsack_round || r->cwv.in_round)
        return false;
    return (!r->undo.on && !r->undo.stamp) || now - r->last_sent > UNDO_LIFE;
}

bool recovery_may_rest(const struct recovery *r, gn_time now)
{
    return seq_eq(r->una, r->nxt) && settled(r, now) && !r->rate && !r->cc.ops->block &&
           lasting(&r->cc) <= REST_CC_WORDS * sizeof(uint64_t) && short_times(r) &&
           !deadline_armed(r->rto_at) && !sent_count(&r->sent) && r->mss <= UINT16_MAX &&
           r->marked <= UINT16_MAX;
}

void recovery_rest(const struct recovery *r, struct recovery_rest *ret)
{
    *ret = (struct recovery_rest){
        .ops = r->cc.ops,
        .last_sent = r->last_sent,
        .min_at = rest_ms(r->rtt.min_at),
        .half_at = rest_ms(r->cwv.half_at),
        .since = rest_ms(r->cwv.since),
        .delivered = (uint32_t)r->delivered,
        .high = {r->cwv.high[0], r->cwv.high[1]},
        .srtt = (uint32_t)r->rtt.srtt,
        .rttvar = (uint32_t)r->rtt.rttvar,
        .min = (uint32_t)r->rtt.min,
        .min_next = (uint32_t)r->rtt.min_next,
        .rack_rtt = (uint32_t)r->rack.rtt,
        .cwnd = r->cc.cwnd,
        .ssthresh = r->cc.ssthresh,
        .iw = r->cc.iw,
        .acked = r->cc.acked,
        .retransmits = r->retransmits,
        .mss = (uint16_t)r->mss,
        .backoff = r->backoff,
        .reo_wnd_mult = r->rack.reo_wnd_mult,
        .reo_wnd_persist = r->rack.reo_wnd_persist,
        .reordering_seen = r->rack.reordering_seen,
        .known = r->cwv.known,
        .recover_at_una = seq_eq(r->recover, r->una),
        .sack_ok = r->sack_ok,
        .rto_spans_syn = r->rto_spans_syn,
        .fresh = r->tlp.fresh,
        .marked = (uint16_t)r->marked,
    };
    memcpy(ret->cc, r->cc.u.space, lasting(&r->cc));
}

/** wake_cc() - congestion control; what an undo would need is gone */
static void wake_cc(const struct recovery_rest *k, struct cc *c)
{
    c->ops = k->ops;
    c->cwnd = k->cwnd;
    c->ssthresh = k->ssthresh;
    c->mss = k->mss;
    c->iw = k->iw;
    c->acked = k->acked;
    memcpy(c->u.space, k->cc, sizeof(k->cc));
}

void recovery_wake(const struct recovery_rest *k, seq_t una, gn_time now, struct recovery *ret)
{
    struct recovery *r = ret;

    r->una = r->nxt = r->limited_end = una;
    wake_cc(k, &r->cc);
    r->rtt = (struct rtt){k->srtt, k->rttvar, k->min, k->min_next, rest_ms_back(k->min_at, now)};
    r->delivered = k->delivered;
    r->last_sent = k->last_sent;
    r->rack.xmit = k->last_sent; /* nothing older is in flight, nor will it be */
    r->rack.rtt = k->rack_rtt;
    r->rack.end_seq = r->rack.fack = una;
    r->rack.reo_wnd_mult = k->reo_wnd_mult;
    r->rack.reo_wnd_persist = k->reo_wnd_persist;
    r->rack.reordering_seen = k->reordering_seen;
    r->mss = k->mss;
    r->recover = k->recover_at_una ? una : seq_sub(una, 1);
    r->tlp.fresh = k->fresh;
    r->cwv.high[0] = k->high[0];
    r->cwv.high[1] = k->high[1];
    r->cwv.half_at = rest_ms_back(k->half_at, now);
    r->cwv.since = k->since ? rest_ms_back(k->since, now) : 0;
    r->cwv.known = k->known;
    r->retransmits = k->retransmits;
    r->backoff = k->backoff;
    r->sack_ok = k->sack_ok;
    r->rto_spans_syn = k->rto_spans_syn;
    r->marked = k->marked;
}
