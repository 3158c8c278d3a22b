/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file option.c  getsockopt() and setsockopt().
 *
 * Most options are a number that the host keeps for a connection or listener; a table gives level,
 * name, unit and bounds. What is set while there is neither is remembered and applied when there
 * is. The others belong to the socket and have a case each.
 */
#define _GNU_SOURCE

#include "base/bits.h"
#include "socket/sock.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/time.h>

#define WINDOW_CLAMP_MIN 1152 /* of Linux: half of the least receive buffer */

enum unit {
    UNIT_FLAG,
    UNIT_NUMBER,
    UNIT_LOWAT,
    UNIT_BUFFER,
    UNIT_S,
    UNIT_MS,
    UNIT_LINGER2,
    UNIT_DEFER,
    UNIT_HOPS,
    UNIT_TOS
};

struct row {
    int level, name;
    enum gn_opt opt;
    enum unit unit;
    int min, max;
};

static const struct row rows[] = {
    {SOL_SOCKET, SO_KEEPALIVE, GN_OPT_KEEPALIVE, UNIT_FLAG, INT_MIN, INT_MAX},
    {SOL_SOCKET, SO_OOBINLINE, GN_OPT_OOBINLINE, UNIT_FLAG, INT_MIN, INT_MAX},
    {SOL_SOCKET, SO_RCVLOWAT, GN_OPT_RCVLOWAT, UNIT_LOWAT, INT_MIN, INT_MAX},
    {SOL_SOCKET, SO_RCVBUF, GN_OPT_RCVBUF, UNIT_BUFFER, INT_MIN, INT_MAX},
    {SOL_SOCKET, SO_SNDBUF, GN_OPT_SNDBUF, UNIT_BUFFER, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_NODELAY, GN_OPT_NODELAY, UNIT_FLAG, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_CORK, GN_OPT_CORK, UNIT_FLAG, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_QUICKACK, GN_OPT_QUICKACK, UNIT_FLAG, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_MAXSEG, GN_OPT_MAXSEG, UNIT_NUMBER, 0, 32767},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, GN_OPT_WINDOW_CLAMP, UNIT_NUMBER, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_KEEPIDLE, GN_OPT_KEEPIDLE, UNIT_S, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPINTVL, GN_OPT_KEEPINTVL, UNIT_S, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPCNT, GN_OPT_KEEPCNT, UNIT_NUMBER, 1, 127},
    {IPPROTO_TCP, TCP_SYNCNT, GN_OPT_SYNCNT, UNIT_NUMBER, 1, 127},
    {IPPROTO_TCP, TCP_LINGER2, GN_OPT_LINGER2, UNIT_LINGER2, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, GN_OPT_DEFER_ACCEPT, UNIT_DEFER, INT_MIN, INT_MAX},
    {IPPROTO_TCP, TCP_FASTOPEN, GN_OPT_FASTOPEN, UNIT_NUMBER, 0, INT_MAX},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, GN_OPT_USER_TIMEOUT, UNIT_MS, 0, INT_MAX},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, GN_OPT_NOTSENT_LOWAT, UNIT_NUMBER, INT_MIN, INT_MAX},
    {IPPROTO_IP, IP_TTL, GN_OPT_TTL, UNIT_HOPS, -1, 255},
    {IPPROTO_IP, IP_RECVERR, GN_OPT_RECVERR, UNIT_FLAG, INT_MIN, INT_MAX},
    {IPPROTO_IP, IP_MTU_DISCOVER, GN_OPT_PMTU, UNIT_NUMBER, 0, GN_PMTU_COUNT - 1},
    {IPPROTO_IPV6, IPV6_RECVERR, GN_OPT_RECVERR, UNIT_FLAG, INT_MIN, INT_MAX},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, GN_OPT_PMTU, UNIT_NUMBER, 0, GN_PMTU_COUNT - 1},
    {IPPROTO_IP, IP_TOS, GN_OPT_TOS, UNIT_TOS, INT_MIN, INT_MAX},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, GN_OPT_TTL, UNIT_HOPS, -1, 255},
    {IPPROTO_IPV6, IPV6_TCLASS, GN_OPT_TOS, UNIT_TOS, -1, 255},
};

/** row_find() - NULL: none of the table's */
static const struct row *row_find(int level, int name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].level == level && rows[i].name == name)
            return &rows[i];
    return NULL;
}

