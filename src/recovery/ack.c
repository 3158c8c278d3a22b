/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ack.c  One arriving ACK, step by step: what it delivers, how long that took, what it shows
 * to be lost, what congestion control makes of it, and which timers follow.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "recovery/internal.h"

/* What one ACK delivers, gathered record by record. */
struct delivery {
    uint32_t octets;         /* never delivered before */
    gn_time oldest;          /* first transmission of the oldest that was sent once; ~0: none */
    gn_time newest;          /* and of the newest */
    bool retrans;            /* something sent more than once was acknowledged cumulatively */
    const struct sent *rate; /* the record whose snapshot gives the rate sample */
};

/* The state before an ACK. */
struct before {
    seq_t una;
    uint32_t in_flight, lost, segments;
};

/* deliver() - record @s arrived, which was not known to */
static void deliver(struct delivery *d, const struct sent *s)
{
    d->octets += s->len;
    if (!(s->flags & SENT_EVER_RETRANS)) { /* CC-6298-6 */
        d->oldest = min_u64(d->oldest, s->xmit);
        d->newest = max_u64(d->newest, s->xmit);
    }
    if (!d->rate || s->delivered >= d->rate->delivered)
        d->rate = s;
}

/* take_cumulative() - the records that @ack covers leave the log */
static void take_cumulative(struct recovery *r, seq_t ack, struct delivery *d)
{
    struct sent_log *l = &r->sent;

    while (sent_count(l)) {
        const struct sent *s = sent_at(l, l->head);

        if (seq_gt(sent_end(s), ack))
            break;
        if (!(s->flags & SENT_SACKED))
            deliver(d, s);
        d->retrans |= (s->flags & (SENT_EVER_RETRANS | SENT_SACKED)) == SENT_EVER_RETRANS;
        sent_pop(l);
    }
    r->una = ack;
    if (!sent_count(l))
        return;
    uint32_t part = seq_span(sent_at(l, l->head)->start, ack);

    if (part && !(sent_at(l, l->head)->flags & SENT_SACKED))
        d->octets += part;
    if (part)
        sent_trim(l, part);
}

/*
 * sample_rtt() - CC-6298-7. The oldest segment acknowledged tells the time that the peer took to
 * acknowledge, which the timeout must allow for; its own record is finer than the timestamp clock.
 * The echo serves where Karn's rule forbids the record (CC-6298-6).
 */
static gn_time sample_rtt(struct recovery *r, const struct rec_env *e, const struct rec_ack *a,
                          const struct delivery *d, uint32_t acked, uint32_t segments)
{
    gn_time sample = 0;

    if (d->oldest != UINT64_MAX && !d->retrans)
        sample = max_u64(e->now - d->oldest, 1);
    else if (a->has_ts && acked)
        sample = max_u64(a->ts_rtt, 1);
    if (!sample)
        return 0;
    rtt_sample(&r->rtt, sample, segments);
    if (d->oldest != UINT64_MAX)
        rtt_sample_min(&r->rtt, max_u64(e->now - d->newest, 1), e->now);
    r->backoff = 0;
    return sample;
}

/*
 * reno_dup() - without SACK a duplicate ACK stands for one segment that has left the network.
 * Before fast recovery only two do (limited transmit, CC-5681-13, CC-3042-1), and never more than
 * there can be (CC-5681-12)
 */
static void reno_dup(struct recovery *r, const struct rec_env *e)
{
    uint32_t most = seq_span(r->una, r->nxt) - sent_at(&r->sent, r->sent.head)->len;

    if (r->state == GN_RECOVERY_LOSS)
        return;
    if (r->state != GN_RECOVERY_FAST) {
        r->state = GN_RECOVERY_DISORDER;
        if (r->dup_acks >= e->conf->tcp_reordering && seq_gt(r->una, r->recover)) /* CC-6582-1 */
            sent_lose(&r->sent, r->sent.head);                                    /* CC-5681-11 */
        else
            most = min_u32(most, 2 * r->mss);
    }
    r->reno_sacked = min_u32(most, r->reno_sacked + r->mss);
}

