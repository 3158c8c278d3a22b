/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ack.c  When an acknowledgment is owed. The steps only record it; one is sent per burst of
 * segments, by output.c (MUST-58, MUST-59), and so never two for one of them (CC-5681-16).
 */
#include "tcp/internal.h"

void ack_at_once(struct tcb *t)
{
    t->ack_now = true;
}

/**
 * note_text() - the peer sends: does it begin, or begin again after a pause of more than an RTO?
 *
 * Then its congestion window is small and grows by the ACKs that it gets (RFC 5681 3.1), and some
 * leave at once: as many as cover half the window, two at least, tcp_quickacks at most. As on
 * Linux, and only until our own text answers the peer's: then ACKs can ride on that. RFC 9293 asks
 * for delayed ACKs as a rule (SHLD-18), RFC 5681 4.2 allows an ACK for each segment.
 */
static void note_text(struct tcb *t, const struct tcp_env *e)
{
    gn_time gap = e->now - t->text_at;
    uint64_t n = tcb_rcv_wnd(t) / (2u * max_u32(t->rcv_mss_guess, 1));

    if (t->text_at == 0 || (gap > e->conf->tcp_rto_min && gap > recovery_rto(&t->rec, &e->rec)))
        t->quick = (uint8_t)min_u64(max_u64(n, 2), e->conf->tcp_quickacks);
    t->text_at = e->now;
}

/**
 * ack_after_text() - text has been taken in order
 * @full: octets of the largest single segment in it (of a super-segment, the size on the wire)
 *
 * An ACK for every second full-sized segment (SHLD-18, SHLD-19), within tcp_delack < 0.5 s
 * otherwise (MUST-40, CC-5681-17).
 */
void ack_after_text(struct tcb *t, const struct tcp_env *e, uint32_t full)
{
    if (full > t->rcv_mss_guess) /* never above RMSS: 2 * RMSS octets call for an ACK */
        t->rcv_mss_guess = (uint16_t)min_u32(full, options_mss(e, &t->key, &t->opts));
    note_text(t, e);
    if (t->opts.quickack || e->conf->tcp_delack == 0 || (t->quick > 0 && !t->interactive) ||
        seq_span(t->rcv.acked, t->rcv.nxt) >= 2u * t->rcv_mss_guess)
        t->ack_now = true;
    else if (!deadline_armed(t->delack_at))
        t->delack_at = deadline_at(e->now + e->conf->tcp_delack);
}

/* no text of ours came for the ACK to ride on: it goes by itself, and the next ones need not wait
 * for such text, either, until some answers the peer's again (as on Linux) */
void ack_delayed(struct tcb *t)
{
    t->ack_now = true;
    t->interactive = false;
}

/* may this connection answer an invalid segment now? (RFC 5961 7, SEC-5961-5: per connection, so
 * nobody learns of others) */
static bool may_answer(struct tcb *t, const struct tcp_env *e)
{
    if (t->invalid_at != 0 && e->now - t->invalid_at < e->conf->tcp_invalid_ratelimit) {
        e->stats->TCPACKSkipped++;
        return false;
    }
    t->invalid_at = e->now;
    return true;
}

/**
 * ack_invalid() - the one way to answer a segment that is not acceptable (TRAP-14)
 *
 * What carries text is answered always: it is a peer that repeats itself because our ACK was lost.
 * Anything else only so often, so that two ends that disagree cannot keep each other busy
 * (SEC-5961-6, MAL-29).
 */
void ack_invalid(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    if ((s->text_len > 0 && !(s->ctl & CTL_SYN)) || may_answer(t, e))
        t->ack_now = true;
}

/* challenge ACK (RFC 5961 3, 4, 5) */
void ack_challenge(struct tcb *t, const struct tcp_env *e)
{
    if (!may_answer(t, e) || !challenge_allowed(e))
        return;
    e->stats->TCPChallengeACK++;
    t->ack_now = true;
}
