/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sndbuf.c  Sequence numbers and the send buffer. SYN and FIN are octets of the stream that
 * take no room in it (TRAP-04).
 */
#include "tcp/internal.h"

/* sequence number of the first octet of the send buffer */
seq_t sndbuf_base(const struct tcb *t)
{
    /* our SYN stands before it until it is acknowledged */
    return syn_unacked(t) ? seq_add(t->snd.iss, 1) : t->snd.una;
}

/* octets in the buffer that were never sent */
uint32_t sndbuf_unsent(const struct tcb *t)
{
    if (t->fin_sent || syn_unsent(t))
        return t->fin_sent ? 0 : t->sndbuf.len;
    return t->sndbuf.len - seq_span(sndbuf_base(t), t->snd.nxt);
}

/* how much may wait unsent (GN_OPT_NOTSENT_LOWAT, tcp_notsent_lowat) */
static uint64_t unsent_limit(const struct tcb *t, const struct tcp_env *e)
{
    if (t->opts.notsent_lowat != 0)
        return t->opts.notsent_lowat;
    return max_u64(e->conf->tcp_notsent_lowat, 1);
}

/* octets that SEND takes now; a full segment at least while the limits are not reached */
uint32_t sndbuf_room(const struct tcb *t, const struct tcp_env *e)
{
    uint64_t limit = unsent_limit(t, e);
    uint32_t unsent = sndbuf_unsent(t);

    if (t->sndbuf.len >= t->opts.sndbuf || unsent >= limit)
        return 0;
    return (uint32_t)min_u64(t->opts.sndbuf - t->sndbuf.len, max_u64(limit - unsent, t->rec.mss));
}

/*
 * room for @want octets more, or for as much of that as there is memory for: half of it, and so on,
 * at last what the buffer that there is has room for (SEC-MEM-3); 0: none
 */
uint32_t sndbuf_reserve(struct tcb *t, const struct tcp_env *e, uint32_t want)
{
    struct ring *r = &t->sndbuf;

    while (want > r->cap - r->len && !ring_reserve(r, e->mem, r->len + want, r->len))
        want /= 2;
    return want;
}

/* poll's notion: room for a third of the buffer, so that a writer is not woken for every octet */
bool sndbuf_writable(const struct tcb *t, const struct tcp_env *e)
{
    return t->sndbuf.len <= t->opts.sndbuf - t->opts.sndbuf / 3 &&
           sndbuf_unsent(t) < unsent_limit(t, e);
}

/* who was told that there is no room hears when there is some again */
void sndbuf_tell(struct tcb *t, const struct tcp_env *e)
{
    if (!t->want_write || !sndbuf_writable(t, e))
        return;
    t->want_write = false;
    t->events |= GN_EV_WRITABLE;
}
