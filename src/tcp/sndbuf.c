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
    return seq_eq(t->snd.una, t->snd.iss) ? seq_add(t->snd.iss, 1) : t->snd.una;
}

/* octets in the buffer that were never sent */
uint32_t sndbuf_unsent(const struct tcb *t)
{
    if (t->fin_sent || seq_eq(t->snd.nxt, t->snd.iss))
        return t->fin_sent ? 0 : t->sndbuf.len;
    return t->sndbuf.len - seq_span(sndbuf_base(t), t->snd.nxt);
}

uint32_t sndbuf_room(const struct tcb *t, const struct tcp_env *e)
{
    uint64_t lowat =
        t->opts.notsent_lowat != 0 ? t->opts.notsent_lowat : e->conf->tcp_notsent_lowat;

    if (t->sndbuf.len >= t->opts.sndbuf || sndbuf_unsent(t) >= lowat)
        return 0;
    return t->opts.sndbuf - t->sndbuf.len;
}

/* poll's notion: room for a third of the buffer, so that a writer is not woken for every octet */
bool sndbuf_writable(const struct tcb *t, const struct tcp_env *e)
{
    return sndbuf_room(t, e) >= t->opts.sndbuf / 3;
}
