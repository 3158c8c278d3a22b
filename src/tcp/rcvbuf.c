/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rcvbuf.c  The receive buffer follows the path: dynamic right-sizing.
 *
 * What the user reads in a round trip is what the sender had in flight; the buffer is made twice
 * that, so that neither a recovery nor a doubling sender meets the edge of the window, and more
 * while it grows. It never shrinks by itself.
 *
 * The round trip is the receiver's own: a side that only receives sends no text whose ACK it could
 * time. One ACK at a time is marked, and text that answers it tells how long that took:
 *  - with timestamps, by the first ACK of a tick of the clock, and the first text that echoes this
 *    tick; so the measurement is finer than the clock;
 *  - without, by the right edge of that ACK's window: what lies beyond was sent after it. This is
 *    too long if the sender does not use the window up.
 * Both are too long if the sender had nothing to send. So the lowest counts; with timestamps that
 * of the last ten seconds or so, for paths grow longer, too. Queues therefore do not count: a
 * sender that fills them meets a window of some times what the path itself holds (no bufferbloat).
 */
#include "tcp/internal.h"

#define DRS_RTT_LIFE  (10 * GN_SEC)
#define DRS_MARK_LIFE (3600 * GN_SEC) /* then the numbers that tell its age may have wrapped */

/* the round trip to count by; 0: not known yet */
static gn_time round_trip(const struct tcb *t)
{
    return t->drs.rtt != 0 ? t->drs.rtt : t->rec.rtt.srtt;
}

/* a round trip of @sample, or less than that */
static void take_sample(struct tcb *t, const struct tcp_env *e, gn_time sample)
{
    bool old = t->ts_ok && e->now - t->drs.rtt_at > DRS_RTT_LIFE;

    if (t->drs.rtt != 0 && sample > t->drs.rtt && !old)
        return;
    t->drs.rtt = max_u64(sample, 1);
    t->drs.rtt_at = e->now;
}

void rcvbuf_on_text(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    int32_t past = t->ts_ok ? (int32_t)(s->opt.tsecr - t->drs.mark)
                            : seq_diff(t->rcv.nxt, seq(t->drs.mark)) - 1;

    if (past < 0 && e->now - t->drs.marked_at < DRS_MARK_LIFE)
        return;
    t->drs.marked = false;
    if (past >= 0 && (!t->ts_ok || past == 0)) /* else: no text answered the marked ACK */
        take_sample(t, e, e->now - t->drs.marked_at);
}

void rcvbuf_on_ack_sent(struct tcb *t, const struct tcp_env *e, uint32_t tick)
{
    if (t->drs.marked || !state_can_receive(t->state))
        return;
    if (t->ts_ok && t->last_tick == tick)
        return; /* not the first of this tick */
    t->drs.marked = true;
    t->drs.marked_at = e->now;
    t->drs.mark = t->ts_ok ? tick + t->ts.offset : t->rcv.max_edge.raw;
}

/* @octets were read in a round trip, more than ever: as large as that calls for */
static void grow(struct tcb *t, const struct tcp_env *e, uint64_t octets)
{
    uint64_t want = 2 * octets + 16 * (uint64_t)t->rec.mss, space = t->drs.space;

    if (space != 0) /* it grows: allow for the same again */
        want += 2 * want * min_u64(octets - space, space) / space;
    want = min_u64(want, e->conf->tcp_rmem_max);
    if (want > t->opts.rcvbuf && !mem_short(e->mem))
        t->opts.rcvbuf = (uint32_t)want;
}

void rcvbuf_on_read(struct tcb *t, const struct tcp_env *e, uint32_t octets)
{
    gn_time rtt = round_trip(t);

    if (t->opts.rcvbuf_fixed || !e->conf->tcp_moderate_rcvbuf || rtt == 0)
        return;
    t->drs.octets += octets;
    if (e->now - t->drs.since < rtt)
        return;
    if (t->drs.octets > t->drs.space) {
        grow(t, e, t->drs.octets);
        t->drs.space = t->drs.octets;
    }
    t->drs.since = e->now;
    t->drs.octets = 0;
}
