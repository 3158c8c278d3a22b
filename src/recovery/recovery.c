/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file recovery.c  The life of a recovery, what is sent, and what may be sent. ACKs are in ack.c,
 * expired timers in timers.c.
 */
#include "recovery/recovery.h"

#include "base/assert.h"
#include "base/bits.h"
#include "recovery/internal.h"
#include "recovery/rate.h"

#define SYN_RTO (3 * GN_SEC) /* RFC 6298 5.7 */

/* settle_rate() - samples for who wants them; without memory for these it is NewReno */
static void settle_rate(struct recovery *r, const struct rec_env *e)
{
    r->cc.loss_spread = (uint8_t)e->conf->tcp_bbr_loss_spread;
    if (!rate_settle(r, e, r->rate ? r->rate->max : 0) && r->cc.ops->own_recovery)
        cc_switch(&r->cc, CC_NEWRENO, e->mem, e->now);
}

void recovery_init(struct recovery *r, const struct rec_env *e, seq_t iss, uint32_t mss,
                   unsigned cc)
{
    ASSERT(!r->cc.ops);
    r->una = iss;
    r->nxt = iss;
    r->recover = iss; /* CC-6582-1 */
    r->mss = mss;
    r->handshake = true;
    rack_init(&r->rack, iss);
    cc_init(&r->cc, cc, mss, (uint32_t)e->conf->tcp_initial_window, e->mem, e->now);
    settle_rate(r, e);
}

/* tell_open() - an algorithm that paces needs a round-trip time to begin with (CC-BBR-10) */
static void tell_open(struct recovery *r, const struct rec_env *e)
{
    if (r->cc.ops->on_open && !r->handshake)
        r->cc.ops->on_open(&r->cc, r->rtt.srtt, e->now);
}

void recovery_free(struct recovery *r, const struct rec_env *e)
{
    sent_release(&r->sent, e->mem);
    cc_fini(&r->cc, e->mem);
    r->una = r->nxt;
    rate_free(r, e->mem);
    r->rto_at = r->pto_at = r->reo_at = deadline_none();
}

void recovery_set_cc(struct recovery *r, const struct rec_env *e, unsigned cc)
{
    bool own = r->cc.ops->own_recovery;

    cc_switch(&r->cc, cc, e->mem, e->now);
    settle_rate(r, e);
    tell_open(r, e);
    if (own && r->state == GN_RECOVERY_FAST && !r->cc.ops->own_recovery)
        recovery_take_over(r, e);
}

bool recovery_set_max_pacing(struct recovery *r, const struct rec_env *e, uint64_t max)
{
    return rate_settle(r, e, max);
}

void recovery_handshake_done(struct recovery *r, const struct rec_env *e, uint32_t retries)
{
    r->rto_spans_syn = retries > 0;
    if (retries > 1) /* CC-5681-3 */
        r->cc.cwnd = r->mss;
    tell_open(r, e);
}

void recovery_on_open(struct recovery *r, const struct rec_env *e, uint32_t retries, gn_time rtt)
{
    r->unusual = 0; /* the handshake was all of it */
    recovery_handshake_done(r, e, retries);
    r->recover = seq_sub(r->una, 1); /* the SYN (CC-6582-1) */
    r->sent.head = ++r->sent.tail;   /* which counts as delivered */
    if (!rtt)
        return;
    r->tlp.fresh = true; /* CC-8985-11 */
    rtt_sample(&r->rtt, rtt, 1);
    rtt_sample_min(&r->rtt, rtt, e->now);
    tell_open(r, e);
}

void recovery_set_mss(struct recovery *r, const struct rec_env *e, uint32_t mss)
{
    bool smaller = mss < r->mss;

    if (mss == r->mss)
        return;
    r->mss = mss;
    cc_set_mss(&r->cc, mss, (uint32_t)e->conf->tcp_initial_window, r->handshake);
    if (r->handshake || !smaller)
        return;
    r->mtu_probe = MTU_PROBE_NONE;
    for (uint32_t no = r->sent.head; no != r->sent.tail; no++)
        if (sent_at(&r->sent, no)->len > mss)
            sent_lose(&r->sent, no);
    r->sent.lost_new = 0; /* no congestion */
}

void recovery_lose_all(struct recovery *r)
{
    for (uint32_t no = r->sent.head; no != r->sent.tail; no++)
        sent_lose(&r->sent, no);
    r->sent.lost_new = 0;
}

