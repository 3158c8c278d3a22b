/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ack.c  One arriving ACK, step by step: what it delivers, how long that took, what it shows
 * to be lost, what congestion control makes of it, and which timers follow.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "recovery/internal.h"
#include "recovery/rate.h"

/* All that the steps know of the ACK in hand. */
struct ack {
    struct recovery *r;
    const struct rec_env *e;
    const struct rec_ack *a;
    struct rec_result *ret;
    struct delivery d;
    struct sack_sum sack;
    uint32_t delivered; /* DeliveredData (RFC 9937): d.octets, or what stands for it */
    uint32_t in_flight; /* the pipe before */
    uint32_t segments;  /* in flight before */
    bool head_part;     /* una lies within the first segment, which it cuts */
};

/* take_cumulative() - the records that the ACK covers leave the log */
static void take_cumulative(struct ack *k)
{
    struct sent_log *l = &k->r->sent;
    struct delivery *d = &k->d;

    while (sent_count(l)) {
        const struct sent *s = sent_at(l, l->head);

        if (seq_gt(sent_end(s), k->a->ack))
            break;
        if (!(s->flags & SENT_SACKED)) {
            delivery_note(d, s);
            if (s->flags & SENT_EVER_RETRANS)
                delivery_note_resent(d, s);
        }
        sent_pop(l);
    }
    k->r->una = k->a->ack;
    if (!sent_count(l))
        return;
    uint32_t part = seq_span(sent_at(l, l->head)->start, k->a->ack);

    if (!part)
        return;
    k->head_part = true;
    if (!(sent_at(l, l->head)->flags & SENT_SACKED))
        d->octets += part;
    sent_trim(l, part);
}

/*
 * sample_rtt() - CC-6298-7. The oldest segment acknowledged tells the time that the peer took to
 * acknowledge, which the timeout must allow for; its own record is finer than the timestamp clock.
 * The echo serves where Karn's rule forbids the record (CC-6298-6, MUST-18). But if the peer had it
 * all, and only its ACKs were lost, then it echoes a timestamp from before the timeout (RFC
 * 7323 4.3), which tells of our waiting. A D-SACK says that this ACK answers what was sent again.
 */
static void sample_rtt(struct ack *k)
{
    struct rtt *rtt = &k->r->rtt;
    const struct delivery *d = &k->d;

    if (delivery_sent_once(d) && !d->retrans) {
        k->ret->rtt = max_u64(d->now - d->oldest, 1);
        rtt_sample_min(rtt, max_u64(d->now - d->newest, 1), d->now);
    } else if (d->retrans && k->sack.dsack && d->now - d->resent >= rtt->min) {
        k->ret->rtt = max_u64(d->now - d->resent, 1);
    } else if (k->a->has_ts && k->ret->acked) {
        k->ret->rtt = max_u64(k->a->ts_rtt, 1);
    } else {
        return;
    }
    rtt_sample(rtt, k->ret->rtt, k->segments);
    k->r->tlp.fresh = true;
    k->r->backoff = 0;
}

/*
 * count_reno() - without SACK a duplicate ACK stands for one segment that has left the network, but
 * there are never more than what is outstanding beyond the hole (CC-5681-12). A cumulative ACK
 * covers what they stood for; the hole that it fills was not among them (CC-9937-2).
 */
static void count_reno(struct ack *k)
{
    struct recovery *r = k->r;
    uint32_t was = r->reno_sacked, span = seq_span(r->una, r->nxt);

    if (k->ret->acked)
        r->reno_sacked -= min_u32(was, k->ret->acked - min_u32(k->ret->acked, r->mss));
    else if (k->a->dup && span && r->state != GN_RECOVERY_LOSS)
        r->reno_sacked += r->mss;
    r->reno_sacked =
        min_u32(r->reno_sacked, span ? span - sent_at(&r->sent, r->sent.head)->len : 0);
    k->delivered = k->ret->acked + r->reno_sacked > was ? k->ret->acked + r->reno_sacked - was : 0;
    if (r->state == GN_RECOVERY_FAST) /* an episode delivers no more than RecoverFS */
        k->delivered = min_u32(k->delivered, r->prr.recover_fs > r->prr.prr_delivered
                                                 ? r->prr.recover_fs - r->prr.prr_delivered
                                                 : 0);
}

/* detect_reno() - the third duplicate (CC-5681-11), above `recover` (CC-6582-1), or a partial ACK
 * in fast recovery (CC-6582-4) shows the first segment lost */
