/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file states.c  The states of recovery and the ways between them.
 *
 *   Open      nothing unusual
 *   Disorder  duplicate ACKs or SACKs, and nothing believed lost yet
 *   Fast      fast recovery, until `recover` is acknowledged (RFC 6582, 6675, 9937)
 *   Loss      slow start after a timeout, until `recover` is acknowledged
 *
 * In Loss no fast recovery begins (RFC 6582 3.2 "Retransmit Timeout", RFC 6675 5.1).
 */
#include "base/bits.h"
#include "recovery/internal.h"
#include "recovery/rate.h"

gn_time recovery_reo_wnd(const struct recovery *r, const struct rec_env *e)
{
    bool thresh = !(e->conf->tcp_recovery & RECOVERY_NO_DUP_THRESH) &&
                  r->sent.n_sacked >= e->conf->tcp_reordering;

    return rack_reo_wnd(&r->rack, &r->rtt, thresh || recovery_active(r));
}

bool recovery_detect(struct recovery *r, const struct rec_env *e)
{
    uint32_t thresh = (uint32_t)e->conf->tcp_reordering;
    bool again = false;

    if (seq_eq(r->una, r->nxt) || !r->sack_ok)
        return false;
    if (recovery_has_rack(r, e))
        r->reo_at =
            rack_detect_loss(&r->rack, &r->sent, recovery_reo_wnd(r, e), e->now, r->since, &again);
    else
        sack_detect_loss(&r->sent, &r->rack.cursor, r->mss, thresh);
    return again && r->state == GN_RECOVERY_FAST;
}

void recovery_tell_lost(struct recovery *r, const struct rec_env *e)
{
    struct cc_ack c;

    if (!r->sent.lost_new)
        return;
    c = (struct cc_ack){
        .now = e->now, .delivered = r->delivered, .lost = r->sent.lost_new, .sack = r->sack_ok};
    r->sent.lost_new = 0;
    if (r->rate)
        rate_drained(r);
    if (!r->cc.ops->on_lost || r->handshake)
        return;
    rate_at_loss(r, sent_at(&r->sent, r->sent.lost_last), &c);
    r->cc.ops->on_lost(&r->cc, &c);
}

bool recovery_spare_mtu_probe(struct recovery *r, uint32_t resend)
{
    const struct sent *s;
    bool only;

    if (r->mtu_probe != MTU_PROBE_OUT)
        return false;
    s = sent_at(&r->sent, sent_find(&r->sent, seq_max(r->una, r->mtu_probe_start)));
    if (!sent_pending(s))
        return false;
    only = !recovery_active(r) && r->sent.resend - resend == s->len;
    r->mtu_probe = only ? MTU_PROBE_LOST : MTU_PROBE_UNCLEAR;
    if (only)
        r->sent.lost_new = 0;
    if (only && !r->sack_ok) /* the duplicate ACKs that follow tell of the same loss */
        r->recover = r->nxt;
    return only;
}

/* begin() - what fast recovery and recovery after a timeout have in common */
static void begin(struct recovery *r, const struct rec_env *e)
{
    r->since = e->now;
    r->recover = r->nxt; /* CC-6582-2, CC-6582-6, CC-6675-5, CC-6675-8 */
    r->force = true;     /* RFC 6298 5.4, RFC 6675 5 (4.3): the first hole at once */
    r->frto = FRTO_OFF;
    r->probe_due = r->probe_again = r->rescue = false;
    r->pto_at = deadline_none(); /* CC-8985-10 */
    tlp_init(&r->tlp);
}

void recovery_enter_fast(struct recovery *r, const struct rec_env *e, uint32_t delivered)
{
    uint32_t fs = seq_span(r->una, r->nxt) - r->sent.sacked - r->reno_sacked + delivered;

    if (r->state == GN_RECOVERY_FAST &&
        !r->cc.ops->own_recovery) /* once more, from the window that it was on the way to */
        r->cc.cwnd = r->cc.ssthresh;
    if (r->state != GN_RECOVERY_FAST)
        undo_start(&r->undo, r->una);
    r->cwv.loss_pipe = r->cwv.since ? recovery_flight_size(r) : 0;
    r->cc.ops->on_loss(&r->cc, recovery_flight_size(r), e->now);
    prr_start(&r->prr, fs); /* CC-9937-1 */
    r->state = GN_RECOVERY_FAST;
    r->rescued = r->partial = false;
    r->ece_seen = true;
    r->cwr_end = r->nxt; /* one answer per round trip, whatever its cause (CC-3168-4) */
    begin(r, e);
}

