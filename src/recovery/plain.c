/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file plain.c  What nearly all ACKs and segments are, while nothing is mended, probed or doubted:
 * an ACK that advances una by whole segments, each sent once, and one segment of new text.
 *
 * Nothing here says anything new about recovery. What recovery_on_ack() and recovery_on_sent()
 * would do is done, and what they would look at in vain is left out: duplicate ACKs and SACK, the
 * states but Open and the ways between them, undoing, tail loss probes, path MTU probes, rate
 * samples. A test lets two recoveries live the same life, by the one way and by the other, and
 * compares them octet by octet.
 */
#include "recovery/internal.h"

/* nothing is mended, probed, held back or doubted, and nobody wants rate samples. @unusual: how
 * recovery.unusual is then */
static inline bool calm_but(const struct recovery *r, uint64_t unusual)
{
    return r->unusual == unusual &&
           !(r->sent.sacked | r->sent.lost | r->sent.retrans | r->reno_sacked) &&
           !r->tlp.in_flight && !r->rate;
}

static inline bool calm(const struct recovery *r)
{
    return calm_but(r, 0);
}

/* arm_pto() - recovery_arm_pto() with something in flight */
static inline void arm_pto(struct recovery *r, const struct rec_env *e)
{
    if (e->conf->tcp_early_retrans && recovery_has_rack(r, e) && r->tlp.fresh)
        r->pto_at = recovery_pto(r, e);
    else
        r->pto_at = deadline_none();
}

/* survey() - the ACK ends with a segment, none of those that it covers was sent twice, and RACK has
 * nothing to say of the one behind it; *@ret_end: number of that */
static bool survey(const struct recovery *r, const struct rec_env *e, seq_t ack, uint32_t *ret_end)
{
    const struct sent_log *l = &r->sent;
    const struct sent *s, *next;
    uint32_t no = l->head;

    do {
        s = sent_at(l, no++);
        if (s->flags)
            return false;
    } while (seq_lt(sent_end(s), ack));
    *ret_end = no;
    if (!seq_eq(sent_end(s), ack))
        return false;
    if (no == l->tail || !recovery_has_rack(r, e))
        return true;
    next = sent_at(l, no);
    return !next->flags && next->xmit >= s->xmit && (int32_t)(r->rack.cursor - no) <= 0 &&
           !sent_after(r->rack.xmit, r->rack.end_seq, next->xmit, sent_end(next));
}

/* tell_cc() - @acked octets, the last of them sent at @xmit: congestion control and its validation.
 * What is not set here only those look at who want rate samples (cc.h) */
static void tell_cc(struct recovery *r, const struct rec_env *e, uint32_t acked, gn_time xmit)
{
    struct cc_ack c;

    c.now = e->now;
    c.acked = acked;
    c.in_flight = seq_span(r->una, r->nxt);
    c.rtt = max_u64(e->now - xmit, 1);
    c.srtt = r->rtt.srtt;
    c.delivered = r->delivered;
    c.cwnd_limited = recovery_cwnd_limited(r);
    c.in_recovery = false;
    if (cwv_on_ack(&r->cwv, acked, r->una, r->nxt, r->rtt.srtt, e->now))
        recovery_validate(r, e);
    r->cc.ops->on_ack(&r->cc, &c);
}

/* take_rack() - what the segments from @first to @last, which this ACK is the first to deliver, are
 * to RACK */
static void take_rack(struct rack *k, const struct sent *first, const struct sent *last,
                      gn_time now)
{
    seq_t end = sent_end(last);

    k->reordering_seen |= seq_lt(sent_end(first), k->fack);
    k->fack = seq_max(k->fack, end);
    k->rtt = now - last->xmit;
    if (sent_after(last->xmit, end, k->xmit, k->end_seq)) {
        k->xmit = last->xmit;
        k->end_seq = end;
    }
}

/* take_times() - of the segments from @first to @last: round-trip time and RACK */
static inline void take_times(struct recovery *r, gn_time now, const struct sent *first,
                              const struct sent *last)
{
    rtt_sample_min(&r->rtt, max_u64(now - last->xmit, 1), now);
    rtt_sample(&r->rtt, max_u64(now - first->xmit, 1), sent_count(&r->sent));
    take_rack(&r->rack, first, last, now);
    r->tlp.fresh = true;
}

/* on_syn_acked() - the same for an ACK of our SYN and of what went with it, in one segment.
 * Congestion control hears that the handshake is done, and of no ACK */
