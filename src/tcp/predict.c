/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file predict.c  Header prediction: the segments that nearly all traffic consists of, text that
 * is next in order and acknowledgments of new text, on an established connection with nothing out
 * of order.
 *
 * Nothing here says anything new about TCP. Each segment that passes expected() would pass step 1
 * to 8 of arrives_other.c with the effects that predicted() has, and with no others; a test feeds
 * the same segments to both and compares the blocks. What is not expected is left to the steps.
 */
#include "tcp/internal.h"

/* no segment needs more than the common work */
static bool ordinary(const struct tcb *t)
{
    return t->state == GN_ESTABLISHED && t->ooo.n == 0 && !t->ooo_fin && !t->shut_rd &&
           !t->orphan && !t->acc.on;
}

/* the next text in order, or an ACK of something new, without anything that calls for thought */
static bool expected(const struct tcb *t, const struct seg *s)
{
    if ((s->ctl & ~CTL_PSH) != CTL_ACK || !seq_eq(s->seq, t->rcv.nxt) || s->ecn == 3 ||
        s->opt.has != (t->ts_ok ? OPT_TS : 0))
        return false;
    if (t->ts_ok && (int32_t)(s->opt.tsval - t->ts.recent) < 0)
        return false;
    if (s->text_len > 0 && seq_diff(t->rcv.max_edge, t->rcv.nxt) < (int32_t)s->text_len)
        return false;
    return seq_ge(s->ack, t->snd.una) && seq_le(s->ack, t->snd.nxt) &&
           (s->text_len > 0 || seq_gt(s->ack, t->snd.una));
}

/* step 5. With nothing in flight and nothing to send there is only the window to look at */
static void take_ack(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    if (t->sndbuf.len != 0 || !seq_eq(t->snd.una, t->snd.nxt)) {
        acked_by(t, e, s, s->seq);
        return;
    }
    window_update(t, s, s->seq);
    t->probes = 0;
    t->soft_error = GN_OK;
    timeouts_persist(t, e);
}

/* room in the receive buffer; false: out of memory */
static bool text_room(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    return ring_reserve(&t->rcvbuf, e->mem, t->rcvbuf.len + s->text_len, t->rcvbuf.len);
}

/* step 7; there is room */
static void take_text(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    for (unsigned i = 0; i < s->n_text; i++)
        ring_append(&t->rcvbuf, s->text[i].ptr, s->text[i].len);
    t->rcv.nxt = seq_add(t->rcv.nxt, s->text_len);
    count_text(t, e, s, s->text_len);
}

unsigned tcp_predicted(struct tcb *t, const struct tcp_env *e, const struct seg *s, unsigned n)
{
    unsigned i;

    if (!ordinary(t))
        return 0;
    DASSERT((tcb_check(t), true));
    for (i = 0; i < n && expected(t, &s[i]) && text_room(t, e, &s[i]); i++) {
        t->segs_in += seg_on_wire(&s[i]);
        t->last_in = e->now;
        ts_update(t, e, &s[i]);
        take_ack(t, e, &s[i]);
        if (s[i].text_len > 0)
            take_text(t, e, &s[i]);
    }
    DASSERT((tcb_check(t), true));
    return i;
}