void recovery_mtu_probe(struct recovery *r, uint32_t len)
{
    r->mtu_probe = MTU_PROBE_DUE;
    r->mtu_probe_start = r->nxt;
    r->mtu_probe_end = seq_add(r->nxt, len);
}

void recovery_lose_mtu_probe(struct recovery *r)
{
    if (r->mtu_probe == MTU_PROBE_OUT)
        sent_lose(&r->sent, sent_find(&r->sent, seq_max(r->una, r->mtu_probe_start)));
    r->sent.lost_new = 0;
    r->mtu_probe = MTU_PROBE_NONE;
}

bool recovery_reserve(struct recovery *r, const struct rec_env *e, uint32_t n)
{
    return sent_reserve(&r->sent, e->mem, n);
}

/* log_new() - octets never sent before, in records of one segment each */
static void log_new(struct recovery *r, const struct rec_env *e, uint32_t len)
{
    uint32_t most = r->mss;

    if (r->mtu_probe == MTU_PROBE_DUE) {
        r->mtu_probe = MTU_PROBE_OUT;
        most = len;
    }
    if (seq_eq(r->una, r->nxt)) {
        r->first_unacked = e->now;
        if (r->rate)
            rate_restart(r, e->now);
    }
    while (len) {
        uint32_t n = min_u32(len, most);
        struct sent *s = sent_push(&r->sent, r->nxt, n, e->now);

        r->nxt = seq_add(r->nxt, n);
        if (r->rate)
            rate_snapshot(r, s);
        len -= n;
    }
}

/* log_again() - @len octets from @start on, all below nxt, are sent again */
static void log_again(struct recovery *r, const struct rec_env *e, seq_t start, uint32_t len)
{
    ASSERT(seq_ge(start, r->una));
    for (uint32_t no = sent_find(&r->sent, start); len; no++) {
        struct sent *s = sent_at(&r->sent, no);
        uint32_t off = seq_span(s->start, start), n = min_u32(len, s->len - off);

        sent_resend(&r->sent, no, off + n, e->now);
        if (r->rate)
            rate_snapshot(r, s);
        r->retransmits++;
        if (recovery_active(r))
            undo_on_resent(&r->undo, start, n, e->now);
        start = seq_add(start, n);
        len -= n;
    }
}

void recovery_validate(struct recovery *r, const struct rec_env *e)
{
    struct cc *c = &r->cc;

    if (c->ops->own_recovery) /* what it has not seen carried it does not rely on */
        return;
    for (uint32_t n = cwv_judge(&r->cwv, c->cwnd, r->rtt.srtt, e->now); n; n--) {
        c->ssthresh = max_u32(c->ssthresh, cc_share(c->cwnd, 768)); /* CC-7661-4: 3/4 */
        c->cwnd = min_u32(c->cwnd, max_u32(c->cwnd / 2, c->iw));
    }
}

bool recovery_cwnd_limited(const struct recovery *r)
{
    if (r->cwv.since) /* CC-7661-2 */
        return r->limited;
    /* slow start may double what was really used */
    return r->limited || (cc_in_slow_start(&r->cc) && r->cc.cwnd < 2 * (uint64_t)r->max_flight);
}

/* settle_probe() - what has left may be the probe that was due: @again octets were sent again,
 * @news for the first time. True: it was */
static bool settle_probe(struct recovery *r, uint32_t again, uint32_t news)
{
    bool probe;

    if (!r->probe_due && !r->probe_again) /* nearly always */
        return false;
    probe = (r->probe_due && news) || (r->probe_again && again);
    if (probe)
        tlp_sent(&r->tlp, r->nxt, !news);
    r->probe_due = r->probe_due && !probe;
    r->probe_again = false;
    return probe;
}

/* note_rate() - @len octets leave. Whose turn it is not, by pacing, is not limited by the
 * application; recovery_on_pace() asks again */
static void note_rate(struct recovery *r, uint32_t len, bool app_limited, gn_time now)
{
    rate_pace(r, len, now);
    if (app_limited && !deadline_armed(r->rate->pace_at) && !r->limited && !r->sent.resend)
        rate_bubble(r);
}

