/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file text.c  Steps 7 and 8: text into the receive buffer, in order or not, and the FIN behind it
 * (RFC 9293 sec. 3.10.7.4).
 *
 * The receive buffer is a ring whose front is the next octet for the user. Text beyond a gap goes
 * straight to its place in the ring; what has arrived there is a set of ranges. So nothing is kept
 * per segment: one-octet segments cost an attacker more than us (CVE-2018-5390), and filling the
 * gap is one addition. Of octets that come twice with different content the first accepted wins
 * (MAL-41): accepted octets are never written again.
 */
#include "tcp/internal.h"

/* copy @n octets of the segment's text from offset @from into the ring at offset @at */
static void copy_text(struct ring *r, const struct seg *s, uint32_t from, uint32_t at, uint32_t n)
{
    for (unsigned i = 0; i < s->n_text && n > 0; i++) {
        uint32_t len = s->text[i].len, k;

        if (from >= len) {
            from -= len;
            continue;
        }
        k = min_u32(len - from, n);
        ring_put(r, at, s->text[i].ptr + from, k);
        at += k;
        n -= k;
        from = 0;
    }
}

/* RFC 2883: these octets came again */
void note_duplicate(struct tcb *t, const struct tcp_env *e, seq_t from, seq_t to)
{
    if (!seq_lt(from, to))
        return;
    accecn_duplicate(t);
    if (!t->sack_ok)
        return;
    if (!e->conf->tcp_dsack && !t->acc.on) /* which asks for it (CC-9768-6) */
        return;
    t->dsack = (struct range){from, to};
    e->stats->TCPDSACKOldSent++;
}

/* the sequence number of the first octet beyond everything that has a place: where out-of-order
 * text ends */
static uint32_t beyond(const struct tcb *t)
{
    return t->ooo.n == 0 ? t->rcvbuf.len
                         : t->rcvbuf.len + seq_span(t->rcv.nxt, t->ooo.r[t->ooo.n - 1].b);
}

/* the newest range first in what SACK reports (CC-2018-3) */
static void report_first(struct tcb *t, struct range r)
{
    if (!seq_eq(t->sack[0].a, r.a)) {
        t->sack[2] = t->sack[1];
        t->sack[1] = t->sack[0];
    }
    t->sack[0] = r;
}

/* RFC 2883 4.2: of text that came before in part, the first such part is what is reported */
static void note_duplicate_part(struct tcb *t, const struct tcp_env *e, seq_t from, seq_t to)
{
    const struct range *r = ranges_next(&t->ooo, from);

    if (r != NULL && seq_lt(r->a, to))
        note_duplicate(t, e, seq_max(from, r->a), seq_min(to, r->b));
}

/* text beyond a gap: SHLD-31, MAY-13 */
static enum gn_drop out_of_order(struct arrival *a)
{
    struct tcb *t = a->t;
    const struct tcp_env *e = a->e;
    uint32_t at = t->rcvbuf.len + seq_span(t->rcv.nxt, a->s.seq);
    uint32_t held = beyond(t);
    seq_t x = a->s.seq, end = seq_add(a->s.seq, a->s.text_len);
    struct range whole;

    ack_at_once(t); /* CC-5681-15 */
    if (ranges_covers(&t->ooo, x, end)) {
        note_duplicate(t, e, x, end);
        return GN_DROP_DUPLICATE_DATA;
    }
    if (!ring_reserve(&t->rcvbuf, e->mem, at + a->s.text_len, held)) {
        e->stats->TCPOFODrop++;
        return GN_DROP_OUT_OF_ORDER_LIMIT;
    }
    /* only what is not there yet is written */
    while (seq_lt(x, end)) {
        const struct range *r = ranges_next(&t->ooo, x);
        seq_t stop = r != NULL ? seq_min(r->a, end) : end;

        if (r != NULL && seq_le(r->a, x)) {
            x = seq_min(r->b, end);
            continue;
        }
        copy_text(&t->rcvbuf, &a->s, seq_span(a->s.seq, x), t->rcvbuf.len + seq_span(t->rcv.nxt, x),
                  seq_span(x, stop));
        x = stop;
    }
    note_duplicate_part(t, e, a->s.seq, end);
    if (!ranges_add(&t->ooo, e->mem, a->s.seq, end, &whole, NULL)) {
        e->stats->TCPOFODrop++;
        return GN_DROP_OUT_OF_ORDER_LIMIT;
    }
    report_first(t, whole);
    e->stats->TCPOFOQueue++;
    return GN_DROP_NONE;
}

/* the gap before the first range has been filled: take it in */
static void take_ranges(struct tcb *t, const struct tcp_env *e)
{
    if (t->ooo.n == 0)
        return;
    while (t->ooo.n > 0 && seq_le(t->ooo.r[0].a, t->rcv.nxt)) {
        seq_t b = t->ooo.r[0].b;

        if (seq_gt(b, t->rcv.nxt)) {
            ring_extend(&t->rcvbuf, seq_span(t->rcv.nxt, b));
            t->rcv.nxt = b;
        }
        ranges_cut(&t->ooo, e->mem, seq_max(b, t->rcv.nxt));
    }
    ack_at_once(t); /* CC-5681-15: a gap is filled, wholly or in part */
}