static void detect_reno(struct ack *k)
{
    struct recovery *r = k->r;

    if (seq_eq(r->una, r->nxt) || r->state == GN_RECOVERY_LOSS)
        return;
    if (r->state == GN_RECOVERY_FAST) {
        if (k->ret->acked && !(sent_at(&r->sent, r->sent.head)->flags & SENT_LOST)) {
            sent_lose(&r->sent, r->sent.head);
            r->force = true; /* at once, whatever the pipe */
        }
    } else if (r->dup_acks >= k->e->conf->tcp_reordering && !seq_eq(r->una, r->recover) &&
               !recovery_ahead(r, r->recover)) {
        sent_lose(&r->sent, r->sent.head);
    } else if (k->ret->acked) {
        r->reno_sacked = 0;
    } else { /* limited transmit: two segments (CC-5681-13) */
        r->reno_sacked = min_u32(r->reno_sacked, 2 * r->mss);
    }
}

/* ask_frto() - RFC 5682: is the timeout that we are in spurious? */
static bool ask_frto(struct ack *k)
{
    struct recovery *r = k->r;
    enum frto step = (enum frto)r->frto;
    const struct frto_ack f = {
        .advances = k->ret->acked,
        .full = seq_ge(r->una, r->recover),
        .head_part = k->head_part && (sent_at(&r->sent, r->sent.head)->flags & SENT_EVER_RETRANS),
        .dup = k->a->dup,
        .originals = delivery_sent_once(&k->d) && k->d.oldest < r->since,
        .news = k->sack.sacked && seq_gt(k->d.high, r->recover),
        .can_send = k->a->can_send,
        .sack_ok = r->sack_ok,
    };
    enum frto_says says = frto_on_ack(&step, &f);

    if (r->frto == FRTO_NEW && says == FRTO_GENUINE && !r->cc.ops->own_recovery)
        r->cc.cwnd = 3 * r->mss; /* CC-5682-4: as after two round trips of slow start */
    r->frto = (uint8_t)step;
    return says == FRTO_SPURIOUS;
}

/* undo_if_spurious() - ask the three witnesses (undo.h) */
static void undo_if_spurious(struct ack *k)
{
    struct recovery *r = k->r;
    bool loss = r->state == GN_RECOVERY_LOSS, spurious = false;

    if (!r->undo.on)
        return;
    if (recovery_active(r) && k->ret->acked)
        spurious = undo_by_echo(&r->undo, &k->d);
    if (k->sack.dsack)
        spurious |= undo_by_dsack(&r->undo, k->sack.dup_l, k->sack.dup_len);
    if (loss && r->frto != FRTO_OFF)
        spurious |= ask_frto(k);
    if (!spurious)
        return;
    if (loss && k->ret->rtt)
        rtt_on_spurious(&r->rtt, k->ret->rtt); /* CC-4015-1 */
    recovery_undo(r, k->e);
    k->ret->spurious = true;
}

/* finish() - recovery ends when all that was outstanding at its start is acknowledged */
static bool finish(struct ack *k)
{
    struct recovery *r = k->r;

    if (!k->ret->acked || seq_lt(r->una, r->recover) || !recovery_active(r))
        return false;
    if (r->state == GN_RECOVERY_FAST) {
        recovery_leave_fast(r, k->e);
        k->ret->left = true;
    }
    r->state = GN_RECOVERY_OPEN;
    r->frto = FRTO_OFF;
    return true;
}

/* reduce() - one ACK of fast recovery (RFC 9937 6) */
static void reduce(struct ack *k)
{
    struct recovery *r = k->r;
    uint32_t in_flight = recovery_in_flight(r), count;
    bool safe = k->ret->acked && !k->ret->lost && !r->rescued; /* CC-9937-4 */

    if (r->cc.ops->own_recovery)
        return;
    if (!k->delivered && !k->ret->entered) { /* CC-9937-8 */
        recovery_keep_room(r, k->in_flight);
        return;
    }
    count = prr_on_ack(&r->prr, k->delivered, safe, in_flight, r->cc.ssthresh, r->mss);
    r->cc.cwnd = max_u32(in_flight + count, r->mss);
}

/* sent_for_nothing() - a D-SACK of what we sent again; what the network duplicated shows nothing */
static bool sent_for_nothing(const struct ack *k)
{
    return k->sack.dsack && undo_ours(&k->r->undo, k->sack.dup_l, k->sack.dup_len);
}

