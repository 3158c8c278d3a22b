/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sockopt.c  Options of one connection, by number.
 */
#include "tcp/internal.h"

#define BUF_MIN 2048u
#define BUF_MAX (1u << 30)

/* a knob-sized number into a 32-bit field of seconds or milliseconds; 0 stays 0 (the default),
 * anything else is at least 1 */
static bool to_units(uint64_t ns, gn_time unit, uint32_t *ret)
{
    uint64_t v = (ns + unit - 1) / unit;

    if (v > UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

/* the flags */
static bool set_flag(struct tcb *t, const struct tcp_env *e, enum gn_opt o, bool on)
{
    struct tcb_opts *p = &t->opts;

    if (o == GN_OPT_NODELAY) {
        p->nodelay = on; /* what waits goes now, as on Linux even out of a corked bottle */
        t->sws_expired = t->sws_expired || (on && sndbuf_unsent(t) > 0);
    } else if (o == GN_OPT_CORK) {
        p->cork = on;
        t->sws_at = deadline_none();
    } else if (o == GN_OPT_QUICKACK) {
        p->quickack = on;
        t->interactive = !on; /* no ACK at once for its own sake: TCP_QUICKACK 0 of Linux */
        t->ack_now = t->ack_now || (on && deadline_armed(t->delack_at));
    } else if (o == GN_OPT_KEEPALIVE) {
        p->keepalive = on;
        t->keepalive_at = deadline_none();
        if (on && state_synchronised(t->state) && t->state != GN_TIME_WAIT)
            timeouts_on_established(t, e);
    } else if (o == GN_OPT_OOBINLINE) {
        p->oobinline = on;
    } else if (o == GN_OPT_REUSEADDR) {
        p->reuseaddr = on;
    } else if (o == GN_OPT_REUSEPORT) {
        p->reuseport = on;
    } else if (o == GN_OPT_V6ONLY) {
        p->v6only = on;
    } else if (o == GN_OPT_STATE_EVENTS) {
        p->state_events = on;
    } else if (o == GN_OPT_RECVERR) {
        p->recverr = on;
    } else if (o == GN_OPT_SOFT_ERRORS) { /* SHLD-20 */
        p->soft_errors = on;
    } else {
        return false;
    }
    return true;
}

/* a limit of what may wait to be sent was set: whoever waits for room must look, even if nothing
 * moves */
static void tell_room(struct tcb *t, const struct tcp_env *e)
{
    if (!state_synchronised(t->state) || !sndbuf_writable(t, e))
        return;
    t->want_write = false;
    t->events |= GN_EV_WRITABLE;
}

/* buffers: what is set by hand is no longer tuned */
static bool set_buffer(struct tcb *t, const struct tcp_env *e, enum gn_opt o, uint64_t v)
{
    uint64_t max = o == GN_OPT_SNDBUF ? e->conf->tcp_wmem_max : e->conf->tcp_rmem_max;
    uint32_t n = (uint32_t)min_u64(max_u64(v, BUF_MIN), min_u64(max, BUF_MAX));

    if (o == GN_OPT_SNDBUF) {
        t->opts.sndbuf = n;
        t->opts.sndbuf_fixed = true;
        tell_room(t, e);
    } else {
        t->opts.rcvbuf = n;
        t->opts.rcvbuf_fixed = true;
    }
    return true;
}

/* R2 of this connection, from now on (MUST-21) */
static bool set_user_timeout(struct tcb *t, uint64_t ns)
{
    if (ns == UINT64_MAX)
        t->opts.user_timeout_ms = UINT32_MAX;
    else if (ns > (UINT32_MAX - 1) * GN_MSEC)
        return false;
    else
        (void)to_units(ns, GN_MSEC, &t->opts.user_timeout_ms);
    t->user_at = deadline_none(); /* the next retransmission or probe arms it again */
    return true;
}

/* spans of time */
static bool set_time(struct tcb *t, const struct tcp_env *e, enum gn_opt o, uint64_t ns)
{
    struct tcb_opts *p = &t->opts;
    bool ok;

    if (o == GN_OPT_USER_TIMEOUT)
        return set_user_timeout(t, ns);
    if (o == GN_OPT_LINGER2)
        return to_units(ns, GN_MSEC, &p->linger2_ms);
    if (o == GN_OPT_DEFER_ACCEPT)
        return to_units(ns, GN_MSEC, &p->defer_accept_ms);
    if (ns == 0 || ns > 32767 * GN_SEC)
        return false;
    ok = o == GN_OPT_KEEPIDLE ? to_units(ns, GN_SEC, &p->keepidle_s)
                              : to_units(ns, GN_MSEC, &p->keepintvl_ms);
    if (ok && deadline_armed(t->keepalive_at)) /* MUST-27: from now on */
        timeouts_on_established(t, e);
    return ok;
}

/* GN_OPT_RCVLOWAT: a buffer that cannot hold so much would never be readable. Twice that, so that
 * the peer need not wait for the reader; but what was set by hand stays, and may be filled */
static void set_rcvlowat(struct tcb *t, const struct tcp_env *e, uint64_t v)
{
    struct tcb_opts *p = &t->opts;
    uint64_t most = p->rcvbuf_fixed ? p->rcvbuf : max_u64(p->rcvbuf, e->conf->tcp_rmem_max) / 2;

    p->rcvlowat = (uint32_t)clamp_u64(v, 1, most);
    t->events |= tcp_readiness(t, e) & GN_EV_READABLE; /* it may be reached by what is there */
    if (p->rcvbuf_fixed || 2 * p->rcvlowat <= p->rcvbuf)
        return;
    p->rcvbuf = 2 * p->rcvlowat;
    if (window_worth_telling(t, e))
        ack_at_once(t);
}

/* small numbers that are only remembered */
static bool set_small(struct tcb_opts *p, enum gn_opt o, uint64_t v)
{
    if (o == GN_OPT_KEEPCNT && v >= 1 && v <= 127)
        p->keepcnt = (uint8_t)v;
    else if (o == GN_OPT_SYNCNT && v >= 1 && v <= 127)
        p->syncnt = (uint8_t)v;
    else if (o == GN_OPT_TTL && v >= 1 && v <= 255) /* MUST-49 */
        p->ttl = (uint8_t)v;
    else if (o == GN_OPT_TOS && v <= 255) /* MUST-48, SHLD-21: may change at any time */
        p->tos = (uint8_t)(v & 0xfc);
    else if (o == GN_OPT_WINDOW_CLAMP && v <= UINT32_MAX)
        p->window_clamp = v ? (uint32_t)v : UINT32_MAX;
    else if (o == GN_OPT_PMTU && v < GN_PMTU_COUNT)
        p->pmtu = (uint8_t)v;
    else if (o == GN_OPT_FASTOPEN && v <= UINT16_MAX)
        p->fastopen = (uint16_t)v;
    else
        return false;
    return true;
}

/* numbers */
static bool set_number(struct tcb *t, const struct tcp_env *e, enum gn_opt o, uint64_t v)
{
    struct tcb_opts *p = &t->opts;

    if (o == GN_OPT_MAXSEG && (v == 0 || v >= e->conf->tcp_min_snd_mss) && v <= 65495) {
        p->maxseg = (uint16_t)v;
        if (state_synchronised(t->state))
            options_mss_changed(t, e);
    } else if (o == GN_OPT_CONGESTION && cc_name((unsigned)v) != NULL) {
        if (t->state != GN_CLOSED && p->cc != v)
            recovery_set_cc(&t->rec, &e->rec, (unsigned)v);
        p->cc = (uint8_t)v;
    } else if (o == GN_OPT_MAX_PACING_RATE) {
        p->max_pacing_rate = v < UINT32_MAX ? (uint32_t)v : 0;
        if (t->state != GN_CLOSED)
            return recovery_set_max_pacing(&t->rec, &e->rec, p->max_pacing_rate);
    } else if (o == GN_OPT_RCVLOWAT && v <= BUF_MAX) {
        set_rcvlowat(t, e, v);
    } else if (o == GN_OPT_NOTSENT_LOWAT && v <= UINT32_MAX) {
        p->notsent_lowat = (uint32_t)v;
        tell_room(t, e);
    } else if (o == GN_OPT_FASTOPEN_CONNECT && v <= 2) {
        p->fastopen_connect = (uint8_t)v;
        t->syn_waits = v == 2 && t->sndbuf.len == 0 && tcp_fastopen_room(t, e) > 0;
    } else {
        return set_small(p, o, v);
    }
    return true;
}

enum gn_err tcp_set_option(struct tcb *t, const struct tcp_env *e, enum gn_opt o, uint64_t value)
{
    bool ok = false;

    switch (o) {
    case GN_OPT_NODELAY:
    case GN_OPT_CORK:
    case GN_OPT_QUICKACK:
    case GN_OPT_KEEPALIVE:
    case GN_OPT_OOBINLINE:
    case GN_OPT_REUSEADDR:
    case GN_OPT_REUSEPORT:
    case GN_OPT_V6ONLY:
    case GN_OPT_STATE_EVENTS:
    case GN_OPT_RECVERR:
    case GN_OPT_SOFT_ERRORS: ok = value <= 1 && set_flag(t, e, o, value != 0); break;
    case GN_OPT_SNDBUF:
    case GN_OPT_RCVBUF: ok = set_buffer(t, e, o, value); break;
    case GN_OPT_KEEPIDLE:
    case GN_OPT_KEEPINTVL:
    case GN_OPT_USER_TIMEOUT:
    case GN_OPT_LINGER2:
    case GN_OPT_DEFER_ACCEPT: ok = set_time(t, e, o, value); break;
    case GN_OPT_KEEPCNT:
    case GN_OPT_SYNCNT:
    case GN_OPT_RCVLOWAT:
    case GN_OPT_NOTSENT_LOWAT:
    case GN_OPT_MAXSEG:
    case GN_OPT_CONGESTION:
    case GN_OPT_PMTU:
    case GN_OPT_MAX_PACING_RATE:
    case GN_OPT_FASTOPEN:
    case GN_OPT_FASTOPEN_CONNECT:
    case GN_OPT_WINDOW_CLAMP:
    case GN_OPT_TTL:
    case GN_OPT_TOS: ok = set_number(t, e, o, value); break;
    case GN_OPT_COUNT: return GN_E_UNSUPPORTED;
    }
    options_before_syn(t, e);
    return ok ? GN_OK : GN_E_INVALID;
}

enum gn_err tcp_get_option(const struct tcb *t, const struct tcp_env *e, enum gn_opt o,
                           uint64_t *ret)
{
    const struct tcb_opts *p = &t->opts;
    const struct gn_conf *c = e->conf;

    switch (o) {
    case GN_OPT_NODELAY: *ret = p->nodelay; break;
    case GN_OPT_CORK: *ret = p->cork; break;
    case GN_OPT_QUICKACK: *ret = p->quickack || !t->interactive; break;
    case GN_OPT_KEEPALIVE: *ret = p->keepalive; break;
    case GN_OPT_KEEPIDLE:
        *ret = p->keepidle_s != 0 ? p->keepidle_s * GN_SEC : c->tcp_keepalive_time;
        break;
    case GN_OPT_KEEPINTVL:
        *ret = p->keepintvl_ms != 0 ? p->keepintvl_ms * GN_MSEC : c->tcp_keepalive_intvl;
        break;
    case GN_OPT_KEEPCNT: *ret = p->keepcnt != 0 ? p->keepcnt : c->tcp_keepalive_probes; break;
    case GN_OPT_SYNCNT: *ret = p->syncnt != 0 ? p->syncnt : c->tcp_syn_retries; break;
    case GN_OPT_USER_TIMEOUT: *ret = timeouts_user(t, e); break;
    case GN_OPT_LINGER2:
        *ret = p->linger2_ms != 0 ? p->linger2_ms * GN_MSEC : c->tcp_fin_timeout;
        break;
    case GN_OPT_SNDBUF: *ret = p->sndbuf; break;
    case GN_OPT_RCVBUF: *ret = p->rcvbuf; break;
    case GN_OPT_RCVLOWAT: *ret = p->rcvlowat; break;
    case GN_OPT_NOTSENT_LOWAT:
        *ret = p->notsent_lowat != 0 ? p->notsent_lowat : c->tcp_notsent_lowat;
        break;
    case GN_OPT_WINDOW_CLAMP: *ret = p->window_clamp == UINT32_MAX ? 0 : p->window_clamp; break;
    case GN_OPT_MAXSEG:
        *ret = t->state == GN_CLOSED          ? p->maxseg
               : state_synchronised(t->state) ? t->rec.mss
                                              : options_mss(e, &t->key, p);
        break;
    case GN_OPT_CONGESTION: *ret = p->cc; break;
    case GN_OPT_MAX_PACING_RATE: *ret = p->max_pacing_rate; break;
    case GN_OPT_TTL: *ret = p->ttl; break;
    case GN_OPT_TOS: *ret = p->tos; break;
    case GN_OPT_OOBINLINE: *ret = p->oobinline; break;
    case GN_OPT_REUSEADDR: *ret = p->reuseaddr; break;
    case GN_OPT_REUSEPORT: *ret = p->reuseport; break;
    case GN_OPT_DEFER_ACCEPT: *ret = p->defer_accept_ms * GN_MSEC; break;
    case GN_OPT_STATE_EVENTS: *ret = p->state_events; break;
    case GN_OPT_V6ONLY: *ret = p->v6only; break;
    case GN_OPT_FASTOPEN: *ret = p->fastopen; break;
    case GN_OPT_FASTOPEN_CONNECT: *ret = p->fastopen_connect; break;
    case GN_OPT_RECVERR: *ret = p->recverr; break;
    case GN_OPT_PMTU: *ret = p->pmtu; break;
    case GN_OPT_SOFT_ERRORS: *ret = p->soft_errors; break;
    case GN_OPT_COUNT: return GN_E_UNSUPPORTED;
    }
    return GN_OK;
}