/** default_of() - what an option is as long as nobody has set it */
static uint64_t default_of(const struct gn_conf *c, enum gn_opt o)
{
    switch (o) {
    case GN_OPT_NODELAY: return c->tcp_nodelay;
    case GN_OPT_KEEPIDLE: return c->tcp_keepalive_time;
    case GN_OPT_KEEPINTVL: return c->tcp_keepalive_intvl;
    case GN_OPT_KEEPCNT: return c->tcp_keepalive_probes;
    case GN_OPT_SYNCNT: return c->tcp_syn_retries;
    case GN_OPT_USER_TIMEOUT: return c->tcp_user_timeout;
    case GN_OPT_LINGER2: return c->tcp_fin_timeout;
    case GN_OPT_SNDBUF: return c->tcp_wmem_default;
    case GN_OPT_RCVBUF: return c->tcp_rmem_default;
    case GN_OPT_NOTSENT_LOWAT: return c->tcp_notsent_lowat;
    case GN_OPT_CONGESTION: return c->tcp_congestion_control;
    case GN_OPT_TTL: return c->ip_default_ttl;
    case GN_OPT_MAXSEG: return 536;
    case GN_OPT_PMTU: return GN_PMTU_WANT;
    case GN_OPT_QUICKACK:
    case GN_OPT_SOFT_ERRORS:
    case GN_OPT_RCVLOWAT: return 1;
    case GN_OPT_CORK:
    case GN_OPT_KEEPALIVE:
    case GN_OPT_TOS:
    case GN_OPT_OOBINLINE:
    case GN_OPT_REUSEADDR:
    case GN_OPT_REUSEPORT:
    case GN_OPT_DEFER_ACCEPT:
    case GN_OPT_STATE_EVENTS:
    case GN_OPT_RECVERR:
    case GN_OPT_V6ONLY:
    case GN_OPT_FASTOPEN:
    case GN_OPT_FASTOPEN_CONNECT:
    case GN_OPT_MAX_PACING_RATE:
    case GN_OPT_WINDOW_CLAMP:
    case GN_OPT_COUNT: return 0;
    }
    return 0;
}

/** value_of() - an option as it is now */
static uint64_t value_of(const struct sock *sk, enum gn_opt o)
{
    const struct gn_host *h = sk->stack->host;
    uint64_t v;

    if (sk->phase != PHASE_IDLE && gn_host_get_option(h, sk->handle, o, &v) == GN_OK)
        return v;
    return sk->opt_set >> o & 1 ? sk->opt[o] : default_of(gn_host_conf(h), o);
}

/** set_value() - remember it, and tell the host if it knows the socket */
static int set_value(struct sock *sk, enum gn_opt o, uint64_t v)
{
    struct gn_stack *st = sk->stack;

    if (sk->phase != PHASE_IDLE) {
        enum gn_err err = gn_host_set_option(st->host, sk->handle, o, v, stack_now(st));

        if (err != GN_OK)
            return sock_errno(err);
        st->dirty = true;
    }
    sk->opt_set |= 1u << o;
    sk->opt[o] = v;
    return 0;
}

void option_apply(struct sock *sk)
{
    struct gn_stack *st = sk->stack;
    gn_time t = stack_now(st);

    for (unsigned o = 0; o < GN_OPT_COUNT; o++)
        if (sk->opt_set >> o & 1)
            (void)gn_host_set_option(st->host, sk->handle, (enum gn_opt)o, sk->opt[o], t);
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_REUSEADDR, sk->reuseaddr, t);
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_REUSEPORT, sk->reuseport, t);
    (void)gn_host_set_option(st->host, sk->handle, GN_OPT_V6ONLY, sk->v6only, t);
}

/** closed() - no connection, or none any more, and no listener */
static bool closed(const struct sock *sk)
{
    struct gn_stack *st = sk->stack;
    struct gn_status s;

    return sk->phase == PHASE_IDLE ||
           (gn_host_status(st->host, sk->handle, stack_now(st), &s) == GN_OK &&
            s.state == GN_CLOSED);
}

/** lowat() - SO_RCVLOWAT: 1 at least, and no more than a buffer set by hand, else half of the
 * largest. Linux takes half of either, but of its own number, twice what was set */
