/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file urgent.c  Urgent data on its way in (RFC 9293 sec. 3.8.5; RFC 6093).
 *
 * Theory of operation. The urgent octet stays in the receive ring like all others; RCV.UP names the
 * octet after it, and t->urg_rcv says that the user has not read beyond it. The *mark* is the
 * place of the urgent octet. Reads stop at the mark (MUST-33: the user can ask how far it is).
 * From the mark on, they either pass over the octet, which then is for those who ask for it alone
 * (BSD), or give it in line (GN_OPT_OOBINLINE). A new urgent pointer moves the mark on; the octet
 * at the old one then is one like all others. So nothing is ever stored apart, and a pointer may
 * name octets that have not arrived, however far ahead 16 bits reach (MAL-15).
 */
#include "tcp/internal.h"

/* the first octet that the user has not read */
static seq_t unread(const struct tcb *t)
{
    return seq_sub(t->rcv.nxt, t->rcvbuf.len + t->fin_rcvd);
}

bool tcp_mark(const struct tcb *t, uint32_t *ret)
{
    if (!t->urg_rcv)
        return false;
    *ret = seq_span(unread(t), seq_sub(t->rcv.up, 1));
    return true;
}

/* octets that a read passes over before it begins: the urgent one, if it is next and not in line */
uint32_t urgent_skip(const struct tcb *t)
{
    uint32_t at;

    return tcp_mark(t, &at) && at == 0 && !t->opts.oobinline && t->rcvbuf.len > 0;
}

/* octets that one read can give, from behind urgent_skip() to the mark or the end */
uint32_t urgent_run(const struct tcb *t)
{
    uint32_t at;

    if (!tcp_mark(t, &at) || at >= t->rcvbuf.len)
        return t->rcvbuf.len;
    if (at == 0)
        return t->rcvbuf.len - !t->opts.oobinline;
    return at;
}

/* the user has read: is the mark behind? @n octets are about to leave the ring */
void urgent_on_read(struct tcb *t, uint32_t n)
{
    uint32_t at;

    if (tcp_mark(t, &at) && at < n)
        t->urg_rcv = false;
}

/* is there an urgent octet for the taking? */
bool urgent_ready(const struct tcb *t)
{
    uint32_t at;

    return tcp_mark(t, &at) && at < t->rcvbuf.len && !t->urg_taken;
}

/* the urgent octet is next: forget it, it does not become an ordinary one */
static void forget_next(struct tcb *t, const struct tcp_env *e)
{
    t->urg_rcv = false;
    ring_drop(&t->rcvbuf, e->mem, 1, t->ooo.n > 0);
}

/**
 * urgent_over() - nothing is urgent any more: what is left is one stream
 *
 * An octet that was read by itself, or that reads have come to, does not become a part of it.
 */
void urgent_over(struct tcb *t, const struct tcp_env *e)
{
    uint8_t piece[64];
    uint32_t at;
    bool taken = t->urg_taken && !t->opts.oobinline && tcp_mark(t, &at) && at < t->rcvbuf.len;

    for (uint32_t n; taken && at > 0; at -= n) { /* what is before it moves up to where it was */
        n = min_u32(at, sizeof piece);
        ring_get(&t->rcvbuf, at - n, piece, n);
        ring_put(&t->rcvbuf, at - n + 1, piece, n);
    }
    if (taken || urgent_skip(t))
        forget_next(t, e);
    t->urg_rcv = false;
}

/**
 * urgent_point() - SEG.UP of an acceptable segment
 *
 * What was there before cannot become urgent again, and the pointer never moves back. A pointer of
 * 0 names no octet at all (MAL-14).
 */
void urgent_point(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    seq_t up = seq_add(s->seq, s->up + (e->conf->tcp_stdurg ? 1u : 0u)); /* MUST-62, OPT-URG-1 */

    if (t->shut_rd || seq_le(up, t->rcv.nxt) || (t->urg_rcv && seq_le(up, t->rcv.up)))
        return;
    if (urgent_skip(t))
        forget_next(t, e);
    t->rcv.up = up;
    t->urg_rcv = true;
    t->urg_taken = false;
    t->events |= GN_EV_URGENT; /* MUST-32: for the first and for each one that moves on */
}

int64_t tcp_recv_urgent(struct tcb *t, void *buf, size_t len, unsigned flags)
{
    uint32_t at;

    if (t->opts.oobinline || t->urg_taken || !tcp_mark(t, &at))
        return GN_E_INVALID;
    if (at >= t->rcvbuf.len && t->fin_rcvd)
        return GN_OK;
    if (at >= t->rcvbuf.len)
        return t->state == GN_CLOSED ? GN_E_NOT_CONNECTED : GN_E_WOULD_BLOCK;
    if (len == 0)
        return 0;
    ring_get(&t->rcvbuf, at, buf, 1);
    if (!(flags & GN_RECV_PEEK))
        t->urg_taken = true;
    return 1;
}