void recovery_on_sent(struct recovery *r, const struct rec_env *e, seq_t start, uint32_t len,
                      bool app_limited)
{
    uint32_t again = seq_lt(start, r->nxt) ? min_u32(len, seq_span(start, r->nxt)) : 0;
    bool head = again && seq_eq(start, r->una), probe;

    ASSERT(seq_le(start, r->nxt));
    if (again)
        log_again(r, e, start, again);
    if (len > again)
        log_new(r, e, len - again);
    if (r->state == GN_RECOVERY_FAST)
        r->prr.prr_out += len;
    probe = settle_probe(r, again, len - again);
    r->force = false;
    r->last_sent = e->now;
    recovery_note_limit(r, recovery_in_flight(r));
    if (r->rate && !r->handshake)
        note_rate(r, len, app_limited, e->now);
    if (!deadline_armed(r->rto_at) || head || probe) /* CC-6298-9 (5.1), CC-6298-8 */
        recovery_arm_rto(r, e);
    if (len > again && !probe)
        recovery_arm_pto(r, e);
}

bool recovery_next_lost(const struct recovery *r, uint32_t max, seq_t *ret_start, uint32_t *ret_len)
{
    const struct sent_log *l = &r->sent;
    uint32_t len = 0;

    if (!l->resend || !max || r->frto == FRTO_NEW) /* CC-5682-3 */
        return false;
    for (uint32_t no = l->hole; no != l->tail && len < max; no++) {
        const struct sent *s = sent_at(l, no);

        if (!sent_pending(s) || (len && s->resent))
            break;
        if (!len)
            *ret_start = seq_add(s->start, s->resent);
        len += s->len - s->resent;
    }
    *ret_len = min_u32(len, max);
    return true;
}

/* next_unproved() - NextSeg (3): the first below the highest SACKed that was not sent again */
static const struct sent *next_unproved(const struct recovery *r)
{
    const struct sent_log *l = &r->sent;
    uint32_t no = (int32_t)(r->rack.cursor - l->head) < 0 ? l->head : r->rack.cursor;

    for (; (int32_t)(no - l->sacked_end) < 0; no++)
        if (!(sent_at(l, no)->flags & (SENT_SACKED | SENT_LOST | SENT_RETRANS)))
            return sent_at(l, no);
    return NULL;
}

/* highest_unsacked() - NextSeg (4): what the rescue retransmission is to include (CC-6675-4) */
static const struct sent *highest_unsacked(const struct recovery *r)
{
    const struct sent_log *l = &r->sent;

    for (uint32_t no = l->tail; no != l->head; no--)
        if (!(sent_at(l, no - 1)->flags & SENT_SACKED))
            return sent_at(l, no - 1);
    return NULL;
}

bool recovery_next_rescue(struct recovery *r, uint32_t max, seq_t *ret_start, uint32_t *ret_len)
{
    const struct sent *s = r->sent.n_sacked ? next_unproved(r) : NULL; /* CC-6675-3 */
    bool last = !s;
    uint32_t len;

    r->rescue = false;
    if (last)
        s = r->rescued ? NULL : highest_unsacked(r);
    if (!s)
        return false;
    len = min_u32(s->len, max);
    if (recovery_room(r) < len)
        return false;
    r->rescued |= last;
    *ret_start = last ? seq_add(s->start, s->len - len) : s->start;
    *ret_len = len;
    return true;
}

bool recovery_next_probe(struct recovery *r, seq_t *ret_start, uint32_t *ret_len)
{
    r->probe_due = false;
    if (!sent_count(&r->sent))
        return false;
    const struct sent *s = sent_at(&r->sent, r->sent.tail - 1);

    r->probe_again = true;
    if (r->mtu_probe == MTU_PROBE_OUT && seq_eq(sent_end(s), r->mtu_probe_end))
        r->mtu_probe = MTU_PROBE_UNCLEAR;
    *ret_start = s->start;
    *ret_len = s->len;
    return true;
}

uint32_t recovery_segments(const struct recovery *r, seq_t ack)
{
    const struct sent_log *l = &r->sent;
    uint32_t n = sent_count(l);

    if (n != 0 && !seq_eq(ack, r->nxt))
        n = sent_find(l, ack) - l->head;
    if (l->n_sacked == 0)
        return n;
    for (uint32_t i = l->head, end = l->head + n; i != end; i++)
        n -= (sent_at(l, i)->flags & SENT_SACKED) != 0;
    return n;
}

uint32_t recovery_in_flight(const struct recovery *r)
{
    uint32_t all = seq_span(r->una, r->nxt) + r->sent.retrans; /* CC-6675-2, CC-9937-3 */
    uint32_t out = r->sent.sacked + r->reno_sacked + r->sent.lost;

    return all > out ? all - out : 0;
}

uint32_t recovery_room(const struct recovery *r)
{
    uint32_t flight = recovery_in_flight(r);
    uint32_t room = r->cc.cwnd > flight ? r->cc.cwnd - flight : 0; /* CC-5681-1 */

    if (r->ece_hold) /* CC-3168-5 */
        return 0;
    if (r->force || r->probe_due)
        return max_u32(room, r->mss);
    return r->rate ? rate_room(r, room) : room;
}