static uint64_t lowat(const struct sock *sk, int v)
{
    uint64_t most = sk->opt_set >> GN_OPT_RCVBUF & 1
                        ? value_of(sk, GN_OPT_RCVBUF)
                        : gn_host_conf(sk->stack->host)->tcp_rmem_max / 2;

    return clamp_u64(v < 0 ? UINT64_MAX : (uint64_t)v, 1, most);
}

/** defer_time() - TCP_DEFER_ACCEPT in seconds, as Linux rounds it: up to when a SYN,ACK would be
 * sent again */
static gn_time defer_time(const struct gn_conf *c, int v)
{
    gn_time wait = c->tcp_rto_initial, sum = wait;

    if (v <= 0)
        return 0;
    for (unsigned n = 1; sum < (gn_time)v * GN_SEC && n < UINT8_MAX; n++) {
        wait = min_u64(2 * wait, c->tcp_rto_max);
        sum += wait;
    }
    return sum;
}

/** set_number() - a number that is one for us, too, within the bounds that Linux has for it */
static int set_number(struct sock *sk, const struct row *r, int v)
{
    uint64_t n = (uint32_t)v;

    if (r->opt == GN_OPT_MAXSEG && v && v < 88)
        return -EINVAL;
    if (r->opt == GN_OPT_WINDOW_CLAMP) {
        if (v == 0 && !closed(sk))
            return -EINVAL;
        n = v ? (uint64_t)(v < WINDOW_CLAMP_MIN ? WINDOW_CLAMP_MIN : v) : 0;
    }
    if (r->opt == GN_OPT_FASTOPEN) {
        if (sk->phase != PHASE_LISTENING && !closed(sk))
            return -EINVAL;
        n = min_u64(min_u64(n, gn_host_conf(sk->stack->host)->somaxconn), UINT16_MAX);
    }
    return set_value(sk, r->opt, n);
}

/** set_row() - an option of the table */
static int set_row(struct sock *sk, const struct row *r, int v)
{
    const struct gn_conf *c = gn_host_conf(sk->stack->host);

    if (v < r->min || v > r->max)
        return -EINVAL;
    switch (r->unit) {
    case UNIT_FLAG: return set_value(sk, r->opt, v != 0);
    case UNIT_NUMBER: return set_number(sk, r, v);
    case UNIT_LOWAT: return set_value(sk, r->opt, lowat(sk, v));
    /* Linux clips what is too small or too large, and no error */
    case UNIT_BUFFER:
        return set_value(sk, r->opt,
                         clamp_u64(v < 0 ? UINT32_MAX : (uint64_t)v, 2304,
                                   r->opt == GN_OPT_RCVBUF ? c->tcp_rmem_max : c->tcp_wmem_max));
    case UNIT_S: return set_value(sk, r->opt, (gn_time)v * GN_SEC);
    case UNIT_MS: return set_value(sk, r->opt, (gn_time)v * GN_MSEC);
    case UNIT_LINGER2: /* negative: no FIN-WAIT-2 without a user at all */
        return set_value(sk, r->opt, v < 0 ? GN_MSEC : min_u64((gn_time)v, 120) * GN_SEC);
    case UNIT_DEFER: return set_value(sk, r->opt, defer_time(c, v));
    case UNIT_TOS: /* the ECN bits are TCP's */
        return set_value(sk, r->opt, r->level == IPPROTO_IPV6 && v < 0 ? 0 : (unsigned)v & 0xfc);
    case UNIT_HOPS:
        if (v == 0)
            return -EINVAL;
        return set_value(sk, r->opt, v < 0 ? c->ip_default_ttl : (uint64_t)v);
    }
    return -ENOPROTOOPT;
}

/** get_row() - the value of an option of the table, as Linux would say it */
static int get_row(const struct sock *sk, const struct row *r)
{
    uint64_t v = value_of(sk, r->opt);
    uint64_t fallback = default_of(gn_host_conf(sk->stack->host), r->opt);

    switch (r->unit) {
    case UNIT_FLAG:
    case UNIT_NUMBER:
    case UNIT_LOWAT:
    case UNIT_TOS:
    case UNIT_HOPS: break;
    case UNIT_BUFFER: v *= 2; break; /* Linux doubles what was set, for its book-keeping */
    case UNIT_DEFER:
    case UNIT_S: v /= GN_SEC; break;
    case UNIT_MS: v /= GN_MSEC; break;
    case UNIT_LINGER2: return v == GN_MSEC ? -1 : (int)((v ? v : fallback) / GN_SEC);
    }
    if (r->opt == GN_OPT_MAXSEG && !v)
        return (int)fallback;
    if (r->opt == GN_OPT_NOTSENT_LOWAT) /* Linux: 0 unless the socket has a limit of its own */
        return sk->opt_set >> r->opt & 1 && sk->opt[r->opt] ? (int)(uint32_t)v : 0;
    return (int)min_u64(v, INT_MAX);
}

