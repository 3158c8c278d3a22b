/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arrives_other.c  SEGMENT ARRIVES, "other states" (RFC 9293 sec. 3.10.7.4): eight steps in
 * the RFC's order.
 *
 * A step returns GN_DROP_NONE (go on with the next) or the reason why the segment ends here. RFC
 * 5961 (blind attacks), 7323 (timestamps), 6191 and 1337 (TIME-WAIT) are inside the step that they
 * amend. Nothing is sent here: steps record what is owed.
 */
#include "tcp/internal.h"

/* RCV.WND: up to the largest right edge ever announced (RFC 7323 2.4) */
static uint32_t receive_window(const struct tcb *t)
{
    return seq_gt(t->rcv.max_edge, t->rcv.nxt) ? seq_span(t->rcv.nxt, t->rcv.max_edge) : 0;
}

/* the table of 3.10.7.4: is any octet of the segment inside the window? What is empty may be at its
 * right edge, too: a peer that has filled it has nothing else to acknowledge from, and while some
 * of that text is missing the window is not closed */
static bool acceptable(const struct tcb *t, const struct seg *s)
{
    uint32_t len = seg_len(s), wnd = receive_window(t);

    if (wnd == 0)
        return len == 0 && seq_eq(s->seq, t->rcv.nxt);
    if (len == 0)
        return seq_in(s->seq, t->rcv.nxt, wnd + 1);
    return seq_in(s->seq, t->rcv.nxt, wnd) || seq_in(seq_add(s->seq, len - 1), t->rcv.nxt, wnd);
}

/* a RST counts by its sequence number alone, whatever else is in it and also when the window is
 * closed (MUST-66, SG-09, SG-10) */
static bool reset_in_window(const struct tcb *t, const struct seg *s)
{
    return seq_eq(s->seq, t->rcv.nxt) || seq_in(s->seq, t->rcv.nxt, receive_window(t));
}

/* RFC 5961 5.2, and nothing is acknowledged that was never sent, as on Linux: one who does not see
 * our segments cannot make it likely that a guess is right by a large window */
static bool ack_too_old(const struct tcb *t, const struct seg *s)
{
    uint64_t acked = t->bytes_acked + t->fin_acked;

    return seq_lt(s->ack, seq_sub(t->snd.una, (uint32_t)min_u64(t->snd.max_wnd, acked)));
}

/* SYN-RECEIVED after an active OPEN: the peer's SYN again, or its SYN,ACK for ours (SG-04, SG-12).
 * The sequence check would refuse both */
static bool crossed_syn(const struct arrival *a)
{
    const struct tcb *t = a->t;
    const struct seg *s = &a->s;

    if (t->state != GN_SYN_RECEIVED || !(s->ctl & CTL_SYN) || (s->ctl & CTL_RST) ||
        !seq_eq(s->seq, t->rcv.irs))
        return false;
    return !(s->ctl & CTL_ACK) || (seq_gt(s->ack, t->snd.una) && seq_le(s->ack, t->snd.nxt));
}

/* a FIN that was already counted has come again: our ACK was lost (trap of SG-24) */
static bool fin_again(const struct tcb *t, const struct seg *s)
{
    return t->fin_rcvd && (s->ctl & (CTL_FIN | CTL_ACK | CTL_SYN)) == (CTL_FIN | CTL_ACK) &&
           seq_eq(seq_add(s->seq, seg_len(s)), t->rcv.nxt) && seq_le(s->ack, t->snd.nxt) &&
           !ack_too_old(t, s);
}

/* the segment lies outside the window: answered, and mostly that is all */
static enum gn_drop out_of_window(struct arrival *a)
{
    struct tcb *t = a->t;
    const struct seg *s = &a->s;

    if (t->state == GN_TIME_WAIT && fin_again(t, s))
        timeouts_on_time_wait(t, a->e);
    ack_invalid(t, a->e, s);
    accecn_syn_ack_again(t, s);
    if (!(s->ctl & CTL_SYN) && seq_lt(s->seq, t->rcv.nxt))
        note_duplicate(t, a->e, s->seq, seq_min(seq_add(s->seq, s->text_len), t->rcv.nxt));
    /* RFC 9293 A.2: the ACK field counts all the same for a probe of a closed window (MUST-66,
     * SG-05) and for what lies just left of it (SG-06) */
    if (!(s->ctl & CTL_SYN) && t->state != GN_SYN_RECEIVED &&
        (seq_eq(s->seq, t->rcv.nxt) || seq_eq(s->seq, seq_sub(t->rcv.nxt, 1)))) {
        a->refuse_text = true;
        return GN_DROP_NONE;
    }
    return seq_lt(s->seq, t->rcv.nxt) ? GN_DROP_OLD_SEQ : GN_DROP_BEYOND_WINDOW;
}

