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

/* of struct recovery_rest */
enum {
    REORDERING_SEEN = 1,
    CWV_KNOWN = 2,
    RECOVER_AT_UNA = 4,
    SACK_OK = 8,
    RTO_SPANS_SYN = 16,
    TLP_FRESH = 32
};

/** flags_of() - in a word, not bit by bit where they will lie (tcp/rest.h) */
static inline uint8_t flags_of(const struct recovery *r)
{
    return (uint8_t)(r->rack.reordering_seen * REORDERING_SEEN | r->cwv.known * CWV_KNOWN |
                     seq_eq(r->recover, r->una) * RECOVER_AT_UNA | r->sack_ok * SACK_OK |
                     r->rto_spans_syn * RTO_SPANS_SYN | r->tlp.fresh * TLP_FRESH);
}

void recovery_rest(const struct recovery *r, struct recovery_rest *ret)
{
    ret->ops = r->cc.ops;
    ret->last_sent = r->last_sent;
    ret->min_at = rest_ms(r->rtt.min_at);
    ret->half_at = rest_ms(r->cwv.half_at);
    ret->since = rest_ms(r->cwv.since);
    ret->delivered = (uint32_t)r->delivered;
    ret->high[0] = r->cwv.high[0];
    ret->high[1] = r->cwv.high[1];
    ret->srtt = (uint32_t)r->rtt.srtt;
    ret->rttvar = (uint32_t)r->rtt.rttvar;
    ret->min = (uint32_t)r->rtt.min;
    ret->min_next = (uint32_t)r->rtt.min_next;
    ret->rack_rtt = (uint32_t)r->rack.rtt;
    ret->cwnd = r->cc.cwnd;
    ret->ssthresh = r->cc.ssthresh;
    ret->iw = r->cc.iw;
    ret->acked = r->cc.acked;
    ret->retransmits = r->retransmits;
    ret->mss = (uint16_t)r->mss;
    ret->backoff = r->backoff;
    ret->reo_wnd_mult = r->rack.reo_wnd_mult;
    ret->reo_wnd_persist = r->rack.reo_wnd_persist;
    ret->flags = flags_of(r);
    ret->marked = (uint16_t)r->marked;
    memcpy(ret->cc, r->cc.u.space, sizeof(ret->cc)); /* lasting() is no more */
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
    r->rack.reordering_seen = k->flags & REORDERING_SEEN;
    r->mss = k->mss;
    r->recover = k->flags & RECOVER_AT_UNA ? una : seq_sub(una, 1);
    r->tlp.fresh = k->flags & TLP_FRESH;
    r->cwv.high[0] = k->high[0];
    r->cwv.high[1] = k->high[1];
    r->cwv.half_at = rest_ms_back(k->half_at, now);
    r->cwv.since = k->since ? rest_ms_back(k->since, now) : 0;
    r->cwv.known = k->flags & CWV_KNOWN;
    r->retransmits = k->retransmits;
    r->backoff = k->backoff;
    r->sack_ok = k->flags & SACK_OK;
    r->rto_spans_syn = k->flags & RTO_SPANS_SYN;
    r->marked = k->marked;
}
