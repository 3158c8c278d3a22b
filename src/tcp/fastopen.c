/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fastopen.c  TCP Fast Open (RFC 7413): text with the SYN.
 *
 * Theory of operation. The server gives a client a cookie, a keyed function of both addresses and
 * of a slot of time, and keeps nothing. A SYN that brings the cookie back makes a whole block in
 * SYN-RECEIVED, with its text readable and its answers sent before the third ACK; the host bounds
 * how many such blocks there are. Any other SYN that has the option gets a half-open entry, as
 * always, and a cookie with its SYN,ACK.
 *
 * The keys of cookies are the host's own and change with time, unless somebody sets them
 * (TCP_FASTOPEN_KEY): then they stay, one to make cookies and one more to know those of before.
 *
 * The client's SYN takes text along if the host knows a cookie, or if it shall do without
 * (TFO_CLIENT_NO_COOKIE: for networks where all trust each other: OPT-TFO-1 binds the server that
 * wants one). What the SYN,ACK does not acknowledge of it is sent again at once, and a SYN that has
 * to be sent again goes without option and text, in case something on the path cannot bear them.
 * The text of a SYN may be delivered twice (a SYN that is sent again after the connection is over),
 * so both ends have to want this (OPT-TFO-1, OPT-TFO-6).
 */
#include "tcp/internal.h"

/* a cookie is good in the slot that it was made in and in the next (OPT-TFO-1) */
#define COOKIE_SLOT (12 * 3600 * GN_SEC)

/* MSS assumed for the text of a SYN to a peer that has given a cookie, but no MSS (RFC 7413
 * 4.1.2.1) */
#define SYN_MSS_V4 536
#define SYN_MSS_V6 1220

/* the cookie of a client by a key that was set: as Linux makes it, so that servers behind one
 * address know each other's */
static uint64_t cookie_by_key(const struct siphash_key *key, const struct tcp_key *k)
{
    uint32_t from = gn_addr_is_v4(&k->raddr) ? 12 : 0, n = 16 - from;
    uint8_t in[32];
    uint64_t c, swapped = 0;

    memcpy(in, k->raddr.b + from, n);
    memcpy(in + n, k->laddr.b + from, n);
    c = siphash24(key, in, 2 * n);
    for (unsigned i = 0; i < 8; i++)
        swapped = swapped << 8 | (c >> 8 * i & 0xff);
    return swapped;
}

/* the cookie of a client in a slot */
static uint64_t cookie(const struct tcp_env *e, const struct tcp_key *k, uint64_t slot)
{
    struct {
        struct gn_addr client, server;
        uint64_t slot;
    } in = {k->raddr, k->laddr, slot};

    return siphash24(&e->secrets->tfo, &in, sizeof in);
}

void fastopen_cookie(const struct tcp_env *e, const struct tcp_key *k, struct tcpopt *ret)
{
    uint64_t c =
        e->tfo->n > 0 ? cookie_by_key(&e->tfo->k[0], k) : cookie(e, k, e->now / COOKIE_SLOT);

    ret->has |= OPT_TFO;
    ret->tfo_len = TFO_COOKIE;
    put32(put32(ret->tfo, (uint32_t)(c >> 32)), (uint32_t)c);
}

enum tfo_cookie_verdict tcp_cookie_check(const struct tcp_env *e, const struct seg *syn)
{
    uint64_t slot = e->now / COOKIE_SLOT, c;

    if (syn->opt.tfo_len != TFO_COOKIE)
        return TFO_COOKIE_NONE;
    c = (uint64_t)get32(syn->opt.tfo) << 32 | get32(syn->opt.tfo + 4);
    if (e->tfo->n > 0) {
        if (c == cookie_by_key(&e->tfo->k[0], &syn->key))
            return TFO_COOKIE_GOOD;
        return e->tfo->n > 1 && c == cookie_by_key(&e->tfo->k[1], &syn->key) ? TFO_COOKIE_OLD
                                                                             : TFO_COOKIE_NONE;
    }
    if (c == cookie(e, &syn->key, slot))
        return TFO_COOKIE_GOOD;
    return slot > 0 && c == cookie(e, &syn->key, slot - 1) ? TFO_COOKIE_OLD : TFO_COOKIE_NONE;
}