int option_error(struct sock *sk)
{
    struct gn_stack *st = sk->stack;
    struct gn_status s;
    enum gn_err e;

    if (sk->phase == PHASE_IDLE) {
        int err = sk->error;

        sk->error = 0;
        return err;
    }
    e = gn_host_error(st->host, sk->handle);
    /* a reset after the peer's FIN is a broken pipe on Linux */
    if (e == GN_E_RESET && gn_host_status(st->host, sk->handle, stack_now(st), &s) == GN_OK &&
        s.n_history && s.history[s.n_history - 1].from == GN_CLOSE_WAIT)
        return EPIPE;
    return -sock_errno(e);
}

/** so_error() - SO_ERROR: the pending error or, as on Linux, without one what ICMP has said of the
 * path of a connection that goes on (SHLD-25), unless IP_RECVERR has made it the pending error
 * then; it is cleared */
static int so_error(struct sock *sk)
{
    int err = option_error(sk);

    if (err || sk->phase == PHASE_IDLE || sk->opt[GN_OPT_RECVERR])
        return err;
    return -sock_errno(gn_host_soft_error(sk->stack->host, sk->handle));
}

/** give() - @n octets at @p to the user, cut to *len */
static int give(void *value, socklen_t *len, const void *p, size_t n)
{
    *len = min_u32(*len, (uint32_t)n);
    memcpy(value, p, *len);
    return 0;
}

/** give_int() - a number */
static int give_int(void *value, socklen_t *len, int v)
{
    return give(value, len, &v, sizeof(v));
}

/** algorithm_name() - of tcp_congestion_control's number, as Linux has it */
static const char *algorithm_name(uint64_t cc)
{
    static const char *const names[] = {"reno", "cubic", "bbr"};

    return cc < sizeof(names) / sizeof(names[0]) ? names[cc] : "";
}

/** give_algorithm() - TCP_CONGESTION: at most 16 octets with the zero */
static int give_algorithm(const struct sock *sk, void *value, socklen_t *len)
{
    char text[16] = {0};

    snprintf(text, sizeof(text), "%s", algorithm_name(value_of(sk, GN_OPT_CONGESTION)));
    return give(value, len, text, sizeof(text));
}

/** set_algorithm() - by name; -ENOENT: none of ours */
static int set_algorithm(struct sock *sk, const char *value, socklen_t len)
{
    struct gn_conf c = *gn_host_conf(sk->stack->host);
    char text[16] = {0};

    if (len < 1)
        return -EINVAL;
    memcpy(text, value, min_u32(len, sizeof(text) - 1));
    if ((text[0] >= '0' && text[0] <= '9') ||
        gn_conf_set(&c, "tcp_congestion_control", text) != GN_OK)
        return -ENOENT;
    return set_value(sk, GN_OPT_CONGESTION, c.tcp_congestion_control);
}

/** set_max_pacing() - SO_MAX_PACING_RATE: 32 or 64 bits, all ones for no limit */
static int set_max_pacing(struct sock *sk, const void *value, socklen_t len)
{
    uint32_t v = 0;
    uint64_t wide;

    if (len < sizeof(v))
        return -EINVAL;
    if (len < sizeof(wide)) {
        memcpy(&v, value, sizeof(v));
        return set_value(sk, GN_OPT_MAX_PACING_RATE, v);
    }
    memcpy(&wide, value, sizeof(wide));
    return set_value(sk, GN_OPT_MAX_PACING_RATE, wide);
}

/** give_max_pacing() - the same back */
static int give_max_pacing(const struct sock *sk, void *value, socklen_t *len)
{
    uint64_t wide = value_of(sk, GN_OPT_MAX_PACING_RATE);
    uint32_t v;

    wide = wide && wide < UINT32_MAX ? wide : UINT64_MAX;
    v = (uint32_t)wide;
    return *len < sizeof(wide) ? give(value, len, &v, sizeof(v))
                               : give(value, len, &wide, sizeof(wide));
}

