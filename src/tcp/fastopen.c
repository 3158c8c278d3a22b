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
 * The client's SYN takes text along if the host knows a cookie. What the SYN,ACK does not
 * acknowledge of it is sent again at once, and a SYN that has to be sent again goes without option
 * and text, in case something on the path cannot bear them. The text of a SYN may be delivered
 * twice (a SYN that is sent again after the connection is over), so both ends have to want this
 * (OPT-TFO-1, OPT-TFO-6).
 */
#include "tcp/internal.h"

/* a cookie is good in the slot that it was made in and in the next (OPT-TFO-1) */
#define COOKIE_SLOT (12 * 3600 * GN_SEC)

/* MSS assumed for the text of a SYN to a peer whose MSS is not known (RFC 7413 4.1.2.1) */
#define SYN_MSS_V4 536
#define SYN_MSS_V6 1220

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
    uint64_t c = cookie(e, k, e->now / COOKIE_SLOT);

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
    if (c == cookie(e, &syn->key, slot))
        return TFO_COOKIE_GOOD;
    return slot > 0 && c == cookie(e, &syn->key, slot - 1) ? TFO_COOKIE_OLD : TFO_COOKIE_NONE;
}

enum gn_err tcp_open_fast(struct tcb *t, const struct tcp_env *e, const struct seg *syn,
                          bool new_cookie)
{
    struct arrival a = {.t = t, .e = e, .s = *syn};
    struct rec_env re = rec_env(e);
    struct half_open h;

    half_open_init(&h, e, syn, 0);
    half_open_inherit(t, e, &h);
    t->snd.una = t->snd.nxt = t->snd.up = t->snd.iss; /* our SYN is still to be sent */
    recovery_init(&t->rec, &re, t->snd.iss, tcp_mss(t, e), t->opts.cc);
    t->rec.sack_ok = t->sack_ok;
    if (!recovery_reserve(&t->rec, &re, 1))
        return GN_E_NO_MEMORY;
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
    return GN_OK;
}

/* does this SYN of ours, the first of its connection, have to do with Fast Open? */
static bool wanted(const struct tcb *t, const struct tcp_env *e)
{
    return t->opts.fastopen_connect != 0 && (e->conf->tcp_fastopen & 1) && e->cookie != NULL &&
           !e->cookie->refused;
}

bool tcp_fastopen_ready(const struct tcb *t, const struct tcp_env *e)
{
    return t->state == GN_SYN_SENT && seq_eq(t->snd.nxt, t->snd.iss) && wanted(t, e) &&
           e->cookie->len > 0;
}

/**
 * fastopen_syn() - the option for our first SYN, and text to go with it
 *
 * Returns octets of text. Without a cookie one is asked for, and there is no text (OPT-TFO-1).
 */
uint32_t fastopen_syn(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    const struct tfo_cookie *c = e->cookie;
    uint32_t mss = gn_addr_is_v4(&t->key.raddr) ? SYN_MSS_V4 : SYN_MSS_V6, n;

    if (!wanted(t, e))
        return 0;
    s->opt.has |= OPT_TFO;
    s->opt.tfo_len = c->len;
    memcpy(s->opt.tfo, c->octets, c->len);
    t->fast_tried = true;
    if (c->len == 0)
        return 0;
    if (c->mss != 0)
        mss = c->mss;
    /* with the SYN's octet it has to be one record of the log of transmissions */
    mss = min_u32(mss + TCP_HEADER_MIN, e->mtu - (uint32_t)e->mtu_headers) - tcp_header_len(s);
    n = min_u32(min_u32(mss, t->rec.mss - 1), t->sndbuf.len);
    s->text_len = n;
    s->n_text = (uint8_t)ring_span(&t->sndbuf, 0, n, s->text);
    if (n > 0 && n == t->sndbuf.len)
        s->ctl |= CTL_PSH;
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
