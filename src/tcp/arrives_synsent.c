/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arrives_synsent.c  SEGMENT ARRIVES in SYN-SENT (RFC 9293 sec. 3.10.7.3), and the fork
 * of 3.10.7.
 */
#include "tcp/internal.h"

/* the peer's SYN is good: what both SYNs agree on, and where its octets begin */
static void take_syn(struct arrival *a)
{
    struct tcb *t = a->t;
    uint32_t wnd = tcb_rcv_wnd(t); /* what our SYN announced */

    t->rcv.irs = a->s.seq;
    t->rcv.nxt = t->rcv.acked = t->rcv.up = seq_add(a->s.seq, 1);
    t->rcv.edge = t->rcv.max_edge = seq_add(t->rcv.nxt, wnd);
    options_negotiate(t, a->e, &a->s);
    t->snd.wnd = a->s.wnd; /* OPT-WS-2: not scaled */
    t->snd.max_wnd = a->s.wnd;
    t->last_in = a->e->now;
    t->snd.wl1 = a->s.seq;
    t->snd.wl2 = a->s.ctl & CTL_ACK ? a->s.ack : t->snd.iss;
}

/* the text behind a SYN begins one octet later, and so is nearer to what is urgent (MAL-16) */
void strip_syn(struct seg *s)
{
    s->seq = seq_add(s->seq, 1);
    s->up = (uint16_t)(s->up - (s->up > 0));
    s->ctl &= (uint16_t)~CTL_SYN;
}

/* SYN,ACK for our SYN: ESTABLISHED; text and FIN are processed from step 6 on */
static enum gn_drop established(struct arrival *a)
{
    struct tcb *t = a->t;
    const struct tcp_env *e = a->e;

    take_syn(a);
    if (t->acc.on)
        accecn_syn_answered(t, &a->s);
    else
        t->ecn_ok = t->ecn_ok && (a->s.ctl & (CTL_ECE | CTL_CWR)) == CTL_ECE; /* CC-3168-1 */
    acked_by(t, e, &a->s, seq_max(a->s.seq, t->rcv.nxt));
    fastopen_answered(t, e);
    tcb_enter(t, e, GN_ESTABLISHED, GN_CAUSE_SYN_ACK);
    t->events |= GN_EV_CONNECTED | GN_EV_WRITABLE;
    timeouts_on_established(t, e);
    ack_at_once(t);
    strip_syn(&a->s);
    if (t->fin_queued)
        tcb_enter(t, e, GN_FIN_WAIT_1, GN_CAUSE_CLOSE_CALL);
    return step6_to_8(a);
}

/* a SYN without ACK: both ends called OPEN (MUST-10) */
static enum gn_drop simultaneous_open(struct arrival *a)
{
    struct tcb *t = a->t;

    accecn_syn_crossed(t, a->e, &a->s);
    take_syn(a);
    tcb_enter(t, a->e, GN_SYN_RECEIVED, GN_CAUSE_SYN_CROSSED);
    t->synack_again = true;
    return GN_DROP_NONE; /* its text is not acknowledged and will come again */
}

enum gn_drop arrives_syn_sent(struct arrival *a)
{
    struct tcb *t = a->t;
    const struct seg *s = &a->s;

    /* first, check the ACK bit */
    if (s->ctl & CTL_ACK) {
        if (seq_le(s->ack, t->snd.iss) || seq_gt(s->ack, t->snd.nxt)) {
            if (!(s->ctl & CTL_RST))
                reset_in_reply(a->e, s);
            return GN_DROP_SYN_SENT_BAD_ACK;
        }
    }
    /* second, check the RST bit */
    if (s->ctl & CTL_RST) {
        if (!(s->ctl & CTL_ACK))
            return GN_DROP_SYN_SENT_RST_NO_ACK;
        connection_ends(t, a->e, GN_CAUSE_REFUSED, GN_E_REFUSED);
        return GN_DROP_RST_ACCEPTED;
    }
    /* fourth, check the SYN bit (third, security, is obsolete) */
    if (!(s->ctl & CTL_SYN))
        return GN_DROP_SYN_SENT_NO_SYN;
    return s->ctl & CTL_ACK ? established(a) : simultaneous_open(a);
}

enum gn_drop tcp_segment_arrives(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    struct arrival a;

    arrival_begin(&a, t, e, s);
    ASSERT(t->state != GN_CLOSED && t->state != GN_LISTEN);
    t->segs_in += seg_on_wire(s);
    DASSERT((tcb_check(t), true));
    if (t->state == GN_SYN_SENT)
        return arrives_syn_sent(&a);
    return arrives_other(&a);
}