/* nobody will read the last @n octets: they count as received and are thrown away */
static void discard(struct tcb *t, const struct tcp_env *e, uint32_t n)
{
    ring_cut(&t->rcvbuf, e->mem, t->rcvbuf.len - n, t->ooo.n > 0);
}

/* the only place where SACKed text is given up: for want of memory (CC-2018-7), or because it lies
 * beyond the FIN */
void tcp_prune(struct tcb *t, const struct tcp_env *e)
{
    if (t->ooo.n == 0)
        return;
    ranges_free(&t->ooo, e->mem);
    t->ooo_fin = false;
    ring_drop(&t->rcvbuf, e->mem, 0, false);
    e->stats->OfoPruned++;
}

/* @n octets have been taken in at RCV.NXT as it was */
void count_text(struct tcb *t, const struct tcp_env *e, const struct seg *s, uint32_t n)
{
    t->bytes_received += n;
    e->stats->InOctets += n;
    t->events |= GN_EV_READABLE;
    if (t->drs.marked)
        rcvbuf_on_text(t, e, s);
    ack_after_text(t, e, s->gso_size != 0 ? s->gso_size : s->text_len);
}

/* text at RCV.NXT; octets accepted early stay as they are */
static enum gn_drop in_order(struct arrival *a)
{
    struct tcb *t = a->t;
    const struct tcp_env *e = a->e;
    seq_t was = t->rcv.nxt, end = seq_add(was, a->s.text_len);

    if (!ring_reserve(&t->rcvbuf, e->mem, t->rcvbuf.len + a->s.text_len, beyond(t))) {
        ack_at_once(t); /* of nothing new, so that it comes again; but we live */
        return GN_DROP_NO_MEMORY;
    }
    if (t->ooo.n > 0 && seq_gt(end, t->ooo.r[0].a))
        note_duplicate(t, e, t->ooo.r[0].a, seq_min(end, t->ooo.r[0].b));
    while (seq_lt(t->rcv.nxt, end)) {
        seq_t stop = t->ooo.n > 0 ? seq_min(end, t->ooo.r[0].a) : end;
        uint32_t k = seq_span(t->rcv.nxt, stop);

        copy_text(&t->rcvbuf, &a->s, seq_span(was, t->rcv.nxt), t->rcvbuf.len, k);
        ring_extend(&t->rcvbuf, k);
        t->rcv.nxt = stop;
        take_ranges(t, e);
    }
    count_text(t, e, &a->s, seq_span(was, t->rcv.nxt));
    if (t->shut_rd)
        discard(t, e, seq_span(was, t->rcv.nxt));
    return GN_DROP_NONE;
}

/* cut the text down to the window; what was there before is reported as duplicate */
static void trim(struct arrival *a)
{
    struct tcb *t = a->t;
    struct seg *s = &a->s;
    uint32_t over = 0, old = 0;
    seq_t end = seq_add(s->seq, s->text_len);

    if (seq_gt(end, t->rcv.max_edge)) {
        over = min_u32(seq_span(t->rcv.max_edge, end), s->text_len);
        s->text_len -= over;
        s->ctl &= (uint16_t)~CTL_FIN; /* SG-23: the FIN lies beyond too */
    }
    if (seq_lt(s->seq, t->rcv.nxt)) {
        old = min_u32(seq_span(s->seq, t->rcv.nxt), s->text_len);
        note_duplicate(t, a->e, s->seq, seq_add(s->seq, old));
        for (uint32_t k = old; k > 0;) {
            uint32_t n = min_u32(k, s->text[0].len);

            s->text[0].ptr += n;
            s->text[0].len -= n;
            k -= n;
            if (s->text[0].len == 0 && k > 0) {
                s->text[0] = s->text[1];
                s->text[1] = s->text[2];
                s->text[2].len = 0;
            }
        }
        s->seq = seq_add(s->seq, old);
        s->text_len -= old;
        ack_at_once(t);
    }
}

/* CC-3168-3, CC-3168-7: congestion experienced on acceptable text is echoed until the sender says
 * CWR */
static void note_congestion(struct arrival *a)
{
    if (!a->t->ecn_ok)
        return;
    if (a->s.ctl & CTL_CWR)
        a->t->ecn_echo = false;
    if (a->s.ecn == 3)
        a->t->ecn_echo = true;
}

/* What is in order is right, and where it contradicts what came out of order, that was a lie: text
 * beyond a FIN, or a FIN before text (SG-26). A stranger who hits the window could cut the stream
 * short else, or keep its end away. Among what is out of order the first FIN holds (MAL-43): the
 * lowest, as on Linux, could be forged later, too */