/* walk() - the step between the states of recovery that this ACK makes */
static void walk(struct ack *k)
{
    struct recovery *r = k->r;
    uint32_t resend;
    bool ended, again;

    undo_if_spurious(k);
    ended = finish(k);
    if (!(k->e->conf->tcp_recovery & RECOVERY_STATIC_REO_WND))
        rack_adapt(&r->rack, r->una, r->nxt, sent_for_nothing(k), ended);
    resend = r->sent.resend;
    again = recovery_detect(r, k->e);
    if (!r->sack_ok)
        detect_reno(k);
    k->ret->lost = r->sent.resend - resend;
    if (k->ret->lost && recovery_spare_mtu_probe(r, resend))
        k->ret->lost = 0;
    recovery_tell_lost(r, k->e);
    if (!recovery_active(r) && (k->ret->lost || (ended && r->sent.lost))) {
        recovery_enter_fast(r, k->e, k->delivered);
        k->ret->entered = true;
    } else if (again) { /* CC-5681-18 */
        recovery_enter_fast(r, k->e, k->delivered);
    }
    if (!recovery_active(r))
        r->state = r->dup_acks || r->sent.n_sacked ? GN_RECOVERY_DISORDER : GN_RECOVERY_OPEN;
    if (r->state == GN_RECOVERY_FAST)
        reduce(k);
    /* RACK needs no last resort: what was sent before a retransmission that arrived is lost */
    r->rescue = r->state == GN_RECOVERY_FAST && r->sack_ok && !recovery_has_rack(r, k->e) &&
                !r->sent.resend;
}

/* flight_before() - FlightSize when what this ACK tells of happened: what it acknowledges was in
 * flight, too */
static uint32_t flight_before(const struct ack *k)
{
    const struct recovery *r = k->r;
    uint32_t flight = min_u32(seq_span(r->una, r->nxt) + k->ret->acked, r->cc.cwnd);

    return r->cwv.since ? max_u32(flight, cwv_pipe_ack(&r->cwv)) : flight; /* CC-7661-3 */
}

/* answered() - the window was reduced, and is not again in this round trip. What an undo of the
 * last recovery would restore was overwritten by what this one saved */
static void answered(struct recovery *r)
{
    r->ece_seen = true;
    r->cwr_end = r->nxt;
    r->undo.on = false;
}

/* account_probe() - a tail loss probe that hid a loss calls for one answer (CC-8985-13) */
static void account_probe(struct ack *k)
{
    struct recovery *r = k->r;
    bool match = k->sack.dsack && seq_eq(seq_add(k->sack.dup_l, k->sack.dup_len), r->tlp.end_seq);

    if (!tlp_process_ack(&r->tlp, r->una, match, k->a->dup && !k->a->n_sack))
        return;
    r->cc.ops->on_loss(&r->cc, flight_before(k), k->e->now);
    r->cc.ops->on_recovered(&r->cc, seq_span(r->una, r->nxt), k->e->now);
    answered(r);
}

/* answer_ece() - RFC 3168 6.1.2: as to a loss, once per window (CC-3168-4) */
static void answer_ece(struct ack *k)
{
    struct recovery *r = k->r;

    if (r->handshake || recovery_active(r) || (r->ece_seen && recovery_ahead(r, r->cwr_end)))
        return;
    if (r->cc.cwnd <= r->mss) { /* CC-3168-5, CC-9438-10 */
        r->ece_hold = true;
        recovery_arm_rto(r, k->e);
    }
    r->cc.ops->on_ece(&r->cc, flight_before(k), k->e->now);
    answered(r);
    k->ret->cwr = true;
}

/* count_delivered() - before anything is judged */
static void count_delivered(struct ack *k)
{
    struct recovery *r = k->r;

    if (!k->d.octets)
        return;
    r->delivered += k->d.octets;
    if (r->rate)
        rate_delivered(r, k->d.now);
}

/* cc_listens() - is this ACK news to congestion control? To one that is not in charge of fast
 * recovery only outside of it, and only if it advances una */
static bool cc_listens(const struct ack *k)
{
    if (k->r->cc.ops->own_recovery)
        return k->d.octets;
    return k->ret->acked && k->r->state != GN_RECOVERY_FAST && !k->ret->left && !k->ret->cwr;
}