/** set_timeout() - SO_RCVTIMEO, SO_SNDTIMEO; 0 is for ever */
static int set_timeout(gn_time *t, const void *value, socklen_t len)
{
    struct timeval tv;

    if (len < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, value, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    if (tv.tv_sec < 0)
        *t = GN_NSEC; /* Linux: do not wait */
    else if ((uint64_t)tv.tv_sec > UINT32_MAX)
        *t = 0;
    else
        *t = (gn_time)tv.tv_sec * GN_SEC + (gn_time)tv.tv_usec * GN_USEC;
    return 0;
}

/** give_timeout() - the same back */
static int give_timeout(gn_time t, void *value, socklen_t *len)
{
    struct timeval tv = {.tv_sec = (time_t)(t / GN_SEC),
                         .tv_usec = (suseconds_t)(t % GN_SEC / GN_USEC)};

    return give(value, len, &tv, sizeof(tv));
}

/** set_linger() - SO_LINGER */
static int set_linger(struct sock *sk, const void *value, socklen_t len)
{
    struct linger l;

    if (len < sizeof(l))
        return -EINVAL;
    memcpy(&l, value, sizeof(l));
    sk->linger = l.l_onoff != 0;
    if (sk->linger) /* off: the time stays, as on Linux */
        sk->linger_s = l.l_linger < 0 ? INT_MAX : (unsigned)l.l_linger;
    return 0;
}

/** set_reuse() - SO_REUSEADDR, SO_REUSEPORT: judged here, remembered by the host for what is
 * accepted */
static int set_reuse(struct sock *sk, enum gn_opt o, bool on)
{
    struct gn_stack *st = sk->stack;

    *(o == GN_OPT_REUSEADDR ? &sk->reuseaddr : &sk->reuseport) = on;
    if (sk->phase != PHASE_IDLE)
        (void)gn_host_set_option(st->host, sk->handle, o, on, stack_now(st));
    return 0;
}

/** set_int() - the socket's own options that are a number */
static int set_int(struct sock *sk, int level, int name, int v)
{
    if (level == SOL_SOCKET && name == SO_REUSEADDR)
        return set_reuse(sk, GN_OPT_REUSEADDR, v != 0);
    if (level == SOL_SOCKET && name == SO_REUSEPORT)
        return set_reuse(sk, GN_OPT_REUSEPORT, v != 0);
    if (level == IPPROTO_TCP && name == TCP_FASTOPEN_CONNECT) {
        if (v < 0 || v > 1)
            return -EINVAL;
        if (!(gn_host_conf(sk->stack->host)->tcp_fastopen & 1))
            return -EOPNOTSUPP;
        if (sk->phase != PHASE_IDLE)
            return -EINVAL;
        sk->fastopen_connect = v != 0;
        return 0;
    }
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && sk->v6) {
        if (sk->bound || sk->phase != PHASE_IDLE)
            return -EINVAL;
        sk->v6only = v != 0;
        return 0;
    }
    return -ENOPROTOOPT;
}

/** has_level() - are there options at this level? IPv6's are not for AF_INET */
static bool has_level(const struct sock *sk, int level)
{
    return level == SOL_SOCKET || level == IPPROTO_TCP || level == IPPROTO_IP ||
           (level == IPPROTO_IPV6 && sk->v6);
}

/** set_call() - setsockopt(2) */
static int set_call(struct sock *sk, int level, int name, const void *value, socklen_t len)
{
    const struct row *r = row_find(level, name);
    int v = 0;

    if (len > INT_MAX) /* negative, for those who have an int */
        return -EINVAL;
    if (!has_level(sk, level))
        return -ENOPROTOOPT;
    if (!value)
        return -EFAULT;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(sk, value, len);
    if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        return set_timeout(&sk->rcvtimeo, value, len);
    if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        return set_timeout(&sk->sndtimeo, value, len);
    if (level == SOL_SOCKET && name == SO_MAX_PACING_RATE)
        return set_max_pacing(sk, value, len);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return set_algorithm(sk, value, len);
    if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY)
        return fastopen_set_key(sk, value, len);
    if (level == IPPROTO_IP && len < sizeof(v))
        v = len ? *(const uint8_t *)value : 0; /* Linux takes an octet at this level, or nothing */
    else if (len < sizeof(v))
        return -EINVAL;
    else
        memcpy(&v, value, sizeof(v));
    return r ? set_row(sk, r, v) : set_int(sk, level, name, v);
}