/* First, check sequence number (timestamps before it: RFC 7323 5.3). */
static enum gn_drop step1_sequence(struct arrival *a)
{
    struct tcb *t = a->t;
    const struct seg *s = &a->s;
    enum gn_drop d;

    /* PL-04, RFC 6191: it does not qualify, or nobody listens; the host has asked before */
    if (t->state == GN_TIME_WAIT && (s->ctl & (CTL_SYN | CTL_ACK | CTL_RST)) == CTL_SYN)
        return GN_DROP_TIME_WAIT_SYN;
    if (s->ctl & CTL_RST)
        return reset_in_window(t, s) ? GN_DROP_NONE : GN_DROP_RST_OUT_OF_WINDOW;
    if ((d = ts_check(a)) != GN_DROP_NONE)
        return d;
    return acceptable(t, s) || crossed_syn(a) ? GN_DROP_NONE : out_of_window(a);
}

/* Second, check the RST bit (RFC 5961 3.2: only an exact hit resets). Text in it is passed over
 * (SHLD-2). */
static enum gn_drop step2_reset(struct arrival *a)
{
    struct tcb *t = a->t;

    if (!(a->s.ctl & CTL_RST))
        return GN_DROP_NONE;
    if (t->state == GN_TIME_WAIT && a->e->conf->tcp_rfc1337)
        return GN_DROP_RST_TIME_WAIT; /* SEC-1337-1 */
    if (!seq_eq(a->s.seq, t->rcv.nxt)) {
        ack_challenge(t, a->e); /* SEC-5961-1 */
        return GN_DROP_RST_CHALLENGED;
    }
    switch ((enum gn_state)t->state) {
    case GN_SYN_RECEIVED:
        connection_ends(t, a->e, GN_CAUSE_RST, t->passive ? GN_E_RESET : GN_E_REFUSED);
        break;
    case GN_ESTABLISHED:
    case GN_FIN_WAIT_1:
    case GN_FIN_WAIT_2:
    case GN_CLOSE_WAIT: connection_ends(t, a->e, GN_CAUSE_RST, GN_E_RESET); break;
    case GN_CLOSING:
    case GN_LAST_ACK:
    case GN_TIME_WAIT: connection_ends(t, a->e, GN_CAUSE_RST, GN_OK); break;
    case GN_CLOSED:
    case GN_LISTEN:
    case GN_SYN_SENT:
    case GN_STATE_COUNT: UNREACHABLE("a state of 3.10.7.4");
    }
    return GN_DROP_RST_ACCEPTED;
}

/* Fourth, check the SYN bit (third, security and compartment, is not used). RFC 5961 4.2:
 * challenged in every synchronised state. */
static enum gn_drop step4_syn(struct arrival *a)
{
    struct tcb *t = a->t;

    if (!(a->s.ctl & CTL_SYN))
        return GN_DROP_NONE;
    if (crossed_syn(a)) {
        if (!accecn_syn_again(t, a->e, &a->s)) {
            connection_reset(t, a->e, GN_CAUSE_SYN_ECN_MIXED, GN_E_PROTOCOL);
            return GN_DROP_SYN_ECN_MIXED;
        }
        if (a->s.ctl & CTL_ACK) { /* the answer to our SYN: its octet is counted already, its window
                                     is not scaled */
            strip_syn(&a->s);
            a->s.wnd = (uint16_t)(a->s.wnd >> t->snd.wscale);
            ack_at_once(t);
            return GN_DROP_NONE;
        }
        t->synack_again = true;
        return GN_DROP_SYN_DUPLICATE;
    }
    ack_challenge(t, a->e); /* SEC-5961-2 */
    return GN_DROP_SYN_CHALLENGED;
}

/* step 5 in SYN-RECEIVED: an ACK of our SYN, or a RST */
static enum gn_drop ack_in_syn_received(struct arrival *a)
{
    struct tcb *t = a->t;

    if (!seq_gt(a->s.ack, t->snd.una) || seq_gt(a->s.ack, t->snd.nxt)) {
        reset_in_reply(a->e, &a->s);
        return GN_DROP_ACK_UNACCEPTABLE;
    }
    accecn_third_ack(t, &a->s);
    t->snd.wnd = (uint32_t)a->s.wnd << t->snd.wscale;
    t->snd.wl1 = a->s.seq;
    t->snd.wl2 = a->s.ack;
    t->snd.max_wnd = max_u32(t->snd.max_wnd, t->snd.wnd);
    tcb_enter(t, a->e, GN_ESTABLISHED, GN_CAUSE_ACK_OF_SYN);
    t->events |= GN_EV_CONNECTED | GN_EV_WRITABLE;
    timeouts_on_established(t, a->e);
    if (t->fin_queued) /* CLOSE was called meanwhile (SCN-18) */
        tcb_enter(t, a->e, GN_FIN_WAIT_1, GN_CAUSE_CLOSE_CALL);
    return GN_DROP_NONE;
}

