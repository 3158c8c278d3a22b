/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file half_open.c  SYN-RECEIVED of a passive open: 64 octets instead of a block (SEC-4987-2),
 * until the ACK of our SYN makes one.
 */
#include "tcp/internal.h"

/* the options that our end wants by the knobs, a set of HALF_OPEN_OPTIONS */
static uint8_t options_offered(const struct gn_conf *c)
{
    return (uint8_t)((c->tcp_timestamps != 0) * HALF_OPEN_TS + (c->tcp_sack != 0) * HALF_OPEN_SACK +
                     (c->tcp_window_scaling != 0) * HALF_OPEN_WSCALE);
}

/* all of a SYN but our ISS */
void half_open_take(struct half_open *h, const struct tcp_env *e, const struct seg *syn,
                    const struct tcb_opts *opts, uint16_t listener)
{
    const struct gn_conf *c = e->conf;
    const struct tcpopt *o = &syn->opt;

    *h = (struct half_open){.key = syn->key, .irs = syn->seq.raw, .listener = listener};
    h->mss = options_send_mss(e, syn);
    h->flags = o->has & options_offered(c);
    if (h->flags & HALF_OPEN_TS)
        h->ts_recent = o->tsval;
    if (h->flags & HALF_OPEN_WSCALE) {
        h->wscale = o->wscale & 15u;
        h->rcv_wscale = window_shift(e, opts) & 15u; /* from now on (OPT-WS-7) */
    }
    switch (accecn_offered(e, syn->ctl)) {
    case ECN_OFFER_NONE: break;
    case ECN_OFFER_CLASSIC: h->flags |= HALF_OPEN_ECN; break; /* CC-3168-1; AE is ignored */
    case ECN_OFFER_ACCURATE:
        h->accecn = true; /* CC-9768-1 */
        h->syn_ecn = syn->ecn & 3u;
        break;
    }
}

uint32_t half_open_init(struct half_open *h, const struct tcp_env *e, const struct seg *syn,
                        const struct tcb_opts *o, uint16_t listener)
{
    uint32_t ts_offset;

    half_open_take(h, e, syn, o, listener);
    h->iss = tcp_numbers(e, &syn->key, &ts_offset).raw;
    return ts_offset;
}

uint16_t half_open_window(const struct half_open *h, const struct tcb_opts *o)
{
    uint32_t wnd = min_u32(min_u32(o->rcvbuf, o->window_clamp), UINT16_MAX);

    return (uint16_t)(h->old_wnd ? max_u32(wnd, o->syn_wnd) : wnd);
}

/* a segment of this half-open connection, without options, in @s, which is clear */
static void half_open_segment(const struct half_open *h, const struct tcb_opts *o, seq_t at,
                              uint16_t ctl, struct seg *s)
{
    s->key = h->key;
    s->seq = at;
    s->ack = seq(h->irs + 1);
    s->ctl = ctl;
    s->ttl = o->ttl;
    s->tos = o->tos;
    s->wnd = half_open_window(h, o);
    s->fragment = pmtu_fragment(o);
}

static void add_timestamp(const struct half_open *h, const struct tcp_env *e, uint32_t offset,
                          struct seg *s)
{
    if (!(h->flags & HALF_OPEN_TS))
        return;
    s->opt.has |= OPT_TS;
    s->opt.tsval = tcp_ts_clock(e->now) + offset;
    s->opt.tsecr = h->ts_recent;
}

void half_open_reply(const struct half_open *h, const struct tcp_env *e, const struct tcb_opts *o)
{
    half_open_reply_with(h, e, o, h->flags & HALF_OPEN_TS ? tcp_ts_offset(e, &h->key) : 0);
}

void half_open_reply_with(const struct half_open *h, const struct tcp_env *e,
                          const struct tcb_opts *o, uint32_t ts_offset)
{
    struct seg *s = env_reply_new(e);

    if (!s)
        return;
    half_open_segment(h, o, seq(h->iss), CTL_SYN | CTL_ACK, s);
    if (h->flags & HALF_OPEN_ECN)
        s->ctl |= CTL_ECE;
    s->opt.has = OPT_MSS | (h->flags & HALF_OPEN_OPTIONS); /* what the SYN offered (OPT-GEN-8) */
    s->opt.mss = options_mss(e, &h->key, o);
    s->opt.wscale = h->rcv_wscale;
    add_timestamp(h, e, ts_offset, s);
    if (h->flags & HALF_OPEN_COOKIE)
        fastopen_cookie(e, &h->key, &s->opt);
    if (h->accecn && h->retries < 2)
        s->ctl |= accecn_answer(h->syn_ecn);
    if (h->accecn && h->retries == 0 && !(h->flags & HALF_OPEN_REXMIT))
        accecn_option_syn(e, &s->opt); /* what is sent again goes without (3.2.3.2) */
}

