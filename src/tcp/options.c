/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file options.c  Which options a segment carries, what was agreed on, and what is left for text
 * (TRAP-12).
 */
#include "tcp/internal.h"

#define MSS_DEFAULT_V4 536
#define MSS_DEFAULT_V6 1220
#define SACK_MSS_MIN   48 /* smaller segments leave no room for text beside SACK blocks */
#define OPT_TS_OCTETS  12 /* with its two NOPs */

/* the MSS that we announce: fixed headers only (MUST-14, MUST-67, OPT-MSS-1). The MTU is what the
 * interface can take at any time (SHLD-6) */
uint16_t options_mss(const struct tcp_env *e, const struct tcp_key *k, const struct tcb_opts *o)
{
    uint32_t mss = (uint32_t)e->mtu - e->mtu_headers - TCP_HEADER_MIN;

    (void)k;
    if (o->maxseg != 0)
        mss = min_u32(mss, o->maxseg);
    return (uint16_t)mss;
}

/* SendMSS: the peer's option or the default (MUST-15); absurdly small ones are raised (OPT-MSS-2,
 * MAL-12) */
uint16_t options_send_mss(const struct tcp_env *e, const struct seg *syn)
{
    uint32_t mss = addr_v4(&syn->key.raddr) ? MSS_DEFAULT_V4 : MSS_DEFAULT_V6;

    if (syn->opt.has & OPT_MSS)
        mss = syn->opt.mss;
    return (uint16_t)max_u32(mss, (uint32_t)e->conf->tcp_min_snd_mss);
}

/* room for options and text in one packet: min(SendMSS + 20, MMS_S) - 20 (MUST-16) */
static uint32_t room_after_header(const struct tcb *t, const struct tcp_env *e)
{
    uint32_t mtu = t->path_mtu != 0 ? min_u32(t->path_mtu, e->mtu) : e->mtu;
    uint32_t mss = t->send_mss;

    if (t->opts.maxseg != 0)
        mss = min_u32(mss, t->opts.maxseg);
    return min_u32(mss + TCP_HEADER_MIN, mtu - e->mtu_headers) - TCP_HEADER_MIN;
}

uint32_t tcp_mss(const struct tcb *t, const struct tcp_env *e)
{
    return room_after_header(t, e) - (t->ts_ok ? OPT_TS_OCTETS : 0);
}

/* path MTU, MSS option or option set changed (OPT-MSS-3) */
void options_mss_changed(struct tcb *t, const struct tcp_env *e)
{
    recovery_set_mss(&t->rec, &e->rec, tcp_mss(t, e));
}

/* the user has set options before our SYN has left: what it will announce follows them. Once it
 * has left, the window scale is fixed for life (OPT-WS-7) */
void options_before_syn(struct tcb *t, const struct tcp_env *e)
{
    if (t->state != GN_SYN_SENT || !seq_eq(t->snd.nxt, t->snd.iss))
        return;
    t->rcv.wscale = t->ws_ok ? window_shift(e, &t->opts) : 0;
    t->send_mss = options_mss(e, &t->key, &t->opts);
    options_mss_changed(t, e);
}

/* options of a SYN or SYN,ACK: MSS always (SHLD-5, MAY-3); in the latter only what the peer offered
 * (OPT-GEN-8) */
void options_syn(const struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    s->opt.has = OPT_MSS;
    s->opt.mss = options_mss(e, &t->key, &t->opts);
    if (t->ws_ok) {
        s->opt.has |= OPT_WSCALE;
        s->opt.wscale = t->rcv.wscale;
    }
    if (t->sack_ok)
        s->opt.has |= OPT_SACKOK;
    if (t->ts_ok) {
        s->opt.has |= OPT_TS;
        s->opt.tsval = ts_now(t, e);
        s->opt.tsecr = s->ctl & CTL_ACK ? t->ts.recent : 0; /* OPT-TS-3 */
    }
}

/* add a block unless it is there already. A FIN that waits behind text belongs to the block: it has
 * a sequence number, and the sender's last segment would not count as received without it */
static void add_block(const struct tcb *t, struct tcpopt *o, unsigned max, seq_t l, seq_t r)
{
    if (t->ooo_fin && seq_eq(r, t->fin_seq))
        r = seq_add(r, 1);
    for (unsigned i = 0; i < o->n_sack; i++)
        if (seq_eq(o->sack[i].l, l) && seq_eq(o->sack[i].r, r))
            return;
    if (o->n_sack < max)
        o->sack[o->n_sack++] = (struct tcpopt_sack){l, r};
}

/* RFC 2018 4: the newest first, a D-SACK before all (RFC 2883 4); CC-2018-2, CC-2018-3;
 * as many as find room beside the timestamps (CC-2018-4) */
static void sack_blocks(const struct tcb *t, struct tcpopt *o)
{
    unsigned max = t->ts_ok ? 3 : 4;

    if (!seq_eq(t->dsack.a, t->dsack.b))
        add_block(t, o, max, t->dsack.a, t->dsack.b);
    for (unsigned i = 0; i < sizeof t->sack / sizeof t->sack[0] && t->ooo.n > 0; i++) {
        const struct range *r = ranges_find(&t->ooo, t->sack[i].a);

        if (r != NULL)
            add_block(t, o, max, r->a, r->b);
    }
    for (unsigned i = t->ooo.n; i > 0 && o->n_sack < max; i--)
        add_block(t, o, max, t->ooo.r[i - 1].a, t->ooo.r[i - 1].b);
    if (t->ooo_fin && (t->ooo.n == 0 || seq_lt(t->ooo.r[t->ooo.n - 1].b, t->fin_seq)))
        add_block(t, o, max, t->fin_seq, t->fin_seq);
    if (o->n_sack > 0)
        o->has |= OPT_SACK;
}

/* options of any other segment with the ACK bit; @bare: without text */
void options_other(const struct tcb *t, const struct tcp_env *e, struct seg *s, bool bare)
{
    options_ts(t, s, tcp_ts_clock(e->now));
    if (t->sack_ok && t->rec.mss >= SACK_MSS_MIN && /* CC-2018-1 */
        (t->ooo.n > 0 || t->ooo_fin || !seq_eq(t->dsack.a, t->dsack.b)))
        sack_blocks(t, &s->opt);
    if (t->acc.on)
        accecn_option(t, e, &s->opt, bare);
}

/* the peer's SYN has come: keep what both sides want */
void options_negotiate(struct tcb *t, const struct tcp_env *e, const struct seg *syn)
{
    const struct tcpopt *o = &syn->opt;

    t->send_mss = options_send_mss(e, syn);
    t->ts_ok = t->ts_ok && (o->has & OPT_TS);
    t->sack_ok = t->sack_ok && (o->has & OPT_SACKOK);
    t->ws_ok = t->ws_ok && (o->has & OPT_WSCALE); /* OPT-WS-1: both or none */
    if (t->ws_ok)
        t->snd.wscale = o->wscale;
    else
        t->rcv.wscale = t->snd.wscale = 0;
    if (t->ts_ok) {
        t->ts.recent = o->tsval;
        t->ts.recent_at = e->now;
    }
    t->rec.sack_ok = t->sack_ok;
    pmtu_on_open(t, e);
    options_mss_changed(t, e);
}