/** give_meminfo() - SO_MEMINFO: what the queues hold and may hold, in Linux's order of numbers */
static int give_meminfo(const struct sock *sk, void *value, socklen_t *len)
{
    struct gn_status s = {.state = GN_CLOSED};
    uint32_t n[9] = {0};

    if (sk->phase != PHASE_IDLE)
        (void)gn_host_status(sk->stack->host, sk->handle, stack_now(sk->stack), &s);
    n[0] = s.state == GN_LISTEN ? 0 : s.recv_q;
    n[1] = (uint32_t)value_of(sk, GN_OPT_RCVBUF);
    n[2] = n[5] = s.state == GN_LISTEN ? 0 : s.send_q;
    n[3] = (uint32_t)value_of(sk, GN_OPT_SNDBUF);
    return give(value, len, n, sizeof(n));
}

/** get_socket() - SOL_SOCKET, what the table does not have */
static int get_socket(struct sock *sk, int name, void *value, socklen_t *len)
{
    struct linger l = {.l_onoff = sk->linger, .l_linger = (int)sk->linger_s};

    switch (name) {
    case SO_ERROR: return give_int(value, len, so_error(sk));
    case SO_TYPE: return give_int(value, len, SOCK_STREAM);
    case SO_DOMAIN: return give_int(value, len, sk->v6 ? AF_INET6 : AF_INET);
    case SO_PROTOCOL: return give_int(value, len, IPPROTO_TCP);
    case SO_ACCEPTCONN: return give_int(value, len, sk->phase == PHASE_LISTENING);
    case SO_REUSEADDR: return give_int(value, len, sk->reuseaddr);
    case SO_REUSEPORT: return give_int(value, len, sk->reuseport);
    case SO_LINGER: return give(value, len, &l, sizeof(l));
    case SO_MEMINFO: return give_meminfo(sk, value, len);
    case SO_RCVTIMEO: return give_timeout(sk->rcvtimeo, value, len);
    case SO_SNDTIMEO: return give_timeout(sk->sndtimeo, value, len);
    case SO_MAX_PACING_RATE: return give_max_pacing(sk, value, len);
    default: return -ENOPROTOOPT;
    }
}

/** give_mtu() - IP_MTU: that of the path, known only to who is connected */
static int give_mtu(struct sock *sk, void *value, socklen_t *len)
{
    struct gn_status s;

    if ((sk->phase != PHASE_CONNECTED && sk->phase != PHASE_CONNECTING) ||
        gn_host_status(sk->stack->host, sk->handle, stack_now(sk->stack), &s) != GN_OK)
        return -ENOTCONN;
    return give_int(value, len, (int)s.path_mtu);
}

/** get_call() - getsockopt(2) */
static int get_call(struct sock *sk, int level, int name, void *value, socklen_t *len)
{
    const struct row *r = row_find(level, name);

    if (!value || !len)
        return -EFAULT;
    if (*len > INT_MAX)
        return -EINVAL;
    if (!has_level(sk, level))
        return sk->v6 ? -ENOPROTOOPT : -EOPNOTSUPP;
    if (r) {
        int v = get_row(sk, r);

        if (level == IPPROTO_IP && *len < sizeof(v) && v >= 0 && v <= UINT8_MAX)
            *len = min_u32(*len, 1); /* an octet, as it is taken */
        return give_int(value, len, v);
    }
    if (level == SOL_SOCKET)
        return get_socket(sk, name, value, len);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return give_algorithm(sk, value, len);
    if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY)
        return give(value, len, sk->fastopen_key, sk->fastopen_key_len);
    if (level == IPPROTO_TCP && name == TCP_FASTOPEN_CONNECT)
        return give_int(value, len, sk->fastopen_connect);
    if (level == IPPROTO_TCP && name == TCP_INFO)
        return tcpinfo_get(sk, value, len);
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && sk->v6)
        return give_int(value, len, sk->v6only);
    if ((level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU))
        return give_mtu(sk, value, len);
    return -ENOPROTOOPT;
}

int gn_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct sock *sk = call_begin(fd);

    return sk ? (int)call_end(sk, set_call(sk, level, name, value, len)) : -1;
}

int gn_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct sock *sk = call_begin(fd);

    return sk ? (int)call_end(sk, get_call(sk, level, name, value, len)) : -1;
}