/* may this segment be answered? What is empty, or the SYN of another connection, three times for
 * each SYN,ACK of ours and no more: two half-open connections of one tuple, made by forged SYNs,
 * would answer each other for ever (SEC-5961-6, MAL-29) */
static bool may_answer(struct half_open *h, const struct tcp_env *e, const struct seg *s)
{
    if (e->conf->tcp_invalid_ratelimit == 0 || (seg_len(s) > 0 && !(s->ctl & CTL_SYN)))
        return true;
    if (h->answers == 3) {
        e->stats->TCPACKSkipped++;
        return false;
    }
    h->answers = (h->answers + 1u) & 3;
    return true;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> in answer to @to; false: one too many */
static bool half_open_ack(struct half_open *h, const struct tcp_env *e, const struct seg *to,
                          const struct tcb_opts *o)
{
    struct seg *s;

    if (!may_answer(h, e, to))
        return false;
    s = env_reply_new(e);
    if (!s)
        return true;
    half_open_segment(h, o, seq(h->iss + 1), CTL_ACK, s);
    s->wnd = (uint16_t)(s->wnd >> h->rcv_wscale);
    if (h->accecn) /* nothing was counted yet (CC-9768-2); 0 would say that the path clears ACE */
        s->ctl |= accecn_flags(ACCECN_CEP_INIT);
    add_timestamp(h, e, tcp_ts_offset(e, &h->key), s);
    return true;
}

/* timestamps before the window (PAWS), in the form of step 1 */
static enum gn_drop half_open_ts(struct half_open *h, const struct tcp_env *e, const struct seg *s,
                                 const struct tcb_opts *o)
{
    if (!(h->flags & HALF_OPEN_TS) || (s->ctl & CTL_RST))
        return GN_DROP_NONE;
    if (!(s->opt.has & OPT_TS))
        return GN_DROP_NO_TIMESTAMP;
    if ((int32_t)(s->opt.tsval - h->ts_recent) >= 0)
        return GN_DROP_NONE;
    e->stats->PAWSEstab++;
    (void)half_open_ack(h, e, s, o);
    return GN_DROP_PAWS;
}

/* step 1: the window is what our SYN,ACK announced */
static bool half_open_acceptable(const struct half_open *h, const struct seg *s,
                                 const struct tcb_opts *o)
{
    seq_t nxt = seq(h->irs + 1);
    uint32_t len = seg_len(s), wnd = half_open_window(h, o);

    if (len == 0) /* as in arrives_other.c */
        return seq_in(s->seq, nxt, wnd + 1);
    return seq_in(s->seq, nxt, wnd) || seq_in(seq_add(s->seq, len - 1), nxt, wnd);
}

/* step 2, by the sequence number alone (SG-10): back to LISTEN, the user hears nothing (SG-07) */
static enum gn_drop half_open_reset(struct half_open *h, const struct tcp_env *e,
                                    const struct seg *s, const struct tcb_opts *o,
                                    enum half_open_verdict *ret)
{
    seq_t nxt = seq(h->irs + 1);

    if (!seq_in(s->seq, nxt, half_open_window(h, o)))
        return GN_DROP_RST_OUT_OF_WINDOW;
    if (!seq_eq(s->seq, nxt)) {
        (void)half_open_ack(h, e, s, o);
        return GN_DROP_RST_CHALLENGED;
    }
    *ret = HALF_OPEN_DELETE;
    return GN_DROP_RST_ACCEPTED;
}

/* what kinds of ECN the SYNs so far have asked for: a set of enum ecn_offer. Where the first was
 * plain, none is agreed on, no SYN,ACK tells how the latest came, and syn_ecn has room for it */
static unsigned asked_for(const struct half_open *h)
{
    if (h->accecn)
        return ECN_OFFER_ACCURATE;
    return h->flags & HALF_OPEN_ECN ? ECN_OFFER_CLASSIC : (unsigned)h->syn_ecn;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>, which a peer in any state takes */
static void half_open_refuse(const struct half_open *h, const struct tcp_env *e,
                             const struct tcb_opts *o)
{
    struct seg *s = env_reply_new(e);

    if (!s)
        return;
    half_open_segment(h, o, seq(h->iss + 1), CTL_RST | CTL_ACK, s);
    s->wnd = 0;
    add_timestamp(h, e, tcp_ts_offset(e, &h->key), s);
}

/* the SYN again: our SYN,ACK was lost (SC-LIS-10) */
static enum gn_drop half_open_again(struct half_open *h, const struct tcp_env *e,
                                    const struct seg *s, const struct tcb_opts *o,
                                    enum half_open_verdict *ret)
{
    unsigned asked = asked_for(h) | accecn_offered(e, s->ctl);

    if (asked ==
        ECN_OFFER_BOTH) { /* CC-9768-5: neither end could know what the other makes of it */
        half_open_refuse(h, e, o);
        *ret = HALF_OPEN_DELETE;
        return GN_DROP_SYN_ECN_MIXED;
    }
    h->flags |= HALF_OPEN_REXMIT;
    h->syn_ecn = (h->accecn ? s->ecn : asked) & 3u; /* the first decides, the latest is told */
    h->no_ect |= accecn_ace(s->ctl) == 0 || (!h->accecn && (accecn_ace(s->ctl) & 3) != 3);
    half_open_reply(h, e, o);
    return GN_DROP_SYN_DUPLICATE;
}

enum gn_drop half_open_arrives(struct half_open *h, const struct tcp_env *e, const struct seg *s,
                               const struct tcb_opts *o, enum half_open_verdict *ret)
{
    enum gn_drop d;

    *ret = HALF_OPEN_KEEP;
    if ((s->ctl & (CTL_SYN | CTL_ACK | CTL_RST)) == CTL_SYN && seq_eq(s->seq, seq(h->irs)))
        return half_open_again(h, e, s, o, ret);
    if ((d = half_open_ts(h, e, s, o)) != GN_DROP_NONE)
        return d;
    if (s->ctl & CTL_RST)
        return half_open_reset(h, e, s, o, ret);
    if (!half_open_acceptable(h, s, o)) {
        (void)half_open_ack(h, e, s, o);
        return seq_lt(s->seq, seq(h->irs + 1)) ? GN_DROP_OLD_SEQ : GN_DROP_BEYOND_WINDOW;
    }
    if (s->ctl & CTL_SYN) { /* RFC 5961 4 rather than RFC 9293's return to LISTEN: a stranger cannot
                               end it (SG-11) */
        if (challenge_allowed(e) && half_open_ack(h, e, s, o))
            e->stats->TCPChallengeACK++;
        return GN_DROP_SYN_CHALLENGED;
    }
    if (!(s->ctl & CTL_ACK))
        return GN_DROP_NO_ACK_BIT;
    if (!seq_eq(s->ack, seq(h->iss + 1))) {
        reset_in_reply(e, s);
        return GN_DROP_ACK_UNACCEPTABLE;
    }
    *ret = HALF_OPEN_ESTABLISH;
    return GN_DROP_NONE;
}

/* what SYN and SYN,ACK have said of ECN */
static __attribute__((noinline)) void inherit_ecn(struct tcb *t, const struct half_open *h)
{
    t->ecn_ok = h->flags & HALF_OPEN_ECN;
    t->acc.no_ect = t->ecn_ok && h->no_ect; /* RFC 3168 6.1.1 */
    t->acc.asked = asked_for(h) & ECN_OFFER_BOTH;
    if (h->accecn) {
        accecn_begin(t, h->syn_ecn);
        t->acc.no_ect = h->no_ect || h->retries >= 2; /* our last SYN,ACKs were without */
    }
}

/* what the half-open connection knew becomes a block in SYN-RECEIVED; @una: our SYN's number if it
 * is still to be sent, the one after it if it is about to be acknowledged */
void half_open_inherit(struct tcb *t, const struct tcp_env *e, const struct half_open *h,
                       uint32_t ts_offset, seq_t una)
{
    t->passive = true; /* MUST-11 */
    t->snd.iss = seq(h->iss);
    t->snd.una = t->snd.nxt = t->snd.up = una;
    t->rcv.irs = seq(h->irs);
    t->rcv.nxt = t->rcv.acked = t->rcv.up = seq(h->irs + 1);
    t->rcv.edge = t->rcv.max_edge = seq_add(t->rcv.nxt, half_open_window(h, &t->opts));
    t->opts.syn_wnd = 0;
    t->send_mss = h->mss;
    t->ts_ok = h->flags & HALF_OPEN_TS;
    t->sack_ok = h->flags & HALF_OPEN_SACK;
    t->ws_ok = h->flags & HALF_OPEN_WSCALE;
    if ((h->flags & HALF_OPEN_ECN) || h->accecn || h->syn_ecn) /* else nobody has asked for it */
        inherit_ecn(t, h);
    t->rcv.wscale = h->rcv_wscale;
    t->snd.wscale = t->ws_ok ? h->wscale : 0;
    t->ts.offset = ts_offset;
    t->ts.recent = h->ts_recent;
    t->ts.recent_at = e->now;
    pmtu_on_open(t, e);
    recovery_init(&t->rec, &e->rec, t->snd.una, tcp_mss(t, e), t->opts.cc);
    (void)recovery_set_max_pacing(&t->rec, &e->rec, t->opts.max_pacing_rate);
    t->rec.sack_ok = t->sack_ok;
    t->created = t->last_in = e->now;
}

/* how long the SYN,ACK took to be acknowledged; 0 if it is not known which one was (CC-6298-6). The
 * stamp is rounded up, so an ACK may seem to come before it */
static gn_time half_open_rtt(const struct half_open *h, const struct tcp_env *e)
{
    uint32_t units = (uint32_t)(e->now >> 8) - half_open_stamp(h);

    if (h->retries != 0 || (h->flags & HALF_OPEN_REXMIT))
        return 0;
    return units > INT32_MAX ? 1 : max_u64((gn_time)units << 8, 1);
}

/* SYN-RECEIVED: an entry's was counted, and told of, when it was made; nobody has heard of a
 * cookie's */
static void enter_syn_received(struct tcb *t, const struct tcp_env *e, enum gn_cause cause)
{
    if (cause == GN_CAUSE_COOKIE_ACK) {
        tcb_descend(t);
        tcb_enter(t, e, GN_SYN_RECEIVED, cause);
    } else {
        tcb_adopt(t, e);
    }
}

void tcp_open_half(struct tcb *t, const struct tcp_env *e, const struct half_open *h,
                   uint32_t ts_offset, const struct seg *s, enum gn_cause cause)
{
    struct arrival a;
    gn_time rtt;

    half_open_inherit(t, e, h, ts_offset, seq(h->iss + 1));
    enter_syn_received(t, e, cause);
    t->snd.wnd = t->snd.max_wnd = (uint32_t)s->wnd << t->snd.wscale;
    t->snd.wl1 = s->seq;
    t->snd.wl2 = s->ack;
    /* An echo that is none of ours opens the connection all the same: RFC 7323 asks for a good ACK
     * field only. Linux refuses it since 6.15, but lets 0 pass, as one must; so who guesses needs
     * not guess it, and what a middlebox has spoilt would be lost. A cookie remembers no time */
    if (!ts_rtt(t, e, s, &rtt))
        rtt = cause == GN_CAUSE_COOKIE_ACK ? 0 : half_open_rtt(h, e);
    recovery_on_open(&t->rec, &e->rec, h->retries, rtt);
    tcb_enter(t, e, GN_ESTABLISHED, GN_CAUSE_ACK_OF_SYN);
    t->events |= GN_EV_CONNECTED | GN_EV_WRITABLE;
    timeouts_on_established(t, e);
    t->acc.asked = 0;            /* the handshake is over */
    if (predicted_text(t, e, s)) /* a request, as a rule */
        return;
    arrival_begin(&a, t, e, s);
    ts_update(t, e, &a.s);
    accecn_third_ack(t, &a.s);
    if (t->acc.on)
        accecn_received(&a);
    t->segs_in += seg_on_wire(s);
    (void)step6_to_8(&a);
}