/* tell_cc() - what this ACK means to congestion control */
static void tell_cc(struct ack *k)
{
    struct recovery *r = k->r;
    struct cc_ack c = {
        .now = k->d.now,
        .delivered = r->delivered,
        .newly_delivered = k->d.octets,
        .sack = r->sack_ok,
        .fast = r->state == GN_RECOVERY_FAST,
        .acked = k->ret->acked,
        .lost = k->ret->lost,
        .in_flight = recovery_in_flight(r),
        .rtt = delivery_sent_once(&k->d) ? max_u64(k->d.now - k->d.newest, 1) : 0,
        .srtt = r->rtt.srtt,
        .cwnd_limited = recovery_cwnd_limited(r),
        .in_recovery = r->state == GN_RECOVERY_LOSS,
    };

    if (r->rate && k->d.rate)
        rate_sample(r, k->d.rate, &c);
    if (k->ret->acked && r->state != GN_RECOVERY_FAST && !k->ret->left &&
        cwv_on_ack(&r->cwv, k->ret->acked, r->una, r->nxt, r->rtt.srtt, k->d.now))
        recovery_validate(r, k->e);
    if (cc_listens(k))
        r->cc.ops->on_ack(&r->cc, &c);
    if (!r->rate)
        return;
    if (!r->cc.ops->own_recovery)
        rate_from_window(r);
    rate_drained(r);
}

/* all_acked() - nothing is in flight any more */
static void all_acked(struct recovery *r, const struct rec_env *e)
{
    deadline_t rto_at = r->ece_hold ? r->rto_at : deadline_none();

    if (r->unusual) /* its flags are seldom written */
        r->probe_due = r->probe_again = r->force = false;
    if (r->rate)
        rate_drained(r);
    recovery_drained(r, e);
    r->rto_at = rto_at; /* CC-3168-5 */
}

/* settle_timers() - una has advanced. Restart the RTO (CC-6298-9: 5.2, 5.3); without SACK only the
 * first partial ACK does (CC-6582-5) */
static void settle_timers(struct ack *k)
{
    struct recovery *r = k->r;

    if (seq_eq(r->una, r->nxt)) {
        all_acked(r, k->e);
        return;
    }
    r->first_unacked = sent_at(&r->sent, r->sent.head)->first_xmit;
    if (r->sack_ok || r->state != GN_RECOVERY_FAST || !r->partial)
        recovery_arm_rto(r, k->e);
    r->partial = r->state == GN_RECOVERY_FAST;
}

/* take() - steps 1 and 2: what the ACK delivers and how long that took */
static void take(struct ack *k)
{
    struct recovery *r = k->r;
    bool syn = r->handshake;

    if (k->ret->acked) {
        take_cumulative(k);
        r->dup_acks = 0;
        if (r->mtu_probe == MTU_PROBE_OUT && seq_ge(r->una, r->mtu_probe_end))
            r->mtu_probe = MTU_PROBE_ARRIVED;
    } else if (k->a->dup && !seq_eq(r->una, r->nxt)) {
        r->dup_acks = (uint16_t)min_u32(r->dup_acks + 1u, UINT16_MAX); /* CC-5681-7 */
    }
    if (k->a->n_sack && r->sack_ok)
        sack_take(&r->sent, r->una, r->nxt, k->a->sack, k->a->n_sack, &k->d, &k->sack);
    k->delivered = k->d.octets;
    if (!r->sack_ok)
        count_reno(k);
    sample_rtt(k);
    rack_update(&r->rack, &k->d);
    if (syn && k->ret->acked) {
        r->handshake = false;
        r->backoff = 0; /* CC-6298-11: the timeout begins anew */
        recovery_handshake_done(r, k->e, r->timeouts);
    }
    k->ret->sacked = k->sack.sacked;
    k->ret->dsack = k->sack.dsack;
}

void recovery_on_ack(struct recovery *r, const struct rec_env *e, const struct rec_ack *a,
                     struct rec_result *ret)
{
    struct ack k = {
        .r = r,
        .e = e,
        .a = a,
        .ret = ret,
        .d = {.now = e->now,
              .min_rtt = r->rtt.min,
              .fack = r->rack.fack,
              .high = r->rack.fack,
              .oldest = UINT64_MAX,
              .echo = UINT64_MAX},
        .in_flight = recovery_in_flight(r),
        .segments = sent_count(&r->sent),
    };
    uint32_t was = recovery_delivered(r);
    bool syn = r->handshake;

    ASSERT(seq_ge(a->ack, r->una) && seq_le(a->ack, r->nxt));
    memset(ret, 0, sizeof(*ret));
    ret->acked = seq_span(r->una, a->ack);
    if (a->has_ts)
        k.d.echo = (e->now - min_u64(a->ts_rtt, e->now)) / RTT_TS_TICK;
    take(&k);
    if (!syn)
        count_delivered(&k);
    walk(&k);
    account_probe(&k);
    if (a->ece) {
        r->marked += recovery_delivered(r) - was;
        answer_ece(&k);
    }
    if (!syn)
        tell_cc(&k);
    if (ret->acked) {
        r->timeouts = 0;
        settle_timers(&k);
    }
    if (ret->acked || ret->sacked)
        recovery_arm_pto(r, e);
}