uint32_t recovery_room_for(const struct recovery *r, uint32_t len)
{
    uint32_t room = recovery_room(r);

    if (!r->rate || !room || r->cc.cwnd < (uint64_t)recovery_in_flight(r) + len)
        return room;
    return max_u32(room, len);
}

uint32_t recovery_flight_size(const struct recovery *r)
{
    uint32_t cwnd = r->cc.cwnd, flight;

    if (r->state == GN_RECOVERY_FAST || r->state == GN_RECOVERY_LOSS)
        cwnd = max_u32(cwnd, r->cc.ssthresh);
    flight = min_u32(seq_span(r->una, r->nxt), cwnd); /* CC-5681-9, CC-6675-5 */
    return r->cwv.since ? max_u32(flight, cwv_pipe_ack(&r->cwv)) : flight; /* CC-7661-3 */
}

void recovery_on_idle_restart(struct recovery *r, const struct rec_env *e)
{
    gn_time idle = e->now - r->last_sent;

    if (!r->last_sent || !seq_eq(r->una, r->nxt))
        return;
    if (e->conf->tcp_slow_start_after_idle)
        r->cc.ops->on_idle(&r->cc, idle, recovery_rto(r, e), e->now); /* CC-5681-14 */
    else
        recovery_validate(r, e);
}

gn_time recovery_rto(const struct recovery *r, const struct rec_env *e)
{
    gn_time rto = rtt_rto(&r->rtt, e->conf);

    if (r->rto_spans_syn && !r->handshake && !r->rtt.srtt)
        rto = max_u64(rto, SYN_RTO); /* CC-6298-11 */
    return min_u64(rto << min_u32(r->backoff, 16), e->conf->tcp_rto_max);
}

void recovery_status(const struct recovery *r, const struct rec_env *e, struct gn_status *ret)
{
    size_t i = 0;

    for (; r->cc.ops->name[i] && i < sizeof(ret->cc) - 1; i++)
        ret->cc[i] = r->cc.ops->name[i];
    ret->cc[i] = 0;
    ret->recovery = (enum gn_recovery_state)r->state;
    ret->cwnd = r->cc.cwnd;
    ret->ssthresh = r->cc.ssthresh;
    ret->in_flight = recovery_in_flight(r);
    ret->sacked = r->sent.sacked + r->reno_sacked;
    ret->lost = r->sent.lost;
    ret->retrans_out = r->sent.retrans;
    ret->dup_acks = r->dup_acks;
    ret->backoff = r->backoff;
    ret->retransmits = r->retransmits;
    ret->delivered = recovery_delivered(r);
    ret->delivered_ce = r->marked;
    ret->srtt = r->rtt.srtt;
    ret->rttvar = r->rtt.rttvar;
    ret->rto = recovery_rto(r, e);
    ret->min_rtt = r->rtt.min;
    rate_status(r, ret);
    if (r->cc.ops->tell)
        r->cc.ops->tell(&r->cc, &ret->bbr);
    ret->timer[GN_TIMER_RTO] = deadline_public(r->rto_at);
    ret->timer[GN_TIMER_PROBE] = deadline_public(r->pto_at);
    ret->timer[GN_TIMER_REORDER] = deadline_public(r->reo_at);
    ret->timer[GN_TIMER_PACE] = deadline_public(recovery_pace_at(r));
}

uint32_t recovery_memory(const struct recovery *r)
{
    uint32_t block = r->cc.ops ? r->cc.ops->block : 0;

    return block + (r->rate ? (uint32_t)sizeof(*r->rate) : 0);
}

void recovery_check(const struct recovery *r)
{
    bool idle = seq_eq(r->una, r->nxt);

    sent_check(&r->sent, r->una, r->nxt);      /* INV-05 */
    ASSERT(idle || deadline_armed(r->rto_at)); /* INV-04 */
    ASSERT(!idle ||
           (!sent_count(&r->sent) && !deadline_armed(r->pto_at) && !deadline_armed(r->reo_at)));
    ASSERT(idle == !r->first_unacked);
    ASSERT(r->cc.cwnd >= r->mss && r->cc.cwnd <= CC_CWND_MAX); /* INV-07 */
    ASSERT(r->cc.ssthresh >= 2 * r->mss);
    ASSERT(!r->sack_ok || !r->reno_sacked);
    ASSERT(r->sack_ok || !r->sent.sacked);
}