/* reno_advance() - without SACK: a cumulative ACK covers what duplicate ACKs stood for, and in fast
 * recovery leaves the next hole at una (CC-6582-4) */
static void reno_advance(struct recovery *r, uint32_t acked)
{
    uint32_t own = min_u32(acked, r->mss); /* the hole that is filled was not among them */

    r->reno_sacked -= min_u32(r->reno_sacked, acked - own);
    if (r->state == GN_RECOVERY_FAST && seq_lt(r->una, r->recover)) {
        struct sent *s = sent_at(&r->sent, r->sent.head);

        if (!(s->flags & SENT_LOST))
            sent_lose(&r->sent, r->sent.head);
    } else {
        r->reno_sacked = 0;
    }
}

void recovery_enter_fast(struct recovery *r, const struct rec_env *e)
{
    r->cc.ops->on_loss(&r->cc, recovery_flight_size(r), e->now);
    r->state = GN_RECOVERY_FAST;
    r->recover = r->nxt; /* CC-6582-2 */
    r->partial = false;
    r->force = true; /* RFC 6675 5 (4.3): the first retransmission leaves at once */
    r->ece_seen = true;
    r->cwr_end = r->nxt; /* one reaction per round trip, whatever its sign (CC-3168-4) */
}

/* leave_fast() - CC-6582-3, CC-6675-6: all that was outstanding at the start is acknowledged */
static void leave_fast(struct recovery *r, const struct rec_env *e)
{
    uint32_t flight = seq_span(r->una, r->nxt);

    r->cc.ops->on_recovered(&r->cc, flight, e->now);
    if (!r->sack_ok) /* no burst: RFC 6582 3.2 step 3 (1) */
        r->cc.cwnd = min_u32(r->cc.cwnd, max_u32(flight, r->mss) + r->mss);
    r->state = GN_RECOVERY_OPEN;
}

/* walk() - the step between the states of recovery that this ACK makes */
static void walk(struct recovery *r, const struct rec_env *e, const struct before *was,
                 struct rec_result *ret)
{
    bool full = ret->acked && seq_ge(r->una, r->recover);

    if (r->state == GN_RECOVERY_FAST && full) {
        leave_fast(r, e);
        ret->left = true;
    } else if (r->state == GN_RECOVERY_LOSS && full) {
        r->state = GN_RECOVERY_OPEN;
    }
    if (r->state == GN_RECOVERY_OPEN || r->state == GN_RECOVERY_DISORDER) {
        if (r->sent.lost > was->lost) {
            recovery_enter_fast(r, e);
            ret->entered = true;
        } else {
            r->state = r->dup_acks || r->sent.sacked ? GN_RECOVERY_DISORDER : GN_RECOVERY_OPEN;
        }
    }
}

/* answer_ece() - RFC 3168 6.1.2: as to a loss, once per window (CC-3168-4) */
static void answer_ece(struct recovery *r, const struct rec_env *e, struct rec_result *ret)
{
    if (r->handshake || r->state == GN_RECOVERY_FAST || r->state == GN_RECOVERY_LOSS ||
        (r->ece_seen && seq_lt(r->una, r->cwr_end)))
        return;
    if (r->cc.cwnd <= r->mss) { /* CC-3168-5, CC-9438-10 */
        r->ece_hold = true;
        recovery_arm_rto(r, e);
    }
    r->cc.ops->on_ece(&r->cc, recovery_flight_size(r), e->now);
    r->ece_seen = true;
    r->cwr_end = r->nxt;
    ret->cwr = true;
}