void recovery_take_over(struct recovery *r, const struct rec_env *e)
{
    r->cc.ops->on_loss(&r->cc, recovery_flight_size(r), e->now);
    prr_start(&r->prr, seq_span(r->una, r->nxt) - r->sent.sacked - r->reno_sacked);
}

/* settle_overshoot() - 4.4.1: a window that was not validated has overshot by R, what had to be
 * sent again; before the window is reduced, so it is taken off in the same share (CC-7661-3) */
static void settle_overshoot(struct recovery *r)
{
    uint64_t off;

    if (r->cwv.loss_pipe) {
        off = (uint64_t)r->cc.ssthresh * r->undo.octets / r->cwv.loss_pipe;
        r->cc.ssthresh =
            max_u32(r->cc.ssthresh - (uint32_t)min_u64(off, r->cc.ssthresh), 2 * r->mss);
    }
    cwv_reset(&r->cwv);
}

void recovery_leave_fast(struct recovery *r, const struct rec_env *e)
{
    uint32_t flight = seq_span(r->una, r->nxt);

    settle_overshoot(r);
    r->cc.ops->on_recovered(&r->cc, flight, e->now); /* CC-9937-8, CC-6675-6 */
    if (!r->sack_ok && !r->cc.ops->own_recovery)     /* no burst: CC-6582-3 */
        r->cc.cwnd = min_u32(r->cc.cwnd, max_u32(flight, r->mss) + r->mss);
    r->reno_sacked = 0;
    r->force = false;
    r->state = GN_RECOVERY_OPEN;
}

void recovery_enter_loss(struct recovery *r, const struct rec_env *e, bool first)
{
    /* with SACK fast recovery counts, too: its RecoveryPoint is ahead (RFC 5682 3.1 step 1) */
    bool running = r->sack_ok ? recovery_active(r) : r->state == GN_RECOVERY_LOSS;

    r->cc.ops->on_timeout(&r->cc, recovery_flight_size(r), first, e->now);
    cwv_reset(&r->cwv);
    if (first)
        undo_start(&r->undo, r->una);
    if (r->mtu_probe == MTU_PROBE_OUT)
        r->mtu_probe = seq_ge(r->una, r->mtu_probe_start) ? MTU_PROBE_TIMEOUT : MTU_PROBE_UNCLEAR;
    r->state = GN_RECOVERY_LOSS;
    r->dup_acks = 0;
    r->reno_sacked = 0;
    r->ece_seen = false;
    begin(r, e);
    if (e->conf->tcp_frto && first && !running) /* CC-5682-1 */
        r->frto = FRTO_FIRST;
}

void recovery_undo(struct recovery *r, const struct rec_env *e)
{
    if (r->state != GN_RECOVERY_LOSS) /* the cause was reordering beyond what is allowed for */
        r->rack.reordering_seen = true;
    r->cc.ops->on_undo(&r->cc, e->now); /* CC-4015-1 */
    sent_unlose(&r->sent);
    r->rack.cursor = r->sent.head;
    r->recover = r->una; /* CC-5682-4 */
    r->undo.on = false;
    r->frto = FRTO_OFF;
    r->force = false;
    r->reno_sacked = 0;
    r->state = GN_RECOVERY_OPEN;
}

void recovery_keep_room(struct recovery *r, uint32_t in_flight)
{
    uint32_t room = r->cc.cwnd > in_flight ? r->cc.cwnd - in_flight : 0;

    if (r->state == GN_RECOVERY_FAST && !r->cc.ops->own_recovery)
        r->cc.cwnd = max_u32(recovery_in_flight(r) + room, r->mss);
}