static __attribute__((noinline)) bool on_syn_acked(struct recovery *r, const struct rec_env *e,
                                                   seq_t ack)
{
    const struct sent *syn = sent_at(&r->sent, r->sent.head);
    const struct recovery only = {.handshake = true};

    if (!calm_but(r, only.unusual) || r->rack.in_dsack_round || syn->flags ||
        !seq_eq(sent_end(syn), ack) || !seq_eq(ack, r->nxt))
        return false;
    r->unusual = 0; /* as a whole: it is read so, and soon */
    take_times(r, e->now, syn, syn);
    r->una = ack;
    recovery_handshake_done(r, e, 0);
    recovery_drained(r, e);
    return true;
}

bool recovery_on_plain_ack(struct recovery *r, const struct rec_env *e, seq_t ack)
{
    struct sent_log *l = &r->sent;
    uint32_t acked = seq_span(r->una, ack), end;
    const struct sent *first, *last;
    gn_time newest;

    if (r->handshake)
        return on_syn_acked(r, e, ack);
    if (!calm(r) || r->rack.in_dsack_round || !survey(r, e, ack, &end))
        return false;
    first = sent_at(l, l->head);
    last = sent_at(l, end - 1);
    newest = last->xmit;
    take_times(r, e->now, first, last);
    r->delivered += acked;
    r->una = ack;
    l->head = end;
    tell_cc(r, e, acked, newest);
    if (seq_eq(ack, r->nxt)) {
        recovery_drained(r, e);
        return true;
    }
    if (recovery_has_rack(r, e)) {
        r->rack.cursor = end;
        r->reo_at = deadline_none();
    }
    r->first_unacked = sent_at(l, end)->first_xmit;
    recovery_arm_rto(r, e);
    arm_pto(r, e);
    return true;
}

bool recovery_on_last_ack(struct recovery *r, const struct rec_env *e)
{
    if (!calm(r) || r->undo.on)
        return false;
    r->delivered += seq_span(r->una, r->nxt);
    r->una = r->nxt;
    recovery_drained(r, e);
    return true;
}

/* idle_counts() - about to send with nothing in flight: has congestion control to hear of the time
 * since the last transmission, which was @rto at the most in nearly all cases? */
static inline bool idle_counts(const struct recovery *r, const struct rec_env *e, gn_time rto)
{
    return r->last_sent && (e->now - r->last_sent > rto || r->cc.ssthresh != UINT32_MAX ||
                            !e->conf->tcp_slow_start_after_idle);
}

/* push() - a record of what leaves, and the timers; @flight: with it. @rto: the timeout, unless the
 * timer runs */
static inline void push(struct recovery *r, const struct rec_env *e, uint32_t len, uint32_t flight,
                        gn_time rto)
{
    if (!deadline_armed(r->rto_at))
        r->rto_at = deadline_at(e->now + rto);
    sent_push(&r->sent, r->nxt, len, e->now);
    r->nxt = seq_add(r->nxt, len);
    r->last_sent = e->now;
    recovery_note_limit(r, flight);
    arm_pto(r, e);
}

/* records() - how many to ask room for: as the long way, which takes no second look */
static inline uint32_t records(const struct recovery *r, uint32_t len)
{
    return len < r->mss ? 1 : 2;
}

/* send_prepared() - recovery_send_plain() when memory is needed first, or time went by that
 * congestion control has to hear of. Like send_first() apart, so that no registers are saved */
static __attribute__((noinline)) bool send_prepared(struct recovery *r, const struct rec_env *e,
                                                    uint32_t len)
{
    if (!sent_reserve(&r->sent, e->mem, records(r, len)))
        return false;
    recovery_on_idle_restart(r, e);
    if (seq_eq(r->una, r->nxt))
        r->first_unacked = e->now;
    push(r, e, len, seq_span(r->una, r->nxt) + len, recovery_rto(r, e));
    return true;
}

/* send_first() - recovery_send_plain() with nothing in flight */
static __attribute__((noinline)) bool send_first(struct recovery *r, const struct rec_env *e,
                                                 uint32_t len)
{
    gn_time rto = recovery_rto(r, e);

    if (!sent_at_hand(&r->sent, records(r, len)) || idle_counts(r, e, rto))
        return send_prepared(r, e, len);
    r->first_unacked = e->now;
    push(r, e, len, len, rto);
    return true;
}

bool recovery_send_plain(struct recovery *r, const struct rec_env *e, uint32_t len)
{
    uint32_t flight = seq_span(r->una, r->nxt) + len;

    if (!calm(r) || flight > r->cc.cwnd)
        return false;
    if (flight == len)
        return send_first(r, e, len);
    if (!sent_at_hand(&r->sent, records(r, len)))
        return send_prepared(r, e, len);
    push(r, e, len, flight, 0); /* the timer runs */
    return true;
}
