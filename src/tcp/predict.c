/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file predict.c  Header prediction: the segments that nearly all traffic consists of, text that
 * is next in order and acknowledgments of new text, on an established connection with nothing out
 * of order; and those that nearly all connections end with, a bare FIN in order, and the
 * acknowledgment of ours.
 *
 * Nothing here says anything new about TCP. Each segment that passes expected() would pass step 1
 * to 8 of arrives_other.c with the effects that tcp_predicted() has, and with no others; so would
 * one that passes end_expected(), with those of take_end(). A test feeds the same segments to both
 * and compares the blocks. What is not expected is left to the steps.
 */
#include "tcp/internal.h"

/* no segment needs more than the common work */
static bool ordinary(const struct tcb *t)
{
    return t->state == GN_ESTABLISHED && t->ooo.n == 0 && !t->ooo_fin && !t->shut_rd &&
           !t->orphan && !t->acc.on;
}

/* the next in order, with the options of nearly all */
static inline bool next(const struct tcb *t, const struct seg *s)
{
    if (!seq_eq(s->seq, t->rcv.nxt) || s->opt.has != (t->ts_ok ? OPT_TS : 0))
        return false;
    return !t->ts_ok || (int32_t)(s->opt.tsval - t->ts.recent) >= 0;
}

/* the next text in order, or an ACK of something new, without anything that calls for thought */
static bool expected(const struct tcb *t, const struct seg *s)
{
    if ((s->ctl & ~CTL_PSH) != CTL_ACK || s->ecn == 3 || !next(t, s))
        return false;
    if (s->text_len > 0 && seq_diff(t->rcv.max_edge, t->rcv.nxt) < (int32_t)s->text_len)
        return false;
    return seq_ge(s->ack, t->snd.una) && seq_le(s->ack, t->snd.nxt) &&
           (s->text_len > 0 || seq_gt(s->ack, t->snd.una));
}

/* what ts_update() comes to for one that is next() */
static inline void take_ts(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    if (t->ts_ok)
        ts_take(t, e, s);
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

/* no text, and the first FIN, or in an ACK of all the first ACK of ours */
static bool end_expected(const struct tcb *t, const struct seg *s)
{
    if ((s->ctl & ~(CTL_PSH | CTL_FIN)) != CTL_ACK || s->text_len > 0 || !next(t, s) ||
        t->ooo.n != 0 || t->ooo_fin || t->acc.on)
        return false;
    if (!seq_ge(s->ack, t->snd.una) || !seq_le(s->ack, t->snd.nxt))
        return false;
    if (s->ctl & CTL_FIN)
        return state_can_receive(t->state) && seq_lt(t->rcv.nxt, t->rcv.max_edge);
    return t->fin_sent && !t->fin_acked && seq_eq(s->ack, t->snd.nxt);
}

/* step 5 and 8 */
static void take_end(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    t->segs_in++;
    t->last_in = e->now;
    take_ts(t, e, s);
    acked_by(t, e, s, s->seq);
    if (s->ctl & CTL_FIN) {
        t->fin_seq = s->seq;
        fin_in_order(t, e);
    } else {
        fin_is_acked(t, e);
    }
}

/* a segment that is not text on an established connection: is it one that ends it? */
static __attribute__((noinline)) unsigned predicted_end(struct tcb *t, const struct tcp_env *e,
                                                        const struct seg *s)
{
    if (!end_expected(t, s))
        return 0;
    DASSERT((tcb_check(t), true));
    take_end(t, e, s);
    return 1;
}

/* text and ACKs; the first of the @n segments is expected */
static __attribute__((noinline)) unsigned predicted_run(struct tcb *t, const struct tcp_env *e,
                                                        const struct seg *s, unsigned n)
{
    unsigned i = 0;

    DASSERT((tcb_check(t), true));
    do {
        if (!text_room(t, e, &s[i]))
            break;
        t->segs_in += seg_on_wire(&s[i]);
        t->last_in = e->now;
        take_ts(t, e, &s[i]);
        take_ack(t, e, &s[i]);
        if (s[i].text_len > 0)
            take_text(t, e, &s[i]);
    } while (++i < n && expected(t, &s[i]));
    DASSERT((tcb_check(t), true));
    return i;
}

bool predicted_text(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    return ordinary(t) && expected(t, s) && predicted_run(t, e, s, 1) == 1;
}

unsigned tcp_predicted(struct tcb *t, const struct tcp_env *e, const struct seg *s, unsigned n)
{
    if (ordinary(t) && expected(t, s))
        return predicted_run(t, e, s, n);
    return predicted_end(t, e, s);
}