/* a FIN that may be taken now comes in step 8 */
static bool fin_comes(const struct arrival *a)
{
    return (a->s.ctl & CTL_FIN) && !a->refuse_text && seq_eq(a->s.seq, a->t->rcv.nxt) &&
           seq_le(seq_add(a->s.seq, a->s.text_len), a->t->rcv.max_edge);
}

/* our FIN has been acknowledged, and in FIN-WAIT-1 the peer's is not in the same segment: where
 * that leads */
void fin_is_acked(struct tcb *t, const struct tcp_env *e)
{
    switch ((enum gn_state)t->state) {
    case GN_FIN_WAIT_1:
        tcb_enter(t, e, GN_FIN_WAIT_2, GN_CAUSE_ACK_OF_FIN);
        timeouts_on_fin_wait_2(t, e);
        return;
    case GN_CLOSING:
        tcb_enter(t, e, GN_TIME_WAIT, GN_CAUSE_ACK_OF_FIN);
        timeouts_on_time_wait(t, e);
        return;
    case GN_LAST_ACK: connection_ends(t, e, GN_CAUSE_ACK_OF_FIN, GN_OK); return;
    case GN_CLOSED:
    case GN_LISTEN:
    case GN_SYN_SENT:
    case GN_SYN_RECEIVED:
    case GN_ESTABLISHED:
    case GN_FIN_WAIT_2:
    case GN_CLOSE_WAIT:
    case GN_TIME_WAIT:
    case GN_STATE_COUNT: return;
    }
}

/* Sixth, check the URG bit (MUST-30, MUST-31). */
static void step6_urgent(struct arrival *a)
{
    if ((a->s.ctl & CTL_URG) && state_can_receive(a->t->state))
        urgent_point(a->t, a->e, &a->s);
}

/* Fifth, check the ACK field (RFC 5961 5.2: MAY-12). */
enum gn_drop step5_ack(struct arrival *a)
{
    struct tcb *t = a->t;
    bool was_acked = t->fin_acked;

    if (!(a->s.ctl & CTL_ACK))
        return GN_DROP_NO_ACK_BIT;
    if (t->state == GN_SYN_RECEIVED) {
        enum gn_drop d = ack_in_syn_received(a);

        if (d != GN_DROP_NONE)
            return d;
    }
    if (seq_gt(a->s.ack, t->snd.nxt)) {
        ack_invalid(t, a->e, &a->s);
        return GN_DROP_ACK_UNSENT;
    }
    if (ack_too_old(t, &a->s)) { /* SEC-5961-3 */
        ack_challenge(t, a->e);
        return GN_DROP_ACK_TOO_OLD;
    }
    if (!a->refuse_text) /* not earlier: a stranger who guessed SEG.SEQ has SEG.ACK to guess too */
        ts_update(t, a->e, &a->s);
    if (t->acc.on)
        accecn_received(a);
    if (seq_ge(a->s.ack, t->snd.una))
        acked_by(t, a->e, &a->s, a->refuse_text ? a->s.seq : seq_max(a->s.seq, t->rcv.nxt));
    if (t->fin_acked && !was_acked && /* one transition, not two (SCN-8) */
        !(t->state == GN_FIN_WAIT_1 && fin_comes(a)))
        fin_is_acked(t, a->e);
    return GN_DROP_NONE;
}

/* Sixth to eighth: urgent, text, FIN. */
enum gn_drop step6_to_8(struct arrival *a)
{
    enum gn_drop d;

    if (a->t->state == GN_CLOSED) /* LAST-ACK ended with step 5 */
        return GN_DROP_NONE;
    if (a->refuse_text && !seq_eq(a->s.seq, a->t->rcv.nxt))
        return GN_DROP_OLD_SEQ;
    step6_urgent(a); /* also with a closed window (MUST-66) */
    if (a->refuse_text)
        return GN_DROP_WINDOW_CLOSED;
    if (a->s.text_len == 0 && !(a->s.ctl & CTL_FIN)) /* nor does it fill a gap */
        return GN_DROP_NONE;
    d = step7_text(a);
    return d != GN_DROP_NONE ? d : step8_fin(a);
}

enum gn_drop arrives_other(struct arrival *a)
{
    enum gn_drop d;

    if ((d = step1_sequence(a)) != GN_DROP_NONE)
        return d;
    a->t->last_in = a->e->now;
    if ((d = step2_reset(a)) != GN_DROP_NONE)
        return d;
    if ((d = step4_syn(a)) != GN_DROP_NONE)
        return d;
    if ((d = step5_ack(a)) != GN_DROP_NONE)
        return d;
    d = step6_to_8(a);
    if (a->t->state == GN_FIN_WAIT_1 && a->t->fin_acked) /* its FIN was not taken after all */
        fin_is_acked(a->t, a->e);
    return d;
}