void tcp_open_fast(struct tcb *t, const struct tcp_env *e, const struct seg *syn, bool new_cookie)
{
    struct arrival a = {.t = t, .e = e, .s = *syn};
    struct half_open h;
    uint32_t ts_offset = half_open_init(&h, e, syn, &t->opts, 0);
    bool room;

    half_open_inherit(t, e, &h, ts_offset, seq(h.iss)); /* our SYN is still to be sent */
    room = recovery_reserve(&t->rec, &e->rec, 1);       /* the first record needs no memory */
    ASSERT(room);
    t->snd.wnd = t->snd.max_wnd = syn->wnd; /* OPT-WS-2: not scaled */
    t->snd.wl1 = syn->seq;
    t->snd.wl2 = t->snd.iss;
    tcb_descend(t);
    tcb_enter(t, e, GN_SYN_RECEIVED, GN_CAUSE_FAST_OPEN);
    t->fast_child = true;
    t->cookie_due = new_cookie;
    t->synack_again = true;
    t->segs_in++;
    strip_syn(&a.s);
    text_with_syn(&a); /* OPT-TFO-2: the SYN,ACK covers it */
    t->syn_text = seq_gt(t->rcv.nxt, a.s.seq);
    e->stats->TCPFastOpenPassive++;
}

/* does this SYN of ours, the first of its connection, have to do with Fast Open? */
static bool wanted(const struct tcb *t, const struct tcp_env *e)
{
    return t->opts.fastopen_connect != 0 && (e->conf->tcp_fastopen & TFO_CLIENT) &&
           e->cookie != NULL && !e->cookie->refused;
}

uint32_t tcp_fastopen_room(const struct tcb *t, const struct tcp_env *e)
{
    const struct tfo_cookie *c = e->cookie;
    uint32_t mss = gn_addr_is_v4(&t->key.raddr) ? SYN_MSS_V4 : SYN_MSS_V6;

    if (t->state != GN_SYN_SENT || !seq_eq(t->snd.nxt, t->snd.iss) || !wanted(t, e))
        return 0;
    if (c->len == 0 && !(e->conf->tcp_fastopen & TFO_CLIENT_NO_COOKIE))
        return 0;
    if (c->mss != 0 || c->len == 0)
        mss = c->mss != 0 ? c->mss : UINT16_MAX;
    if (t->opts.maxseg != 0)
        mss = min_u32(mss, t->opts.maxseg);
    mss = min_u32(mss, (uint32_t)e->mtu - e->mtu_headers - TCP_HEADER_MIN);
    mss = max_u32(mss, TCPOPT_MAX + 1) - TCPOPT_MAX;
    return min_u32(mss, t->rec.mss); /* one record of the log of transmissions */
}

/**
 * fastopen_syn() - the option for our first SYN, and text to go with it
 *
 * Returns octets of text. Without a cookie one is asked for, and there is no text (OPT-TFO-1).
 */
uint32_t fastopen_syn(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    uint32_t n;

    if (!wanted(t, e))
        return 0;
    n = min_u32(tcp_fastopen_room(t, e), t->sndbuf.len);
    t->fast_tried = true;
    if (!(e->conf->tcp_fastopen & TFO_CLIENT_NO_COOKIE)) {
        s->opt.has |= OPT_TFO;
        s->opt.tfo_len = e->cookie->len;
        memcpy(s->opt.tfo, e->cookie->octets, e->cookie->len);
    }
    if (n == 0 || !recovery_reserve(&t->rec, &e->rec, 2)) /* the SYN, and what goes with it */
        return 0;
    s->text_len = n;
    s->n_text = (uint8_t)ring_span(&t->sndbuf, 0, n, s->text);
    if (n == t->sndbuf.len)
        s->ctl |= CTL_PSH; /* MUST-61 */
    t->bytes_sent += n;
    e->stats->OutOctets += n;
    e->stats->TCPFastOpenActive++;
    return n;
}

/* our SYN is acknowledged: what went with it and is not is to be sent again at once (OPT-TFO-4) */
void fastopen_answered(struct tcb *t, const struct tcp_env *e)
{
    if (!t->fast_tried)
        return;
    t->syn_text = seq_gt(t->snd.una, seq_add(t->snd.iss, 1));
    if (seq_eq(t->snd.una, t->snd.nxt))
        return;
    e->stats->TCPFastOpenActiveFail++;
    recovery_lose_all(&t->rec);
}