static void heed_order(struct arrival *a)
{
    struct tcb *t = a->t;
    struct seg *s = &a->s;
    seq_t end = seq_add(s->seq, s->text_len);
    bool in_order = seq_le(s->seq, t->rcv.nxt) && seq_ge(end, t->rcv.nxt);
    bool fin = (s->ctl & CTL_FIN) && seq_le(end, t->rcv.max_edge);

    if (in_order && fin && t->ooo.n > 0 && seq_gt(t->ooo.r[t->ooo.n - 1].b, end))
        tcp_prune(t, a->e); /* all that is before the FIN is in this segment */
    if (!t->ooo_fin)
        return;
    if (in_order && (seq_gt(end, t->fin_seq) || (fin && seq_lt(end, t->fin_seq)))) {
        t->ooo_fin = false;
    } else if (s->text_len > 0 && seq_gt(end, t->fin_seq)) {
        s->text_len = seq_gt(t->fin_seq, s->seq) ? seq_span(s->seq, t->fin_seq) : 0;
        s->ctl &= (uint16_t)~CTL_FIN;
    }
}

/* Seventh, process the segment text. */
enum gn_drop step7_text(struct arrival *a)
{
    struct tcb *t = a->t;

    heed_order(a);
    if (a->s.text_len == 0)
        return GN_DROP_NONE;
    if (!state_can_receive(t->state)) {
        ack_invalid(t, a->e, &a->s);
        return GN_DROP_DATA_AFTER_FIN;
    }
    /* SHLD-3: nobody will ever read it, and we have said that we are done */
    if ((t->orphan || (t->shut_rd && t->fin_queued)) &&
        seq_gt(seq_add(a->s.seq, a->s.text_len), t->rcv.nxt)) {
        connection_reset(t, a->e, GN_CAUSE_DATA_AFTER_CLOSE, GN_E_RESET);
        a->e->stats->TCPAbortOnClose++;
        return GN_DROP_DATA_AFTER_CLOSE;
    }
    note_congestion(a);
    trim(a);
    if (a->s.text_len == 0)
        return GN_DROP_NONE;
    return seq_eq(a->s.seq, t->rcv.nxt) ? in_order(a) : out_of_order(a);
}

/* text that came with a SYN whose cookie is good (RFC 7413 4.2.2): as much as the window takes */
void text_with_syn(struct arrival *a)
{
    trim(a);
    if (a->s.text_len > 0)
        (void)in_order(a);
}

/* the FIN is at RCV.NXT: it counts now */
void fin_in_order(struct tcb *t, const struct tcp_env *e)
{
    t->rcv.nxt = seq_add(t->rcv.nxt, 1);
    t->fin_rcvd = true;
    if (t->ooo_fin)
        t->ooo_fin = false;
    if (seq_lt(t->rcv.edge, t->rcv.nxt))
        t->rcv.edge = t->rcv.nxt;
    t->rcv.max_edge = seq_max(t->rcv.max_edge, t->rcv.edge);
    t->events |= GN_EV_EOF | GN_EV_READABLE;
    ack_at_once(t);
    switch ((enum gn_state)t->state) {
    case GN_ESTABLISHED: tcb_enter(t, e, GN_CLOSE_WAIT, GN_CAUSE_FIN); break;
    case GN_FIN_WAIT_1:
        if (!t->fin_acked) {
            tcb_enter(t, e, GN_CLOSING, GN_CAUSE_FIN);
            break;
        }
        tcb_enter(t, e, GN_TIME_WAIT, GN_CAUSE_FIN_AND_ACK_OF_FIN);
        timeouts_on_time_wait(t, e);
        break;
    case GN_FIN_WAIT_2:
        tcb_enter(t, e, GN_TIME_WAIT, GN_CAUSE_FIN);
        timeouts_on_time_wait(t, e);
        break;
    case GN_CLOSED:
    case GN_LISTEN:
    case GN_SYN_SENT:
    case GN_SYN_RECEIVED:
    case GN_CLOSE_WAIT:
    case GN_CLOSING:
    case GN_LAST_ACK:
    case GN_TIME_WAIT:
    case GN_STATE_COUNT: UNREACHABLE("a FIN is taken once");
    }
}

/* Eighth, check the FIN bit. */
enum gn_drop step8_fin(struct arrival *a)
{
    struct tcb *t = a->t;

    if ((a->s.ctl & CTL_FIN) && !t->fin_rcvd && !t->ooo_fin) {
        seq_t at = seq_add(a->s.seq, a->s.text_len);

        if (seq_gt(at, t->rcv.nxt)) {
            ack_at_once(t); /* SG-25: a gap before it */
            /* text beyond it has been accepted already: such a FIN is a lie (MAL-43) */
            if (t->ooo.n == 0 || seq_ge(at, t->ooo.r[t->ooo.n - 1].b)) {
                t->ooo_fin = true;
                t->fin_seq = at;
            }
        } else if (seq_eq(at, t->rcv.nxt) && t->ooo.n == 0) {
            t->ooo_fin = true;
            t->fin_seq = at;
        }
    } else if (a->s.ctl & CTL_FIN) {
        ack_at_once(t);
    }
    if (t->ooo_fin && seq_eq(t->fin_seq, t->rcv.nxt) && state_can_receive(t->state))
        fin_in_order(t, a->e);
    return GN_DROP_NONE;
}