/* rate_sample() - draft-ietf-ccwg-bbr 4.1.2: over the longer of the send and the ACK interval */
static void rate_sample(struct recovery *r, const struct rec_env *e, const struct delivery *d,
                        struct cc_ack *c)
{
    r->delivered += d->octets;
    r->delivered_at = e->now;
    c->delivered = r->delivered;
    if (r->app_limited && r->delivered > r->app_limited)
        r->app_limited = 0;
    if (!d->rate)
        return;
    c->interval = max_u64(d->rate->xmit - d->rate->first_sent, e->now - d->rate->delivered_at);
    c->prior_delivered = d->rate->delivered;
    c->app_limited = d->rate->flags & SENT_APP_LIMITED;
    r->first_sent = d->rate->xmit;
}

/* tell_cc() - what this ACK means to congestion control */
static void tell_cc(struct recovery *r, const struct rec_env *e, const struct rec_ack *a,
                    const struct delivery *d, const struct before *was, struct rec_result *ret)
{
    struct cc_ack c = {
        .now = e->now,
        .acked = ret->acked,
        .sacked = ret->sacked,
        .lost = ret->lost,
        .in_flight_before = was->in_flight,
        .in_flight = recovery_in_flight(r),
        .rtt = d->oldest != UINT64_MAX ? max_u64(e->now - d->newest, 1) : 0,
        .srtt = r->rtt.srtt,
        .min_rtt = r->rtt.min,
        .ece = a->ece,
        .cwnd_limited = recovery_cwnd_limited(r),
        .in_recovery = r->state == GN_RECOVERY_LOSS,
    };

    if (d->octets)
        rate_sample(r, e, d, &c);
    if (ret->acked && r->state != GN_RECOVERY_FAST && !ret->left && !ret->cwr)
        r->cc.ops->on_ack(&r->cc, &c);
}

/* settle_timers() - una has advanced. Restart the RTO (CC-6298-9: 5.2, 5.3); without SACK only the
 * first partial ACK does (CC-6582-5) */
static void settle_timers(struct recovery *r, const struct rec_env *e)
{
    r->timeouts = 0;
    if (seq_eq(r->una, r->nxt)) {
        r->first_unacked = 0;
        r->reo_at = r->pto_at = deadline_none();
        if (!r->ece_hold)
            r->rto_at = deadline_none();
        sent_release(&r->sent, e->mem);
        return;
    }
    r->first_unacked = sent_at(&r->sent, r->sent.head)->first_xmit;
    if (r->sack_ok || r->state != GN_RECOVERY_FAST || !r->partial)
        recovery_arm_rto(r, e);
    r->partial = r->state == GN_RECOVERY_FAST;
}

void recovery_on_ack(struct recovery *r, const struct rec_env *e, const struct rec_ack *a,
                     struct rec_result *ret)
{
    struct delivery d = {.oldest = UINT64_MAX};
    struct before was = {r->una, recovery_in_flight(r), r->sent.lost, sent_count(&r->sent)};
    bool syn = r->handshake;
    uint8_t timeouts = r->timeouts;

    ASSERT(seq_ge(a->ack, r->una) && seq_le(a->ack, r->nxt));
    memset(ret, 0, sizeof(*ret));
    ret->acked = seq_span(r->una, a->ack);
    if (ret->acked)
        take_cumulative(r, a->ack, &d);
    ret->rtt = sample_rtt(r, e, a, &d, ret->acked, was.segments);
    if (ret->acked) {
        r->dup_acks = 0;
        if (!r->sack_ok)
            reno_advance(r, ret->acked);
        if (syn)
            recovery_handshake_done(r, timeouts);
    } else if (a->dup && !seq_eq(r->una, r->nxt)) {
        r->dup_acks = (uint16_t)min_u32(r->dup_acks + 1u, UINT16_MAX); /* CC-5681-7 */
        if (!r->sack_ok)
            reno_dup(r, e);
    }
    walk(r, e, &was, ret);
    ret->lost = r->sent.lost > was.lost ? r->sent.lost - was.lost : 0;
    if (a->ece)
        answer_ece(r, e, ret);
    if (!syn)
        tell_cc(r, e, a, &d, &was, ret);
    if (ret->acked)
        settle_timers(r, e);
}
